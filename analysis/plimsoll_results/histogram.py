"""Whole distributions of times, as the result file carries them."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from .errors import ResultError

HIGHEST_US = 3_600_000_000
"""Greatest time that is kept apart: one hour, in microseconds."""
DIGITS = 3
"""Significant decimal digits of a time."""


class Histogram:
    """Times from 1 µs to 1 h at three digits; longer ones count as one hour.

    Percentiles are those of the tool to the last digit: the value at rank ``ceil(q * samples)`` of the sorted times, and
    ``None`` with fewer than ``1 / (1 - q)`` samples. (`hdrh` by itself rounds that rank to the nearest one.)
    """

    def __init__(self, inner: HdrHistogram | None = None) -> None:
        """Wraps a decoded histogram in µs; an empty one without."""
        self._inner = inner if inner is not None else HdrHistogram(1, HIGHEST_US, DIGITS)

    @classmethod
    def decode(cls, encoded: str) -> Histogram:
        """The histogram in a text of the encoding ``HdrHistogram V2 deflate base64``.

        Raises `ResultError` when the text is none.
        """
        try:
            return cls(HdrHistogram.decode(encoded))
        except Exception as error:  # The package raises six unrelated kinds, those of zlib and base64 among them.
            raise ResultError(f"a histogram of the result cannot be decoded: {error}") from error

    @classmethod
    def merged(cls, parts: Iterable[Histogram]) -> Histogram:
        """All times of the parts together."""
        whole = cls()
        for part in parts:
            whole._inner.add(part._inner)
        return whole

    @property
    def samples(self) -> int:
        """Number of times."""
        return int(self._inner.get_total_count())

    @property
    def max_ms(self) -> float | None:
        """The longest time in milliseconds; ``None`` without samples."""
        return self._inner.get_max_value() / 1000 if self.samples else None

    def rank_ms(self, rank: int) -> float | None:
        """The time at ``rank`` of the sorted times, counted from 1, in milliseconds; ``None`` beyond them."""
        if not 1 <= rank <= self.samples:
            return None
        return float(self._inner.get_value_at_percentile(100 * rank / self.samples)) / 1000

    def quantile_ms(self, quantile: float) -> float | None:
        """The ``quantile`` (0..1) in milliseconds; ``None`` where the samples cannot carry it."""
        if self.samples * (1 - quantile) < 1 - 1e-9:
            return None
        return self.rank_ms(max(math.ceil(quantile * self.samples), 1))

    def recorded(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Each time that occurred in milliseconds, ascending, and how often it did."""
        counts = np.array(self._inner.counts, dtype=np.int64)
        indices = np.flatnonzero(counts)
        values_us = [
            self._inner.get_highest_equivalent_value(self._inner.get_value_from_index(int(index))) for index in indices
        ]
        return np.array(values_us, dtype=np.float64) / 1000, counts[indices]

    def ecdf(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Each time that occurred in milliseconds, ascending, and the share (0..1) of times up to it."""
        values_ms, counts = self.recorded()
        return values_ms, np.cumsum(counts) / max(self.samples, 1)

    def ratio_from(self, edge_ms: float) -> float | None:
        """The share (0..1) of times of at least ``edge_ms``; ``None`` without samples."""
        values_ms, counts = self.recorded()
        return float(counts[values_ms >= edge_ms].sum()) / self.samples if self.samples else None

    def percentile_curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The curve of all percentiles that the samples carry: ``1 / (1 - q)``, and the time at ``q`` in milliseconds.

        On a logarithmic first axis the 90th, 99th and 99.9th percentile lie equally far apart. The longest time is left
        out: no number of samples carries the 100th percentile.
        """
        values_ms, shares = self.ecdf()
        if not self.samples:
            return np.array([]), np.array([])
        # A time is that of every percentile from the share below it to its own.
        below = np.concatenate([[0.0], shares[:-1]])
        carried = below < 1 - 1 / self.samples + 1e-12
        ends = np.minimum(shares[carried], 1 - 1 / self.samples)
        inverse = np.column_stack([1 / (1 - below[carried]), 1 / (1 - ends)]).ravel()
        return inverse, np.repeat(values_ms[carried], 2)

    def __len__(self) -> int:
        return self.samples

    def __repr__(self) -> str:
        return f"Histogram(samples={self.samples}, p50_ms={self.quantile_ms(0.5)}, max_ms={self.max_ms})"
