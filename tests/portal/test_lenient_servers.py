"""What real servers do: they drop parameters, totals, links, versions, includes and modes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gpcli import errors
from gpcli.journal import Journal
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.portal.search import FhirSearch
from tests.portal.builders import (
    a_consent,
    a_patient,
    a_role,
    a_schedule,
    a_searchset,
    a_service,
    a_slot,
    an_appointment,
    an_immunization,
    an_outcome,
    ref,
    with_identifier,
)
from tests.portal.scripted import INTENT, NOTHING, Reply, Server, portal_through
from tests.portal.world import BOOKING, DAYS, GP, GPS, INCLUDED, ROLE, ids

SCHEDULE = a_schedule("HealthcareService/booking-1")
THEIRS: dict[str, Any] = {"participant": [{"actor": ref("Patient/ola")}]}
ABSOLUTE = "https://portal.example/fhir/R4/"


@pytest.fixture(autouse=True)
def script(server: Server) -> None:
    """A portal with one GP who takes bookings, and nothing else on record."""
    server.on("GET Patient", GPS).on("GET ChargeItemDefinition", NOTHING)
    server.on("GET Consent", a_searchset(a_consent()))
    server.on("GET Appointment", NOTHING)


def slots_of(portal: FhirPortal) -> list[str]:
    return ids(portal.fetch_slots([BOOKING], *DAYS))


@pytest.mark.parametrize(
    "strange",
    [
        a_slot("x", status="busy"),
        a_slot("x", schedule=ref("Schedule/other")),
        a_slot("x", start="2027-02-28T23:59:00+01:00"),
        a_slot("x", start="2027-04-01T00:00:00+02:00"),
    ],
    ids=["status", "service", "before", "after"],
)
def test_slots_that_were_not_asked_for_are_left_out(
    portal: FhirPortal, server: Server, strange: dict
):
    other = a_schedule("HealthcareService/other", id="other")
    server.on("GET Slot", a_searchset(a_slot(), strange, included=[SCHEDULE, other]))
    assert (slots_of(portal), portal.flaws) == (["slot-1"], [])


def test_a_slot_of_nobody_is_left_out_and_said(portal: FhirPortal, server: Server):
    strange = a_slot("x", schedule=ref("Schedule/nobody"))
    nobodys = a_schedule(id="nobody")
    server.on("GET Slot", a_searchset(a_slot(), strange, included=[SCHEDULE, nobodys]))
    assert slots_of(portal) == ["slot-1"]
    assert portal.flaws == ["Slot/x: its Schedule does not say whose it is"]


def test_the_days_are_those_of_the_surgery_whatever_the_offset(portal: FhirPortal, server: Server):
    last = a_slot("last", start="2027-03-31T21:59:00Z", end="2027-03-31T22:09:00Z")
    after = a_slot("after", start="2027-03-31T22:00:00Z", end="2027-03-31T22:09:00Z")
    server.on("GET Slot", a_searchset(last, after, included=[SCHEDULE]))
    assert slots_of(portal) == ["last"]


def test_slots_in_any_order_are_put_in_order(portal: FhirPortal, server: Server):
    late = a_slot("late", start="2027-03-02T15:00:00+01:00")
    server.on("GET Slot", a_searchset(late, a_slot("soon"), included=[SCHEDULE]))
    assert slots_of(portal) == ["soon", "late"]


def test_only_the_slots_that_are_taken_are_read(portal: FhirPortal, server: Server):
    broken = a_slot("broken", start="2027-03-02T15:00:00+01:00", end="soon")
    server.on("GET Slot", a_searchset(broken, a_slot("soon"), included=[SCHEDULE]))
    free = portal.fetch_slots([BOOKING], *DAYS)
    assert (next(free).id, portal.flaws) == ("soon", [])
    assert (list(free), len(portal.flaws)) == ([], 1)


def test_a_slot_without_a_time_that_can_be_read_is_a_flaw_however_few_are_taken(
    portal: FhirPortal, server: Server
):
    broken = a_slot("broken", start="soon")
    server.on("GET Slot", a_searchset(a_slot("soon"), broken, included=[SCHEDULE]))
    assert next(portal.fetch_slots([BOOKING], *DAYS)).id == "soon"
    assert len(portal.flaws) == 1


def test_without_the_schedule_the_one_service_asked_for_is_taken_for_granted(
    portal: FhirPortal, server: Server
):
    server.on("GET Slot", a_searchset(a_slot()))
    portal.fetch_offers()
    (slot,) = portal.fetch_slots([BOOKING], *DAYS)
    assert (slot.healthcare_service, slot.surgery) == ("booking-1", "Elvebakken")


def test_without_the_schedule_nobody_can_tell_between_two_services(
    portal: FhirPortal, server: Server
):
    server.on("GET Slot", a_searchset(a_slot()))
    assert list(portal.fetch_slots([BOOKING, replace(BOOKING, id="booking-2")], *DAYS)) == []
    assert portal.flaws == ["Slot/slot-1: its Schedule did not come along"]


def test_slots_that_the_portal_hides_with_an_outcome_are_a_flaw(portal: FhirPortal, server: Server):
    server.on("GET Slot", a_searchset(included=[an_outcome(text="Not in your compartment")]))
    assert (slots_of(portal), portal.flaws) == (
        [],
        ["part of what was asked for. The portal says: Not in your compartment"],
    )


def test_slots_that_the_portal_refuses_are_not_permitted(portal: FhirPortal, server: Server):
    server.on("GET Slot", Reply(status=403))
    with pytest.raises(errors.NotPermitted):
        slots_of(portal)


def test_entries_without_a_mode_are_told_apart_by_type(portal: FhirPortal, server: Server):
    page = a_searchset(a_slot(), included=[SCHEDULE, *INCLUDED, a_patient()])
    for entry in page["entry"]:
        del entry["search"]
    server.on("GET Slot", page)
    assert (slots_of(portal), portal.flaws) == (["slot-1"], [])


def test_another_patients_record_is_never_taken_for_ones_own(portal: FhirPortal, server: Server):
    other = a_patient(ref("PractitionerRole/other"), id="ola", name=[{"text": "Ola"}])
    server.on("GET Patient", a_searchset(other, *[each["resource"] for each in GPS["entry"]]))
    assert (portal.fetch_patient().name, portal.fetch_surgeries()) == ("Kari Nordmann", (GP,))
    server.on("GET Patient", a_searchset(other))
    with pytest.raises(errors.NotFound):
        portal.fetch_patient()


def test_other_patients_appointments_are_never_shown(portal: FhirPortal, server: Server):
    server.on("GET Appointment", a_searchset(an_appointment("theirs", **THEIRS), an_appointment()))
    assert ids(portal.fetch_appointments(None)) == ["visit-1"]
    assert portal.fetch_appointment("visit-1").id == "visit-1"
    with pytest.raises(errors.NotFound):
        portal.fetch_appointment("theirs")
    assert portal.fetch_cancellation_facts("theirs").appointment is None


def test_other_patients_consents_and_inactive_ones_do_not_count(portal: FhirPortal, server: Server):
    theirs = a_consent(patient=ref("Patient/ola"))
    server.on("GET Consent", a_searchset(theirs, a_consent("basic-plus", status="inactive")))
    assert (portal.fetch_consent_state().consents, portal.fetch_offers().consent) == ((), "basic")


def test_other_patients_vaccinations_do_not_count(portal: FhirPortal, server: Server):
    theirs = an_immunization({"text": "Influenza"}, patient=ref("Patient/ola"))
    server.on("GET Immunization", a_searchset(theirs))
    assert portal.fetch_vaccinations() == ()


def test_what_is_past_does_not_come_though_the_portal_ignores_the_date(
    portal: FhirPortal, server: Server
):
    past = an_appointment("past", start="2027-02-27T09:00:00+01:00")
    today = an_appointment("today", start="2027-02-28T23:30:00Z")
    server.on("GET Appointment?date", a_searchset(past, today))
    server.on("GET Appointment?date:missing", a_searchset(past, an_appointment("done")))
    assert ids(portal.fetch_appointments(date(2027, 3, 1))) == ["today"]
    assert ids(portal.fetch_booking_facts(slot=None, intent=None).coming) == ["today"]


NO_TIMES: dict[str, Any] = {"start": None, "end": None}


def test_a_booking_without_times_is_shown_and_one_that_is_over_is_not(
    portal: FhirPortal, server: Server
):
    over = an_appointment("over", status="cancelled", **NO_TIMES)
    undated = a_searchset(an_appointment("undated", **NO_TIMES), over, an_appointment("past"))
    server.on("GET Appointment?date", a_searchset(an_appointment("dated")))
    server.on("GET Appointment?date:missing", undated)
    assert ids(portal.fetch_appointments(date(2027, 3, 1))) == ["undated", "dated"]
    assert ids(portal.fetch_booking_facts(slot=None, intent=None).coming) == ["undated", "dated"]


@pytest.mark.parametrize("status", ["proposed", "cancelled", "entered-in-error", "noshow"])
@pytest.mark.parametrize("comes_as_undated", [True, False])
def test_what_is_over_and_has_no_time_is_there_only_where_all_is_asked_for(
    portal: FhirPortal, server: Server, status: str, comes_as_undated: bool
):
    undated = a_searchset(an_appointment("undated", status=status, **NO_TIMES))
    answers = (a_searchset(), undated) if comes_as_undated else (undated, a_searchset())
    server.on("GET Appointment", answers[0]).on("GET Appointment?date:missing", answers[1])
    assert ids(portal.fetch_appointments(None)) == ["undated"]
    coming = ids(portal.fetch_appointments(date(2027, 3, 1)))
    assert coming == (["undated"] if status == "proposed" else [])


@pytest.mark.parametrize("status", [400, 422, 501])
def test_a_portal_that_does_not_know_missing_is_asked_for_all_and_those_without_a_time_count(
    portal: FhirPortal, server: Server, status: int
):
    asked = an_appointment("asked", status="proposed", **NO_TIMES)
    past = an_appointment("past", start="2027-02-27T09:00:00+01:00")
    server.on("GET Appointment", a_searchset(asked, past, an_appointment()))
    server.on("GET Appointment?date:missing", Reply(an_outcome(), status))
    server.on("GET Appointment?date", a_searchset())
    assert ids(portal.fetch_appointments(date(2027, 3, 1))) == ["asked"]
    assert server.request_lines[-1] == "GET Appointment?patient=kari"


@pytest.mark.parametrize("status", [403, 500])
def test_undated_appointments_that_are_withheld_are_not_taken_for_none(
    portal: FhirPortal, server: Server, status: int
):
    server.on("GET Appointment?date:missing", Reply(an_outcome(), status))
    with pytest.raises(errors.GpcliError):
        portal.fetch_appointments(date(2027, 3, 1))


def test_a_booking_of_another_patient_is_never_cancelled(portal: FhirPortal, server: Server):
    server.on("GET Appointment/theirs", an_appointment("theirs", **THEIRS))
    with pytest.raises(errors.NotFound, match="There is no appointment 'theirs'"):
        portal.send_cancellation("theirs", INTENT)
    assert [each.method for each in server.requests] == ["GET"]


def test_an_earlier_booking_is_ours_only_by_its_identifier(portal: FhirPortal, server: Server):
    theirs = with_identifier(an_appointment("theirs", **THEIRS), INTENT.urn)
    server.on("GET Appointment?identifier", a_searchset(an_appointment("other"), theirs))
    assert portal.fetch_booking_facts(slot=None, intent=INTENT).earlier is None


def test_references_may_be_absolute_everywhere(portal: FhirPortal, server: Server):
    role = a_role("x") | {
        "practitioner": ref(f"{ABSOLUTE}Practitioner/lege"),
        "organization": ref(f"{ABSOLUTE}Organization/elvebakken"),
        "healthcareService": [ref(f"{ABSOLUTE}HealthcareService/booking-1/_history/4")],
    }
    patient = a_patient(ref(f"{ABSOLUTE}PractitionerRole/role-1"))
    server.on("GET Patient", a_searchset(patient, included=[role, *INCLUDED, a_service()]))
    schedule = a_schedule(f"{ABSOLUTE}HealthcareService/booking-1")
    slot = a_slot(schedule=ref(f"{ABSOLUTE}Schedule/schedule-1"))
    server.on("GET Slot", a_searchset(slot, included=[schedule]))
    actors = [{"actor": ref(f"{ABSOLUTE}Patient/kari")}]
    server.on("GET Appointment?_id", a_searchset(an_appointment(participant=actors)))
    assert portal.fetch_offers().offers == (BOOKING,)
    assert slots_of(portal) == ["slot-1"]
    assert portal.fetch_appointment("visit-1").id == "visit-1"


def test_a_portal_without_batch_total_next_or_etag_is_good_enough(
    unbatched_search: FhirSearch, journal: Journal, server: Server
):
    cancelled = an_appointment(status="cancelled")
    server.on(
        "GET Appointment?_id", {"resourceType": "Bundle", "entry": [{"resource": an_appointment()}]}
    )
    server.on("GET Appointment/visit-1", an_appointment(), cancelled)
    server.on("PUT Appointment/visit-1", Reply(status=200))
    portal = portal_through(unbatched_search, journal)
    assert portal.fetch_cancellation_facts("visit-1").appointment
    assert portal.send_cancellation("visit-1", INTENT).record.status == "cancelled"
    assert {each.method for each in server.requests} == {"GET", "PUT"}


def test_services_by_organization_need_no_batch_either(
    unbatched_search: FhirSearch, journal: Journal, server: Server
):
    server.on("GET Patient", a_searchset(a_patient(ROLE), included=[a_role(), *INCLUDED]))
    server.on("GET HealthcareService", a_searchset(a_service()))
    assert portal_through(unbatched_search, journal).fetch_offers().offers == (BOOKING,)
    assert [each.method for each in server.requests] == ["GET"] * 4
