"""Whom or what a reference names, wherever it stands."""

from __future__ import annotations

import pytest

from gpcli.fhir.actors import read_actor
from gpcli.fhir.linked_record import read_linked_name
from tests.portal.builders import Json, a_bundle, ref

PERSON = {"name": [{"text": "Ola Berg"}]}
INSIDE = [
    {"resourceType": "Practitioner", "id": "p", **PERSON},
    {"resourceType": "Organization", "id": "o", "name": "Elvebakken"},
]
OF_BERG, OF_CLINIC = {"practitioner": ref("#p")}, {"organization": ref("#o")}


@pytest.mark.parametrize(
    ("kind", "elements", "name"),
    [
        ("Patient", PERSON, "Ola Berg"),
        ("Practitioner", PERSON, "Ola Berg"),
        ("RelatedPerson", PERSON, "Ola Berg"),
        ("PractitionerRole", {**OF_BERG, **OF_CLINIC, "contained": INSIDE}, "Ola Berg"),
        ("PractitionerRole", {"practitioner": ref("x", display="Ola Berg")}, "Ola Berg"),
        ("Organization", {"name": "Elvebakken"}, "Elvebakken"),
        ("Organization", {"alias": ["Elvebakken"]}, "Elvebakken"),
        ("Location", {"name": "Torget 1"}, "Torget 1"),
        ("HealthcareService", {"name": "Visits"}, "Visits"),
        ("CareTeam", {"name": "The diabetes team"}, "The diabetes team"),
        ("Device", {"deviceName": [{"name": "Meter"}]}, "Meter"),
        ("Device", {}, None),
        ("Practitioner", {}, None),
        ("Location", {"name": ["Torget 1"]}, None),
    ],
)
@pytest.mark.parametrize("place", ["beside it", "in it"])
def test_a_record_has_one_name_for_every_reader(
    kind: str, elements: Json, name: str | None, place: str
):
    record = {"resourceType": kind, "id": "9", **elements}
    inside = [record, *record.pop("contained", [])] if place == "in it" else []
    actor = ref("#9" if inside else f"{kind}/9")
    holder = {"resourceType": "Schedule", "id": "1", "actor": actor, "contained": inside}
    bundle = a_bundle(holder, included=() if inside else (record,))
    holder_read = bundle.matches[0]
    link = holder_read.link("actor")
    assert read_linked_name(link, bundle, holder_read) == name
    assert read_actor(link, holder_read, bundle).name == name
    named = link._replace(display="Somebody")
    assert read_linked_name(named, bundle, holder_read) == "Somebody"
    assert read_actor(named, holder_read, bundle).name == "Somebody"


def test_a_role_without_a_practitioner_is_its_organization_in_a_list_and_nobody_as_an_actor():
    role = {"resourceType": "PractitionerRole", "id": "9", **OF_CLINIC, "contained": INSIDE}
    holder = {"resourceType": "Schedule", "id": "1", "actor": ref("PractitionerRole/9")}
    bundle = a_bundle(holder, included=(role,))
    holder_read = bundle.matches[0]
    link = holder_read.link("actor")
    assert read_linked_name(link, bundle, holder_read) == "Elvebakken"
    assert read_actor(link, holder_read, bundle).name is None
