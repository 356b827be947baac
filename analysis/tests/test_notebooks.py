"""Notebooks run from top to bottom, on every kind of run, and draw figures that show something."""

from __future__ import annotations

import base64
import io
import json
import os
import runpy
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jupytext
import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from conftest import ANALYSIS, FRESH, GOLDEN, LACKING, SAMPLE, with_repeats
from nbclient import NotebookClient
from plimsoll_results import charts
from traitlets.config import Config

NOTEBOOKS = sorted(path.stem for path in ANALYSIS.glob("*.ipynb"))
OF_A_RUN = {"01_capacity": 4, "02_dashboard_under_load": 5, "03_compare": 3}
"""Notebooks about a run, and how many figures they draw of a whole one."""
OTHERS = {"04_scaling": 1, "05_corpus": 5}
Edited = Callable[[str, Callable[[dict[str, Any]], None]], Path]


def ink_ratio(picture: np.ndarray[Any, Any]) -> float:
    """Share of the pixels that have a colour: axes and letters are grey, data are not."""
    colours = picture[..., :3].astype(float)
    return float((colours.max(axis=-1) - colours.min(axis=-1) > 0.15).mean())


def executed(name: str, settings: dict[str, str]) -> tuple[list[np.ndarray[Any, Any]], str]:
    """The figures and the text that a notebook puts out in a kernel of its own."""
    notebook = nbformat.read(ANALYSIS / f"{name}.ipynb", as_version=4)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PLIMSOLL_")}
    # A socket of the file system instead of a port of the machine.
    config = Config({"KernelManager": {"transport": "ipc"}})
    where = {"metadata": {"path": ANALYSIS}}
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources=where, config=config)
    client.execute(env=environment | settings)
    pictures, texts = [], []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                pictures.append(plt.imread(io.BytesIO(base64.b64decode(output["data"]["image/png"]))))
            texts.append(output.get("text", "") if output["output_type"] == "stream" else "")
            assert output.get("name") != "stderr", f"{name} warns: {output.get('text')}"
    return pictures, "".join(texts)


def check_figures(name: str, pictures: list[np.ndarray[Any, Any]], wanted: int) -> None:
    assert len(pictures) == wanted, f"{name} drew {len(pictures)} figures, not {wanted}"
    for number, picture in enumerate(pictures, start=1):
        ratio = ink_ratio(picture)
        assert ratio > 0.001, f"figure {number} of {name} is blank ({100 * ratio:.3f} % of it have a colour)"


def test_axes_without_data_count_as_blank() -> None:
    charts.use_style()
    figure, axes = plt.subplots()
    axes.set(title="Nothing is drawn here", xlabel="seconds", ylabel="documents/s")
    ratios = []
    for draw in (lambda: None, lambda: axes.plot([0, 1], [0, 1])):
        draw()
        figure.canvas.draw()
        ratios.append(ink_ratio(np.asarray(figure.canvas.buffer_rgba()) / 255))
    plt.close(figure)
    assert ratios[0] < 0.001 < ratios[1], f"{ratios}"


@pytest.mark.parametrize("place", [SAMPLE, *FRESH], ids=lambda path: path.name)
@pytest.mark.parametrize("name", OF_A_RUN)
def test_a_notebook_of_a_run_draws_it(name: str, place: Path) -> None:
    pictures, said = executed(name, {"PLIMSOLL_RUN": str(place)})
    check_figures(name, pictures, OF_A_RUN[name])
    assert "documents a second" in said, "the answer is told first"


@pytest.mark.parametrize("name", OTHERS)
def test_a_notebook_without_a_run_draws_what_is_checked_in(name: str) -> None:
    pictures, said = executed(name, {})
    check_figures(name, pictures, OTHERS[name])
    if name == "05_corpus":
        assert "hosts: exponent 0.8" in said


def test_the_corpus_notebook_draws_a_sample_that_the_tool_has_just_made() -> None:
    sample = os.environ.get("PLIMSOLL_TEST_CORPUS")
    if sample is None:
        pytest.skip("PLIMSOLL_TEST_CORPUS names no sample")
    pictures, said = executed("05_corpus", {"PLIMSOLL_CORPUS": sample})
    check_figures("05_corpus", pictures, OTHERS["05_corpus"])
    assert "hosts: exponent 0.8" in said


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs the cells of a notebook in this process: quicker than in a kernel, and any warning is an error."""

    def run(name: str, **settings: str) -> tuple[int, str]:
        drawn: list[int] = []

        def show() -> None:
            for number in plt.get_fignums():
                plt.figure(number).canvas.draw()
            drawn.extend(plt.get_fignums())
            plt.close("all")

        plt.switch_backend("agg")
        monkeypatch.setattr(plt, "show", show)
        for key, value in settings.items():
            monkeypatch.setenv(key, value)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            runpy.run_path(str(ANALYSIS / f"{name}.py"))
        return len(drawn), capsys.readouterr().out

    return run


@pytest.mark.parametrize("lacks", LACKING)
@pytest.mark.parametrize("name", OF_A_RUN)
def test_a_notebook_says_what_a_run_lacks(cells: Callable[..., tuple[int, str]], edited: Edited, name: str, lacks: str) -> None:
    figures, said = cells(name, PLIMSOLL_RUN=str(edited(lacks, LACKING[lacks])))
    wanted = {
        ("01_capacity", "interrupted"): (4, "no confirmed capacity (interrupted): stopped by the user"),
        ("01_capacity", "empty"): (0, "there is no path to draw"),
        ("01_capacity", "old"): (4, "documents a second"),
        ("01_capacity", "unanswered"): (4, "documents a second"),
        ("02_dashboard_under_load", "interrupted"): (0, "No level was measured"),
        ("02_dashboard_under_load", "empty"): (0, "No level was measured"),
        ("02_dashboard_under_load", "old"): (4, "there is no heat map"),
        ("02_dashboard_under_load", "unanswered"): (5, "documents a second"),
        ("03_compare", "interrupted"): (0, "Neither run has a confirmed capacity"),
        ("03_compare", "empty"): (0, "no level in common"),
        ("03_compare", "old"): (1, "no level in common"),
        ("03_compare", "unanswered"): (3, "not enough repeats"),
    }
    assert figures == wanted[name, lacks][0], said
    assert wanted[name, lacks][1] in said


@pytest.mark.parametrize("place", GOLDEN, ids=lambda path: path.name)
@pytest.mark.parametrize("name", OF_A_RUN)
def test_a_notebook_runs_on_results_of_every_earlier_version(cells: Callable[..., tuple[int, str]], name: str, place: Path) -> None:
    figures, said = cells(name, PLIMSOLL_RUN=str(place))
    assert figures or "there is" in said, said


def test_words_of_a_target_are_drawn_as_they_are(cells: Callable[..., tuple[int, str]], edited: Edited) -> None:
    def change(result: dict[str, Any]) -> None:
        result["run"]["id"] = "a $\\frac{ b $ <script>"
        result["capacity"]["finding"] = result["outcome"] = "$x_{$"
        for trial in result["trials"]:
            trial["purpose"] = "$\\nothing{$" if trial["purpose"] == "soak" else trial["purpose"]

    place = str(edited("hostile", change))
    assert [cells(name, PLIMSOLL_RUN=place)[0] for name in OF_A_RUN] == list(OF_A_RUN.values())


def test_two_runs_with_repeats_are_tested_against_each_other(cells: Callable[..., tuple[int, str]], edited: Edited) -> None:
    rates = [943.0, 951.0, 938.0, 947.0, 940.0, 955.0, 944.0, 949.0]
    before = edited("before", with_repeats(rates))
    after = edited("after", with_repeats([rate * 0.9 for rate in rates]))
    figures, said = cells("03_compare", PLIMSOLL_BASELINE=str(before), PLIMSOLL_RUN=str(after))
    assert figures == 3, said
    assert "8 and 8 repeats: a difference: p = " in said
    _, said = cells("03_compare", PLIMSOLL_BASELINE=str(before), PLIMSOLL_RUN=str(edited("few", with_repeats(rates[:3]))))
    assert "8 and 3 repeats" in said


def test_a_scale_file_is_drawn_with_its_fit(cells: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    counts = [
        {"workers": workers, "finding": "capacity", "rps": rps, "low_rps": rps * 0.97, "high_rps": rps * 1.03}
        for workers, rps in [(1, 240.0), (2, 470.0), (4, 900.0), (8, 1600.0)]
    ]
    content: dict[str, Any] = {"schema_version": "1.0.0", "counts": counts, "fit": {"alpha": 0.02, "beta": 1e-4, "gamma_rps": 240.0}}
    content |= {"goal": {"needed_rps": 260.0, "reason": "2 workers reach 260/s"}, "cautions": ["all on one machine"]}
    (tmp_path / "scale.json").write_text(json.dumps(content))
    figures, said = cells("04_scaling", PLIMSOLL_SCALE=str(tmp_path))
    assert figures == 2 and "the tool's own fit" in said and "2 workers reach 260/s\nall on one machine" in said
    content["counts"] = counts[:2]
    (tmp_path / "scale.json").write_text(json.dumps(content))
    figures, said = cells("04_scaling", PLIMSOLL_SCALE=str(tmp_path))
    assert figures == 2 and "no fit of its own here: not enough worker counts" in said


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_and_its_script_are_the_same(name: str) -> None:
    notebook, script = jupytext.read(ANALYSIS / f"{name}.ipynb"), jupytext.read(ANALYSIS / f"{name}.py")
    parts = [[(cell.cell_type, cell.source) for cell in pair.cells] for pair in (notebook, script)]
    assert parts[0] == parts[1], f"run: cd analysis && jupytext --to ipynb --update {name}.py"


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_checked_in_without_what_it_put_out(name: str) -> None:
    notebook = nbformat.read(ANALYSIS / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    kept = [cell for cell in notebook.cells if cell.cell_type == "code" and (cell.outputs or cell.execution_count)]
    assert not kept, f"clear the outputs of analysis/{name}.ipynb"


def test_every_notebook_is_tested() -> None:
    assert NOTEBOOKS == sorted([*OF_A_RUN, *OTHERS])
