"""Joining a video consultation, and withdrawing an e-consultation by phone or video."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from uuid import UUID

from gpcli.care.agreement import Step
from gpcli.care.appointments import Picking, pick
from gpcli.care.cancelling import giving_back, late_charge, no_such, settled
from gpcli.care.portal import Portal
from gpcli.errors import GpcliError, NotFound, Rejected, Usage
from gpcli.model.appointment import Appointment
from gpcli.model.service import ServiceName
from gpcli.model.thread import ThreadKind

VIDEO = "video"


def to_join(portal: Portal, appointment_id: str) -> tuple[Appointment, str]:
    """A video consultation, and the link to it as the portal writes it.

    Raises NotFound; Rejected while the surgery has not confirmed it or given no link, when it is
    over, and when it is no video consultation.
    """
    there = portal.appointment(appointment_id)
    hint = f"gpcli appointments show {there.id}"
    if there.over:
        how = "cancelled" if there.status == "cancelled" else "over"
        raise Rejected(f"{there.id} is {how}.", hint=hint)
    if there.channel not in {VIDEO, None}:
        raise Rejected(f"{there.id} is not by video but {there.channel}.", hint=hint)
    if there.waiting:
        raise Rejected(f"The surgery has not confirmed {there.id} yet.", hint=hint)
    if there.join_url is None:
        raise Rejected(f"The surgery has given no link to {there.id} yet.", hint=hint)
    return there, there.join_url


def propose_withdrawal(
    portal: Portal, appointment_id: str, intent: UUID, clock: Callable[[], datetime]
) -> Step[Appointment]:
    """Withdraw an e-consultation by phone or video, whatever the GP offers now.

    Raises NotFound; TooLate when it has begun; Usage for one in writing, and for an appointment
    that is no e-consultation.
    """
    now = clock()
    desk = portal.cancelling_desk(appointment_id)
    there = desk.appointment
    if there is None:
        raise _missing(portal, appointment_id)
    if not _is_econsultation(there):
        raise Usage(f"{there.id} is not an e-consultation.", hint=f"gpcli cancel {there.id}")
    if (outcome := settled(there, now)) is not None:
        return outcome

    def again() -> Step[Appointment]:
        return propose_withdrawal(portal, appointment_id, intent, clock)

    charge = late_charge(there, desk.offers, now)
    action = "Withdraw this e-consultation"
    return giving_back(portal, there, intent, action=action, charge=charge, again=again)


def _missing(portal: Portal, identity: str) -> GpcliError:
    """What is wrong with an id that is no appointment: it may be a thread's."""
    try:
        thread = portal.mailbox.conversation(identity).thread
    except NotFound:
        return no_such(identity)
    if thread.kind != ThreadKind.E_CONSULTATION:
        return no_such(identity)
    return Usage(
        "An e-consultation in writing can't be withdrawn.",
        hint=f"Tell the surgery: gpcli messages reply {thread.id}",
    )


def _can_be_joined(one: Appointment, now: datetime) -> bool:
    """Whether the surgery has confirmed it and given its link, and it has not ended."""
    return one.join_url is not None and not one.waiting and (one.end is None or one.end > now)


def _is_econsultation(one: Appointment) -> bool:
    return one.service == ServiceName.E_CONSULTATION


pick_to_join = partial(
    pick, picking=Picking(_can_be_joined, "Which e-consultation?", "There is none to choose from.")
)
"""`appointments.pick` among video consultations that can be joined."""

pick_to_withdraw = partial(
    pick,
    picking=Picking(
        lambda one, now: _is_econsultation(one),
        "Which e-consultation?",
        "There is none to choose from.",
    ),
)
"""`appointments.pick` among e-consultations under way."""
