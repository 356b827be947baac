//! Plimsoll finds the highest rate that an HTTP service sustains.
