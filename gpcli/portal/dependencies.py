"""What every part of the portal's client stands on: one patient, one way of asking, one reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gpcli.fhir.bundle import Bundle
from gpcli.model.person import Identity
from gpcli.model.service import Offers, ServiceName
from gpcli.portal import queries
from gpcli.portal.mapping import SearchResult, PortalProfile, RecordMapper, unwrap
from gpcli.portal.search import FhirSearch
from gpcli.portal.write.kernel import WriteKernel


@dataclass(frozen=True)
class PortalDependencies:
    """One portal on behalf of one patient.

    `permitted` tells what the sign-in and the portal allow; `now` the present, aware.
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
        """Who writes, as a relative reference: the patient, unless somebody acts for them."""
        acting = self.identity.fhir_user or f"Patient/{self.patient}"
        return "/".join(acting.split("/")[-2:])

    def offer_queries(self) -> tuple[queries.Query, ...]:
        """The questions that `offers` reads the answers of: GPs and services, prices, consents."""
        patient = self.patient
        return queries.patient_with_services(patient), queries.prices(), queries.consents(patient)

    def fetch_offers(self, answers: Sequence[SearchResult]) -> Offers:
        """What the GPs offer, from the answers to `about_offers`."""
        self._add_services(unwrap(answers[0]))
        return self.mapper.read_offers(answers, self.fetch_permitted_services())

    def _add_services(self, gps: Bundle) -> None:
        """Where no GP's role names a service, fetch those of their organizations."""
        organizations = self.mapper.organizations_to_search(gps)
        if organizations:
            gps.merge(self.search.fetch_all(queries.organization_services(organizations)))
