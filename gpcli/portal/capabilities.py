"""What the portal can do, from its CapabilityStatement, cached for a day."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from gpcli.config.atomic_write import write_private_file
from gpcli.errors import BadResponse
from gpcli.fhir.element import Element, Malformed, read_resource
from gpcli.http.client import HttpClient, HttpResponse
from gpcli.model.service import ServiceName
from gpcli.portal.error_mapping import error_from_response

_NOT_FHIR_STATUSES = frozenset({400, 404, 405, 406, 410})
"""Statuses with which servers that are no FHIR servers answer `metadata`."""

CACHE_SECONDS = 24 * 3600
"""How long a cached CapabilityStatement is used, in seconds."""


@dataclass(frozen=True)
class Capabilities:
    """What gpcli reads of a CapabilityStatement (R4).

    The tuples are names of resource types, those that the portal creates, updates and so on.
    `book_operation` is True where the portal has the operation `Appointment/$book`.
    """

    batch: bool
    creates: tuple[str, ...]
    conditional_creates: tuple[str, ...]
    updates: tuple[str, ...]
    searches: tuple[str, ...]
    transaction: bool = False
    book_operation: bool = False
    implementation_guides: tuple[str, ...] = ()


_FIELDS = {field.name for field in fields(Capabilities)}
_BOOLEAN_FIELDS = {"batch", "transaction", "book_operation"}


def fetch_capabilities(client: HttpClient, cache: Path, now: float) -> Capabilities:
    """Return the cached capabilities of a portal while fresh; else fetch and cache them.

    `now` is a POSIX timestamp.

    Raises:
        BadResponse: the portal is no FHIR R4 server.
        GpcliError: the request failed.
    """
    path = _cache_path(cache, client.base)
    cached = _read_cache(path, now)
    if cached:
        return cached
    fetched = parse_metadata_response(client.get("metadata"), client)
    with suppress(OSError):  # without a cache they are fetched every time
        write_private_file(path, json.dumps({"at": now, **asdict(fetched)}))
    return fetched


def delete_cached_capabilities(cache: Path, base: str) -> None:
    """Delete the cached capabilities of the portal with the FHIR base URL `base`."""
    with suppress(OSError):  # then the cached ones are used until they expire
        _cache_path(cache, base).unlink(missing_ok=True)


def parse_metadata_response(response: HttpResponse, client: HttpClient) -> Capabilities:
    """Return the capabilities in a response to `metadata`; raise as `fetch_capabilities` does."""
    if response.status in _NOT_FHIR_STATUSES:
        raise _not_fhir(client)
    if response.status >= 400:
        raise error_from_response(response)
    if response.status >= 300:
        raise _not_fhir(client, ": it leads on to another address, and gpcli does not follow")
    return _read_body(response.body, client)


def read_capabilities(statement: Element) -> Capabilities:
    """Return what a CapabilityStatement says of the server. Raises Malformed."""
    servers = [rest for rest in statement.children("rest") if rest.string("mode") != "client"]
    resources = [each for server in servers for each in server.children("resource")]
    system = {code for server in servers for code in _interactions(server)}
    return Capabilities(
        batch="batch" in system,
        creates=_read_types(each for each in resources if "create" in _interactions(each)),
        conditional_creates=_read_types(
            each for each in resources if each.boolean("conditionalCreate")
        ),
        updates=_read_types(each for each in resources if "update" in _interactions(each)),
        searches=_read_types(each for each in resources if "search-type" in _interactions(each)),
        transaction="transaction" in system,
        book_operation=any(
            _has_book_operation(each)
            for each in [
                *servers,
                *(each for each in resources if each.string("type") == "Appointment"),
            ]
        ),
        implementation_guides=statement.strings("implementationGuide"),
    )


_NEEDED_FOR_THREADS = (("Communication", "c"), ("Communication", "s"))

_REQUIREMENTS: dict[ServiceName, tuple[tuple[str, str], ...]] = {
    ServiceName.E_CONSULTATION: _NEEDED_FOR_THREADS,
    ServiceName.CONTACT: _NEEDED_FOR_THREADS,
    ServiceName.PRESCRIPTION_RENEWAL: (("MedicationRequest", "s"), ("Task", "c"), ("Task", "s")),
    ServiceName.BOOKING: (("Slot", "s"), ("Appointment", "c"), ("Appointment", "s")),
    ServiceName.BOOKING_ENQUIRY: (("Appointment", "c"), ("Appointment", "s")),
    ServiceName.CANCELLATION: (("Appointment", "u"), ("Appointment", "s")),
    ServiceName.FLU_VACCINATION: (("Slot", "s"), ("Appointment", "c"), ("Appointment", "s")),
}
"""The interactions that each service needs of the scopes and the portal, as SMART v2 letters."""

_BOOKING_SERVICES = frozenset({ServiceName.BOOKING, ServiceName.FLU_VACCINATION})
_CREATE_APPOINTMENT = ("Appointment", "c")
"""The interaction that `Appointment/$book` takes the place of."""

_V1_LETTERS = {"read": "rs", "write": "cud", "*": "cruds"}
"""SMART v1 permission -> the v2 letters for the same."""


def permitted_services(scopes: str | None, capabilities: Capabilities) -> frozenset[ServiceName]:
    """Return the services that the granted scopes and the portal permit.

    `scopes` `None` means that they are unknown: then all that the portal permits.
    """
    granted = None if scopes is None else _parse_scopes(scopes)
    types_by_letter = {
        "c": capabilities.creates,
        "u": capabilities.updates,
        "s": capabilities.searches,
    }

    def is_permitted(service: ServiceName, resource_type: str, letter: str) -> bool:
        creates_appointment = (resource_type, letter) == _CREATE_APPOINTMENT
        can_book = capabilities.book_operation and service in _BOOKING_SERVICES
        if resource_type not in types_by_letter[letter] and not (creates_appointment and can_book):
            return False
        return granted is None or _is_granted(granted, resource_type, letter)

    return frozenset(
        service
        for service in ServiceName
        if all(is_permitted(service, *required) for required in _REQUIREMENTS[service])
    )


def _parse_scopes(scopes: str) -> dict[str, str]:
    """Return the granted SMART v2 letters by resource type, where `*` is every type."""
    granted: dict[str, str] = {}
    for scope in scopes.split():
        context, _, rest = scope.partition("/")
        resource_type, _, letters = rest.partition("?")[0].partition(".")
        if context in {"patient", "user", "system"}:
            granted[resource_type] = granted.get(resource_type, "") + _V1_LETTERS.get(
                letters, _parse_v2_letters(letters)
            )
    return granted


def _parse_v2_letters(letters: str) -> str:
    return letters if set(letters) <= set("cruds") else ""


def _is_granted(granted: dict[str, str], resource_type: str, letter: str) -> bool:
    return letter in granted.get(resource_type, "") + granted.get("*", "")


def _cache_path(cache: Path, base: str) -> Path:
    return cache / f"capabilities-{hashlib.sha256(base.encode()).hexdigest()[:16]}.json"


def _read_cache(path: Path, now: float) -> Capabilities | None:
    try:
        cached = json.loads(path.read_text(encoding="utf-8"))
        if not 0 <= now - cached["at"] < CACHE_SECONDS:
            return None
        values: dict[str, Any] = {name: tuple(cached[name]) for name in _FIELDS - _BOOLEAN_FIELDS}
        values |= {name: cached[name] is True for name in _BOOLEAN_FIELDS}
        return Capabilities(**values)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _read_body(body: object, client: HttpClient) -> Capabilities:
    try:
        statement = read_resource(body)
    except Malformed:
        raise _not_fhir(client) from None
    if statement.resource_type != "CapabilityStatement":
        raise _not_fhir(client)
    try:
        _require_r4(statement)
        return read_capabilities(statement)
    except Malformed as error:
        raise BadResponse(f"The portal's answer can't be read: {error}.") from error


def _require_r4(statement: Element) -> None:
    version = statement.string("fhirVersion") or ""
    if not version.startswith("4.0"):
        raise BadResponse(
            f"The portal speaks FHIR {version or 'of no version'}, not R4 (4.0.1).",
            hint="It may have another address for R4: ask the people who run it.",
        )


def _not_fhir(client: HttpClient, reason: str = "") -> BadResponse:
    return BadResponse(
        f"{client.base} is not a FHIR portal{reason}.",
        hint="Check the URL: it is the portal's FHIR base, such as https://portal.example/fhir/R4.",
    )


def _interactions(element: Element) -> set[str | None]:
    return {each.string("code") for each in element.children("interaction")}


def _has_book_operation(element: Element) -> bool:
    """Return whether a server or a resource lists the operation, with or without its `$`."""
    names = (each.string("name") or "" for each in element.children("operation"))
    return any(name.removeprefix("$") == "book" for name in names)


def _read_types(resources: Iterable[Element]) -> tuple[str, ...]:
    return tuple(each.require_string("type") for each in resources)
