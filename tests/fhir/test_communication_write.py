"""What gpcli writes to the surgery, element by element."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest

from gpcli.fhir.communication import (
    Envelope,
    Reader,
    read_message,
    read_thread,
    write_header,
    write_message,
    write_received,
)
from gpcli.fhir.element import read_resource
from gpcli.fhir.patient import find_party
from gpcli.model.thread import AttachedFile, Draft, ThreadKind
from tests.portal.builders import a_bundle, concept, ref
from tests.portal.communications import GP_ROLE, THREAD, an_answer

INTENT = UUID("4b5f9a52-5f0c-4f0e-9b6a-6a3f5f2a7c11")
SENT = datetime.fromisoformat("2027-03-01T08:00:00.123456+01:00")
ENVELOPE = Envelope(ThreadKind.E_CONSULTATION, "emil", "RelatedPerson/guro-for-emil", GP_ROLE, SENT)
SHARED = {
    "resourceType": "Communication",
    "identifier": [{"system": "urn:ietf:rfc:3986", "value": INTENT.urn}],
    "category": [concept("e-consultation", THREAD)],
    "subject": ref("Patient/emil"),
    "sender": ref("RelatedPerson/guro-for-emil"),
    "recipient": [ref(GP_ROLE)],
    "sent": "2027-03-01T08:00:00+01:00",
}


def test_a_header_says_what_it_is_about_and_holds_no_words():
    mode = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
    assert write_header(ENVELOPE, "Rash", INTENT) == {
        **SHARED,
        "status": "in-progress",
        "topic": {"text": "Rash"},
        "medium": [concept("WRITTEN", mode)],
    }


def test_a_message_is_part_of_its_thread_and_holds_words_and_files():
    draft = Draft("It itches.", (AttachedFile("a.png", "image/png", b"abc"),))
    picture = {"contentType": "image/png", "title": "a.png", "size": 3, "data": "YWJj"}
    assert write_message(ENVELOPE, draft, "Communication/t", INTENT, in_response_to="m-1") == {
        **SHARED,
        "status": "completed",
        "partOf": [ref("Communication/t")],
        "inResponseTo": [ref("Communication/m-1")],
        "payload": [{"contentString": "It itches."}, {"contentAttachment": picture}],
    }


def test_a_message_that_answers_nothing_says_nothing_of_it():
    written = write_message(ENVELOPE, Draft("Hei"), "Communication/t", INTENT)
    assert "inResponseTo" not in written
    assert written["payload"] == [{"contentString": "Hei"}]


def test_a_message_of_files_alone_holds_no_empty_words():
    files = Draft("", (AttachedFile("a.png", "image/png", b""),))
    assert [list(each) for each in _payload(files)] == [["contentAttachment"]]


def _payload(draft: Draft) -> list[dict]:
    payload: list[dict] = write_message(ENVELOPE, draft, "Communication/t", INTENT)["payload"]
    return payload


@pytest.mark.parametrize("kind", [None, "notification"])
def test_a_kind_that_is_not_ours_is_not_sent(kind: str | None):
    assert "category" not in write_message(
        replace(ENVELOPE, kind=kind), Draft("Hei"), "Communication/t", INTENT
    )


def test_a_thread_of_nobody_at_the_surgery_is_answered_to_nobody():
    nobody = replace(ENVELOPE, recipient=None)
    assert "recipient" not in write_message(nobody, Draft("Hei"), "Communication/t", INTENT)


def test_what_is_written_reads_as_it_was_meant():
    draft = Draft("Hei", (AttachedFile("å.txt", "text/plain", b"\x00\xff"),))
    header = a_bundle({**write_header(ENVELOPE, "Rash", INTENT), "id": "t"})
    message = a_bundle({**write_message(ENVELOPE, draft, "Communication/t", INTENT), "id": "m"})
    reader = Reader(None, lambda link: find_party(link, "emil"), lambda _: False)
    read = read_message(message.matches[0], message, reader, "t")
    thread = read_thread(header.matches[0], [read], header, "Europe/Oslo")
    assert (read.text, read.mine, read.unread, read.thread_id) == ("Hei", True, False, "t")
    assert [(each.title, each.content) for each in read.attachments] == [("å.txt", b"\x00\xff")]
    assert (thread.kind, thread.subject, thread.status) == ("e-consultation", "Rash", "in-progress")
    assert (thread.surgery_id, thread.identifiers) == ("role-1", (INTENT.urn,))


def test_reading_changes_when_it_was_received_and_nothing_else():
    answer = an_answer(extension=[{"url": "urn:x"}], unheardOf={"a": [1]})
    assert write_received(read_resource(answer), SENT) == answer | {
        "received": "2027-03-01T08:00:00+01:00"
    }
