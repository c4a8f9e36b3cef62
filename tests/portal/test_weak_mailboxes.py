"""Mailboxes of servers that cut down, ignore or refuse searches, or send rubbish."""

from __future__ import annotations

from typing import Any

import pytest

from gpcli import errors
from gpcli.journal import Journal
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.portal.search import FhirSearch
from tests.portal.builders import (
    a_patient,
    a_searchset,
    an_outcome,
    ref,
)
from tests.portal.communications import a_header, a_message, an_answer
from tests.portal.mailboxes import (
    ALL,
    BY_ID,
    BY_PART_OF,
    HEADER_LIST,
    INCLUDED,
    UNREAD_LIST,
    fetch_counts,
    fetch_message_ids,
    script_empty_mailbox,
)
from tests.portal.scripted import BASE, Reply, Server, portal_through


@pytest.fixture(autouse=True)
def script(server: Server) -> None:
    script_empty_mailbox(server)


def test_names_are_the_whole_ones_of_the_gps_where_a_server_cuts_down_what_comes_along(
    portal: FhirPortal, server: Server
):
    cut = ({"resourceType": "PractitionerRole", "id": "role-1"},)
    gps = a_searchset(a_patient(ref("PractitionerRole/role-1")), included=INCLUDED[:3])
    server.on("GET Patient", gps).on(
        HEADER_LIST, a_searchset(a_header(), a_message(), included=cut)
    )
    (thread,) = portal.mailbox.fetch_threads()
    assert (thread.surgery, thread.practitioner) == ("Elvebakken", "Ola Berg")


def test_a_portal_that_does_not_show_the_gps_still_shows_the_threads(
    portal: FhirPortal, server: Server
):
    server.on("GET Patient", Reply(an_outcome(), 403)).on(
        HEADER_LIST, a_searchset(a_header(), a_message())
    )
    assert fetch_counts(portal) == [("thread-1", 1, 0)]


def without_words(*records: dict) -> list[dict]:
    return [{name: each[name] for name in each if name != "payload"} for each in records]


def test_words_and_files_are_not_fetched_for_a_list(portal: FhirPortal, server: Server):
    listed = without_words(a_header(), a_message(), an_answer())
    server.on(HEADER_LIST, a_searchset(*listed)).on(
        UNREAD_LIST, a_searchset(*without_words(an_answer()))
    )
    assert fetch_counts(portal) == [("thread-1", 2, 1)]
    (elements,) = {
        each.partition("_elements=")[2].partition("&")[0]
        for each in server.request_lines
        if "_elements" in each
    }
    assert "payload" not in elements.split(",")
    assert {"status", "partOf", "received", "recipient", "sent"} <= set(elements.split(","))


def test_a_header_alone_is_fetched_whole_for_it_may_hold_the_words(
    portal: FhirPortal, server: Server
):
    letter = an_answer("letter", partOf=None, topic={"text": "Results"})
    server.on(HEADER_LIST, a_searchset(*without_words(letter))).on(BY_ID, a_searchset(letter))
    assert fetch_counts(portal) == [("letter", 1, 1)]


def test_a_server_that_does_not_know_elements_or_missing_is_asked_for_all(
    portal: FhirPortal, server: Server
):
    refused = Reply(an_outcome(), 400)
    server.on(ALL, a_searchset(an_answer(), a_message(), a_header()))
    server.on(HEADER_LIST, refused).on(UNREAD_LIST, refused)
    assert fetch_counts(portal) == [("thread-1", 2, 1)]


def test_a_server_that_ignores_what_it_was_asked_is_understood_all_the_same(
    portal: FhirPortal, server: Server
):
    other = [a_header("thread-2"), a_message("message-2", "thread-2")]
    everything = a_searchset(a_header(), a_message(), an_answer(), *other)
    for question in (HEADER_LIST, UNREAD_LIST, BY_ID, BY_PART_OF):
        server.on(question, everything)
    assert fetch_counts(portal) == [("thread-1", 2, 1), ("thread-2", 1, 0)]
    assert fetch_message_ids(portal) == ["message-1", "answer-1"]


def test_references_may_be_absolute(portal: FhirPortal, server: Server):
    absolute = an_answer(
        partOf=[ref(f"{BASE}/Communication/thread-1")],
        subject=ref(f"{BASE}/Patient/kari"),
        recipient=[ref(f"{BASE}/Patient/kari")],
    )
    server.on(HEADER_LIST, a_searchset(a_header(), included=[absolute]))
    assert fetch_counts(portal) == [("thread-1", 1, 1)]


def test_the_header_of_an_unread_message_is_fetched_if_it_did_not_come_along(
    portal: FhirPortal, server: Server
):
    server.on(UNREAD_LIST, a_searchset(an_answer())).on(BY_ID, a_searchset(a_header()))
    assert (fetch_counts(portal), portal.flaws) == ([("thread-1", 1, 1)], [])


def test_messages_whose_header_is_nowhere_are_a_thread_and_it_is_named(
    portal: FhirPortal, server: Server
):
    parts = a_searchset(an_answer(), a_message())
    server.on(HEADER_LIST, parts).on(BY_PART_OF, parts)
    assert fetch_counts(portal) == [("message-1", 2, 1)]
    assert portal.flaws == ["Communication/thread-1: the header of a thread did not come along"]
    assert fetch_message_ids(portal) == ["message-1", "answer-1"]
    server.on(BY_ID, a_searchset(a_message()))
    assert fetch_message_ids(portal, "message-1") == ["message-1", "answer-1"]


def test_what_is_part_of_a_message_is_named_and_the_thread_is_shown(
    portal: FhirPortal, server: Server
):
    below = an_answer("below", thread="message-1")
    server.on(HEADER_LIST, a_searchset(a_header(), a_message(), below))
    assert fetch_counts(portal) == [("thread-1", 1, 0)]
    assert portal.flaws == [
        "Communication/message-1: what is part of a message belongs to no thread"
    ]


def test_messages_that_are_part_of_each_other_are_named_and_found_once(
    portal: FhirPortal, server: Server
):
    circle = [a_message("a", "b"), a_message("b", "a")]
    server.on(HEADER_LIST, a_searchset(*circle)).on(BY_ID, a_searchset(*circle))
    assert (fetch_counts(portal), len(portal.flaws)) == ([], 2)
    assert portal.mailbox.fetch_conversation("a").thread.id == "b"


@pytest.mark.parametrize(("status", "why"), [(7, "is not what R4 says"), (None, "is missing")])
def test_a_header_without_a_status_that_can_be_read_has_an_unknown_one(
    portal: FhirPortal, server: Server, status: Any, why: str
):
    server.on(BY_ID, a_searchset(a_header(status=status)))
    server.on(BY_PART_OF, a_searchset(a_message()))
    assert portal.mailbox.fetch_conversation("thread-1").thread.status == "unknown"
    assert portal.flaws == [f"Communication/thread-1: Communication.status {why}"]


UNKNOWN_MODIFIER = {"modifierExtension": [{"url": "urn:x", "valueBoolean": True}]}


def test_a_header_that_is_not_understood_is_named_and_the_messages_are_shown(
    portal: FhirPortal, server: Server
):
    broken = a_header("thread-2", **UNKNOWN_MODIFIER)
    parts = [a_message(), a_message("message-2", "thread-2")]
    server.on(HEADER_LIST, a_searchset(a_header(), broken, included=parts))
    assert fetch_counts(portal) == [("message-2", 1, 0), ("thread-1", 1, 0)]
    (flaw,) = portal.flaws
    assert flaw.startswith("Communication/thread-2: Communication/thread-2 has a modifier")


@pytest.mark.parametrize(
    "header", [a_header(**UNKNOWN_MODIFIER), a_header(subject={"display": "Somebody"})]
)
def test_the_conversation_of_a_header_that_can_not_be_told_of_is_a_bad_response(
    portal: FhirPortal, server: Server, header: dict
):
    server.on(BY_ID, a_searchset(header)).on(BY_PART_OF, a_searchset(a_message()))
    with pytest.raises(errors.BadResponse):
        portal.mailbox.fetch_conversation("thread-1")


STRANGE: list[Any] = [7, "x", True, [], [7], [None], {}, {"reference": 7}, {"coding": 1}, "2027-13"]
ELEMENTS = [
    "id",
    "status",
    "partOf",
    "subject",
    "sender",
    "recipient",
    "sent",
    "received",
    "payload",
    "inResponseTo",
    "category",
    "topic",
    "statusReason",
    "identifier",
    "contained",
]


@pytest.mark.parametrize("value", STRANGE, ids=str)
@pytest.mark.parametrize("element", ELEMENTS)
def test_whatever_a_broken_record_holds_the_good_ones_are_shown(
    portal: FhirPortal, server: Server, element: str, value: Any
):
    good = [a_header(), a_message(), an_answer()]
    bad = [a_header("bad"), a_message("bad-1", "bad"), an_answer("bad-2")]
    broken = [one | {element: value} for one in bad]
    server.on(HEADER_LIST, a_searchset(*good, *broken))
    server.on(BY_ID, a_searchset(*good, *broken)).on(BY_PART_OF, a_searchset(*good, *broken))
    assert "thread-1" in [each[0] for each in fetch_counts(portal)]
    assert {"message-1", "answer-1"} <= set(fetch_message_ids(portal))


def test_a_portal_without_batches_is_asked_one_after_another(
    unbatched_search: FhirSearch, journal: Journal, server: Server
):
    server.on(HEADER_LIST, a_searchset(a_header(), included=[a_message()]))
    assert fetch_counts(portal_through(unbatched_search, journal)) == [("thread-1", 1, 0)]
    assert [each.partition("&")[0] for each in server.request_lines] == [
        "GET Patient?_id=kari",
        "GET Communication?patient=kari",
        "GET Communication?recipient=Patient/kari",
    ]


def test_many_headers_are_fetched_in_questions_that_are_not_too_long(
    portal: FhirPortal, server: Server
):
    headers = [a_header(f"thread-{number:03}") for number in range(250)]
    server.on(
        UNREAD_LIST, a_searchset(*(an_answer(f"m-{one['id']}", one["id"]) for one in headers))
    )
    server.on(BY_ID, *(a_searchset(*headers[start : start + 100]) for start in (0, 100, 200)))
    assert len(fetch_counts(portal)) == 250
    request_lines = [each for each in server.request_lines if "?_id=thread-" in each]
    assert [each.partition("&")[0].count("thread-") for each in request_lines] == [100, 100, 50]
