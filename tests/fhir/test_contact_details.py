"""How to reach a GP: what holds now, in the order in which it is to be used."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gpcli.fhir.contact_details import ContactDetails, read_contact_details, read_phones
from gpcli.fhir.element import read_resource
from tests.portal.builders import a_role, an_organization

NOW = datetime(2027, 3, 1, 8, tzinfo=ZoneInfo("Europe/Oslo"))
PAST, COMING = {"end": "2027-02"}, {"start": "2027-04-01"}


def details_of(*records: dict) -> ContactDetails:
    return read_contact_details([read_resource(each) for each in records], NOW)


def phone(value: str, **more: object) -> dict:
    return {"system": "phone", "value": value, **more}


def test_each_system_has_its_place_and_only_phones_are_phones():
    points = [
        phone("1"),
        *({"system": system, "value": "2"} for system in ("fax", "pager", "sms", "other", "telex")),
        {"system": "email", "value": "post@example.org"},
        {"system": "url", "value": "https://example.org"},
        {"value": "3"},
        {"system": "phone"},
    ]
    details = details_of(an_organization(telecom=points))
    assert (details.phones, details.emails) == (["1"], ["post@example.org"])
    assert details.websites == ["https://example.org"]
    assert details.others == ["fax 2", "pager 2", "sms 2", "other 2", "telex 2", "3"]


def test_the_rank_goes_before_the_use_and_the_use_before_the_order():
    points = [
        phone("home", use="home"),
        phone("mobile", use="mobile"),
        phone("any"),
        phone("work", use="work"),
        phone("second", rank=2, use="work"),
        phone("first", rank=1, use="home"),
    ]
    phones = details_of(an_organization(telecom=points)).phones
    assert phones == ["first", "second", "work", "any", "mobile", "home"]


def test_a_role_goes_before_its_surgery_and_each_number_is_there_once():
    role = a_role(telecom=[phone("2"), phone("1", rank=9)])
    surgery = an_organization(telecom=[phone("3", rank=1), phone("1")])
    assert details_of(role, surgery).phones == ["1", "2", "3"]


ADDRESS = {"line": ["Torget 1"], "postalCode": "0150", "city": "Oslo"}


@pytest.mark.parametrize(
    ("more", "is_given", "remark"),
    [
        ({}, True, None),
        ({"use": "old"}, False, None),
        ({"period": PAST}, False, None),
        ({"period": {"start": "2027", "end": "2027-03-01"}}, True, None),
        ({"period": COMING}, False, " holds from 1 Apr 2027."),
        ({"use": "temp"}, True, " is temporary."),
        (
            {"use": "temp", "period": {"end": "2027-03-31"}},
            True,
            " is temporary, until 31 Mar 2027.",
        ),
        ({"use": "temp", "period": PAST}, False, None),
    ],
)
def test_what_has_ended_is_not_given_and_what_is_for_a_time_is_said_to_be(
    more: dict, is_given: bool, remark: str | None
):
    details = details_of(an_organization(telecom=[phone("1", **more)], address=[ADDRESS | more]))
    assert details.phones == (["1"] if is_given else [])
    assert details.addresses == (["Torget 1, 0150 Oslo"] if is_given else [])
    said = [f"1{remark}", f"Torget 1, 0150 Oslo{remark}"] if remark else []
    assert details.remarks == said


def test_a_period_that_can_not_be_read_is_a_flaw_and_does_not_take_the_number_away():
    flaws: list[str] = []
    record = an_organization(telecom=[phone("1", period={"end": "spring"})])
    details = read_contact_details([read_resource(record, flaws)], NOW)
    assert details.phones == ["1"]
    assert flaws == ["Organization/elvebakken: Organization.telecom.period.end is not what R4 says"]


def test_an_address_is_its_text_or_all_its_parts_and_a_visit_goes_before_letters():
    letters = {"type": "postal", "text": "Postboks 1, 0101 Oslo"}
    visits = ADDRESS | {"type": "physical", "district": "Sentrum", "state": "Oslo fylke"}
    details = details_of(an_organization(address=[letters, ADDRESS, visits | {"country": "NO"}]))
    assert details.addresses == [
        "Torget 1, Sentrum, 0150 Oslo, Oslo fylke, NO",
        "Torget 1, 0150 Oslo",
        "Postboks 1, 0101 Oslo",
    ]


def test_an_address_for_bills_comes_last():
    bills, visits = {"use": "billing", "text": "PO Box 1"}, {"use": "work", "text": "Torget 1"}
    assert details_of(an_organization(address=[bills, visits])).addresses == [
        "Torget 1",
        "PO Box 1",
    ]


def numbers(*points: dict, flaws: list[str] | None = None) -> tuple[str, ...]:
    record = {"resourceType": "Patient", "id": "kari", "telecom": [*points]}
    return read_phones(read_resource(record, flaws), NOW)


def test_a_patients_mobile_is_called_before_other_numbers_and_a_rank_before_all():
    points = [
        phone("work", use="work"),
        phone("any"),
        phone("home", use="home"),
        phone("away", use="temp"),
        phone("mobile", use="mobile"),
        phone("other", use="elsewhere"),
    ]
    by_use = ("mobile", "away", "home", "any", "work", "other")
    assert numbers(*points) == by_use
    assert numbers(*points, phone("first", use="work", rank=1)) == ("first", *by_use)


@pytest.mark.parametrize(
    "point",
    [
        phone("2", use="old"),
        phone("2", period=PAST),
        phone("2", period=COMING),
        phone("1", use="home"),
        {"system": "phone", "use": "mobile"},
        *({"system": system, "value": "2"} for system in ("fax", "sms", "email", "url")),
        {"value": "2"},
    ],
)
def test_what_is_no_number_to_call_now_is_left_out(point: dict):
    assert numbers(phone("1", use="mobile"), point) == ("1",)


def test_a_number_that_can_not_be_read_costs_only_itself():
    flaws: list[str] = []
    assert numbers(phone("1"), {"system": "phone", "value": 22}, flaws=flaws) == ("1",)
    assert flaws == ["Patient/kari: Patient.telecom.value is not what R4 says"]


def test_a_patient_may_have_no_number():
    assert numbers() == ()
