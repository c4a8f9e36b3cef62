from dataclasses import FrozenInstanceError, fields, replace
from decimal import Decimal

import pytest

from gpcli.model.person import Identity, Parties, Person
from gpcli.model.receipt import AppointmentReceipt, ConsentReceipt, Receipt
from gpcli.model.service import (
    Consent,
    ConsentLevel,
    Offers,
    Price,
    PriceRule,
    Rate,
    ServiceName,
    Surcharge,
    Surgery,
    highest_level,
    join_prices,
)
from tests.care.builders import (
    ADA,
    ALONE,
    BERG,
    GURO,
    ON_BEHALF,
    a_consent,
    a_slot,
    an_appointment,
    an_enquiry,
)

SENDING = {
    "changed": True,
    "dry_run": False,
    "request_id": "r-1",
    "patient": ADA,
    "acting_user": GURO,
    "plan_id": None,
    "plan_until": None,
}


@pytest.mark.parametrize(
    ("status", "waiting", "over"),
    [
        ("proposed", True, False),
        ("pending", True, False),
        ("waitlist", True, False),
        ("booked", False, False),
        ("arrived", False, False),
        ("checked-in", False, False),
        ("fulfilled", False, True),
        ("cancelled", False, True),
        ("noshow", False, True),
        ("entered-in-error", False, True),
        ("some-new-status", False, False),
    ],
)
def test_a_status_tells_whether_the_surgery_must_confirm_and_whether_it_is_over(
    status, waiting, over
):
    one = an_appointment(status=status)

    assert (one.is_waiting, one.is_over) == (waiting, over)


@pytest.mark.parametrize(
    ("fhir_user", "on_behalf"),
    [
        (None, False),
        ("Patient/pat-1", False),
        ("https://portal.example/fhir/Patient/pat-1", False),
        ("Patient/pat-11", True),
        ("Patient/xpat-1", True),
        ("RelatedPerson/pat-1", True),
        ("https://portal.example/fhir/RelatedPerson/7", True),
        ("XPatient/pat-1", True),
    ],
)
def test_who_acts_for_somebody_is_told_by_the_reference(fhir_user, on_behalf):
    assert Identity("pat-1", fhir_user).is_on_behalf is on_behalf


def test_somebody_acts_on_behalf_when_they_are_two():
    assert (ALONE.on_behalf_by, ON_BEHALF.on_behalf_by) == (None, ON_BEHALF.acting_user)
    assert Parties(ADA, Person("pat-1", "Ada Nordmann")).on_behalf_by is None
    assert Parties(ADA, None).on_behalf_by is None


@pytest.mark.parametrize(
    ("gp", "name", "label"),
    [
        ("Kari Berg", "Nordby", "Kari Berg, Nordby"),
        ("Kari Berg", None, "Kari Berg"),
        (None, "Nordby", "Nordby"),
        (None, None, "gp-1"),
        ("", "", "gp-1"),
    ],
)
def test_a_surgery_is_called_by_what_is_known_of_it(gp, name, label):
    assert Surgery("gp-1", gp, name).label == label


def test_a_gp_who_is_not_current_is_said_not_to_be():
    assert Surgery("1", "Kari Berg", None, current=False).label == "Kari Berg (not current)"


def a_range(low: str, high: str, currency: str = "NOK", *, at_sending: bool = False) -> Price:
    rates = tuple(Rate(None, Decimal(each)) for each in (low, high))
    return Price(Decimal(low), Decimal(high), currency, rates, at_sending)


CHEAP, DEAR = a_range("100", "150"), a_range("120", "300", at_sending=True)


@pytest.mark.parametrize(
    ("prices", "joined"),
    [
        ([], None),
        ([None], None),
        ([CHEAP], CHEAP),
        ([CHEAP, CHEAP], CHEAP),
        ([CHEAP, None], None),
        ([CHEAP, a_range("1", "2", "EUR")], None),
        (
            [DEAR, CHEAP],
            Price(Decimal(100), Decimal(300), "NOK", DEAR.rates + CHEAP.rates, at_sending=True),
        ),
    ],
)
def test_prices_that_all_hold_are_one_range_and_an_unknown_one_makes_it_unknown(prices, joined):
    assert join_prices(prices) == joined


FEE = Surcharge("Invoice fee", Decimal("69.00"))


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        ([], ()),
        ([Rate("By day", Decimal(253))], ()),
        (
            [Rate("By day", Decimal(253), (FEE,))],
            ("By day: NOK 253 (of which Invoice fee NOK 69.00)",),
        ),
        (
            [
                Rate(None, Decimal(391), (FEE, Surcharge(None, Decimal(5)))),
                Rate("Under 16", Decimal(0)),
            ],
            (
                "NOK 391 (of which Invoice fee NOK 69.00, a surcharge NOK 5)",
                "Under 16: free",
            ),
        ),
    ],
)
def test_a_rate_is_said_with_when_it_applies_and_which_fees_are_part_of_it(rates, words):
    assert Price(Decimal(0), Decimal(391), "NOK", tuple(rates)).worded_rates == words


OURS = Surgery("1", "Kari Berg", None, references=frozenset({"Organization/ours", "Location/1"}))
THEIRS = Surgery("2", "Per Dahl", None, references=frozenset({"Organization/theirs"}))


@pytest.mark.parametrize(
    ("rules", "ours", "all_gps"),
    [
        ([], None, None),
        ([("booking", CHEAP)], CHEAP, CHEAP),
        ([("booking", CHEAP, "Organization/ours")], CHEAP, None),
        ([("booking", CHEAP, "Location/1")], CHEAP, None),
        ([("booking", DEAR, "Organization/theirs")], None, None),
        ([("booking", DEAR, "InsurancePlan/1")], None, None),
        ([("contact", CHEAP)], None, None),
        ([("booking", CHEAP), ("booking", DEAR, "Organization/ours")], "both", "both"),
        ([("booking", CHEAP), ("booking", None, "Organization/ours")], None, None),
        ([("booking", CHEAP), ("booking", None, "Organization/theirs")], CHEAP, None),
    ],
)
def test_a_price_is_that_of_the_gp_or_of_everybody_and_never_another_surgerys(rules, ours, all_gps):
    prices = tuple(PriceRule(code, price, frozenset(own)) for code, price, *own in rules)
    offers = Offers((OURS, THEIRS), (), prices, ConsentLevel.BASIC, frozenset(), frozenset())
    both = join_prices([CHEAP, DEAR])
    assert offers.price_of("booking", OURS) == (both if ours == "both" else ours)
    found = offers.price_of("booking")
    assert (found and (found.low, found.high)) == (
        (both.low, both.high) if all_gps == "both" else all_gps and (all_gps.low, all_gps.high)
    )


def test_where_there_is_no_gp_only_a_price_of_everybody_counts():
    rules = PriceRule("booking", CHEAP), PriceRule("contact", CHEAP, frozenset({"Organization/1"}))
    offers = Offers((), (), rules, ConsentLevel.BASIC, frozenset(), frozenset())
    assert (offers.price_of("booking"), offers.price_of("contact")) == (CHEAP, None)


def test_the_number_to_call_is_the_first_if_there_is_one():
    assert Surgery("x", None, None, phones=("1", "2")).phone == "1"
    assert Surgery("x", None, None).phone is None


@pytest.mark.parametrize(
    ("levels", "highest"),
    [
        ((), "basic"),
        (("basic",), "basic"),
        (("basic-plus", "basic"), "basic-plus"),
        (("full-access", "basic-plus"), "full-access"),
        (("something-new",), "basic"),
        (("something-new", "full-access"), "full-access"),
    ],
)
def test_the_highest_level_counts(levels, highest):
    assert highest_level([a_consent(level) for level in levels]) == highest


@pytest.mark.parametrize("status", ["inactive", "rejected", "draft", "entered-in-error"])
def test_only_active_consents_count(status):
    given = [replace(a_consent(), status=status), a_consent("basic-plus")]

    assert highest_level(given) is ConsentLevel.BASIC_PLUS


def test_services_and_levels_are_the_codes_of_the_portal():
    assert [str(each) for each in ServiceName] == [
        "e-consultation",
        "contact",
        "prescription-renewal",
        "booking",
        "booking-enquiry",
        "cancellation",
        "flu-vaccination",
    ]
    assert [str(each) for each in ConsentLevel] == ["basic", "basic-plus", "full-access"]


@pytest.mark.parametrize("one", [an_appointment(reason="Knee"), an_enquiry()])
def test_a_receipt_has_all_of_the_appointment_and_how_the_sending_went(one):
    receipt = AppointmentReceipt.of(one, Receipt(**SENDING))

    assert {field.name: getattr(receipt, field.name) for field in fields(receipt)} == {
        **{field.name: getattr(one, field.name) for field in fields(one)},
        **SENDING,
    }


def test_a_receipt_has_all_of_the_consent_and_how_the_sending_went():
    assert ConsentReceipt.of(
        Consent("c", "basic", "active", None), Receipt(**SENDING)
    ) == ConsentReceipt(id="c", level="basic", status="active", since=None, **SENDING)


def test_a_receipt_says_whether_it_waits_as_the_appointment_does():
    assert AppointmentReceipt.of(an_enquiry(), Receipt(**SENDING)).is_waiting


def test_a_receipt_without_its_sending_is_not_made():
    with pytest.raises(TypeError, match="changed"):
        AppointmentReceipt(**{each.name: None for each in fields(an_appointment())})


@pytest.mark.parametrize("record", [an_appointment(), a_slot(), BERG, ADA, a_consent()])
def test_records_do_not_change(record):
    with pytest.raises(FrozenInstanceError):
        record.id = "other"


def test_prices_keep_the_records_own_digits():
    price = Price(Decimal("280.00"), Decimal("420"), "NOK", (Rate("Day", Decimal("280.00")),))

    assert (str(price.low), str(price.high), str(price.rates[0].amount)) == (
        "280.00",
        "420",
        "280.00",
    )
