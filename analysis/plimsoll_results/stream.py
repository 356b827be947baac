"""One endpoint's arrivals within a trial."""

from __future__ import annotations

from dataclasses import dataclass, field

from .errors import ResultError
from .histogram import Histogram
from .record import Record, number, record, records, text, whole

CLOCKS = ("response", "service", "waiting", "lateness")
"""What is kept as a whole distribution: due to done, sent to done, taken to sent, due to taken."""
PERCENTILES = ("p50", "p75", "p90", "p95", "p99", "p999", "p9999", "max", "p99_low", "p99_high")
ENDINGS = ("accepted", "refused", "timed_out", "broken", "unsent")
"""How a request ends; together they are what was scheduled."""


@dataclass(frozen=True)
class Stream:
    """A stream, with the trial that it belongs to."""

    trial: str
    """Name of the trial, such as ``t3``."""
    purpose: str
    """What the trial was for: ``search``, ``soak``, ``level_100`` and so on."""
    load_percent: int | None
    """Share of the capacity that the level offered, in percent; ``None`` outside of levels."""
    started_s: float | None
    """When the measured part began, in seconds of the campaign."""
    record: Record = field(repr=False)
    """The stream as it stands in the file."""

    @property
    def workload(self) -> str:
        """``index`` or ``dashboard``."""
        return text(self.record, "workload") or ""

    @property
    def offered_rps(self) -> float | None:
        """The rate that was scheduled."""
        return number(self.record, "offered_rps")

    @property
    def measured_s(self) -> float | None:
        """Length of the measured part in seconds."""
        return number(self.record, "measured_s")

    @property
    def timeout_ms(self) -> float | None:
        """Deadline of a request after its due time, in milliseconds."""
        return number(self.record, "timeout_ms")

    @property
    def scheduled(self) -> int:
        """Documents (or queries) that were due in the measured part."""
        return whole(record(self.record, "counts"), "scheduled")

    @property
    def timed_out(self) -> int:
        """Of them, those without an answer at their deadline."""
        return whole(record(self.record, "counts"), "timed_out")

    @property
    def error_ratio(self) -> float | None:
        """The share of requests that ended in another way than accepted; ``None`` without requests."""
        accepted = whole(record(self.record, "counts"), "accepted")
        return (self.scheduled - accepted) / self.scheduled if self.scheduled else None

    def percentile_ms(self, name: str, clock: str = "response") -> float | None:
        """A percentile of the file, such as ``p99`` or ``p99_high``, in milliseconds; ``None`` where it has none."""
        return number(record(self.record, f"{clock}_ms"), name)

    def histogram(self, clock: str = "response") -> Histogram:
        """The whole distribution of ``response``, ``service``, ``waiting`` or ``lateness``.

        Raises `ResultError` when the stream has none or it is damaged.
        """
        if clock not in CLOCKS:
            raise ResultError(f"there is no histogram of {clock!r}: it is one of {', '.join(CLOCKS)}")
        encoded = text(record(self.record, "hdr"), clock)
        if encoded is None:
            raise ResultError(f"trial {self.trial} carries no histogram of {clock} times")
        return Histogram.decode(encoded)

    @property
    def has_second_histograms(self) -> bool:
        """Whether its seconds carry histograms; those of results before version 1.1.0 do not."""
        return any(text(second, "hdr") is not None for second in records(self.record, "seconds"))

    def second_histograms(self) -> dict[int, Histogram]:
        """Response times of what ended in each second since the measured part began; without seconds in which nothing did."""
        encoded = {whole(second, "t_s"): text(second, "hdr") for second in records(self.record, "seconds")}
        return {t_s: Histogram.decode(value) for t_s, value in encoded.items() if value is not None}

    def merged_seconds(self) -> Histogram:
        """All its seconds together: equal to `histogram` where the seconds carry histograms, empty where they do not."""
        return Histogram.merged(self.second_histograms().values())

    def row(self) -> Record:
        """The stream as one row of a frame: counts, and percentiles of each clock in milliseconds."""
        counts = record(self.record, "counts")
        row: Record = {
            "trial": self.trial,
            "purpose": self.purpose,
            "load_percent": self.load_percent,
            "workload": self.workload,
            "arrivals": text(self.record, "arrivals"),
            "offered_rps": self.offered_rps,
            "accepted_rps": number(self.record, "accepted_rps"),
            "requests_rps": number(self.record, "requests_rps"),
            "measured_s": self.measured_s,
            "timeout_ms": self.timeout_ms,
            "connects": whole(self.record, "connects"),
            "resent": whole(self.record, "resent"),
            "scheduled": self.scheduled,
        }
        row |= {ending: whole(counts, ending) for ending in ENDINGS}
        row["error_ratio"] = self.error_ratio
        for clock in CLOCKS:
            times = record(self.record, f"{clock}_ms")
            row |= {f"{clock}_{name}_ms": number(times, name) for name in PERCENTILES}
            row[f"{clock}_samples"] = whole(times, "samples")
        return row

    def second_rows(self) -> list[Record]:
        """Its seconds as rows of a frame."""
        measured_s = self.measured_s or 0.0
        return [
            {
                "trial": self.trial,
                "purpose": self.purpose,
                "load_percent": self.load_percent,
                "workload": self.workload,
                "t_s": whole(second, "t_s"),
                "campaign_s": None if self.started_s is None else self.started_s + whole(second, "t_s"),
                "is_measured": whole(second, "t_s") < measured_s,
                "offered": whole(second, "offered"),
                "accepted": whole(second, "accepted"),
                "failed": whole(second, "failed"),
                "in_flight": whole(second, "in_flight"),
                "p50_ms": number(second, "p50_ms"),
                "p99_ms": number(second, "p99_ms"),
            }
            for second in records(self.record, "seconds")
        ]
