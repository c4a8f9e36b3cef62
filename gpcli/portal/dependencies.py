"""What the parts of the portal's client share: patient, search, mapper, write kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from gpcli.errors import GpcliError
from gpcli.fhir.patient import Identifiers, read_identifiers
from gpcli.journal import Journal
from gpcli.model.person import Identity
from gpcli.model.service import Offers, ServiceName
from gpcli.portal import queries
from gpcli.portal.mapping import PortalProfile, RecordMapper, SearchResult, or_empty, unwrap
from gpcli.portal.search import FhirSearch
from gpcli.portal.write.kernel import WriteKernel


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
    fetch_permitted_services: Callable[[], frozenset[ServiceName]]
    now: Callable[[], datetime]

    @property
    def patient(self) -> str:
        """The patient's id."""
        return self.identity.patient

    @property
    def author(self) -> str:
        """The reference (`Type/id`) of who writes: the patient, or who acts on their behalf."""
        acting = self.identity.fhir_user or f"Patient/{self.patient}"
        return "/".join(acting.split("/")[-2:])

    def offer_queries(self) -> dict[str, queries.Query]:
        """Return the queries whose results `fetch_offers` reads, by name."""
        return {
            "gps": queries.patient_with_services(self.patient),
            "prices": queries.prices(),
            "consents": queries.consents(self.patient),
        }

    def fetch_offers(self, results: Mapping[str, SearchResult]) -> Offers:
        """Return what the GPs offer, from the results of `offer_queries`.

        Where no GP's role references a service, fetch the services of their organizations.
        """
        gps = unwrap(results["gps"])
        organizations = self.mapper.organizations_to_search(gps)
        if organizations:
            query = queries.organization_services(organizations)
            gps.merge(or_empty(*self.search.fetch_many(query)))
        return self.mapper.read_offers(
            gps, results["prices"], results["consents"], self.fetch_permitted_services()
        )


def build_dependencies(
    search: FhirSearch,
    journal: Journal,
    identity: Identity,
    portal_profile: PortalProfile,
    fetch_permitted_services: Callable[[], frozenset[ServiceName]],
    now: Callable[[], datetime],
) -> PortalDependencies:
    """Build what the parts of the portal's client share; the parameters are its fields."""
    patient = search.patient = identity.patient

    @cache
    def fetch_identifiers() -> Identifiers:
        try:
            return read_identifiers(search.fetch_resource(f"Patient/{patient}")[0])
        except GpcliError:  # then the record's owner stays unknown, which is said
            return ()

    return PortalDependencies(
        search,
        WriteKernel(search, journal, now),
        identity,
        portal_profile,
        RecordMapper(patient, portal_profile, search.flaws, fetch_identifiers),
        fetch_permitted_services,
        now,
    )
