"""Wheels and installs as pip makes them, from a source in which no answers are built."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from hashlib import sha256 as digest
from pathlib import Path

import pytest

from gpcli import __version__

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
PARTS = ("gpcli", "completions", ".gitignore", "LICENSE", "README.md", "pyproject.toml")
TABLE = "gpcli/cli/answer_table.py"


def copy_source(target: Path) -> Path:
    """Copy the source as it is checked in."""
    target.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "answer_table.py")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, target / part, ignore=ignored)
        else:
            shutil.copy(ROOT / part, target / part)
    return target


def run(*command: object, cwd: Path) -> str:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ending = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**env, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ending.returncode == 0, ending.stdout + ending.stderr
    return ending.stdout


def sha256(path: Path) -> str:
    return digest(path.read_bytes()).hexdigest()


def build_wheel(builder: Path, source: Path, target: Path) -> Path:
    run(builder / "pip", "wheel", "-q", "--no-deps", "-w", target, source, cwd=target.parent)
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment with hatchling, and nothing that gpcli needs."""
    place = tmp_path_factory.mktemp("builder")
    venv.create(place, with_pip=True)
    run(place / "bin" / "pip", "install", "-q", "hatchling", cwd=place)
    return place / "bin"


@pytest.fixture(scope="module")
def wheel(builder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    return build_wheel(builder, copy_source(place / "source"), place / "wheel")


def test_a_wheel_has_the_answers_and_twice_built_is_the_same(wheel, builder, tmp_path):
    source = copy_source(tmp_path / "source")
    (source / TABLE).write_text("stale = True\n")
    again = build_wheel(builder, source, tmp_path / "again")

    with zipfile.ZipFile(wheel) as files:
        assert files.namelist().count(TABLE) == 1
        assert files.read(TABLE) == (ROOT / TABLE).read_bytes()
    assert sha256(again) == sha256(wheel)


def test_an_sdist_holds_no_answers_and_makes_the_same_wheel(wheel, builder, tmp_path):
    source = copy_source(tmp_path / "source")
    (source / TABLE).write_text("stale = True\n")
    run(builder / "python", "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, cwd=source)
    sdist = tmp_path / f"gpcli-{__version__}.tar.gz"
    again = build_wheel(builder, sdist, tmp_path / "again")

    with tarfile.open(sdist) as files:
        assert f"gpcli-{__version__}/{TABLE}" not in files.getnames()
    assert sha256(again) == sha256(wheel)


@pytest.mark.parametrize("kind", ["wheel", "editable"])
def test_an_install_answers_without_any_dependency(kind, wheel, tmp_path):
    what = [wheel] if kind == "wheel" else ["-e", copy_source(tmp_path / "source")]
    venv.create(tmp_path / "venv", with_pip=True)
    bin_dir = tmp_path / "venv" / "bin"
    run(bin_dir / "pip", "install", "-q", "--no-deps", *what, cwd=tmp_path)

    page = run(sys.executable, "-m", "gpcli", "--help", cwd=ROOT)
    script = (ROOT / "completions" / "gpcli.bash").read_text(encoding="utf-8")
    assert run(bin_dir / "gpcli", "--help", cwd=tmp_path) == page
    assert run(bin_dir / "gpcli", "completion", "bash", cwd=tmp_path) == script


def test_a_build_without_what_it_needs_fails_with_one_sentence(builder, tmp_path):
    ending = subprocess.run(
        [builder / "python", "-m", "hatchling", "build", "-t", "wheel"],
        cwd=copy_source(tmp_path / "source"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ending.returncode == 1
    assert "Traceback" not in ending.stderr
    assert ending.stderr.splitlines()[-1] == (
        "The ready answers of gpcli can't be built: ModuleNotFoundError: No module named 'typer'"
    )
