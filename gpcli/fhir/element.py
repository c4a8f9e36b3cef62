"""FHIR JSON read strictly: typed access to elements, references, Period and dateTime (R4)."""

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
    """JSON that R4 does not allow; the message names the element, never its content."""


class Coding(NamedTuple):
    """A code and the code system it belongs to; each is empty where it is not given."""

    system: str
    code: str


@dataclass(frozen=True)
class Element:
    """A resource or another JSON object within one, and its path for error messages.

    The methods that take the name of a property return `None`, or an empty tuple, where it is
    absent. All raise Malformed where a property has another type than R4 says.
    """

    json: Mapping[str, Any]
    path: str

    def string(self, name: str) -> str | None:
        """Return a string (code, uri, id, ...); `None` also for an empty one."""
        value = self.json.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            return value
        raise self.malformed(name)

    def require_string(self, name: str) -> str:
        """Return a string; raise Malformed where it is absent or empty."""
        value = self.string(name)
        if value is None:
            raise Malformed(f"{self.path}.{name} is missing")
        return value

    def strings(self, name: str) -> tuple[str, ...]:
        """Return a list of strings without its `null` entries.

        `null` stands for an entry that has only extensions.
        Source: R4 JSON, 2.6.2.3.
        """
        values = [value for value in self._children_json(name) if value is not None]
        if all(isinstance(value, str) for value in values):
            return tuple(values)
        raise self.malformed(name)

    def boolean(self, name: str) -> bool | None:
        """Return a boolean."""
        value = self.json.get(name)
        if value is None or isinstance(value, bool):
            return value
        raise self.malformed(name)

    def decimal(self, name: str) -> Decimal | None:
        """Return a number with the digits that the record has."""
        value = self.json.get(name)
        if value is None:
            return None
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return Decimal(value)
        raise self.malformed(name)

    def instant(self, name: str) -> datetime | None:
        """Return an instant, or a dateTime with a time: aware, with the offset of the record.

        The years 1 and 9999 are refused: converted to another time zone they may overflow.
        """
        value = self.string(name)
        if value is None:
            return None
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            raise self.malformed(name) from None
        if instant.tzinfo is None:
            raise Malformed(f"{self.path}.{name} has no time zone")
        if not MINYEAR < instant.year < MAXYEAR:
            raise self.malformed(name)
        return instant

    def date_time(self, name: str) -> datetime | None:
        """Return a dateTime as `instant` does; `None` also for a year, a month or a day alone."""
        return self.instant(name) if "T" in (self.string(name) or "") else None

    def child(self, name: str) -> Element | None:
        """Return a nested object."""
        value = self.json.get(name)
        if value is None:
            return None
        if isinstance(value, dict):
            return Element(value, f"{self.path}.{name}")
        raise self.malformed(name)

    def children(self, name: str) -> tuple[Element, ...]:
        """Return a list of nested objects."""
        values = self._children_json(name)
        if all(isinstance(value, dict) for value in values):
            return tuple(Element(value, f"{self.path}.{name}") for value in values)
        raise self.malformed(name)

    def contained(self, reference: str) -> Element | None:
        """Return the contained resource that the reference `#id` points to; `None` without one."""
        resources = self.children("contained")
        return next((each for each in resources if f"#{each.string('id')}" == reference), None)

    def extension(self, url: str) -> Element | None:
        """Return the first extension with this URL; `None` without one."""
        return next((ext for ext in self.children("extension") if ext.string("url") == url), None)

    def codings(self, name: str) -> tuple[Coding, ...]:
        """Return the codings of a CodeableConcept, or of every one in a list."""
        value = self.json.get(name)
        concepts = self.children(name) if isinstance(value, list) else (self.child(name),)
        return tuple(
            Coding(coding.string("system") or "", coding.string("code") or "")
            for concept in concepts
            if concept
            for coding in concept.children("coding")
        )

    def concept_text(self, name: str) -> str | None:
        """Return the text of a CodeableConcept, else the first display of its codings."""
        concept = self.child(name)
        if concept is None:
            return None
        displays = (coding.string("display") for coding in concept.children("coding"))
        return concept.string("text") or next(filter(None, displays), None)

    def reference(self, name: str) -> str | None:
        """Return the target of a Reference as `Type/id` or `#id`, without server and version."""
        target = self.child(name)
        return _relative_reference(target.string("reference")) if target else None

    def references(self, name: str) -> tuple[str, ...]:
        """Return the targets of a list of References, as `reference` does."""
        targets = (_relative_reference(item.string("reference")) for item in self.children(name))
        return tuple(filter(None, targets))

    def identifiers(self) -> tuple[str, ...]:
        """Return the values of the identifiers, without their systems."""
        values = (identifier.string("value") for identifier in self.children("identifier"))
        return tuple(filter(None, values))

    @property
    def resource_type(self) -> str:
        """The type of this resource."""
        return self.require_string("resourceType")

    @property
    def relative_reference(self) -> str:
        """The reference `Type/id` to it."""
        return f"{self.resource_type}/{self.require_string('id')}"

    def malformed(self, name: str) -> Malformed:
        """Return the error for a property that does not hold what R4 says."""
        return Malformed(f"{self.path}.{name} is not what R4 says")

    def _children_json(self, name: str) -> list[Any]:
        value = self.json.get(name)
        if value is None:
            return []
        if isinstance(value, list):
            return value
        raise self.malformed(name)


def read_resource(json: object) -> Element:
    """Return a resource, as decoded from JSON, as an Element; raise Malformed for all else."""
    if not isinstance(json, dict) or not isinstance(json.get("resourceType"), str):
        raise Malformed("the answer is not a FHIR resource")
    return Element(json, str(json["resourceType"]))


def _relative_reference(reference: str | None) -> str | None:
    if reference is None or reference.startswith("#"):
        return reference
    parts = reference.partition("?")[0].split("/")
    if "_history" in parts:
        parts = parts[: parts.index("_history")]
    return "/".join(parts[-2:])


_PARTIAL_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_DAY_END = time(23, 59, 59)


def read_period(period: Element, zone: tzinfo) -> tuple[datetime | None, datetime | None]:
    """Return start and end of a Period as aware times; `None` means open.

    A year, a month or a day alone is taken in `zone`: as a start it is its first second, as an end
    its last, since the end is inclusive. An end in the year 9999 counts as open.

    Raises:
        Malformed: a bound is no dateTime.

    Source: R4 Period.
    """
    return _read_bound(period, "start", zone, last=False), _read_bound(
        period, "end", zone, last=True
    )


def _read_bound(period: Element, name: str, zone: tzinfo, *, last: bool) -> datetime | None:
    written = period.string(name) or ""
    if last and written.startswith(f"{MAXYEAR}"):
        return None
    partial_date = _PARTIAL_DATE.fullmatch(written)
    if partial_date is None:
        return period.instant(name)
    try:
        parts = (int(part) if part else None for part in partial_date.groups())
        day = _complete_date(*parts, last=last)
    except ValueError:
        raise period.malformed(name) from None
    return datetime.combine(day, _DAY_END if last else time.min, zone)


def _complete_date(year: int | None, month: int | None, day: int | None, *, last: bool) -> date:
    year, month = year or 0, month or (12 if last else 1)
    return date(year, month, day or (monthrange(year, month)[1] if last else 1))
