"""What a person asks for when booking, and where it is decided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from gpcli.care.confirmation import Asker
from gpcli.care.portal_protocol import Portal
from gpcli.care.slots import SlotSearch
from gpcli.errors import Conflict
from gpcli.model.appointment import Appointment, Slot
from gpcli.model.person import Parties
from gpcli.model.receipt import PlanValue
from gpcli.model.service import Offer, Service, ServiceName

_UNDONE = frozenset({"cancelled", "entered-in-error"})
_NEW_ID_HINT = "Use a new --request-id for a new request."


def request_id_conflict(what: str) -> Conflict:
    """The error for a request id that made something else: `what`, so that it can be looked up."""
    return Conflict(
        f"This --request-id was used for something else: {what}.",
        hint=_NEW_ID_HINT,
    )


def check_not_undone(earlier: Appointment) -> None:
    """Raise Conflict where what a request id made before has been undone since."""
    if earlier.status in _UNDONE:
        raise Conflict(
            f"This --request-id was used before: {earlier.id} is {earlier.status} now.", hint=_NEW_ID_HINT
        )


@dataclass(frozen=True)
class ServiceRequest:
    """What stays the same however a time is found.

    `intent` identifies this write at the portal; `repeated` says that it was given by
    `--request-id`, so that an earlier try may have been done already.
    """

    service: ServiceName
    intent: UUID
    repeated: bool
    reason: str | None = None
    gp: str | None = None
    another: bool = False

    @property
    def lookup(self) -> UUID | None:
        """The intent to look for before anything is sent."""
        return self.intent if self.repeated else None


@dataclass(frozen=True)
class BookingChoice:
    """How the time is chosen: by its id, the first that fits, by the surgery, or from a list."""

    slot: str | None = None
    first: bool = False
    enquiry: bool = False


@dataclass(frozen=True)
class BookingContext:
    """Where a booking is made: the portal, the search for times, and who can be asked.

    `label` words a slot for the list to pick from.
    """

    portal: Portal
    search: SlotSearch
    asker: Asker
    label: Callable[[Slot], str]


def party_rows(parties: Parties, service: Service) -> tuple[tuple[str, PlanValue], ...]:
    """The lines of a plan on the surgery, the patient, and who acts for them."""
    by = parties.on_behalf_by.name if parties.on_behalf_by else None
    return (("Surgery", service.surgery.label), ("For", parties.patient.name), ("By", by))


def require_offer(service: Service) -> Offer:
    """The offer behind a service that can be used."""
    assert service.offer is not None, "only a service without an offer has none"  # noqa: S101
    return service.offer


def preview_appointment(service: Service, request: ServiceRequest, **known: Any) -> Appointment:
    """The appointment as it would be, from what is `known`; it has no id yet."""
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
