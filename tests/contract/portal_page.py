"""docs/portal.md, read: its tables by rung, and the cases that try their lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

TABLES = (
    "Sign-in",
    "Reads",
    "Writes by the standards",
    "The whole service list",
    "Should",
    "May",
)


def read_page() -> str:
    return (Path(__file__).parents[2] / "docs" / "portal.md").read_text(encoding="utf-8")


def sections(page: str) -> dict[str, str]:
    parts = (part.partition("\n") for part in page.split("\n## ")[1:])
    return {title: text for title, _, text in parts}


def rows(section: str) -> list[list[str]]:
    """The cells of a table's lines, without its head."""
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def named(page: str) -> Iterator[tuple[str, list[str]]]:
    """What each line of the tables is about, and the cases that try it."""
    there = sections(page)
    for title in TABLES:
        for cells in rows(there[title]):
            yield cells[0], cells[-1].split("; ")


def rungs(page: str) -> dict[str, str]:
    """The first table that names a case, by the case in words."""
    there, found = sections(page), dict[str, str]()
    for title in TABLES:
        for cells in rows(there[title]):
            for case in cells[-1].split("; "):
                found.setdefault(case, title)
    return found
