"""Lists that end before their total, or never, page by page."""

from __future__ import annotations

from typing import Any

import pytest

from gpcli import errors
from gpcli.fhir.bundle import Bundle
from gpcli.portal import queries
from gpcli.portal.queries import PAGE_SIZE, Query
from gpcli.portal.search import FhirSearch
from tests.portal.builders import a_consent, a_practitioner, a_searchset, a_slot, an_outcome
from tests.portal.scripted import BASE, INTENT, LOST, UNREACHABLE, Reply, Server

SLOTS = Query("Slot", (("status", "free"),))
CONSENTS = Query("Consent", (("patient", "kari"),))
FULL = [a_slot(f"{number}") for number in range(PAGE_SIZE)]


def page(number: int) -> str:
    return f"{BASE}/Slot?page={number}"


def fetch_ids(server: Server, search: FhirSearch, *replies: dict[str, Any]) -> list[str]:
    """Ids of a list whose pages are these; the last one comes again and again."""
    server.on("GET Slot", *replies)
    return [str(one.json["id"]) for one in search.fetch_all(SLOTS).matches]


@pytest.mark.parametrize("missing", [1, 7])
def test_a_list_that_ends_before_its_total_is_short_by_the_difference(
    search: FhirSearch, server: Server, missing: int
):
    total = 2 + missing
    a_list = a_searchset(a_slot("1"), a_slot("2"), total=total)

    assert fetch_ids(server, search, a_list) == ["1", "2"]
    assert search.flaws == [f"{missing} of {total} in a list, which the portal does not send"]


def test_so_is_one_in_a_batch(search: FhirSearch, server: Server):
    server.on("GET Slot", a_searchset(a_slot("1"), total=3))
    server.on("GET Consent", a_searchset(a_consent(), total=1))

    search.fetch_many(SLOTS, CONSENTS)

    assert search.flaws == ["2 of 3 in a list, which the portal does not send"]


def test_pages_are_counted_together_and_the_last_total_counts(search: FhirSearch, server: Server):
    first = a_searchset(a_slot("1"), a_slot("2"), next=page(2), total=4)
    last = a_searchset(a_slot("3"), total=3)

    assert fetch_ids(server, search, first, last) == ["1", "2", "3"]
    assert search.flaws == []


def test_what_the_portal_says_in_the_place_of_a_page_is_no_record(
    search: FhirSearch, server: Server
):
    first = a_searchset(a_slot("1"), next=page(2), total=4)

    assert fetch_ids(server, search, first, an_outcome(text="Gone")) == ["1"]
    assert search.flaws == [
        "a list, which the portal did not send. The portal says: Gone",
        "3 of 4 in a list, which the portal does not send",
    ]


def test_what_can_not_be_read_is_named_once_and_not_as_unsent_too(
    search: FhirSearch, server: Server
):
    assert fetch_ids(
        server, search, a_searchset(a_slot("1"), {"resourceType": "Slot"}, total=2)
    ) == ["1"]
    assert search.flaws == ["Slot.id is missing"]


def test_a_total_that_counts_what_comes_along_too_is_reached(search: FhirSearch, server: Server):
    a_list = a_searchset(a_slot("1"), included=[a_practitioner()], total=2)

    assert (fetch_ids(server, search, a_list), search.flaws) == (["1"], [])


@pytest.mark.parametrize("total", ["3", True, None, 2.5, -1, 0])
def test_a_total_that_says_nothing_is_no_reason_to_refuse_the_list(
    search: FhirSearch, server: Server, total: Any
):
    assert fetch_ids(server, search, a_searchset(a_slot("1"), total=total)) == ["1"]
    assert search.flaws == []


def test_a_full_page_that_says_nothing_of_more_may_be_short(search: FhirSearch, server: Server):
    assert len(fetch_ids(server, search, a_searchset(*FULL))) == PAGE_SIZE
    assert search.flaws == [
        "what may follow after 500 in a list: the portal does not say if there is more"
    ]


def test_a_full_page_whose_total_may_count_what_comes_along_may_be_short(
    search: FhirSearch, server: Server
):
    a_list = a_searchset(*FULL, included=[a_practitioner()], total=PAGE_SIZE + 1)

    assert len(fetch_ids(server, search, a_list)) == PAGE_SIZE
    assert search.flaws == [
        "what may follow after 500 in a list: the portal does not say if there is more"
    ]


@pytest.mark.parametrize("a_list", [a_searchset(*FULL, total=PAGE_SIZE), a_searchset(*FULL[1:])])
def test_a_page_that_is_not_full_or_has_its_total_is_whole(
    search: FhirSearch, server: Server, a_list: dict
):
    fetch_ids(server, search, a_list)
    assert search.flaws == []


def test_a_page_that_comes_again_under_another_address_is_the_end(
    search: FhirSearch, server: Server
):
    pages = [a_searchset(a_slot("1"), next=page(2))]
    pages += [a_searchset(a_slot("2"), next=page(number)) for number in range(3, 30)]

    assert fetch_ids(server, search, *pages) == ["1", "2"]
    assert (len(server.request_lines), search.flaws) == (3, [])


def test_a_record_on_two_pages_is_given_once(search: FhirSearch, server: Server):
    server.on("GET Slot", a_searchset(a_slot("1"), a_slot("2"), next=page(2)))
    server.on("GET Slot?page", a_searchset(a_slot("2"), a_slot("3")))

    found = [[one.json["id"] for one in each.matches] for each in search.fetch_pages(SLOTS)]

    assert found == [["1", "2"], ["3"]]


def test_an_empty_page_in_between_is_not_the_end(search: FhirSearch, server: Server):
    pages = (
        a_searchset(a_slot("1"), next=page(2)),
        a_searchset(next=page(3)),
        a_searchset(a_slot("2")),
    )

    assert fetch_ids(server, search, *pages) == ["1", "2"]


@pytest.mark.parametrize(("total", "flaws"), [(None, 0), (1, 0), (2, 1)])
def test_empty_pages_without_end_are_the_end_and_short_only_by_the_total(
    search: FhirSearch, server: Server, total: int | None, flaws: int
):
    pages = [a_searchset(a_slot("1"), next=page(2), total=total)]
    pages += [a_searchset(next=page(number), total=total) for number in range(3, 30)]

    assert fetch_ids(server, search, *pages) == ["1"]
    assert (len(server.request_lines), len(search.flaws)) == (4, flaws)


GONE = "what comes after 1 in a list: The portal does not send it any more; try again."


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(status=404), GONE),
        (Reply(an_outcome(text="Search x has expired"), 410), GONE),
        (Reply(an_outcome(text="No."), 400), "The portal refused the request. It says: No."),
        (Reply(status=403), "The portal does not permit this."),
        (Reply(status=500), "The portal has a fault."),
        (LOST, ""),
        (UNREACHABLE, ""),
        (Reply(raw=b"<html>"), ""),
        (Reply(a_slot()), "the portal sent Slot where a Bundle was due"),
    ],
)
@pytest.mark.parametrize("batched", [True, False])
def test_a_list_that_breaks_off_is_given_as_far_as_it_came_and_said_to_be_short(
    search: FhirSearch, server: Server, reply: Reply, reason: str, batched: bool
):
    server.on("GET Slot", a_searchset(a_slot("1"), next=page(2), total=3))
    server.on("GET Slot?page", reply).on("GET Consent", a_searchset())

    found = search.fetch_many(*(SLOTS, CONSENTS)[: 1 + batched])[0]

    assert isinstance(found, Bundle)
    assert [str(each.json["id"]) for each in found.matches] == ["1"]
    (flaw,) = search.flaws
    assert flaw.startswith("what comes after 1 in a list: ")
    assert reason in flaw


def test_a_sign_in_that_has_ended_on_a_later_page_is_no_short_list(
    search: FhirSearch, server: Server
):
    server.on("GET Slot", a_searchset(a_slot("1"), next=page(2)))
    server.on("GET Slot?page", Reply(status=401))

    with pytest.raises(errors.Expired):
        search.fetch_all(SLOTS)


@pytest.mark.parametrize(
    "query",
    [
        queries.by_identifier("Consent", INTENT),
        queries.appointments_on_slot("1"),
        queries.slot("1"),
    ],
)
def test_an_answer_on_whether_a_record_is_there_has_to_be_whole(
    search: FhirSearch, server: Server, query: Query
):
    kind = query.resource_type
    server.on(f"GET {kind}", a_searchset(next=f"{BASE}/{kind}?page=2"))
    server.on(f"GET {kind}?page", Reply(status=404))

    with pytest.raises(errors.NotFound):
        search.fetch_all(query)


@pytest.mark.parametrize(
    "link",
    [
        f"{BASE}/Slot?page=2",
        "/fhir/R4/Slot?page=2",
        "Slot?page=2",
        "?page=2",
        "//portal.example/fhir/R4/Slot?page=2",
        "./Slot?page=2",
        "../R4/Slot?page=2",
    ],
)
@pytest.mark.parametrize("batched", [True, False])
def test_a_relative_link_is_resolved_against_the_request_that_brought_it(
    search: FhirSearch, server: Server, link: str, batched: bool
):
    server.on("GET Slot", a_searchset(a_slot("1"), next=link)).on("GET Consent", a_searchset())
    server.on("GET Slot?page", a_searchset(a_slot("2"), next="?page=2"))

    found = search.fetch_many(*(SLOTS, CONSENTS)[: 1 + batched])[0]

    assert isinstance(found, Bundle)
    assert [str(each.json["id"]) for each in found.matches] == ["1", "2"]
    assert server.request_lines[-1] == "GET Slot?page=2"
