"""Amounts and the life of a session, in words."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from gpcli.model.account import SignInState
from gpcli.model.person import Person
from gpcli.model.service import Charge, Price
from gpcli.render.output import Format
from gpcli.render.table import format_cell
from gpcli.render.times import TimeFormat
from gpcli.render.views.account_views import SIGN_INS
from gpcli.render.views.wording import build_plan, format_plain_price, format_price

ADA = Person("ada", "Ada Solberg")
UNTIL = datetime(2026, 12, 23, 9, 0, tzinfo=ZoneInfo("Europe/Oslo"))
LATER = UNTIL + timedelta(days=1)
SIGNED_IN = SignInState(
    patient=ADA,
    acting_user=ADA,
    profile="home",
    portal="https://portal.example/fhir",
    environment="staging",
    consent=None,
    until=UNTIL,
    renews=True,
)


def price(low, high):
    return Price(Decimal(low), Decimal(high), "NOK")


@pytest.mark.parametrize(
    ("amount", "for_people", "for_scripts"),
    [
        (price("391", "391"), "NOK 391", "391 NOK"),
        (price("0", "391.50"), "NOK 0–391.50", "0-391.50 NOK"),
        (price("0", "0"), "free", "0 NOK"),
        (None, "unknown", None),
    ],
)
def test_an_amount_has_one_form_for_people_and_one_for_scripts(amount, for_people, for_scripts):
    assert (format_price(amount), format_plain_price(amount)) == (for_people, for_scripts)


@pytest.mark.parametrize(
    ("charge", "cost", "question"),
    [
        (None, "", "Send it?"),
        (Charge("A visit", price("0", "0")), "", "Send it?"),
        (Charge("A visit", price("9", "9")), "A visit costs NOK 9.", "Send it, for NOK 9?"),
        (
            Charge("Cancelling this late", price("0", "9"), UNTIL),
            f"The free deadline was {TimeFormat(LATER).time(UNTIL, 'Europe/Oslo')}: "
            "cancelling this late costs NOK 0–9.",
            "Send it, for NOK 0–9?",
        ),
        (
            Charge("Cancelling, if late,", price("9", "9"), is_certain=False),
            "Cancelling, if late, costs up to NOK 9.",
            "Send it, for up to NOK 9?",
        ),
        (
            Charge("A visit", None),
            "A visit costs an unknown amount.",
            "Send it, for an unknown amount?",
        ),
    ],
)
def test_whatever_costs_something_says_so_first_and_in_the_question(charge, cost, question):
    where = {"environment": "sandbox", "zone": "Europe/Oslo", "time_format": TimeFormat(LATER)}
    plan = build_plan("Send it", (), (), charge, **where)
    assert (plan.cost, plan.question) == (cost, question)


def unattended(make_output, **more):
    shown = make_output(tty=True, fields=("until",), **more)
    shown.output.show_item(SIGN_INS, SIGNED_IN)
    return shown.stdout_text


def test_until_when_gpcli_works_is_said_by_the_surgery_s_clock(make_output):
    assert unattended(make_output) == "until Wed 23 Dec 09:00\n"
    assert unattended(make_output, format=Format.PLAIN) == "2026-12-23T09:00:00+01:00\n"


def test_where_the_machine_s_clock_is_another_both_are_said():
    (column,) = SIGN_INS.select_columns(("until",))
    tokyo = TimeFormat(UNTIL - timedelta(days=30), timezone(timedelta(hours=9)))
    said = format_cell(column, SIGNED_IN, tokyo)
    assert said == "until Wed 23 Dec 09:00 Europe/Oslo (17:00 here)"


@pytest.mark.parametrize(
    ("renews", "words"),
    [(True, "as long as the portal renews the session"), (False, "not known")],
)
def test_an_end_that_nobody_knows_is_said_to_be_so(make_output, renews, words):
    shown = make_output(tty=True, fields=("until",))
    shown.output.show_item(SIGN_INS, replace(SIGNED_IN, until=None, renews=renews))
    assert shown.stdout_text == f"{words}\n"
