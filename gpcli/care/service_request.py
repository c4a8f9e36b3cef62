"""Requests to use a service, what deciding on one needs, and what their plans share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from gpcli.care.confirmation import Asker, PlanRows, word_minute
from gpcli.care.portal_protocol import Portal
from gpcli.care.slots import SlotSearch
from gpcli.errors import NEW_ID_HINT, Conflict
from gpcli.folding import MIN_ID_BEGINNING
from gpcli.model.appointment import Appointment, Slot
from gpcli.model.person import Parties
from gpcli.model.service import Offer, Service, ServiceName

_UNDONE = frozenset({"cancelled", "entered-in-error"})


def check_not_undone(earlier: Appointment) -> None:
    """Raise Conflict if `earlier`, which the same request id made, has been undone since."""
    if earlier.status in _UNDONE:
        raise Conflict(
            f"This --request-id was used before: {earlier.id} is {earlier.status} now.",
            hint=NEW_ID_HINT,
        )


@dataclass(frozen=True)
class ServiceRequest:
    """A request to use a service, however its time is found.

    `intent` identifies this write at the portal; `repeated` tells that it was given by
    `--request-id`, so that an earlier try may have been sent. `another` allows a second booking for
    the same service; `replaces` is the id of one that does not count as such, `None` = all do.
    """

    service: ServiceName
    intent: UUID
    repeated: bool
    reason: str | None = None
    gp: str | None = None
    another: bool = False
    replaces: str | None = None

    @property
    def lookup(self) -> UUID | None:
        """The intent to look for before anything is sent; `None` = this is no repetition."""
        return self.intent if self.repeated else None


@dataclass(frozen=True)
class BookingChoice:
    """How a time is chosen: `slot` is its id, `first` takes the first that fits.

    With `by_beginning`, `slot` may also be the beginning of the id of the one that an earlier try
    has taken. With `enquiry` the surgery chooses; without any of them the person does, from a list.
    With `asks_reason` a person who makes an enquiry is asked for a reason where they gave none.
    With `unique` the time of a `slot` is taken only where there is none for the same, as `first`
    always does.
    """

    slot: str | None = None
    first: bool = False
    enquiry: bool = False
    asks_reason: bool = False
    by_beginning: bool = False
    unique: bool = False

    def is_slot(self, slot_id: str | None) -> bool:
        """Return whether `slot` stands for the slot with this id."""
        if slot_id is None or self.slot is None:
            return False
        is_long = len(self.slot) >= MIN_ID_BEGINNING
        begins = self.by_beginning and is_long and slot_id.startswith(self.slot)
        return begins or slot_id == self.slot


def _name_time(appointment: Appointment) -> str:
    if appointment.start is None:
        return f"{appointment.id}, without a time yet"
    return word_minute(appointment.start.astimezone(ZoneInfo(appointment.zone)))


@dataclass(frozen=True)
class BookingContext:
    """What deciding on a booking needs: the portal, the search for slots, and whom to ask.

    `label` words a slot for the list to choose from, `coming_label` an appointment that there is
    already. With `asks_another` a person is asked whether to book one more; else it is refused.
    """

    portal: Portal
    search: SlotSearch
    asker: Asker
    label: Callable[[Slot], str]
    coming_label: Callable[[Appointment], str] = _name_time
    asks_another: bool = False


def party_rows(parties: Parties, service: Service, surgery: str | None = None) -> PlanRows:
    """Return the plan's rows on the surgery, the patient and who acts for them.

    `surgery` is a name to show instead of the GP's.
    """
    by = parties.on_behalf_by.name if parties.on_behalf_by else None
    label = service.surgery.label if service.surgery.id else "not named by the portal"
    return (("Surgery", surgery or label), ("For", parties.patient.name), ("By", by))


def require_offer(service: Service) -> Offer:
    """Return the offer of a service that can be used."""
    assert service.offer is not None, "only a service without an offer has none"  # noqa: S101
    return service.offer


def preview_appointment(service: Service, request: ServiceRequest, **known: Any) -> Appointment:
    """Return the appointment as it would be, for a dry run; `known` are fields of it."""
    required = (each.name for each in fields(Appointment) if each.default is MISSING)
    blank = dict.fromkeys(required, None)
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
