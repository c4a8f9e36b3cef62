"""Mailboxes of portals that know no threads: messages stand alone, or say what they answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gpcli import errors
from gpcli.model.thread import AttachedFile, Draft, ThreadKind
from gpcli.portal.fhir_portal import FhirPortal
from tests.portal.builders import (
    a_patient,
    a_practitioner,
    a_searchset,
    an_organization,
    an_outcome,
    ref,
    with_identifier,
)
from tests.portal.communications import CONTACT, a_header, a_message, an_answer
from tests.portal.mailboxes import (
    ALL,
    BY_ID,
    BY_PART_OF,
    HEADER_LIST,
    fetch_counts,
    fetch_message_ids,
    script_empty_mailbox,
)
from tests.portal.scripted import INTENT, NOTHING, Reply, Server
from tests.portal.threads import BY_IDENTIFIER, CREATE_COMMUNICATION
from tests.portal.world import ids


@pytest.fixture(autouse=True)
def script(server: Server) -> None:
    script_empty_mailbox(server)


def a_letter(id: str, answers: str | None = None, **more: Any) -> dict:
    links = [ref(f"Communication/{answers}")] if answers else None
    return an_answer(id, partOf=None, inResponseTo=links, topic={"text": "Results"}, **more)


def a_question(id: str, answers: str | None = None, **more: Any) -> dict:
    mine = {"sender": ref("Patient/kari"), "recipient": [ref("Practitioner/lege")]}
    return a_letter(id, answers, **mine, **more)


FIRST = a_question("q1", sent="2027-02-01T10:00:00Z")
SECOND = a_letter("a1", "q1", sent="2027-02-02T10:00:00Z")
THIRD = a_question("q2", "a1", sent="2027-02-03T10:00:00Z")
CHAIN = (FIRST, SECOND, THIRD)
OTHER = a_letter("other", sent="2027-01-01T10:00:00Z")


def brief(*records: dict) -> list[dict]:
    return [{name: each[name] for name in each if name != "payload"} for each in records]


def script_chain(server: Server, named: dict) -> None:
    """A portal with four letters; `named` is the one that is asked for."""
    server.on(HEADER_LIST, a_searchset(*brief(*CHAIN, OTHER)))
    rest = [each for each in CHAIN if each is not named]
    server.on(BY_ID, a_searchset(named), a_searchset(*rest))


def test_a_list_has_one_thread_for_all_that_answer_each_other(portal: FhirPortal, server: Server):
    server.on(HEADER_LIST, a_searchset(*brief(*CHAIN, OTHER)))
    server.on(BY_ID, a_searchset(FIRST, OTHER))
    assert fetch_counts(portal) == [("q1", 3, 1), ("other", 1, 1)]
    assert portal.flaws == []


@pytest.mark.parametrize("named", CHAIN, ids=lambda one: one["id"])
def test_each_message_of_a_chain_shows_the_whole_of_it(
    portal: FhirPortal, server: Server, named: dict
):
    script_chain(server, named)
    found = portal.mailbox.fetch_conversation(named["id"])
    assert (found.thread.id, ids(found.messages)) == ("q1", ["q1", "a1", "q2"])
    assert [each.text for each in found.messages] == ["Behind the house."] * 3
    assert {each.thread_id for each in found.messages} == {"q1"}


def test_a_portal_that_takes_no_brief_list_is_asked_for_the_whole_one(
    portal: FhirPortal, server: Server
):
    script_chain(server, FIRST)
    server.on(HEADER_LIST, Reply(an_outcome(), 400)).on(ALL, a_searchset(*CHAIN))
    assert fetch_message_ids(portal, "q1") == ["q1", "a1", "q2"]


@pytest.mark.parametrize("status", [403, 404])
def test_a_portal_that_shows_no_list_still_shows_the_message(
    portal: FhirPortal, server: Server, status: int
):
    script_chain(server, FIRST)
    server.on(HEADER_LIST, Reply(an_outcome(), status))
    assert fetch_message_ids(portal, "q1") == ["q1"]


def test_an_answer_to_what_is_not_there_is_a_thread_of_its_own(portal: FhirPortal, server: Server):
    server.on(HEADER_LIST, a_searchset(*brief(SECOND))).on(BY_ID, a_searchset(SECOND))
    assert (fetch_counts(portal), portal.flaws) == ([("a1", 1, 1)], [])


def test_messages_that_answer_each_other_are_one_thread(portal: FhirPortal, server: Server):
    circle = [a_letter("a", "b"), a_letter("b", "a")]
    server.on(HEADER_LIST, a_searchset(*brief(*circle))).on(BY_ID, a_searchset(*circle))
    assert fetch_counts(portal) == [("a", 2, 2)]


@pytest.mark.parametrize("other", ["Appointment/visit-1", "Task/t-1", "Procedure/p-1"])
def test_what_is_part_of_something_else_is_no_part_of_a_thread(
    portal: FhirPortal, server: Server, other: str
):
    letter = a_letter("letter") | {"partOf": [ref(other)]}
    server.on(HEADER_LIST, a_searchset(*brief(letter))).on(BY_ID, a_searchset(letter))
    assert (fetch_counts(portal), portal.flaws) == ([("letter", 1, 1)], [])


def test_a_message_whose_header_is_another_patients_is_shown(portal: FhirPortal, server: Server):
    theirs = a_header("theirs", subject=ref("Patient/ola"))
    server.on(HEADER_LIST, a_searchset(theirs, an_answer("mine", "theirs")))
    assert fetch_counts(portal) == [("mine", 1, 1)]
    (remark,) = portal.remarks
    assert "1 Communication of other patients" in remark


def test_a_letter_is_sent_and_not_closed(portal: FhirPortal, server: Server):
    server.on(BY_ID, a_searchset(OTHER))
    thread = portal.mailbox.fetch_conversation("other").thread
    assert (thread.status, thread.is_closed) == ("completed", False)
    server.on(BY_ID, a_searchset(a_header(status="completed")))
    assert portal.mailbox.fetch_conversation("thread-1").thread.is_closed


@pytest.mark.parametrize(
    ("status", "is_closed"),
    [("in-progress", False), ("completed", False), ("unknown", False), ("stopped", True)],
)
def test_what_has_been_sent_is_not_closed_at_a_portal_that_knows_no_threads(
    portal: FhirPortal, server: Server, status: str, is_closed: bool
):
    header = a_header(status=status, category=[{"text": "Letter"}])
    server.on(BY_ID, a_searchset(header)).on(BY_PART_OF, a_searchset(a_message()))
    assert portal.mailbox.fetch_conversation("thread-1").thread.is_closed is is_closed


def test_in_a_thread_that_was_withdrawn_nothing_is_unread(portal: FhirPortal, server: Server):
    withdrawn = a_header(status="entered-in-error")
    server.on(HEADER_LIST, a_searchset(withdrawn, a_message(), an_answer()))
    server.on(BY_ID, a_searchset(withdrawn)).on(BY_PART_OF, a_searchset(a_message(), an_answer()))
    assert fetch_counts(portal) == [("thread-1", 2, 0)]
    conversation = portal.mailbox.fetch_conversation("thread-1")
    assert [each.unread for each in conversation.messages] == [False, False]
    assert (conversation.thread.is_withdrawn, conversation.thread.is_closed) == (True, True)


@pytest.mark.parametrize("status", ["entered-in-error", "preparation", "not-done"])
def test_the_newest_is_the_newest_that_was_sent(portal: FhirPortal, server: Server, status: str):
    wrong = an_answer("wrong", status=status, sent="2027-02-09T09:30:00+01:00")
    server.on(BY_ID, a_searchset(a_header()))
    server.on(BY_PART_OF, a_searchset(a_message(), an_answer(), wrong))
    conversation = portal.mailbox.fetch_conversation("thread-1")
    assert conversation.latest_from_surgery
    assert conversation.latest_from_surgery.id == "answer-1"
    assert conversation.thread.last == conversation.messages[1].sent
    assert len(conversation.messages) == 3


def test_what_is_noted_at_the_header_is_kept(portal: FhirPortal, server: Server):
    noted = {"note": [{"text": "Ring us"}], "reasonCode": [{"text": "Follow-up"}]}
    about = {"about": [ref("Appointment/a", display="Your visit")]}
    server.on(BY_ID, a_searchset(a_header(**noted, **about)))
    server.on(BY_PART_OF, a_searchset(a_message()))
    conversation = portal.mailbox.fetch_conversation("thread-1")
    assert [each.text for each in conversation.notes] == ["Ring us"]
    assert (conversation.reasons, conversation.about) == (("Follow-up",), ("Your visit",))


REPLY = Draft("Thank you.")


@pytest.mark.parametrize(
    ("sender", "recipient"),
    [
        (ref("Practitioner/lege"), [ref("Practitioner/lege")]),
        (ref("Organization/elvebakken"), [ref("Organization/elvebakken")]),
        (ref("PractitionerRole/role-1"), [ref("PractitionerRole/role-1")]),
        (ref("CareTeam/team"), [ref("CareTeam/team")]),
        ({"display": "The night nurse"}, None),
        (ref("Device/d"), None),
        (ref("#p"), None),
    ],
)
def test_a_reply_to_a_letter_goes_to_who_wrote_it_as_they_are_named(
    portal: FhirPortal, server: Server, sender: dict, recipient: list[dict] | None
):
    inside = {"resourceType": "Practitioner", "id": "p", "name": [{"text": "Ida Nordli"}]}
    letter = a_letter("letter", sender=sender, contained=[inside])
    payload = [{"contentString": "Thank you."}]
    sent = with_identifier(a_message("r", "letter", payload=payload), INTENT.urn)
    server.on(BY_ID, a_searchset(letter)).on(CREATE_COMMUNICATION, Reply(status=201))
    server.on(BY_IDENTIFIER, a_searchset(sent))
    portal.mailbox.send_reply(portal.mailbox.fetch_conversation("letter"), REPLY, INTENT)
    (body,) = server.write_bodies
    assert (body.get("recipient"), body["partOf"], body["inResponseTo"]) == (
        recipient,
        [ref("Communication/letter")],
        [ref("Communication/letter")],
    )


@pytest.mark.parametrize(
    ("gp", "addressed"),
    [
        (ref("Practitioner/lege"), ref("Practitioner/lege")),
        (ref("Organization/elvebakken"), ref("Organization/elvebakken")),
        (ref("https://elsewhere.example/fhir/Practitioner/lege"), None),
    ],
    ids=lambda one: (one or {}).get("reference", "as written"),
)
def test_a_new_message_goes_to_the_gp_as_the_patients_record_names_them(
    portal: FhirPortal, server: Server, gp: dict, addressed: dict | None
):
    people = (a_practitioner(), an_organization())
    server.on("GET Patient", a_searchset(a_patient(gp), included=people))
    server.on("GET PractitionerRole", NOTHING)
    offer = replace(CONTACT, surgery=portal.fetch_surgeries()[0])
    server.on(CREATE_COMMUNICATION, Reply(an_outcome(), 422)).on(BY_IDENTIFIER, NOTHING)
    server.on("POST ", Reply(an_outcome(), 422))
    with pytest.raises(errors.Rejected):
        portal.mailbox.send_thread(ThreadKind.ADMINISTRATIVE, offer, "Parking", REPLY, INTENT)
    bodies = [
        entry.get("resource", {}) for body in server.write_bodies for entry in body.get("entry", [])
    ] or server.write_bodies
    assert bodies[0]["recipient"] == [addressed or gp]


def test_a_reply_answers_the_portals_message_though_it_has_a_text_in_a_file_only(
    portal: FhirPortal, server: Server
):
    payload = [{"contentAttachment": {"contentType": "text/plain", "data": "SGVp", "title": "a"}}]
    stored = with_identifier(a_message("r", payload=payload), INTENT.urn)
    server.on(BY_ID, a_searchset(a_header())).on(CREATE_COMMUNICATION, Reply(status=200))
    server.on(BY_IDENTIFIER, a_searchset(stored))
    found = portal.mailbox.fetch_conversation("thread-1")
    draft = Draft("", (AttachedFile("a", "text/plain", b"Hei"),))
    written = portal.mailbox.send_reply(found, draft, INTENT)
    assert (written.record.text, written.record.text_from) == ("Hei", ("r.1",))


FOREIGN = {"category": [{"text": "Letter"}]}


def test_a_letter_that_says_nothing_is_a_message_without_a_text(portal: FhirPortal, server: Server):
    empty = a_letter("empty", payload=None, **FOREIGN)
    server.on(HEADER_LIST, a_searchset(empty)).on(BY_ID, a_searchset(empty))
    assert fetch_counts(portal) == [("empty", 1, 1)]
    (message,) = portal.mailbox.fetch_conversation("empty").messages
    assert (message.text, message.attachments) == ("", ())


def test_a_header_of_another_system_is_none_of_its_messages(portal: FhirPortal, server: Server):
    header = a_header("letter", **FOREIGN)
    server.on(HEADER_LIST, a_searchset(header, an_answer("answer", "letter")))
    assert fetch_counts(portal) == [("letter", 1, 1)]


def test_a_thread_that_tells_days_alone_makes_up_no_time(portal: FhirPortal, server: Server):
    undated = a_letter("a", sent="2027-02-01"), a_letter("b", "a", sent="2027-02-03")
    server.on(BY_ID, a_searchset(undated[0]), a_searchset(undated[1]))
    server.on(HEADER_LIST, a_searchset(*brief(*undated)))
    thread = portal.mailbox.fetch_conversation("a").thread
    assert (thread.started, thread.last, thread.last_date) == (None, None, "2027-02-03")
