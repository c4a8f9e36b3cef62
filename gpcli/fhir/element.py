"""Period and dateTime (R4): from when until when, also where only days are written."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, time, tzinfo
from decimal import Decimal
from typing import Any, NamedTuple

UUID_SYSTEM = "urn:ietf:rfc:3986"


class Malformed(ValueError):
    """A resource that is not as R4 says; the message names the element, never its content."""


class Coding(NamedTuple):
    """A code and the system that it is from."""

    system: str
    code: str


@dataclass(frozen=True)
class Element:
    """A JSON object of a resource, and the path to it for error messages."""

    json: Mapping[str, Any]
    path: str

    def text(self, name: str) -> str | None:
        """A string (code, uri, id …), or `None` when absent or empty."""
        value = self.json.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            return value
        raise self.bad(name)

    def need(self, name: str) -> str:
        """A string that must be there."""
        value = self.text(name)
        if value is None:
            raise Malformed(f"{self.path}.{name} is missing")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; a `null` stands where only an extension is (R4 2.6.2.3)."""
        values = [value for value in self._list(name) if value is not None]
        if all(isinstance(value, str) for value in values):
            return tuple(values)
        raise self.bad(name)

    def flag(self, name: str) -> bool | None:
        """A boolean."""
        value = self.json.get(name)
        if value is None or isinstance(value, bool):
            return value
        raise self.bad(name)

    def decimal(self, name: str) -> Decimal | None:
        """A number with the record's own digits."""
        value = self.json.get(name)
        if value is None:
            return None
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return Decimal(value)
        raise self.bad(name)

    def instant(self, name: str) -> datetime | None:
        """An instant, or a dateTime with a time: aware, with the portal's offset.

        The years 1 and 9999 are refused: another zone's clock may show a year that isn't.
        """
        value = self.text(name)
        if value is None:
            return None
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            raise self.bad(name) from None
        if instant.tzinfo is None:
            raise Malformed(f"{self.path}.{name} has no time zone")
        if not MINYEAR < instant.year < MAXYEAR:
            raise self.bad(name)
        return instant

    def child(self, name: str) -> Element | None:
        """A nested object."""
        value = self.json.get(name)
        if value is None:
            return None
        if isinstance(value, dict):
            return Element(value, f"{self.path}.{name}")
        raise self.bad(name)

    def children(self, name: str) -> tuple[Element, ...]:
        """A list of nested objects."""
        values = self._list(name)
        if all(isinstance(value, dict) for value in values):
            return tuple(Element(value, f"{self.path}.{name}") for value in values)
        raise self.bad(name)

    def extension(self, url: str) -> Element | None:
        """The first extension with this url."""
        return next((each for each in self.children("extension") if each.text("url") == url), None)

    def codings(self, name: str) -> tuple[Coding, ...]:
        """The codings of a CodeableConcept, or of all in a list of them."""
        value = self.json.get(name)
        concepts = self.children(name) if isinstance(value, list) else (self.child(name),)
        return tuple(
            Coding(coding.text("system") or "", coding.text("code") or "")
            for concept in concepts
            if concept
            for coding in concept.children("coding")
        )

    def phrase(self, name: str) -> str | None:
        """A CodeableConcept in words: its text, else the first display."""
        concept = self.child(name)
        if concept is None:
            return None
        displays = (coding.text("display") for coding in concept.children("coding"))
        return concept.text("text") or next(filter(None, displays), None)

    def reference(self, name: str) -> str | None:
        """Where a Reference points, as `Type/id` or `#id`."""
        target = self.child(name)
        return _local(target.text("reference")) if target else None

    def references(self, name: str) -> tuple[str, ...]:
        """Where a list of References points."""
        found = (_local(each.text("reference")) for each in self.children(name))
        return tuple(filter(None, found))

    @property
    def kind(self) -> str:
        """The type of a resource."""
        return self.need("resourceType")

    @property
    def ref(self) -> str:
        """A resource as `Type/id`."""
        return f"{self.kind}/{self.need('id')}"

    def bad(self, name: str) -> Malformed:
        """The error for an element of the wrong type."""
        return Malformed(f"{self.path}.{name} is not what R4 says")

    def _list(self, name: str) -> list[Any]:
        value = self.json.get(name)
        if value is None:
            return []
        if isinstance(value, list):
            return value
        raise self.bad(name)


def resource(json: object) -> Element:
    """A resource as an Element; raises Malformed for anything else."""
    if not isinstance(json, dict) or not isinstance(json.get("resourceType"), str):
        raise Malformed("the answer is not a FHIR resource")
    return Element(json, str(json["resourceType"]))


def _local(reference: str | None) -> str | None:
    if reference is None or reference.startswith("#"):
        return reference
    parts = reference.partition("?")[0].split("/")
    if "_history" in parts:
        parts = parts[: parts.index("_history")]
    return "/".join(parts[-2:])


_DAYS = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_DAY_END = time(23, 59, 59)


def read_period(period: Element, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    """Start and end of a Period; `None` = open. Raises Malformed.

    A day without a time, a month or a year is meant by the clock of `zone`, an end to its last
    second (R4 Period: the end is inclusive). An end in the year 9999 is how some write an open
    one.
    """
    return _bound(period, "start", zone, last=False), _bound(period, "end", zone, last=True)


def _bound(period: Element, name: str, zone: tzinfo, *, last: bool) -> datetime | None:
    written = period.text(name) or ""
    if last and written.startswith(f"{MAXYEAR}"):
        return None
    days = _DAYS.fullmatch(written)
    if days is None:
        return period.instant(name)
    try:
        day = _day(*(int(part) if part else None for part in days.groups()), last=last)
    except ValueError:
        raise period.bad(name) from None
    return datetime.combine(day, _DAY_END if last else time.min, zone)


def _day(year: int | None, month: int | None, day: int | None, *, last: bool) -> date:
    year, month = year or 0, month or (12 if last else 1)
    return date(year, month, day or (monthrange(year, month)[1] if last else 1))
