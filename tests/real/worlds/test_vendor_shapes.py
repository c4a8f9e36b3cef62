"""What each errand comes to at servers that list what three vendors' servers list, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.real.worlds.errands import ERRANDS, Visitor
from tests.real.worlds.outcomes import by_errand, read
from tests.real.worlds.strict_front import Listed, StrictFront, strict_front
from tests.real.worlds.vendor_shapes import NAMES, VENDORS, shape

STATEMENTS = {name: shape(name) for name in NAMES}
EXPECTED = read("vendors")


@pytest.fixture(scope="module")
def fronts(server) -> Iterator[dict[str, StrictFront]]:
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(strict_front(server.base, listed, Listed(listed)))
            for name, listed in STATEMENTS.items()
        }


@pytest.fixture(scope="module")
def visitors(server, fronts, tmp_path_factory) -> dict[str, Visitor]:
    people = {name: server.patient(f"kari-{name}", "practitioner") for name in fronts}
    return {
        name: server.visitor(each, tmp_path_factory.mktemp(name), fronts[name].base)
        for name, each in people.items()
    }


@pytest.fixture(scope="module")
def table(visitors, keep):
    done = {name: visitor.do(ERRANDS) for name, visitor in visitors.items()}
    return keep("vendors", by_errand(done))


@pytest.mark.parametrize("errand", [each.name for each in ERRANDS])
def test_an_errand_comes_to_what_was_reviewed(table, errand):
    assert table[errand] == EXPECTED[errand]


def test_nothing_is_expected_that_is_no_errand():
    assert EXPECTED.keys() == {each.name for each in ERRANDS}


@pytest.mark.parametrize("vendor", VENDORS)
def test_nothing_is_sent_that_the_statement_does_not_list(table, fronts, vendor):
    assert fronts[vendor].refused == []


def test_of_includes_a_statement_without_any_is_asked_once_a_search(table, fronts):
    """It may be that it does not speak of them; `_elements` spares what is not needed."""
    refused = {each.partition("?")[2].partition("=")[0] for each in fronts["narrow"].refused}
    assert refused <= {"_include", "_elements: 400"}


@pytest.mark.parametrize("vendor", STATEMENTS)
def test_nothing_false_is_said(table, visitors, vendor):
    assert visitors[vendor].false_words() == set()
