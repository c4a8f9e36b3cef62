"""Starting threads: header and message are there once, as they were sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gpcli import errors
from gpcli.journal import Journal
from gpcli.model.person import Identity
from gpcli.model.thread import Draft, ThreadKind
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.portal.search import FhirSearch
from gpcli.portal.write.requests import build_entry_url
from tests.portal.builders import (
    a_patient,
    a_searchset,
    a_service,
    an_organization,
    an_outcome,
    ref,
    with_identifier,
)
from tests.portal.communications import (
    ALL_AT_ONCE,
    CONTACT,
    DRAFT,
    GP_ROLE,
    a_file,
    a_header,
    a_message,
    an_answer,
)
from tests.portal.scripted import (
    ALL_OFF,
    INTENT,
    NOTHING,
    Reply,
    Server,
    client_to,
    portal_through,
)
from tests.portal.threads import (
    BY_ID,
    BY_IDENTIFIER,
    BY_PART_OF,
    CREATE_COMMUNICATION,
    HEADER,
    MESSAGE,
    OF_ANOTHER_PATIENT,
    SENT_HEADER,
    SENT_MESSAGE,
    a_thread,
)
from tests.portal.transaction_parts import a_transaction_response

ADMINISTRATIVE = ThreadKind.ADMINISTRATIVE
E_CONSULTATION = ThreadKind.E_CONSULTATION


DONE = a_transaction_response("201", "201")


@pytest.fixture
def capabilities() -> Capabilities:
    return ALL_AT_ONCE


@pytest.fixture(autouse=True)
def script(server: Server) -> None:
    a_thread(server)


def entries(server: Server) -> list[dict]:
    """What the transaction held."""
    (sent,) = [each for each in server.requests if each.content]
    return [each["resource"] for each in json.loads(sent.content)["entry"]]


def test_a_thread_starts_with_its_first_message_and_is_read_back(
    portal: FhirPortal, server: Server
):
    server.on("POST ", DONE).on(BY_IDENTIFIER, a_searchset(SENT_HEADER, SENT_MESSAGE))
    written = portal.mailbox.send_thread(ADMINISTRATIVE, CONTACT, "Parking", DRAFT, INTENT)
    assert written.changed
    assert (written.record.thread.id, written.record.thread.subject) == ("thread-1", "Parking")
    (message,) = written.record.messages
    assert (message.id, message.text, len(message.attachments)) == (
        "message-1",
        "Where can I park?",
        1,
    )


def test_header_and_message_are_about_the_patient_from_who_acts_to_the_gp(
    search: FhirSearch, journal: Journal, server: Server
):
    guro = Identity("kari", "https://portal.example/fhir/R4/RelatedPerson/guro-for-kari")
    server.on("POST ", DONE).on(BY_IDENTIFIER, a_searchset(SENT_HEADER, SENT_MESSAGE))
    portal = portal_through(search, journal, guro)
    portal.fetch_offers()
    portal.mailbox.send_thread(ADMINISTRATIVE, CONTACT, "Parking", DRAFT, INTENT)
    header, message = entries(server)
    for each in (header, message):
        assert (each["subject"], each["sender"], each["recipient"]) == (
            ref("Patient/kari"),
            ref("RelatedPerson/guro-for-kari"),
            [ref(GP_ROLE)],
        )
        assert each["sent"] == "2027-03-01T08:00:00+01:00"
    assert (header["topic"], message["partOf"]) == (
        {"text": "Parking"},
        [ref(build_entry_url(HEADER))],
    )


def test_a_surgery_that_the_record_names_as_a_place_is_written_to_as_one(
    portal: FhirPortal, server: Server
):
    place = ref("Organization/role-1")
    server.on("GET Patient", a_searchset(a_patient(place), included=[an_organization(id="role-1")]))
    server.on("GET HealthcareService", a_searchset(a_service("contact", providedBy=place)))
    server.on("POST ", DONE).on(
        BY_IDENTIFIER, NOTHING, NOTHING, a_searchset(SENT_HEADER, SENT_MESSAGE)
    )
    portal.mailbox.fetch_thread_facts(INTENT, ADMINISTRATIVE)
    portal.mailbox.send_thread(ADMINISTRATIVE, CONTACT, "Parking", DRAFT, INTENT)
    assert [each["recipient"] for each in entries(server)] == [[place], [place]]


@pytest.mark.parametrize("capabilities", [ALL_OFF])
def test_without_transactions_the_message_follows_its_header(portal: FhirPortal, server: Server):
    server.on(CREATE_COMMUNICATION, Reply(status=201)).on(
        BY_IDENTIFIER, a_searchset(SENT_HEADER, SENT_MESSAGE)
    )
    written = portal.mailbox.send_thread(ADMINISTRATIVE, CONTACT, "Parking", DRAFT, INTENT)
    assert [each.id for each in written.record.messages] == ["message-1"]
    assert [body.get("partOf") for body in server.write_bodies] == [
        None,
        [ref("Communication/thread-1")],
    ]


def test_an_answer_that_is_quicker_than_the_read_back_does_not_matter(
    portal: FhirPortal, server: Server
):
    quick = an_answer(sent="2027-02-01T10:00:00+01:00")
    server.on("POST ", DONE).on(BY_IDENTIFIER, a_searchset(quick, SENT_MESSAGE, SENT_HEADER))
    conversation = portal.mailbox.send_thread(
        ADMINISTRATIVE, CONTACT, "Parking", DRAFT, INTENT
    ).record
    assert [str(each.id) for each in conversation.messages] == ["message-1"]


@pytest.mark.parametrize(
    ("header", "message", "why"),
    [
        ({"subject": ref("Patient/ola")}, {}, "not yours"),
        ({}, {"subject": ref("Patient/ola")}, "not your message"),
        ({}, {"partOf": [ref("Communication/thread-2")]}, "not your message"),
        ({}, {"sender": ref(GP_ROLE)}, "not your message"),
        ({}, {"payload": [{"contentString": "Where can I park?"}]}, "not what is attached"),
    ],
    ids=["their thread", "their message", "elsewhere", "not by us", "without the file"],
)
def test_what_the_portal_made_of_it_must_be_what_was_meant(
    portal: FhirPortal, server: Server, header: dict, message: dict, why: str
):
    server.on("POST ", DONE).on(
        BY_IDENTIFIER, a_searchset(SENT_HEADER | header, SENT_MESSAGE | message)
    )
    with pytest.raises(errors.Conflict, match=why):
        portal.mailbox.send_thread(ADMINISTRATIVE, CONTACT, "Parking", DRAFT, INTENT)


def test_a_portal_may_tidy_up_the_words_that_it_takes(portal: FhirPortal, server: Server):
    tidy = SENT_MESSAGE | {"payload": [{"contentString": "Where can I park ?"}, a_file()]}
    server.on("POST ", DONE).on(BY_IDENTIFIER, a_searchset(SENT_HEADER, tidy))
    assert portal.mailbox.send_thread(ADMINISTRATIVE, CONTACT, "Parking", DRAFT, INTENT).changed


@pytest.mark.parametrize(
    ("subject", "draft"),
    [("Opening hours", DRAFT), ("Parking", Draft("When do you open?", DRAFT.attachments))],
)
def test_what_was_there_before_with_other_words_is_something_else(
    portal: FhirPortal, server: Server, subject: str, draft: Draft
):
    server.on("POST ", a_transaction_response("200", "200")).on(
        BY_IDENTIFIER, a_searchset(SENT_HEADER, SENT_MESSAGE)
    )
    with pytest.raises(errors.Conflict, match="used for something else"):
        portal.mailbox.send_thread(ADMINISTRATIVE, CONTACT, subject, draft, INTENT)


def test_the_same_words_that_were_there_before_are_no_change(portal: FhirPortal, server: Server):
    server.on("POST ", a_transaction_response("200", "200")).on(
        BY_IDENTIFIER, a_searchset(SENT_HEADER, SENT_MESSAGE)
    )
    again = portal.mailbox.send_thread(ADMINISTRATIVE, CONTACT, " Parking\n", DRAFT, INTENT)
    assert not again.changed


def test_the_facts_without_a_request_id_are_the_offers_alone(portal: FhirPortal, server: Server):
    facts = portal.mailbox.fetch_thread_facts(None, ADMINISTRATIVE)
    assert (facts.earlier, facts.half) == (None, False)
    assert [each.name for each in facts.offers.offers] == ["booking"]
    assert not [each for each in server.request_lines if "Communication" in each]


def test_both_parts_are_looked_for_in_the_round_trip_of_the_offers(
    server: Server, journal: Journal
):
    with client_to(server) as client:
        batching = FhirSearch(client, lambda: Capabilities(True, (), (), (), ()))
        facts = portal_through(batching, journal).mailbox.fetch_thread_facts(INTENT, ADMINISTRATIVE)
    assert (facts.earlier, facts.half, len(server.requests)) == (None, False, 1)
    looked = [each for each in server.request_lines if "identifier" in each]
    assert [each.partition("&")[0].rpartition("|")[2] for each in looked] == [
        HEADER.urn,
        MESSAGE.urn,
    ]


def test_the_facts_have_what_the_same_request_started(portal: FhirPortal, server: Server):
    server.on(BY_IDENTIFIER, a_searchset(SENT_HEADER), a_searchset(SENT_MESSAGE))
    server.on(BY_ID, a_searchset(SENT_HEADER)).on(
        BY_PART_OF, a_searchset(SENT_MESSAGE, an_answer())
    )
    facts = portal.mailbox.fetch_thread_facts(INTENT, ADMINISTRATIVE)
    assert facts.earlier
    assert not facts.half
    assert [each.id for each in facts.earlier.messages] == ["message-1", "answer-1"]


def test_a_thread_that_came_to_be_between_the_two_questions_is_the_same_request(
    portal: FhirPortal, server: Server
):
    server.on(BY_IDENTIFIER, NOTHING, a_searchset(SENT_MESSAGE))
    server.on(BY_ID, a_searchset(SENT_MESSAGE), a_searchset(SENT_HEADER)).on(
        BY_PART_OF, NOTHING, a_searchset(SENT_MESSAGE)
    )
    facts = portal.mailbox.fetch_thread_facts(INTENT, ADMINISTRATIVE)
    assert facts.earlier
    assert (facts.half, facts.earlier.thread.id) == (False, "thread-1")


def test_a_thread_whose_message_never_arrived_is_half_and_is_completed(
    portal: FhirPortal, server: Server
):
    server.on(
        BY_IDENTIFIER,
        a_searchset(SENT_HEADER),
        NOTHING,
        a_searchset(SENT_HEADER),
        a_searchset(SENT_MESSAGE),
    )
    server.on(BY_ID, a_searchset(SENT_HEADER)).on(BY_PART_OF, NOTHING)
    server.on(CREATE_COMMUNICATION, Reply(status=201))
    facts = portal.mailbox.fetch_thread_facts(INTENT, ADMINISTRATIVE)
    assert facts.earlier
    assert (facts.half, facts.earlier.messages) == (True, ())
    written = portal.mailbox.send_thread(ADMINISTRATIVE, CONTACT, "Parking", DRAFT, INTENT)
    assert (written.changed, [each.id for each in written.record.messages]) == (
        True,
        ["message-1"],
    )
    assert [each for each in server.request_lines if each.startswith("POST")] == [
        CREATE_COMMUNICATION
    ]
    assert server.require_only_write().headers["If-None-Exist"].endswith(MESSAGE.urn)


@pytest.mark.parametrize(
    "found",
    [
        (
            a_searchset(SENT_HEADER | OF_ANOTHER_PATIENT),
            a_searchset(SENT_MESSAGE | OF_ANOTHER_PATIENT),
        ),
        (NOTHING, a_searchset(SENT_MESSAGE)),
    ],
    ids=["somebody else's", "a message of nothing"],
)
def test_a_hit_that_is_not_ours_or_not_whole_is_a_conflict(
    portal: FhirPortal, server: Server, found: tuple[dict, dict]
):
    server.on(BY_IDENTIFIER, *found).on(BY_ID, found[0]).on(BY_PART_OF, found[1])
    with pytest.raises(errors.Conflict, match="used for something else"):
        portal.mailbox.fetch_thread_facts(INTENT, ADMINISTRATIVE)


def test_what_a_lenient_portal_finds_instead_is_not_taken_for_ours(
    portal: FhirPortal, server: Server
):
    server.on(
        BY_IDENTIFIER,
        a_searchset(a_header(), a_message(), with_identifier(a_header("x"), "urn:uuid:x")),
    )
    assert portal.mailbox.fetch_thread_facts(INTENT, ADMINISTRATIVE).earlier is None


def test_without_consent_the_facts_still_have_the_offers(portal: FhirPortal, server: Server):
    server.on(BY_IDENTIFIER, Reply(an_outcome("consent-needed"), 403))
    facts = portal.mailbox.fetch_thread_facts(INTENT, ADMINISTRATIVE)
    assert (facts.earlier, [each.name for each in facts.offers.offers]) == (None, ["booking"])


OPEN_HEADERS = "GET Communication?category"
APPOINTMENT_BY_IDENTIFIER = "GET Appointment?identifier"


def an_e_consultation(id: str = "con-1", **more: Any) -> dict[str, Any]:
    kind = {"system": "urn:gpcli:thread", "code": "e-consultation"}
    return a_header(id, category=[{"coding": [kind]}], **more)


def test_before_an_e_consultation_the_facts_have_those_under_way_in_the_same_round_trip(
    server: Server, journal: Journal
):
    server.on(OPEN_HEADERS, a_searchset(an_e_consultation()))
    with client_to(server) as client:
        batching = FhirSearch(client, lambda: Capabilities(True, (), (), (), ()))
        facts = portal_through(batching, journal).mailbox.fetch_thread_facts(None, E_CONSULTATION)
    assert len(server.requests) == 1
    [request_line] = [each for each in server.request_lines if "category" in each]
    assert "category=urn:gpcli:thread|e-consultation" in request_line
    [thread] = facts.under_way
    assert (thread.id, thread.subject, thread.surgery_id) == ("con-1", "Parking", "role-1")
    assert (facts.earlier, facts.appointment) == (None, None)


def test_what_a_lenient_portal_shows_besides_is_not_under_way(portal: FhirPortal, server: Server):
    closed = an_e_consultation("con-2", status="completed")
    theirs = an_e_consultation("con-3") | OF_ANOTHER_PATIENT
    server.on(OPEN_HEADERS, a_searchset(a_header(), closed, theirs, a_message(), an_answer()))
    assert portal.mailbox.fetch_thread_facts(None, E_CONSULTATION).under_way == ()


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_portal_that_can_not_tell_what_is_under_way_is_written_to_all_the_same(
    portal: FhirPortal, server: Server, status: int
):
    server.on(OPEN_HEADERS, Reply(an_outcome("not-supported"), status))
    facts = portal.mailbox.fetch_thread_facts(None, E_CONSULTATION)
    assert (facts.under_way, [each.name for each in facts.offers.offers]) == ((), ["booking"])


def test_the_facts_have_what_the_same_request_asked_for_at_a_time(
    portal: FhirPortal, server: Server
):
    booked = with_identifier({"resourceType": "Appointment", "id": "app-1"}, INTENT.urn)
    server.on(OPEN_HEADERS, NOTHING).on(APPOINTMENT_BY_IDENTIFIER, a_searchset(booked))
    facts = portal.mailbox.fetch_thread_facts(INTENT, E_CONSULTATION)
    assert (facts.appointment, facts.earlier) == ("app-1", None)


def test_administrative_matters_ask_for_neither(portal: FhirPortal, server: Server):
    portal.mailbox.fetch_thread_facts(INTENT, ADMINISTRATIVE)
    assert not [
        each for each in server.request_lines if "category" in each or "Appointment" in each
    ]


def test_what_is_under_way_is_asked_for_before_what_bears_the_request_id(
    portal: FhirPortal, server: Server
):
    """Else what another run with that id makes in between would be somebody else's."""
    server.on("GET Appointment", NOTHING).on("GET Communication", NOTHING)
    portal.mailbox.fetch_thread_facts(INTENT, E_CONSULTATION)
    by_id = ["identifier=" in each for each in server.request_lines if "Communication?" in each]
    assert by_id == [False, True, True]
