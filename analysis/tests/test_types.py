"""The loader is typed throughout."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from conftest import ANALYSIS


def test_the_loader_passes_the_strict_checks_of_mypy() -> None:
    cache = os.environ.get("PLIMSOLL_TEST_CACHE", tempfile.gettempdir())
    command = [sys.executable, "-m", "mypy", "--cache-dir", os.path.join(cache, "mypy")]
    checked = subprocess.run(command, cwd=ANALYSIS, capture_output=True, text=True, timeout=300, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
