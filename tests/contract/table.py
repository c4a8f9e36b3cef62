"""How each case of the contract went at each portal, from the reports of a test run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

PORTALS = ("embedded", "fake", "sekmet", "absolute", "medplum", "bare")
WIDTH = 11
NOT_OFFERED = "not offered"
NOT_TRIED = "-"
_CASE = re.compile(rf"tests/contract/\w+\.py::test_(\w+)\[(?:.*-)?({'|'.join(PORTALS)})\b")
_WORDS = {"passed": "yes", "failed": "NO", "error": "NO"}
"""By pytest's outcome; of a case with several parameters, the worst counts."""

Cases = dict[str, dict[str, str]]
"""`yes`, `NO` or `not offered`, by case and portal."""
LeftOut = Mapping[str, Sequence[str]]
"""Why cases were left out, by the ids of their tests."""


def cases(stats: Mapping[str, Iterable[Any]], left_out: LeftOut) -> Cases:
    """How each case went; `stats` are pytest's reports by outcome."""
    ran = [
        (getattr(report, "nodeid", ""), word)
        for outcome, word in _WORDS.items()
        for report in stats.get(outcome, ())
    ]
    found: Cases = {}
    for test, word in [*((test, NOT_OFFERED) for test in left_out), *ran]:
        if case := _CASE.search(test):
            found.setdefault(case[1], {})[case[2]] = word
    return found


def table(found: Cases, left_out: LeftOut, rungs: Mapping[str, str]) -> Iterator[str]:
    """The lines of the table, and under it why something is not offered; none without cases.

    `rungs` has the rung of each case in words; the cases stand under it, the others at the end.
    """
    if not found:
        return
    tried = [each for each in PORTALS if any(each in row for row in found.values())]
    width = max(map(len, found))
    yield "  ".join([" " * width, *(f"{each:<{WIDTH}}" for each in tried)]).rstrip()
    for rung in [*dict.fromkeys(rungs.values()), ""]:
        its_own = [case for case in sorted(found) if rungs.get(_in_words(case), "") == rung]
        yield from (rung.upper(),) if rung and its_own else ()
        for case in its_own:
            cells = (f"{found[case].get(each, NOT_TRIED):<{WIDTH}}" for each in tried)
            yield "  ".join([f"{_in_words(case):<{width}}", *cells]).rstrip()
    if any(each not in row for each in tried for row in found.values()):
        yield f"{NOT_TRIED}: not a case for this portal: it is about others, or about signing in"
    yield from _why(left_out)


def shortcomings(found: Cases, skipped: Iterable[str]) -> list[str]:
    """What a run with all portals has to have and has not: each portal tried, nothing skipped."""
    cells = [cell for row in found.values() for cell in row.items()]
    tried = {portal for portal, word in cells if word != NOT_OFFERED}
    missing = [f"{each} was not tried" for each in PORTALS if each not in tried]
    return [*missing, *(f"{test} was skipped" for test in skipped)]


def _why(left_out: LeftOut) -> Iterator[str]:
    for test, reasons in sorted(left_out.items()):
        if case := _CASE.search(test):
            yield f"{NOT_OFFERED} at {case[2]}: {_in_words(case[1])}: {'; '.join(reasons)}"


def _in_words(case: str) -> str:
    return case.replace("_", " ")
