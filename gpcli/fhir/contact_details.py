"""Telephones, addresses and the like: those that hold now, the first to be used first.

Source: R4 ContactPoint, Address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from gpcli.fhir.element import Element
from gpcli.fhir.validity import Validity, describe_period, is_current, read_validity

_LISTS = {"phone": "phones", "email": "emails", "url": "websites"}
"""System of a ContactPoint -> the list it belongs to; any other stands with its system."""

_TELECOM_ORDER: Mapping[str | None, int] = {"work": 0, None: 1, "mobile": 2, "temp": 3, "home": 4}
_PERSONAL_ORDER: Mapping[str | None, int] = {"mobile": 0, "temp": 1, "home": 2, None: 3, "work": 4}
"""The order in which a patient's telephones are called, by `use`."""

_ADDRESS_ORDER = {"physical": 0, "both": 0, None: 1, "postal": 2}
_LAST = 9
_NO_RANK = Decimal(10**9)


@dataclass
class ContactDetails:
    """How to reach a GP; `remarks` are sentences on what is temporary or to come."""

    phones: list[str] = field(default_factory=list)
    emails: list[str] = field(default_factory=list)
    websites: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def read_contact_details(records: Sequence[Element], now: datetime) -> ContactDetails:
    """Return the contact details of `records`, those of the first record first.

    What has ended is left out. Within a record telecoms are in the order of their `rank`, then by
    `use`; addresses to visit come before those for letters, and these before those for bills.
    """
    details = ContactDetails()
    telecoms = [each for record in records for each in _telecoms(record)]
    for point in _select_current(telecoms, now, details, _format_telecom):
        system, value = point.string("system") or "", point.string("value") or ""
        name = _LISTS.get(system, "others")
        known: list[str] = getattr(details, name)
        _add(known, _format_telecom(point) if name == "others" else value)
    addresses = [each for record in records for each in _addresses(record)]
    for address in _select_current(addresses, now, details, _format_address):
        _add(details.addresses, _format_address(address))
    return details


def read_phones(patient: Element, now: datetime) -> tuple[str, ...]:
    """Return the telephone numbers of a Patient that hold at `now`, each once.

    They are in the order of their `rank`, then by `use`: mobile ones first.

    Source: R4 Patient.telecom, ContactPoint.
    """
    points = (each for each in patient.children("telecom") if each.string("system") == "phone")
    ordered = sorted(points, key=lambda point: _telecom_order(point, _PERSONAL_ORDER))
    numbers = (each.string("value") for each in ordered if is_current(each, now))
    return tuple(dict.fromkeys(filter(None, numbers)))


def _telecoms(record: Element) -> list[Element]:
    points = [point for point in record.children("telecom") if point.string("value")]
    return sorted(points, key=_telecom_order)


def _telecom_order(
    point: Element, by_use: Mapping[str | None, int] = _TELECOM_ORDER
) -> tuple[Decimal, int]:
    rank = point.decimal("rank")
    use = by_use.get(point.string("use"), _LAST)
    return (_NO_RANK if rank is None else rank, use)


def _addresses(record: Element) -> list[Element]:
    if record.resource_type == "Location":
        single = record.child("address")
        return [single] if single else []
    if record.resource_type not in {"Organization", "Practitioner"}:
        return []
    return sorted(record.children("address"), key=_address_order)


def _address_order(address: Element) -> tuple[bool, int]:
    is_for_bills = address.string("use") == "billing"
    return is_for_bills, _ADDRESS_ORDER.get(address.string("type"), _LAST)


def _select_current(
    elements: Iterable[Element],
    now: datetime,
    details: ContactDetails,
    format_element: Callable[[Element], str],
) -> Iterator[Element]:
    """Yield the elements that hold at `now`; add remarks on those that do so for a time only."""
    for element in elements:
        validity, text = read_validity(element, now), format_element(element)
        if not text or validity is Validity.ENDED:
            continue
        when = describe_period(element, now)
        if validity is Validity.TO_COME:
            _add(details.remarks, f"{text} holds {when}.")
            continue
        if element.string("use") == "temp":
            _add(details.remarks, f"{text} is temporary{', ' if when else ''}{when}.")
        yield element


def _format_telecom(point: Element) -> str:
    system = point.string("system")
    words = (system if system not in _LISTS else None, point.string("value"))
    return " ".join(filter(None, words))


def _format_address(address: Element) -> str:
    city = " ".join(filter(None, (address.string("postalCode"), address.string("city"))))
    lines = (
        *address.strings("line"),
        address.string("district"),
        city,
        address.string("state"),
        address.string("country"),
    )
    return address.string("text") or ", ".join(filter(None, lines))


def _add(known: list[str], text: str) -> None:
    if text and text not in known:
        known.append(text)
