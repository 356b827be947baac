# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Two runs beside each other
#
# `PLIMSOLL_BASELINE` is what was before, `PLIMSOLL_RUN` what is now (`results/sample` unless given). Without a baseline the run is compared with itself: its even seconds with its odd ones. That shows how much two halves of *the same* run differ, which is what any difference must be held against.
#
# `plimsoll compare` judges two runs; this notebook is for looking at them.

# %%
import os

RUN = os.environ.get("PLIMSOLL_RUN", "results/sample")
BASELINE = os.environ.get("PLIMSOLL_BASELINE")

# %%
import matplotlib.pyplot as plt
import pandas as pd
import plimsoll_results
from plimsoll_results import Histogram, charts, comparing

charts.use_style()
run = plimsoll_results.load(RUN)
baseline = plimsoll_results.load(BASELINE) if BASELINE else run
is_split = baseline.path.resolve() == run.path.resolve()
names = ("even seconds", "odd seconds") if is_split else ("baseline", "run")
print(f"{names[0]}: {baseline.id} ({baseline.outcome}), {baseline.capacity.sentence()}")
print(f"{names[1]}: {run.id} ({run.outcome}), {run.capacity.sentence()}")
matters = ["WORKERS", "P99_MS", "ERROR_RATIO", "TIMEOUT_MS", "ARRIVALS", "PRESET", "PROFILE", "BATCH", "MIX", "ENGINE", "ACK_MS"]
for key in matters:
    if baseline.setting(key) != run.setting(key):
        print(f"not measured alike: {key} is {baseline.setting(key)} and {run.setting(key)}")
for side in (baseline, run):
    if side.outcome == "INVALID":
        print(f"{side.id} is INVALID: what it says of its capacity is not proven")

# %% [markdown]
# ## The capacity
#
# Each run's own interval says how well *that search* knows its answer. Whether two builds differ is a question for repeats (`REPEATS=8`): whole searches, compared by the Mann-Whitney U test (scipy). With few repeats no p-value can be small, and then nothing is decided.

# %%
def confirmed(side):
    return [repeat.rps for repeat in side.repeats if repeat.rps is not None]


sides = [(names[0], baseline), (names[1], run)][is_split:]
known = [(name, side) for name, side in sides if side.capacity.rps is not None]
if not known:
    print("Neither run has a confirmed capacity: there is nothing to compare.")
else:
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.8 * len(known)))
    for place, ((name, side), colour) in enumerate(zip(known, [charts.QUIET, charts.BLUE][-len(known):])):
        capacity, repeats = side.capacity, confirmed(side)
        label = capacity.sentence()
        if capacity.low_rps is not None and capacity.high_rps is not None:
            axes.plot([capacity.low_rps, capacity.high_rps], [place, place], color=colour, linewidth=9, alpha=0.35, solid_capstyle="butt")
        axes.plot(capacity.rps, place, "o", color=colour, markersize=9)
        axes.annotate(label, (capacity.rps, place), xytext=(0, 13), textcoords="offset points", ha="center", fontsize=9)
        axes.plot(repeats, [place - 0.18] * len(repeats), "|", color=charts.INK, markersize=8)
    axes.set_yticks(range(len(known)), [run.id if is_split else name for name, _ in known])
    axes.set_ylim(-0.6, len(known) - 0.2)
    axes.margins(x=0.4)
    axes.grid(axis="y", visible=False)
    if len(known) == 2:
        change = 100 * (known[1][1].capacity.rps / known[0][1].capacity.rps - 1)
        title = f"The confirmed capacity differs by {change:+.1f} %"
    else:
        title = "The confirmed capacity and its interval"
    axes.set(xlabel="documents/s", title=title)
    plt.show()

difference = None if is_split else comparing.compare_repeats(confirmed(baseline), confirmed(run))
if difference is None:
    print("not enough repeats: one search a side cannot tell a change from chance (REPEATS=8 makes more)")
else:
    print(f"{len(confirmed(baseline))} and {len(confirmed(run))} repeats: {difference.sentence()}")

# %% [markdown]
# ## Response times at the levels

# %%
def halves(stream):
    """The even and the odd seconds of a stream, as lists of histograms."""
    by_second = stream.second_histograms()
    return [histogram for t_s, histogram in by_second.items() if t_s % 2 == 0], [histogram for t_s, histogram in by_second.items() if t_s % 2]


pairs = {}
for workload in ("index", "dashboard"):
    before, after = baseline.level_streams(workload), run.level_streams(workload)
    for percent in before.keys() & after.keys():
        if is_split:
            pairs[workload, percent] = halves(after[percent])
        else:
            pairs[workload, percent] = comparing.second_curves(before[percent]), comparing.second_curves(after[percent])
pairs = {key: pairs[key] for key in sorted(pairs, reverse=True) if all(sum(part.samples for part in side) for side in pairs[key])}
if not pairs:
    print("The runs have no level in common whose seconds carry histograms: there are no curves to lay over each other.")
else:
    workloads = [name for name in ("index", "dashboard") if any(workload == name for workload, _ in pairs)]
    figure, panels = plt.subplots(1, len(workloads), figsize=(11, 4.8), squeeze=False)
    for axes, workload in zip(panels[0], workloads):
        furthest = 10.0
        for percent in sorted(percent for name, percent in pairs if name == workload):
            for parts, dashes, name in zip(pairs[workload, percent], ["-", (0, (2, 1.5))], names):
                inverse, times_ms = Histogram.merged(parts).percentile_curve()
                axes.plot(inverse, times_ms, color=charts.level_colour(percent), linestyle=dashes, label=f"{percent} %, {name}")
                furthest = max(furthest, inverse.max(initial=1))
        charts.log_time_axis(axes)
        charts.percentile_axis(axes, furthest)
        axes.tick_params(axis="x", labelsize=8.5)
        axes.set_title(workload)
        axes.legend(fontsize=7.5)
    figure.suptitle(f"Percentiles at each level: {names[0]} (solid) and {names[1]} (dashed)", x=0.01, ha="left", fontweight="bold")
    plt.show()

# %% [markdown]
# ## By how much they differ
#
# Percentiles of the second divided by those of the first, with the 95 % interval from drawing whole seconds anew. It covers the scatter *within* two trials and not that *between* runs, and so is rather too narrow: an interval that includes 1 shows no difference, one that leaves it out shows one only where repeats agree.

# %%
ratios = [
    {"name": f"{workload} at {percent} %, {name}", "percent": percent, "ratio": found[0], "low": found[1], "high": found[2]}
    for (workload, percent), (before, after) in pairs.items()
    for name, quantile in [("p50", 0.5), ("p99", 0.99)]
    if (found := comparing.quantile_ratio(before, after, quantile)) is not None
]
table = pd.DataFrame(ratios, columns=["name", "percent", "ratio", "low", "high"])
if table.empty:
    print("There are too few samples for any percentile on both sides.")
else:
    figure, axes = plt.subplots(figsize=(9, 1.4 + 0.36 * len(table)))
    for place, row in table[::-1].reset_index(drop=True).iterrows():
        colour = charts.level_colour(row.percent)
        axes.plot([row.low, row.high], [place, place], color=colour, linewidth=2.5)
        axes.plot(row.ratio, place, "o", color=colour)
    axes.axvline(1, color=charts.INK, linewidth=1, linestyle=(0, (5, 3)), zorder=1)
    axes.set_xscale("log")
    charts.plain_log_axis(axes.xaxis)
    axes.set_yticks(range(len(table)), table.name[::-1])
    axes.set_ylim(-0.7, len(table) - 0.3)
    apart = int(((table.low > 1) | (table.high < 1)).sum())
    axes.set(xlabel=f"{names[1]} / {names[0]}", title=f"{apart} of {len(table)} percentiles differ by more than their seconds scatter")
    axes.grid(axis="y", visible=False)
    plt.show()
table.drop(columns="percent").round(3)
