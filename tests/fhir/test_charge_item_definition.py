"""What a service costs: rates, what they add up to, and when it is charged."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gpcli.fhir.element import Malformed, read_resource
from gpcli.fhir.healthcare_service import read_price
from gpcli.model.service import Price, Rate, Surcharge
from tests.portal.builders import a_part, a_price, a_rate

SERVICE_TYPE = "http://terminology.hl7.org/CodeSystem/service-type"
CODE_MAP = {f"{SERVICE_TYPE}|57": ("booking",)}


def price_of(*rates: dict, **more) -> Price | None:
    read = read_price(read_resource(a_price("booking", *rates, **more)), CODE_MAP)
    return read[1] if read else None


def test_a_price_is_a_range_over_rates_of_base_surcharges_and_deductions():
    day = a_rate(a_part("base", Decimal("180.50")), a_part("surcharge", 65), applies="by day")
    evening = a_rate(a_part("base", 300), a_part("tax", 10), a_part("discount", 20))
    assert price_of(day, evening) == Price(
        low=Decimal("245.50"),
        high=Decimal(290),
        currency="NOK",
        rates=(
            Rate("by day", Decimal("245.50"), (Surcharge(None, Decimal(65)),)),
            Rate(None, Decimal(290)),
        ),
    )


def test_a_surcharge_has_the_name_that_the_price_gives_it():
    fee = a_part("surcharge", Decimal("69.00")) | {"code": {"text": "Invoice fee"}}
    deposit = a_part("surcharge", 10) | {"code": {"coding": [{"display": "Deposit"}]}}
    price = price_of(a_rate(a_part("base", 100), fee, deposit))
    assert price
    assert price.rates == (
        Rate(
            None,
            Decimal("179.00"),
            (Surcharge("Invoice fee", Decimal("69.00")), Surcharge("Deposit", Decimal(10))),
        ),
    )


def charged_at(code: object) -> dict:
    return {"extension": [{"url": "urn:gpcli:charged-at", "valueCode": code}]}


@pytest.mark.parametrize(
    ("service", "more", "at_sending"),
    [
        ("e-consultation", {}, True),
        ("prescription-renewal", {}, False),
        ("prescription-renewal", charged_at("sending"), True),
        ("prescription-renewal", charged_at("visit"), False),
        ("contact", {"extension": [{"url": "urn:other", "valueCode": "sending"}]}, False),
    ],
)
def test_sending_costs_for_an_e_consultation_and_where_the_record_says_so(
    service: str, more: dict, at_sending: bool
):
    read = read_price(
        read_resource(a_price(service, a_rate(a_part("base", 100)), **more)), CODE_MAP
    )
    assert read
    assert (read[0], read[1].at_sending) == (service, at_sending)


def test_when_it_is_charged_must_be_a_code():
    with pytest.raises(Malformed, match="valueCode"):
        price_of(a_rate(a_part("base", 100)), **charged_at(["sending"]))


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
