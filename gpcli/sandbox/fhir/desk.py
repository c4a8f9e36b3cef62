"""Where a request is dealt with: the portal's parts, and the caller with their rights."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.fhir.access import Grant
from gpcli.sandbox.fhir.catalogue import TYPES, Served
from gpcli.sandbox.fhir.clauses import (
    LIVING,
    Clause,
    Scope,
    clause,
    either,
    named_by,
    of_type,
    reading,
    with_ids,
)
from gpcli.sandbox.fhir.consent import has_full_access, require_full_access
from gpcli.sandbox.fhir.elements import Resource
from gpcli.sandbox.fhir.outcome import Problem
from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery.side import SurgerySide

WAYS_TO_BOOK = ("post", "operation", "transaction")
"""A POST takes the time; only `Appointment/$book` does; or apps put the Slot busy themselves."""


@dataclass(frozen=True)
class Portal:
    """What every request is served from; `base` tells the FHIR base address.

    `booking` is how times are taken here, one of WAYS_TO_BOOK.
    """

    store: Store
    clock: Clock
    surgery: SurgerySide
    base: Callable[[], str]
    booking: str = "post"


@dataclass(frozen=True)
class Desk:
    """One caller at the portal."""

    portal: Portal
    grant: Grant
    strict: bool = False

    @property
    def store(self) -> Store:
        """The portal's record."""
        return self.portal.store

    @property
    def base(self) -> str:
        """The FHIR base address, without a slash at its end."""
        return self.portal.base()

    @property
    def scope(self) -> Scope:
        """Whose searches they are."""
        return Scope(self.base, self.portal.clock.now(), self.grant.patient)

    def admit(self, type_: str, letter: str) -> None:
        """Raise 404, 405 or 403 unless the caller may do `letter` (of `cruds`) with the type."""
        if not self.grant.is_backend and letter not in served(type_).letters:
            text = f"The portal does not let apps do this to {type_}."
            raise Problem(405, "not-supported", text, headers={"Allow": "GET, HEAD"})
        served(type_)
        self.grant.require(type_, letter)
        if TYPES[type_].full_access and not self.grant.is_backend:
            require_full_access(self.store, self.grant.patient)

    def may_include(self, type_: str) -> bool:
        """Whether resources of the type may come along in a search of another type."""
        if type_ not in TYPES or "r" not in self.grant.letters(type_):
            return False
        if self.grant.is_backend or not TYPES[type_].full_access:
            return True
        return has_full_access(self.store, self.grant.patient)

    def own(self, type_: str) -> list[Clause]:
        """The clauses that keep a search to the type and to what the caller may see of it."""
        row = TYPES[type_]
        if self.grant.is_backend or not row.compartment:
            return [of_type(type_)]
        theirs = clause(type_, row.compartment, self.grant.patient, self.scope)
        kept = [self._kept(type_, holder, name) for holder, name in row.kept_by]
        return [of_type(type_), either([theirs, *kept])]

    def _kept(self, type_: str, holder: str, name: str) -> Clause:
        """What the caller's own resources of type `holder` name by their parameter `name`."""
        holders = reading("rid", [LIVING, *self.own(holder)])
        return named_by(type_, f"{holder}.{name}", holders)

    def records(self, type_: str, clauses: list[Clause]) -> list[tuple[int, Resource]]:
        """Row ids and resources of the type that the caller may see and that meet the clauses."""
        found = reading("rid, body", [LIVING, *self.own(type_), *clauses])
        return [(rid, json.loads(body)) for rid, body in self.store.execute(*found)]

    def sees(self, type_: str, id_: str) -> bool:
        """Whether the resource, living or deleted, is one that the caller may see."""
        found = reading("rid", [*self.own(type_), with_ids([id_])])
        return bool(self.store.execute(*found))


def discreet(resource: Resource) -> Resource:
    """The resource as everybody may see it: why a time is taken is nobody's business."""
    if resource["resourceType"] != "Slot" or resource["status"] == "free":
        return resource
    return {name: value for name, value in resource.items() if name not in ("comment", "text")}


def served(type_: str) -> Served:
    """How a type is served; raises 404 if it isn't."""
    if type_ not in TYPES:
        raise Problem(404, "not-supported", f"The portal has no resources of type {type_}.")
    return TYPES[type_]
