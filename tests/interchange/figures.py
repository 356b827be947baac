"""Histograms as Python reads them: groups of encoded texts on stdin, their figures on stdout.

A group is ``{"whole": text, "parts": [text]}``; its figures are those of the whole, of each part, and of all parts
together. Percentiles are asked for at the end of their rank's share, which the library rounds to that very rank.
"""

import json
import math
import sys

from hdrh.histogram import HdrHistogram

QUANTILES = (0.5, 0.99, 0.999)


def figures(histogram: HdrHistogram) -> list[int | None]:
    samples = histogram.get_total_count()
    if samples == 0:
        return [0, *(None for _ in QUANTILES), None]
    percents = [100 * max(math.ceil(quantile * samples), 1) / samples for quantile in QUANTILES]
    values = histogram.get_percentile_to_value_dict(percents)
    return [samples, *(values[percent] for percent in percents), histogram.get_max_value()]


def answer(whole: str, parts: list[str]) -> list[list[int | None]]:
    together = HdrHistogram(1, 3_600_000_000, 3)
    each = [HdrHistogram.decode(part) for part in parts]
    for part in each:
        together.add(part)
    return [figures(HdrHistogram.decode(whole)), *map(figures, each), figures(together)]


json.dump([answer(group["whole"], group["parts"]) for group in json.load(sys.stdin)], sys.stdout)
