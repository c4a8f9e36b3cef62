"""Messages and threads, as the portal writes them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from gpcli.fhir.communication import (
    Reader,
    header_reference,
    read_message,
    read_thread,
)
from gpcli.fhir.element import Malformed, read_resource
from gpcli.fhir.patient import find_party
from gpcli.model.thread import Attachment, Message, MessageId, Thread, ThreadId
from tests.portal.builders import a_bundle, a_patient, a_practitioner, a_role, an_organization, ref
from tests.portal.communications import GP_ROLE, THREAD, a_file, a_header, a_message, an_answer

INCLUDED = (a_role(), a_practitioner(), an_organization(), a_patient())
MORNING = datetime.fromisoformat("2027-02-01T10:00:00+01:00")
NEXT_DAY = datetime.fromisoformat("2027-02-02T09:30:00+01:00")


def read(message: dict, *included: dict, known: tuple[str, ...] = ()) -> Message:
    bundle = a_bundle(message, included=included)
    reader = Reader("Patient/kari", lambda link: find_party(link, "kari"), known.__contains__)
    return read_message(bundle.matches[0], bundle, reader, "thread-1")


def thread(header: dict, *included: dict, messages: tuple[Message, ...] = ()) -> Thread:
    bundle = a_bundle(header, included=included)
    return read_thread(bundle.matches[0], messages, bundle, "Europe/Oslo")


MINE = read(a_message(), *INCLUDED)
ANSWER = read(an_answer(), *INCLUDED)


def test_a_message_of_the_patient_says_who_wrote_what_and_when():
    assert read(a_message(payload=[{"contentString": "Hei"}, a_file()]), *INCLUDED) == Message(
        id=MessageId("message-1"),
        thread_id=ThreadId("thread-1"),
        sent=MORNING,
        sender="Kari Nordmann",
        mine=True,
        unread=False,
        text="Hei",
        attachments=(Attachment("message-1.1", "note.txt", "text/plain", 4, b"7 mm"),),
        sender_type="Patient",
        known_since=MORNING,
    )


def test_an_answer_of_the_surgery_is_unread_until_it_is_received():
    assert Message(
        id=MessageId("answer-1"),
        thread_id=ThreadId("thread-1"),
        sent=NEXT_DAY,
        sender="Ola Berg",
        mine=False,
        unread=True,
        text="Behind the house.",
        attachments=(),
        in_response_to="message-1",
        sender_type="PractitionerRole",
        known_since=NEXT_DAY,
    ) == read(an_answer(), *INCLUDED)
    assert not read(an_answer(received="2027-02-03")).unread


@pytest.mark.parametrize(
    ("message", "known", "unread"),
    [
        (an_answer(), (), True),
        (an_answer(), ("answer-1",), False),
        (an_answer(), ("answer-2",), True),
        (an_answer(recipient=[ref("Patient/ola")]), (), False),
        (an_answer(recipient=[ref("RelatedPerson/guro"), ref("Patient/kari")]), (), True),
        (an_answer(recipient=[ref("https://portal.example/fhir/R4/Patient/kari")]), (), True),
        (an_answer(recipient=[ref("Practitioner/lege")]), (), False),
        (an_answer(recipient=[ref("Group/all")]), (), None),
        (an_answer(recipient=[{"display": "Kari Nordmann"}]), (), None),
        (an_answer(recipient=[ref("#me")], contained=[a_patient("me")]), (), None),
        (an_answer(recipient=[ref("RelatedPerson/guro")]), (), False),
        (an_answer(recipient=None), (), True),
        (an_answer(recipient=None), ("answer-1",), False),
        (an_answer(recipient=None, received="2027-02-03"), (), False),
        (an_answer(recipient=None, sender=None), (), None),
        (an_answer(recipient=None, sender={"display": "Somebody"}), (), None),
        (a_message(recipient=None), (), False),
        (a_message(sender=None), (), False),
        (an_answer(sender=None), (), True),
        (a_message(recipient=[ref("Patient/kari")]), (), False),
    ],
)
def test_unread_is_what_came_to_the_patient_and_nobody_knows_as_read(
    message: dict, known: tuple[str, ...], unread: bool | None
):
    assert read(message, known=known).unread is unread


@pytest.mark.parametrize(
    ("sender", "mine"),
    [
        (ref("Patient/kari"), True),
        (ref("RelatedPerson/guro-for-kari"), True),
        (ref("https://portal.example/fhir/R4/RelatedPerson/guro"), True),
        (ref("Organization/elvebakken"), False),
        (ref("PractitionerRole/role-1"), False),
        ({"display": "Somebody"}, None),
        (None, None),
    ],
)
def test_what_the_patient_or_somebody_for_them_wrote_is_mine(
    sender: dict | None, mine: bool | None
):
    assert read(a_message(sender=sender)).mine is mine


def test_what_came_to_the_patient_is_not_theirs_whoever_sent_it():
    assert read(an_answer(sender=None)).mine is False


@pytest.mark.parametrize(
    ("unread", "count"),
    [((), 0), ((False, None), None), ((True, None), 1), ((True, True), 2), ((False,), 0)],
)
def test_a_thread_counts_what_is_unread_and_says_where_nobody_knows(
    unread: tuple[bool | None, ...], count: int | None
):
    messages = tuple(replace(ANSWER, unread=each) for each in unread)
    assert thread(a_header(), messages=messages).unread_count == count


BROKEN_ROLE = a_role(practitioner="nobody")
NAMELESS = a_practitioner(name="Berg")


@pytest.mark.parametrize(
    ("sender", "included", "name"),
    [
        (ref(GP_ROLE, display="Dr. Berg"), INCLUDED, "Dr. Berg"),
        (ref(GP_ROLE), INCLUDED, "Ola Berg"),
        (ref("Practitioner/lege"), INCLUDED, "Ola Berg"),
        (ref("Organization/elvebakken"), INCLUDED, "Elvebakken"),
        (ref("Organization/elvebakken"), (), None),
        (ref(GP_ROLE), (), None),
        (ref(GP_ROLE), (BROKEN_ROLE,), None),
        (ref(GP_ROLE), (a_role(), NAMELESS), None),
        (ref("Organization/elvebakken"), (an_organization(name=7),), None),
        ({"display": "The night nurse"}, (), "The night nurse"),
        (None, INCLUDED, None),
    ],
)
def test_a_sender_has_the_name_that_can_be_found_and_none_costs_the_message(
    sender: dict | None, included: tuple[dict, ...], name: str | None
):
    assert read(an_answer(sender=sender), *included).sender == name


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ([{"contentString": "One"}, {"contentString": "Two"}], "One\n\nTwo"),
        ([{"contentString": ""}, a_file()], "7 mm"),
        ([a_file(), {"contentString": "See the file"}], "See the file"),
        ([{"contentString": " keep\r\n my  blanks "}], " keep\r\n my  blanks "),
        (None, ""),
    ],
)
def test_the_text_is_all_that_was_written(payload: list | None, text: str):
    assert read(a_message(payload=payload)).text == text


@pytest.mark.parametrize("sent", [None, "", "2027", "2027-02", "2027-02-01"])
def test_no_time_is_made_up_for_a_message_that_has_none(sent: str | None):
    assert read(a_message(sent=sent)).sent is None


@pytest.mark.parametrize(
    ("part_of", "header"),
    [
        ([ref("Communication/thread-1")], "Communication/thread-1"),
        ([ref("https://portal.example/fhir/R4/Communication/t/_history/2")], "Communication/t"),
        ([ref("Appointment/visit-1"), ref("Communication/t")], "Communication/t"),
        ([ref("Appointment/visit-1")], None),
        ([{"display": "the thread"}], None),
        (None, None),
    ],
)
def test_a_message_belongs_to_the_thread_that_it_is_part_of(
    part_of: list | None, header: str | None
):
    assert header_reference(read_resource(a_message(partOf=part_of))) == header


@pytest.mark.parametrize(
    "broken",
    [
        {"sender": "Patient/kari"},
        {"sender": {"reference": 7}},
        {"recipient": ref(GP_ROLE)},
        {"received": True},
        {"sent": "noon"},
        {"sent": "2027-02-01T10:00:00"},
        {"sent": "0001-01-01T00:00:00Z"},
        {"payload": {}},
        {"payload": [None]},
        {"payload": ["Hei"]},
        {"payload": [{"contentString": ["Hei"]}]},
        {"payload": [{}]},
        {"inResponseTo": "message-1"},
    ],
    ids=str,
)
def test_a_broken_message_is_malformed(broken: dict):
    with pytest.raises(Malformed):
        read(an_answer(**broken))


def test_a_thread_has_what_its_header_says_and_what_its_messages_add_up_to():
    header = a_header(identifier=[{"value": "urn:uuid:1"}, {"system": "urn:x"}])
    assert thread(header, *INCLUDED, messages=(MINE, ANSWER)) == Thread(
        id=ThreadId("thread-1"),
        kind="administrative",
        subject="Parking",
        status="in-progress",
        closed_because=None,
        surgery="Elvebakken",
        practitioner="Ola Berg",
        started=MORNING,
        last=NEXT_DAY,
        message_count=2,
        unread_count=1,
        zone="Europe/Oslo",
        surgery_id="role-1",
        identifiers=("urn:uuid:1",),
        surgery_reference="PractitionerRole/role-1",
        known_since=NEXT_DAY,
    )


def test_a_thread_without_messages_has_its_own_time():
    empty = thread(a_header())
    assert (empty.started, empty.last, empty.message_count) == (MORNING, MORNING, 0)


def test_a_thread_without_a_time_has_that_of_its_messages():
    undated = thread(a_header(sent=None), messages=(MINE, ANSWER))
    assert (undated.started, undated.last) == (MORNING, NEXT_DAY)
    nowhere = thread(a_header(sent="2027-02"), messages=(replace(MINE, sent=None),))
    assert (nowhere.started, nowhere.last) == (None, None)


def test_why_a_thread_ended_is_in_the_surgerys_own_words():
    ended = thread(a_header(status="not-done", statusReason={"text": "Call us, please."}))
    assert (ended.is_closed, ended.closed_because) == (True, "Call us, please.")


@pytest.mark.parametrize(
    ("category", "kind"),
    [
        ([{"coding": [{"system": THREAD, "code": "e-consultation"}]}], "e-consultation"),
        (
            [{"coding": [{"system": "urn:x", "code": "b"}, {"system": THREAD, "code": "a"}]}],
            "a",
        ),
        ([{"coding": [{"system": "urn:x", "code": "notification"}]}], "notification"),
        ([{"text": "Letter"}], "Letter"),
        ([{"coding": [{"code": "l", "display": "Letter"}]}], "Letter"),
        ([{"coding": [{"system": THREAD}]}], None),
        ([], None),
        (None, None),
    ],
)
def test_the_kind_of_a_thread_is_as_written(category: list | None, kind: str | None):
    assert thread(a_header(category=category)).kind == kind


FROM_SURGERY = {"sender": ref(GP_ROLE), "recipient": [ref("Patient/kari")]}
TO_PLACE = {"recipient": [ref("Organization/elvebakken")]}
TO_DOCTOR = {"recipient": [ref("Practitioner/lege", display="Dr. Berg")]}


@pytest.mark.parametrize(
    ("sides", "included", "who"),
    [
        (FROM_SURGERY, INCLUDED, ("role-1", "Elvebakken", "Ola Berg")),
        (TO_PLACE, INCLUDED, ("elvebakken", "Elvebakken", None)),
        (TO_DOCTOR, (), ("lege", None, "Dr. Berg")),
        (TO_DOCTOR, INCLUDED, ("lege", None, "Ola Berg")),
        ({"recipient": [ref(GP_ROLE)]}, (a_role(),), ("role-1", None, None)),
        ({"recipient": [ref(GP_ROLE)]}, (BROKEN_ROLE,), ("role-1", None, None)),
        ({"recipient": None}, INCLUDED, (None, None, None)),
        ({"recipient": [{"display": "Us"}], "sender": None}, INCLUDED, (None, "Us", None)),
    ],
)
def test_the_surgerys_side_is_who_got_it_or_who_began_it(
    sides: dict, included: tuple[dict, ...], who: tuple[str | None, ...]
):
    result = thread(a_header(**sides), *included)
    assert (result.surgery_id, result.surgery, result.practitioner) == who


def test_a_thread_about_nothing_has_no_subject():
    assert thread(a_header(topic=None)).subject is None
    assert thread(a_header(topic={"coding": [{"display": "Parking"}]})).subject == "Parking"


@pytest.mark.parametrize(
    "broken",
    [
        {"status": None},
        {"status": 1},
        {"topic": "Parking"},
        {"topic": {"text": 7}},
        {"statusReason": 1},
        {"category": "administrative"},
        {"sent": "2027-02-30T10:00:00Z"},
        {"identifier": [{"value": 7}]},
        {"recipient": "all"},
    ],
    ids=str,
)
def test_a_broken_header_is_malformed(broken: dict):
    with pytest.raises(Malformed):
        thread(a_header(**broken))
