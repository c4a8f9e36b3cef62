"""What a watch tells at once: as a record, and in words for where it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator

from gpcli.errors import shorten
from gpcli.model.appointment import Appointment, Slot
from gpcli.model.change import RecordChange, WatchEvent, WatchWord
from gpcli.render.sanitise import json_escape_hidden, safe_line
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, View, dataclass_view, to_json_object
from gpcli.render.views.appointment_views import appointment_label, slot_label
from gpcli.render.views.change_views import change_line, name_command

MAX_LINES = 5
"""The most records that a notification names: with their texts shortened, ntfy takes as much."""

SLOTS_COMMAND = "gpcli slots"
"""What lists free times."""

MAX_TIMES = 20
"""The most free times that a person at a terminal is told at once."""

EVENTS: View[WatchEvent] = dataclass_view(
    WatchEvent,
    "events",
    (
        Column("event", "What", lambda event: event.event.value),
        Column("message", "In words", lambda event: event.message),
        Column("count", "How many", lambda event: event.count),
        Column("watch", "Watch", lambda event: event.watch),
        Column("again", "Perhaps told before", lambda event: event.again),
    ),
)


def word_event(event: WatchEvent, time_format: TimeFormat) -> str:
    """Return an event as a notification, harmless to show: a line for each record that it has."""
    if not event.details:
        again = " (perhaps told before)" if event.again else ""
        more = f" {_name_slots(event)}" if event.event is WatchWord.TIMES else ""
        return f"{safe_line(_word_event(event))}{again}{more}"
    lines = [
        shorten(safe_line(_word_detail(each, time_format))) for each in event.details[:MAX_LINES]
    ]
    if len(event.details) > MAX_LINES:
        lines.append(time_format.phrasing.word_more(len(event.details) - MAX_LINES))
    return "\n".join(lines)


def list_event_lines(event: WatchEvent, time_format: TimeFormat) -> Iterator[str]:
    """Yield a line for each record of an event, with the command that goes on with it.

    It begins with the present by this computer's clock, and ends with the surgery's answer, if
    there is one. Of very many free times the first ones are told, and how many there are.
    """
    phrasing = time_format.phrasing
    begin = f"{time_format.now_here()}{phrasing.gap}"
    most = MAX_TIMES if event.times else len(event.details)
    for each in event.details[:most]:
        parts = (_word_detail(each, time_format), _name_command(each), _word_answer(each))
        yield f"{begin}{phrasing.join(parts)}"
    if len(event.details) > most:
        yield f"{begin}{phrasing.word_more(len(event.details) - most)}: {SLOTS_COMMAND}"


def _word_detail(record: RecordChange | Slot | Appointment, time_format: TimeFormat) -> str:
    if isinstance(record, RecordChange):
        return change_line(record, time_format)
    if isinstance(record, Slot):
        return f"Free: {slot_label(record, time_format)}"
    return f"Booked: {appointment_label(record, time_format)}"


def _word_answer(record: RecordChange | Slot | Appointment) -> str:
    answer = record.answer if isinstance(record, RecordChange) else None
    return f"The surgery says: {answer}" if answer else ""


def _name_command(record: RecordChange | Slot | Appointment) -> str:
    if isinstance(record, RecordChange):
        return name_command(record)
    show = "book" if isinstance(record, Slot) else "appointments show"
    return f"gpcli {show} {record.id}"


def word_message(event: WatchEvent) -> str:
    """Return what an event says where nothing of it is to be told, and what shows more."""
    more = {WatchWord.CHANGES: "gpcli changes shows it.", WatchWord.TIMES: _name_slots(event)}
    return f"{_word_event(event)} {more.get(event.event, '')}".rstrip()


def _word_event(event: WatchEvent) -> str:
    """Return its message; of several free times with how many they are."""
    if event.event is WatchWord.TIMES and event.count > 1:
        return f"{event.count:,} times that fit are free at your GP's."
    return event.message


def _name_slots(event: WatchEvent) -> str:
    return f"{SLOTS_COMMAND} lists {'them' if event.count > 1 else 'it'}."


def encode_event(event: WatchEvent) -> bytes:
    """Return an event as one JSON object in UTF-8, with a line end, harmless to show."""
    text = json.dumps(to_json_object(event), ensure_ascii=False, allow_nan=False)
    return f"{json_escape_hidden(text)}\n".encode()
