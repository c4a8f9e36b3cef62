"""What builds wheels as pip does, from a source in which nothing is built."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ("gpcli", "completions", ".gitignore", "LICENSE", "README.md", "pyproject.toml")


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


def build_wheel(builder: Path, source: Path, target: Path) -> Path:
    run(builder / "pip", "wheel", "-q", "--no-deps", "-w", target, source, cwd=target.parent)
    return next(target.glob("*.whl"))
