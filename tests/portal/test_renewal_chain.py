"""Which prescription replaces which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.portal.prescription_chains import newest_of_chains
from tests.portal.builders import Json
from tests.portal.medicines import a_prescription


def chains(**replaces: str | None) -> dict[str, tuple[str, ...]]:
    """What is shown of prescriptions, each with what it replaces; later ones are issued later."""
    issued = [
        a_prescription(id, issued=f"2027-01-{day:02}", predecessors=(before,) if before else ())
        for day, (id, before) in enumerate(replaces.items(), start=1)
    ]
    return {str(each.id): each.predecessors for each in newest_of_chains(issued)}


def test_prescriptions_without_predecessors_are_all_shown():
    assert chains(a=None, b=None) == {"a": (), "b": ()}


def test_the_newest_of_a_chain_is_shown_with_all_that_it_replaced_the_latest_first():
    assert chains(a=None, b="a", c="b", other=None) == {"c": ("b", "a"), "other": ()}


def test_a_predecessor_that_is_not_shown_any_more_is_named_all_the_same():
    assert chains(b="long-gone") == {"b": ("long-gone",)}


def test_two_that_replace_the_same_one_are_both_shown():
    assert chains(a=None, b="a", c="a") == {"b": ("a",), "c": ("a",)}


def test_of_a_ring_the_last_issued_is_shown():
    assert chains(a="c", b="a", c="b") == {"c": ("b", "a")}


def test_one_that_replaces_itself_is_shown():
    assert chains(a="a") == {"a": ()}


def test_what_leads_into_a_ring_is_shown_and_the_ring_is_not_shown_again():
    assert chains(a="b", b="a", c="a") == {"c": ("a", "b")}


def test_those_without_a_date_are_shown_too():
    ring = [
        a_prescription("a", issued=None, predecessors=("b",)),
        a_prescription("b", predecessors=("a",)),
    ]
    assert [each.id for each in newest_of_chains(ring)] == ["b"]


@pytest.mark.parametrize(
    "no_prescription",
    [
        {"status": "draft"},
        {"status": "cancelled"},
        {"status": "entered-in-error"},
        {"intent": "proposal"},
        {"intent": "option"},
    ],
)
def test_what_was_not_prescribed_or_was_cancelled_replaces_none(no_prescription: Json):
    newer = a_prescription("b", predecessors=("a",), **no_prescription)
    shown = newest_of_chains([a_prescription("a"), newer])
    assert {each.id: each.predecessors for each in shown} == {"a": (), "b": ()}


@pytest.mark.parametrize("prescribed", [{"do_not_take": True}, {"status": "on-hold"}])
def test_what_says_not_to_take_it_or_is_on_hold_replaces_the_one_before(prescribed: Json):
    newer = a_prescription("b", predecessors=("a",), **prescribed)
    assert [each.id for each in newest_of_chains([a_prescription("a"), newer])] == ["b"]


NAMES = st.sampled_from("abcdefg")


@given(st.dictionaries(NAMES, st.none() | NAMES))
def test_every_prescription_is_shown_or_stands_among_the_predecessors(
    replaces: dict[str, str | None],
):
    found = chains(**replaces)
    named = {id for id, before in found.items()} | {one for each in found.values() for one in each}
    assert set(replaces) <= named
    assert all(id not in before for id, before in found.items())
