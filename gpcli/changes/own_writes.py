"""What this computer has written itself: that is no news."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path

from gpcli.changes.files import DIRECTORY, find_path
from gpcli.changes.snapshot import Sight, see_appointment, see_renewal
from gpcli.changes.store import BY_HAND, ChangeStore
from gpcli.errors import GpcliError
from gpcli.journal import Journal
from gpcli.model.appointment import Appointment
from gpcli.model.change import RecordKind
from gpcli.model.prescription import Renewal

_SETTLING = timedelta(minutes=1)
"""For how long after a write its record is left alone, so that whoever wrote it notes it."""

_KINDS: dict[str, RecordKind] = {"Appointment": "appointment", "Task": "renewal"}


def find_own(journal: Journal, clock: Callable[[], datetime]) -> frozenset[str]:
    """Return what `differences.compare` leaves for the next time.

    That are the identifiers of records that this account has just made from here, and kind and id
    of those that it has just changed.
    """
    now = clock()
    with suppress(GpcliError):
        entries = journal.read_entries(recent=True)
        fresh = (each for each in entries if each.account == journal.account)
        return frozenset(
            name
            for each in fresh
            if each.is_under_way(now) or _is_within(each.at, now)
            for name in (each.intent.urn, _name_target(each.target))
        )
    return frozenset()


def _name_target(target: str | None) -> str:
    resource_type, _, id_ = (target or "").partition("/")
    return f"{_KINDS.get(resource_type, resource_type)}/{id_}"


def _is_within(at: str, now: datetime) -> bool:
    try:
        return abs(now - datetime.fromisoformat(at)) < _SETTLING
    except (TypeError, ValueError):  # no time that gpcli wrote
        return False


def note_own(
    state: Path, read_account: Callable[[], str], written: object, *, by_hand: bool
) -> None:
    """Note how a record is after a write from here, for those who have asked for changes before.

    `by_hand`: it was not written now, and who has seen it is the person at the terminal alone.
    `written` is what was sent, or has its records in `written`. Where that is impossible, it is
    told as news later.
    """
    if not (state / DIRECTORY).is_dir():  # before the account, for which one has to be signed in
        return
    account = read_account()
    if not find_path(state, account).exists():
        return
    with suppress(GpcliError), closing(ChangeStore(state, account)) as store:
        for record in getattr(written, "written", (written,)):
            sight = _see(record)
            if sight is not None:
                cursor = BY_HAND if by_hand else None
                store.note_own(sight.key, sight.to_seen(store.hash), cursor)


def _see(record: object) -> Sight | None:
    if isinstance(record, Appointment) and record.id:
        return see_appointment(record)
    return see_renewal(record) if isinstance(record, Renewal) and record.id else None
