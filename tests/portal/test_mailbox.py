"""Threads in the right order, complete, each message once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gpcli import errors
from gpcli.config.read_marks import ReadMarks
from gpcli.journal import Journal
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.portal.search import FhirSearch
from tests.portal.builders import (
    a_searchset,
    an_outcome,
    ref,
)
from tests.portal.communications import a_document, a_file, a_header, a_message, an_answer
from tests.portal.mailboxes import (
    BY_ID,
    BY_PART_OF,
    HEADER_LIST,
    INCLUDED,
    UNREAD_LIST,
    fetch_counts,
    fetch_message_ids,
    script_empty_mailbox,
)
from tests.portal.scripted import BASE, NOTHING, Reply, Server, portal_through
from tests.portal.world import ids


@pytest.fixture(autouse=True)
def script(server: Server) -> None:
    script_empty_mailbox(server)


def test_all_threads_come_in_one_round_trip(portal: FhirPortal, server: Server):
    server.on(HEADER_LIST, a_searchset(a_header(), included=[a_message(), an_answer(), *INCLUDED]))
    server.on(UNREAD_LIST, a_searchset(an_answer(), included=INCLUDED))
    (thread,) = portal.mailbox.fetch_threads()
    assert (thread.message_count, thread.unread_count) == (2, 1)
    assert (thread.surgery, thread.practitioner) == ("Elvebakken", "Ola Berg")
    assert (len(server.requests), portal.flaws) == (1, [])


def test_nobody_has_written_anything(portal: FhirPortal, server: Server):
    assert (portal.mailbox.fetch_threads(), len(server.requests)) == ([], 1)


def an_answered_thread(thread: str, at: str, **more: Any) -> list[dict]:
    header = a_header(thread)
    return [header, an_answer(f"{thread}-a", thread, sent=f"2027-02-{at}:00+01:00", **more)]


READ = {"received": "2027-02-20T08:00:00+01:00"}


def test_threads_with_something_unread_come_first_then_the_newest(
    portal: FhirPortal, server: Server
):
    several = [
        *an_answered_thread("read-early", "03T08:00", **READ),
        *an_answered_thread("read-late", "09T08:00", **READ),
        *an_answered_thread("unread-early", "02T08:00"),
        *an_answered_thread("unread-late", "05T08:00"),
        a_header("undated", sent=None),
        *an_answered_thread("same-b", "04T08:00", **READ),
        *an_answered_thread("same-a", "04T08:00", **READ),
    ]
    server.on(HEADER_LIST, a_searchset(*several))
    assert [each[0] for each in fetch_counts(portal)] == [
        "unread-late",
        "unread-early",
        "read-late",
        "same-a",
        "same-b",
        "read-early",
        "undated",
    ]


def a_page(number: int, last: int) -> dict:
    """Ten threads of ten messages each; the last thread of a page is on the next one, too."""
    threads = range(number * 10 - (number > 0), number * 10 + 10)
    headers = [a_header(f"t{each}") for each in threads]
    parts = [an_answer(f"m{each}-{n}", f"t{each}") for each in threads for n in range(10)]
    more = f"{BASE}/Communication?page={number + 1}" if number < last else None
    return a_searchset(*headers, included=parts, next=more)


def test_five_hundred_messages_on_several_pages_are_all_there_and_none_twice(
    portal: FhirPortal, server: Server
):
    server.on(HEADER_LIST, a_page(0, 4))
    server.on("GET Communication?page", *(a_page(number, 4) for number in (1, 2, 3, 4)))
    found = fetch_counts(portal)
    assert (len(found), {each[1:] for each in found}) == (50, {(10, 10)})
    assert [each[0] for each in found] == sorted(f"t{number}" for number in range(50))


def test_messages_come_in_order_of_time_and_at_the_same_instant_by_their_ids(
    portal: FhirPortal, server: Server
):
    parts = [
        an_answer("c", sent="2027-02-01T11:00:00+01:00"),
        a_message("b", sent="2027-02-01T10:00:00+01:00"),
        a_message("a", sent="2027-02-01T09:00:00Z"),
        a_message("z", sent=None),
        a_message("d", sent="2027-02-01T10:30:00+02:00"),
    ]
    server.on(BY_ID, a_searchset(a_header())).on(BY_PART_OF, a_searchset(*parts))
    assert fetch_message_ids(portal) == ["z", "d", "a", "b", "c"]


def an_answer_to(id: str, other: str | None, at: str) -> dict:
    links = [ref(f"Communication/{other}")] if other else None
    return a_message(id, sent=f"2027-02-01T{at}:00+01:00", inResponseTo=links)


@pytest.mark.parametrize(
    ("parts", "order"),
    [
        ([an_answer_to("a", "q", "10:00"), an_answer_to("q", None, "10:00")], ["q", "a"]),
        ([an_answer_to("a", "q", "10:00"), an_answer_to("q", None, "10:05")], ["q", "a"]),
        ([an_answer_to("a", "b", "10:00"), an_answer_to("b", "a", "10:05")], ["b", "a"]),
        ([an_answer_to("a", "a", "10:00"), an_answer_to("b", "gone", "09:00")], ["b", "a"]),
        (
            [
                an_answer_to("a", "b", "10:00"),
                an_answer_to("b", "c", "10:00"),
                an_answer_to("c", None, "11:00"),
            ],
            ["c", "b", "a"],
        ),
    ],
    ids=["same instant", "clocks differ", "in a circle", "to nothing", "in a row"],
)
def test_no_answer_stands_before_what_it_answers(
    portal: FhirPortal, server: Server, parts: list[dict], order: list[str]
):
    server.on(BY_ID, a_searchset(a_header())).on(BY_PART_OF, a_searchset(*parts))
    assert fetch_message_ids(portal) == order


def test_a_conversation_has_its_thread_and_its_messages(portal: FhirPortal, server: Server):
    server.on(BY_ID, a_searchset(a_header(), included=INCLUDED))
    server.on(BY_PART_OF, a_searchset(a_message(), an_answer(), included=INCLUDED))
    conversation = portal.mailbox.fetch_conversation("thread-1")
    assert (conversation.thread.message_count, conversation.thread.unread_count) == (2, 1)
    assert [each.sender for each in conversation.messages] == ["Kari Nordmann", "Ola Berg"]
    assert conversation.latest_from_surgery == conversation.messages[1]
    assert len(server.requests) == 1


def test_the_id_of_a_message_finds_its_thread(portal: FhirPortal, server: Server):
    server.on(BY_ID, a_searchset(an_answer()), a_searchset(a_header()))
    server.on(BY_PART_OF, NOTHING, a_searchset(a_message(), an_answer()))
    conversation = portal.mailbox.fetch_conversation("answer-1")
    assert (conversation.thread.id, ids(conversation.messages)) == (
        "thread-1",
        ["message-1", "answer-1"],
    )


OF_ANOTHER_PATIENT = {"subject": ref("Patient/ola")}


@pytest.mark.parametrize(
    "record",
    [NOTHING, a_searchset(a_header(**OF_ANOTHER_PATIENT)), a_searchset(a_header("thread-2"))],
)
def test_a_thread_that_is_not_there_or_somebody_elses_is_not_found(
    portal: FhirPortal, server: Server, record: dict
):
    server.on(BY_ID, record)
    with pytest.raises(errors.NotFound, match="There is no thread 'thread-1'"):
        portal.mailbox.fetch_conversation("thread-1")


def test_what_is_somebody_elses_is_dropped(portal: FhirPortal, server: Server):
    stray = a_message("stray", subject=None, sender=ref("Patient/ola"))
    theirs = [
        a_header("theirs", **OF_ANOTHER_PATIENT),
        an_answer("their-answer", **OF_ANOTHER_PATIENT),
        stray,
    ]
    server.on(HEADER_LIST, a_searchset(a_header(), *theirs, included=[a_message()]))
    assert (fetch_counts(portal), portal.flaws) == ([("thread-1", 1, 0)], [])


def test_what_names_no_subject_is_the_patients_if_they_are_part_of_it(
    portal: FhirPortal, server: Server
):
    bare = [a_header(subject=None), a_message(subject=None), an_answer(subject=None)]
    server.on(HEADER_LIST, a_searchset(*bare))
    assert fetch_counts(portal) == [("thread-1", 2, 1)]


def test_a_message_that_the_surgery_took_back_as_wrong_is_not_unread(
    portal: FhirPortal, server: Server
):
    wrong = an_answer("wrong", status="entered-in-error")
    server.on(HEADER_LIST, a_searchset(a_header(), included=[a_message(), wrong]))
    assert (fetch_counts(portal), portal.flaws) == ([("thread-1", 2, 0)], [])


def test_a_header_that_says_something_itself_is_its_own_first_message(
    portal: FhirPortal, server: Server
):
    letter = an_answer("letter", partOf=None, topic={"text": "Results"})
    server.on(HEADER_LIST, a_searchset(letter))
    assert fetch_counts(portal) == [("letter", 1, 1)]


def test_what_was_read_here_is_read_whatever_the_portal_says(
    search: FhirSearch, journal: Journal, server: Server, tmp_path: Path
):
    marks = ReadMarks(tmp_path, "account")
    marks.add("answer-1")
    server.on(HEADER_LIST, a_searchset(a_header(), included=[an_answer(), an_answer("answer-2")]))
    assert fetch_counts(portal_through(search, journal, marks=marks)) == [("thread-1", 2, 1)]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(403, errors.NotPermitted), (404, errors.NotFound), (500, errors.PortalError)],
)
def test_a_portal_that_does_not_show_messages_is_told_as_such(
    portal: FhirPortal, server: Server, status: int, kind: type
):
    server.on(HEADER_LIST, Reply(an_outcome(), status))
    with pytest.raises(kind):
        portal.mailbox.fetch_threads()


def test_without_consent_it_says_what_is_needed(portal: FhirPortal, server: Server):
    server.on(HEADER_LIST, Reply(an_outcome("consent-needed"), 403))
    with pytest.raises(errors.ConsentNeeded):
        portal.mailbox.fetch_threads()


WITH_DOCUMENT = an_answer(payload=[{"contentReference": ref("DocumentReference/doc-1")}, a_file()])


def test_documents_are_fetched_with_the_conversation_in_one_more_round_trip(
    portal: FhirPortal, server: Server
):
    server.on(BY_ID, a_searchset(a_header())).on(
        BY_PART_OF, a_searchset(WITH_DOCUMENT, a_message())
    )
    server.on("GET DocumentReference?_id", a_searchset(a_document()))
    *_, answer = portal.mailbox.fetch_conversation("thread-1").messages
    assert [(each.title, each.source) for each in answer.attachments] == [
        ("Picture", "Binary/b-1"),
        ("note.txt", None),
    ]
    assert [each for each in server.request_lines if "Document" in each] == [
        "GET DocumentReference?_id=doc-1&_count=500"
    ]
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "answer", [Reply(NOTHING), Reply(an_outcome(), 403), Reply(an_outcome(), 404)]
)
def test_a_document_that_is_not_shown_leaves_the_message_whole(
    portal: FhirPortal, server: Server, answer: Reply
):
    server.on(BY_ID, a_searchset(a_header())).on(BY_PART_OF, a_searchset(WITH_DOCUMENT))
    server.on("GET DocumentReference", answer)
    (message,) = portal.mailbox.fetch_conversation("thread-1").messages
    assert message.attachments[0].source == "DocumentReference/doc-1"
