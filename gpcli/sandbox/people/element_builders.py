"""Build FHIR elements, working days, times of day and short ids."""

import hashlib
import uuid
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import count, islice
from typing import Any

from gpcli.sandbox.clock import ZONE

Element = dict[str, Any]
"""A FHIR element or resource, as in JSON."""

SERVICE_SYSTEM = "urn:gpcli:gp-service"
CHANNEL_SYSTEM = "urn:gpcli:channel"
THREAD_SYSTEM = "urn:gpcli:thread"
PRESCRIPTION_KIND_SYSTEM = "urn:gpcli:prescription-kind"
CONSENT_LEVEL_SYSTEM = "urn:gpcli:consent-level"
NATIONAL_ID_SYSTEM = "urn:oid:2.16.578.1.12.4.1.4.1"
HPR_NUMBER_SYSTEM = "urn:oid:2.16.578.1.12.4.1.4.4"
ORGANISATION_NUMBER_SYSTEM = "urn:oid:2.16.578.1.12.4.1.4.101"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
ID_ALPHABET = "23456789bcdfghjkmnpqrstvwxz"
"""Characters of ids: no vowels, so that no id spells a word, and no lookalikes."""
ID_LENGTH = 8
DAY = timedelta(days=1)


def reference(to: str, display: str | None = None) -> Element:
    """Return a relative Reference: `Patient/ada`."""
    return {"reference": to} if display is None else {"reference": to, "display": display}


def concept(system: str, code: str, text: str | None = None) -> Element:
    """Return a CodeableConcept with one coding."""
    coding = {"coding": [{"system": system, "code": code}]}
    return coding if text is None else {**coding, "text": text}


def identifier(system: str, value: str) -> Element:
    """Return an official Identifier."""
    return {"use": "official", "system": system, "value": value}


def uuid_identifier(type_: str, id_: str) -> Element:
    """Return an Identifier as apps assign it: a UUID, always the same for the same id."""
    value = uuid.uuid5(uuid.NAMESPACE_URL, f"{type_}/{id_}")
    return {"system": "urn:ietf:rfc:3986", "value": value.urn}


def human_name(given: str, family: str, prefix: str | None = None) -> Element:
    """Return a HumanName with its text."""
    text = " ".join(part for part in (prefix, given, family) if part)
    name: Element = {"use": "official", "text": text, "family": family, "given": given.split()}
    return {**name, "prefix": [prefix]} if prefix else name


def telephone(ending: str, use: str = "work") -> Element:
    """Return a ContactPoint with a number that can't be assigned.

    `ending` is its last two digits.
    """
    return {"system": "phone", "value": f"+47 00 12 34 {ending}", "use": use}


def web_page(host: str) -> Element:
    """Return a ContactPoint with a web page on a host that can't exist (RFC 2606)."""
    return {"system": "url", "value": f"https://{host}.example/"}


def address(line: str, postal_code: str, city: str) -> Element:
    """Return a Norwegian Address."""
    return {"use": "work", "line": [line], "postalCode": postal_code, "city": city, "country": "NO"}


def kroner(amount: int) -> Element:
    """Return a Money in Norwegian kroner."""
    return {"value": amount, "currency": "NOK"}


def instant_text(moment: datetime) -> str:
    """Format an instant in the surgeries' time zone, with its offset."""
    return moment.astimezone(ZONE).isoformat(timespec="seconds")


def day_period(start: date, end: date) -> Element:
    """Return a Period of whole days, both inclusive."""
    return {"start": start.isoformat(), "end": end.isoformat()}


def short_id(prefix: str, *content: str) -> str:
    """Return an opaque id that depends only on its content: `s-7k2m9qdr`."""
    number = int.from_bytes(hashlib.sha256("|".join(content).encode()).digest())
    characters = []
    for _ in range(ID_LENGTH):
        number, character = divmod(number, len(ID_ALPHABET))
        characters.append(ID_ALPHABET[character])
    return f"{prefix}-{''.join(characters)}"


def pseudo_random(*content: str) -> float:
    """Return a number in [0, 1) that depends only on its content."""
    return int.from_bytes(hashlib.sha256("|".join(content).encode()).digest()[:4]) / 2**32


def local_day(now: datetime) -> date:
    """Return the date at the surgeries."""
    return now.astimezone(ZONE).date()


def is_working_day(day: date) -> bool:
    """Return whether the day is from Monday to Friday; holidays are ignored."""
    return day.weekday() < 5


def working_days(after: date, direction: int = 1) -> Iterator[date]:
    """Yield the working days after a date; with direction -1, those before it."""
    every_day = (after + direction * step * DAY for step in count(1))
    return filter(is_working_day, every_day)


def nth_working_day(now: datetime, number: int) -> date:
    """Return the nth working day after today; -1 is the last one before today, 0 has no meaning."""
    direction = 1 if number > 0 else -1
    weeks, further = divmod(abs(number) - 1, 5)
    days = working_days(local_day(now), direction)
    return next(islice(days, further, None)) + direction * timedelta(weeks=weeks)


def local_datetime(day: date, time_text: str) -> datetime:
    """Return a time of day at the surgeries as an aware time: `local_datetime(day, "09:20")`."""
    return datetime.combine(day, time.fromisoformat(time_text), ZONE)


def times_between(day: date, first: str, last: str, minutes: int = 20) -> Iterator[datetime]:
    """Yield times from `first` until before `last`, `minutes` apart on the wall clock."""
    current, end = local_datetime(day, first), local_datetime(day, last)
    while current < end:
        yield current
        current += timedelta(minutes=minutes)
