"""Runs load, whatever they lack; what is no run is told in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import plimsoll_results
import pytest
from conftest import FRESH, GOLDEN, LACKING, REPOSITORY, SAMPLE, with_repeats
from plimsoll_results import ResultError, Run, charts

SCHEMA = REPOSITORY / "docs" / "schema" / "result.schema.json"
Edited = Callable[[str, Callable[[dict[str, Any]], None]], Path]


def test_a_folder_its_file_and_a_path_from_the_root_are_the_same_run(
    sample: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for place in (SAMPLE, SAMPLE / "result.json", "results/sample", str(SAMPLE)):
        assert plimsoll_results.load(place).record == sample.record, f"loaded from {place}"


def test_the_sample_is_small() -> None:
    assert sum(file.stat().st_size for file in SAMPLE.iterdir()) < 1_000_000, "it is checked in"


def test_the_frames_say_what_the_file_says(sample: Run) -> None:
    trials, levels, seconds = sample.trials, sample.levels, sample.seconds()
    record = sample.record
    assert len(trials) == sum(len(trial["streams"]) for trial in record["trials"]), "a row per trial and stream"
    first = record["trials"][0]["streams"][0]
    assert trials.loc[0, "response_p50_ms"] == first["response_ms"]["p50"]
    assert trials.loc[0, "scheduled"] == first["counts"]["scheduled"]
    endings = trials[["accepted", "refused", "timed_out", "broken", "unsent"]].sum(axis=1)
    assert (endings == trials.scheduled).all(), "every request has one ending"
    assert set(levels.load_percent) == {level["load_percent"] for level in record["levels"]}
    assert len(seconds) == sum(len(s["seconds"]) for t in record["trials"] for s in t["streams"])
    one = seconds[(seconds.trial == trials.trial.iloc[-1]) & (seconds.workload == "index")]
    assert one.offered.sum() == trials[trials.workload == "index"].scheduled.iloc[-1], "seconds add up"
    assert not [name for name in trials.columns if "latency" in name], "one word per thing"


def test_the_answer_and_its_criteria_are_typed(sample: Run) -> None:
    capacity = sample.record["capacity"]
    assert sample.capacity.rps == capacity["rps"]
    assert sample.capacity.confirmed_by == capacity["confirmed_by"]
    assert [one.name for one in sample.criteria] == [one["name"] for one in sample.record["criteria"]]
    assert sample.objective_ms("index") == float(sample.record["settings"]["P99_MS"]["value"])
    assert sample.setting("NO_SUCH_KEY") is None, "an unknown setting has no value"


def test_a_setting_of_the_dashboard_comes_before_the_sign_off_file_at_the_capacity(edited: Edited) -> None:
    def change(given: str) -> Callable[[dict[str, Any]], None]:
        def with_both(result: dict[str, Any]) -> None:
            result["slo"] = {"dashboard": [{"load_percent": 50, "p99_ms": 700}, {"load_percent": 100, "p99_ms": 750}]}
            result["settings"]["DASHBOARD_P99_MS"] = {"value": given, "origin": "word"}

        return with_both

    both, file_alone = (plimsoll_results.load(edited(f"slo-{given}", change(given))) for given in ("900", "none"))
    assert both.objective_ms("dashboard", 100) == 900
    assert both.objective_ms("dashboard", 50) == 700
    assert both.objective_ms("dashboard", 0) is None, "no other level has the limit of 100 %"
    assert file_alone.objective_ms("dashboard", 100) == 750


def test_a_number_that_is_not_known_is_a_dash() -> None:
    assert [charts.figure_text(value) for value in (None, float("nan"), 0.25, 1234.0)] == ["–", "–", "0.25", "1,234"]


@pytest.mark.parametrize("name", LACKING)
def test_a_run_that_lacks_something_loads(edited: Edited, name: str) -> None:
    run = plimsoll_results.load(edited(name, LACKING[name]))
    assert list(run.trials.columns) == list(plimsoll_results.load(SAMPLE).trials.columns), "the same columns, always"
    assert len(run.seconds()) == len([1 for s in run.streams() for _ in s.record["seconds"]])
    assert run.capacity.sentence()
    assert run.levels.empty == (name in ("interrupted", "empty"))


@pytest.mark.parametrize("place", GOLDEN, ids=lambda path: path.name)
def test_a_result_of_every_earlier_version_loads(place: Path) -> None:
    run = plimsoll_results.load(place)
    assert run.capacity.sentence() and run.outcome
    assert len(run.trials) == len(run.streams())
    assert len(run.seconds()) >= len(run.streams())
    for stream in run.streams():
        assert stream.histogram().samples == stream.row()["response_samples"]


@pytest.mark.parametrize("place", [SAMPLE, *FRESH], ids=lambda path: path.name)
def test_every_histogram_has_the_percentiles_of_the_file(place: Path) -> None:
    names = {"p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999, "p9999": 0.9999}
    for stream in plimsoll_results.load(place).streams():
        for clock in ("response", "service", "waiting", "lateness"):
            histogram = stream.histogram(clock)
            found = {name: histogram.quantile_ms(quantile) for name, quantile in names.items()}
            told = {name: stream.percentile_ms(name, clock) for name in names}
            assert found == told, f"{clock} of trial {stream.trial}, {stream.workload}"
            assert histogram.max_ms == stream.percentile_ms("max", clock)


@pytest.mark.parametrize("place", [SAMPLE, *FRESH], ids=lambda path: path.name)
def test_the_seconds_of_a_stream_together_are_the_stream(place: Path) -> None:
    for stream in plimsoll_results.load(place).streams():
        whole, parts = stream.histogram().recorded(), stream.merged_seconds().recorded()
        assert all(np.array_equal(a, b) for a, b in zip(whole, parts, strict=True)), f"trial {stream.trial}"


@pytest.mark.parametrize("place", [SAMPLE, *FRESH], ids=lambda path: path.name)
def test_a_result_keeps_to_the_published_schema(place: Path) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    record = plimsoll_results.load(place).record
    found = validator(schema).iter_errors(record)
    # The sample may be of an earlier minor version, which lacks keys; what it has must be right all the same.
    found = [error for error in found if place != SAMPLE or error.validator != "required"]
    wrong = [f"{error.json_path}: {error.message[:200]}" for error in found]
    assert not wrong, "\n".join(wrong[:10])


def test_what_is_no_result_is_told_in_one_line_with_its_file(edited: Edited, tmp_path: Path) -> None:
    def told(place: Path) -> str:
        with pytest.raises(ResultError) as caught:
            plimsoll_results.load(place)
        assert "\n" not in str(caught.value), "one line"
        assert str(place) in str(caught.value), "with the file"
        return str(caught.value)

    assert "is not there: give the folder of a run" in told(tmp_path / "nothing")
    for text, wanted in [("{", "damaged or not JSON"), ("[]", "not a result"), ('{"a": 1}', "not a result")]:
        (tmp_path / "result.json").write_text(text)
        assert wanted in told(tmp_path), text
    (tmp_path / "result.json").write_bytes(b"\xff\xfe")
    assert "damaged" in told(tmp_path), "bytes that are no text"
    newer = edited("newer", lambda result: result.update(schema_version="2.0.0"))
    assert "version 2.0.0" in told(newer)
    assert "use the loader that came with" in told(newer)


def test_a_later_minor_version_with_keys_that_nobody_knows_loads(edited: Edited) -> None:
    def change(result: dict[str, Any]) -> None:
        result["schema_version"] = "1.99.0"
        result["something_new"] = {"a": [1]}
        result["trials"][0]["streams"][0]["new_ms"] = {"p50": 1}

    assert plimsoll_results.load(edited("later", change)).schema_version == "1.99.0"


def test_a_damaged_histogram_is_told_and_a_foreign_clock_refused(sample: Run, edited: Edited) -> None:
    def change(result: dict[str, Any]) -> None:
        result["trials"][0]["streams"][0]["hdr"]["response"] = "HISTFAAAnonsense"
        del result["trials"][0]["streams"][0]["hdr"]["service"]

    stream = plimsoll_results.load(edited("damaged", change)).streams()[0]
    with pytest.raises(ResultError, match="cannot be decoded"):
        stream.histogram()
    with pytest.raises(ResultError, match="carries no histogram of service"):
        stream.histogram("service")
    with pytest.raises(ResultError, match="one of response, service"):
        sample.histogram(sample.streams()[0], "latency")
    with pytest.raises(ResultError, match="trial t0 has no index stream"):
        sample.stream("t0")


def test_all_runs_of_a_folder_load_once_each_in_their_order(edited: Edited, tmp_path: Path) -> None:
    for name in ("20260102T000000Z-quick", "20260101T000000Z-quick"):
        edited(name, lambda result: None)
    (tmp_path / "20260103T000000Z-going-on").mkdir()
    (tmp_path / "latest").symlink_to("20260102T000000Z-quick")
    found = [run.path.parent.name for run in plimsoll_results.load_all(tmp_path)]
    assert found == ["20260101T000000Z-quick", "20260102T000000Z-quick"]
    with pytest.raises(ResultError, match="is not there"):
        plimsoll_results.load_all(tmp_path / "nothing")


def test_what_each_agent_sent_is_read_where_several_machines_did(sample: Run, edited: Edited) -> None:
    assert sample.agents().empty, "one machine sent the sample"

    def of_two(result: dict[str, Any]) -> None:
        for trial in result["trials"]:
            offered = sum(stream["counts"]["scheduled"] for stream in trial["streams"])
            parts = {"east": offered // 4, "west": offered - offered // 4}
            trial["agents"] = [
                {"name": name, "offered": part, "lateness_ms": {"p99": 1.5}} for name, part in parts.items()
            ]
        result["agents"] = [{"name": "west", "lost": [{"trial": result["trials"][1]["id"], "why": "it is silent"}]}]

    agents = plimsoll_results.load(edited("agents", of_two)).agents()
    assert len(agents) == 2 * len(sample.record["trials"]), "a row per trial and agent"
    scheduled = sample.trials.groupby("trial", sort=False)["scheduled"].sum()
    assert np.allclose(agents.groupby("trial", sort=False)["offered"].sum(), scheduled), "together they offered it all"
    assert (agents["lateness_p99_ms"] == 1.5).all() and agents["clock_ahead_ms"].isna().all()
    lost = agents[agents["is_lost"]]
    assert list(lost["name"]) == ["west"] and list(lost["trial"]) == [sample.record["trials"][1]["id"]]


def test_repeats_are_read_where_a_run_has_them(sample: Run, edited: Edited) -> None:
    assert len(sample.repeats) <= 1, "one search is no repeat"
    run = plimsoll_results.load(edited("repeats", with_repeats([900.0, 910.0])))
    assert [repeat.rps for repeat in run.repeats] == [900.0, 910.0]
