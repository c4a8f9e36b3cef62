"""docs/portal.md tells those who run a portal what the contract tries, and nothing else."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.contract.portal_page import named, read_page, rows, sections
from tests.portal.test_differences import QUIRKS

HERE = Path(__file__).parent
NOT_ABOUT_PORTALS = {
    "test_chromium",
    "test_graded",
    "test_journey",
    "test_portal_page",
    "test_smoke",
    "test_table",
}
"""About the contract itself, our own portal, browsers, and gpcli as a whole."""


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
    return list(named(read_page()))


def test_every_case_has_a_line(lines):
    assert all_cases() - {case for _, cases in lines for case in cases} == set()


def test_every_line_names_cases_that_there_are(lines):
    known = all_cases()

    assert {what: set(cases) - known for what, cases in lines if set(cases) - known} == {}


def test_every_manner_of_servers_that_is_tried_has_its_name_on_the_page():
    manners = rows(sections(read_page())["What servers do in their own way"])

    names = [name for cells in manners for name in cells[0].split("; ")]
    assert sorted(names) == sorted(QUIRKS)


def test_no_line_is_there_twice(lines):
    titles = Counter(what for what, _ in lines)

    assert [what for what, count in titles.items() if count > 1] == []


def test_a_line_is_read_with_its_cases_whatever_its_middle_says():
    page = "# P\n## Reads\n\n| a | b | c |\n| - | - | - |\n| Slot | `x\\|y` | one case; two |\n"

    assert rows(sections(page)["Reads"]) == [["Slot", "`x\\|y`", "one case; two"]]


def test_a_case_is_a_test_in_words():
    assert cases_in("def test_a_b(visit):\n    pass\ndef helper():\n    pass\n") == {"a b"}
