"""Builders that the render tests share: an Output over streams in memory, and slots to show."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO

import pytest

from gpcli.model.appointment import Slot, SlotId
from gpcli.render.output import Format, Output, Terminal
from gpcli.render.view import Column, View, to_json_object

OSLO_WINTER = timezone(timedelta(hours=1))
NOW = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)


@dataclass
class CapturedOutput:
    """An Output, and what has been written through it."""

    format: Format = Format.AUTO
    tty: bool = False
    width: int = 80
    color: bool = False
    fields: tuple[str, ...] | None = None
    patience: float = 3600
    quiet: bool = False
    out: StringIO = field(default_factory=StringIO)
    err: StringIO = field(default_factory=StringIO)

    def __post_init__(self):
        terminal = Terminal(self.tty, self.tty, self.tty, self.width, color=self.color)
        self.output = Output(
            self.out,
            self.err,
            terminal,
            format=self.format,
            fields=self.fields,
            now=lambda: NOW,
            machine_zone=OSLO_WINTER,
            patience=self.patience,
            quiet=self.quiet,
        )

    @property
    def stdout_text(self):
        return self.out.getvalue()

    @property
    def stderr_text(self):
        return self.err.getvalue()

    @property
    def stderr_json(self):
        return [json.loads(line) for line in self.stderr_text.splitlines()]


def slot(id="s1", day=24, practitioner="Dr. Ingrid Øvrebø", location="Ekebergveien 228", **changed):
    start = datetime(2026, 11, day, 9, 0, tzinfo=OSLO_WINTER)
    values = {
        "id": SlotId(id),
        "start": start,
        "end": start + timedelta(minutes=20),
        "zone": "Europe/Oslo",
        "service": "booking",
        "channel": None,
        "practitioner": practitioner,
        "surgery": "Nordstrand legesenter",
        "location": location,
    }
    return Slot(**(values | changed))


SLOTS = View(
    "slots",
    (
        Column("id", "ID", lambda s: s.id),
        Column("start", "When", lambda s: s.start, lambda s, a: a.period(s.start, s.end, s.zone)),
        Column("end", "End", lambda s: s.end, in_table=False),
        Column("channel", "How", lambda s: s.channel),
        Column("practitioner", "With", lambda s: s.practitioner, style="green"),
        Column("location", "Where", lambda s: s.location),
    ),
    to_json_object,
    keys=(
        "id",
        "start",
        "end",
        "zone",
        "service",
        "channel",
        "practitioner",
        "surgery",
        "location",
        "comment",
        "schedule_comment",
        "practitioner_ref",
        "participants",
    ),
)


@pytest.fixture(scope="session")
def make_output():
    return CapturedOutput


@pytest.fixture(scope="session")
def a_slot():
    return slot


@pytest.fixture(scope="session")
def slots_view():
    return SLOTS
