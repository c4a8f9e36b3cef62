"""What is new at the portal, and where a watch stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gpcli.model.change import ChangeWord, RecordChange, WatchState, WatchStatus
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, Entry, View, dataclass_view
from gpcli.render.views.thread_views import NO_SUBJECT

_NOUNS = {"appointment": "visit", "message": "message", "renewal": "renewal", "thread": "thread"}
"""What a patient calls each kind of record."""

_WORDS = {
    ChangeWord.NEW: "new {}",
    ChangeWord.CONFIRMED: "{} confirmed",
    ChangeWord.MOVED: "{} moved",
    ChangeWord.DECLINED: "{} declined",
    ChangeWord.CANCELLED: "{} cancelled",
    ChangeWord.ANSWERED: "{} answered",
    ChangeWord.GRANTED: "{} granted",
    ChangeWord.REFUSED: "{} refused",
    ChangeWord.CLOSED: "{} closed",
    ChangeWord.WITHDRAWN: "{} withdrawn by its sender",
    ChangeWord.CHANGED: "{} changed",
    ChangeWord.GONE: "{} not shown any more",
}
"""What has become of a record, in a patient's words; `{}` is what they call it."""

_STYLES = {
    ChangeWord.CONFIRMED: "green",
    ChangeWord.GRANTED: "green",
    ChangeWord.DECLINED: "red",
    ChangeWord.CANCELLED: "red",
    ChangeWord.REFUSED: "red",
    ChangeWord.GONE: "red",
}
"""The rich style of each word in a table."""

_STATES = {
    WatchState.RUNNING: "running",
    WatchState.STALE: "does not move",
    WatchState.STOPPED: "stopped",
    WatchState.SIGNED_OUT: "ended: sign in again",
    WatchState.DONE: "ended: it is booked",
    WatchState.ENDED: "ended: gpcli watch says why",
}
"""Where a watch stands, in words."""

Formatter = Callable[[WatchStatus, TimeFormat], str]

_COMMANDS = {
    "appointment": "gpcli appointments show {}",
    "message": "gpcli messages show {}",
    "thread": "gpcli messages show {}",
    "renewal": "gpcli rx requests",
}
"""Kind of record -> the command that shows more of it; `{}` is its id, or that of its thread."""


def word_change(change: RecordChange) -> str:
    """Return what has become of which kind of record: `visit confirmed`."""
    words = _WORDS[change.change].format(_NOUNS[change.kind])
    return f"{words} (perhaps told before)" if change.again else words


def name_command(change: RecordChange) -> str:
    """Return the command that shows more."""
    return _COMMANDS[change.kind].format(change.thread_id or change.id)


def format_change_time(change: RecordChange, time_format: TimeFormat) -> str:
    """Return when a visit is; with when it was, where it was moved and that is known."""
    after, before = change.after, change.before
    now = time_format.period(after.start, after.end, change.zone) if after else ""
    was = time_format.period(before.start, before.end, change.zone) if before else ""
    is_moved = change.change is ChangeWord.MOVED and was and now
    return f"{now}, before: {was}" if is_moved else now or was


def change_line(change: RecordChange, time_format: TimeFormat) -> str:
    """Return one change in a line."""
    what = word_change(change)
    parts = (
        f"{what[0].upper()}{what[1:]}",
        format_change_time(change, time_format),
        _format_title(change, time_format),
        change.sender,
    )
    return time_format.phrasing.join(parts)


def _format_title(change: RecordChange, _: TimeFormat) -> str:
    is_written = change.kind in {"message", "thread"}
    return change.title or (NO_SUBJECT if is_written and change.after else "")


def _find_start(change: RecordChange) -> datetime | None:
    return change.after.start if change.after else None


def describe_change(change: RecordChange, time_format: TimeFormat) -> Entry:
    """Return a change as it stands in a list: what became of it, when it is, the answer."""
    return Entry(
        word_change(change),
        change.id,
        (
            (
                (format_change_time(change, time_format), "bold"),
                (_format_title(change, time_format), ""),
                (change.sender or "", ""),
            ),
            ((change.answer or "", ""),),
            ((name_command(change), "dim"),),
        ),
    )


def _format_when(field: Callable[[WatchStatus], datetime | None]) -> Formatter:
    """Return a function that words the time `field` of a watch, in its own zone."""

    def word(status: WatchStatus, time_format: TimeFormat) -> str:
        when = field(status)
        return time_format.time(when, str(when.tzinfo)) if when else ""

    return word


WATCHES: View[WatchStatus] = dataclass_view(
    WatchStatus,
    "watches",
    (
        Column("name", "Watch", lambda status: status.name),
        Column(
            "state",
            "State",
            lambda status: status.state.value,
            lambda status, _: _STATES[status.state],
            style=lambda status: "green" if status.state is WatchState.RUNNING else "yellow",
        ),
        Column(
            "last_success",
            "Portal answered",
            lambda status: status.last_success,
            _format_when(lambda status: status.last_success),
        ),
        Column("trouble", "Trouble", lambda status: status.trouble, style="red"),
        Column(
            "until",
            "Sign-in until",
            lambda status: status.until,
            _format_when(lambda status: status.until),
        ),
        Column("told", "Told", lambda status: status.told, right=True),
        Column("not_told", "Not told", lambda status: status.not_told, right=True),
        Column(
            "since",
            "Since",
            lambda status: status.since,
            _format_when(lambda status: status.since),
            in_table=False,
        ),
        Column(
            "heartbeat",
            "Alive",
            lambda status: status.heartbeat,
            _format_when(lambda status: status.heartbeat),
            in_table=False,
        ),
        Column("every", "Every (s)", lambda status: f"{status.every:g}", in_table=False),
    ),
)

CHANGES: View[RecordChange] = dataclass_view(
    RecordChange,
    "changes",
    (
        Column("id", "ID", lambda change: change.id),
        Column("kind", "Kind", lambda change: change.kind, in_table=False),
        Column(
            "change",
            "What",
            lambda change: change.change.value,
            lambda change, _: word_change(change),
            style=lambda change: _STYLES.get(change.change, ""),
        ),
        Column(
            "start",
            "When",
            _find_start,
            format_change_time,
            moment=lambda change: (_find_start(change), change.zone),
        ),
        Column("title", "About", lambda change: change.title, _format_title),
        Column("sender", "With", lambda change: change.sender),
        Column("answer", "The surgery says", lambda change: change.answer),
        Column(
            "before",
            "Before",
            lambda change: change.before.status if change.before else None,
            for_people=False,
            json_path="before.status",
        ),
        Column(
            "after",
            "Now",
            lambda change: change.after.status if change.after else None,
            for_people=False,
            json_path="after.status",
        ),
        Column("thread_id", "Thread", lambda change: change.thread_id, for_people=False),
        Column("command", "More", name_command, lambda change, _: name_command(change)),
        Column("again", "Perhaps told before", lambda change: change.again, for_people=False),
    ),
    entry=describe_change,
)
