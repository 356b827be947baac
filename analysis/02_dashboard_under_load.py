# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The dashboard under load
#
# Dashboard queries at a fixed rate, while documents are indexed at 0, 50, 100 and 120 % of the capacity that was found. The run is `results/sample` unless `PLIMSOLL_RUN` or the next cell names another one.

# %%
import os

RUN = os.environ.get("PLIMSOLL_RUN", "results/sample")

# %%
import matplotlib.pyplot as plt
import numpy as np
import plimsoll_results
from matplotlib.colors import LogNorm
from plimsoll_results import charts

charts.use_style()
run = plimsoll_results.load(RUN)
dashboard, indexing = run.level_streams("dashboard"), run.level_streams("index")
seconds = run.seconds()
print(f"{run.id}: {run.outcome}{', interrupted' if run.interrupted else ''}")
print(run.capacity.sentence())
if not dashboard:
    print(f"No level was measured: {run.levels_missing or 'without a capacity there is nothing to take shares of, or LEVELS=none'}.")
columns = ["scheduled", "accepted", "refused", "timed_out", "response_p50_ms", "response_p95_ms", "response_p99_ms", "response_max_ms"]
run.levels.set_index(["workload", "load_percent"]).sort_index()[[*columns, "recovery_s"]]

# %% [markdown]
# ## Percentiles at each level
#
# Each step further along the axis takes ten times the samples. A curve ends where its samples do: a hundred queries carry a 99th percentile and no more.

# %%
shown = {percent: stream.histogram() for percent, stream in dashboard.items() if stream.histogram().samples}
if not shown:
    print("No dashboard query was answered or counted: there are no percentiles to draw.")
else:
    figure, axes = plt.subplots()
    furthest = 10.0
    for percent, histogram in shown.items():
        inverse, times_ms = histogram.percentile_curve()
        axes.plot(inverse, times_ms, color=charts.level_colour(percent), label=f"{percent} % ({histogram.samples:,} queries)")
        furthest = max(furthest, inverse.max())
    charts.log_time_axis(axes)
    charts.percentile_axis(axes, furthest)
    limits = {}
    for percent in shown:
        limits.setdefault(run.objective_ms("dashboard", percent), []).append(f"{percent} %")
    for limit_ms, levels_under_it in limits.items():
        charts.objective_line(axes, limit_ms, f"objective at {' and '.join(levels_under_it)}")
    lowest, highest = min(shown), max(shown)
    before, after = (shown[percent].quantile_ms(0.5) for percent in (lowest, highest))
    axes.set_title(f"The median query takes {charts.figure_text(before)} ms at {lowest} % and {charts.figure_text(after)} ms at {highest} %")
    charts.room_above(axes)
    axes.legend(title="load, % of capacity", loc="upper left", ncols=4)
    plt.show()

# %% [markdown]
# ## The same as shares, with those that were never answered
#
# A query without an answer is one that takes *at least* its time-out: it is censored, not gone. Leaving it out would make an overloaded service look fast. So a curve that does not reach 100 % at the right edge has lost the rest to time-outs, and a mark says how much. A query that is refused is answered, and often at once: where an overloaded service sheds load, its curve starts early.

# %%
if not shown:
    print("No dashboard query was answered or counted: there are no shares to draw.")
else:
    figure, axes = plt.subplots()
    slowest = max(histogram.max_ms for histogram in shown.values())
    edge_ms = min(max(dashboard[percent].timeout_ms or slowest for percent in shown), slowest * 1.6)
    lost = {}
    for percent, histogram in shown.items():
        times_ms, shares = histogram.ecdf()
        answered = times_ms < (dashboard[percent].timeout_ms or float("inf"))
        lost[percent] = 1 - (shares[answered][-1] if answered.any() else 0.0)
        colour = charts.level_colour(percent)
        x, y = [times_ms[0], *times_ms[answered], edge_ms], [0.0, *shares[answered], 1 - lost[percent]]
        axes.step(x, 100 * np.array(y), where="post", color=colour, label=f"{percent} %")
        if lost[percent] > 0:
            axes.plot([edge_ms, edge_ms], [100 * (1 - lost[percent]), 100], color=colour, linewidth=5, solid_capstyle="butt", clip_on=False)
            axes.annotate(f"{100 * lost[percent]:.1f} % without an answer", (edge_ms, 100 - 50 * lost[percent]), xytext=(-8, 0), textcoords="offset points", ha="right", va="center", color=colour, fontsize=9)
    axes.set_xscale("log")
    charts.plain_log_axis(axes.xaxis)
    worst = max(lost, key=lost.get)
    told = "Every query was answered in time" if lost[worst] == 0 else f"At {worst} % load {100 * lost[worst]:.1f} % of the queries got no answer in time"
    axes.set(xlabel="response time up to, ms", ylabel="share of queries, %", title=told, ylim=(0, 101))
    axes.legend(title="load, % of capacity", loc="best")
    plt.show()

# %% [markdown]
# ## Second by second
#
# The median of what ended in each second. The dotted line is the end of the measured part: behind it the last answers come in.

# %%
levels = sorted(set(dashboard) | set(indexing))
rows = {
    (percent, workload): seconds[(seconds.load_percent == percent) & (seconds.workload == workload) & seconds.p50_ms.notna()]
    for percent in levels
    for workload in ("dashboard", "index")
}
if all(some.empty for some in rows.values()):
    print("No level has seconds to draw.")
else:
    figure, panels = plt.subplots(1, len(levels), figsize=(11, 4), sharey=True, squeeze=False)
    for axes, percent in zip(panels[0], levels):
        for workload, colour in [("index", charts.QUIET), ("dashboard", charts.BLUE)]:
            some = rows[percent, workload]
            axes.plot(some.t_s, some.p50_ms, color=colour, marker=".", linewidth=1.2, label=workload)
        stream = dashboard.get(percent) or indexing[percent]
        axes.axvline(stream.measured_s, color=charts.QUIET, linestyle=":", linewidth=1.2)
        axes.set(title=f"{percent} %", xlabel="second of the level")
    charts.log_time_axis(panels[0][0], "median response time, ms")
    panels[0][-1].legend(loc="best")
    figure.suptitle("What a second of each level felt like", x=0.01, ha="left", fontweight="bold")
    plt.show()

# %% [markdown]
# ## Heat map: where all the response times lie
#
# Every column is a second, every row a range of response times; the darker, the more requests. A queue that builds up shows as a rising band, a pause of the service as a column.

# %%
def heat(stream, edges_ms):
    """Counts of response times, a row for each range and a column for each second."""
    by_second = stream.second_histograms()
    counts = np.zeros((len(edges_ms) - 1, max(by_second, default=0) + 1))
    for t_s, histogram in by_second.items():
        times_ms, numbers = histogram.recorded()
        counts[:, t_s] = np.histogram(times_ms, edges_ms, weights=numbers)[0]
    return counts


drawn = {
    (workload, percent): stream
    for workload, streams in [("index", indexing), ("dashboard", dashboard)]
    for percent, stream in streams.items()
    if stream.has_second_histograms
}
if not drawn:
    print("No level carries a histogram for each second (results before version 1.1.0 do not): there is no heat map.")
else:
    kinds = [kind for kind in ("index", "dashboard") if any(workload == kind for workload, _ in drawn)]
    highest_ms = max(stream.histogram().max_ms for stream in drawn.values())
    lowest_ms = max(min(stream.histogram().recorded()[0][0] for stream in drawn.values()), 0.1)
    edges_ms = np.geomspace(lowest_ms * 0.9, highest_ms * 1.1, 48)
    figure, panels = plt.subplots(len(kinds), len(levels), figsize=(11, 3 * len(kinds) + 0.6), sharey=True, squeeze=False)
    for row, kind in zip(panels, kinds):
        grids = {percent: heat(drawn[kind, percent], edges_ms) for percent in levels if (kind, percent) in drawn}
        norm = LogNorm(1, max(grid.max() for grid in grids.values()) + 1)
        for axes, percent in zip(row, levels):
            axes.grid(False)
            axes.set_title(f"{kind} at {percent} %", fontsize=10)
            if percent in grids:
                grid = np.ma.masked_less(grids[percent], 0.5)
                mesh = axes.pcolormesh(np.arange(grid.shape[1] + 1), edges_ms, grid, norm=norm, cmap="cividis_r")
            else:
                axes.text(0.5, 0.5, "none are sent", transform=axes.transAxes, ha="center", color=charts.QUIET)
                axes.set_xticks([])
        charts.log_time_axis(row[0])
        scale = figure.colorbar(mesh, ax=row, label="documents" if kind == "index" else "queries", pad=0.01)
        charts.plain_log_axis(scale.ax.yaxis)
    for axes in panels[-1]:
        axes.set_xlabel("second of the level")
    figure.suptitle("Response times second by second", x=0.01, ha="left", fontweight="bold")
    plt.show()

# %% [markdown]
# ## After the load
#
# What was under way when the last document was due, and how long until three probes in a row were as good as at rest. `goodput` is what was accepted in the second half of an overload, as a share of the capacity: a service that holds stays near 1, one that collapses does not.

# %%
if not indexing:
    print("No level indexed documents: there is no backlog and no recovery to draw.")
else:
    figure, (backlog, recovery) = plt.subplots(1, 2, figsize=(11, 4.2), width_ratios=[3, 2])
    for percent, stream in indexing.items():
        some = seconds[(seconds.load_percent == percent) & (seconds.workload == "index")]
        backlog.plot(some.t_s - stream.measured_s + 1, some.in_flight, color=charts.level_colour(percent), label=f"{percent} %")
    backlog.axvline(0, color=charts.QUIET, linestyle=":", linewidth=1.2)
    backlog.set_yscale("symlog", linthresh=10)
    charts.plain_log_axis(backlog.yaxis)
    backlog.set(xlabel="seconds from the last due document", ylabel="in flight, documents", title="What is still under way", ylim=(0, None))
    backlog.legend(title="load, % of capacity")
    once = run.levels.drop_duplicates("load_percent")
    names = [f"{percent} %" for percent in once.load_percent]
    recovery.barh(names, once.recovery_s.fillna(0), color=[charts.level_colour(percent) for percent in once.load_percent], height=0.55)
    for place, seconds_taken in enumerate(once.recovery_s):
        word = " not reached" if np.isnan(seconds_taken) else f" {charts.figure_text(seconds_taken)} s"
        recovery.text(0 if np.isnan(seconds_taken) else seconds_taken, place, word, va="center", fontsize=9)
    recovery.margins(x=0.25)
    recovery.grid(axis="y", visible=False)
    recovery.set(xlabel="seconds until it answers as at rest", title="Recovery")
    plt.show()
    goodput = run.overload.goodput_ratio
    if goodput is None:
        print("No level lay above the capacity: nothing can be said of an overload.")
    else:
        print(f"At {run.overload.load_percent:.0f} % it accepted {100 * goodput:.1f} % of its capacity: {'it holds' if goodput >= 0.8 else 'it collapses'}.")
