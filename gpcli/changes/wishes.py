"""Free times that fit a wish: told once each, again only after they vanished, or booked."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from enum import Enum, auto
from typing import Protocol

from gpcli.care.portal_protocol import Portal
from gpcli.care.slots import SlotSearch, fetch_slots
from gpcli.changes.reading import News, Reading
from gpcli.changes.store import ChangeStore, Key, SeenRecord, WishBooking
from gpcli.changes.telling import Teller
from gpcli.errors import Conflict, NotFound, TooLate
from gpcli.model.appointment import OVER, Slot
from gpcli.model.change import ChangeState
from gpcli.model.service import ServiceName

_SLOT = "slot"
"""The kind of record that a free time is in what was told."""

_FREE = SeenRecord("free", None, {})


class BookingStep(Enum):
    """How far the booking of one time has come."""

    DONE = auto()
    OPEN = auto()
    """It was sent, or may have been: the portal is asked again, and nothing else is booked."""

    REFUSED = auto()
    """It can't be had; another one may."""

    TOO_DEAR = auto()
    """It costs more than was agreed to."""


class Booker(Protocol):
    """Books a time for a wish, and gives back the visit that it replaces."""

    def book(self, portal: Portal, slot_id: str) -> BookingStep:
        """Book the time, or find out what became of an earlier try, and tell what is booked.

        Raises: what ends the watch, or is to be tried again.
        """


class TimesWish:
    """Free times that a person wishes for.

    `build_search` returns the search for them as of now. They are strictly earlier than the
    appointment `visit`, `None` = whenever. `booker` books the first that fits, `None` = they are
    told. `cursor` is that of the watch `name`, `digest` tells the wish from others.
    """

    def __init__(
        self,
        name: str,
        digest: str,
        store: ChangeStore,
        cursor: str,
        teller: Teller,
        build_search: Callable[[], SlotSearch],
        *,
        gp: str | None = None,
        visit: str | None = None,
        replaces: str | None = None,
        booker: Booker | None = None,
    ) -> None:
        self._name, self._digest = name, digest
        self._store, self._cursor, self._teller = store, cursor, teller
        self._build_search = build_search
        self._gp, self._visit, self._replaces = gp, visit, replaces
        self._booker = booker

    def look(self, portal: Portal, reading: Reading) -> bool:
        """Look for times that fit, and tell or book them; return whether one is booked.

        Raises: NotFound, Conflict, TooLate where the visit that they are to be earlier than, or to
        replace, is gone, cancelled, or begun; NotAllowed; what booking raises.
        """
        booking = self._store.read_booking(self._name)
        if booking is not None and self._booker is not None:
            step = self._go_on(self._booker, portal, booking.slot)
            if step in {BookingStep.DONE, BookingStep.OPEN}:
                return step is BookingStep.DONE
        search = self._build_search()
        if self._replaces is not None:
            _find_start(self._replaces, portal, reading, search.now)
        if self._visit is not None:
            before = _find_start(self._visit, portal, reading, search.now)
            search = replace(search, filters=replace(search.filters, before=before))
        offers = reading.snapshot.offers
        service = ServiceName.BOOKING
        fitting = list(fetch_slots(portal, service, search, gp=self._gp, offers=offers))
        told = self._forget_vanished(fitting, is_whole=not portal.flaws)
        new = [slot for slot in fitting if (_SLOT, str(slot.id)) not in told]
        if self._booker is None:
            self._teller.tell([_build_news(slot) for slot in new])
            return False
        return self._book_first(self._booker, portal, new)

    def _book_first(self, booker: Booker, portal: Portal, slots: Collection[Slot]) -> bool:
        """Book the first of the times that can be had; return whether one is booked."""
        for slot in slots:
            step = self._go_on(booker, portal, str(slot.id))
            if step is BookingStep.TOO_DEAR:
                self._teller.tell([_build_news(slot)])
            elif step is BookingStep.REFUSED:
                self._store.write_seen(self._cursor, [((_SLOT, str(slot.id)), _FREE)])
            else:
                return step is BookingStep.DONE
        return False

    def _go_on(self, booker: Booker, portal: Portal, slot_id: str) -> BookingStep:
        """Book a time, or go on with it; what is under way is noted before anything is sent."""
        booking = WishBooking(self._digest, slot_id, self._replaces)
        self._store.write_booking(self._name, booking)
        step = booker.book(portal, slot_id)
        if step is BookingStep.DONE:
            self._store.write_booking(self._name, replace(booking, is_done=True))
        elif step is not BookingStep.OPEN:
            self._store.write_booking(self._name, None)
        return step

    def _forget_vanished(self, fitting: Collection[Slot], *, is_whole: bool) -> set[Key]:
        """Return the times that were told and are still there; others may be told again."""
        seen = self._store.read_seen(self._cursor)
        told = {key for key in seen if key[0] == _SLOT}
        if not is_whole:
            return told
        here = {(_SLOT, str(slot.id)) for slot in fitting}
        if gone := told - here:
            self._store.write_seen(self._cursor, (), gone)
        return told & here


def _find_start(visit: str, portal: Portal, reading: Reading, now: datetime) -> datetime:
    """Return when a visit is; raise NotFound, Conflict, TooLate where none is to come."""
    sights = (each for each in reading.snapshot.sights if each.kind == "appointment")
    state = next((each.state for each in sights if each.id == visit), None)
    if state is None:
        found = portal.fetch_appointment(visit)
        state = ChangeState(found.status, found.start, found.end)
    if state.status in OVER:
        raise Conflict(f"{visit} is {state.status}: no time is earlier than it.")
    if state.start is None:
        raise NotFound(f"{visit} has no time yet: none is earlier than it.")
    if state.start <= now:
        raise TooLate(f"{visit} has begun or is past: no time is earlier than it.")
    return state.start


def _build_news(slot: Slot) -> News:
    return News(slot, (_SLOT, str(slot.id)), _FREE)
