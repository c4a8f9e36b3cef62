"""Outcomes as text: written by a run, and read from the file with what they have to be.

An errand's name stands on a line of its own; below it one line for each outcome, after the names
of the worlds that have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

Table = Mapping[str, Mapping[str, str]]
"""Outcomes by errand and world."""

HERE = Path(__file__).parent
_INDENT = "  "


def by_errand(done: Mapping[str, Mapping[str, str]]) -> Table:
    """The table of what was done in each world: its outcomes by errand."""
    errands = dict.fromkeys(errand for each in done.values() for errand in each)
    return {errand: {world: each[errand] for world, each in done.items()} for errand in errands}


def write(table: Table) -> Iterator[str]:
    """The lines of a table."""
    for errand, row in table.items():
        yield errand
        for outcome in dict.fromkeys(row.values()):
            worlds = [world for world, each in row.items() if each == outcome]
            yield f"{_INDENT}{', '.join(worlds)}: {outcome}"


def read(name: str) -> Table:
    """The table in `expected/NAME.txt`."""
    found: dict[str, dict[str, str]] = {}
    errand = ""
    for line in (HERE / "expected" / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith(_INDENT):
            errand = line
            continue
        worlds, _, outcome = line.strip().partition(": ")
        found.setdefault(errand, {}).update(dict.fromkeys(worlds.split(", "), outcome))
    return found
