"""Build FHIR elements, working days, times of day and short ids."""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
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
CHANNELS = ("in-person", "phone", "video", "text")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
ID_ALPHABET = "23456789bcdfghjkmnpqrstvwxz"
"""Characters of ids: no vowels, so that no id spells a word, and no lookalikes."""
ID_LENGTH = 8
_ID_COUNT = len(ID_ALPHABET) ** ID_LENGTH
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


@dataclass(frozen=True)
class PersonName:
    """A name; `prefix` is what stands before it, as `Dr.`. Every part but one may be empty."""

    given: str
    family: str
    prefix: str = ""

    def __str__(self) -> str:
        """Return all of it."""
        return " ".join(part for part in (self.prefix, self.given, self.family) if part)

    @property
    def element(self) -> Element:
        """The name as a HumanName with its text."""
        return filled(
            {
                "use": "official",
                "text": str(self),
                "family": self.family,
                "given": self.given.split(),
                "prefix": [self.prefix] if self.prefix else [],
            }
        )


@dataclass(frozen=True)
class PostalAddress:
    """A Norwegian address."""

    line: str
    postal_code: str
    city: str

    def element(self, use: str = "work") -> Element:
        """Return the Address."""
        return {
            "use": use,
            "line": [self.line],
            "postalCode": self.postal_code,
            "city": self.city,
            "country": "NO",
        }


def telephone(number: str, use: str = "work") -> list[Element]:
    """Return the ContactPoint of a telephone in a list, which is empty without a number."""
    return [{"system": "phone", "value": number, "use": use}] if number else []


def kroner(amount: float) -> Element:
    """Return a Money in Norwegian kroner."""
    return {"value": amount, "currency": "NOK"}


def filled(element: Element) -> Element:
    """Return the element without what is None or empty, which FHIR does not have."""
    return {name: value for name, value in element.items() if value not in (None, "", [], {})}


def instant_text(moment: datetime) -> str:
    """Format an instant in the surgeries' time zone, with its offset."""
    return moment.astimezone(ZONE).isoformat(timespec="seconds")


def day_period(start: date, end: date) -> Element:
    """Return a Period of whole days, both inclusive."""
    return {"start": start.isoformat(), "end": end.isoformat()}


def short_id(prefix: str, *content: str) -> str:
    """Return an opaque id that depends only on its content: `s-7k2m9qdr`."""
    number = int.from_bytes(hashlib.sha256("|".join(content).encode()).digest()) % _ID_COUNT
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


def nth_working_day(day: date, number: int) -> date:
    """Return the nth working day after a day; -1 is the last one before it, 0 is the day itself."""
    if number == 0:
        return day
    direction = 1 if number > 0 else -1
    weeks, further = divmod(abs(number) - 1, 5)
    days = working_days(day, direction)
    return next(islice(days, further, None)) + direction * timedelta(weeks=weeks)


def local_datetime(day: date, time_text: str) -> datetime:
    """Return a time of day at the surgeries as an aware time: `local_datetime(day, "09:20")`."""
    return datetime.combine(day, time.fromisoformat(time_text), ZONE)


def times_between(day: date, first: str, last: str, minutes: int = 20) -> Iterator[datetime]:
    """Yield times from `first` until before `last`, `minutes` apart on the wall clock.

    Those that the clocks skip are left out.
    """
    current, end = local_datetime(day, first), local_datetime(day, last)
    clocks_change = current.utcoffset() != end.utcoffset()
    while current < end:
        if not clocks_change or current.astimezone(UTC).astimezone(ZONE) == current:
            yield current
        current += timedelta(minutes=minutes)
