"""Who the patient is and who acts, fetched only where it is not known yet."""

from __future__ import annotations

import pytest

from gpcli.model.person import Identity, Parties, Person
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.portal.search import FhirSearch
from tests.portal.builders import (
    a_consent,
    a_searchset,
)
from tests.portal.scripted import NOTHING, Reply, Server, portal_through
from tests.portal.world import GPS


@pytest.fixture(autouse=True)
def script(server: Server) -> None:
    """A portal with one GP who takes bookings, and nothing else on record."""
    server.on("GET Patient", GPS)
    server.on("GET ChargeItemDefinition", NOTHING)
    server.on("GET Consent", a_searchset(a_consent()))
    server.on("GET Appointment", NOTHING)
    server.on("GET Slot", NOTHING)


def parties(search: FhirSearch, journal, **known: str) -> Parties:
    return portal_through(search, journal, Identity("kari", **known)).fetch_parties()


KARI, PER = Person("kari", "Kari Nordmann"), Person("per", "Per Nordmann")


@pytest.mark.parametrize("user", ["Patient/kari", "https://portal.example/fhir/R4/Patient/kari"])
def test_a_patient_acts_for_themselves(search: FhirSearch, journal, user: str):
    assert parties(search, journal, fhir_user=user) == Parties(KARI, KARI)


def test_who_acts_is_not_made_up_where_nobody_said(search: FhirSearch, journal):
    assert parties(search, journal) == Parties(KARI, None)


def test_somebody_else_who_acts_is_looked_up_by_name(search: FhirSearch, journal, server: Server):
    per = {"resourceType": "RelatedPerson", "id": "per", "name": [{"text": "Per Nordmann"}]}
    server.on("GET RelatedPerson/per", per)
    user = "https://portal.example/fhir/R4/RelatedPerson/per"
    assert parties(search, journal, fhir_user=user) == Parties(KARI, PER)


def test_names_that_the_sign_in_knows_are_not_asked_for(
    search: FhirSearch, journal, server: Server
):
    known = {"patient_name": "Kari Nordmann", "acting_name": "Per Nordmann"}
    acting = parties(search, journal, fhir_user="RelatedPerson/per", **known)
    assert (acting, server.request_lines) == (Parties(KARI, PER), [])


def test_the_name_that_came_with_the_offers_is_not_asked_for_again(
    portal: FhirPortal, server: Server
):
    portal.fetch_offers()
    count_before = len(server.request_lines)
    assert (portal.fetch_parties(), len(server.request_lines)) == (
        Parties(KARI, None),
        count_before,
    )


@pytest.mark.parametrize(
    "user",
    [
        "https://elsewhere.example/fhir/R4/RelatedPerson/per",
        "https://elsewhere.example/fhir/R4/Patient/kari",
        "https://portal.example/other/Patient/kari",
        "http://portal.example/fhir/R4/Patient/kari",
        "kari",
    ],
)
def test_who_acts_is_nobody_here_where_the_reference_leads_elsewhere(
    search: FhirSearch, journal, user: str
):
    portal = portal_through(search, journal, Identity("kari", fhir_user=user))
    assert portal.fetch_parties() == Parties(KARI, None)
    assert portal._dependencies.author == "Patient/kari"


@pytest.mark.parametrize("kind", ["Person", "RelatedPerson", "Practitioner", "Device"])
@pytest.mark.parametrize(
    "answer",
    [
        Reply({}, 404),
        Reply({}, 403),
        Reply({}, 500),
        Reply("<h1>No</h1>"),
        Reply({"resourceType": "OperationOutcome", "issue": []}),
        Reply({"resourceType": "Basic", "id": "per", "name": 7}),
    ],
)
def test_who_acts_is_not_known_where_their_record_cannot_be_read(
    search: FhirSearch, journal, server: Server, kind: str, answer: Reply
):
    server.on(f"GET {kind}/per", *[answer] * 4)
    assert parties(search, journal, fhir_user=f"{kind}/per") == Parties(KARI, None)


def test_what_the_sign_in_could_not_read_is_not_asked_for_again(
    search: FhirSearch, journal, server: Server
):
    known = {"patient_name": "Kari Nordmann"}
    acting = parties(search, journal, fhir_user="RelatedPerson/per", **known)
    assert (acting, server.request_lines) == (Parties(KARI, None), [])


@pytest.mark.parametrize(("target", "is_kari"), [("Patient/kari", True), ("Patient/ola", False)])
def test_a_person_who_is_linked_to_the_patient_is_the_patient(
    search: FhirSearch, journal, server: Server, target: str, is_kari: bool
):
    person = {"resourceType": "Person", "id": "per", "name": [{"text": "Per Nordmann"}]}
    server.on("GET Person/per", {**person, "link": [{"target": {"reference": target}}]})
    acting = parties(search, journal, fhir_user="Person/per").acting_user
    assert acting == (KARI if is_kari else PER)


@pytest.mark.parametrize(
    ("user", "author"),
    [
        (None, "Patient/kari"),
        ("Patient/kari", "Patient/kari"),
        ("RelatedPerson/per", "RelatedPerson/per"),
        ("https://portal.example/fhir/R4/RelatedPerson/per", "RelatedPerson/per"),
        ("https://portal.example/fhir/R4/RelatedPerson/per/_history/3", "RelatedPerson/per"),
        ("PractitionerRole/d", "PractitionerRole/d"),
        ("Person/77", "Patient/kari"),
        ("https://elsewhere.example/fhir/R4/RelatedPerson/per", "Patient/kari"),
    ],
)
def test_who_writes_is_a_record_of_this_portal_that_may_write(
    search: FhirSearch, journal, user: str | None, author: str
):
    identity = Identity("kari", fhir_user=user)
    assert portal_through(search, journal, identity)._dependencies.author == author


MOBILE = {"system": "phone", "value": "+47 000 00 001", "use": "mobile"}
HOME = {"system": "phone", "value": "+47 000 00 002", "use": "home"}


def with_phones(*points: dict) -> dict:
    """The answer to the search for the patient, whose record has these contact points."""
    patient, *others = GPS["entry"]
    return {
        **GPS,
        "entry": [{**patient, "resource": {**patient["resource"], "telecom": points}}, *others],
    }


def test_the_numbers_that_came_with_the_offers_are_not_asked_for_again(
    portal: FhirPortal, server: Server
):
    server.on("GET Patient", with_phones(HOME, MOBILE))
    portal.fetch_offers()
    count_before = len(server.request_lines)
    phones = portal.fetch_phones()
    assert (phones, len(server.request_lines)) == (
        ("+47 000 00 001", "+47 000 00 002"),
        count_before,
    )


def test_without_offers_the_numbers_take_one_request(portal: FhirPortal, server: Server):
    server.on("GET Patient", with_phones(MOBILE))
    assert [portal.fetch_phones() for _ in range(2)] == [("+47 000 00 001",)] * 2
    assert len(server.request_lines) == 1


def test_a_number_that_can_not_be_read_is_no_flaw_of_what_does_not_need_it(
    portal: FhirPortal, server: Server
):
    server.on("GET Patient", with_phones({**MOBILE, "value": 1}))
    portal.fetch_offers()
    assert portal.flaws == []
    assert portal.fetch_phones() == ()
