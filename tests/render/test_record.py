from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from gpcli.model.service import OpeningHours, Price, Rate, Service, ServiceName, Standing, Surgery
from gpcli.render.view import rfc3339, to_json, to_json_object

LOCAL_MEAN_TIME = timezone(timedelta(minutes=19, seconds=32))


def test_a_slot_becomes_its_object_without_the_fields_that_are_for_the_machine(a_slot):
    assert to_json_object(
        a_slot(surgery_ids=frozenset({"gp-1"}), written_start="2026-11-24T09:00:00+01:00")
    ) == {
        "id": "s1",
        "start": "2026-11-24T09:00:00+01:00",
        "end": "2026-11-24T09:20:00+01:00",
        "zone": "Europe/Oslo",
        "service": "booking",
        "channel": None,
        "practitioner": "Dr. Ingrid Øvrebø",
        "surgery": "Nordstrand legesenter",
        "location": "Ekebergveien 228",
        "comment": None,
        "schedule_comment": None,
        "practitioner_ref": None,
        "participants": [],
    }


def test_a_service_becomes_an_object_with_its_surgery_and_price_inside():
    surgery = Surgery("gp-1", "Ingrid Øvrebø", None, hours=(OpeningHours(("mon",), "08:00", None),))
    price = Price(Decimal("160.00"), Decimal("160.0"), "NOK", (Rate(None, Decimal("160.00")),))
    service = Service(
        ServiceName.BOOKING, Standing.OFFERED, surgery, price=price, channels=("video",)
    )
    assert to_json_object(service) == {
        "service": "booking",
        "status": "offered",
        "surgery": {
            "id": "gp-1",
            "gp": "Ingrid Øvrebø",
            "name": None,
            "phones": [],
            "emails": [],
            "websites": [],
            "addresses": [],
            "hours": [
                {
                    "days": ["mon"],
                    "opens": "08:00",
                    "closes": None,
                    "all_day": False,
                    "place": None,
                    "unreadable": [],
                }
            ],
            "gp_hours": [],
            "exceptions": [],
            "absences": [],
            "other_contacts": [],
            "remarks": [],
            "current": True,
        },
        "reason": None,
        "off_from": None,
        "off_until": None,
        "price": {
            "low": "160.00",
            "high": "160.0",
            "currency": "NOK",
            "rates": [{"applies": None, "amount": "160.00", "surcharges": []}],
            "at_sending": False,
        },
        "answer_time": None,
        "channels": ["video"],
        "eligibility": [],
        "command": None,
        "service_name": None,
        "details": None,
        "hours": [],
        "exceptions": [],
        "absences": [],
        "phones": [],
    }


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (datetime(2026, 11, 24, 9, tzinfo=UTC), "2026-11-24T09:00:00Z"),
        (datetime(2026, 7, 1, 9, tzinfo=ZoneInfo("Europe/Oslo")), "2026-07-01T09:00:00+02:00"),
        (datetime(2026, 1, 1, 9, 0, 0, 5000, UTC), "2026-01-01T09:00:00.005000Z"),
        (datetime(1890, 1, 1, tzinfo=LOCAL_MEAN_TIME), "1889-12-31T23:40:28Z"),
        (
            datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
            "2026-01-01T00:00:00-03:30",
        ),
    ],
)
def test_times_keep_their_offset(value, written):
    assert rfc3339(value) == written


def test_a_time_that_is_no_point_in_time_is_refused():
    with pytest.raises(ValueError, match="without an offset"):
        rfc3339(datetime(2026, 11, 24, 9))  # noqa: DTZ001  (the mistake to be caught)


def test_days_decimals_sets_and_mappings_have_their_place_in_json():
    value = {
        ServiceName.FLU_VACCINATION: date(2026, 10, 1),
        "price": Decimal("5.20"),
        "codes": frozenset({"b", "a"}),
        "list": [1, 2.5, True, None],
    }
    assert to_json(value) == {
        "flu-vaccination": "2026-10-01",
        "price": "5.20",
        "codes": ["a", "b"],
        "list": [1, 2.5, True, None],
    }


@dataclass(frozen=True)
class Odd:
    thing: object = field(default_factory=object)


def test_what_has_no_place_in_json_is_an_error_and_not_a_guess():
    with pytest.raises(TypeError, match="object has no place in JSON"):
        to_json_object(Odd())
    with pytest.raises(TypeError):
        to_json_object("not a record")
