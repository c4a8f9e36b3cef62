"""Amounts and the life of a session, in words."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from gpcli.model.account import SignInState
from gpcli.model.person import Person
from gpcli.model.service import Price
from gpcli.render.output import Format
from gpcli.render.table import format_cell
from gpcli.render.times import TimeFormat
from gpcli.render.views.account_views import SIGN_INS
from gpcli.render.views.wording import format_plain_price, format_price

ADA = Person("ada", "Ada Solberg")
UNTIL = datetime(2026, 12, 23, 9, 0, tzinfo=ZoneInfo("Europe/Oslo"))
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
