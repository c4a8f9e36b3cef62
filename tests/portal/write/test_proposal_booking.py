"""Booking a time that the portal proposed: held first, and by its reference where need be."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import uuid5

import pytest

from gpcli import errors
from gpcli.journal import Journal
from gpcli.model.appointment import Actor, Slot, SlotId
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.portal.search import FhirSearch
from tests.portal.builders import (
    Json,
    a_searchset,
    a_slot,
    an_appointment,
    an_outcome,
    with_identifier,
)
from tests.portal.builders import ref as a_ref
from tests.portal.scripted import (
    ALL_ON,
    INTENT,
    LOST,
    NOTHING,
    NOW,
    UNREACHABLE,
    Reply,
    Server,
    client_to,
    portal_through,
)
from tests.portal.world import BOOKING

HOLD, BOOK = "POST Appointment/$hold", "POST Appointment/$book"
BY_IDENTIFIER = "GET Appointment?identifier"
TOLD = "That one has just gone."
DOCTOR = Actor("Practitioner/lege", "Practitioner", "Ola Berg")
WITH_SLOT = Slot(
    SlotId("slot-1"),
    NOW,
    NOW,
    "Europe/Oslo",
    None,
    None,
    None,
    None,
    None,
    written_start="2027-03-02T09:00:00+01:00",
    written_end="2027-03-02T09:20:00+01:00",
    actors=(DOCTOR,),
    proposal="p-1",
)
WITHOUT_SLOT = replace(WITH_SLOT, id=SlotId("p-1"), has_record=False)
CAN_HOLD = replace(ALL_ON, operations={"Appointment": ("find", "hold", "book")})
CAN_BOOK = replace(ALL_ON, operations={"Appointment": ("find", "book")})
MADE = with_identifier(an_appointment("visit-1", slot=[a_ref("Slot/slot-1")]), INTENT.urn)
HELD = an_appointment("held-1", status="pending")
BOOKED = an_appointment("p-1", "Practitioner/lege")
"""What a portal makes of a booking by reference: without an identifier or a reason."""


@pytest.fixture(autouse=True)
def script(server: Server) -> None:
    """A portal that holds and books what it is asked for."""
    server.on(HOLD, a_searchset(HELD)).on(BOOK, a_searchset(MADE))
    server.on(BY_IDENTIFIER, a_searchset(MADE)).on("GET Appointment?slot", a_searchset(MADE))
    server.on("GET Slot", a_searchset(a_slot("slot-1", status="busy")))


@pytest.fixture
def portal_of(server: Server, journal: Journal) -> Iterator[Callable[..., FhirPortal]]:
    with client_to(server) as client:

        def build(can: Capabilities = CAN_HOLD) -> FhirPortal:
            return portal_through(FhirSearch(client, lambda: can), journal)

        yield build


def book(portal: FhirPortal, slot: Slot = WITH_SLOT, reason: str | None = "Back pain"):
    return portal.send_booking(slot, BOOKING, reason, INTENT)


def sent(server: Server) -> list[tuple[str, Json]]:
    """Each operation that was called, and its only parameter."""
    calls = [each for each in server.requests if "/Appointment/$" in str(each.url)]
    bodies = [(each.url.path.rpartition("$")[2], json.loads(each.content)) for each in calls]
    return [(name, *body["parameter"]) for name, body in bodies]


def operations(server: Server) -> list[str]:
    return [name for name, _ in sent(server)]


def ended(journal: Journal) -> dict[str, str]:
    """How each write ended: the booking, and what was held for it."""
    names = {INTENT: "booking", uuid5(INTENT, "held"): "hold"}
    return {names[each.intent]: each.state for each in journal.read_entries()}


def test_a_proposed_time_is_held_and_then_booked_as_the_held_appointment(
    portal_of, server: Server, journal: Journal
):
    written = book(portal_of())
    [(hold, held), (booking, made)] = sent(server)
    assert (written.record.id, written.changed, hold, booking) == ("visit-1", True, "hold", "book")
    reference = {"reference": "Appointment/p-1"}
    assert held == {"name": "appointment-reference", "valueReference": reference}
    resource = made["resource"]
    assert (made["name"], resource["id"]) == ("appointment-resource", "held-1")
    assert (resource["status"], resource["comment"]) == ("pending", "Back pain")
    assert [each["value"] for each in resource["identifier"]] == [INTENT.urn]
    assert resource["slot"] == [{"reference": "Slot/slot-1"}]
    actors = [each["actor"].get("reference") for each in resource["participant"]]
    assert actors == ["Patient/kari", "HealthcareService/booking-1", "Practitioner/lege"]
    assert ended(journal) == {"hold": "done", "booking": "done"}


def test_a_time_without_a_slot_is_booked_without_one(portal_of, server: Server):
    made = with_identifier(an_appointment("visit-1"), INTENT.urn)
    server.on(BY_IDENTIFIER, a_searchset(made))
    assert book(portal_of(CAN_BOOK), WITHOUT_SLOT).record.id == "visit-1"
    [(_, parameter)] = sent(server)
    assert (parameter["resource"]["id"], "slot" in parameter["resource"]) == ("p-1", False)
    assert [each for each in server.request_lines if "Slot" in each] == []


def test_where_nothing_can_be_held_a_time_with_a_slot_is_booked_as_ever(portal_of, server: Server):
    book(portal_of(CAN_BOOK))
    [(name, parameter)] = sent(server)
    assert (name, "id" in parameter["resource"]) == ("book", False)


def test_a_slot_that_was_not_proposed_is_not_held(portal_of, server: Server):
    book(portal_of(), replace(WITH_SLOT, proposal=None))
    assert operations(server) == ["book"]


GONE = [
    a_searchset(an_outcome(text=TOLD, severity="fatal", code="not-found")),
    an_outcome(text=TOLD, code="conflict"),
    a_searchset(HELD | {"status": "cancelled"}, an_outcome(text=TOLD, severity="information")),
]


@pytest.mark.parametrize(
    "refusal",
    [
        *map(Reply, GONE),
        *(Reply(an_outcome(text=TOLD), status) for status in (404, 409, 410, 412)),
        Reply(an_outcome(text=TOLD, code="business-rule"), 422),
    ],
)
def test_a_time_that_is_not_held_is_taken_in_the_portals_words_and_not_booked(
    portal_of, server: Server, journal: Journal, refusal: Reply
):
    server.on(HOLD, refusal)
    with pytest.raises(errors.SlotTaken, match=f"^{TOLD}$") as taken:
        book(portal_of())
    assert taken.value.hint == "gpcli slots lists the free times."
    assert (operations(server), ended(journal)) == (["hold"], {"hold": "refused"})


def test_a_time_that_is_not_held_without_a_word_is_taken(portal_of, server: Server):
    server.on(HOLD, Reply(status=404))
    with pytest.raises(errors.SlotTaken, match="no longer offers this time"):
        book(portal_of())


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (Reply(an_outcome("too-late"), 422), errors.TooLate),
        (Reply(an_outcome("consent-needed"), 403), errors.ConsentNeeded),
        (Reply(an_outcome(), 403), errors.NotPermitted),
        (Reply(status=401), errors.Expired),
    ],
)
def test_another_refusal_to_hold_is_what_it_is(
    portal_of, server: Server, refusal: Reply, error: type
):
    server.on(HOLD, refusal)
    with pytest.raises(error):
        book(portal_of())
    assert operations(server) == ["hold"]


@pytest.mark.parametrize(
    "unclear",
    [
        LOST,
        Reply(status=503),
        Reply(NOTHING),
        Reply(status=204),
        Reply(an_outcome(code="required"), 422),
        Reply(an_outcome(), 400),
    ],
    ids=["lost", "503", "empty", "no body", "another form", "400"],
)
@pytest.mark.parametrize(("slot", "id_sent"), [(WITH_SLOT, None), (WITHOUT_SLOT, "p-1")])
def test_what_became_of_the_hold_does_not_matter_since_the_booking_decides(
    portal_of, server: Server, unclear: Reply, slot: Slot, id_sent: str | None
):
    server.on(HOLD, unclear)
    assert book(portal_of(), slot).record.id == "visit-1"
    assert operations(server) == ["hold", "book"]
    assert sent(server)[1][1]["resource"].get("id") == id_sent


def test_where_the_hold_does_not_leave_nothing_is_booked(
    portal_of, server: Server, journal: Journal
):
    server.on(HOLD, UNREACHABLE)
    with pytest.raises(errors.Unreachable):
        book(portal_of())
    assert (operations(server)[-1:], ended(journal)) == (["hold"], {"hold": "not_sent"})


def test_a_hold_that_has_ended_meanwhile_is_told_by_the_booking(
    portal_of, server: Server, journal: Journal
):
    server.on(BOOK, a_searchset(an_outcome("slot-taken", TOLD))).on(BY_IDENTIFIER, NOTHING)
    with pytest.raises(errors.SlotTaken, match=TOLD):
        book(portal_of())
    assert ended(journal) == {"hold": "done", "booking": "refused"}


@pytest.mark.parametrize(
    "answer",
    [
        a_searchset(MADE | {"status": "cancelled"}),
        a_searchset(MADE | {"status": "cancelled"}, an_outcome(severity="warning", text=TOLD)),
    ],
)
def test_a_cancelled_appointment_in_the_answer_is_a_refusal(
    portal_of, server: Server, journal: Journal, answer: Json
):
    server.on(BOOK, answer).on(BY_IDENTIFIER, NOTHING)
    server.on("GET Slot", a_searchset(a_slot("slot-1")))
    with pytest.raises(errors.Rejected, match="refused the request"):
        book(portal_of())
    assert ended(journal)["booking"] == "refused"


def test_a_repeat_of_a_proposed_booking_neither_holds_nor_books(portal_of, server: Server):
    first, second = book(portal_of()), book(portal_of())
    assert (first.changed, second.changed, second.record.id) == (True, False, "visit-1")
    assert operations(server) == ["hold", "book"]


def test_after_a_lost_booking_a_repeat_only_looks(portal_of, server: Server):
    server.on(BOOK, LOST).on(BY_IDENTIFIER, NOTHING)
    for _ in range(2):
        with pytest.raises(errors.OutcomeUnknown):
            book(portal_of())
    assert operations(server) == ["hold", "book"]


@pytest.fixture
def by_reference(server: Server) -> Server:
    """A portal that books a reference alone, under the id of what it proposed."""
    no_resource = Reply(an_outcome(code="required", text="appointment-reference is missing"), 400)
    server.on(BOOK, no_resource, a_searchset(BOOKED))
    server.on(BY_IDENTIFIER, NOTHING).on("GET Appointment?_id", a_searchset(BOOKED))
    return server


@pytest.mark.parametrize(
    "refusal",
    [
        Reply(an_outcome(), 400),
        Reply(an_outcome(code="not-supported"), 422),
        Reply(a_searchset(an_outcome(code="required"))),
    ],
)
def test_a_portal_that_takes_no_appointment_is_given_the_reference_once(
    portal_of, by_reference: Server, journal: Journal, refusal: Reply
):
    by_reference.on(BOOK, refusal, a_searchset(BOOKED))
    written = book(portal_of(CAN_BOOK), WITHOUT_SLOT)
    assert (written.record.id, written.changed) == ("p-1", True)
    names = [parameter["name"] for _, parameter in sent(by_reference)]
    assert names == ["appointment-resource", "appointment-reference"]
    assert sent(by_reference)[1][1]["valueReference"] == {"reference": "Appointment/p-1"}
    assert ended(journal) == {"booking": "done"}


def test_what_is_held_is_booked_by_its_own_reference(portal_of, by_reference: Server):
    by_reference.on(BOOK, Reply(an_outcome(), 400), a_searchset(BOOKED | {"id": "held-1"}))
    by_reference.on("GET Appointment?_id", a_searchset(BOOKED | {"id": "held-1"}))
    assert book(portal_of(), WITHOUT_SLOT).record.id == "held-1"
    assert sent(by_reference)[-1][1]["valueReference"] == {"reference": "Appointment/held-1"}


@pytest.mark.parametrize(("reason", "said"), [("Back pain", True), (None, False)])
def test_the_reason_that_a_reference_can_not_carry_is_said_to_be_missing(
    portal_of, by_reference: Server, reason: str | None, said: bool
):
    written = book(portal_of(CAN_BOOK), WITHOUT_SLOT, reason)
    assert ("did not get your reason" in (written.remark or "")) is said


def test_a_refusal_of_the_time_itself_is_not_tried_by_reference(portal_of, server: Server):
    server.on(BOOK, Reply(an_outcome(code="business-rule"), 422)).on(BY_IDENTIFIER, NOTHING)
    server.on("GET Slot", NOTHING)
    with pytest.raises(errors.Rejected):
        book(portal_of(CAN_BOOK))
    assert operations(server) == ["book"]


def test_a_refused_reference_is_a_refusal(portal_of, by_reference: Server, journal: Journal):
    by_reference.on(BOOK, Reply(an_outcome(), 400), Reply(an_outcome(text=TOLD), 409))
    by_reference.on("GET Appointment?_id", a_searchset(BOOKED | {"status": "proposed"}))
    with pytest.raises(errors.Conflict, match=TOLD):
        book(portal_of(CAN_BOOK), WITHOUT_SLOT)
    assert ended(journal) == {"booking": "refused"}


def test_after_a_lost_answer_a_booking_by_reference_is_looked_for_by_its_id(
    portal_of, by_reference: Server, journal: Journal
):
    by_reference.on(BOOK, Reply(an_outcome(), 400), LOST)
    assert book(portal_of(CAN_BOOK), WITHOUT_SLOT).record.id == "p-1"
    assert ended(journal) == {"booking": "done"}


@pytest.mark.parametrize("status", ["proposed", "pending", "cancelled"])
def test_a_lost_booking_by_reference_that_is_not_shown_as_booked_is_unknown(
    portal_of, by_reference: Server, journal: Journal, status: str
):
    by_reference.on(BOOK, Reply(an_outcome(), 400), LOST)
    by_reference.on("GET Appointment?_id", a_searchset(BOOKED | {"status": status}))
    with pytest.raises(errors.OutcomeUnknown):
        book(portal_of(CAN_BOOK), WITHOUT_SLOT)
    assert ended(journal) == {"booking": "unknown"}


@pytest.mark.parametrize(
    "repeated", [WITHOUT_SLOT, replace(WITHOUT_SLOT, id="p-2", proposal="p-2")]
)
def test_a_repeat_of_a_booking_by_reference_finds_it_by_its_id(
    portal_of, by_reference: Server, repeated: Slot
):
    first = book(portal_of(CAN_BOOK), WITHOUT_SLOT)
    second = book(portal_of(CAN_BOOK), repeated)
    assert (second.record.id, second.changed) == (first.record.id, False)
    assert operations(by_reference) == ["book", "book"]


def test_a_repeat_that_does_not_find_it_sends_nothing_and_says_so(portal_of, by_reference: Server):
    book(portal_of(CAN_BOOK), WITHOUT_SLOT)
    by_reference.on("GET Appointment?_id", NOTHING)
    with pytest.raises(errors.Conflict, match="does not show what became of that") as told:
        book(portal_of(CAN_BOOK), replace(WITHOUT_SLOT, proposal="p-2"))
    assert "gpcli appointments list" in told.value.hint
    assert operations(by_reference) == ["book", "book"]


def test_a_booking_under_another_id_than_its_reference_is_read_back_by_that(
    portal_of, by_reference: Server
):
    by_reference.on(BOOK, Reply(an_outcome(), 400), a_searchset(BOOKED | {"id": "visit-9"}))
    by_reference.on("GET Appointment?_id", a_searchset(BOOKED | {"id": "visit-9"}))
    assert book(portal_of(CAN_BOOK), WITHOUT_SLOT).record.id == "visit-9"
