"""Booking the time that a watch was to find, within what the person agreed to in advance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from gpcli.app_context import AppContext
from gpcli.care.booking import propose_booking
from gpcli.care.confirmation import Agreement, Decision, Proposal, confirm_and_send
from gpcli.care.move import Move, propose_move
from gpcli.care.portal_protocol import Portal
from gpcli.care.service_request import BookingChoice, BookingContext, ServiceRequest
from gpcli.care.slots import SlotSearch
from gpcli.changes.reading import News
from gpcli.changes.snapshot import see_appointment
from gpcli.changes.store import ChangeStore, SeenRecord, WishBooking
from gpcli.changes.telling import Teller
from gpcli.changes.wishes import BookingStep
from gpcli.errors import Conflict, FeeNotAccepted, NotFound, OutcomeUnknown, SlotTaken
from gpcli.journal import CommandRequest, Journal
from gpcli.model.appointment import Appointment
from gpcli.model.change import BookedTime
from gpcli.model.service import ServiceName
from gpcli.render.views.wording import format_price

_NAMESPACE = UUID("5a1d1f0e-3c57-5b0e-8f3e-6d2b7c9a4e10")
"""The namespace of the intents of bookings that a watch makes."""


@dataclass(frozen=True)
class WishAgreement:
    """What the person has agreed to for a wish.

    `accept_fee` is the most that giving back a visit may cost, `None` = nothing. `another`: the
    time may be one more beside a coming one.
    """

    accept_fee: str | None
    another: bool


class AutoBooker:
    """Books a time, at most once however often it is tried, and tells by `teller` what is booked.

    Each try of one time is the same request to the portal: what a lost answer left undecided is
    found by the next. `cursor` is that of the watch `name`, to which what `teller` tells is no
    news.
    """

    def __init__(
        self,
        context: AppContext,
        name: str,
        agreed: WishAgreement,
        build_search: Callable[[], SlotSearch],
        teller: Teller,
        store: ChangeStore,
        cursor: str,
    ) -> None:
        self._context = context
        self._name, self._agreed = name, agreed
        self._build_search = build_search
        self._teller = teller
        self._store, self._cursor = store, cursor
        self._warned: set[str] = set()

    def book(self, portal: Portal, booking: WishBooking) -> BookingStep:
        """Book the time, or find out what became of an earlier try.

        Raises: AlreadyBooked; Conflict where the person has cancelled what was booked; Partial
        where the time is booked and the other stands; what is to be tried again.
        """
        key = "\0".join((self._context.account, self._name, booking.wish, booking.slot))
        intent = uuid5(_NAMESPACE, key)
        try:
            record, changed, fee = self._send(portal, booking, intent)
        except FeeNotAccepted as error:
            self._warn(f"{error.message} --accept-fee MAX agrees to it.")
            return BookingStep.TOO_DEAR
        except (SlotTaken, NotFound):
            return BookingStep.REFUSED
        except Conflict:
            self._require_not_undone(portal, intent)
            return BookingStep.REFUSED
        except OutcomeUnknown as error:
            self._warn(error.message)
            return BookingStep.OPEN
        return self._settle(record, booking, fee, changed=changed)

    def _warn(self, text: str) -> None:
        """Write a warning, once."""
        if text not in self._warned:
            self._warned.add(text)
            self._context.output.warning(text)

    def _send(
        self, portal: Portal, booking: WishBooking, intent: UUID
    ) -> tuple[Appointment | Move, bool, str | None]:
        """Propose the booking, or the move, and send it within what was agreed to.

        Returns what is so now, whether this changed it, and what it costs in words.
        """
        context, agreed = self._context, self._agreed
        visit, slot = booking.visit, booking.slot
        words = ("move", visit, slot) if visit else ("book", slot)
        context.sending.request = CommandRequest(intent, words[0])
        context.options.argv = (*words, *_agree(agreed.accept_fee))
        decision = self._propose(portal, booking, intent)
        agreement = Agreement(yes=True, accept_fee=agreed.accept_fee)
        outcome = confirm_and_send(
            decision, agreement, context.ask, lambda proposal: "", context.sending.note_stage
        )
        if outcome.changed:
            context.sending.note_told(outcome.record, by_hand=False)
        charge = decision.charge if isinstance(decision, Proposal) else None
        return outcome.record, outcome.changed, format_price(charge.price) if charge else None

    def _propose(self, portal: Portal, booking: WishBooking, intent: UUID) -> Decision[Any]:
        """Decide on the booking, or on the move."""
        context, visit = self._context, booking.visit
        is_unique = visit is None and not self._agreed.another
        choice = BookingChoice(booking.slot, unique=is_unique)
        booking_context = BookingContext(
            portal, self._build_search(), context.ask, lambda slot: str(slot.id)
        )
        request = ServiceRequest(ServiceName.BOOKING, intent, repeated=True, gp=context.options.gp)
        if visit is None:
            return propose_booking(booking_context, request, choice)
        return propose_move(booking_context, request, choice, visit, context.now)

    def _require_not_undone(self, portal: Portal, intent: UUID) -> None:
        """Raise Conflict where what was booked was cancelled from here: nothing else is then."""
        journal = Journal(self._context.state_dir)
        own = {
            entry.target
            for entry in journal.read_entries()
            if entry.account == self._context.account and entry.effect
        }
        for each in portal.fetch_appointments(None):
            if intent.urn in each.identifiers and f"Appointment/{each.id}" in own:
                raise Conflict(
                    f"You have cancelled {each.id}, which was booked for this wish.",
                    hint="gpcli watch with another --name begins anew.",
                )

    def _settle(
        self, record: Appointment | Move, booking: WishBooking, fee: str | None, *, changed: bool
    ) -> BookingStep:
        """Tell what was asked for or is booked, and return how far it has come; raise Partial."""
        move = record if isinstance(record, Move) else None
        booked = record.appointment if isinstance(record, Move) else record
        replaced = move.replaced if move and move.replaced.is_over else None
        news = BookedTime(booked, replaced, fee)
        state = SeenRecord(booked.status, None, {"slot": booking.slot})
        is_told = self._teller.tell_once(News(news, ("wish", booking.slot), state))
        sight = see_appointment(booked)
        self._store.note_own(sight.key, sight.to_seen(self._store.hash), self._cursor)
        error = move.find_error("") if move else None
        if isinstance(error, OutcomeUnknown):
            self._warn(error.message)
            return BookingStep.OPEN
        if error is not None:
            raise error
        return BookingStep.DONE if booked.is_confirmed and is_told else BookingStep.OPEN


def _agree(accept_fee: str | None) -> tuple[str, ...]:
    """Return the options by which a person says on the command line what was agreed to."""
    return ("--yes", "--accept-fee", accept_fee) if accept_fee else ("--yes",)
