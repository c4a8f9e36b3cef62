"""What is offered, when not, and what it costs."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from gpcli.fhir.element import Coding, Malformed, read_resource
from gpcli.fhir.healthcare_service import (
    find_services,
    read_channel,
    read_offers,
    read_service_codes,
    resolve_service,
)
from gpcli.model.service import Absence, Limits, Offer, OpeningHours, ServiceName, Surgery
from tests.portal.builders import (
    CHANNEL,
    SERVICE,
    a_bundle,
    a_patient,
    a_role,
    a_service,
    an_organization,
    concept,
    ref,
)

OSLO = ZoneInfo("Europe/Oslo")
NOW = datetime(2027, 3, 1, 8, tzinfo=OSLO)
GP = Surgery("role-1", "Ola Berg", "Elvebakken")
SERVICE_TYPE = "http://terminology.hl7.org/CodeSystem/service-type"
CODE_MAP = {
    f"{SERVICE_TYPE}|57": ("booking",),
    f"{SERVICE_TYPE}|59": ("booking", "flu-vaccination"),
}


def offer_of(service: dict) -> Offer | None:
    return next(iter(read_offers(read_resource(service), GP, CODE_MAP, NOW)), None)


@pytest.mark.parametrize(
    ("codings", "codes"),
    [
        ([Coding(SERVICE, "booking")], ("booking",)),
        ([Coding(SERVICE_TYPE, "57")], ("booking",)),
        ([Coding(SERVICE_TYPE, "59")], ("booking", "flu-vaccination")),
        ([Coding("urn:other", "9"), Coding(SERVICE_TYPE, "57")], ("booking",)),
        ([Coding(SERVICE_TYPE, "57"), Coding(SERVICE, "contact")], ("booking", "contact")),
        ([Coding("urn:other", "57")], ()),
        ([], ()),
    ],
)
def test_a_service_is_our_code_or_all_that_the_profile_maps_to_ours(
    codings: list[Coding], codes: tuple[str, ...]
):
    assert read_service_codes(codings, CODE_MAP) == codes


def test_one_healthcare_service_may_stand_for_several_services():
    both = a_service(type=[concept("59", SERVICE_TYPE)])
    offers = read_offers(read_resource(both), GP, CODE_MAP, NOW)
    assert [(offer.id, offer.name, offer.coding) for offer in offers] == [
        ("booking-1", "booking", (SERVICE_TYPE, "59")),
        ("booking-1", "flu-vaccination", (SERVICE_TYPE, "59")),
    ]


@pytest.mark.parametrize(
    ("codings", "service"),
    [
        ([], "booking"),
        ([Coding("urn:other", "124")], "booking"),
        ([Coding(SERVICE_TYPE, "57")], "booking"),
        ([Coding(SERVICE, "contact")], "contact"),
    ],
)
def test_a_record_in_codes_of_others_is_for_the_service_that_it_belongs_to(
    codings: list[Coding], service: str
):
    offers = read_offers(read_resource(a_service()), GP, CODE_MAP, NOW)
    assert resolve_service(codings, ["Blood test"], CODE_MAP, offers) == service


@pytest.mark.parametrize(
    ("labels", "service"), [(["Blood test"], "Blood test"), ([], "124")], ids=["words", "code"]
)
def test_a_record_of_no_service_that_is_known_is_for_what_is_written(
    labels: list[str], service: str
):
    assert resolve_service([Coding("urn:other", "124")], labels, CODE_MAP, ()) == service


def test_a_record_that_may_be_for_two_services_is_for_what_is_written():
    codings = [Coding(SERVICE_TYPE, "59")]
    assert resolve_service(codings, ["Visit"], CODE_MAP, ()) == "Visit"


@pytest.mark.parametrize(
    ("codings", "code"),
    [
        ([Coding("urn:other", "VR"), Coding(CHANNEL, "video")], "video"),
        ([Coding("urn:other", "VR")], None),
        ([Coding(CHANNEL, "smoke-signals")], None),
        ([], None),
    ],
)
def test_a_channel_is_one_of_our_codes_or_not_said(codings: list[Coding], code: str | None):
    assert read_channel(codings) == code


def test_an_offer_has_all_that_the_service_says():
    service = a_service(
        comment="Within five working days",
        characteristic=[concept("video", CHANNEL), concept("wheelchair", "urn:other")],
        eligibility=[
            {"code": {"text": "Risk groups"}, "comment": "until December"},
            {"comment": "All others later"},
        ],
        telecom=[{"system": "phone", "value": "+47 22 00 00 01"}, {"system": "email"}],
        extension=[
            {"url": "urn:gpcli:late-cancellation", "valueCode": "charged"},
            {"url": "urn:gpcli:booking-deep-link", "valueUrl": "https://book.example"},
        ],
        notAvailable=[{"description": "Closed on public holidays"}],
        availabilityExceptions="Closed at Easter",
        availableTime=[{"daysOfWeek": ["mon"], "allDay": True}],
        name="Book a time with us",
        extraDetails="Bring your card.",
    )
    assert offer_of(service) == Offer(
        id="booking-1",
        name=ServiceName.BOOKING,
        surgery=GP,
        active=True,
        channels=("video",),
        answer_time="Within five working days",
        eligibility=("Risk groups: until December", "All others later"),
        phones=("+47 22 00 00 01",),
        deep_link="https://book.example",
        late_cancelling="charged",
        service_name="Book a time with us",
        details="Bring your card.",
        hours=(OpeningHours(("mon",), None, None, all_day=True),),
        exceptions=("Closed at Easter", "Closed on public holidays"),
    )


def test_the_phones_of_a_service_are_those_that_hold_the_first_to_be_used_first():
    points = [
        {"system": "phone", "value": "1", "rank": 2},
        {"system": "phone", "value": "2", "rank": 1},
        {"system": "phone", "value": "3", "period": {"end": "2026-12-31"}},
        {"system": "phone", "value": "4", "use": "old"},
        {"system": "fax", "value": "5"},
    ]
    offer = offer_of(a_service(telecom=points))
    assert offer
    assert offer.phones == ("2", "1")


def test_a_holiday_written_in_days_lasts_through_its_last_day():
    during = {"start": "2027-07-05", "end": "2027-07-25"}
    offer = offer_of(a_service(notAvailable=[{"description": "Holidays", "during": during}]))
    start = datetime(2027, 7, 5, tzinfo=OSLO)
    end = datetime(2027, 7, 25, 23, 59, 59, tzinfo=OSLO)
    assert offer
    assert offer.absences == (Absence("Holidays", start, end),)


def test_a_service_is_off_only_if_it_says_so():
    assert [offer_of(a_service(active=value)).active for value in (True, None, False)] == [
        True,
        True,
        False,
    ]


def test_a_service_in_another_system_is_offered_if_the_profile_maps_it():
    offer = offer_of(a_service(type=[concept("57", SERVICE_TYPE)]))
    assert offer
    assert offer.name is ServiceName.BOOKING


@pytest.mark.parametrize("type", [[], [concept("58", SERVICE_TYPE)], [concept("massage")]])
def test_a_service_that_gpcli_does_not_know_is_no_offer(type: list):
    assert offer_of(a_service(type=type)) is None


def offers_at(*included: dict, gps: tuple[Surgery, ...] = (GP,)) -> list[tuple[str, str]]:
    pairs = find_services(a_bundle(a_patient(), included=included), gps)
    return [(surgery.id, service.require_string("id")) for surgery, service in pairs]


def test_each_gp_offers_what_their_role_names_and_nothing_else():
    other = Surgery("role-2", None, None)
    roles = a_role("booking-1", "booking-1"), a_role("contact-1", id="role-2")
    services = a_service(), a_service("contact"), a_service("flu-vaccination")
    assert offers_at(*roles, *services, gps=(GP, other)) == [
        ("role-1", "booking-1"),
        ("role-2", "contact-1"),
    ]


def test_where_no_role_names_a_service_the_organizations_count():
    elsewhere = a_service("contact", providedBy=ref("Organization/other"))
    nobody = a_service("flu-vaccination", providedBy=None)
    assert offers_at(a_role(), a_service(), elsewhere, nobody) == [("role-1", "booking-1")]


def test_what_a_colleague_offers_is_not_the_gps():
    colleague = a_role("booking-1", id="role-2")
    offers = offers_at(a_role(), colleague, a_service(), a_service("contact"))
    assert offers == [("role-1", "contact-1")]


def test_an_organization_as_gp_offers_what_it_provides():
    gp = Surgery("elvebakken", None, "Elvebakken")
    assert offers_at(an_organization(), a_service(), gps=(gp,)) == [("elvebakken", "booking-1")]


def test_a_gp_who_did_not_come_along_offers_nothing():
    nowhere = a_role(organization=None)
    assert offers_at(a_service(providedBy=None)) == []
    assert offers_at(nowhere, a_service(providedBy=None)) == []


def limiting(**values: object) -> dict:
    urls = {
        "bytes": ("urn:gpcli:max-attachment-bytes", "valueInteger"),
        "types": ("urn:gpcli:attachment-types", "valueString"),
        "text": ("urn:gpcli:max-text", "valueInteger"),
    }
    return {
        "extension": [
            {"url": urls[name][0], urls[name][1]: value} for name, value in values.items()
        ]
    }


def limits_of(**values: object) -> Limits:
    offer = offer_of(a_service("contact", **limiting(**values)))
    assert offer
    return offer.limits


def test_a_service_says_what_a_message_may_hold():
    assert limits_of(bytes=5_000_000, types="application/pdf  Image/PNG", text=8000) == Limits(
        text=8000, attachment=5_000_000, types=("application/pdf", "image/png")
    )


@pytest.mark.parametrize(
    ("values", "limits"),
    [
        ({}, Limits()),
        ({"bytes": 0}, Limits(attachment=0)),
        ({"text": 2000}, Limits(text=2000)),
        ({"types": " "}, Limits()),
        ({"bytes": None, "types": None, "text": None}, Limits()),
    ],
)
def test_a_limit_that_is_not_said_is_no_limit(values: dict, limits: Limits):
    assert limits_of(**values) == limits


@pytest.mark.parametrize(
    "values",
    [
        {"bytes": "5000"},
        {"bytes": -1},
        {"bytes": True},
        {"text": Decimal("0.5")},
        {"text": [1]},
        {"types": ["image/png"]},
    ],
    ids=str,
)
def test_a_broken_limit_is_malformed(values: dict):
    with pytest.raises(Malformed, match="extension"):
        limits_of(**values)
