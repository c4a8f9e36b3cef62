"""GPs, however a patient's record points to them: names, contact details, hours, what has ended."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gpcli.fhir.bundle import Bundle, read_bundle
from gpcli.fhir.element import Element, Malformed, read_resource
from gpcli.fhir.general_practitioner import (
    find_addresses,
    organizations_to_search,
    read_surgery,
    tell_apart,
)
from gpcli.model.service import OpeningHours, Surgery
from tests.portal.builders import (
    a_bundle,
    a_patient,
    a_practitioner,
    a_role,
    a_searchset,
    an_organization,
    ref,
)

NOW = datetime(2027, 3, 1, 8, tzinfo=ZoneInfo("Europe/Oslo"))


def surgery_of(gp: dict, *included: dict, **patient: object) -> Surgery | None:
    bundle = a_bundle(a_patient(gp, **patient), included=included)
    (reference,) = bundle.matches[0].children("generalPractitioner")
    return read_surgery(bundle, bundle.matches[0], reference, NOW)


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
            OpeningHours(("sat",), None, None, all_day=True),
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
        read_surgery(
            Bundle(),
            read_resource(a_patient()),
            Element({"reference": 1}, "Patient.generalPractitioner"),
            NOW,
        )


def surgeries_of(*gps: dict, included: tuple[dict, ...] = (), **patient: object) -> list[Surgery]:
    bundle = a_bundle(a_patient(*gps, **patient), included=included)
    (record,) = bundle.matches
    references = record.children("generalPractitioner")
    found = (read_surgery(bundle, record, reference, NOW) for reference in references)
    return list(tell_apart(filter(None, found)))


def ids_of(*gps: dict, included: tuple[dict, ...] = ()) -> list[str]:
    return [surgery.id for surgery in surgeries_of(*gps, included=included)]


def test_a_gp_in_the_patients_record_itself_is_found_with_what_it_refers_to_there():
    role = a_role(id="gp", practitioner=ref("#doctor"), organization=ref("#place"))
    contained = [role, a_practitioner(id="doctor"), an_organization(id="place")]
    surgery = surgery_of(ref("#gp"), contained=contained)
    assert surgery == Surgery("gp", "Ola Berg", "Elvebakken")
    assert surgery
    assert (surgery.full_id, surgery.role, surgery.references) == ("#gp", None, frozenset())


def test_a_gp_named_by_an_identifier_is_the_one_record_that_has_it():
    number = {"system": "urn:example:hpr", "value": "1234567"}
    gp = {"identifier": number, "display": "The doctor"}
    has_it = a_practitioner(identifier=[number])
    assert surgery_of(gp, has_it) == Surgery("lege", "Ola Berg", None)
    unknown = Surgery("1234567", "The doctor", None)
    assert surgery_of(gp, a_practitioner(identifier=[number | {"system": "urn:x"}])) == unknown
    assert surgery_of(gp, has_it, {**has_it, "id": "other"}) == unknown
    assert surgery_of({**gp, "type": "Organization"}, has_it) == Surgery(
        "1234567", None, "The doctor"
    )


@pytest.mark.parametrize(
    ("reference", "surgery_id"),
    [
        ("https://other.example/fhir/Practitioner/7", "https://other.example/fhir/Practitioner/7"),
        ("urn:uuid:0f0f0f0f-0000-4000-8000-000000000000", "Ola Berg"),
        ("#nowhere", "Ola Berg"),
    ],
)
def test_a_gp_whose_record_is_elsewhere_keeps_an_id_of_its_own(reference: str, surgery_id: str):
    bundle = read_bundle(
        a_searchset(a_patient(ref(reference, display="Ola Berg"))), [], ("https://portal.example",)
    )
    (patient,) = bundle.matches
    (link,) = patient.children("generalPractitioner")
    assert read_surgery(bundle, patient, link, NOW) == Surgery(surgery_id, "Ola Berg", None)


def test_each_gp_has_an_id_that_no_other_has():
    person, place = a_practitioner(id="1"), an_organization(id="1")
    both = ref("Practitioner/1"), ref("Organization/1")
    assert ids_of(*both, included=(person, place)) == ["Practitioner/1", "Organization/1"]
    assert ids_of(both[0], both[0], included=(person,)) == ["1"]
    namesake = {"display": "Ola Berg"}
    assert ids_of(namesake, namesake) == ["Ola Berg", "Ola Berg (2)"]
    numbers = [{"identifier": {"system": f"urn:{each}", "value": "7"}} for each in "ab"]
    assert ids_of(*numbers) == ["urn:a|7", "urn:b|7"]
    assert ids_of(numbers[0], numbers[0]) == ["7"]


def test_messages_are_addressed_to_the_records_of_gps_and_to_nothing_else():
    gps = ref("PractitionerRole/role-1"), {"display": "Per Dahl"}, ref("Organization/2")
    surgeries = surgeries_of(*gps, included=(a_role(),))
    addresses = {"role-1": "PractitionerRole/role-1", "2": "Organization/2"}
    assert find_addresses(surgeries) == addresses
    contained = surgeries_of(ref("#gp"), contained=[a_role(id="gp")])
    assert find_addresses(contained) == {}


def test_a_practitioner_whose_role_is_a_gp_too_is_one_gp():
    gps = ref("Practitioner/lege"), ref("PractitionerRole/role-1")
    assert ids_of(*gps, included=(a_role(), a_practitioner())) == ["role-1"]


def test_a_practitioner_works_where_their_only_current_role_says():
    place = an_organization(telecom=[{"system": "phone", "value": "+47 22 00 00 01"}])
    former = a_role(id="2", organization=ref("Organization/2"), active=False)
    past = a_role(id="3", organization=ref("Organization/3"), period={"end": "2026-12-31"})
    gp = ref("Practitioner/lege")
    surgery = surgery_of(gp, a_practitioner(), a_role(), former, past, place)
    assert surgery == Surgery("lege", "Ola Berg", "Elvebakken", phones=("+47 22 00 00 01",))
    assert surgery
    assert surgery.role == "PractitionerRole/role-1"
    assert "Organization/elvebakken" in surgery.references
    alone = Surgery("lege", "Ola Berg", None)
    assert surgery_of(gp, a_practitioner(), former, place) == alone
    assert surgery_of(gp, a_practitioner(), a_role(), a_role(id="4"), place) == alone


PLACE = ref("Location/torget")


def a_location(**more: object) -> dict:
    telecom = [{"system": "phone", "value": "+47 22 00 00 03"}]
    hours = [{"daysOfWeek": ["mon"], "openingTime": "08:00:00"}]
    named = {"resourceType": "Location", "id": "torget", "name": "Torget"}
    return {**named, "telecom": telecom, "hoursOfOperation": hours, **more}


@pytest.mark.parametrize(
    ("role", "others", "remark"),
    [
        (
            {"active": False},
            (),
            "The portal has marked the work of Ola Berg at Elvebakken as no longer current.",
        ),
        (
            {"period": {"start": "2020", "end": "2026-12-31"}},
            (),
            "The portal says that Ola Berg was at Elvebakken from 1 Jan 2020 until 31 Dec 2026.",
        ),
        (
            {"period": {"start": "2027-04-01"}},
            (),
            "The portal says that Ola Berg will be at Elvebakken from 1 Apr 2027.",
        ),
        ({}, ({"active": False}, {}), "The portal has marked Ola Berg as no longer active."),
        ({}, ({}, {"active": False}), "The portal has marked Elvebakken as no longer active."),
    ],
)
def test_a_gp_who_is_no_longer_there_is_said_not_to_be_and_is_not_left_out(
    role: dict, others: tuple[dict, dict] | tuple[()], remark: str
):
    person, place = others or ({}, {})
    surgery = surgery_of(
        ref("PractitionerRole/role-1"),
        a_role(**role),
        a_practitioner(**person),
        an_organization(**place),
    )
    assert surgery
    assert (surgery.gp, surgery.name, surgery.current) == ("Ola Berg", "Elvebakken", False)
    assert surgery.remarks == (remark,)
    assert surgery.label == "Ola Berg, Elvebakken (not current)"


PERIOD_URL = "urn:example:StructureDefinition/Patient-PrimaryCarePeriod"


@pytest.mark.parametrize(
    ("period", "remarks"),
    [
        (
            {"end": "2026-04-01"},
            ("The portal says that Ola Berg was the patient's GP until 1 Apr 2026.",),
        ),
        (
            {"start": "2027-06-01"},
            ("The portal says that Ola Berg will be the patient's GP from 1 Jun 2027.",),
        ),
        ({"start": "2026-04-01"}, ()),
        (None, ()),
    ],
)
@pytest.mark.parametrize("included", [(a_role(), a_practitioner(), an_organization()), ()])
def test_a_gp_whose_reference_has_a_period_is_one_within_it(
    period: dict | None, remarks: tuple[str, ...], included: tuple[dict, ...]
):
    extension = [{"url": PERIOD_URL, "valuePeriod": period}, {"url": "urn:x", "valueCode": "a"}]
    gp = ref("PractitionerRole/role-1", display="Ola Berg", extension=extension)
    surgery = surgery_of(gp, *included)
    assert surgery
    assert (surgery.remarks, surgery.current) == (remarks, not remarks)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("role", {"active": False}),
        ("role", {"active": "no"}),
        ("organization", {"active": False}),
        ("organization", {"active": 0}),
        ("location", {"status": "inactive"}),
        ("location", {"status": "suspended"}),
        ("location", {"status": ["active"]}),
        ("location", {"mode": "kind"}),
    ],
)
def test_who_is_no_longer_in_use_gives_no_contact_and_no_hours(kind: str, more: dict):
    telecom = [{"system": "phone", "value": f"number of the {kind}"}]
    changes = {kind: {"telecom": telecom, **more}}
    included = (
        a_role(location=[PLACE], **changes.get("role", {})),
        an_organization(**changes.get("organization", {})),
        a_location(**changes.get("location", {})),
    )
    bundle = read_bundle(
        a_searchset(a_patient(ref("PractitionerRole/role-1")), included=included), []
    )
    (patient,) = bundle.matches
    (link,) = patient.children("generalPractitioner")
    surgery = read_surgery(bundle, patient, link, NOW)
    assert surgery
    assert telecom[0]["value"] not in surgery.phones
    assert bool(surgery.hours) is (kind != "location")


def test_a_place_that_is_closed_for_now_is_said_to_be():
    role = a_role(location=[PLACE])
    surgery = surgery_of(ref("PractitionerRole/role-1"), role, a_location(status="suspended"))
    assert surgery
    assert surgery.remarks == ("The portal says that Torget is closed for now.",)
    assert surgery.current


def test_where_there_are_several_places_hours_and_exceptions_say_whose_they_are():
    role = a_role(location=[PLACE, ref("Location/2")], availabilityExceptions="Away in week 28")
    here = a_location(availabilityExceptions="Closed at Easter", description="Ring twice")
    surgery = surgery_of(ref("PractitionerRole/role-1"), role, here, a_location(id="2", name="Ås"))
    assert surgery
    assert [line.place for line in surgery.hours] == ["Torget", "Ås"]
    assert surgery.exceptions == ("Torget: Closed at Easter", "Away in week 28")
    assert surgery.remarks == ("Torget: Ring twice",)


def test_the_gps_own_hours_and_absences_stand_beside_the_surgerys_hours():
    off = {"description": "Holidays", "during": {"start": "2027-07-05", "end": "2027-07-25"}}
    over = {"description": "Course", "during": {"end": "2027-02"}}
    own = [{"daysOfWeek": ["fri"], "availableStartTime": "09:00:00"}]
    role = a_role(
        location=[PLACE], availableTime=own, notAvailable=[off, over, {"description": "Holy days"}]
    )
    surgery = surgery_of(ref("PractitionerRole/role-1"), role, a_location())
    assert surgery
    assert surgery.hours == (OpeningHours(("mon",), "08:00", None),)
    assert surgery.gp_hours == (OpeningHours(("fri",), "09:00", None),)
    assert [absence.reason for absence in surgery.absences] == ["Holidays"]
    assert surgery.exceptions == ("Holy days",)


def test_an_organization_without_a_name_is_called_by_an_alias():
    place = an_organization(name=None, alias=["The surgery by the river"])
    assert surgery_of(ref("Organization/elvebakken"), place) == Surgery(
        "elvebakken", None, "The surgery by the river"
    )
