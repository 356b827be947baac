"""Is one set of measurements lower than another? Tests and intervals that say when there is too little to tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from .histogram import Histogram
from .stream import Stream

RESAMPLES = 2000
SEED = 20260701
"""Of the resampling, so that a notebook says the same each time."""


@dataclass(frozen=True)
class Difference:
    """What repeats of two runs say of each other."""

    ratio: float
    """Median of the second divided by that of the first."""
    low_ratio: float
    """Lower end of its 95 % bootstrap interval."""
    high_ratio: float
    """Upper end of it."""
    p_value: float
    """Two-sided, of the Mann-Whitney U test."""
    least_p_value: float
    """The least that so many repeats can give."""

    @property
    def is_decidable(self) -> bool:
        """Whether so many repeats can reach a p-value of 0.05 at all."""
        return self.least_p_value <= 0.05

    def sentence(self) -> str:
        """What it means in one line."""
        if not self.is_decidable:
            return f"not enough repeats: the least p-value they can give is {self.least_p_value:.2g}"
        word = "a difference" if self.p_value <= 0.05 else "no difference can be told"
        low, high = 100 * (self.low_ratio - 1), 100 * (self.high_ratio - 1)
        return f"{word}: p = {self.p_value:.2g}, change of the median between {low:+.1f} % and {high:+.1f} %"


def least_p_value(first: int, second: int) -> float:
    """The least two-sided p-value that the Mann-Whitney U test can give for so many values without ties; 0..1."""
    return min(2 / math.comb(first + second, first), 1.0)


def compare_repeats(first: Sequence[float], second: Sequence[float]) -> Difference | None:
    """Two sets of repeats against each other; ``None`` where one of them is empty."""
    if not first or not second:
        return None
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    ratio, (low, high) = float(np.median(b) / np.median(a)), _resampled_ratio(a, b)
    p_value = float(mannwhitneyu(a, b, alternative="two-sided").pvalue)
    return Difference(ratio, low, high, p_value, least_p_value(len(a), len(b)))


def _resampled_ratio(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]:
    chance = np.random.default_rng(SEED)
    medians_a = np.median(chance.choice(a, (RESAMPLES, len(a))), axis=1)
    medians_b = np.median(chance.choice(b, (RESAMPLES, len(b))), axis=1)
    low, high = np.quantile(medians_b / medians_a, [0.025, 0.975])
    return float(low), float(high)


def second_curves(stream: Stream) -> list[Histogram]:
    """Response times second by second, of the seconds in which anything ended."""
    return list(stream.second_histograms().values())


def quantile_ratio(
    first: Sequence[Histogram], second: Sequence[Histogram], quantile: float
) -> tuple[float, float, float] | None:
    """A percentile of the second divided by that of the first, with the ends of its 95 % interval.

    Whole seconds are drawn anew, since the times within a second depend on each other. The interval covers the scatter
    within the two trials and not that between runs: only repeats do. ``None`` where the samples carry no such percentile.
    """
    table_a, table_b = _Table.of(first), _Table.of(second)
    if table_a is None or table_b is None:
        return None
    whole_a, whole_b = table_a.quantile(None, quantile), table_b.quantile(None, quantile)
    if whole_a is None or whole_b is None or whole_a <= 0:
        return None
    chance = np.random.default_rng(SEED)
    ratios = []
    for _ in range(RESAMPLES // 4):
        a, b = table_a.quantile(chance, quantile), table_b.quantile(chance, quantile)
        if a and b:
            ratios.append(b / a)
    if len(ratios) < RESAMPLES // 8:
        return None
    low, high = np.quantile(ratios, [0.025, 0.975])
    return whole_b / whole_a, float(low), float(high)


@dataclass(frozen=True)
class _Table:
    """Counts of seconds (rows) at times (columns)."""

    times_ms: NDArray[np.float64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, seconds: Sequence[Histogram]) -> _Table | None:
        recorded = [second.recorded() for second in seconds if second.samples]
        if not recorded:
            return None
        times_ms = np.unique(np.concatenate([times for times, _ in recorded]))
        counts = np.zeros((len(recorded), len(times_ms)), dtype=np.int64)
        for row, (times, numbers) in enumerate(recorded):
            counts[row, np.searchsorted(times_ms, times)] = numbers
        return cls(times_ms, counts)

    def quantile(self, chance: np.random.Generator | None, quantile: float) -> float | None:
        rows = slice(None) if chance is None else chance.integers(0, len(self.counts), len(self.counts))
        total = np.cumsum(self.counts[rows].sum(axis=0))
        samples = int(total[-1])
        if samples * (1 - quantile) < 1 - 1e-9:
            return None
        return float(self.times_ms[np.searchsorted(total, max(math.ceil(quantile * samples), 1))])
