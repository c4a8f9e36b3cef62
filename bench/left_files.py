"""What a process that was killed left in its directories: whole files, and drafts."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

from gpcli.config.index_format import FACT_LENGTHS, HEADER

KEY_BYTES = 32
_KEPT_TEXTS = ("drafts", "outbox")
"""Directories below the state directory for texts, and lines with texts, that are under way."""


def find_broken(home: Path) -> list[str]:
    """Return the names of the files in `home` that are not whole, or that nobody knows."""
    return [
        str(path.relative_to(home))
        for path in home.rglob("*")
        if path.is_file() and not is_draft(path) and not _is_whole(path)
    ]


def count_drafts(home: Path) -> int:
    """Return how many files were begun in `home` and never got their names."""
    return sum(is_draft(path) for path in home.rglob("*"))


def age_drafts(home: Path, seconds: float) -> None:
    """Make the files in `home` that never got their names so much older."""
    for path in filter(is_draft, home.rglob("*")):
        modified = path.stat().st_mtime - seconds
        os.utime(path, (modified, modified))


def find_texts(home: Path) -> list[str]:
    """Return the names of the files in `home` that keep what somebody wrote."""
    kept = [path for name in _KEPT_TEXTS for path in (home / "state" / name).rglob("*")]
    return [str(path.relative_to(home)) for path in kept if path.is_file()]


def is_draft(path: Path) -> bool:
    """Return whether a file has yet to get its name."""
    return path.is_file() and path.name.startswith(".")


def _is_whole(path: Path) -> bool:
    check = _CHECKS.get(path.suffix) or _CHECKS.get(path.name)
    try:
        return check is not None and check(path)
    except (ValueError, OSError):
        return False


def _is_json(path: Path) -> bool:
    return isinstance(json.loads(path.read_bytes()), dict)


def _is_journal(path: Path) -> bool:
    """Return whether all lines can be read; the last may be cut off."""
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    return all(isinstance(json.loads(line), dict) for line in lines if line)


def _is_toml(path: Path) -> bool:
    tomllib.loads(path.read_text(encoding="utf-8"))
    return True


def _is_index(path: Path) -> bool:
    first, *facts = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    return first == HEADER and all(FACT_LENGTHS[fact[0]] == len(fact) for fact in facts)


_CHECKS: Mapping[str, Callable[[Path], bool]] = {
    ".json": _is_json,
    ".jsonl": _is_journal,
    ".toml": _is_toml,
    ".key": lambda path: path.stat().st_size == KEY_BYTES,
    ".lock": lambda path: True,
    "index": _is_index,
}
"""How the files of a name or of an ending are read."""
