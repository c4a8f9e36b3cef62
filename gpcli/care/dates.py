"""Read days, weekdays, hours and lengths of time as people write them.

A reader raises InvalidUsage, which names the option, what was written and what can be written. The
words are those of `gpcli.care.date_words`, in every language at once; digits are those of ASCII.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

from gpcli.care.date_words import (
    ENGLISH,
    day_offsets,
    day_parts,
    find_words,
    list_months,
    list_weekdays,
    match_name,
    month_offsets,
    week_offsets,
    weekday_sets,
)
from gpcli.errors import InvalidUsage

MAX_DAYS_AWAY = 3660
"""How far from today a day may be, in days; ten years and more are a slip of the keyboard."""

_DAY_HINT = "Write 2026-12-01, 1.12, 1 dec, monday, tomorrow, next-week or +14d (gpcli help dates)."
_HOURS_HINT = "Write 8-10, 08:30-10:00, morning, after-14 or before-10 (gpcli help dates)."
_WEEKDAYS_HINT = "Write mon, mon-fri, weekdays or weekend (gpcli help dates)."

NOT_A_DAY = "is not a day."
"""How the message ends of a text that nobody would write for a day."""

_MAX_LETTERS = 60
"""No way to write a day or hours is as long as this."""

_CENTURY = 2000
"""What is added to a year of two digits."""

_LEAP_YEAR = 2028
"""A year in which every month has its most days."""

_MOST_OF_A_UNIT = 99_999
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_STEPS = {"d": 1, "w": 7}


@dataclass(frozen=True)
class _Reading:
    """How a day is to be understood.

    A day that comes again and again, such as `monday` or `1.12`, is the first from `start` on, or,
    with `is_past`, the last until then. `ends` = a week or month means its last day.
    """

    today: date
    start: date
    is_past: bool
    ends: bool


class _NotADayError(ValueError):
    """Why a text is not a day, as a sentence without its beginning; and what to write instead."""

    def __init__(self, why: str, hint: str = _DAY_HINT) -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint


def parse_day(
    text: str,
    today: date,
    option: str,
    *,
    start: date | None = None,
    is_past: bool = False,
    ends: bool = False,
) -> date:
    """Read a day in the surgery's zone: `2026-12-01`, `1.12`, `monday`, `i morgen`, `+14d`.

    A day without a year and a weekday are the first such day from `start` (`None` = today) on; with
    `is_past` the last such day until today. Of a week or a month it is the first day, with `ends`
    the last.

    Raises: InvalidUsage, naming `option`.
    """
    reading = _Reading(today, start or today, is_past=is_past, ends=ends)
    try:
        found = _read_day(_simplify(text), reading)
    except _NotADayError as error:
        raise InvalidUsage(f"{option} '{text}' {error.why}", hint=error.hint) from None
    except OverflowError:
        found = date.max
    if abs(found - today) > timedelta(MAX_DAYS_AWAY):
        raise InvalidUsage(f"{option} '{text}' is more than ten years away.")
    return found


def _read_day(written: str, reading: _Reading) -> date:
    """Read a day. Raises: _NotADayError, OverflowError."""
    readers = (_read_year_first, _read_step, _read_numbers, _read_strokes, _read_words)
    for read in readers:
        if (found := read(written, reading)) is not None:
            return found
    raise _NotADayError(NOT_A_DAY)


def _simplify(text: str) -> str:
    """Return a text in lower case, with one blank for each gap; empty if it is too long."""
    if len(text) > _MAX_LETTERS:
        return ""
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


def _read_year_first(written: str, _: _Reading) -> date | None:
    """Read `2026-12-01`, `2026/12/1`, `20261201`: nobody writes the day behind the year."""
    found = re.fullmatch(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})", written, re.ASCII)
    if not found or (not found[2] and len(written) != len("20261201")):
        return None
    return _build_date(int(found[1]), int(found[3]), int(found[4]))


def _read_step(written: str, reading: _Reading) -> date | None:
    """Read `+14d`, `-2w`."""
    found = re.fullmatch(r"([+-]\d{1,4})([dw])", written, re.ASCII)
    return reading.today + timedelta(int(found[1]) * _STEPS[found[2]]) if found else None


def _read_numbers(written: str, reading: _Reading) -> date | None:
    """Read `1.12`, `1.12.2026`, `01.12.26`: where a dot stands between, the day comes first."""
    pattern = r"(\d{1,2})\. ?(\d{1,2})(?:\.(?: ?(\d{4}|\d{2}))?)?"
    found = re.fullmatch(pattern, written, re.ASCII)
    return _resolve(reading, int(found[1]), int(found[2]), found[3]) if found else None


def _read_strokes(written: str, _: _Reading) -> None:
    """Refuse `1/12` and `1-12-2026`, which mean different days by language."""
    found = re.fullmatch(r"(\d{1,2})([-/])(\d{1,2})(?:\2(\d{4}|\d{2}))?", written, re.ASCII)
    if not found:
        return
    year = None if found[4] is None else _widen_year(found[4])
    pairs = dict.fromkeys([(int(found[1]), int(found[3])), (int(found[3]), int(found[1]))])
    days = [_try_date(year or _LEAP_YEAR, month, day) for day, month in pairs]
    meant = [day for day in days if day]
    if not meant:
        raise _NotADayError(NOT_A_DAY)
    names = " or ".join(_name_day(day, year) for day in meant)
    other = " or ".join(str(day) if year else f"{day.day}.{day.month}" for day in meant)
    why = f"may be {names}." if len(meant) > 1 else "has its day and month in no certain order."
    raise _NotADayError(why, f"Write {other}{'' if year else ', the day before the month'}.")


def _read_words(written: str, reading: _Reading) -> date | None:
    """Read `tomorrow`, `next week`, `monday`, `1. des`, `Mon 7 Dec 2026`."""
    words = re.sub(r"[-,]", " ", re.sub(r"(?<=\d)\.(?=[^\d ])", ". ", written, flags=re.ASCII))
    phrase = " ".join(words.split())
    if (days := day_offsets().get(phrase)) is not None:
        return reading.today + timedelta(days)
    return _read_period(phrase, reading) or _read_named(phrase.split(), reading)


def _read_period(phrase: str, reading: _Reading) -> date | None:
    """Read `next week` and `next month` as their first or last day."""
    if (weeks := week_offsets().get(phrase)) is not None:
        monday = reading.today + timedelta(7 * weeks - reading.today.weekday())
        return monday + timedelta(6 * reading.ends)
    if (months := month_offsets().get(phrase)) is None:
        return None
    first = _first_of_month(reading.today, months)
    return _first_of_month(first, 1) - timedelta(1) if reading.ends else first


def _first_of_month(day: date, months: int) -> date:
    """Return the first day of the month that is `months` after that of `day`."""
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


def _read_named(words: list[str], reading: _Reading) -> date | None:
    """Read a weekday, a day of a named month, or both."""
    if len(words) > 1 and words[0] in find_words("next_"):
        _refuse_next(words[1:], reading)
        return None
    weekday = match_name(words[0], list_weekdays()) if words else None
    if weekday is None:
        return _read_month_name(words, reading)
    if len(words) == 1:
        return _resolve_weekday(weekday, reading)
    rest = " ".join(words[1:])
    found = _read_numbers(rest, reading) or _read_month_name(words[1:], reading)
    if found and found.weekday() != weekday:
        raise _NotADayError(
            f"is not a day: {_name_day(found, found.year)} is a {_name_weekday(found)}."
        )
    return found


def _refuse_next(words: list[str], reading: _Reading) -> None:
    """Refuse `next friday`: for some it is the coming one, for others the one after it."""
    weekday = match_name(words[0], list_weekdays())
    if weekday is not None and len(words) == 1:
        tomorrow = reading.today + timedelta(1)
        coming = tomorrow + timedelta((weekday - tomorrow.weekday()) % 7)
        later = coming + timedelta(7)
        raise _NotADayError(
            f"may be {_name_day(coming, coming.year)} or {_name_day(later, later.year)}.",
            f"Write {coming} or {later}.",
        )


def _resolve_weekday(weekday: int, reading: _Reading) -> date:
    if reading.is_past:
        return reading.today - timedelta((reading.today.weekday() - weekday) % 7)
    return reading.start + timedelta((weekday - reading.start.weekday()) % 7)


def _read_month_name(words: list[str], reading: _Reading) -> date | None:
    """Read `1. des`, `dec 1`, `1st December 2026`."""
    if len(words) not in {2, 3}:
        return None
    year = words[2] if len(words) > 2 else None
    if year is not None and not re.fullmatch(r"\d{4}|\d{2}", year, re.ASCII):
        return None
    for number, name in (words[:2], words[1::-1]):
        day, month = _read_day_number(number), match_name(name, list_months())
        if day is not None and month is not None:
            return _resolve(reading, day, month, year)
    return None


def _read_day_number(word: str) -> int | None:
    """Read `1`, `1.` and `1st`."""
    found = re.fullmatch(r"(\d{1,2})(\D*)", word, re.ASCII)
    return int(found[1]) if found and found[2] in {"", *find_words("day_ends")} else None


def _resolve(reading: _Reading, day: int, month: int, year: str | None) -> date:
    """Return a day of a month; without a year the first such day, or the last.

    Raises: _NotADayError if there is none.
    """
    if year is not None:
        return _build_date(_widen_year(year), month, day)
    _build_date(_LEAP_YEAR, month, day, is_any_year=True)
    if reading.is_past:
        is_later = (month, day) > (reading.today.month, reading.today.day)
        return _build_yearless(reading.today.year - is_later, month, day, -1)
    is_over = (month, day) < (reading.start.month, reading.start.day)
    return _build_yearless(reading.start.year + is_over, month, day, 1)


def _build_yearless(year: int, month: int, day: int, step: int) -> date:
    """Return a day of a year that nobody wrote. Raises: _NotADayError on a 29 February without."""
    if found := _try_date(year, month, day):
        return found
    years = range(year, year + 9 * step, step)  # 1900 and 2100 are no leap years
    leap_day = next(found for each in years if (found := _try_date(each, month, day)))
    raise _NotADayError(
        f"is not a day: {_tell_length(month, year)}.", f"Write {leap_day} if that is meant."
    )


def _widen_year(digits: str) -> int:
    return int(digits) + (_CENTURY if len(digits) == len("26") else 0)


def _build_date(year: int, month: int, day: int, *, is_any_year: bool = False) -> date:
    """Return a day. Raises: _NotADayError, which says why there is none, in that or any year."""
    if found := _try_date(year, month, day):
        return found
    if not 1 <= month <= 12:
        raise _NotADayError(f"is not a day: there is no month {month}.")
    if not year or not day:
        raise _NotADayError(f"is not a day: there is no {'day' if year else 'year'} 0.")
    raise _NotADayError(f"is not a day: {_tell_length(month, None if is_any_year else year)}.")


def _tell_length(month: int, year: int | None) -> str:
    """Return `February 2027 has 28 days`; without a year `February has at most 29 days`."""
    days = (31, 30, 29, 28)
    most = next(day for day in days if _try_date(year or _LEAP_YEAR, month, day))
    name = ENGLISH.months[month - 1].title()
    return f"{name} {year} has {most} days" if year else f"{name} has at most {most} days"


def _try_date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _name_day(day: date, year: int | None = None) -> str:
    """Return `1 December`, with the year where one is given; never in the machine's language."""
    name = f"{day.day} {ENGLISH.months[day.month - 1].title()}"
    return f"{name} {year}" if year else name


def _name_weekday(day: date) -> str:
    return ENGLISH.weekdays[day.weekday()].title()


def parse_weekdays(words: Sequence[str], option: str) -> frozenset[int]:
    """Read weekdays, 0 for Monday: `mon,tue`, `man`, `fri-mon`, `weekdays`, in any of `words`.

    Raises: InvalidUsage, naming `option`.
    """
    names = [name.strip() for word in words for name in word.split(",")]
    return frozenset(number for name in names for number in _read_weekdays(name, option))


def _read_weekdays(name: str, option: str) -> Iterator[int]:
    written = _simplify(name)
    if written in weekday_sets():
        yield from weekday_sets()[written]
        return
    ends = [match_name(part, list_weekdays()) for part in _split_range(written)]
    if len(ends) > 2 or None in ends:
        raise InvalidUsage(f"{option} '{name}' is not a weekday.", hint=_WEEKDAYS_HINT)
    first, last = (number for number in (ends[0], ends[-1]) if number is not None)
    for ahead in range((last - first) % 7 + 1):
        yield (first + ahead) % 7


def _split_range(written: str) -> list[str]:
    """Return the ends of `8-10`, `mon – fri`, `8 to 10`; a text that is no range is alone."""
    words = ["-" if word in find_words("until") else word for word in written.split(" ")]
    return [part.strip() for part in re.split("[-–]", " ".join(words))]


def parse_hours(text: str, option: str) -> tuple[time, time]:
    """Read hours by the clock: `8-10`, `08:30-10:00`, `morning`, `etter 14`, `before-10`.

    The second time is the one before which they end; `time.max` is midnight.

    Raises: InvalidUsage, naming `option`.
    """
    written = _simplify(text)
    if written in day_parts():
        return day_parts()[written]
    try:
        opens, closes = _read_half_day(written) or _read_hours(written)
    except ValueError:
        raise InvalidUsage(
            f"{option} '{text}' is not a range of hours.", hint=_HOURS_HINT
        ) from None
    if opens >= closes:
        raise InvalidUsage(f"{option} '{text}' ends before it begins.", hint=_HOURS_HINT)
    return opens, closes


def _read_half_day(written: str) -> tuple[time, time] | None:
    """Read `after 14` and `before-10`; `None` = it is neither.

    Raises: ValueError, also where no time is left.
    """
    word, _, clock = written.replace("-", " ", 1).partition(" ")
    if word not in find_words("after") | find_words("before"):
        return None
    border = _parse_clock(clock)
    hours = (border, time.max) if word in find_words("after") else (time.min, border)
    if hours[0] == hours[1]:
        raise ValueError(written)
    return hours


def _read_hours(written: str) -> tuple[time, time]:
    """Read `8-10`. Raises: ValueError."""
    opens, closes = (_parse_clock(part) for part in _split_range(written))
    return opens, closes


def _parse_clock(text: str) -> time:
    """Parse `8`, `08:30` and `8.30`; `24` is the end of the day. Raises: ValueError."""
    written = re.fullmatch(r"(\d{1,2})(?:[:.](\d{2}))?", text.strip(), re.ASCII)
    if written is None:
        raise ValueError(text)
    hour, minute = int(written[1]), int(written[2] or 0)
    return time.max if (hour, minute) == (24, 0) else time(hour, minute)


def parse_duration(text: str, option: str) -> timedelta:
    """Parse `500ms`, `90s`, `10m`, `1.5h` or `1d` as elapsed time; `0` needs no unit.

    Raises: InvalidUsage, naming `option`.
    """
    if text.strip() == "0":
        return timedelta()
    found = re.fullmatch(r"(\d+(?:\.\d{1,3})?)(ms|[smhd])", text.strip().lower(), re.ASCII)
    if not found:
        raise InvalidUsage(
            f"{option} '{text}' is not a length of time.",
            hint="Write 90s, 10m, 2h or 1d: one number and its unit.",
        )
    if float(found[1]) > _MOST_OF_A_UNIT:
        raise InvalidUsage(
            f"{option} '{text}' is too long.", hint=f"Write at most {_MOST_OF_A_UNIT} of a unit."
        )
    return timedelta(**{_UNITS[found[2]]: float(found[1])})
