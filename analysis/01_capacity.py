# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How the capacity was found
#
# The run is `results/sample` unless `PLIMSOLL_RUN` or the next cell names another one, such as `results/latest`.

# %%
import os

RUN = os.environ.get("PLIMSOLL_RUN", "results/sample")

# %%
import matplotlib.pyplot as plt
import pandas as pd
import plimsoll_results
from plimsoll_results import charts

charts.use_style()
run = plimsoll_results.load(RUN)
capacity = run.capacity
trials = run.trials
index = trials[trials.workload == "index"].reset_index(drop=True)
print(f"{run.id}: {run.outcome}{', interrupted' if run.interrupted else ''}")
print(capacity.sentence())
print("flags:", ", ".join(capacity.flags) or "none")
pd.DataFrame(run.criteria)

# %% [markdown]
# ## The path of the search
#
# Every trial offers one rate and comes back with a verdict. Between the highest rate that stands as sustained and the lowest that was overloaded lies the answer; a soak confirms it. `drift` and `retest` ask whether the service is still the one it was.

# %%
def interval(axes, upright=False):
    """Marks the capacity and its interval, where there is one."""
    span, line = (axes.axvspan, axes.axvline) if upright else (axes.axhspan, axes.axhline)
    if capacity.low_rps is not None and capacity.high_rps is not None:
        span(capacity.low_rps, capacity.high_rps, color=charts.BLUE, alpha=0.15, linewidth=0, zorder=0)
    if capacity.rps is not None:
        line(capacity.rps, color=charts.BLUE, linewidth=1.2, zorder=1)
        if not upright:
            axes.annotate(f"capacity {capacity.rps:,.0f}/s", (0, capacity.rps), xycoords=axes.get_yaxis_transform(), xytext=(4, 4), textcoords="offset points", color=charts.BLUE, fontsize=9)


search = index[~index.purpose.str.startswith(("warm", "level"))].reset_index(drop=True)
if search.empty:
    print("The run ended before its search began: there is no path to draw.")
else:
    figure, axes = plt.subplots()
    axes.set_yscale("log")
    interval(axes)
    axes.step(search.index + 1, search.offered_rps, where="mid", color=charts.QUIET, linewidth=1)
    for verdict, (colour, marker) in charts.VERDICTS.items():
        some = search[search.verdict == verdict]
        if not some.empty:
            axes.scatter(some.index + 1, some.offered_rps, color=colour, marker=marker, s=60, zorder=3, label=verdict)
    for number, row in search[search.purpose != "search"].iterrows():
        axes.annotate(row.purpose, (number + 1, row.offered_rps), xytext=(0, -16), textcoords="offset points", ha="center", fontsize=8)
    found = "no rate was confirmed" if capacity.rps is None else f"it closed in on {capacity.rps:,.0f} documents a second"
    axes.set(xlabel="trial of the search, in order", ylabel="offered rate, documents/s", title=f"{len(search)} trials: {found}")
    charts.plain_log_axis(axes.yaxis)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.margins(y=0.15)
    axes.legend(loc="lower right", title="verdict")
    plt.show()

# %% [markdown]
# ## What callers feel as the rate rises
#
# Response time runs from the instant at which a request was due, so that waiting counts. The band is the interval of the capacity. A long trial sees rare pauses that a short one misses, so a p99 may be higher at a lower rate.

# %%
loaded = index[(index.purpose != "warm_up") & index.offered_rps.notna()].sort_values("offered_rps")
if loaded.empty:
    print("No trial offered documents: there is nothing to draw against the rate.")
else:
    figure, (above, below) = plt.subplots(2, 1, figsize=(9, 7.5), sharex=True, height_ratios=[3, 2])
    for column, name, colour in [("response_p99_ms", "p99", charts.RED), ("response_p50_ms", "p50", charts.BLUE)]:
        for purposes, filled in [(~loaded.purpose.str.startswith("level"), True), (loaded.purpose.str.startswith("level"), False)]:
            some = loaded[purposes]
            label = f"{name}, {'search and soak' if filled else 'levels'}"
            if not some.empty:
                above.scatter(some.offered_rps, some[column], s=36, color=colour if filled else "white", edgecolor=colour, zorder=3, label=label)
    interval(above, upright=True)
    charts.log_time_axis(above)
    charts.objective_line(above, run.objective_ms("index"))
    lowest, highest = loaded.iloc[0], loaded.iloc[-1]
    told = [f"{charts.figure_text(row.response_p50_ms)} ms at {row.offered_rps:,.0f}/s" for row in (lowest, highest)]
    above.set_title(f"The median response takes {' and '.join(told)}")
    charts.room_above(above)
    above.legend(loc="upper left", ncols=4)
    most = loaded.offered_rps.max() * 1.05
    below.plot([0, most], [0, most], color=charts.QUIET, linestyle=":", linewidth=1.2, label="all that was offered")
    for verdict, (colour, marker) in charts.VERDICTS.items():
        some = loaded[loaded.verdict == verdict]
        if not some.empty:
            below.scatter(some.offered_rps, some.accepted_rps, color=colour, marker=marker, s=45, zorder=3, label=verdict)
    interval(below, upright=True)
    below.set(xlabel="offered rate, documents/s", ylabel="accepted, documents/s", title="Accepted answers follow the offered rate until they cannot")
    below.set_xlim(0, most)
    below.set_ylim(0)
    below.legend(loc="upper left")
    plt.show()

# %% [markdown]
# ## The soak, second by second
#
# The trial that confirmed the rate; without one, the longest that there is.

# %%
confirming = index[index.trial.isin(capacity.confirmed_by)]
chosen = confirming if not confirming.empty else index[index.measured_s > 0].nlargest(1, "measured_s")
if chosen.empty:
    print("No trial has a measured part: there are no seconds to draw.")
else:
    soak = chosen.iloc[-1]
    seconds = run.seconds().query("trial == @soak.trial and workload == 'index'")
    whole = seconds[seconds.t_s + 1 <= soak.measured_s]
    figure, (rates, times, queue) = plt.subplots(3, 1, figsize=(9, 8), sharex=True, height_ratios=[2, 3, 2])
    edges = [*whole.t_s, len(whole)]
    for column, colour in [("offered", charts.QUIET), ("accepted", charts.GREEN), ("failed", charts.RED)]:
        if column != "failed" or whole.failed.any():
            rates.stairs(whole[column], edges, baseline=None, color=colour, linewidth=1.8, label=column)
    role = "confirmed the rate" if not confirming.empty else "is the longest; none confirmed a rate"
    rates.set(ylabel="documents/s", title=f"Trial {soak.trial} at {soak.offered_rps:,.0f} documents a second {role}")
    rates.set_ylim(0)
    rates.legend(ncols=3, loc="lower right")
    times.plot(seconds.t_s, seconds.p99_ms, color=charts.RED, marker=".", label="p99")
    times.plot(seconds.t_s, seconds.p50_ms, color=charts.BLUE, marker=".", label="p50")
    charts.log_time_axis(times)
    charts.objective_line(times, run.objective_ms("index"))
    times.legend(ncols=2, loc="lower right")
    queue.fill_between(seconds.t_s, seconds.in_flight, step="post", color=charts.SKY, alpha=0.6)
    queue.set(xlabel="seconds since the measured part began", ylabel="in flight, documents")
    queue.set_ylim(0)
    plt.show()

# %% [markdown]
# ## Was the generator itself in time?
#
# Lateness is the generator's own fault: from the instant a request was due to the one at which it was taken up. A trial with too much of it is void.

# %%
own = index[index.lateness_p99_ms.notna()].reset_index(drop=True)
if own.empty:
    print("No trial carries the lateness of the generator.")
else:
    limit_ms = max(2.0, 0.01 * (run.objective_ms("index") or 0.0))
    figure, (late, busy) = plt.subplots(2, 1, figsize=(9, 5.5), sharex=True)
    late.bar(own.trial, own.lateness_p99_ms, color=charts.PURPLE, width=0.6)
    worst = own.lateness_p99_ms.max()
    charts.objective_line(late, limit_ms, "a trial is void over")
    late.set_ylim(0, max(limit_ms, worst) * 1.25)
    late.set(ylabel="lateness p99, ms", title=f"The generator was late by {worst:.2g} ms at most (p99 of a trial)")
    busy.bar(own.trial, 100 * own.cpu_ratio, color=charts.SKY, width=0.6)
    busy.set(xlabel="trial", ylabel="processor, % of a core")
    busy.tick_params(axis="x", labelsize=8)
    plt.show()
