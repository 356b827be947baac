"""Rows as data frames whose columns have the same types in every run, an empty one included."""

from __future__ import annotations

import pandas as pd

from .record import Record
from .stream import ENDINGS

TEXTS = {"trial", "purpose", "workload", "arrivals", "stopped", "verdict", "reasons", "id", "after", "name"}
FLAGS = {"ended_early", "is_measured", "is_lost"}
COUNTS = {"scheduled", *ENDINGS, "connects", "resent", "t_s", "offered", "failed", "in_flight", "probes", "unknown"}


def frame(rows: list[Record], columns: list[str]) -> pd.DataFrame:
    """The rows as a frame: counts are whole numbers, all other figures floats with ``NaN`` for what was not measured."""
    made = pd.DataFrame(rows, columns=columns, dtype=object)
    return made.astype({column: _type(column) for column in columns})


def _type(column: str) -> str:
    if column in TEXTS:
        return "object"
    if column in FLAGS:
        return "bool"
    return "int64" if column in COUNTS or column.endswith("_samples") else "float64"
