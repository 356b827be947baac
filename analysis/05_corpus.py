# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The corpus beside what is published of real file shares
#
# The sample is `corpus-sample.json`, the profile of 200,000 documents, unless `PLIMSOLL_CORPUS` or the next cell names another one. A larger one of your own settings:
#
# ```sh
# target/release/plimsoll corpus --count 1000000 --sample-profile > analysis/corpus-profile.json
# ```
#
# Sources of the published figures stand in `published.json`; the size curves were read from the comparison plot of Dinneen and Nguyen 2021 (one pixel is 0.2 percentage points).

# %%
import os

CORPUS = os.environ.get("PLIMSOLL_CORPUS", "analysis/corpus-sample.json")

# %%
import math

import matplotlib.pyplot as plt
import plimsoll_results
from plimsoll_results import charts

charts.use_style()
sample = plimsoll_results.load_corpus(CORPUS)
published = plimsoll_results.load_published()
documents = sample["documents"]
print(f"{documents:,} documents of {sample['corpus_version']} from number {sample['first']}")

# %% [markdown]
# ## Sizes

# %%
curves = dict(published["sizes_percent_up_to_power"])
first = curves.pop("first_power")
powers = range(first, first + 25)
generated = [100 * sample["sizes_up_to_power"][power] / documents for power in powers]
figure, axes = plt.subplots()
for name, curve in curves.items():
    axes.plot(powers, curve, label=name, linewidth=1.2)
axes.plot(powers, generated, label="generated", color=charts.INK, linewidth=2.4)
axes.set_xticks([5, 10, 15, 20, 25], ["32 B", "1 KiB", "32 KiB", "1 MiB", "32 MiB"])
distances = {name: max(abs(a - b) for a, b in zip(curve, generated)) / 100 for name, curve in curves.items()}
nearest = min(distances, key=distances.get)
axes.set(xlabel="size of a file", ylabel="files up to it, %", title=f"Sizes are at most {100 * distances[nearest]:.1f} points from {nearest}")
axes.legend(fontsize=8.5)
plt.show()
for name, distance in distances.items():
    print(f"D = {distance:.3f}  from {name}")
print(f"median {sample['size_p50_bytes']:,} B, p90 {sample['size_p90_bytes']:,} B, p99 {sample['size_p99_bytes']:,} B, mean {sample['size_mean_bytes']:,.0f} B")

# %% [markdown]
# ## Kinds of files
#
# Bars are generated; lines span what Dinneen and Julien 2019 found in personal collections. Images are fewer on purpose: this is a work share.

# %%
groups = {
    "images": "jpg jpeg png gif bmp tif svg psd heic",
    "development": "html htm xml js json java h py css c cs php sql yml ps1 bat ini cfg",
    "no extension": "",
    "text": "txt md log rtf",
    "video": "mp4 mov",
    "mail": "msg eml pst",
}
shares = {
    name: 100 * sum(sample["extensions"].get(one, 0) for one in (extensions.split() or [""])) / documents
    for name, extensions in groups.items()
}
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5))
left.bar(shares.keys(), shares.values(), color=charts.SKY, label="generated")
for place, name in enumerate(shares):
    low, high = published["groups_percent"][name]
    left.plot([place, place], [low, high], color=charts.INK, linewidth=3, label="published range" if place == 0 else None)
left.set(ylabel="files, %", title="Groups of extensions")
left.tick_params(axis="x", rotation=30)
left.legend()
top = sorted(sample["extensions"].items(), key=lambda item: -item[1])[:25]
right.barh([name or "(none)" for name, _ in top][::-1], [100 * count / documents for _, count in top][::-1], color=charts.SKY)
right.set(xlabel="files, %", title="The 25 most frequent extensions")
right.tick_params(axis="y", labelsize=8)
right.grid(axis="y", visible=False)
right.margins(y=0.02)
plt.show()

# %% [markdown]
# ## Directories

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5))
depths = {int(depth): count for depth, count in sample["directory_depths"].items()}
total = sum(depths.values())
mean = sum(depth * count for depth, count in depths.items()) / total
left.bar(depths.keys(), [100 * count / total for count in depths.values()], color=charts.SKY)
for (name, published_mean), colour in zip(published["directory_depth_mean"].items(), [charts.BLUE, charts.GREEN, charts.RED]):
    left.axvline(published_mean, linestyle=":", color=colour, label=f"published mean on {name}")
left.set(xlabel="depth", ylabel="directories, %", title=f"Directories lie {mean:.1f} deep on average")
left.legend(fontsize=8.5)
files = sorted((int(number), count) for number, count in sample["files_per_directory"].items())
beyond, points = total, []
for number, count in files:
    points.append((number, beyond / total))
    beyond -= count
right.loglog(*zip(*points))
right.set(xlabel="files in a directory", ylabel="directories with at least so many, share", title="Files per directory")
plt.show()
print(f"mean depth {mean:.2f}; {100 * sample['directories_open'] / total:.1f} % open to everyone (published {published['directories_open_percent']} %)")

# %% [markdown]
# ## Who and what comes how often

# %%
def exponent(counts):
    """The Zipf exponent of greatest likelihood."""
    counts = sorted(counts, reverse=True)
    logs = [math.log(rank) for rank in range(1, len(counts) + 1)]

    def likelihood(s):
        norm = sum(math.exp(-s * log) for log in logs)
        return -s * sum(c * log for c, log in zip(counts, logs)) - sum(counts) * math.log(norm)

    return max((s / 200 for s in range(60, 300)), key=likelihood)


people = {name: count for name, count in sample["principals"].items() if name != "everyone"}
figure, axes = plt.subplots()
for name, counts, wanted in [
    ("hosts", sample["hosts"].values(), 0.8),
    ("principals", people.values(), 0.8),
    ("stems of names", sample["stems"][:4096], 0.9),
]:
    counts = sorted(counts, reverse=True)
    found = exponent(counts)
    axes.loglog(range(1, len(counts) + 1), [count / sum(counts) for count in counts], label=f"{name}: exponent {found:.2f}")
    print(f"{name}: exponent {found:.2f}, model {wanted}")
axes.set(xlabel="rank", ylabel="share", title="A few hosts, people and stems make up most of it")
axes.legend()
plt.show()

# %% [markdown]
# ## Permissions and ages

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5))
entries = {int(n): count for n, count in sample["entries"].items()}
left.bar(entries.keys(), [100 * count / documents for count in entries.values()], color=charts.SKY)
left.xaxis.get_major_locator().set_params(integer=True)
left.axvline(published["entries_mean"], linestyle=":", color=charts.INK, label="published mean")
left.set(xlabel="entries in permissions", ylabel="documents, %", title="Permissions")
left.legend()
years = {int(year): count for year, count in sample["years"].items()}
dated = sum(years.values())
ages = range(23)
older = [100 * sum(count for year, count in years.items() if year < 2025 - age) / dated for age in ages]
right.plot(ages, older, label="generated")
for place, (age, percent) in enumerate(published["older_than_years_percent"].items()):
    right.plot([int(age)], [percent], "o", color=charts.INK, label="Veritas 2016" if place == 0 else None)
right.set(xlabel="years", ylabel="dated names that are older, %", title="Ages")
right.legend()
plt.show()
print(f"names: mean {sample['name_mean_bytes']:.1f} B, p99 {sample['name_p99_bytes']} B, longest {sample['name_max_bytes']} B")
print(f"bodies: mean {sample['body_mean_bytes']:.0f} B, deflate {sample['deflate_ratio']:.1f} : 1")
