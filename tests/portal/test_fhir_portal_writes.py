"""Booking, enquiring, cancelling, consenting: how many round trips, and read back."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pytest

from gpcli import errors
from gpcli.journal import Journal
from gpcli.model.appointment import Slot, Window
from gpcli.model.service import Consent
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.portal.search import FhirSearch
from tests.portal.builders import (
    a_consent,
    a_schedule,
    a_searchset,
    a_service,
    a_slot,
    an_appointment,
    an_outcome,
    ref,
    with_identifier,
)
from tests.portal.scripted import INTENT, LOST, NOTHING, Reply, Server, portal_through
from tests.portal.world import BOOKING, GPS, INCLUDED

BOOKED_SLOT = {"slot": [ref("Slot/slot-1")], "status": "proposed"}
CREATED = with_identifier(an_appointment(**BOOKED_SLOT), INTENT.urn)
BY_IDENTIFIER, ON_SLOT = "GET Appointment?identifier", "GET Appointment?slot"


@pytest.fixture(autouse=True)
def script(server: Server) -> None:
    """A portal with a free time, which takes a booking and shows it."""
    schedule = a_schedule("HealthcareService/booking-1")
    server.on("GET Patient", GPS).on("GET ChargeItemDefinition", NOTHING)
    server.on("GET Consent", a_searchset(a_consent()))
    server.on("GET Appointment", NOTHING)
    server.on("GET Slot", a_searchset(a_slot(), included=[schedule]))
    server.on("POST Appointment", Reply(status=201))
    server.on(BY_IDENTIFIER, a_searchset(CREATED, included=[a_service(), *INCLUDED]))
    server.on(ON_SLOT, a_searchset(CREATED))


def free_slot(portal: FhirPortal) -> Slot:
    slot = portal.fetch_booking_facts(slot="slot-1", intent=None).slot
    assert slot
    return slot


def book(portal: FhirPortal):
    return portal.send_booking(free_slot(portal), BOOKING, "Back pain", INTENT)


def test_a_booking_takes_three_round_trips_with_its_facts(portal: FhirPortal, server: Server):
    written = book(portal)
    assert (written.changed, written.record.id, written.record.slot_id) == (
        True,
        "visit-1",
        "slot-1",
    )
    assert (written.record.surgery, written.record.status) == ("Elvebakken", "proposed")
    assert len(server.requests) == 3


def test_a_booking_is_sent_with_the_slots_own_words(portal: FhirPortal, server: Server):
    book(portal)
    (sent,) = server.write_bodies
    assert {name: sent[name] for name in ("status", "slot", "start", "end", "comment")} == {
        "status": "proposed",
        "slot": [{"reference": "Slot/slot-1"}],
        "start": "2027-03-02T09:00:00+01:00",
        "end": "2027-03-02T09:20:00+01:00",
        "comment": "Back pain",
    }


def test_without_batches_each_question_of_the_read_back_goes_alone(
    unbatched_search: FhirSearch, journal: Journal, server: Server
):
    portal = portal_through(unbatched_search, journal)
    slot = free_slot(portal)
    before = len(server.requests)
    assert portal.send_booking(slot, BOOKING, None, INTENT).record.id == "visit-1"
    assert len(server.requests) - before == 4


@pytest.mark.parametrize(("status", "remarks"), [("free", 1), ("busy", 0)])
def test_a_time_that_is_still_free_after_the_booking_is_said(
    portal: FhirPortal, server: Server, status: str, remarks: int
):
    server.on("GET Slot?_id", a_searchset(a_slot(status=status)))
    assert book(portal).changed
    assert (
        len([each for each in portal.remarks if "still shows this time as free" in each]) == remarks
    )


@pytest.mark.parametrize(
    "seen",
    [
        Reply(
            a_searchset(CREATED, an_appointment("gone", **(BOOKED_SLOT | {"status": "cancelled"})))
        ),
        Reply(a_searchset(CREATED, an_appointment("elsewhere"))),
        Reply(NOTHING),
        Reply(an_outcome(text="no such parameter"), 400),
        Reply(status=403),
    ],
    ids=["cancelled", "parameter ignored", "hidden", "no such parameter", "not permitted"],
)
def test_a_time_that_only_we_hold_as_far_as_we_may_see_is_ours(
    portal: FhirPortal, server: Server, seen: Reply
):
    server.on(ON_SLOT, seen)
    assert book(portal).record.id == "visit-1"


def test_a_booking_of_another_time_is_a_conflict(portal: FhirPortal, server: Server):
    other = with_identifier(an_appointment(slot=[ref("Slot/other")]), INTENT.urn)
    server.on(BY_IDENTIFIER, a_searchset(other))
    with pytest.raises(errors.Conflict, match="booked another time than slot-1"):
        book(portal)


def test_another_time_that_the_same_request_has_taken_is_shown(portal: FhirPortal, server: Server):
    other = with_identifier(an_appointment(slot=[ref("Slot/other")]), INTENT.urn)
    server.on(BY_IDENTIFIER, a_searchset(other))
    server.on("POST Appointment", Reply(status=200))  # what If-None-Exist found
    written = book(portal)
    assert (written.changed, written.record.slot_id) == (False, "other")


def test_a_portal_that_drops_the_slot_from_the_booking_is_tolerated(
    portal: FhirPortal, server: Server
):
    server.on(BY_IDENTIFIER, a_searchset(with_identifier(an_appointment(), INTENT.urn)))
    assert book(portal).record.slot_id is None


def test_a_booking_that_is_somebody_elses_is_a_conflict(portal: FhirPortal, server: Server):
    participants = [{"actor": ref("Patient/ola")}]
    theirs = with_identifier(an_appointment(participant=participants), INTENT.urn)
    server.on(BY_IDENTIFIER, a_searchset(theirs))
    with pytest.raises(errors.Conflict, match="is not yours"):
        book(portal)


def test_a_booking_with_an_unreadable_time_is_a_booking_and_the_time_is_named(
    portal: FhirPortal, server: Server
):
    server.on(BY_IDENTIFIER, a_searchset(CREATED | {"start": "nine"}))
    assert book(portal).record.id == "visit-1"
    assert portal.flaws == ["Appointment/visit-1: Appointment.start is not what R4 says"]


def test_a_booking_that_can_not_be_understood_is_named(portal: FhirPortal, server: Server):
    server.on(BY_IDENTIFIER, a_searchset(CREATED | {"status": 7}))
    with pytest.raises(errors.Conflict):
        book(portal)
    assert portal.flaws == ["Appointment/visit-1: Appointment.status is not what R4 says"]


def test_a_taken_slot_is_told_in_the_portals_words(portal: FhirPortal, server: Server):
    taken = an_outcome("slot-taken", "Somebody was quicker.")
    server.on("POST Appointment", Reply(taken, 409)).on(BY_IDENTIFIER, NOTHING)
    with pytest.raises(errors.SlotTaken, match="Somebody was quicker"):
        book(portal)


def test_a_lost_booking_that_is_there_is_booked(
    unbatched_search: FhirSearch, journal: Journal, server: Server
):
    server.on("POST Appointment", LOST)
    assert book(portal_through(unbatched_search, journal)).record.id == "visit-1"
    assert [entry.state for entry in journal.read_entries()] == ["done"]


def test_an_enquiry_is_sent_without_times_and_read_back(portal: FhirPortal, server: Server):
    window = Window(
        datetime.fromisoformat("2027-03-08T08:00:00+01:00"),
        datetime.fromisoformat("2027-03-08T10:00:00+01:00"),
    )
    period = {"start": "2027-03-08T08:00:00+01:00", "end": "2027-03-08T10:00:00+01:00"}
    enquiry = an_appointment(status="proposed", start=None, end=None, requestedPeriod=[period])
    server.on(BY_IDENTIFIER, a_searchset(with_identifier(enquiry, INTENT.urn)))
    written = portal.send_enquiry(BOOKING, [window], None, INTENT)
    assert (written.record.requested, written.record.start) == ((window,), None)
    (sent,) = server.write_bodies
    assert sent["requestedPeriod"] == [period]
    assert {"start", "end", "slot"}.isdisjoint(sent)
    assert not any(question.startswith(ON_SLOT) for question in server.request_lines)


CANCELLED = an_appointment(status="cancelled")


def test_cancelling_puts_the_booking_back_cancelled(portal: FhirPortal, server: Server):
    server.on("GET Appointment/visit-1", an_appointment(), CANCELLED)
    server.on("PUT Appointment/visit-1", CANCELLED)
    written = portal.send_cancellation("visit-1", INTENT)
    assert (written.record.status, written.changed) == ("cancelled", True)
    assert server.write_bodies[0]["cancelationReason"]["coding"][0]["code"] == "pat"


def test_cancelling_twice_is_done_the_first_time(portal: FhirPortal, server: Server):
    server.on("GET Appointment/visit-1", CANCELLED)
    written = portal.send_cancellation("visit-1", INTENT)
    assert (written.record.status, written.changed, server.write_bodies) == ("cancelled", False, [])


def test_cancelling_too_late_is_told_in_the_portals_words(portal: FhirPortal, server: Server):
    server.on("GET Appointment/visit-1", an_appointment())
    server.on("PUT Appointment/visit-1", Reply(an_outcome("too-late", "Closed."), 422))
    with pytest.raises(errors.TooLate, match=r"^Closed\.$"):
        portal.send_cancellation("visit-1", INTENT)


SINCE = "2027-01-04T09:00:00+01:00"


@pytest.mark.parametrize("status", ["active", "proposed"])
def test_granting_consent_shows_what_the_portal_made_of_it(
    portal: FhirPortal, server: Server, status: str
):
    created = with_identifier(a_consent(status=status), INTENT.urn)
    server.on("POST Consent", Reply(status=201)).on("GET Consent?identifier", a_searchset(created))
    written = portal.send_consent_grant(INTENT)
    expected = Consent("consent-full-access", "full-access", status, SINCE)
    assert (written.record, written.changed) == (expected, True)


def test_a_consent_that_was_given_and_ended_before_is_no_consent(
    portal: FhirPortal, server: Server
):
    ended = with_identifier(a_consent(status="inactive"), INTENT.urn)
    server.on("POST Consent", Reply(status=200)).on("GET Consent?identifier", a_searchset(ended))
    with pytest.raises(errors.Conflict, match="that consent is inactive now"):
        portal.send_consent_grant(INTENT)


def test_a_consent_that_can_not_be_understood_is_a_bad_response(portal: FhirPortal, server: Server):
    created = with_identifier(a_consent(status=None), INTENT.urn)
    server.on("POST Consent", Reply(status=201)).on("GET Consent?identifier", a_searchset(created))
    with pytest.raises(errors.BadResponse):
        portal.send_consent_grant(INTENT)


def test_withdrawing_consent_puts_it_back_inactive(portal: FhirPortal, server: Server):
    consent = a_consent(meta={"versionId": "2"})
    server.on("GET Consent/consent-full-access", consent, consent | {"status": "inactive"})
    server.on("PUT Consent/consent-full-access", Reply(status=200, body=consent))
    (held,) = portal.fetch_consent_state().consents
    written = portal.send_consent_withdrawal(held, UUID(int=1))
    assert (written.record.status, written.changed) == ("inactive", True)
    assert server.write_bodies == [consent | {"status": "inactive"}]
    assert server.require_only_write().headers["If-Match"] == 'W/"2"'
