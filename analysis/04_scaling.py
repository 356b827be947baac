# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # How capacity grows with workers
#
# The Universal Scalability Law, X(N) = γN / (1 + α(N−1) + βN(N−1)): γ is what one worker sustains, α the share of the work that only one can do at a time, β what each pair of workers costs. With β above 0 there is a number of workers beyond which more of them sustain less.
#
# First on public data, so that the fit can be checked; then on a run of `plimsoll scale`, when `PLIMSOLL_SCALE` or the next cell names its folder.

# %%
import os

SCALE = os.environ.get("PLIMSOLL_SCALE")

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import plimsoll_results
from plimsoll_results import ResultError, charts
from plimsoll_results.scale import fit_usl

charts.use_style()


def draw(workers, rps, fit, title, what, unit, low=None, high=None, needed_rps=None):
    """Measured points, the fitted curve, its peak, and where it is no more than a guess."""
    figure, axes = plt.subplots()
    if low is not None:
        axes.vlines(workers, low, high, color=charts.INK, linewidth=2, alpha=0.5)
    axes.plot(workers, rps, "o", color=charts.INK, markersize=7, zorder=3, label="measured")
    if fit is not None:
        measured, furthest = np.linspace(1, max(workers), 300), np.linspace(max(workers), 2 * max(workers), 200)
        axes.plot(measured, fit.rps(measured), color=charts.BLUE, label="fit")
        axes.plot(furthest, fit.rps(furthest), color=charts.BLUE, linestyle=(0, (2, 1.5)), label="forecast, up to twice the largest count")
        axes.plot(measured, fit.gamma_rps * measured, color=charts.QUIET, linewidth=1, linestyle=":", label="if each added as much as the first")
        axes.set_ylim(0, 1.15 * max(*rps, *fit.rps(measured), *fit.rps(furthest)))
        if fit.peak_workers is not None and fit.peak_workers <= 2 * max(workers):
            axes.plot(fit.peak_workers, fit.peak_rps, "v", color=charts.RED, markersize=9, zorder=4)
            axes.annotate(f"peak {fit.peak_rps:,.0f} at {fit.peak_workers:.1f}", (fit.peak_workers, fit.peak_rps), xytext=(0, 11), textcoords="offset points", ha="center", color=charts.RED, fontsize=9)
    if needed_rps is not None:
        axes.axhline(needed_rps, color=charts.GREEN, linewidth=1.4, zorder=1, label=f"goal with headroom, {needed_rps:,.0f}")
        axes.set_ylim(0, max(axes.get_ylim()[1], 1.1 * needed_rps))
    axes.set_xlim(0)
    axes.set(xlabel=what, ylabel=unit, title=title)
    axes.legend(loc="best")
    plt.show()


def told(fit):
    """The parameters with their standard errors."""
    rows = [("alpha", fit.alpha, fit.alpha_error), ("beta", fit.beta, fit.beta_error), ("gamma", fit.gamma_rps, fit.gamma_error_rps)]
    return pd.DataFrame(rows, columns=["parameter", "value", "standard error"]).set_index("parameter")

# %% [markdown]
# ## Public data: SPEC SDM91
#
# Throughput of a SPEC SDM91 benchmark by the number of generators, the data set of R's package `usl` (there: α 0.0277285, β 0.000104365, γ 89.99527; standard errors 0.0091, 0.0000199, 14.21). The fit here is that of `scipy.optimize.curve_fit`.

# %%
generators = [1, 18, 36, 72, 108, 144, 216]
throughput = [64.9, 995.9, 1652.4, 1853.2, 1828.9, 1775.0, 1702.2]
public = fit_usl(generators, throughput)
assert f"{public.alpha:.6g} {public.beta:.6g}" == "0.0277285 0.000104365"
assert math.isclose(public.gamma_rps, 89.99527, rel_tol=1e-6)
assert f"{public.alpha_error:.2g} {public.beta_error:.3g} {public.gamma_error_rps:.4g}" == "0.0091 1.99e-05 14.21"
assert f"{public.peak_workers:.1f} {public.peak_rps:.1f}" == "96.5 1883.9"
draw(generators, throughput, public, f"SPEC SDM91 peaks at {public.peak_workers:.1f} generators", "generators of load", "throughput, scripts/h")
told(public)

# %% [markdown]
# ## A run of `plimsoll scale`

# %%
if SCALE is None:
    print("No run is named: set PLIMSOLL_SCALE to a folder that `plimsoll scale WORKERS=1,2,4,8` has written.")
else:
    scale = plimsoll_results.load_scale(SCALE)
    print(scale.points.to_string(index=False))
    usable = scale.points[(scale.points.finding == "capacity") & scale.points.rps.notna()]
    left_out = len(scale.points) - len(usable)
    if left_out:
        print(f"{left_out} of {len(scale.points)} counts have no confirmed capacity and stay out of the fit.")
    fit = scale.fit
    try:
        fit = fit_usl(usable.workers.to_numpy(), usable.rps.to_numpy())
        print(told(fit).to_string())
        if scale.fit is not None:
            print(f"the tool's own fit: alpha {scale.fit.alpha:.6g}, beta {scale.fit.beta:.6g}, gamma {scale.fit.gamma_rps:.6g}")
    except ResultError as error:
        print(f"no fit of its own here: {error}")
    if usable.empty:
        print("No count has a confirmed capacity: there is nothing to draw.")
    else:
        grows = usable.rps.iloc[-1] / usable.rps.iloc[0]
        title = f"{usable.workers.iloc[-1] / usable.workers.iloc[0]:g} times the workers sustain {grows:.2g} times the rate"
        draw(usable.workers.to_numpy(), usable.rps.to_numpy(), fit, title, "workers", "capacity, documents/s", usable.low_rps, usable.high_rps, scale.needed_rps)
    for line in [scale.judgement, *scale.cautions]:
        if line:
            print(line)
