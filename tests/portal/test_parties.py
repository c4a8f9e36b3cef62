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
from tests.portal.scripted import NOTHING, Server, portal_through
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
