"""People and places: names, GPs however a record points to them, contact details, hours."""

from __future__ import annotations

from typing import Any

import pytest

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Malformed, read_resource
from gpcli.fhir.patient import organizations_to_search, read_name, read_person, read_surgery
from gpcli.model.person import Person
from gpcli.model.service import OpeningHours, Surgery
from tests.portal.builders import (
    a_bundle,
    a_patient,
    a_practitioner,
    a_role,
    an_organization,
    ref,
)


def named(*names: dict) -> str | None:
    return read_name(read_resource(a_patient(name=list(names))))


def surgery_of(gp: dict, *included: dict) -> Surgery | None:
    bundle = a_bundle(a_patient(gp), included=included)
    (reference,) = bundle.matches[0].children("generalPractitioner")
    return read_surgery(bundle, reference)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ({"text": "Kari Nordmann", "family": "N", "given": ["K"]}, "Kari Nordmann"),
        ({"given": ["Kari", "Anne"], "family": "Nordmann"}, "Kari Anne Nordmann"),
        ({"given": ["Kari"]}, "Kari"),
        ({"family": "Nordmann"}, "Nordmann"),
        ({"given": [None, "Kari"], "_given": [{"id": "a"}, None]}, "Kari"),
        ({"use": "official"}, None),
    ],
)
def test_a_name_is_its_text_or_put_together(name: dict, text: str | None):
    assert named(name) == text


def test_the_official_name_goes_before_the_usual_and_both_before_old_ones():
    old, usual = {"use": "old", "text": "Old"}, {"use": "usual", "text": "Usual"}
    official, maiden = {"use": "official", "text": "Official"}, {"use": "maiden", "text": "Maiden"}
    assert named(old, usual, official) == "Official"
    assert named(maiden, old, usual) == "Usual"
    assert named(old) == "Old"
    assert named() is None


def test_a_person_without_a_name_is_called_by_their_id():
    assert read_person(read_resource(a_patient(name=[]))) == Person("kari", "kari")


@pytest.mark.parametrize("name", ["Kari", [{"given": "Kari"}], [{"text": 1}]])
def test_a_broken_name_is_malformed(name: Any):
    with pytest.raises(Malformed, match=r"^Patient\.name"):
        read_name(read_resource(a_patient(name=name)))


def test_a_gp_by_role_has_the_doctors_name_the_place_and_all_their_contacts():
    role = a_role(
        location=[ref("Location/torget"), ref("Location/missing")],
        telecom=[{"system": "phone", "value": "+47 22 00 00 01"}],
    )
    organization = an_organization(
        telecom=[
            {"system": "phone", "value": "+47 22 00 00 01"},
            {"system": "phone", "value": "+47 22 00 00 02", "use": "old"},
            {"system": "email", "value": "post@elvebakken.example"},
            {"system": "url", "value": "https://elvebakken.example"},
            {"system": "fax"},
        ],
        address=[{"line": ["Torget 1"], "postalCode": "0150", "city": "Oslo", "country": "NO"}],
    )
    place = {
        "resourceType": "Location",
        "id": "torget",
        "address": {"text": "Torget 1, second floor"},
        "hoursOfOperation": [
            {"daysOfWeek": ["mon", "tue"], "openingTime": "08:00:00", "closingTime": "15:30:00"},
            {"daysOfWeek": ["sat"], "allDay": True},
        ],
    }
    gp = ref("PractitionerRole/role-1")
    assert surgery_of(gp, role, a_practitioner(), organization, place) == Surgery(
        id="role-1",
        gp="Ola Berg",
        name="Elvebakken",
        phones=("+47 22 00 00 01",),
        emails=("post@elvebakken.example",),
        websites=("https://elvebakken.example",),
        addresses=("Torget 1, 0150 Oslo, NO", "Torget 1, second floor"),
        hours=(
            OpeningHours(("mon", "tue"), "08:00", "15:30"),
            OpeningHours(("sat",), None, None),
        ),
    )


def test_without_places_the_roles_own_hours_count():
    times = {"availableStartTime": "08:00:00", "availableEndTime": "15:00:30"}
    role = a_role(availableTime=[{"daysOfWeek": ["fri"], **times}])
    surgery = surgery_of(ref("PractitionerRole/role-1"), role)
    assert surgery
    assert surgery.hours == (OpeningHours(("fri",), "08:00", "15:00:30"),)


@pytest.mark.parametrize("written", ["8:00", "ab:cd:ef", "25:00:00", "noon"])
def test_a_time_of_day_that_is_none_is_malformed(written: str):
    role = a_role(availableTime=[{"daysOfWeek": ["fri"], "availableStartTime": written}])
    with pytest.raises(Malformed, match="availableStartTime is not a time"):
        surgery_of(ref("PractitionerRole/role-1"), role)


def test_a_role_whose_doctor_and_place_did_not_come_along_shows_their_displays():
    role = a_role(
        practitioner=ref("Practitioner/lege", display="Ola Berg"),
        organization=ref("Organization/elvebakken", display="Elvebakken"),
    )
    expected = Surgery("role-1", "Ola Berg", "Elvebakken")
    assert surgery_of(ref("PractitionerRole/role-1"), role) == expected


def test_a_gp_by_practitioner_is_that_doctor():
    assert surgery_of(ref("Practitioner/lege"), a_practitioner()) == Surgery(
        "lege", "Ola Berg", None
    )


def test_a_gp_by_organization_is_that_place():
    expected = Surgery("elvebakken", None, "Elvebakken")
    assert surgery_of(ref("Organization/elvebakken"), an_organization()) == expected


@pytest.mark.parametrize(
    ("gp", "expected"),
    [
        (ref("PractitionerRole/2", display="Ola Berg"), Surgery("2", "Ola Berg", None)),
        (ref("Organization/2", display="Elvebakken"), Surgery("2", None, "Elvebakken")),
        (ref("PractitionerRole/2"), Surgery("2", None, None)),
        ({"identifier": {"value": "1234"}, "display": "Ola"}, Surgery("1234", "Ola", None)),
        ({"display": "Ola Berg"}, Surgery("Ola Berg", "Ola Berg", None)),
        ({}, None),
    ],
)
def test_a_gp_who_did_not_come_along_is_shown_as_far_as_known(gp: dict, expected: Surgery | None):
    assert surgery_of(gp) == expected


def test_an_absolute_reference_finds_the_gp_too():
    gp = ref("https://portal.example/fhir/R4/Practitioner/lege/_history/2")
    assert surgery_of(gp, a_practitioner()) == Surgery("lege", "Ola Berg", None)


def organizations_at(*included: dict, gps: tuple[str, ...]) -> tuple[str, ...]:
    bundle = a_bundle(a_patient(*map(ref, gps)), included=included)
    return organizations_to_search(bundle, bundle.matches[0])


def test_organizations_are_asked_only_when_no_role_names_a_service():
    silent = a_role(id="2", organization=ref("Organization/2"))
    gps = ("PractitionerRole/role-1", "PractitionerRole/2")
    assert organizations_at(a_role(), silent, gps=gps) == ("elvebakken", "2")
    assert organizations_at(a_role("booking-1"), silent, gps=gps) == ()


def test_an_organization_as_gp_is_asked_itself_and_each_place_once():
    gps = ("Organization/elvebakken", "PractitionerRole/role-1", "Practitioner/lege")
    assert organizations_at(a_role(), a_practitioner(), gps=gps) == ("elvebakken",)


def test_a_reference_that_is_none_is_malformed():
    with pytest.raises(Malformed, match=r"^Patient\.generalPractitioner"):
        read_surgery(Bundle(), Element({"reference": 1}, "Patient.generalPractitioner"))
