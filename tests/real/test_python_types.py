"""The examples of docs/python.md as mypy and pyright see them, beside an installed wheel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scripting.test_python_page import EXAMPLES

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
PYRIGHT = ROOT / "tests" / "real" / "node_modules" / ".bin" / "pyright"

WRONG = """
import gpcli

with gpcli.connect() as portal:
    portal.plan_booking(5)
    portal.send_booking()
    gpcli.nosuch
"""
"""Three mistakes that a checker has to see, or it sees none."""


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has gpcli from a wheel, with what it needs."""
    place = tmp_path_factory.mktemp("types")
    uv = Path(sys.executable).parent / "uv"
    python = place / "venv" / "bin" / "python"
    run(uv, "venv", "-q", "--python", sys.executable, place / "venv", cwd=place)
    run(uv, "pip", "install", "-q", "--python", python, wheel, cwd=place)
    return python


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    for number, (code, _) in enumerate(EXAMPLES.values()):
        (tmp_path / f"example_{number}.py").write_text(code, encoding="utf-8")
    return tmp_path


def run(*command: object, cwd: Path) -> str:
    ended = try_to_run(*command, cwd=cwd)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def try_to_run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    hidden = ("PYTHONPATH", "MYPYPATH")
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name not in hidden},
        capture_output=True,
        text=True,
        check=False,
    )


def mypy(python: Path) -> list[object]:
    silent = ("--follow-imports=silent", "--no-incremental", "--config-file=")
    return [sys.executable, "-m", "mypy", "--strict", *silent, "--python-executable", python, "."]


def pyright(python: Path, place: Path) -> list[object]:
    config = place / "pyrightconfig.json"
    config.write_text(json.dumps({"typeCheckingMode": "strict"}), encoding="utf-8")
    return [PYRIGHT, "--pythonpath", python, "--outputjson"]


def test_mypy_strict_is_content_with_the_examples(python, examples):
    assert "no issues found in 8 source files" in run(*mypy(python), cwd=examples)


def test_pyright_is_content_with_the_examples(python, examples):
    report = json.loads(run(*pyright(python, examples), cwd=examples))
    assert report["summary"]["filesAnalyzed"] == len(EXAMPLES)
    assert report["generalDiagnostics"] == []


def test_both_see_mistakes(python, tmp_path):
    (tmp_path / "wrong.py").write_text(WRONG, encoding="utf-8")

    by_mypy = try_to_run(*mypy(python), cwd=tmp_path)
    by_pyright = json.loads(try_to_run(*pyright(python, tmp_path), cwd=tmp_path).stdout)

    seen = [line.split(":")[1] for line in by_mypy.stdout.splitlines() if ": error:" in line]
    told = [each["range"]["start"]["line"] + 1 for each in by_pyright["generalDiagnostics"]]
    assert set(map(int, seen)) == {5, 6, 7}
    assert {5, 6, 7} <= set(told)
