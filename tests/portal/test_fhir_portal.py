"""What the portal client fetches, each in one round trip, as model records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import uuid5

import httpx
import pytest

from gpcli import errors
from gpcli.journal import Journal
from gpcli.model.person import Person
from gpcli.model.service import (
    Consent,
    ConsentLevel,
    Offer,
    Price,
    PriceRule,
    Rate,
    ServiceName,
    Surgery,
)
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.portal.portal_profile import PortalProfile
from gpcli.portal.search import FhirSearch
from tests.portal.builders import (
    a_consent,
    a_part,
    a_patient,
    a_practitioner,
    a_price,
    a_rate,
    a_role,
    a_schedule,
    a_searchset,
    a_service,
    a_slot,
    an_appointment,
    an_immunization,
    an_organization,
    an_outcome,
    ref,
    with_identifier,
)
from tests.portal.communications import a_header
from tests.portal.scripted import (
    ALL_ON,
    ALONG,
    INTENT,
    NOTHING,
    TYPES,
    Reply,
    Server,
    client_to,
    portal_through,
)
from tests.portal.world import BOOKING, DAYS, GP, GPS, INCLUDED, ROLE, ids

UNDATED = {"status": "proposed", "start": None, "end": None}


@pytest.fixture(autouse=True)
def script(server: Server) -> None:
    """A portal with one GP who takes bookings, and nothing else on record."""
    server.on("GET Patient", GPS)
    server.on("GET ChargeItemDefinition", NOTHING)
    server.on("GET Consent", a_searchset(a_consent()))
    server.on("GET Appointment", NOTHING)
    server.on("GET Slot", NOTHING)


def test_the_patients_own_record(portal: FhirPortal):
    assert portal.fetch_patient() == Person("kari", "Kari Nordmann")


def test_the_gps(portal: FhirPortal, server: Server):
    assert portal.fetch_surgeries() == (GP,)
    assert len(server.requests) == 1


def test_a_person_can_have_no_gp_or_several(portal: FhirPortal, server: Server):
    server.on("GET Patient", a_searchset(a_patient()))
    assert portal.fetch_surgeries() == ()
    both = a_searchset(a_patient(ROLE, ref("Practitioner/lege")), included=[a_role(), *INCLUDED])
    server.on("GET Patient", both)
    assert portal.fetch_surgeries() == (GP,)
    other = ref("Practitioner/other", display="Per Dahl")
    server.on("GET Patient", a_searchset(a_patient(ROLE, other), included=[a_role(), *INCLUDED]))
    server.on("GET PractitionerRole", NOTHING)
    assert portal.fetch_surgeries() == (GP, Surgery("other", "Per Dahl", None))


def test_of_a_gp_who_is_named_as_a_person_the_roles_are_asked_for(
    portal: FhirPortal, server: Server
):
    lege, elvebakken = a_practitioner(), an_organization()
    server.on("GET Patient", a_searchset(a_patient(ref("Practitioner/lege")), included=[lege]))
    server.on("GET PractitionerRole", a_searchset(a_role(), included=[elvebakken]))
    (found,) = portal.fetch_surgeries()
    assert (found.gp, found.name) == ("Ola Berg", "Elvebakken")
    assert server.request_lines[-1].startswith("GET PractitionerRole?practitioner=lege&")


def test_the_offers_come_in_one_round_trip(portal: FhirPortal, server: Server):
    rate = a_rate(a_part("base", 180))
    server.on("GET ChargeItemDefinition", a_searchset(a_price("booking", rate)))
    offers = portal.fetch_offers()
    price = Price(Decimal(180), Decimal(180), "NOK", (Rate(None, Decimal(180)),))
    assert (offers.surgeries, offers.offers) == ((GP,), (BOOKING,))
    assert (offers.prices, offers.consent) == (
        (PriceRule("booking", price),),
        ConsentLevel.FULL_ACCESS,
    )
    assert offers.permitted == frozenset(ServiceName)
    assert len(server.requests) == 1


def test_where_no_role_names_a_service_the_organization_is_asked_once_more(
    portal: FhirPortal, server: Server
):
    server.on("GET Patient", a_searchset(a_patient(ROLE), included=[a_role(), *INCLUDED]))
    server.on("GET HealthcareService", a_searchset(a_service()))
    assert portal.fetch_offers().offers == (BOOKING,)
    assert server.request_lines[3:] == [
        "GET HealthcareService?organization=elvebakken"
        "&_revinclude=PractitionerRole:service&_count=500"
    ]
    assert len(server.requests) == 2


def test_a_portal_that_shows_no_such_patient_says_so(portal: FhirPortal, server: Server):
    server.on("GET Patient", NOTHING)
    with pytest.raises(errors.NotFound, match="no record of this patient"):
        portal.fetch_offers()


@pytest.mark.parametrize(
    "refusal", [Reply(status=404), Reply(status=403), Reply(an_outcome(text="No such type"), 400)]
)
def test_a_portal_without_prices_leaves_them_unknown(
    portal: FhirPortal, server: Server, refusal: Reply
):
    server.on("GET ChargeItemDefinition", refusal)
    offers = portal.fetch_offers()
    assert (offers.offers, offers.prices) == ((BOOKING,), ())


@pytest.mark.parametrize("question", ["GET Patient", "GET ChargeItemDefinition", "GET Consent"])
def test_a_portal_in_trouble_leaves_no_half_offers(
    portal: FhirPortal, server: Server, question: str
):
    server.on(question, Reply(status=500))
    with pytest.raises(errors.PortalError):
        portal.fetch_offers()


@pytest.mark.parametrize("status", [400, 403, 404])
def test_where_the_portal_shows_no_consents_it_decides_by_itself(
    portal: FhirPortal, server: Server, status: int
):
    server.on("GET Consent", Reply(status=status))
    assert portal.fetch_offers().consent == "full-access"


def test_one_broken_service_or_price_is_named_and_the_rest_is_offered(
    portal: FhirPortal, server: Server
):
    broken = a_service("contact", active="yes")
    role = a_role("booking-1", "contact-1")
    server.on(
        "GET Patient", a_searchset(a_patient(ROLE), included=[role, *INCLUDED, a_service(), broken])
    )
    price = a_price("booking", a_rate({"type": "base", "amount": {"value": 1}}))
    server.on("GET ChargeItemDefinition", a_searchset(price))
    offers = portal.fetch_offers()
    assert (offers.offers, offers.prices) == ((BOOKING,), ())
    assert portal.flaws == [
        "HealthcareService/contact-1: HealthcareService.active is not what R4 says",
        "ChargeItemDefinition/price-booking: "
        "ChargeItemDefinition.propertyGroup.priceComponent.amount has no value or currency",
    ]


@pytest.mark.parametrize(
    "included",
    [
        [a_role(availableTime="always"), *INCLUDED],
        [a_role(organization="Elvebakken"), *INCLUDED],
        [a_role(healthcareService="all"), *INCLUDED],
    ],
    ids=["the hours", "the place", "the services"],
)
def test_when_something_of_the_gp_can_not_be_read_the_offers_are_not_complete(
    portal: FhirPortal, server: Server, included: list
):
    server.on("GET Patient", a_searchset(a_patient(ROLE), included=included))
    server.on("GET HealthcareService", a_searchset())
    offers = portal.fetch_offers()
    assert (len(offers.surgeries), offers.complete, len(portal.flaws)) == (1, False, 1)


def test_when_the_only_service_can_not_be_read_nothing_is_said_of_services(
    portal: FhirPortal, server: Server
):
    included = [a_role("booking-1"), *INCLUDED, a_service(active="yes")]
    server.on("GET Patient", a_searchset(a_patient(ROLE), included=included))
    with pytest.raises(errors.BadResponse, match="can't be read"):
        portal.fetch_offers()


def test_a_broken_consent_is_a_bad_response_since_it_decides(portal: FhirPortal, server: Server):
    server.on("GET Consent", a_searchset(a_consent(), a_consent("basic", status=1)))
    with pytest.raises(errors.BadResponse, match=r"Consent\.status"):
        portal.fetch_offers()


@pytest.mark.parametrize(
    "broken",
    [
        {"modifierExtension": [{"url": "urn:example:reversed", "valueBoolean": True}]},
        {"patient": {"display": "Kari"}},
        {"scope": "patient-privacy"},
        {"policyRule": "opt-in"},
    ],
)
def test_a_broken_consent_of_no_level_costs_itself(portal: FhirPortal, server: Server, broken):
    other = a_consent("other") | {"policyRule": {"text": "Research"}} | broken
    server.on("GET Consent", a_searchset(other, a_consent()))
    assert portal.fetch_offers().consent is ConsentLevel.FULL_ACCESS
    assert len(portal.flaws) == 1
    assert "Consent/consent-other" in portal.flaws[0]


def test_free_times_are_asked_for_by_service_and_day(portal: FhirPortal, server: Server):
    schedule = a_schedule("HealthcareService/booking-1")
    server.on("GET Slot", a_searchset(a_slot("1"), a_slot("2"), included=[schedule]))
    portal.fetch_offers()
    slots = list(portal.fetch_slots([BOOKING], *DAYS))
    assert ids(slots) == ["1", "2"]
    assert (slots[0].surgery, slots[0].practitioner) == ("Elvebakken", "Ola Berg")
    assert server.request_lines[-1].startswith(
        "GET Slot?schedule.actor=HealthcareService/booking-1&status=free"
        "&start=ge2027-03-01&start=lt2027-04-01&"
    )


CLINIC = ref("Organization/elvebakken")


@pytest.fixture
def clinics_portal(server: Server, journal: Journal) -> Iterator[Callable[..., FhirPortal]]:
    """`clinics_portal(*types)`: an organization is the GP; these are searched for by theirs."""
    server.on("GET Patient", a_searchset(a_patient(CLINIC), included=[an_organization()]))
    server.on("GET Consent", NOTHING).on("GET ChargeItemDefinition", NOTHING)
    server.on("GET HealthcareService", NOTHING).on("GET Slot", NOTHING)
    former = a_role(id="former", active=False)
    elsewhere = a_role(id="elsewhere", organization=ref("Organization/other"))
    roles = [a_role(id=f"role-{number}") for number in range(120)]
    server.on("GET PractitionerRole", a_searchset(former, elsewhere, *roles))
    room = {"resourceType": "Location", "id": "room", "managingOrganization": CLINIC}
    server.on("GET Location", a_searchset(room))
    with client_to(server) as client:

        def build(*types: str) -> FhirPortal:
            params = dict.fromkeys(types, ("organization",))
            can = replace(ALL_ON, search_params=params)
            profile = PortalProfile({}, "proposed", "Europe/Oslo", "auto", services_listed=False)
            return portal_through(FhirSearch(client, lambda: can), journal, portal_profile=profile)

        yield build


def searched_actors(server: Server) -> list[str]:
    """The actors of all searches for free times."""
    urls = [httpx.URL(line.split()[1]) for line in server.request_lines if "GET Slot" in line]
    return [each for url in urls for each in url.params["schedule.actor"].split(",")]


@pytest.mark.parametrize(
    ("types", "known"),
    [
        ((), set()),
        (("Location",), {"Location/room"}),
        (("PractitionerRole",), {f"PractitionerRole/role-{number}" for number in range(120)}),
    ],
)
def test_of_an_organization_the_roles_and_places_are_asked_for_where_that_is_listed(
    clinics_portal, server: Server, types: tuple[str, ...], known: set[str]
):
    portal = clinics_portal(*types)
    offers = portal.fetch_offers()
    lines = [line for line in server.request_lines if "?organization=" in line]
    assert [line.split()[1].partition("?")[0] for line in lines] == ["HealthcareService", *types]
    assert len(server.requests) == 2
    (gp,) = offers.surgeries
    assert list(portal.fetch_slots([Offer(None, BOOKING.name, gp, active=True)], *DAYS)) == []
    assert {*searched_actors(server)} == {"Organization/elvebakken", *known}


def test_the_times_of_many_roles_are_searched_for_in_parts_and_come_once_in_order(
    clinics_portal, server: Server
):
    both = a_schedule("PractitionerRole/role-0", "PractitionerRole/role-99")
    along = (both, a_role(id="role-0"), a_role(id="role-99"), *INCLUDED)
    at = [f"2027-03-02T{hour:02}:00:00+01:00" for hour in (9, 10, 11)]
    times = [a_slot(f"s{hour}", start=hour, end=hour) for hour in at]
    parts = (a_searchset(*each, included=along) for each in (times[::2], times[1:]))
    server.on("GET Slot", *parts)
    portal = clinics_portal("PractitionerRole")
    (gp,) = portal.fetch_offers().surgeries
    found = list(portal.fetch_slots([Offer(None, BOOKING.name, gp, active=True)], *DAYS))
    assert [slot.written_start for slot in found] == at
    assert {slot.surgery_ids for slot in found} == {frozenset({"elvebakken"})}
    assert len(searched_actors(server)) == 121


def test_without_services_nothing_is_asked(portal: FhirPortal, server: Server):
    assert list(portal.fetch_slots([], *DAYS)) == []
    assert server.request_lines == []


def test_a_broken_slot_is_named_and_the_others_are_shown(portal: FhirPortal, server: Server):
    schedule = a_schedule("HealthcareService/booking-1")
    slots = a_slot("1", start="nine"), a_slot("2")
    server.on("GET Slot", a_searchset(*slots, included=[schedule]))
    assert ids(portal.fetch_slots([BOOKING], *DAYS)) == ["2"]
    assert portal.flaws == ["Slot/1: Slot.start is not what R4 says"]


def test_all_that_a_booking_is_decided_on_comes_in_one_round_trip(
    portal: FhirPortal, server: Server
):
    earlier = with_identifier(an_appointment("earlier"), INTENT.urn)
    server.on("GET Appointment?date", a_searchset(an_appointment("coming")))
    server.on("GET Appointment?date:missing", a_searchset(an_appointment("asked", **UNDATED)))
    server.on("GET Appointment?identifier", a_searchset(earlier))
    server.on(
        "GET Slot", a_searchset(a_slot(), included=[a_schedule("HealthcareService/booking-1")])
    )
    facts = portal.fetch_booking_facts(slot="slot-1", intent=INTENT)
    assert facts.slot
    assert (facts.slot.id, facts.slot.surgery_ids) == ("slot-1", {"role-1"})
    assert ids(facts.coming) == ["asked", "coming"]
    assert facts.earlier
    assert facts.earlier.id == "earlier"
    assert "GET Appointment?patient=kari&date=ge2027-03-01" in server.request_lines[3]
    assert len(server.requests) == 1


OTHERS = tuple({*TYPES, *ALONG, "Patient", "ChargeItemDefinition"} - {"Slot"})
NO_SLOTS = replace(ALL_ON, types=OTHERS, undescribed=OTHERS)
"""A portal that lists all there is but slots."""


@pytest.mark.parametrize("capabilities", [NO_SLOTS])
def test_a_time_that_can_not_be_looked_for_is_not_called_absent(portal: FhirPortal):
    with pytest.raises(errors.NotPermitted, match="can't be asked for Slot"):
        portal.fetch_booking_facts(slot="slot-1", intent=None)


@pytest.mark.parametrize("capabilities", [NO_SLOTS])
def test_nor_is_it_needed_for_a_booking_that_was_made_before(portal: FhirPortal, server: Server):
    earlier = with_identifier(an_appointment("earlier"), INTENT.urn)
    server.on("GET Appointment?identifier", a_searchset(earlier))
    facts = portal.fetch_booking_facts(slot="slot-1", intent=INTENT)
    assert (facts.slot, facts.earlier and facts.earlier.id) == (None, "earlier")


def test_only_what_is_needed_is_asked_for_a_booking(portal: FhirPortal, server: Server):
    facts = portal.fetch_booking_facts(slot=None, intent=None)
    assert (facts.slot, facts.coming, facts.earlier, len(server.request_lines)) == (
        None,
        (),
        None,
        5,
    )


@pytest.mark.parametrize(
    ("found", "thread"),
    [
        (a_searchset(with_identifier(a_header(), str(uuid5(INTENT, "header").urn))), "thread-1"),
        (a_searchset(with_identifier(a_header(), INTENT.urn)), None),
        (NOTHING, None),
        (Reply(an_outcome("not-supported"), 404), None),
    ],
)
def test_the_same_round_trip_tells_whether_the_request_started_a_thread(
    portal: FhirPortal, server: Server, found: dict | Reply, thread: str | None
):
    server.on("GET Appointment?identifier", NOTHING).on("GET Communication?identifier", found)
    facts = portal.fetch_booking_facts(slot=None, intent=INTENT, threads=True)
    assert (facts.thread, facts.earlier, len(server.requests)) == (thread, None, 1)


@pytest.mark.parametrize(
    "answer", [Reply(NOTHING), Reply(status=404), Reply(a_searchset(a_slot("other")))]
)
def test_a_slot_that_is_not_there_is_none(portal: FhirPortal, server: Server, answer: Reply):
    server.on("GET Slot", answer)
    assert portal.fetch_booking_facts(slot="slot-1", intent=None).slot is None


def test_without_consent_what_the_portal_hides_is_not_missed(portal: FhirPortal, server: Server):
    server.on("GET Consent", a_searchset(a_consent("basic")))
    server.on("GET Appointment", Reply(an_outcome("consent-needed"), 403))
    facts = portal.fetch_booking_facts(slot="slot-1", intent=INTENT)
    assert (facts.offers.consent, facts.slot, facts.coming) == (ConsentLevel.BASIC, None, ())


def test_all_that_cancelling_is_decided_on_comes_in_one_round_trip(
    portal: FhirPortal, server: Server
):
    server.on("GET Appointment?_id", a_searchset(an_appointment()))
    facts = portal.fetch_cancellation_facts("visit-1")
    assert facts.appointment
    assert (facts.appointment.id, facts.appointment.surgery_id) == ("visit-1", "role-1")
    assert facts.offers.offers == (BOOKING,)
    assert len(server.requests) == 1


def test_an_error_in_the_place_of_consents_and_vaccinations_tells_nothing_of_them(
    portal: FhirPortal, server: Server
):
    server.on("GET Consent", an_outcome(text="No index"))
    server.on("GET Immunization", an_outcome(text="No index"))
    assert portal.fetch_vaccinations() is None
    assert not portal.fetch_offers().uses_consent
    assert len(portal.flaws) == 2
    with pytest.raises(errors.BadResponse, match="The portal says: No index"):
        portal.fetch_consent_state()


@pytest.mark.parametrize("answer", [Reply(NOTHING), Reply(status=404)])
def test_an_appointment_that_is_not_there(portal: FhirPortal, server: Server, answer: Reply):
    server.on("GET Appointment?_id", answer)
    assert portal.fetch_cancellation_facts("visit-1").appointment is None
    with pytest.raises(errors.NotFound):
        portal.fetch_appointment("visit-1")


def test_bookings_come_in_order_of_time_and_enquiries_first(portal: FhirPortal, server: Server):
    later = an_appointment("later", start="2027-03-02T09:00:00+01:00")
    sooner = an_appointment("sooner", start="2027-03-02T09:30:00+02:00")
    pending = an_appointment("later", status="pending")
    server.on("GET Appointment?date", a_searchset(later, sooner))
    undated = a_searchset(pending, an_appointment("asked", **UNDATED))
    server.on("GET Appointment?date:missing", undated)
    assert ids(portal.fetch_appointments(date(2027, 3, 1))) == ["asked", "sooner", "later"]
    assert len(server.requests) == 1


def test_a_broken_appointment_is_named_once_and_the_others_are_shown(
    portal: FhirPortal, server: Server
):
    broken = an_appointment("broken", status=None)
    server.on("GET Appointment", a_searchset(broken, an_appointment("2", status="pending")))
    assert ids(portal.fetch_appointments(None)) == ["2"]
    assert portal.flaws == ["Appointment/broken: Appointment.status is missing"]


def test_one_appointment(portal: FhirPortal, server: Server):
    server.on("GET Appointment?_id", a_searchset(an_appointment(comment="Back pain")))
    assert portal.fetch_appointment("visit-1").reason == "Back pain"


def test_flu_vaccinations_newest_first(portal: FhirPortal, server: Server):
    flu, other = {"text": "Influenza"}, {"text": "Tetanus"}
    shots = (
        an_immunization(flu, "2025-10-01", id="1"),
        an_immunization(other, "2026-12-01", id="2"),
        an_immunization(flu, "2026-10", id="3"),
        an_immunization({"text": 1}, id="4"),
    )
    server.on("GET Immunization", a_searchset(*shots))
    assert [each.date for each in portal.fetch_vaccinations()] == ["2026-10", "2025-10-01"]
    assert portal.flaws == [
        "Immunization/4: Immunization.vaccineCode.text is not what R4 says",
        "Immunization/4: it does not name the vaccine in words or codes that gpcli knows",
    ]


def test_active_consents(portal: FhirPortal):
    since = "2027-01-04T09:00:00+01:00"
    assert portal.fetch_consent_state().consents == (
        Consent("consent-full-access", "full-access", "active", since),
    )


def test_consents_that_do_not_permit_or_are_about_something_else_are_not_active(
    portal: FhirPortal, server: Server
):
    denied = a_consent(provision={"type": "deny"})
    research = a_consent("basic-plus", scope={"text": "Research"})
    server.on("GET Consent", a_searchset(denied, research))
    assert portal.fetch_consent_state().consents == ()
    assert portal.fetch_offers().consent is ConsentLevel.BASIC


def test_a_price_of_another_surgery_is_never_that_of_the_patients_gp(
    portal: FhirPortal, server: Server
):
    def belongs_to(reference: str, **more: object) -> dict:
        return {
            "useContext": [{"code": {"code": "venue"}, "valueReference": ref(reference)}],
            **more,
        }

    rate, dear = a_rate(a_part("base", 180)), a_rate(a_part("base", 900))
    own = a_price("booking", rate, **belongs_to("Organization/elvebakken", id="own"))
    others = a_price("booking", dear, **belongs_to("Organization/other", id="others"))
    server.on("GET ChargeItemDefinition", a_searchset(own, others))
    offers = portal.fetch_offers()
    price = Price(Decimal(180), Decimal(180), "NOK", (Rate(None, Decimal(180)),))
    assert offers.price_of("booking", *offers.surgeries) == price
    server.on("GET ChargeItemDefinition", a_searchset(others))
    offers = portal.fetch_offers()
    assert offers.price_of("booking", *offers.surgeries) is None


def test_a_price_may_belong_to_the_service_that_the_surgery_provides(
    portal: FhirPortal, server: Server
):
    context = {"code": {"code": "venue"}, "valueReference": ref("HealthcareService/booking-1")}
    price = a_price("booking", a_rate(a_part("base", 180)), useContext=[context])
    server.on("GET ChargeItemDefinition", a_searchset(price))
    server.on("GET Patient", a_searchset(a_patient(ROLE), included=[a_role(), *INCLUDED]))
    server.on("GET HealthcareService", a_searchset(a_service()))
    offers = portal.fetch_offers()
    assert offers.price_of("booking", *offers.surgeries) == offers.prices[0].price


def test_what_the_patients_record_says_of_itself_is_said_once(portal: FhirPortal, server: Server):
    links = [{"type": "replaced-by", "other": ref("Patient/2")}]
    patient = a_patient(ROLE, active=False, link=links)
    server.on("GET Patient", a_searchset(patient, included=[a_role("booking-1"), *INCLUDED]))
    portal.fetch_surgeries()
    portal.fetch_offers()
    assert portal.flaws == ["Patient/kari: the portal has replaced this record by Patient/2"]
    assert portal.remarks == ["The portal has marked the patient's record as no longer in use."]
