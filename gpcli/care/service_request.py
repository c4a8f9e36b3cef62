"""What the person asks for when booking, what deciding needs, and rows that plans share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from gpcli.care.confirmation import Asker
from gpcli.care.portal_protocol import Portal
from gpcli.care.slots import SlotSearch
from gpcli.errors import NEW_ID_HINT, Conflict
from gpcli.model.appointment import Appointment, Slot
from gpcli.model.person import Parties
from gpcli.model.receipt import PlanValue
from gpcli.model.service import Offer, Service, ServiceName

_UNDONE = frozenset({"cancelled", "entered-in-error"})


def check_not_undone(earlier: Appointment) -> None:
    """Raise Conflict if what the request id made before has been undone since."""
    if earlier.status in _UNDONE:
        raise Conflict(
            f"This --request-id was used before: {earlier.id} is {earlier.status} now.",
            hint=NEW_ID_HINT,
        )


@dataclass(frozen=True)
class ServiceRequest:
    """What a request has in common however its time is found.

    `intent` identifies this write at the portal; `repeated` tells that it was given by
    `--request-id`, so that an earlier try may have been sent. `another` allows a second booking for
    the same service.
    """

    service: ServiceName
    intent: UUID
    repeated: bool
    reason: str | None = None
    gp: str | None = None
    another: bool = False

    @property
    def lookup(self) -> UUID | None:
        """The intent to look for before anything is sent; `None` = this is no repetition."""
        return self.intent if self.repeated else None


@dataclass(frozen=True)
class BookingChoice:
    """How the slot is chosen: by id, the first that fits, by the surgery, or from a list."""

    slot: str | None = None
    first: bool = False
    enquiry: bool = False


@dataclass(frozen=True)
class BookingContext:
    """What deciding on a booking needs: the portal, the search for slots, and whom to ask.

    `label` words a slot for the list to choose from.
    """

    portal: Portal
    search: SlotSearch
    asker: Asker
    label: Callable[[Slot], str]


def party_rows(parties: Parties, service: Service) -> tuple[tuple[str, PlanValue], ...]:
    """Return the plan's rows on the surgery, the patient and who acts for them."""
    by = parties.on_behalf_by.name if parties.on_behalf_by else None
    return (("Surgery", service.surgery.label), ("For", parties.patient.name), ("By", by))


def require_offer(service: Service) -> Offer:
    """Return the offer of a service that can be used."""
    assert service.offer is not None, "only a service without an offer has none"  # noqa: S101
    return service.offer


def preview_appointment(service: Service, request: ServiceRequest, **known: Any) -> Appointment:
    """Return the appointment as it would be, with the fields in `known`; it has no id."""
    blank = dict.fromkeys((field.name for field in fields(Appointment)), None)
    return Appointment(
        **{
            **blank,
            "status": "proposed",
            "requested": (),
            "service": service.service,
            "practitioner": service.surgery.gp,
            "surgery": service.surgery.name,
            "reason": request.reason,
            "identifiers": (),
            **known,
        }
    )
