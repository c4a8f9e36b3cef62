"""What is offered, when not, and what it costs."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from gpcli.model.money import Price, Rate
from gpcli.model.service import Absence, Offer, ServiceName
from gpcli.model.surgery import Surgery
from gpcli.portal.fhir.element import Coding, Malformed, resource
from gpcli.portal.fhir.service import (
    channel_code,
    offered,
    read_offer,
    read_price,
    service_code,
)
from tests.portal.builders import (
    CHANNEL,
    SERVICE,
    a_part,
    a_patient,
    a_price,
    a_rate,
    a_role,
    a_service,
    an_organization,
    concept,
    found,
    ref,
)

OSLO = ZoneInfo("Europe/Oslo")
GP = Surgery("role-1", "Ola Berg", "Elvebakken")
SERVICE_TYPE = "http://terminology.hl7.org/CodeSystem/service-type"
CODE_MAP = {f"{SERVICE_TYPE}|57": "booking"}


def offer_of(service: dict) -> Offer | None:
    return read_offer(resource(service), GP, CODE_MAP, OSLO)


@pytest.mark.parametrize(
    ("codings", "code"),
    [
        ([Coding(SERVICE, "booking")], "booking"),
        ([Coding(SERVICE_TYPE, "57")], "booking"),
        ([Coding("urn:other", "9"), Coding(SERVICE_TYPE, "57")], "booking"),
        ([Coding("urn:other", "9"), Coding(SERVICE, "contact")], "contact"),
        ([Coding("urn:other", "57")], "57"),
        ([], None),
    ],
)
def test_a_service_is_our_code_or_one_the_profile_maps_or_as_written(
    codings: list[Coding], code: str | None
):
    assert service_code(codings, CODE_MAP) == code


@pytest.mark.parametrize(
    ("codings", "code"),
    [
        ([Coding("urn:other", "VR"), Coding(CHANNEL, "video")], "video"),
        ([Coding("urn:other", "VR")], "VR"),
        ([], None),
    ],
)
def test_a_channel_is_our_code_or_as_written(codings: list[Coding], code: str | None):
    assert channel_code(codings) == code


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
        notAvailable=[{"description": "Overloaded"}],
    )
    assert offer_of(service) == Offer(
        id="booking-1",
        name=ServiceName.BOOKING,
        surgery=GP,
        active=True,
        channels=("video",),
        answer_time="Within five working days",
        eligibility=("Risk groups: until December", "All others later"),
        absences=(Absence("Overloaded", None, None),),
        phones=("+47 22 00 00 01",),
        deep_link="https://book.example",
        late_cancelling="charged",
    )


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
    pairs = offered(found(a_patient(), included=included), gps)
    return [(surgery.id, service.need("id")) for surgery, service in pairs]


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
    found_there = offers_at(a_role(), colleague, a_service(), a_service("contact"))
    assert found_there == [("role-1", "contact-1")]


def test_an_organization_as_gp_offers_what_it_provides():
    gp = Surgery("elvebakken", None, "Elvebakken")
    assert offers_at(an_organization(), a_service(), gps=(gp,)) == [("elvebakken", "booking-1")]


def test_a_gp_who_did_not_come_along_offers_nothing():
    nowhere = a_role(organization=None)
    assert offers_at(a_service(providedBy=None)) == []
    assert offers_at(nowhere, a_service(providedBy=None)) == []


def price_of(*rates: dict, **more) -> Price | None:
    read = read_price(resource(a_price("booking", *rates, **more)), CODE_MAP)
    return read[1] if read else None


def test_a_price_is_a_range_over_rates_of_base_surcharges_and_deductions():
    day = a_rate(a_part("base", Decimal("180.50")), a_part("surcharge", 65), applies="by day")
    evening = a_rate(a_part("base", 300), a_part("tax", 10), a_part("discount", 20))
    assert price_of(day, evening) == Price(
        low=Decimal("245.50"),
        high=Decimal(290),
        currency="NOK",
        rates=(Rate("by day", Decimal("245.50")), Rate(None, Decimal(290))),
    )


def test_a_free_service_costs_nothing_which_is_not_unknown():
    assert price_of(a_rate(a_part("base", 0))) == Price(
        Decimal(0), Decimal(0), "NOK", (Rate(None, Decimal(0)),)
    )


def test_a_component_that_only_informs_does_not_count():
    price = price_of(a_rate(a_part("base", 100), a_part("informational", 500)))
    assert price
    assert price.high == 100


@pytest.mark.parametrize(
    "rates",
    [
        [],
        [a_rate()],
        [a_rate(a_part("informational", 100))],
        [a_rate(a_part("base", 100)), a_rate(a_part("base", 10, "EUR"))],
        [a_rate(a_part("base", 100), {"type": "surcharge", "factor": Decimal("1.5")})],
    ],
    ids=["none", "empty", "informational", "mixed currencies", "factor"],
)
def test_a_price_that_can_not_be_told_is_unknown(rates: list):
    assert price_of(*rates) is None


@pytest.mark.parametrize("more", [{"status": "draft"}, {"code": None}])
def test_a_price_that_is_not_active_or_for_nothing_does_not_count(more: dict):
    assert price_of(a_rate(a_part("base", 100)), **more) is None


@pytest.mark.parametrize("amount", [{"currency": "NOK"}, {"value": 1}, {"value": "1"}, []])
def test_a_broken_amount_is_malformed(amount: object):
    with pytest.raises(Malformed, match="amount"):
        price_of(a_rate({"type": "base", "amount": amount}))
