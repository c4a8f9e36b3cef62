"""What the portal can do, from its CapabilityStatement, kept for a day."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
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

_ELSEWHERE = frozenset({400, 404, 405, 406, 410})
"""What servers that don't speak FHIR answer."""

CACHE_SECONDS = 24 * 3600
"""How long a CapabilityStatement is believed, in seconds."""


@dataclass(frozen=True)
class Capabilities:
    """What gpcli asks of a CapabilityStatement (R4): lists are names of resource types.

    `book_operation` says that there is `Appointment/$book`.
    """

    batch: bool
    creates: tuple[str, ...]
    conditional_creates: tuple[str, ...]
    updates: tuple[str, ...]
    searches: tuple[str, ...]
    transaction: bool = False
    book_operation: bool = False


_NAMES = {each.name for each in fields(Capabilities)}
_FLAGS = {"batch", "transaction", "book_operation"}


def fetch_capabilities(client: HttpClient, cache: Path, now: float) -> Capabilities:
    """The kept statement if it is fresh, else the portal's own.

    Raises BadResponse when the portal isn't a FHIR R4 server, or what the door raises.
    """
    path = _path(cache, client.base)
    kept = _kept(path, now)
    if kept:
        return kept
    read = parse_metadata_response(client.get("metadata"), client)
    with suppress(OSError):  # without a cache it is asked for every time
        write_private_file(path, json.dumps({"at": now, **asdict(read)}))
    return read


def delete_cached_capabilities(cache: Path, base: str) -> None:
    """Have the portal with the FHIR base `base` asked anew: at a sign-in it may have changed."""
    with suppress(OSError):  # then the old one is believed for its day
        _path(cache, base).unlink(missing_ok=True)


def parse_metadata_response(answer: HttpResponse, client: HttpClient) -> Capabilities:
    """What the answer to a question for the statement says; raises as `fetch_capabilities` does."""
    if answer.status >= 400:
        raise _not_fhir(client) if answer.status in _ELSEWHERE else error_from_response(answer)
    if answer.status >= 300:
        raise _not_fhir(client, ": it leads on to another address, and gpcli does not follow")
    return _read(answer.body, client)


def read_capabilities(statement: Element) -> Capabilities:
    """A CapabilityStatement in our words; raises Malformed."""
    rest = [each for each in statement.children("rest") if each.string("mode") != "client"]
    resources = [each for server in rest for each in server.children("resource")]
    system = {code for server in rest for code in _interactions(server)}
    return Capabilities(
        batch="batch" in system,
        creates=_types(each for each in resources if "create" in _interactions(each)),
        conditional_creates=_types(each for each in resources if each.boolean("conditionalCreate")),
        updates=_types(each for each in resources if "update" in _interactions(each)),
        searches=_types(each for each in resources if "search-type" in _interactions(each)),
        transaction="transaction" in system,
        book_operation=any(map(_books, [*rest, *_of_type(resources, "Appointment")])),
    )


_THREADS = (("Communication", "c"), ("Communication", "s"))

_NEEDS: dict[ServiceName, tuple[tuple[str, str], ...]] = {
    ServiceName.E_CONSULTATION: _THREADS,
    ServiceName.CONTACT: _THREADS,
    ServiceName.PRESCRIPTION_RENEWAL: (("MedicationRequest", "s"), ("Task", "c"), ("Task", "s")),
    ServiceName.BOOKING: (("Slot", "s"), ("Appointment", "c"), ("Appointment", "s")),
    ServiceName.BOOKING_ENQUIRY: (("Appointment", "c"), ("Appointment", "s")),
    ServiceName.CANCELLATION: (("Appointment", "u"), ("Appointment", "s")),
    ServiceName.FLU_VACCINATION: (("Slot", "s"), ("Appointment", "c"), ("Appointment", "s")),
}
"""What each service asks of the sign-in's scopes and of the portal, as SMART v2 letters."""

_BOOKED = frozenset({ServiceName.BOOKING, ServiceName.FLU_VACCINATION})
_BOOKING = ("Appointment", "c")
"""What `Appointment/$book` does in place of a create."""

_V1 = {"read": "rs", "write": "cud", "*": "cruds"}


def permitted_services(scopes: str | None, can: Capabilities) -> frozenset[ServiceName]:
    """The services that the granted scopes and the portal allow; scopes `None` = not known."""
    granted = None if scopes is None else _letters(scopes)
    offered = {"c": can.creates, "u": can.updates, "s": can.searches}

    def has(name: ServiceName, kind: str, letter: str) -> bool:
        by_operation = can.book_operation and name in _BOOKED and (kind, letter) == _BOOKING
        if kind not in offered[letter] and not by_operation:
            return False
        return granted is None or _grants(granted, kind, letter)

    return frozenset(
        name for name in ServiceName if all(has(name, *needed) for needed in _NEEDS.get(name, ()))
    )


def _letters(scopes: str) -> dict[str, str]:
    granted: dict[str, str] = {}
    for scope in scopes.split():
        context, _, rest = scope.partition("/")
        kind, _, letters = rest.partition("?")[0].partition(".")
        if context in {"patient", "user", "system"}:
            granted[kind] = granted.get(kind, "") + _V1.get(letters, _v2(letters))
    return granted


def _v2(letters: str) -> str:
    return letters if set(letters) <= set("cruds") else ""


def _grants(granted: dict[str, str], kind: str, letter: str) -> bool:
    return letter in granted.get(kind, "") + granted.get("*", "")


def _path(cache: Path, base: str) -> Path:
    return cache / f"capabilities-{hashlib.sha256(base.encode()).hexdigest()[:16]}.json"


def _kept(path: Path, now: float) -> Capabilities | None:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if not 0 <= now - kept["at"] < CACHE_SECONDS:
            return None
        read: dict[str, Any] = {name: tuple(kept[name]) for name in _NAMES - _FLAGS}
        read |= {name: kept[name] is True for name in _FLAGS}
        return Capabilities(**read)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _read(body: object, client: HttpClient) -> Capabilities:
    try:
        statement = read_resource(body)
    except Malformed:
        raise _not_fhir(client) from None
    if statement.resource_type != "CapabilityStatement":
        raise _not_fhir(client)
    try:
        _require_r4(statement)
        return read_capabilities(statement)
    except Malformed as flaw:
        raise BadResponse(f"The portal's answer can't be read: {flaw}.") from flaw


def _require_r4(statement: Element) -> None:
    version = statement.string("fhirVersion") or ""
    if not version.startswith("4.0"):
        raise BadResponse(
            f"The portal speaks FHIR {version or 'of no version'}, not R4 (4.0.1).",
            hint="It may have another address for R4: ask the people who run it.",
        )


def _not_fhir(client: HttpClient, why: str = "") -> BadResponse:
    return BadResponse(
        f"{client.base} is not a FHIR portal{why}.",
        hint="Check the URL: it is the portal's FHIR base, such as https://portal.example/fhir/R4.",
    )


def _interactions(element: Element) -> set[str | None]:
    return {each.string("code") for each in element.children("interaction")}


def _of_type(resources: Iterable[Element], kind: str) -> Iterator[Element]:
    return (each for each in resources if each.string("type") == kind)


def _books(holder: Element) -> bool:
    """Whether a server or a type lists the operation; some write it with its `$`."""
    names = (each.string("name") or "" for each in holder.children("operation"))
    return any(name.removeprefix("$") == "book" for name in names)


def _types(resources: Iterable[Element]) -> tuple[str, ...]:
    return tuple(each.require_string("type") for each in resources)
