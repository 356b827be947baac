"""Capacity by number of workers: `scale.json`, and the Universal Scalability Law."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import OptimizeWarning, curve_fit

from .errors import ResultError
from .reading import check_version, find, read_object
from .record import Record, number, record, records, text, texts

SCALE_FILE = "scale.json"
COLUMNS = ["workers", "finding", "rps", "low_rps", "high_rps"]


@dataclass(frozen=True)
class Fit:
    """A fit of the Universal Scalability Law, X(N) = γN / (1 + α(N−1) + βN(N−1)).

    Source: Gunther, *Guerrilla Capacity Planning* (2007).
    """

    alpha: float
    """Contention: the share of the work that only one worker can do at a time."""
    beta: float
    """Coherence: what each pair of workers costs."""
    gamma_rps: float
    """What one worker alone sustains, in documents a second."""
    alpha_error: float | None = None
    """Standard error of `alpha`; ``None`` with too few counts."""
    beta_error: float | None = None
    """Standard error of `beta`."""
    gamma_error_rps: float | None = None
    """Standard error of `gamma_rps`."""

    def rps(self, workers: Any) -> Any:
        """The rate of so many workers in documents a second; takes a number or an array."""
        return law_rps(workers, self.alpha, self.beta, self.gamma_rps)

    @property
    def peak_workers(self) -> float | None:
        """The number of workers beyond which more of them sustain less; ``None`` where there is none."""
        return math.sqrt((1 - self.alpha) / self.beta) if self.beta > 0 and self.alpha < 1 else None

    @property
    def peak_rps(self) -> float | None:
        """The rate there, in documents a second."""
        return None if self.peak_workers is None else float(self.rps(self.peak_workers))

    def workers_for(self, goal_rps: float) -> int | None:
        """The least whole number of workers that sustain a rate; ``None`` where no number of them does."""
        most = 100_000 if self.peak_workers is None else math.ceil(self.peak_workers)
        counts = np.arange(1, most + 1)
        enough = counts[self.rps(counts) >= goal_rps]
        return int(enough[0]) if enough.size else None


@dataclass(frozen=True)
class ScaleRun:
    """What `plimsoll scale` has written."""

    path: Path
    """The file that it was read from."""
    points: pd.DataFrame
    """One row per number of workers: how its search ended, the rate and its interval in documents a second."""
    fit: Fit | None
    """The tool's own fit; ``None`` where it made none."""
    needed_rps: float | None
    """The goal with its headroom, in documents a second."""
    judgement: str | None
    """Whether it can be reached, in words."""
    cautions: list[str]
    """What must be known beside the numbers."""
    record: Record = field(repr=False)
    """The whole of the file."""


def law_rps(workers: Any, alpha: float, beta: float, gamma_rps: float) -> Any:
    """X(N) in documents a second; takes a number of workers or an array of them."""
    return gamma_rps * workers / (1 + alpha * (workers - 1) + beta * workers * (workers - 1))


def fit_usl(workers: Sequence[float] | NDArray[Any], rps: Sequence[float] | NDArray[Any]) -> Fit:
    """The fit of least squares, with α and β of at least 0.

    It starts from the linear form, in which N/X is linear in 1/γ, α/γ and β/γ. Standard errors come from the curvature
    at the optimum and the scatter around the curve, with n − 3 degrees of freedom. Where a fit wants α or β to be less
    than nothing, it stays 0 and has no standard error. Raises `ResultError` with fewer than 4 different counts.
    """
    counts, rates = np.asarray(workers, dtype=float), np.asarray(rps, dtype=float)
    if len(set(counts.tolist())) < 4:
        raise ResultError("not enough worker counts: three parameters take at least 4 different ones")
    columns = np.column_stack([np.ones_like(counts), counts - 1, counts * (counts - 1)])
    linear = np.linalg.lstsq(columns, counts / rates, rcond=None)[0]
    gamma = 1 / linear[0] if linear[0] > 0 else float(rates[0] / counts[0])
    start = [max(linear[1] * gamma, 0.0), max(linear[2] * gamma, 0.0), gamma]
    best, errors = _least_squares(counts, rates, start, [True, True, True])
    if best[0] < 0 or best[1] < 0:
        free = [best[0] >= 0, best[1] >= 0, True]
        best, errors = _least_squares(counts, rates, [max(value, 0.0) for value in best], free)
        if best[0] < 0 or best[1] < 0:
            best, errors = _least_squares(counts, rates, [0.0, 0.0, gamma], [False, False, True])
    return Fit(best[0], best[1], best[2], errors[0], errors[1], errors[2])


def _least_squares(
    counts: NDArray[Any], rates: NDArray[Any], start: list[float], free: list[bool]
) -> tuple[list[float], list[float | None]]:
    """The best parameters and their standard errors; one that is not free stays 0 and has none."""

    def spread(values: Sequence[float]) -> list[float]:
        left = iter(values)
        return [float(next(left)) if is_free else 0.0 for is_free in free]

    def curve(workers: NDArray[Any], *values: float) -> Any:
        return law_rps(workers, *spread(values))

    initial = [value for value, is_free in zip(start, free, strict=True) if is_free]
    with warnings.catch_warnings():
        # Points that lie on the curve leave no scatter to take errors from: then there are none.
        warnings.simplefilter("ignore", OptimizeWarning)
        best, covariance = curve_fit(curve, counts, rates, p0=initial, xtol=1e-14, ftol=1e-14, gtol=1e-14, maxfev=20_000)
    found = iter([float(error) if math.isfinite(error) else None for error in np.sqrt(np.diag(covariance))])
    return spread(best), [next(found) if is_free else None for is_free in free]


def load_scale(place: str | Path) -> ScaleRun:
    """What `plimsoll scale` has written: its folder, or the `scale.json` in it.

    Raises `ResultError` when there is none or it holds no counts of workers.
    """
    path = find(place)
    path = path if path.is_file() else path / SCALE_FILE
    content = read_object(path, "give the folder that `plimsoll scale` has written")
    check_version(path, content)
    rows = records(content, "counts")
    if not rows:
        raise ResultError(f"{path} holds no counts of workers")
    points = pd.DataFrame([{column: row.get(column) for column in COLUMNS} for row in rows], columns=COLUMNS)
    kinds = {column: "object" if column == "finding" else "float64" for column in COLUMNS}
    points = points.astype(kinds | {"workers": "int64"}).sort_values("workers", ignore_index=True)
    goal = record(content, "goal")
    return ScaleRun(
        path=path,
        points=points,
        fit=_fit(record(content, "fit")),
        needed_rps=number(goal, "needed_rps"),
        judgement=text(goal, "reason"),
        cautions=texts(content, "cautions"),
        record=content,
    )


def _fit(found: Record) -> Fit | None:
    alpha, beta, gamma_rps = number(found, "alpha"), number(found, "beta"), number(found, "gamma_rps")
    if alpha is None or beta is None or gamma_rps is None:
        return None
    errors = (number(found, "alpha_error"), number(found, "beta_error"), number(found, "gamma_error_rps"))
    return Fit(alpha, beta, gamma_rps, *errors)
