"""Wheels and installs as pip makes them, from a source in which no answers are built."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import venv
import zipfile
from hashlib import sha256 as digest
from pathlib import Path

import pytest

from gpcli import __version__
from gpcli.cli.build_man_pages import build_pages
from tests.real.building import ROOT, build_wheel, copy_source, run

pytestmark = pytest.mark.real

TABLE = "gpcli/cli/answer_table.py"


def sha256(path: Path) -> str:
    return digest(path.read_bytes()).hexdigest()


def test_a_wheel_has_the_answers_and_twice_built_is_the_same(wheel, builder, tmp_path):
    source = copy_source(tmp_path / "source")
    (source / TABLE).write_text("stale = True\n")
    again = build_wheel(builder, source, tmp_path / "again")

    with zipfile.ZipFile(wheel) as files:
        assert files.namelist().count(TABLE) == 1
        assert files.read(TABLE) == (ROOT / TABLE).read_bytes()
    assert sha256(again) == sha256(wheel)


def test_a_wheel_holds_types_manual_pages_and_completions_and_no_bench(wheel):
    with zipfile.ZipFile(wheel) as files:
        names = set(files.namelist())
        [script] = (name for name in names if name.endswith("/bash-completion/completions/gpcli"))
        completion = files.read(script)
    shared = f"gpcli_patient-{__version__}.data/data/share"

    assert "gpcli/py.typed" in names
    assert {f"{shared}/man/{page}" for page in build_pages()} <= names
    assert completion == (ROOT / "completions" / "gpcli.bash").read_bytes()
    assert {name.partition("/")[0] for name in names} == {
        "gpcli",
        f"gpcli_patient-{__version__}.data",
        f"gpcli_patient-{__version__}.dist-info",
    }


def test_an_sdist_holds_no_answers_and_makes_the_same_wheel(wheel, builder, tmp_path):
    source = copy_source(tmp_path / "source")
    (source / TABLE).write_text("stale = True\n")
    run(builder / "python", "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, cwd=source)
    sdist = tmp_path / f"gpcli_patient-{__version__}.tar.gz"
    again = build_wheel(builder, sdist, tmp_path / "again")

    with tarfile.open(sdist) as files:
        assert f"gpcli_patient-{__version__}/{TABLE}" not in files.getnames()
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
