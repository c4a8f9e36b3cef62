"""How GPs and services are worded: hours, absences, exceptions, remarks, only what is told."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from gpcli.model.service import (
    Absence,
    OpeningHours,
    Price,
    Rate,
    Service,
    ServiceName,
    Standing,
    Surgery,
)
from gpcli.render.view import to_json_object
from gpcli.render.views.service_views import (
    SURGERIES,
    format_absences,
    format_opening_hours,
    services_view,
)
from tests.render.conftest import CapturedOutput

OSLO = ZoneInfo("Europe/Oslo")
START, END = datetime(2027, 7, 5, tzinfo=OSLO), datetime(2027, 7, 25, 23, 59, 59, tzinfo=OSLO)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (OpeningHours(("mon", "tue", "wed"), "08:00", "24:00"), "mon–wed 08:00–24:00"),
        (OpeningHours(("mon", "wed"), "08:00", None), "mon, wed from 08:00"),
        (OpeningHours(("mon",), None, "15:00"), "mon until 15:00"),
        (OpeningHours(("sat",), None, None, all_day=True), "sat all day"),
        (OpeningHours(("sat",), None, None), "sat"),
        (OpeningHours((), "08:00", "15:00"), "08:00–15:00"),
        (OpeningHours(("mon",), "08:00", "15:00", place="Torget"), "mon 08:00–15:00 (Torget)"),
    ],
)
def test_hours_say_what_is_known_of_them_and_no_more(line: OpeningHours, text: str):
    assert format_opening_hours(line) == text


@pytest.mark.parametrize(
    ("absence", "text"),
    [
        (Absence("Holidays", START, END), "Mon 5 Jul 2027–Sun 25 Jul 2027 (Holidays)"),
        (Absence(None, START, START), "Mon 5 Jul 2027"),
        (Absence(None, START, None), "from Mon 5 Jul 2027"),
        (Absence("Leave", None, END), "until Sun 25 Jul 2027 (Leave)"),
    ],
)
def test_an_absence_has_its_days_and_its_reason(absence: Absence, text: str):
    assert format_absences((absence,)) == (text,)


AWAY = Surgery(
    "gp-1",
    "Kari Berg",
    "Nordby",
    hours=(OpeningHours(("mon",), None, None, all_day=True),),
    gp_hours=(OpeningHours(("fri",), "09:00", None),),
    exceptions=("Closed at Easter", "Away in week 28"),
    absences=(Absence("Holidays", START, END),),
    other_contacts=("fax 1",),
    remarks=("The portal has marked Kari Berg as no longer active.",),
    current=False,
)


def test_a_gp_on_a_terminal_has_each_fact_on_a_line_of_80_columns():
    captured = CapturedOutput(tty=True)
    captured.output.show_list(SURGERIES, [AWAY])
    assert captured.stdout_text == (
        "GP          Kari Berg\n"
        "Surgery     Nordby\n"
        "Open        mon all day\n"
        "GP's hours  fri from 09:00\n"
        "Exceptions  Closed at Easter\n"
        "            Away in week 28\n"
        "Away        Mon 5 Jul 2027–Sun 25 Jul 2027 (Holidays)\n"
        "Other       fax 1\n"
        "Note        The portal has marked Kari Berg as no longer active.\n"
    )


def test_new_columns_and_keys_stand_at_the_end():
    assert SURGERIES.column_names[8:] == (
        "gp_hours",
        "exceptions",
        "absences",
        "other_contacts",
        "remarks",
        "current",
    )
    keys = list(to_json_object(AWAY))
    assert keys[8:] == list(SURGERIES.column_names[8:])
    assert services_view(several_gps=False).column_names[-7:] == (
        "service_name",
        "details",
        "hours",
        "exceptions",
        "absences",
        "phones",
        "rates",
    )


def test_services_have_exceptions_where_there_are_some_each_in_its_block():
    surgery = Surgery("gp-1", "Kari Berg", "Nordby")
    plain = Service(ServiceName.BOOKING, Standing.OFFERED, surgery, command="gpcli book")
    closed = Service(
        ServiceName.CONTACT, Standing.OFFERED, surgery, exceptions=("Closed on public holidays",)
    )
    without, with_it = CapturedOutput(tty=True), CapturedOutput(tty=True)
    whole = services_view(several_gps=False, whole=True)
    without.output.show_list(whole, [plain])
    with_it.output.show_list(whole, [plain, closed])
    assert "Exceptions" not in without.stdout_text
    assert "Exceptions  Closed on public holidays\n" in with_it.stdout_text
    assert max(map(len, with_it.stdout_text.splitlines())) <= 80


def test_when_a_service_can_be_used_does_not_pass_for_the_hours_of_the_surgery():
    surgery = Surgery("gp-1", "Kari Berg", "Nordby")
    hours = (OpeningHours(("mon", "tue"), None, None, all_day=True),)
    online = Service(ServiceName.BOOKING, Standing.OFFERED, surgery, hours=hours)
    shown = CapturedOutput(tty=True)
    shown.output.show_list(services_view(several_gps=False, whole=True), [online])
    assert "Can be used  mon, tue all day\n" in shown.stdout_text
    assert "Open" not in shown.stdout_text


@pytest.mark.parametrize(
    ("standing", "told"),
    [
        (
            Standing.OFFERED,
            ["Price    NOK 0–253", "Rates    By day: NOK 253", "         Under 16: free"],
        ),
        (Standing.NOT_OFFERED, []),
    ],
)
def test_each_rate_of_a_price_is_shown_of_one_service_where_it_is_offered(
    standing: Standing, told: list[str]
):
    rates = (Rate("By day", Decimal(253)), Rate("Under 16", Decimal(0)))
    price = Price(Decimal(0), Decimal(253), "NOK", rates)
    shown = CapturedOutput(tty=True, width=80)
    one = Service(ServiceName.CONTACT, standing, AWAY, price=price)
    shown.output.show_list(services_view(several_gps=False, whole=True), [one])
    lines = shown.stdout_text.splitlines()
    assert [line for line in lines if line[:9].strip() in {"Price", "Rates", ""}] == told
