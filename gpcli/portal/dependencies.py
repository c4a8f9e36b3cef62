"""What the parts of the portal's client share: patient, search, mapper, write kernel."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gpcli.errors import GpcliError
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.patient import Identifiers, read_identifiers
from gpcli.http.url_policy import read_local_reference
from gpcli.journal import Journal
from gpcli.model.person import Identity
from gpcli.model.service import Offers, ServiceName
from gpcli.portal import queries
from gpcli.portal.mapping import RecordMapper, SearchResult, or_empty, unwrap
from gpcli.portal.portal_profile import PortalProfile
from gpcli.portal.search import FhirSearch
from gpcli.portal.told_services import ToldServicesCache
from gpcli.portal.write.kernel import WriteKernel

_AUTHOR_TYPES = frozenset({"Patient", "RelatedPerson", "Practitioner", "PractitionerRole"})
"""The types of people that both `Communication.sender` and `Task.requester` may be in R4."""


@dataclass(frozen=True)
class PortalDependencies:
    """One portal on behalf of one patient.

    `fetch_permitted_services` returns the services that the sign-in's scopes and the portal permit;
    `now` returns the aware time.
    """

    search: FhirSearch
    kernel: WriteKernel
    identity: Identity
    portal_profile: PortalProfile
    mapper: RecordMapper
    told_cache: ToldServicesCache
    fetch_permitted_services: Callable[[], frozenset[ServiceName]]
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

    def with_roles(self, gps: Bundle) -> Bundle:
        """Return the GPs with the roles of those who are named as persons, fetched if need be."""
        if practitioners := self.mapper.practitioners_to_search(gps):
            query = queries.practitioner_roles(practitioners)
            gps.merge(or_empty(*self.search.fetch_many(query)))
        return gps

    def fetch_offers(self, results: Mapping[str, SearchResult]) -> Offers:
        """Return what the GPs offer, from the results of `offer_queries`.

        Where no GP's role references a service, fetch the services of their organizations; where
        an organization is the GP, its roles and places as well.
        """
        gps = self.with_roles(unwrap(results["gps"]))
        for result in self.search.fetch_many(*self._organization_queries(gps)):
            gps.merge(or_empty(result))
        return self.mapper.read_offers(
            gps,
            results["prices"],
            results["consents"],
            self.fetch_permitted_services(),
            self.told_cache.fetch(gps),
        )

    def _organization_queries(self, gps: Bundle) -> Iterator[queries.Query]:
        """Yield the queries for what organizations have, as far as it is needed and listed.

        Roles and places are searched for only where the portal lists that: one that left the
        organization out of account would send those of everybody.
        """
        if organizations := self.mapper.organizations_to_search(gps):
            yield queries.organization_services(organizations)
        if own := self.mapper.organizations_as_gps(gps):
            can = self.search.fetch_capabilities()
            for each in ("PractitionerRole", "Location"):
                if can.can_search(each) and "organization" in can.search_params.get(each, ()):
                    yield queries.organization_parts(each, own)


def build_dependencies(
    search: FhirSearch,
    journal: Journal,
    identity: Identity,
    portal_profile: PortalProfile,
    fetch_permitted_services: Callable[[], frozenset[ServiceName]],
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
        identity,
        portal_profile,
        RecordMapper(patient, portal_profile, search.flaws, fetch_identifiers, now=now),
        ToldServicesCache(search, portal_profile, cache, now),
        fetch_permitted_services,
        now,
    )
