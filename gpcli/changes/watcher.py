"""A watch: asks the portal every so often, tells what is new, and notes where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from gpcli.care.portal_protocol import Portal
from gpcli.changes.files import DIRECTORY
from gpcli.changes.polling import Poller, is_final
from gpcli.changes.reading import ChangeReader, News, Reading
from gpcli.changes.store import ChangeStore, SeenRecord
from gpcli.changes.telling import Teller
from gpcli.config.private_files import hold_lock, make_private_directory
from gpcli.errors import Conflict, GpcliError, Partial, SignInError, TimedOut
from gpcli.model.change import WatchEvent, WatchState, WatchStatus, WatchWord

SIGN_IN_ENDED = "gpcli can't watch any more: the sign-in has ended."
WATCH_ENDED = "gpcli can't watch any more: gpcli watch status and its last message tell why."
"""What is told at the end of a watch."""


class Wish(Protocol):
    """What a watch looks for besides changes."""

    def look(self, portal: Portal, reading: Reading) -> bool:
        """Look for it, and tell it; return whether it is fulfilled, so that the watch ends.

        `reading` is how the patient's records are. Raises: what ends the watch.
        """


@dataclass(frozen=True)
class WatchNote:
    """What is kept of a watch; the times are Unix seconds, the rest is as in WatchStatus.

    `ended` is how it ended, `None` = it did not, or it is not known how.
    """

    since: float
    heartbeat: float
    every: float
    last_success: float | None = None
    until: float | None = None
    told: int = 0
    not_told: int = 0
    trouble: str | None = None
    ended: str | None = None


class Watcher:
    """One watch, by its `name`.

    `open_portal` returns the portal as if it was asked for the first time; `on_answer` is called
    with it once it has answered. `clock` returns the aware time. `until` is when the sign-in ends,
    `None` = not known. `wish` is what it looks for besides changes, `None` = nothing.
    """

    def __init__(
        self,
        name: str,
        store: ChangeStore,
        reader: ChangeReader,
        teller: Teller,
        poller: Poller,
        open_portal: Callable[[], Portal],
        clock: Callable[[], datetime],
        *,
        until: datetime | None = None,
        wish: Wish | None = None,
        on_answer: Callable[[Portal, Reading], None] = lambda portal, reading: None,
    ) -> None:
        self._name, self._store, self._reader = name, store, reader
        self._teller, self._poller = teller, poller
        self._open_portal, self._on_answer = open_portal, on_answer
        self._clock, self._wish = clock, wish
        now, earlier = clock().timestamp(), read_notes(store).get(name)
        self._earlier = earlier or WatchNote(now, now, 0.0)
        self._note = replace(
            self._earlier,
            since=now,
            heartbeat=now,
            every=poller.every.total_seconds(),
            until=until.timestamp() if until else None,
        )

    def run(self, *, once: bool = False) -> None:
        """Watch until the wish is fulfilled, or the portal was asked `once`; else for ever.

        Raises: what waiting does not mend. That it has ended is told before, once.
        """
        self._write()
        try:
            if once:
                self._ask()
            else:
                self._poller.poll(lambda: self._ask() or None)
        except SignInError:
            self._end(WatchState.SIGNED_OUT, WatchWord.SIGNED_OUT, SIGN_IN_ENDED)
            raise
        except GpcliError as error:
            if is_final(error):
                self._end(WatchState.ENDED, WatchWord.ENDED, WATCH_ENDED)
            raise
        if once and self._teller.failing:
            raise Partial("Not all of it could be told.", hint="It is tried again the next time.")

    def _end(self, state: WatchState, word: WatchWord, message: str) -> None:
        """Tell that the watch has ended, once after each success; what fails, the next time."""
        event = WatchEvent(word, message, 0, self._name)
        since = {"since": f"{self._note.last_success or 0}"}
        self._teller.tell_once(News(event, ("end", word.value), SeenRecord(None, None, since)))
        self._write(ended=state.value)

    def _ask(self) -> bool:
        """Ask the portal once, and tell what is new; return whether the wish is fulfilled."""
        is_fulfilled = False
        try:
            portal = self._open_portal()
            reading = self._reader.read(portal)
            self._reader.note_untold(reading)
            self._on_answer(portal, reading)
            try:
                is_fulfilled = self._wish is not None and self._wish.look(portal, reading)
            finally:  # what the wish has told itself is no news any more
                self._teller.tell(self._reader.list_untold(reading.news))
        except GpcliError as error:
            self._write(trouble=error.code)
            raise
        done = WatchState.DONE.value if is_fulfilled else None
        trouble = ", ".join(sorted(self._teller.failing)) or None
        self._write(last_success=self._clock().timestamp(), trouble=trouble, ended=done)
        return is_fulfilled

    def _write(self, **changes: Any) -> None:
        """Note where the watch stands."""
        self._note = replace(
            self._note,
            heartbeat=self._clock().timestamp(),
            told=self._earlier.told + self._teller.told,
            not_told=self._earlier.not_told + self._teller.not_told,
            **changes,
        )
        self._store.write_watch(self._name, asdict(self._note))


def read_notes(store: ChangeStore) -> dict[str, WatchNote]:
    """Return what is noted of each watch, by its name; one that can't be read is left out."""
    notes: dict[str, WatchNote] = {}
    for name, content in store.read_watches().items():
        with suppress(TypeError):
            notes[name] = WatchNote(**content)
    return notes


FORGOTTEN = timedelta(days=30)
"""After so long without a sign of life, a watch that does not run is not shown any more."""

STILL = timedelta(minutes=30)
"""How long a watch that asks often may give no sign of life."""


def find_statuses(
    store: ChangeStore,
    is_running: Callable[[str], bool],
    zone: ZoneInfo,
    now: datetime,
    name: str | None = None,
) -> list[WatchStatus]:
    """Return where the watches of an account stand, or the one called `name`; `None` = all.

    Those at work are first, then those that were alive last. What is long over is left out.
    """
    found = [
        _build_status(each, note, is_running(each), zone, now)
        for each, note in read_notes(store).items()
        if name in (None, each)
    ]
    found.sort(key=lambda each: each.heartbeat, reverse=True)
    found.sort(key=lambda each: each.state is not WatchState.RUNNING)
    there = (WatchState.RUNNING, WatchState.STALE)
    return [each for each in found if each.state in there or now - each.heartbeat <= FORGOTTEN]


def _build_status(
    name: str, note: WatchNote, is_running: bool, zone: ZoneInfo, now: datetime
) -> WatchStatus:
    def read_time(seconds: float | None) -> datetime | None:
        return None if seconds is None else datetime.fromtimestamp(int(seconds), zone)

    state = WatchState(note.ended) if note.ended else WatchState.STOPPED
    if is_running:
        longest = max(STILL.total_seconds(), 3 * note.every)
        is_still = now.timestamp() - note.heartbeat > longest
        state = WatchState.STALE if is_still else WatchState.RUNNING
    return WatchStatus(
        name=name,
        state=state,
        since=datetime.fromtimestamp(int(note.since), zone),
        heartbeat=datetime.fromtimestamp(int(note.heartbeat), zone),
        last_success=read_time(note.last_success),
        until=read_time(note.until),
        every=note.every,
        told=note.told,
        not_told=note.not_told,
        trouble=note.trouble,
    )


@contextmanager
def hold_watch(state: Path, account: str, name: str) -> Iterator[None]:
    """Keep other processes from being the watch `name` of this account.

    Raises: Conflict where another one is; ConfigError, OSError, as `hold_lock`.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(_hold_lock(state, account, name))
        except TimedOut:
            raise Conflict(
                f"Another gpcli watch called '{name}' runs for this person.",
                hint="gpcli watch status shows it; --name NAME starts another one beside it.",
            ) from None
        yield


def is_watch_running(state: Path, account: str, name: str) -> bool:
    """Return whether a process is the watch `name` of this account."""
    try:
        with _hold_lock(state, account, name):
            return False
    except TimedOut:
        return True


def _hold_lock(state: Path, account: str, name: str) -> AbstractContextManager[None]:
    path = make_private_directory(state, DIRECTORY) / f"{account}-{name}.lock"
    return hold_lock(path, "watches", timeout=0)
