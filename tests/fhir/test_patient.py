"""A patient's own record and name."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gpcli.fhir.element import Malformed, read_resource
from gpcli.fhir.patient import (
    read_identifiers,
    read_name,
    read_person,
    read_record_flaw,
    read_record_remarks,
)
from gpcli.model.person import Person
from tests.portal.builders import a_patient, ref


def named(*names: dict) -> str | None:
    return read_name(read_resource(a_patient(name=list(names))))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ({"text": "Kari Nordmann", "family": "N", "given": ["K"]}, "Kari Nordmann"),
        ({"given": ["Kari", "Anne"], "family": "Nordmann"}, "Kari Anne Nordmann"),
        ({"given": ["Kari"]}, "Kari"),
        ({"family": "Nordmann"}, "Nordmann"),
        (
            {"prefix": ["Dr."], "given": ["Kari"], "family": "Nordmann", "suffix": ["PhD"]},
            "Dr. Kari Nordmann PhD",
        ),
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


NOW = datetime(2027, 3, 1, 8, tzinfo=ZoneInfo("Europe/Oslo"))
ENDED, COMING = {"end": "2027-02-28"}, {"start": "2027-03-02"}


@pytest.mark.parametrize("former", [{"use": "old"}, {"period": ENDED}, {"period": COMING}])
def test_a_name_that_does_not_hold_now_comes_last_but_is_better_than_none(former: dict):
    other = {"use": "official", "text": "Kari Holm"} | former
    names = [other, {"use": "maiden", "text": "Kari Dahl"}]
    person = read_resource(a_patient(name=names))
    assert read_name(person, NOW) == "Kari Dahl"
    assert read_name(read_resource(a_patient(name=[other])), NOW) == "Kari Holm"


def test_where_the_time_is_not_known_a_name_with_an_end_comes_after_the_others():
    assert named({"text": "Kari Holm", "period": ENDED}, {"text": "Kari Dahl"}) == "Kari Dahl"


def test_identifiers_are_those_with_a_system_that_hold_now():
    number = {"system": "urn:example:id", "value": "1"}
    others = [
        number | {"value": "2", "use": "old"},
        number | {"value": "3", "period": ENDED},
        number | {"value": "4", "period": COMING},
        {"value": "5"},
    ]
    patient = read_resource(a_patient(identifier=[number, *others]))
    assert read_identifiers(patient, NOW) == {("urn:example:id", "1")}


@pytest.mark.parametrize(
    ("more", "remarks"),
    [
        ({"active": True, "deceasedBoolean": False}, []),
        ({"active": False}, ["The portal has marked the patient's record as no longer in use."]),
        ({"deceasedBoolean": True}, ["By the portal's record, the patient has died."]),
        ({"deceasedDateTime": "2026"}, ["By the portal's record, the patient has died."]),
        (
            {"link": [{"type": "refer", "other": ref("Patient/2")}]},
            ["The portal's main record of the patient is Patient/2."],
        ),
        ({"link": [{"type": "seealso", "other": ref("Patient/2")}]}, []),
        ({"link": [{"type": "replaces", "other": ref("Patient/2")}]}, []),
    ],
)
def test_a_record_that_is_not_a_usual_one_is_said_to_be(more: dict, remarks: list[str]):
    patient = read_resource(a_patient(**more))
    assert (list(read_record_remarks(patient)), read_record_flaw(patient)) == (remarks, None)


@pytest.mark.parametrize(
    ("other", "name"),
    [
        (ref("Patient/2"), "Patient/2"),
        ({"display": "Kari Holm"}, "Kari Holm"),
        ({"identifier": {"value": "7"}}, "7"),
        (None, "another one"),
    ],
)
def test_a_record_that_was_replaced_says_by_which(other: dict | None, name: str):
    patient = read_resource(a_patient(link=[{"type": "replaced-by", "other": other}]))
    assert read_record_flaw(patient) == f"the portal has replaced this record by {name}"
