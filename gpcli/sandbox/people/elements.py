"""FHIR R4 elements, short to write."""

import uuid
from datetime import date, datetime
from typing import Any

from gpcli.sandbox.clock import ZONE

Element = dict[str, Any]
"""A FHIR element or resource, as JSON says it."""

SERVICE = "urn:gpcli:gp-service"
CHANNEL = "urn:gpcli:channel"
THREAD = "urn:gpcli:thread"
PRESCRIPTION_KIND = "urn:gpcli:prescription-kind"
CONSENT_LEVEL = "urn:gpcli:consent-level"
NATIONAL_ID = "urn:oid:2.16.578.1.12.4.1.4.1"
HPR_NUMBER = "urn:oid:2.16.578.1.12.4.1.4.4"
ORGANISATION_NUMBER = "urn:oid:2.16.578.1.12.4.1.4.101"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")


def reference(to: str, display: str | None = None) -> Element:
    """A relative Reference: `Patient/ada`."""
    return {"reference": to} if display is None else {"reference": to, "display": display}


def concept(system: str, code: str, text: str | None = None) -> Element:
    """A CodeableConcept with one coding."""
    coding = {"coding": [{"system": system, "code": code}]}
    return coding if text is None else {**coding, "text": text}


def identifier(system: str, value: str) -> Element:
    """An official Identifier."""
    return {"use": "official", "system": system, "value": value}


def own_uuid(type_: str, id_: str) -> Element:
    """The Identifier that an app gives to what it creates: a UUID, the same for the same id."""
    value = uuid.uuid5(uuid.NAMESPACE_URL, f"{type_}/{id_}")
    return {"system": "urn:ietf:rfc:3986", "value": value.urn}


def human_name(given: str, family: str, prefix: str | None = None) -> Element:
    """A HumanName with its text."""
    text = " ".join(part for part in (prefix, given, family) if part)
    name: Element = {"use": "official", "text": text, "family": family, "given": given.split()}
    return {**name, "prefix": [prefix]} if prefix else name


def telephone(ending: str, use: str = "work") -> Element:
    """A ContactPoint with a number that can't be assigned; `ending` is its last two digits."""
    return {"system": "phone", "value": f"+47 00 12 34 {ending}", "use": use}


def web_page(host: str) -> Element:
    """A ContactPoint with a web page on a host that can't exist (RFC 2606)."""
    return {"system": "url", "value": f"https://{host}.example/"}


def address(line: str, postal_code: str, city: str) -> Element:
    """A Norwegian Address."""
    return {"use": "work", "line": [line], "postalCode": postal_code, "city": city, "country": "NO"}


def nok(amount: int) -> Element:
    """A Money in Norwegian kroner."""
    return {"value": amount, "currency": "NOK"}


def instant(moment: datetime) -> str:
    """An instant in the surgeries' zone, with its offset."""
    return moment.astimezone(ZONE).isoformat(timespec="seconds")


def days(start: date, end: date) -> Element:
    """A Period of whole days, both inclusive."""
    return {"start": start.isoformat(), "end": end.isoformat()}
