"""Booking the time that a watch was to find, within what the person agreed to in advance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from gpcli.app_context import AppContext
from gpcli.care.booking import propose_booking
from gpcli.care.confirmation import Agreement, Decision, confirm_and_send
from gpcli.care.move import Move, propose_move
from gpcli.care.portal_protocol import Portal
from gpcli.care.service_request import BookingChoice, BookingContext, ServiceRequest
from gpcli.care.slots import SlotSearch
from gpcli.changes.telling import Teller
from gpcli.changes.wishes import BookingStep
from gpcli.errors import Conflict, FeeNotAccepted, NotFound, OutcomeUnknown, SlotTaken
from gpcli.journal import CommandRequest
from gpcli.model.appointment import Appointment
from gpcli.model.change import WatchEvent, WatchWord
from gpcli.model.service import ServiceName

BOOKED = "A time that fits was booked at your GP's."
"""What is told of a booking where nothing of it is to be told."""

_NAMESPACE = UUID("5a1d1f0e-3c57-5b0e-8f3e-6d2b7c9a4e10")
"""The namespace of the intents of bookings that a watch makes."""


@dataclass(frozen=True)
class WishAgreement:
    """What the person has agreed to for a wish.

    `digest` tells the wish from others of the watch `name`. `replaces` is the appointment to
    cancel once the new one is confirmed, `None` = none; `accept_fee` the most that this may cost,
    `None` = nothing. `another`: the time may be one more beside a coming one.
    """

    name: str
    digest: str
    replaces: str | None
    accept_fee: str | None
    another: bool


class AutoBooker:
    """Books a time, at most once however often it is tried, and tells by `teller` what is booked.

    Each try of one time is the same request to the portal: what a lost answer left undecided is
    found by the next.
    """

    def __init__(
        self,
        context: AppContext,
        agreed: WishAgreement,
        build_search: Callable[[], SlotSearch],
        teller: Teller,
    ) -> None:
        self._context = context
        self._agreed = agreed
        self._build_search = build_search
        self._teller = teller

    def book(self, portal: Portal, slot_id: str) -> BookingStep:
        """Book the time, or find out what became of an earlier try.

        Raises: AlreadyBooked; Partial where the time is booked and the other stands; what is to be
        tried again.
        """
        try:
            record, changed = self._send(portal, slot_id)
        except FeeNotAccepted as error:
            self._context.output.warning(f"{error.message} {error.hint}")
            return BookingStep.TOO_DEAR
        except (SlotTaken, NotFound, Conflict):
            return BookingStep.REFUSED
        except OutcomeUnknown as error:
            self._context.output.warning(error.message)
            return BookingStep.OPEN
        return self._settle(record, changed=changed)

    def _send(self, portal: Portal, slot_id: str) -> tuple[Appointment | Move, bool]:
        """Propose the booking, or the move, and send it within what was agreed to."""
        context, agreed = self._context, self._agreed
        key = "\0".join((context.account, agreed.name, agreed.digest, slot_id))
        intent, replaces = uuid5(_NAMESPACE, key), agreed.replaces
        words = ("move", replaces, slot_id) if replaces else ("book", slot_id)
        context.sending.request = CommandRequest(intent, words[0])
        context.options.argv = (*words, *_agree(agreed.accept_fee))
        is_unique = replaces is None and not agreed.another
        decision = self._propose(portal, BookingChoice(slot_id, unique=is_unique), intent)
        agreement = Agreement(yes=True, accept_fee=agreed.accept_fee)
        outcome = confirm_and_send(
            decision, agreement, context.ask, lambda proposal: "", context.sending.note_stage
        )
        context.sending.note_told(outcome.record)
        return outcome.record, outcome.changed

    def _propose(self, portal: Portal, choice: BookingChoice, intent: UUID) -> Decision[Any]:
        """Decide on the booking, or on the move."""
        context, replaces = self._context, self._agreed.replaces
        booking_context = BookingContext(
            portal, self._build_search(), context.ask, lambda slot: str(slot.id)
        )
        request = ServiceRequest(ServiceName.BOOKING, intent, repeated=True, gp=context.options.gp)
        if replaces is None:
            return propose_booking(booking_context, request, choice)
        return propose_move(booking_context, request, choice, replaces, context.now)

    def _settle(self, record: Appointment | Move, *, changed: bool) -> BookingStep:
        """Tell what is booked, and return how far it has come; raise Partial."""
        booked = record.appointment if isinstance(record, Move) else record
        if not booked.is_confirmed:
            return BookingStep.OPEN
        error = record.find_error("") if isinstance(record, Move) else None
        if isinstance(error, OutcomeUnknown):
            self._context.output.warning(error.message)
            return BookingStep.OPEN
        event = WatchEvent(
            WatchWord.BOOKED, BOOKED, 1, self._agreed.name, not changed, appointment=booked
        )
        self._teller.announce(event)
        if error is not None:
            raise error
        return BookingStep.DONE


def _agree(accept_fee: str | None) -> tuple[str, ...]:
    """Return the options by which a person says on the command line what was agreed to."""
    return ("--yes", "--accept-fee", accept_fee) if accept_fee else ("--yes",)
