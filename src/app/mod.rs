//! Wires everything.

pub mod conduct;
