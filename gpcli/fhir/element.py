"""FHIR JSON with its types checked: elements, references, Period and dateTime (R4).

An element that comes from a portal's answer is read leniently: a property with a wrong type reads
as absent and is noted, so that it costs the property and not the record. One without an `Origin`
is read strictly.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, date, datetime, time, timedelta, tzinfo
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
class Origin:
    """Where a record comes from, for all elements in it.

    `name` is the record's (`Appointment/1`); properties that can't be read are added to `flaws`,
    or are Malformed where there is no such list. `bases` are the FHIR base URLs, without a slash at
    the end, by which the portal is known: an absolute reference to one of them is one to the
    portal. Where there are none, every one is.
    """

    name: str
    flaws: list[str] | None
    bases: Collection[str] = ()

    def add_flaw(self, reason: str) -> None:
        """Add what can't be read to the flaws, once; raise Malformed where there is no list."""
        if self.flaws is None:
            raise Malformed(reason)
        flaw = f"{self.name}: {reason}"
        if flaw not in self.flaws:
            self.flaws.append(flaw)


class Reference(NamedTuple):
    """A Reference (R4): what it refers to, as far as it tells.

    `target` is `Type/id` for a record of the portal, `#id` for a contained one, another URL as
    written; `None` for a reference by identifier or by name alone. `type` is that of the record.
    `identifier` is its system and value. `display` is the name that the portal gives it.
    """

    target: str | None
    type: str | None
    identifier: tuple[str, str] | None
    display: str | None


@dataclass(frozen=True)
class Element:
    """A resource or another JSON object within one, and its path for error messages.

    The methods that take the name of a property return `None`, or an empty tuple, where it is
    absent. Where it has another type than R4 says, they do the same and add it to the flaws of the
    `origin`; without an origin they raise Malformed. `require_` methods always raise it.
    """

    json: Mapping[str, Any]
    path: str
    origin: Origin | None = field(default=None, compare=False, repr=False)

    def strictly(self) -> Element:
        """Return the element to be read strictly: a property with a wrong type is Malformed."""
        origin = self.origin
        if origin is None or origin.flaws is None:
            return self
        return Element(self.json, self.path, Origin(origin.name, None, origin.bases))

    def string(self, name: str) -> str | None:
        """Return a string (code, uri, id, ...); `None` also for an empty one."""
        value = self.json.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            return value
        self.reject(name)
        return None

    def expected_string(self, name: str) -> str | None:
        """Return a string as `string` does, and note as well that it is absent."""
        value = self.string(name)
        if self.json.get(name) in (None, ""):
            self.reject(name, "is missing")
        return value

    def require_string(self, name: str) -> str:
        """Return a string; raise Malformed where it is absent or empty."""
        value = self.json.get(name)
        if isinstance(value, str) and value:
            return value
        if value is None or value == "":
            raise Malformed(f"{self.path}.{name} is missing")
        raise self.malformed(name)

    def strings(self, name: str) -> tuple[str, ...]:
        """Return a list of strings without its `null` entries.

        `null` stands for an entry that has only extensions.
        Source: R4 JSON, 2.6.2.3.
        """
        values = [value for value in self._children_json(name) if value is not None]
        texts = tuple(value for value in values if isinstance(value, str))
        if len(texts) < len(values):
            self.reject(name)
        return texts

    def boolean(self, name: str) -> bool | None:
        """Return a boolean."""
        value = self.json.get(name)
        if value is None or isinstance(value, bool):
            return value
        self.reject(name)
        return None

    def decimal(self, name: str) -> Decimal | None:
        """Return a number with the digits that the record has."""
        value = self.json.get(name)
        if value is None:
            return None
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return Decimal(value)
        self.reject(name)
        return None

    def instant(self, name: str) -> datetime | None:
        """Return an instant, or a dateTime with a time: aware, with the offset of the record.

        A leap second (`23:59:60`) is read as the second before it, `24:00` as the beginning of
        the next day (ISO 8601), and a small `t` or `z` as a capital one (RFC 3339). The years 1
        and 9999 are refused: converted to another time zone they may overflow.
        """
        value = self.string(name)
        if value is None:
            return None
        try:
            instant = _parse_instant(value.upper())
        except ValueError:
            self.reject(name)
            return None
        if instant.tzinfo is None:
            self.reject(name, "has no time zone")
            return None
        if MINYEAR < instant.year < MAXYEAR:
            return instant
        self.reject(name)
        return None

    def require_instant(self, name: str) -> datetime:
        """Return an instant as `instant` does; raise Malformed where there is none."""
        instant = self.strictly().instant(name)
        if instant is None:
            raise Malformed(f"{self.path}.{name} is missing")
        return instant

    def date_time(self, name: str) -> datetime | None:
        """Return a dateTime as `instant` does; `None` also for a year, a month or a day alone."""
        return self.instant(name) if "T" in (self.written_time(name) or "").upper() else None

    def written_time(self, name: str) -> str | None:
        """Return a date, a dateTime or an instant as it is written, with or without a time zone."""
        value = self.string(name)
        if value is None or is_time(value):
            return value
        self.reject(name)
        return None

    def child(self, name: str) -> Element | None:
        """Return a nested object."""
        value = self.json.get(name)
        if value is None:
            return None
        if isinstance(value, dict):
            return Element(value, f"{self.path}.{name}", self.origin)
        self.reject(name)
        return None

    def children(self, name: str) -> tuple[Element, ...]:
        """Return a list of nested objects."""
        values = self._children_json(name)
        objects = [value for value in values if isinstance(value, dict)]
        if len(objects) < len(values):
            self.reject(name)
        return tuple(Element(value, f"{self.path}.{name}", self.origin) for value in objects)

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
        return concept.as_text() if concept else None

    def concept_label(self, name: str) -> str | None:
        """Return a CodeableConcept in words: its text, else a display, else a code."""
        return next(iter(self.concept_labels(name)), None)

    def concept_labels(self, name: str) -> tuple[str, ...]:
        """Return each CodeableConcept of a list, or the single one, as `concept_label` does."""
        value = self.json.get(name)
        concepts = self.children(name) if isinstance(value, list) else (self.child(name),)
        return tuple(filter(None, (each.as_label() for each in concepts if each)))

    def as_text(self) -> str | None:
        """Return this CodeableConcept as `concept_text` does."""
        displays = (coding.string("display") for coding in self.children("coding"))
        return next(
            (each for each in (self.string("text"), *displays) if not _is_blank(each)), None
        )

    def as_label(self) -> str | None:
        """Return this CodeableConcept as `concept_label` does."""
        codes = (coding.string("code") for coding in self.children("coding"))
        return self.as_text() or next((each for each in codes if not _is_blank(each)), None)

    def reference(self, name: str) -> str | None:
        """Return the target of a Reference, as in `Reference.target`."""
        target = self.child(name)
        return target.as_reference().target if target else None

    def references(self, name: str) -> tuple[str, ...]:
        """Return the targets of a list of References, as `reference` does."""
        targets = (item.as_reference().target for item in self.children(name))
        return tuple(filter(None, targets))

    def link(self, name: str) -> Reference | None:
        """Return a Reference with all that it tells."""
        target = self.child(name)
        return target.as_reference() if target else None

    def links(self, name: str) -> tuple[Reference, ...]:
        """Return a list of References, as `link` does."""
        return tuple(each.as_reference() for each in self.children(name))

    def as_reference(self) -> Reference:
        """Return this Reference with all that it tells.

        A target is without server and version where the server is the portal.
        Source: R4 references.html 2.3.0.
        """
        bases = self.origin.bases if self.origin else ()
        target = _relative_reference(self.string("reference"), bases)
        identifier = self.child("identifier")
        value = identifier.string("value") if identifier else None
        return Reference(
            target=target,
            type=_target_type(target) or (self.string("type") or "").rpartition("/")[2] or None,
            identifier=(
                (identifier.string("system") or "", value) if identifier and value else None
            ),
            display=self.string("display"),
        )

    def identifier_pairs(self) -> frozenset[tuple[str, str]]:
        """Return the systems and values of the identifiers, of those that have a value."""
        pairs = (
            (each.string("system"), each.string("value")) for each in self.children("identifier")
        )
        return frozenset((system or "", value) for system, value in pairs if value)

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

    def reject(self, name: str, why: str = "is not what R4 says") -> None:
        """Note that a property can't be read; raise Malformed where the element has no origin."""
        reason = f"{self.path}.{name} {why}"
        if self.origin is None:
            raise Malformed(reason)
        self.origin.add_flaw(reason)

    def _children_json(self, name: str) -> list[Any]:
        value = self.json.get(name)
        if isinstance(value, list):
            return value
        if value is not None:
            self.reject(name)
        return []


def read_resource(
    json: object, flaws: list[str] | None = None, bases: Collection[str] = ()
) -> Element:
    """Return a resource, as decoded from JSON, as an Element; raise Malformed for all else.

    With `flaws` it is read leniently; these and `bases` are as in Origin.
    """
    resource_type = json.get("resourceType") if isinstance(json, dict) else None
    if not isinstance(json, dict) or not isinstance(resource_type, str) or not resource_type:
        raise Malformed("the answer is not a FHIR resource")
    path = str(json["resourceType"])
    name = f"{path}/{json['id']}" if isinstance(json.get("id"), str) else path
    return Element(json, path, None if flaws is None else Origin(name, flaws, bases))


def is_time(text: str) -> bool:
    """Return whether a text is a date, a dateTime or an instant; the time zone may be missing."""
    partial_date = _PARTIAL_DATE.fullmatch(text)
    try:
        if partial_date:
            _complete_date(*_split_date(partial_date), last=False)
        else:
            _parse_instant(text.upper())
    except ValueError:
        return False
    return partial_date is not None or "T" in text.upper()


def _relative_reference(reference: str | None, bases: Collection[str]) -> str | None:
    if reference is None or reference.startswith(("#", "urn:")):
        return reference
    parts = reference.partition("?")[0].split("/")
    if "_history" in parts:
        parts = parts[: parts.index("_history")]
    if bases and "://" in reference and "/".join(parts[:-2]) not in bases:
        return reference
    return "/".join(parts[-2:])


def _is_blank(text: str | None) -> bool:
    return not text or text.isspace()


def _parse_instant(value: str) -> datetime:
    """Return a time that is written with capitals; raise ValueError for all else."""
    written, day_over = _DAY_OVER.subn(r"T00\1", _LEAP_SECOND.sub(r"\1:59", value, count=1))
    instant = datetime.fromisoformat(written)
    is_last_day = instant.date() == date.max
    return instant + timedelta(days=1) if day_over and not is_last_day else instant


def _target_type(target: str | None) -> str | None:
    """Return the type in `Type/id`; `None` for any other target."""
    resource_type, _, resource_id = (target or "").partition("/")
    return resource_type if resource_id and "/" not in resource_id else None


_LEAP_SECOND = re.compile(r"(T\d\d:\d\d):60", re.ASCII)
_DAY_OVER = re.compile(r"T24(:00(?::00(?:\.0+)?)?)(?![:.\d])", re.ASCII)
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
        day = _complete_date(*_split_date(partial_date), last=last)
    except ValueError:
        period.reject(name)
        return None
    return datetime.combine(day, _DAY_END if last else time.min, zone)


def _split_date(partial_date: re.Match[str]) -> Iterator[int | None]:
    return (int(part) if part else None for part in partial_date.groups())


def _complete_date(year: int | None, month: int | None, day: int | None, *, last: bool) -> date:
    year, month = year or 0, month or (12 if last else 1)
    return date(year, month, day or (monthrange(year, month)[1] if last else 1))
