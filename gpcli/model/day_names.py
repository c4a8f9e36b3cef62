"""Weekdays, months and days in English words, the same whatever the machine's locale."""

from __future__ import annotations

from datetime import date

WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH_NAMES = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
DAYS = tuple(name[:3] for name in WEEKDAY_NAMES)
MONTHS = tuple(name[:3] for name in MONTH_NAMES)


def format_day(day: date, now: date | None = None) -> str:
    """Format a day with its weekday: `Tue 24 Nov 2026`, without the year if that is `now`'s."""
    text = f"{DAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}"
    return text if now and day.year == now.year else f"{text} {day.year}"
