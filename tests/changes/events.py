"""What a watch may find: a whole record of somebody's, each of whose words would be a leak."""

from datetime import timedelta

from gpcli.changes.telling import Sink
from gpcli.model.appointment import Slot, SlotId
from gpcli.model.change import (
    SOMETHING_NEW,
    TIMES_FIT,
    ChangeState,
    ChangeWord,
    RecordChange,
    WatchEvent,
    WatchWord,
)
from tests.care.builders import NOW

CANARIES = (
    "appt-4711",
    "thread-0815",
    "slot-1234",
    "Røde øyne",
    "Kari Berg",
    "Kom nå",
    "Ada Nordmann",
    "proposed",
    "booked",
    "2026-12-03",
    "2026-12-04",
    "confirmed",
    "visit-9876",
    "NOK 4711",
)
"""Ids, texts, names, times and statuses of the event below."""

CHANGE = RecordChange(
    "appointment",
    ChangeWord.CONFIRMED,
    "appt-4711",
    "thread-0815",
    "Røde øyne",
    "Kari Berg",
    "Kom nå",
    ChangeState("proposed", NOW + timedelta(days=2), NOW + timedelta(days=2, minutes=20)),
    ChangeState("booked", NOW + timedelta(days=3), NOW + timedelta(days=3, minutes=20)),
    NOW,
    "Europe/Oslo",
)


def an_event(*changes: RecordChange, **more: object) -> WatchEvent:
    """What somebody is told who asked for details; `changes` are the one above unless given."""
    found = changes or (CHANGE,)
    return WatchEvent(
        WatchWord.CHANGES,
        SOMETHING_NEW,
        len(found),
        "default",
        **{"patient": "Ada Nordmann", "changes": found, **more},
    )


def a_slot() -> Slot:
    start = NOW + timedelta(days=3)
    end = start + timedelta(minutes=20)
    id_ = SlotId("slot-1234")
    return Slot(id_, start, end, "Europe/Oslo", None, None, "Kari Berg", None, None)


WHOLE = an_event()
TIMES = WatchEvent(WatchWord.TIMES, TIMES_FIT, 1, "default")
BLANK = WatchEvent(WatchWord.CHANGES, SOMETHING_NEW, 1, "default")
AS_JSON = {
    "event": "changes",
    "message": "Something new at your GP's.",
    "count": 1,
    "watch": "default",
    "again": False,
    "patient": None,
    "changes": None,
    "times": None,
    "appointment": None,
    "replaced": None,
    "fee": None,
}
"""The JSON of an event without details."""


def reveal(sink: Sink, event: WatchEvent) -> WatchEvent:
    """The event as a watch gives it to a sink."""
    return event if sink.has_details else event.without_details


def find_leaks(*texts: str | bytes) -> set[str]:
    """The canaries that stand in any of the texts."""
    said = "\n".join(text if isinstance(text, str) else text.decode() for text in texts)
    return {canary for canary in CANARIES if canary in said}
