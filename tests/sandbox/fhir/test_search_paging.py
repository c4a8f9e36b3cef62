"""Test that no match is lost or repeated between pages."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.fhir.portal import BASE, NOON, consent, issue, slot


def follow(ask, path, between=lambda: None):
    """The matches of each page, page by page."""
    pages = []
    while path:
        bundle = ask.read_json(path)
        pages.append([each["resource"]["id"] for each in bundle.get("entry", ())])
        following = [each["url"] for each in bundle["link"] if each["relation"] == "next"]
        path = following[0].removeprefix(BASE) if following else ""
        between()
    return pages


def times(number):
    return [slot(each, NOON + timedelta(days=each)) for each in range(number)]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(number=st.integers(0, 25), count=st.integers(1, 10))
def test_pages_hold_every_match_once_and_are_as_long_as_asked(portal, number, count):
    portal.store.clear()
    portal.store.put_all([consent("ada"), *times(number)])

    pages = follow(portal.sign_in("ada"), f"/Slot?_sort=start&_count={count}")

    assert [id_ for page in pages for id_ in page] == [f"s{each}" for each in range(number)]
    assert all(len(page) == count for page in pages[:-1])


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changed=st.lists(st.tuples(st.integers(0, 30), st.integers(-30, 30)), max_size=6))
def test_pages_stay_as_they_were_while_times_come_and_move(portal, changed):
    portal.store.clear()
    portal.store.put_all([consent("ada"), *times(20)])
    moves = iter(changed)

    def move():
        number, days = next(moves, (0, 0))
        portal.store.put(slot(number, NOON + timedelta(days=days)))

    pages = follow(portal.sign_in("ada"), "/Slot?_sort=start&_count=4", between=move)

    assert [id_ for page in pages for id_ in page] == [f"s{each}" for each in range(20)]


def test_what_is_deleted_in_between_is_missing_and_nothing_else_is(portal):
    portal.store.put_all(times(6))
    deletions = iter(["s4", "s5"])

    def delete():
        portal.store.delete("Slot", next(deletions, ""))

    pages = follow(portal.sign_in("ada"), "/Slot?_sort=start&_count=2", between=delete)

    assert pages == [["s0", "s1"], ["s2", "s3"], []]


def test_every_page_tells_the_same_total_and_its_own_address(portal):
    ada = portal.sign_in("ada")
    first = ada.read_json("/Slot?_count=2")
    following = first["link"][1]["url"]

    second = ada.read_json(following.removeprefix(BASE))

    assert (first["total"], second["total"]) == (3, 3)
    assert second["link"] == [{"relation": "self", "url": following}]
    assert ada.read_json(following.removeprefix(BASE)) == second


def test_includes_come_with_each_page_that_has_their_match(portal):
    ada = portal.sign_in("ada")
    first = ada.read_json("/Slot?_count=2&_include=Slot:schedule")

    second = ada.read_json(first["link"][1]["url"].removeprefix(BASE))

    modes = [[each["search"]["mode"] for each in page["entry"]] for page in (first, second)]
    assert modes == [["match", "match", "include"], ["match", "include"]]


@pytest.mark.parametrize(
    ("asked", "held"), [("", 100), ("?_count=1000", 150), ("?_count=9999", 150)]
)
def test_a_page_is_of_a_hundred_unless_asked_otherwise(portal, asked, held):
    portal.store.put_all(times(150))

    assert len(portal.sign_in("ada").read_json(f"/Slot{asked}")["entry"]) == held


@pytest.fixture
def cursor(portal):
    url = portal.sign_in("ada").read_json("/Slot?_count=2")["link"][1]["url"]
    return url.removeprefix(f"{BASE}/Slot")


def test_another_patient_cannot_follow_ones_pages(portal, cursor):
    assert issue(portal.sign_in("bo").get(f"/Slot{cursor}")) == (410, "expired", "")


def test_a_page_of_one_type_is_no_page_of_another(portal, cursor):
    assert issue(portal.sign_in("ada").get(f"/Location{cursor}")) == (410, "expired", "")


def test_pages_expire_when_newer_searches_are_made_an_hour_later(portal, cursor):
    portal.clock.advance(timedelta(minutes=61))
    portal.sign_in("ada").get("/Slot?_count=1")

    assert issue(portal.sign_in("ada").get(f"/Slot{cursor}")) == (410, "expired", "")


def test_pages_need_the_consent_that_their_search_needed(portal, cursor):
    portal.store.delete("Consent", "ada-full-access")

    assert issue(portal.sign_in("ada").get(f"/Slot{cursor}")) == (
        403,
        "forbidden",
        "consent-needed",
    )


@pytest.mark.parametrize("made_up", ["?_cursor=", "?_cursor=x", "?_cursor=x.y", "?_cursor=x.-1"])
def test_an_address_that_is_no_page_is_refused(portal, made_up):
    assert issue(portal.sign_in("ada").get(f"/Slot{made_up}")) == (400, "value", "")


def test_a_page_far_beyond_the_end_is_empty(portal, cursor):
    beyond = portal.sign_in("ada").read_json(f"/Slot{cursor[:-1]}99999")

    assert "entry" not in beyond
    assert [each["relation"] for each in beyond["link"]] == ["self"]
