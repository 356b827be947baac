"""Runs to test with: the sample, those that the caller names, and ones that lack something."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plimsoll_results
import pytest
from hdrh.histogram import HdrHistogram
from plimsoll_results import Run
from plimsoll_results.histogram import DIGITS, HIGHEST_US

ANALYSIS = Path(__file__).resolve().parents[1]
REPOSITORY = ANALYSIS.parent
SAMPLE = REPOSITORY / "results" / "sample"
GOLDEN = sorted((REPOSITORY / "tests" / "golden").glob("result-*.json"))
"""Results as every earlier version of the format has written them."""
FRESH = [Path(path) for path in os.environ.get("PLIMSOLL_TEST_RUNS", "").split(os.pathsep) if path]
"""Folders of runs that the build under test has just made."""

NOTHING = HdrHistogram(1, HIGHEST_US, DIGITS).encode().decode("ascii")
"""A histogram without times, as a result carries it."""


@pytest.fixture(scope="session")
def sample() -> Run:
    """The run that is checked in."""
    return plimsoll_results.load(SAMPLE)


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, Callable[[dict[str, Any]], None]], Path]:
    """Makes a run of the sample's result with something changed."""

    def make(name: str, change: Callable[[dict[str, Any]], None]) -> Path:
        result = json.loads((SAMPLE / "result.json").read_text(encoding="utf-8"))
        change(result)
        folder = tmp_path / name
        folder.mkdir()
        (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")
        return folder

    return make


def without_levels(result: dict[str, Any]) -> None:
    """Stopped by the user in the middle of its search."""
    result["run"]["interrupted"] = True
    result["outcome"] = "INVALID"
    result["capacity"] |= {"finding": "interrupted", "rps": None, "confirmed_by": [], "interval": None}
    result["capacity"] |= {"high_rps": None, "reasons": ["stopped by the user"]}
    result["trials"] = result["trials"][:6]
    # The last one was stopped before anything of its measured part was due.
    last = result["trials"][-1]
    last |= {"measure_s": 0.0, "ended_early": True, "stopped": "interrupted", "verdict": "undecided", "reasons": []}
    for stream in last["streams"]:
        stream |= {"measured_s": 0.0, "accepted_rps": None, "requests_rps": None, "statuses": {}}
        stream["counts"] = dict.fromkeys(stream["counts"], 0)
        stream["seconds"] = []
        for clock in ("response", "service", "waiting", "lateness"):
            stream[f"{clock}_ms"] = {name: None for name in stream[f"{clock}_ms"]} | {"samples": 0, "overflow": 0}
            stream["hdr"][clock] = NOTHING
    result["levels"], result["recoveries"] = [], []
    result["overload"] = {"load_percent": None, "goodput_ratio": None, "recovery_s": None}


def without_trials(result: dict[str, Any]) -> None:
    """Stopped before anything was measured."""
    without_levels(result)
    result["trials"] = []
    result["capacity"]["low_rps"] = None


def of_version_1_0(result: dict[str, Any]) -> None:
    """As version 1.0.0 of the format wrote it: no histograms of seconds, no corpus."""
    result["schema_version"] = "1.0.0"
    del result["corpus"]
    for stream in streams(result):
        for second in stream["seconds"]:
            del second["hdr"]


def with_unanswered(result: dict[str, Any]) -> None:
    """Every dashboard query of the last level timed out, and it never recovered."""
    level = result["levels"][-1]
    level["recovery_s"] = None
    for trial in result["trials"]:
        for stream in trial["streams"]:
            if trial["id"] == level["trial"] and stream["workload"] == "dashboard":
                # All its times are over so short a deadline.
                stream["timeout_ms"] = 0.01
                stream["counts"] |= {"accepted": 0, "timed_out": stream["counts"]["scheduled"], "refused": 0}


def with_repeats(rates_rps: list[float]) -> Callable[[dict[str, Any]], None]:
    """With whole searches repeated, and every rate found in them."""

    def change(result: dict[str, Any]) -> None:
        result["repeats"] = [
            {"finding": "capacity", "rps": rate, "low_rps": rate - 5, "high_rps": rate + 5} for rate in rates_rps
        ]

    return change


LACKING = {
    "interrupted": without_levels,
    "empty": without_trials,
    "old": of_version_1_0,
    "unanswered": with_unanswered,
}


def streams(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Every stream of a result, those that its levels repeat included."""
    found = [stream for trial in result["trials"] for stream in trial["streams"]]
    for level in result["levels"]:
        found += [level[name] for name in ("index", "dashboard") if level[name] is not None]
    return found
