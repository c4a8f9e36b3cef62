"""docs/portal.md tells those who run a portal what the contract tries, and nothing else."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.portal.test_differences import QUIRKS

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "portal.md"
TABLES = ("Must", "Should", "May")
NOT_ABOUT_PORTALS = {
    "test_chromium",
    "test_graded",
    "test_journey",
    "test_portal_page",
    "test_table",
}
"""About the contract itself, our own portal, browsers, and gpcli as a whole."""


def sections(page: str) -> dict[str, str]:
    parts = (part.partition("\n") for part in page.split("\n## ")[1:])
    return {title: text for title, _, text in parts}


def rows(section: str) -> list[list[str]]:
    """The cells of a table's lines, without its head."""
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def named(page: str) -> Iterator[tuple[str, list[str]]]:
    """What each line of the three tables is about, and the cases that try it."""
    there = sections(page)
    for title in TABLES:
        for cells in rows(there[title]):
            yield cells[0], cells[-1].split("; ")


def modules() -> list[Path]:
    return [each for each in HERE.glob("test_*.py") if each.stem not in NOT_ABOUT_PORTALS]


def cases_in(source: str) -> set[str]:
    """The tests of a module, in words."""
    found = ast.walk(ast.parse(source))
    names = (each.name for each in found if isinstance(each, ast.FunctionDef))
    prefix = "test_"
    return {
        name.removeprefix(prefix).replace("_", " ") for name in names if name.startswith(prefix)
    }


def all_cases() -> set[str]:
    return set().union(*(cases_in(each.read_text(encoding="utf-8")) for each in modules()))


@pytest.fixture(scope="module")
def lines() -> list[tuple[str, list[str]]]:
    return list(named(PAGE.read_text(encoding="utf-8")))


def test_every_case_has_a_line(lines):
    assert all_cases() - {case for _, cases in lines for case in cases} == set()


def test_every_line_names_cases_that_there_are(lines):
    known = all_cases()

    assert {what: set(cases) - known for what, cases in lines if set(cases) - known} == {}


def test_every_manner_of_servers_that_is_tried_has_its_name_on_the_page():
    manners = rows(sections(PAGE.read_text(encoding="utf-8"))["What servers do in their own way"])

    names = [name for cells in manners for name in cells[0].split("; ")]
    assert sorted(names) == sorted(QUIRKS)


def test_no_line_is_there_twice(lines):
    titles = Counter(what for what, _ in lines)

    assert [what for what, count in titles.items() if count > 1] == []


def test_a_line_is_read_with_its_cases_whatever_its_middle_says():
    page = "# P\n## Must\n\n| a | b | c |\n| - | - | - |\n| Slot | `x\\|y` | one case; two |\n"

    assert rows(sections(page)["Must"]) == [["Slot", "`x\\|y`", "one case; two"]]


def test_a_case_is_a_test_in_words():
    assert cases_in("def test_a_b(visit):\n    pass\ndef helper():\n    pass\n") == {"a b"}
