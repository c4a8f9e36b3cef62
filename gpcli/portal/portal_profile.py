"""What differs from portal to portal: as the profile sets it, and as the portal tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from gpcli.config.profiles import Profile
from gpcli.fhir.healthcare_service import CodeMap
from gpcli.model.service import ServiceName


@dataclass(frozen=True)
class PortalProfile:
    """What differs from portal to portal, as the profile sets it.

    `code_map` maps `system|code` to our service codes; `services_listed` tells whether the portal
    says which services its GPs offer, `None` = to be found out; `status_sent` is the status that a
    booking is sent with; `zone` is the time zone of the surgeries, as an IANA name; `booking` is
    the way to book: `auto`, `post`, `operation` or `transaction`.
    """

    code_map: CodeMap
    status_sent: str
    zone: str
    booking: str = "auto"
    services_listed: bool | None = None

    @classmethod
    def of(cls, profile: Profile) -> PortalProfile:
        """Return what a profile of the configuration says of its portal."""
        return cls(
            profile.code_map,
            profile.status_sent,
            profile.zone,
            profile.booking,
            profile.services_listed,
        )


class ToldServices(NamedTuple):
    """Of which services the portal says who offers them; see Offers.

    `by_own_codes` tells that it does so by gpcli's own codes, and so uses the rest of them too.
    """

    services: frozenset[ServiceName]
    by_own_codes: bool
