"""Decide what a request may see and do: token scopes, consent, and the patient compartment."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.fhir.elements import Resource, codes
from gpcli.sandbox.fhir.operation_outcome import FhirError, forbidden
from gpcli.sandbox.fhir.resource_types import RESOURCE_TYPES, ResourceType
from gpcli.sandbox.fhir.search_query import (
    NOT_DELETED,
    SearchContext,
    SqlFragment,
    any_of,
    of_type,
    parameter_condition,
    referenced_from,
    select_resources,
    with_ids,
)
from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery.simulator import SurgerySimulator

_SCOPE = re.compile(r"(?P<level>patient|system)/(?P<type>\*|[A-Za-z]+)\.(?P<letters>[a-z]+|\*)")
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}
_V2 = re.compile(r"c?r?u?d?s?")
_INTERACTION_VERBS = {"c": "create", "r": "read", "u": "change", "d": "delete", "s": "search"}
CONSENT_LEVEL_SYSTEM = "urn:gpcli:consent-level"
CONSENT_LEVELS = ("basic", "basic-plus", "full-access")
"""The consent levels, lowest first."""
FULL_ACCESS = "full-access"
BOOKING_MODES = ("post", "operation", "transaction")
"""What takes a time: a POST, `Appointment/$book`, or an update of the Slot by the app."""


@dataclass(frozen=True)
class AccessRights:
    """The rights that an access token gives.

    `patient` is the logical id of the Patient in context; it is empty for a backend service, which
    has `system/` scopes. `fhir_user` is the reference of who is signed in; `scopes` are those
    granted.

    Source: SMART App Launch 2.2, Scopes and Launch Context.
    """

    patient: str
    fhir_user: str
    scopes: frozenset[str]

    @property
    def is_backend(self) -> bool:
        """Whether the token belongs to a backend service."""
        return not self.patient

    @property
    def patient_reference(self) -> str:
        """The relative reference of the Patient in context."""
        return f"Patient/{self.patient}"

    def interactions(self, type_: str) -> frozenset[str]:
        """Return the interactions granted on a type, as letters of `cruds`.

        A scope with a query part grants nothing, since such constraints are not supported.
        """
        level = "system" if self.is_backend else "patient"
        parsed = (_SCOPE.fullmatch(scope) for scope in self.scopes)
        return frozenset(
            interaction
            for scope in parsed
            if scope and scope["level"] == level and scope["type"] in ("*", type_)
            for interaction in _expand_interactions(scope["letters"])
        )

    def require(self, type_: str, interaction: str) -> None:
        """Raise 403 unless the interaction, a letter of `cruds`, is granted on the type."""
        if interaction not in self.interactions(type_):
            verb = _INTERACTION_VERBS[interaction]
            raise forbidden(f"This sign-in does not let the app {verb} {type_} resources.")


def _expand_interactions(text: str) -> str:
    """Return the letters of `cruds` for the end of a scope, v1 or v2; empty for any other."""
    return _V1.get(text, text if _V2.fullmatch(text) else "")


FindAccessRights = Callable[[str], AccessRights | None]
"""Finds the rights of an access token; None if it is unknown, expired or revoked."""


def consent_level(store: Store, patient: str) -> str:
    """Return the highest level of the patient's active Consents; `basic` without any."""
    active = store.find("Consent", patient=f"Patient/{patient}", status="active")
    levels = [code for consent in active for code in consent_levels(consent)]
    return max(levels, key=CONSENT_LEVELS.index, default="basic")


def consent_levels(consent: Resource) -> Iterable[str]:
    """Return the known levels that a Consent grants."""
    if consent.get("provision", {}).get("type") == "deny":
        return []
    return [
        code
        for code in codes(consent.get("policyRule"), CONSENT_LEVEL_SYSTEM)
        if code in CONSENT_LEVELS
    ]


def has_full_access(store: Store, patient: str) -> bool:
    """Return whether the patient has consented to Full Access."""
    return consent_level(store, patient) == FULL_ACCESS


def require_full_access(store: Store, patient: str) -> None:
    """Raise 403 `consent-needed` unless the patient has consented to Full Access."""
    if not has_full_access(store, patient):
        text = "This needs your consent to Full Access, which you can give in the portal."
        raise forbidden(text, reason="consent-needed")


@dataclass(frozen=True)
class ServerContext:
    """What all requests share.

    `base` returns the FHIR base address; `booking` is one of BOOKING_MODES, ValueError for others.
    """

    store: Store
    clock: Clock
    surgery: SurgerySimulator
    base: Callable[[], str]
    booking: str = "post"

    def __post_init__(self) -> None:
        if self.booking not in BOOKING_MODES:
            known = ", ".join(BOOKING_MODES)
            raise ValueError(f"booking is one of {known}, not {self.booking!r}")


@dataclass(frozen=True)
class RequestContext:
    """The server and the rights of one request; `strict` is `Prefer: handling=strict`."""

    server: ServerContext
    rights: AccessRights
    strict: bool = False

    @property
    def store(self) -> Store:
        """The resource store."""
        return self.server.store

    @property
    def base(self) -> str:
        """The FHIR base address, without a trailing slash."""
        return self.server.base()

    @property
    def search_context(self) -> SearchContext:
        """The context of searches by this caller."""
        return SearchContext(self.base, self.server.clock.now(), self.rights.patient)

    def require_interaction(self, type_: str, interaction: str) -> None:
        """Require an interaction, a letter of `cruds`, to be allowed on a type.

        Raises:
            FhirError: 404 (type not served), 405 (not offered), or 403 (not granted, no consent).
        """
        resource_type = require_resource_type(type_)
        if not self.rights.is_backend and interaction not in resource_type.interactions:
            text = f"The portal does not let apps do this to {type_}."
            raise FhirError(405, "not-supported", text, headers={"Allow": "GET, HEAD"})
        self.rights.require(type_, interaction)
        if resource_type.needs_full_access and not self.rights.is_backend:
            require_full_access(self.store, self.rights.patient)

    def can_include(self, type_: str) -> bool:
        """Return whether a search of another type may include resources of this type."""
        if type_ not in RESOURCE_TYPES or "r" not in self.rights.interactions(type_):
            return False
        if self.rights.is_backend or not RESOURCE_TYPES[type_].needs_full_access:
            return True
        return has_full_access(self.store, self.rights.patient)

    def visibility_conditions(self, type_: str) -> list[SqlFragment]:
        """Return the conditions that select what the caller may see of a type."""
        resource_type = RESOURCE_TYPES[type_]
        if self.rights.is_backend or not resource_type.compartment:
            return [of_type(type_)]
        in_compartment = parameter_condition(
            type_, resource_type.compartment, self.rights.patient, self.search_context
        )
        referenced = [
            self._referenced_by(type_, holder, name) for holder, name in resource_type.referenced_by
        ]
        return [of_type(type_), any_of([in_compartment, *referenced])]

    def _referenced_by(self, type_: str, holder: str, name: str) -> SqlFragment:
        """Select what the caller's own `holder` resources refer to by parameter `name`."""
        holders = select_resources("rid", [NOT_DELETED, *self.visibility_conditions(holder)])
        return referenced_from(type_, f"{holder}.{name}", holders)

    def read_resources(
        self, type_: str, conditions: list[SqlFragment]
    ) -> list[tuple[int, Resource]]:
        """Return row ids and resources that the caller may see and that meet the conditions."""
        statement = select_resources(
            "rid, body", [NOT_DELETED, *self.visibility_conditions(type_), *conditions]
        )
        return [(rid, json.loads(body)) for rid, body in self.store.execute(*statement)]

    def can_see(self, type_: str, id_: str) -> bool:
        """Return whether the caller may see the resource, deleted or not."""
        statement = select_resources("rid", [*self.visibility_conditions(type_), with_ids([id_])])
        return bool(self.store.execute(*statement))


def redact_slot(resource: Resource) -> Resource:
    """Return the resource; a taken Slot without its comment and text."""
    if resource["resourceType"] != "Slot" or resource["status"] == "free":
        return resource
    return {name: value for name, value in resource.items() if name not in ("comment", "text")}


def require_resource_type(type_: str) -> ResourceType:
    """Return the definition of a resource type.

    Raises:
        FhirError: 404 if the type is not served.
    """
    if type_ not in RESOURCE_TYPES:
        raise FhirError(404, "not-supported", f"The portal has no resources of type {type_}.")
    return RESOURCE_TYPES[type_]
