"""A run: what `result.json` says, as frames, histograms and a few small types."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from .errors import ResultError
from .frames import frame
from .histogram import Histogram
from .record import Record, number, record, records, text, texts, whole
from .stream import CLOCKS, ENDINGS, PERCENTILES, Stream


@dataclass(frozen=True)
class Capacity:
    """The answer of a search."""

    finding: str
    """How it ended: ``capacity``, ``at_ceiling``, ``unconfirmed`` and so on."""
    rps: float | None
    """The confirmed rate in documents a second; ``None`` where none was confirmed."""
    low_rps: float | None
    """Lower end of the interval, or the highest rate that passed."""
    high_rps: float | None
    """Upper end of the interval, or the lowest rate that failed."""
    interval: str | None
    """What the two ends are: ``posterior`` (95 % from all trials) or ``bracket``."""
    requests_rps: float | None
    """The confirmed rate in requests a second."""
    stability_rps: float | None
    """The highest rate tried at which requests did not pile up, whatever the objective says."""
    confirmed_by: list[str]
    """Names of the trials that confirmed it."""
    flags: list[str]
    """What must be known beside the number."""
    reasons: list[str]
    """Why there is no confirmed rate."""

    def sentence(self) -> str:
        """The answer in one line."""
        if self.rps is None:
            why = "; ".join(self.reasons) or "the file gives no reason"
            return f"no confirmed capacity ({self.finding}): {why}"
        if self.low_rps is None or self.high_rps is None:
            return f"{self.rps:,.1f} documents a second ({self.finding})"
        kind = "95 %" if self.interval == "posterior" else self.interval or "bracket"
        return f"{self.rps:,.1f} documents a second ({kind} {self.low_rps:,.1f} to {self.high_rps:,.1f})"


@dataclass(frozen=True)
class Repeat:
    """One whole search of a run that repeats it."""

    finding: str
    """How it ended."""
    rps: float | None
    """The rate that it confirmed, in documents a second."""
    low_rps: float | None
    """Lower end of its interval."""
    high_rps: float | None
    """Upper end of its interval."""


@dataclass(frozen=True)
class Criterion:
    """One thing that the run was judged by."""

    name: str
    """Its name."""
    measured: float | None
    """What was measured, in `unit`."""
    limit: float | None
    """What is held against it, in `unit`."""
    unit: str
    """Unit of both."""
    margin: float | None
    """Share of the limit by which it is met, negative where it is missed; ``None`` in results without it."""
    outcome: str
    """``PASS``, ``FAIL`` or ``INVALID``."""
    reason: str
    """Why, in words."""


@dataclass(frozen=True)
class Overload:
    """What an overload does."""

    load_percent: float | None
    """The level in percent of the capacity."""
    goodput_ratio: float | None
    """Accepted rate of the level's second half, divided by the capacity."""
    recovery_s: float | None
    """Seconds from the last due time to the first of three good probes; ``None``: not reached or not measured."""


@dataclass(frozen=True)
class Run:
    """A run of the tool."""

    path: Path
    """The file that it was read from."""
    record: Record = field(repr=False)
    """The whole of ``result.json``."""

    @property
    def id(self) -> str:
        """The run's name."""
        return text(record(self.record, "run"), "id") or self.path.parent.name

    @property
    def schema_version(self) -> str:
        """Version of the file's keys and their meaning."""
        return text(self.record, "schema_version") or ""

    @property
    def interrupted(self) -> bool:
        """Whether the user stopped it."""
        return record(self.record, "run").get("interrupted") is True

    @property
    def outcome(self) -> str:
        """``PASS``, ``FAIL`` or ``INVALID``."""
        return text(self.record, "outcome") or "INVALID"

    @property
    def levels_missing(self) -> str | None:
        """Why levels are missing although a capacity was certified."""
        return text(self.record, "levels_missing")

    @property
    def capacity(self) -> Capacity:
        """The answer of the search."""
        found = record(self.record, "capacity")
        return Capacity(
            finding=text(found, "finding") or "unknown",
            rps=number(found, "rps"),
            low_rps=number(found, "low_rps"),
            high_rps=number(found, "high_rps"),
            interval=text(found, "interval"),
            requests_rps=number(found, "requests_rps"),
            stability_rps=number(found, "stability_rps"),
            confirmed_by=texts(found, "confirmed_by"),
            flags=texts(found, "flags"),
            reasons=texts(found, "reasons"),
        )

    @property
    def repeats(self) -> list[Repeat]:
        """Every whole search, where the run repeats them; a run with one search has none or one."""
        return [
            Repeat(text(one, "finding") or "unknown", number(one, "rps"), number(one, "low_rps"), number(one, "high_rps"))
            for one in records(self.record, "repeats")
        ]

    @property
    def criteria(self) -> list[Criterion]:
        """What the run was judged by."""
        return [
            Criterion(
                name=text(one, "name") or "",
                measured=number(one, "measured"),
                limit=number(one, "limit"),
                unit=text(one, "unit") or "",
                margin=number(one, "margin"),
                outcome=text(one, "outcome") or "INVALID",
                reason=text(one, "reason") or "",
            )
            for one in records(self.record, "criteria")
        ]

    @property
    def overload(self) -> Overload:
        """What an overload does."""
        found = record(self.record, "overload")
        return Overload(number(found, "load_percent"), number(found, "goodput_ratio"), number(found, "recovery_s"))

    def setting(self, key: str) -> str | None:
        """The value of a setting, such as ``P99_MS``, as text; ``None`` where it has none."""
        value = record(record(self.record, "settings"), key).get("value")
        return None if value is None or value == "none" else str(value)

    def setting_number(self, key: str) -> float | None:
        """The value of a setting as a number in the unit that its name carries; ``None`` where it is none."""
        try:
            return float(self.setting(key) or "")
        except ValueError:
            return None

    def objective_ms(self, workload: str, load_percent: int | None = None) -> float | None:
        """The limit on the p99 of the response time in milliseconds that the run was given; ``None`` without one.

        For the dashboard `DASHBOARD_P99_MS` is a limit at 100 %, and goes there before that of the sign-off file; the
        limits of other levels stand in the file alone.
        """
        if workload == "index":
            return self.setting_number("P99_MS")
        given = self.setting_number("DASHBOARD_P99_MS") if load_percent == 100 else None
        if given is not None:
            return given
        limits = records(record(self.record, "slo"), "dashboard")
        of_level = [number(one, "p99_ms") for one in limits if one.get("load_percent") == load_percent]
        return next((limit for limit in of_level if limit is not None), None)

    def streams(self) -> list[Stream]:
        """Every stream of every trial, in the order in which they were run."""
        percents = {text(level, "trial"): whole(level, "load_percent") for level in records(self.record, "levels")}
        return [
            Stream(
                trial=text(trial, "id") or "",
                purpose=text(trial, "purpose") or "",
                load_percent=percents.get(text(trial, "id")),
                started_s=_measured_from_s(trial),
                record=stream,
            )
            for trial in records(self.record, "trials")
            for stream in records(trial, "streams")
        ]

    def stream(self, trial: str, workload: str = "index") -> Stream:
        """The stream of a trial, such as ``run.stream("t3", "dashboard")``. Raises `ResultError` when there is none."""
        for stream in self.streams():
            if stream.trial == trial and stream.workload == workload:
                return stream
        raise ResultError(f"{self.path}: trial {trial} has no {workload} stream")

    def level_streams(self, workload: str) -> dict[int, Stream]:
        """The streams of the levels by their percentage of the capacity, ascending; without levels that have none."""
        found = {s.load_percent: s for s in self.streams() if s.load_percent is not None and s.workload == workload}
        return {percent: found[percent] for percent in sorted(found)}

    def histogram(self, stream: Stream, clock: str = "response") -> Histogram:
        """The whole distribution of a stream: ``response``, ``service``, ``waiting`` or ``lateness``."""
        return stream.histogram(clock)

    @property
    def trials(self) -> pd.DataFrame:
        """One row per trial and stream: counts, rates in ``_rps``, percentiles of each clock in ``_ms``."""
        by_id = {text(trial, "id"): trial for trial in records(self.record, "trials")}
        rows = [_trial_columns(by_id[stream.trial]) | stream.row() for stream in self.streams()]
        return frame(rows, _TRIAL_COLUMNS + _STREAM_COLUMNS)

    @property
    def levels(self) -> pd.DataFrame:
        """One row per level and stream, with the seconds until the target had recovered (`recovery_s`)."""
        recoveries = {
            whole(level, "load_percent"): number(level, "recovery_s") for level in records(self.record, "levels")
        }
        rows = [
            {"recovery_s": recoveries[stream.load_percent]} | stream.row()
            for stream in self.streams()
            if stream.load_percent is not None
        ]
        return frame(rows, ["recovery_s", *_STREAM_COLUMNS]).astype({"load_percent": "int64"})

    def seconds(self) -> pd.DataFrame:
        """One row per trial, stream and second: what was offered, accepted and failed in it, and its response times.

        `t_s` counts from the beginning of the measured part, `campaign_s` from that of the campaign. Seconds behind the
        measured part, in which the last answers come, are not `is_measured`.
        """
        rows = [row for stream in self.streams() for row in stream.second_rows()]
        return frame(rows, _SECOND_COLUMNS)

    def agents(self) -> pd.DataFrame:
        """One row per trial and agent: its share, what it offered in time, its clock, and whether the trial lost it.

        Empty where one machine sent alone, and for results of versions before 1.2.
        """
        lost = {
            (text(agent, "name"), text(loss, "trial"))
            for agent in records(self.record, "agents")
            for loss in records(agent, "lost")
        }
        rows = [
            _agent_columns(text(trial, "id"), agent) | {"is_lost": (text(agent, "name"), text(trial, "id")) in lost}
            for trial in records(self.record, "trials")
            for agent in records(trial, "agents")
        ]
        return frame(rows, _AGENT_COLUMNS)

    def recoveries(self) -> pd.DataFrame:
        """One row per recovery: after which trial, and the seconds from its last due time until the target was as at rest."""
        columns = ["id", "after", "recovered_s", "wall_s", "probes", "accepted", "unknown", "stopped"]
        return frame([{name: one.get(name) for name in columns} for one in records(self.record, "recoveries")], columns)


def _measured_from_s(trial: Record) -> float | None:
    started_s = number(trial, "started_s")
    return None if started_s is None else started_s + (number(trial, "warmup_s") or 0.0)


def _trial_columns(trial: Record) -> Record:
    generator = record(trial, "generator")
    return {
        "started_s": number(trial, "started_s"),
        "warmup_s": number(trial, "warmup_s"),
        "drained_s": number(trial, "drained_s"),
        "ended_early": trial.get("ended_early") is True,
        "stopped": text(trial, "stopped"),
        "verdict": text(trial, "verdict"),
        "reasons": "; ".join(texts(trial, "reasons")),
        "repeat": number(trial, "repeat"),
        "cpu_ratio": number(generator, "cpu_ratio"),
        "cpu_us_per_request": number(generator, "cpu_us_per_request"),
    }


def _agent_columns(trial: str | None, agent: Record) -> Record:
    lateness = record(agent, "lateness_ms")
    return {
        "trial": trial,
        "name": text(agent, "name"),
        "share_ratio": number(agent, "share_ratio"),
        "offered": whole(agent, "offered"),
        "accepted": whole(agent, "accepted"),
        "unsent": whole(agent, "unsent"),
        "lateness_p99_ms": number(lateness, "p99"),
        "lateness_max_ms": number(lateness, "max"),
        "cpu_ratio": number(agent, "cpu_ratio"),
        "cpu_us_per_request": number(agent, "cpu_us_per_request"),
        "clock_ahead_ms": number(agent, "clock_ahead_ms"),
        "clock_error_ms": number(agent, "clock_error_ms"),
    }


_TRIAL_COLUMNS = list(_trial_columns({}))
_STREAM_COLUMNS = list(Stream("", "", None, None, {}).row())
_AGENT_COLUMNS = [*_agent_columns(None, {}), "is_lost"]
_SECOND_COLUMNS = list(Stream("", "", None, None, {"seconds": [{}]}).second_rows()[0])
