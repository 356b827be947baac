"""Results of Plimsoll as data frames and histograms.

    import plimsoll_results
    run = plimsoll_results.load("results/latest")

Units stand in the names: ``_ms`` and ``_s`` are durations, ``_rps`` rates in documents (or queries) a second,
``_ratio`` shares from 0 to 1. What was not measured is ``None`` (``NaN`` in frames), never 0.
"""

from .errors import ResultError
from .histogram import Histogram
from .reading import find, load, load_all, load_corpus, load_published
from .run import Capacity, Criterion, Overload, Repeat, Run
from .scale import ScaleRun, load_scale
from .stream import Stream

__all__ = [
    "Capacity",
    "Criterion",
    "Histogram",
    "Overload",
    "Repeat",
    "ResultError",
    "Run",
    "ScaleRun",
    "Stream",
    "find",
    "load",
    "load_all",
    "load_corpus",
    "load_published",
    "load_scale",
]
