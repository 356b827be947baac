"""Files of results, found and read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .errors import ResultError
from .record import Record, record, text
from .run import Run

RESULT_FILE = "result.json"
MAJOR = "1"
"""Major version of the format that this loader reads; every minor version of it loads."""
REPOSITORY = Path(__file__).resolve().parents[2]


def find(place: str | Path) -> Path:
    """The path as given where it exists, else the same from the root of the repository.

    So ``results/latest`` is found from any folder that a notebook may run in.
    """
    path = Path(place).expanduser()
    return path if path.exists() or path.is_absolute() else REPOSITORY / path


def load(place: str | Path) -> Run:
    """The run in a folder such as ``results/latest``, or in a ``result.json``.

    Raises `ResultError` when there is none, when it is no result of this tool, or of another major version.
    """
    path = find(place)
    path = path if path.is_file() else path / RESULT_FILE
    result = read_object(path, "give the folder of a run, such as results/latest")
    if text(record(result, "tool"), "name") != "plimsoll" or text(result, "schema_version") is None:
        raise ResultError(f"{path} is not a result of this tool")
    check_version(path, result)
    return Run(path, result)


def load_all(place: str | Path = "results") -> list[Run]:
    """All runs in the folders within a folder, by name and so by time; ``latest`` is not counted twice.

    Folders without a result, such as that of a run that still goes on, are passed over.
    Raises `ResultError` when the folder is not there or one of the results cannot be used.
    """
    parent = find(place)
    if not parent.is_dir():
        raise ResultError(f"{parent} is not there: give the folder that holds the folders of runs")
    folders = sorted(path for path in parent.iterdir() if path.is_dir() and not path.is_symlink())
    return [load(folder) for folder in folders if (folder / RESULT_FILE).is_file()]


def load_corpus(place: str | Path) -> Record:
    """What ``plimsoll corpus --sample-profile`` has written. Raises `ResultError` when it is not there or none."""
    path = find(place)
    sample = read_object(path, "make it with `plimsoll corpus --count 1000000 --sample-profile`")
    if text(sample, "corpus_version") is None or "sizes_up_to_power" not in sample:
        raise ResultError(f"{path} is no profile of a sample of documents")
    return sample


def load_published() -> Record:
    """What is published of real file shares, with the sources' names."""
    return read_object(Path(__file__).resolve().parents[1] / "published.json", "it belongs beside the notebooks")


def read_object(path: Path, cure: str) -> Record:
    """The JSON object in a file; ``cure`` says what to do where the file is missing. Raises `ResultError`."""
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise ResultError(f"{path} is not there: {cure}") from error
    except OSError as error:
        raise ResultError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ResultError(f"{path} is damaged or not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ResultError(f"{path} is not a result of this tool")
    return content


def check_version(path: Path, content: Record) -> None:
    """Raises `ResultError` when a file is of a major version that this loader does not read."""
    version = text(content, "schema_version")
    if version is not None and version.split(".")[0] != MAJOR:
        raise ResultError(
            f"{path} was written in version {version} of the format and this loader reads version {MAJOR}: "
            "use the loader that came with the tool that wrote it"
        )
