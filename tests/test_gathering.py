"""What workers find out reaches the process that sums a run up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

CONFTEST = """
from tests.gathering import gathered

def pytest_collection_finish(session):
    for item in session.items:
        gathered(session.config, "seen")[item.name] = [item.nodeid]

def pytest_terminal_summary(terminalreporter):
    print(f"SEEN {sorted(gathered(terminalreporter.config, 'seen'))}")
"""
TESTS = """
def test_one(): pass
def test_two(): pass
"""


@pytest.mark.real  # a whole run of pytest
@pytest.mark.parametrize("processes", ["0", "2"])
def test_what_is_found_out_is_there_at_the_end_by_however_many_processes(tmp_path, processes):
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS)

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.gathering", "-n", processes, tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "SEEN ['test_one', 'test_two']" in ended.stdout
    assert ended.returncode == 0, ended.stdout + ended.stderr
