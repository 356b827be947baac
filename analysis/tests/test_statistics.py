"""Histograms, differences and the scalability law, against values that are known."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import plimsoll_results
import pytest
from hdrh.histogram import HdrHistogram
from plimsoll_results import Histogram, ResultError, comparing
from plimsoll_results.scale import Fit, fit_usl, law_rps


def histogram(times_us: list[int]) -> Histogram:
    inner = HdrHistogram(1, 3_600_000_000, 3)
    for time_us in times_us:
        inner.record_value(time_us)
    return Histogram(inner)


@pytest.mark.parametrize("samples", [1, 2, 3, 99, 100, 101, 160, 299, 1000])
@pytest.mark.parametrize("quantile", [0.5, 0.75, 0.9, 0.95, 0.99, 0.999])
def test_a_quantile_is_the_value_at_its_rank_rounded_up(samples: int, quantile: float) -> None:
    found = histogram(list(range(1, samples + 1))).quantile_ms(quantile)
    if samples * (1 - quantile) < 1 - 1e-9:
        assert found is None, "the samples do not carry it"
    else:
        assert found == math.ceil(quantile * samples) / 1000


def test_merging_equals_recording_at_once() -> None:
    parts = [histogram([5, 70_000, 3_000_000]), histogram([6, 6]), histogram([])]
    merged, at_once = Histogram.merged(parts).recorded(), histogram([5, 6, 6, 70_000, 3_000_000]).recorded()
    assert all(np.array_equal(a, b) for a, b in zip(merged, at_once, strict=True))


def test_no_samples_are_not_zero() -> None:
    empty = Histogram()
    assert (empty.samples, empty.max_ms, empty.quantile_ms(0.5), empty.ratio_from(1.0)) == (0, None, None, None)
    assert [len(part) for part in empty.percentile_curve()] == [0, 0]


def test_the_percentile_curve_goes_through_the_percentiles_and_ends_where_the_samples_do() -> None:
    some = histogram(list(range(1, 1001)))
    inverse, times_ms = some.percentile_curve()
    assert inverse.max() == pytest.approx(1000), "1,000 samples carry a p99.9"
    assert (np.diff(inverse) >= -1e-9).all(), "it never goes back"
    assert (np.diff(times_ms) >= 0).all(), "nor down"
    assert np.interp(100 - 1e-6, inverse, times_ms) == pytest.approx(some.quantile_ms(0.99))


def test_the_share_without_an_answer_is_what_lies_at_the_deadline_and_beyond() -> None:
    assert histogram([1000] * 9 + [30_000_000]).ratio_from(30_000) == pytest.approx(0.1)


def test_the_law_of_the_public_data_is_found_to_all_its_digits() -> None:
    fit = fit_usl([1, 18, 36, 72, 108, 144, 216], [64.9, 995.9, 1652.4, 1853.2, 1828.9, 1775.0, 1702.2])
    assert f"{fit.alpha:.6g} {fit.beta:.6g} {fit.gamma_rps:.6g}" == "0.0277285 0.000104365 89.9952"
    errors = (fit.alpha_error, fit.beta_error, fit.gamma_error_rps)
    assert errors == pytest.approx((0.00912173, 1.98753e-05, 14.2135), rel=1e-4)
    assert (fit.peak_workers, fit.peak_rps) == pytest.approx((96.5196, 1883.90), rel=1e-5)
    assert (fit.workers_for(1800.0), fit.workers_for(1884.0)) == (61, None), "the peak is as far as it goes"


@pytest.mark.parametrize(("alpha", "beta"), [(0.05, 0.001), (0.0, 0.0), (0.2, 0.0), (0.0, 0.01)])
def test_exact_data_give_their_law_back(alpha: float, beta: float) -> None:
    workers = np.array([1, 2, 4, 8, 16, 32])
    fit = fit_usl(workers, law_rps(workers, alpha, beta, 120.0))
    assert (fit.alpha, fit.beta, fit.gamma_rps) == pytest.approx((alpha, beta, 120.0), rel=1e-6, abs=1e-7)


def test_a_fit_never_goes_below_nothing() -> None:
    fit = fit_usl([1, 2, 4, 8], [100.0, 210.0, 430.0, 900.0])
    assert fit.alpha >= 0 and fit.beta >= 0, f"{fit}"
    assert None in (fit.alpha_error, fit.beta_error), "what is held at its bound has no standard error"


def test_three_counts_are_too_few_for_three_parameters() -> None:
    with pytest.raises(ResultError, match="at least 4"):
        fit_usl([1, 2, 4, 4], [100.0, 190.0, 350.0, 351.0])


def test_workers_for_a_goal_are_the_least_that_reach_it() -> None:
    fit = Fit(0.0, 0.0, 100.0)
    assert (fit.workers_for(250.0), fit.peak_workers, fit.peak_rps) == (3, None, None)


def test_a_scale_file_is_read(tmp_path: Path) -> None:
    counts = [
        {"workers": 4, "finding": "capacity", "rps": 900.0, "low_rps": 890.0, "high_rps": 920.0},
        {"workers": 1, "finding": "unconfirmed", "rps": None, "low_rps": 200.0, "high_rps": None},
    ]
    fit = {"alpha": 0.01, "beta": 1e-5, "gamma_rps": 240.0, "alpha_error": 0.001}
    content = {"schema_version": "1.0.0", "counts": counts, "fit": fit, "goal": {"needed_rps": 260.0, "reason": "reached"}}
    (tmp_path / "scale.json").write_text(json.dumps(content))
    scale = plimsoll_results.load_scale(tmp_path)
    assert scale.points.workers.tolist() == [1, 4], "in order of workers"
    assert scale.points.rps.isna().tolist() == [True, False], "no capacity is no number"
    assert scale.fit is not None and (scale.fit.gamma_rps, scale.fit.alpha_error) == (240.0, 0.001)
    assert (scale.needed_rps, scale.judgement, scale.cautions) == (260.0, "reached", [])
    (tmp_path / "scale.json").write_text(json.dumps({"schema_version": "1.0.0", "counts": counts, "fit": None}))
    assert plimsoll_results.load_scale(tmp_path / "scale.json").fit is None, "too few counts have no fit"
    (tmp_path / "scale.json").write_text('{"schema_version": "1.0.0", "counts": []}')
    with pytest.raises(ResultError, match="no counts of workers"):
        plimsoll_results.load_scale(tmp_path)
    (tmp_path / "scale.json").write_text('{"schema_version": "3.0.0"}')
    with pytest.raises(ResultError, match=r"version 3\.0\.0"):
        plimsoll_results.load_scale(tmp_path)


def test_three_repeats_a_side_decide_nothing() -> None:
    few = comparing.compare_repeats([100.0, 101.0, 102.0], [50.0, 51.0, 52.0])
    assert few is not None and not few.is_decidable
    assert few.least_p_value == pytest.approx(0.1)
    assert "not enough repeats" in few.sentence()
    assert comparing.compare_repeats([], [1.0]) is None


def test_eight_repeats_a_side_see_ten_percent_and_no_difference_where_there_is_none() -> None:
    before = [100.0, 101.0, 99.0, 100.5, 99.5, 100.2, 99.8, 100.9]
    slower = comparing.compare_repeats(before, [rate * 0.9 for rate in before])
    assert slower is not None and slower.p_value < 0.001 and slower.high_ratio < 0.95
    same = comparing.compare_repeats(before, [rate + 0.05 for rate in before])
    assert same is not None and same.p_value > 0.05 and same.low_ratio < 1.0 < same.high_ratio


def test_a_ratio_of_percentiles_comes_with_an_interval_from_whole_seconds() -> None:
    chance = np.random.default_rng(1)
    seconds = [histogram([int(t) for t in chance.exponential(5000, 200) + 1]) for _ in range(20)]
    slower = [histogram([int(2 * t) for t in chance.exponential(5000, 200) + 1]) for _ in range(20)]
    found = comparing.quantile_ratio(seconds, slower, 0.5)
    assert found is not None
    ratio, low, high = found
    assert low <= ratio <= high and 1.7 < low and high < 2.3, f"{found}"
    assert comparing.quantile_ratio(seconds[:1], slower[:1], 0.999) is None, "200 samples carry no p99.9"
    assert comparing.quantile_ratio([], slower, 0.5) is None
