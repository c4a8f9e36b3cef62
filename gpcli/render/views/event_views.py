"""What a watch tells at once: as a record, and in words for where it is sent."""

from __future__ import annotations

import json

from gpcli.errors import shorten
from gpcli.model.change import WatchEvent, WatchWord
from gpcli.render.sanitise import json_escape_hidden, safe_line
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, View, dataclass_view, to_json_object
from gpcli.render.views.change_views import change_line

MAX_LINES = 5
"""The most changes that a notification names: with their texts shortened, ntfy takes as much."""

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
    """Return an event as a notification, harmless to show: a line for each change that it has."""
    if event.changes is None:
        again = " (perhaps told before)" if event.again else ""
        return f"{safe_line(event.message)}{again}"
    shown = event.changes[:MAX_LINES]
    lines = [shorten(safe_line(change_line(change, time_format))) for change in shown]
    if len(event.changes) > MAX_LINES:
        lines.append(time_format.phrasing.word_more(len(event.changes) - MAX_LINES))
    return "\n".join(lines)


def word_message(event: WatchEvent) -> str:
    """Return what an event says where nothing of it is to be told, and what shows more."""
    more = " gpcli changes shows it." if event.event is WatchWord.CHANGES else ""
    return f"{event.message}{more}"


def encode_event(event: WatchEvent) -> bytes:
    """Return an event as one JSON object in UTF-8, with a line end, harmless to show."""
    text = json.dumps(to_json_object(event), ensure_ascii=False, allow_nan=False)
    return f"{json_escape_hidden(text)}\n".encode()
