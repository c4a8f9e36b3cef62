"""Free times that fit a wish: told once each, again only after they vanished, or booked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from enum import Enum, auto
from typing import Protocol

from gpcli.care.portal_protocol import Portal
from gpcli.care.slots import SlotSearch, fetch_slots
from gpcli.changes.reading import News, Reading
from gpcli.changes.store import ChangeStore, SeenRecord, WishBooking
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

    def book(self, portal: Portal, booking: WishBooking) -> BookingStep:
        """Book a time, or find out what became of an earlier try, and tell what is booked.

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

        A booking that is under way comes first, also one for an earlier wish of this watch.
        Raises: NotFound, Conflict, TooLate where the visit that they are to be earlier than, or to
        replace, is gone, cancelled, or begun; Conflict where another watch moves it; NotAllowed;
        what booking raises.
        """
        booking = self._store.read_booking(self._name)
        if booking is not None and not booking.is_done and self._booker is not None:
            step = self._go_on(self._booker, portal, booking)
            if step in {BookingStep.DONE, BookingStep.OPEN}:
                return step is BookingStep.DONE
        fitting = self._fetch_fitting(portal, reading)
        whole = not portal.flaws
        if self._booker is None:
            told = self._forget_vanished(_SLOT, fitting, is_whole=whole)
            self._teller.tell([_build_news(each) for each in fitting if str(each.id) not in told])
            return False
        refused = self._forget_vanished(self._refused_kind, fitting, is_whole=whole)
        new = [each for each in fitting if str(each.id) not in refused]
        return self._book_first(self._booker, portal, new)

    @property
    def _refused_kind(self) -> str:
        """The kind of record that a time is which this wish can't have."""
        return f"refused {self._digest}"

    def _fetch_fitting(self, portal: Portal, reading: Reading) -> list[Slot]:
        search = self._build_search()
        if self._replaces is not None:
            _find_start(self._replaces, portal, reading, search.now)
            if other := self._store.find_moving(self._replaces, self._name):
                raise Conflict(
                    f"The watch '{other}' has asked for another time for {self._replaces}.",
                    hint=f"gpcli watch --name {other}, with its options, goes on with that.",
                )
        if self._visit is not None:
            before = _find_start(self._visit, portal, reading, search.now)
            search = replace(search, filters=replace(search.filters, before=before))
        offers = reading.snapshot.offers
        return list(fetch_slots(portal, ServiceName.BOOKING, search, gp=self._gp, offers=offers))

    def _book_first(self, booker: Booker, portal: Portal, slots: Sequence[Slot]) -> bool:
        """Book the first of the times that can be had; return whether one is booked.

        What is too dear is so for all of them: it is giving back the old visit that costs.
        """
        for slot in slots:
            booking = WishBooking(self._digest, str(slot.id), self._replaces)
            step = self._go_on(booker, portal, booking)
            if step is BookingStep.TOO_DEAR:
                self._refuse(slots)
                self._teller.tell([_build_news(each) for each in slots])
                return False
            if step is not BookingStep.REFUSED:
                return step is BookingStep.DONE
            self._refuse([slot])
        return False

    def _refuse(self, slots: Sequence[Slot]) -> None:
        """Note that this wish can't have these times, as long as they are there."""
        rows = [((self._refused_kind, str(slot.id)), _FREE) for slot in slots]
        self._store.write_seen(self._cursor, rows)

    def _go_on(self, booker: Booker, portal: Portal, booking: WishBooking) -> BookingStep:
        """Book a time, or go on with it; what is under way is noted before anything is sent."""
        self._store.write_booking(self._name, booking)
        step = booker.book(portal, booking)
        if step is BookingStep.DONE:
            self._store.write_booking(self._name, replace(booking, is_done=True))
        elif step is not BookingStep.OPEN:
            self._store.write_booking(self._name, None)
        return step

    def _forget_vanished(self, kind: str, fitting: Collection[Slot], *, is_whole: bool) -> set[str]:
        """Return the ids of the times noted as of a kind that are still there.

        The others are forgotten: they may be told, or tried, again.
        """
        noted = self._store.read_ids(self._cursor, kind)
        if not is_whole:
            return noted
        here = {str(slot.id) for slot in fitting}
        if gone := noted - here:
            self._store.write_seen(self._cursor, (), [(kind, each) for each in gone])
        return noted & here


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
