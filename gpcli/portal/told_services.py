"""Whether a portal says which services its GPs offer: else what is absent is not told.

It does where its CapabilityStatement names gpcli's guide, where the profile says so, or where some
HealthcareService there, anybody's, has a type that gpcli knows (docs/portal.md).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from pathlib import Path

from gpcli.config.json_cache import CachedJson
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.healthcare_service import SERVICE_SYSTEM, has_mapped_service, has_own_service
from gpcli.model.service import ServiceName
from gpcli.portal import queries
from gpcli.portal.capabilities import CACHE_SECONDS
from gpcli.portal.mapping import NOT_SHOWN
from gpcli.portal.portal_profile import PortalProfile, ToldServices
from gpcli.portal.search import FhirSearch

GUIDE = "urn:gpcli:portal"
"""The implementation guide of a portal that speaks of its services in gpcli's codes."""

_MAX_PAGES = 5
"""How many pages of other GPs' services are looked through."""

_OWN, _MAPPED, _NONE = "own", "mapped", "none"


class ToldServicesCache:
    """Finds out of which services the portal tells, and keeps it as long as its capabilities.

    `cache` is a directory; `now` returns the aware time.
    """

    def __init__(
        self,
        search: FhirSearch,
        profile: PortalProfile,
        cache: Path,
        now: Callable[[], datetime],
    ) -> None:
        self._search = search
        self._profile = profile
        self._now = now
        key = json.dumps([search.client.base, sorted(profile.code_map.items())])
        self._file = CachedJson(cache, "services", key)

    def fetch(self, gps: Bundle) -> ToldServices:
        """Return the services of which the portal tells; `gps` holds the patient's own GPs'.

        The portal is asked for other GPs' services only where these have none that gpcli knows.
        Raises: the error of the request, unless it is that the portal does not show services.
        """
        return self._build(self._find_codes(gps))

    def _build(self, codes: str) -> ToldServices:
        mapped = (code for each in self._profile.code_map.values() for code in each)
        services = {_OWN: tuple(ServiceName), _MAPPED: tuple(mapped), _NONE: ()}[codes]
        return ToldServices(frozenset(map(ServiceName, services)), by_own_codes=codes == _OWN)

    def _find_codes(self, gps: Bundle) -> str:
        listed = self._profile.services_listed
        if listed is not None:
            return _OWN if listed else _NONE
        if GUIDE in self._search.fetch_capabilities().implementation_guides:
            return _OWN
        found = self._read_codes(gps)
        if found == _OWN:
            return found
        return self._read_cache() or self._keep(self._fetch_codes(found))

    def _read_codes(self, bundle: Bundle) -> str:
        if has_own_service(bundle):
            return _OWN
        return _MAPPED if has_mapped_service(bundle, self._profile.code_map) else _NONE

    def _fetch_codes(self, found: str) -> str:
        """Look through other GPs' services; `found` is what is known already."""
        known = [f"{SERVICE_SYSTEM}|", *sorted(self._profile.code_map)]
        try:
            pages = self._search.fetch_pages(queries.services_by_type(known))
            for page in islice(pages, _MAX_PAGES):
                codes = self._read_codes(page)
                if codes == _OWN:
                    return codes
                found = codes if codes == _MAPPED else found
        except NOT_SHOWN:
            return found
        return found

    def _read_cache(self) -> str | None:
        cached, age = self._file.read(self._now().timestamp()) or ({}, CACHE_SECONDS)
        codes: str | None = cached.get("codes")
        known = codes in (_OWN, _MAPPED, _NONE)
        return codes if known and 0 <= age < CACHE_SECONDS else None

    def _keep(self, codes: str) -> str:
        self._file.write({"codes": codes}, self._now().timestamp())
        return codes
