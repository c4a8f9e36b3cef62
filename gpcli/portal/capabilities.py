"""What the portal can do, from its CapabilityStatement, cached for a day."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

from gpcli.config.json_cache import CachedJson
from gpcli.errors import BadResponse
from gpcli.fhir.element import Element, Malformed, read_resource
from gpcli.http.client import HttpClient, HttpResponse
from gpcli.model.service import BOOKABLE, ServiceName
from gpcli.portal.error_mapping import error_from_response

_NOT_FHIR_STATUSES = frozenset({400, 404, 405, 406, 410})
"""Statuses with which servers that are no FHIR servers answer `metadata`."""

CACHE_SECONDS = 24 * 3600
"""How long a cached CapabilityStatement is used, in seconds."""

OTHER_WAY_HINT = "Use the portal's own page, or call the surgery."
"""What a person can do about what the portal's description does not list."""

_CACHED = "capabilities"
_IN_USE = (None, "draft", "active", "unknown")
"""CapabilityStatement.status, a modifier, of those that are not retired."""


_NamesByType = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Capabilities:
    """What gpcli reads of a CapabilityStatement (R4).

    `creates`, `updates`, `searches`, `reads`, `version_reads` and `patches` are the resource types
    with that interaction, `undescribed` those that are listed without any. `types` are all that are
    listed.
    `search_params`, `includes` and `revincludes` are what may be sent in a search, by type; of a
    type that is absent there nothing is said. `server_search_params` are for every type.
    `operations` are names without `$`, by type, those of the whole server under `""`.
    `implementation_guides` are canonical URLs without a version, of guides and of the statements
    that this one follows (`instantiates`).
    """

    batch: bool
    creates: tuple[str, ...]
    conditional_creates: tuple[str, ...]
    updates: tuple[str, ...]
    searches: tuple[str, ...]
    transaction: bool = False
    types: tuple[str, ...] = ()
    undescribed: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    version_reads: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    search_params: _NamesByType = field(default_factory=dict)
    includes: _NamesByType = field(default_factory=dict)
    revincludes: _NamesByType = field(default_factory=dict)
    server_search_params: tuple[str, ...] = ()
    operations: _NamesByType = field(default_factory=dict)
    implementation_guides: tuple[str, ...] = ()

    @property
    def lists_types(self) -> bool:
        """Whether the statement names resource types; where it doesn't, it says nothing of them."""
        return bool(self.types)

    def has_type(self, resource_type: str) -> bool:
        """Return whether the portal has a resource type, as far as it says."""
        return not self.lists_types or resource_type in self.types

    def can_search(self, resource_type: str) -> bool:
        """Return whether a type can be searched for, as far as the portal says."""
        return self._can(resource_type, self.searches)

    def can_read(self, resource_type: str) -> bool:
        """Return whether a record of a type can be read by its id, as far as the portal says."""
        return self._can(resource_type, self.reads)

    def can_create(self, resource_type: str) -> bool:
        """Return whether a record of a type can be created, as far as the portal says."""
        return self._can(resource_type, self.creates)

    def can_create_conditionally(self, resource_type: str) -> bool:
        """Return whether a create may carry `If-None-Exist`, as far as the portal says.

        That it is heeded is known only of the types in `conditional_creates`.
        """
        return self._can(resource_type, self.conditional_creates)

    def can_change(self, resource_type: str) -> bool:
        """Return whether a record of a type can be changed, by update or patch."""
        return self._can(resource_type, (*self.updates, *self.patches))

    def can_update(self, resource_type: str) -> bool:
        """Return whether a record of a type can be put back, as far as the portal says."""
        return self._can(resource_type, self.updates)

    def has_operation(self, name: str, resource_type: str = "") -> bool:
        """Return whether the portal lists the operation `$name`, for a type or the whole server."""
        listed = (*self.operations.get("", ()), *self.operations.get(resource_type, ()))
        return name in listed

    @property
    def book_operation(self) -> bool:
        """Whether the portal lists `Appointment/$book`."""
        return self.has_operation("book", "Appointment")

    @property
    def find_operation(self) -> bool:
        """Whether the portal lists `Appointment/$find`."""
        return self.has_operation("find", "Appointment")

    def _can(self, resource_type: str, listed: Collection[str]) -> bool:
        is_silent = not self.lists_types or resource_type in self.undescribed
        return is_silent or resource_type in listed


_FIELDS = {each.name for each in fields(Capabilities)}
_BOOLEAN_FIELDS = {"batch", "transaction"}
_MAPPING_FIELDS = {"search_params", "includes", "revincludes", "operations"}


def fetch_capabilities(client: HttpClient, cache: Path, now: float) -> Capabilities:
    """Return the cached capabilities of a portal while fresh; else fetch and cache them.

    `now` is a POSIX timestamp.

    Raises:
        BadResponse: the portal is no FHIR R4 server.
        GpcliError: the request failed.
    """
    file = CachedJson(cache, _CACHED, client.base)
    cached = _read_cache(file, now)
    if cached:
        return cached
    fetched = parse_metadata_response(client.get("metadata"), client)
    file.write(asdict(fetched), now)
    return fetched


def delete_cached_capabilities(cache: Path, base: str) -> None:
    """Delete the cached capabilities of the portal with the FHIR base URL `base`."""
    CachedJson(cache, _CACHED, base).delete()


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
    """Return what a CapabilityStatement says of the server. Raises Malformed.

    One that is no longer in use, or has a status that R4 does not have, says nothing.
    """
    if statement.string("status") not in _IN_USE:
        return Capabilities(False, (), (), (), ())
    servers = [rest for rest in statement.children("rest") if rest.string("mode") != "client"]
    resources = [each for server in servers for each in server.children("resource")]
    system = {code for server in servers for code in _interactions(server)}
    with_interaction = partial(_read_types_with, resources)
    return Capabilities(
        batch="batch" in system,
        creates=with_interaction("create"),
        conditional_creates=_read_types(
            each for each in resources if each.boolean("conditionalCreate")
        ),
        updates=with_interaction("update"),
        searches=with_interaction("search-type"),
        transaction="transaction" in system,
        types=_read_types(resources),
        undescribed=_read_undescribed(resources),
        reads=with_interaction("read"),
        version_reads=with_interaction("vread"),
        patches=with_interaction("patch"),
        search_params=_names_by_type(resources, _search_params),
        includes=_names_by_type(resources, lambda each: each.strings("searchInclude")),
        revincludes=_names_by_type(resources, lambda each: each.strings("searchRevInclude")),
        server_search_params=_unique(name for each in servers for name in _search_params(each)),
        operations=_names_by_type(resources, _operations)
        | _omit_empty({"": _unique(name for each in servers for name in _operations(each))}),
        implementation_guides=_read_guides(statement),
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

_STAND_INS: dict[tuple[str, str], tuple[str, frozenset[ServiceName], tuple[str, str]]] = {
    ("Appointment", "c"): ("book", BOOKABLE, ("Appointment", "c")),
    ("Appointment", "u"): ("book", frozenset({ServiceName.CANCELLATION}), ("Appointment", "c")),
    ("Slot", "s"): ("find", BOOKABLE, ("Appointment", "s")),
}
"""An interaction -> the operation on Appointment that does its work, for which services, and the
interaction that the scopes must grant for it."""

_V1_LETTERS = {"read": "rs", "write": "cud", "*": "cruds"}
"""SMART v1 permission -> the v2 letters for the same."""


def permitted_services(scopes: str | None, capabilities: Capabilities) -> frozenset[ServiceName]:
    """Return the services that the granted scopes and the portal permit.

    `scopes` `None` means that they are unknown: then all that the portal permits. A portal whose
    statement lists no types permits everything.
    """
    granted = None if scopes is None else _parse_scopes(scopes)
    can_by_letter = {
        "c": capabilities.can_create,
        "u": capabilities.can_change,
        "s": capabilities.can_search,
    }

    def is_granted(resource_type: str, letter: str) -> bool:
        return granted is None or _is_granted(granted, resource_type, letter)

    def is_permitted(service: ServiceName, resource_type: str, letter: str) -> bool:
        if can_by_letter[letter](resource_type) and is_granted(resource_type, letter):
            return True
        operation, services, needed = _STAND_INS.get((resource_type, letter), ("", (), ("", "")))
        has_stand_in = service in services and capabilities.has_operation(operation, "Appointment")
        return has_stand_in and is_granted(*needed)

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


def _read_cache(file: CachedJson, now: float) -> Capabilities | None:
    cached, age = file.read(now) or ({}, CACHE_SECONDS)
    if not 0 <= age < CACHE_SECONDS:
        return None
    try:
        tuples = _FIELDS - _BOOLEAN_FIELDS - _MAPPING_FIELDS
        values: dict[str, Any] = {name: tuple(cached[name]) for name in tuples}
        values |= {name: cached[name] is True for name in _BOOLEAN_FIELDS}
        for name in _MAPPING_FIELDS:
            values[name] = {kind: tuple(names) for kind, names in cached[name].items()}
        return Capabilities(**values)
    except (LookupError, TypeError, AttributeError):
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


def _read_types(resources: Iterable[Element]) -> tuple[str, ...]:
    return _unique(each.require_string("type") for each in resources)


def _read_types_with(resources: Iterable[Element], interaction: str) -> tuple[str, ...]:
    return _read_types(each for each in resources if interaction in _interactions(each))


def _read_undescribed(resources: Sequence[Element]) -> tuple[str, ...]:
    described = _read_types(each for each in resources if _interactions(each))
    return tuple(each for each in _read_types(resources) if each not in described)


def _names_by_type(
    resources: Iterable[Element], read: Callable[[Element], Iterable[str]]
) -> dict[str, tuple[str, ...]]:
    """Return what `read` gives for each type, together where a type is listed several times."""
    names: dict[str, tuple[str, ...]] = {}
    for each in resources:
        resource_type = each.require_string("type")
        names[resource_type] = _unique((*names.get(resource_type, ()), *read(each)))
    return _omit_empty(names)


def _omit_empty(names: _NamesByType) -> dict[str, tuple[str, ...]]:
    return {resource_type: each for resource_type, each in names.items() if each}


def _search_params(element: Element) -> Iterator[str]:
    return filter(None, (each.string("name") for each in element.children("searchParam")))


def _operations(element: Element) -> Iterator[str]:
    """Yield the names of operations, without `$`: as they are listed, and as they are defined.

    A definition is called as the operation, or has the resource type before it (`Patient-match`).
    """
    prefix = f"{element.string('type') or ''}-".lower()
    for operation in element.children("operation"):
        defined = (operation.string("definition") or "").partition("|")[0].rpartition("/")[2]
        short = defined[len(prefix) :] if defined.lower().startswith(prefix) else ""
        listed = operation.string("name") or ""
        yield from filter(None, (name.removeprefix("$") for name in (listed, defined, short)))


def _read_guides(statement: Element) -> tuple[str, ...]:
    guides = (*statement.strings("implementationGuide"), *statement.strings("instantiates"))
    return _unique(each.partition("|")[0] for each in guides)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
