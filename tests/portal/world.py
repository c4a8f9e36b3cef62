"""One patient with one GP, who takes bookings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from gpcli.model.service import Offer, ServiceName, Surgery
from tests.portal.builders import (
    a_patient,
    a_practitioner,
    a_role,
    a_searchset,
    a_service,
    an_organization,
    ref,
)

ROLE = ref("PractitionerRole/role-1")
INCLUDED = (a_practitioner(), an_organization())
GPS = a_searchset(a_patient(ROLE), included=[a_role("booking-1"), *INCLUDED, a_service()])
GP = Surgery("role-1", "Ola Berg", "Elvebakken")
BOOKING = Offer("booking-1", ServiceName.BOOKING, GP, active=True)
DAYS = date(2027, 3, 1), date(2027, 3, 31)


def ids(records: Iterable[Any]) -> list[str]:
    return [str(each.id) for each in records]
