"""Replies, and marking messages as read."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from gpcli import errors
from gpcli.config.read_marks import ReadMarks
from gpcli.journal import Journal
from gpcli.model.thread import Draft
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.portal.search import FhirSearch
from tests.portal.builders import (
    a_searchset,
    an_outcome,
    ref,
    with_identifier,
)
from tests.portal.communications import (
    GP_ROLE,
    a_file,
    a_header,
    a_message,
    an_answer,
)
from tests.portal.scripted import (
    INTENT,
    LOST,
    NOTHING,
    Reply,
    Server,
    portal_through,
)
from tests.portal.threads import (
    BY_ID,
    BY_IDENTIFIER,
    BY_PART_OF,
    CREATE_COMMUNICATION,
    OF_ANOTHER_PATIENT,
    a_thread,
    fetch_thread,
)

REPLY = Draft("Thank you.")
SENT_REPLY = with_identifier(
    a_message("reply-1", payload=[{"contentString": "Thank you."}]), INTENT.urn
)


@pytest.fixture(autouse=True)
def script(server: Server) -> None:
    a_thread(server)


def test_a_closed_thread_takes_no_more(portal: FhirPortal, server: Server):
    server.on(CREATE_COMMUNICATION, Reply(an_outcome("already-answered", "It is closed."), 422))
    with pytest.raises(errors.AlreadyAnswered, match="It is closed"):
        portal.mailbox.send_reply(fetch_thread(portal), REPLY, INTENT)


def test_a_reply_goes_into_the_thread_and_answers_the_surgerys_latest(
    portal: FhirPortal, server: Server
):
    server.on(CREATE_COMMUNICATION, Reply(status=201)).on(BY_IDENTIFIER, a_searchset(SENT_REPLY))
    written = portal.mailbox.send_reply(fetch_thread(portal), REPLY, INTENT)
    assert (written.changed, written.record.id, written.record.text) == (
        True,
        "reply-1",
        "Thank you.",
    )
    (sent,) = server.write_bodies
    assert {name: sent[name] for name in ("partOf", "inResponseTo", "recipient", "payload")} == {
        "partOf": [ref("Communication/thread-1")],
        "inResponseTo": [ref("Communication/answer-1")],
        "recipient": [ref(GP_ROLE)],
        "payload": [{"contentString": "Thank you."}],
    }
    assert server.require_only_write().headers["If-None-Exist"].endswith(INTENT.urn)


def test_a_reply_goes_to_whom_the_thread_was_with_whatever_they_are(
    portal: FhirPortal, server: Server
):
    place = ref("Organization/elvebakken")
    server.on(BY_ID, a_searchset(a_header(recipient=[place]))).on(BY_PART_OF, NOTHING)
    server.on(CREATE_COMMUNICATION, Reply(status=201)).on(BY_IDENTIFIER, a_searchset(SENT_REPLY))
    portal.mailbox.send_reply(fetch_thread(portal), REPLY, INTENT)
    (sent,) = server.write_bodies
    assert (sent["recipient"], "inResponseTo" in sent) == ([place], False)


def test_a_lost_reply_that_is_there_is_sent(portal: FhirPortal, server: Server):
    server.on(CREATE_COMMUNICATION, LOST).on(BY_IDENTIFIER, a_searchset(SENT_REPLY))
    assert portal.mailbox.send_reply(fetch_thread(portal), REPLY, INTENT).record.id == "reply-1"


def test_a_lost_reply_that_is_not_there_is_unknown(portal: FhirPortal, server: Server):
    server.on(CREATE_COMMUNICATION, LOST)
    with pytest.raises(errors.OutcomeUnknown) as raised:
        portal.mailbox.send_reply(fetch_thread(portal), REPLY, INTENT)
    assert raised.value.hint.startswith("gpcli messages list shows what is there.")


@pytest.mark.parametrize(
    "created",
    [
        SENT_REPLY | OF_ANOTHER_PATIENT,
        SENT_REPLY | {"partOf": [ref("Communication/thread-2")]},
        SENT_REPLY | {"payload": [{"contentString": "Thank you."}, a_file()]},
    ],
    ids=["somebody else's", "elsewhere", "with a file"],
)
def test_a_reply_that_is_not_what_was_sent_is_a_conflict(
    portal: FhirPortal, server: Server, created: dict
):
    server.on(CREATE_COMMUNICATION, Reply(status=201)).on(BY_IDENTIFIER, a_searchset(created))
    with pytest.raises(errors.Conflict):
        portal.mailbox.send_reply(fetch_thread(portal), REPLY, INTENT)


def test_the_facts_for_a_reply_are_the_thread_the_offers_and_what_was_sent(
    portal: FhirPortal, server: Server
):
    server.on(BY_IDENTIFIER, a_searchset(SENT_REPLY))
    facts = portal.mailbox.fetch_reply_facts("thread-1", INTENT)
    assert facts.conversation == fetch_thread(portal)
    assert facts.earlier
    assert (facts.earlier.id, [each.name for each in facts.offers.offers]) == (
        "reply-1",
        ["booking"],
    )


def test_the_facts_for_a_reply_to_a_message_are_of_its_thread(portal: FhirPortal, server: Server):
    server.on(BY_ID, a_searchset(an_answer()), a_searchset(a_header()))
    facts = portal.mailbox.fetch_reply_facts("answer-1", None)
    assert facts.conversation
    assert (facts.conversation.thread.id, facts.earlier) == ("thread-1", None)


def test_the_facts_for_a_thread_that_is_not_there_have_none(portal: FhirPortal, server: Server):
    server.on(BY_ID, NOTHING).on(BY_PART_OF, NOTHING)
    assert portal.mailbox.fetch_reply_facts("thread-1", INTENT).conversation is None


def test_a_reply_that_the_same_request_sent_for_somebody_else_is_a_conflict(
    portal: FhirPortal, server: Server
):
    server.on(BY_IDENTIFIER, a_searchset(SENT_REPLY | OF_ANOTHER_PATIENT))
    with pytest.raises(errors.Conflict, match="used for something else"):
        portal.mailbox.fetch_reply_facts("thread-1", INTENT)


READ_AT = {"received": "2027-03-01T08:00:00+01:00"}
ANSWER = "GET Communication/answer-1"
PUT = "PUT Communication/answer-1"
ANOTHER = UUID("4b5f9a52-5f0c-4f0e-9b6a-6a3f5f2a7c12")


def test_the_portal_is_told_what_was_read_and_nothing_else_changes(
    portal: FhirPortal, server: Server
):
    record = an_answer(meta={"versionId": "3"}, unheardOf=1)
    server.on(ANSWER, record, record | READ_AT).on(PUT, Reply(record | READ_AT))
    (_, answer) = fetch_thread(portal).messages
    written = portal.mailbox.send_read_mark(answer, INTENT)
    assert (written.changed, written.record.id, written.record.unread) == (True, "answer-1", False)
    assert not written.here_only
    assert server.write_bodies == [record | READ_AT]
    assert server.require_only_write().headers["If-Match"] == 'W/"3"'


def test_what_another_device_has_read_needs_no_telling(portal: FhirPortal, server: Server):
    (_, answer) = fetch_thread(portal).messages
    server.on(ANSWER, an_answer(**READ_AT))
    written = portal.mailbox.send_read_mark(answer, INTENT)
    assert (written.changed, written.record.unread, server.write_bodies) == (False, False, [])


@pytest.mark.parametrize(
    "answer",
    [
        Reply(an_outcome(), 403),
        Reply(an_outcome(), 405),
        Reply(an_outcome(), 422),
        Reply(an_answer()),
    ],
    ids=["not permitted", "no such method", "refused", "ignored"],
)
def test_where_the_portal_lets_nobody_this_machine_remembers(
    search: FhirSearch, journal: Journal, server: Server, tmp_path: Path, answer: Reply
):
    server.on(ANSWER, an_answer()).on(PUT, answer)
    portal = portal_through(search, journal, marks=ReadMarks(tmp_path, "account"))
    (_, unread) = fetch_thread(portal).messages
    results = [portal.mailbox.send_read_mark(unread, intent) for intent in (INTENT, ANOTHER)]
    assert [(each.changed, each.here_only) for each in results] == [(True, True), (False, True)]
    assert [each.unread for each in fetch_thread(portal).messages] == [False, False]
    another_run = portal_through(search, journal, marks=ReadMarks(tmp_path, "account"))
    assert fetch_thread(another_run).thread.unread_count == 0


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Reply(status=404), errors.NotFound),
        (Reply(status=412), errors.Conflict),
        (Reply(status=500), errors.OutcomeUnknown),
        (Reply(an_outcome("consent-needed"), 403), errors.ConsentNeeded),
    ],
)
def test_other_trouble_is_not_taken_for_a_portal_that_can_not_be_told(
    search: FhirSearch,
    journal: Journal,
    server: Server,
    tmp_path: Path,
    answer: Reply,
    kind: type,
):
    server.on(ANSWER, an_answer()).on(PUT, answer)
    marks = ReadMarks(tmp_path / "marks", "account")
    portal = portal_through(search, journal, marks=marks)
    (_, unread) = fetch_thread(portal).messages
    with pytest.raises(kind):
        portal.mailbox.send_read_mark(unread, INTENT)
    assert "answer-1" not in marks


@pytest.mark.parametrize("received", [7, ["2027-03-01"], {}])
def test_a_message_that_can_not_be_understood_is_not_changed(
    portal: FhirPortal, server: Server, received: Any
):
    (_, answer) = fetch_thread(portal).messages
    server.on(ANSWER, an_answer(received=received))
    with pytest.raises(errors.BadResponse):
        portal.mailbox.send_read_mark(answer, INTENT)
    assert server.write_bodies == []
