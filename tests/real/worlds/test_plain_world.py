"""A server in plain R4 that never heard of gpcli: what each errand comes to, whoever the GP is."""

from __future__ import annotations

import pytest

from tests.real.worlds.errands import ERRANDS, Visitor
from tests.real.worlds.outcomes import by_errand, read

NAMED = {each: (each,) for each in ("practitioner", "organization", "role")} | {"nobody": ()}
"""Whom a patient's record names as the GP, by the world's name."""
EXPECTED = read("plain")


@pytest.fixture(scope="module")
def visitors(server, tmp_path_factory) -> dict[str, Visitor]:
    people = {who: server.patient(f"kari-{who}", *named) for who, named in NAMED.items()}
    return {who: server.visitor(each, tmp_path_factory.mktemp(who)) for who, each in people.items()}


@pytest.fixture(scope="module")
def table(visitors, keep):
    done = {who: visitor.do(ERRANDS) for who, visitor in visitors.items()}
    return keep("plain", by_errand(done))


@pytest.mark.parametrize("errand", [each.name for each in ERRANDS])
def test_an_errand_comes_to_what_was_reviewed(table, errand):
    assert table[errand] == EXPECTED[errand]


def test_nothing_is_expected_that_is_no_errand():
    assert EXPECTED.keys() == {each.name for each in ERRANDS}


@pytest.mark.parametrize("who", NAMED)
def test_nothing_false_is_said(table, visitors, who):
    assert visitors[who].false_words() == set()
