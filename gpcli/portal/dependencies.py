"""What the parts of the portal's client share: patient, search, mapper, write kernel."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gpcli.errors import GpcliError
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element
from gpcli.fhir.general_practitioner import (
    organizations_as_gps,
    organizations_to_search,
    practitioners_to_search,
)
from gpcli.fhir.patient import Identifiers, read_identifiers
from gpcli.http.url_policy import read_local_reference
from gpcli.journal import Journal
from gpcli.model.person import Identity
from gpcli.model.service import Offers
from gpcli.portal import queries
from gpcli.portal.capabilities import permitted_services
from gpcli.portal.mapping import RecordMapper, SearchResult, or_empty, unwrap
from gpcli.portal.portal_profile import PortalProfile
from gpcli.portal.search import FhirSearch
from gpcli.portal.told_services import ToldServicesCache
from gpcli.portal.write.kernel import WriteKernel
from gpcli.portal.write.open_writes import OpenWrites

_AUTHOR_TYPES = frozenset({"Patient", "RelatedPerson", "Practitioner", "PractitionerRole"})
"""The types of people that both `Communication.sender` and `Task.requester` may be in R4."""


@dataclass(frozen=True)
class PortalDependencies:
    """One portal on behalf of one patient.

    `read_scopes` returns the scopes that were granted, `None` where they are unknown; `now` returns
    the aware time.
    """

    search: FhirSearch
    kernel: WriteKernel
    open_writes: OpenWrites
    identity: Identity
    portal_profile: PortalProfile
    mapper: RecordMapper
    told_cache: ToldServicesCache
    read_scopes: Callable[[], str | None]
    now: Callable[[], datetime]

    @property
    def patient(self) -> str:
        """The patient's id."""
        return self.identity.patient

    @property
    def acting_reference(self) -> str | None:
        """The reference (`Type/id`) of who acts, a record of this portal; `None` = not known.

        A record of the same id elsewhere is somebody else's.
        """
        user = self.identity.fhir_user
        return None if user is None else read_local_reference(user, self.search.client.base)

    @property
    def author(self) -> str:
        """The reference (`Type/id`) of who writes: who acts for the patient, or the patient.

        It is the patient where it is not known who acts, or where that can't be an author in R4.
        """
        acting = self.acting_reference or ""
        return acting if acting.partition("/")[0] in _AUTHOR_TYPES else f"Patient/{self.patient}"

    def offer_queries(self) -> dict[str, queries.Query]:
        """Return the queries whose results `fetch_offers` reads, by name."""
        return {
            "gps": queries.patient_with_services(self.patient),
            "prices": queries.prices(),
            "consents": queries.consents(self.patient),
        }

    def add_roles(self, gps: Bundle, patient: Element) -> None:
        """Add the roles of those GPs of a Patient who are named as persons, fetched if need be."""
        if practitioners := practitioners_to_search(gps, patient):
            query = queries.practitioner_roles(practitioners)
            gps.merge(or_empty(*self.search.fetch_many(query)))

    def fetch_offers(self, results: Mapping[str, SearchResult]) -> Offers:
        """Return what the GPs offer, from the results of `offer_queries`.

        Where no GP's role references a service, fetch the services of their organizations; where
        an organization is the GP, its roles and places as well.
        Raises: NotFound where the portal has no record of the patient, and as `read_offers`.
        """
        gps = unwrap(results["gps"])
        patient = self.mapper.require_patient(gps)
        self.add_roles(gps, patient)
        for result in self.search.fetch_many(*self._organization_queries(gps, patient)):
            gps.merge(or_empty(result))
        capabilities = self.search.fetch_capabilities()
        return self.mapper.read_offers(
            gps,
            patient,
            results,
            supported=permitted_services(None, capabilities),
            permitted=permitted_services(self.read_scopes(), capabilities),
            told=self.told_cache.fetch(gps),
        )

    def _organization_queries(self, gps: Bundle, patient: Element) -> Iterator[queries.Query]:
        """Yield the queries for what organizations have, as far as it is needed and listed.

        Roles and places are searched for only where the portal lists that: one that left the
        organization out of account would send those of everybody.
        """
        if organizations := organizations_to_search(gps, patient):
            yield queries.organization_services(organizations)
        if own := organizations_as_gps(patient):
            can = self.search.fetch_capabilities()
            for each in ("PractitionerRole", "Location"):
                if can.can_search(each) and "organization" in can.search_params.get(each, ()):
                    yield queries.organization_parts(each, own)


def build_dependencies(
    search: FhirSearch,
    journal: Journal,
    identity: Identity,
    portal_profile: PortalProfile,
    read_scopes: Callable[[], str | None],
    now: Callable[[], datetime],
    cache: Path,
) -> PortalDependencies:
    """Build what the parts of the portal's client share.

    `cache` is the directory for what is kept of the portal's own description.
    """
    patient = search.patient = identity.patient

    @functools.cache
    def fetch_identifiers() -> Identifiers:
        try:
            return read_identifiers(search.fetch_resource(f"Patient/{patient}")[0], now())
        except GpcliError:  # then the record's owner stays unknown, which is said
            return ()

    return PortalDependencies(
        search,
        WriteKernel(search, journal, now),
        OpenWrites(search, journal, now),
        identity,
        portal_profile,
        RecordMapper(
            patient, portal_profile, search.flaws, search.incomplete, fetch_identifiers, now=now
        ),
        ToldServicesCache(search, portal_profile, cache, now),
        read_scopes,
        now,
    )
