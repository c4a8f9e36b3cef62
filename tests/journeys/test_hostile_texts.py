"""Text from the portal that would like to control the terminal, the table or the script."""

from __future__ import annotations

import json
import re

import pytest

from tests.journeys.world import World

HOSTILE = (
    "\x1b[2J\x1b[31mred\x1b]8;;https://evil.example\x07link\x1b]52;c;ZXZpbA==\x07"
    "[bold]markup[/bold] [/] [mg/dL] \x9b31m \u202etxet\u2066 a\tb\nc\rd \U000e0041 \x00"
)
CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
PAINT = re.compile(r"\x1b\[[0-9;]*m")
WIDE = ("--plain", "--json", "--ndjson", "")
COMMANDS = [
    "whoami",
    "services",
    "services booking",
    "gp",
    "slots --limit 3",
    "flu --limit 3",
    "appointments list --all",
    "appointments show a-2xwr5jqm",
    "book --first --another --dry-run",
    "book --first --another --yes --reason '[b]Sore[/b]'",
    "book --enquiry --dry-run",
    "cancel a-2xwr5jqm --dry-run",
    "consent show",
    "consent grant --yes",
]


@pytest.fixture
def hostile(world: World) -> World:
    """Ada's surgery, her doctor, her record and her booking are full of it."""
    named = [{"text": HOSTILE, "family": HOSTILE, "given": [HOSTILE]}]
    world.change("Patient/ada", name=named)
    world.change("Practitioner/dr-haugland", name=named)
    for place in ("Organization/solbakken", "Location/solbakken"):
        world.change(place, name=HOSTILE, telecom=[{"system": "phone", "value": HOSTILE}])
    world.change("Organization/solbakken", address=[{"text": HOSTILE, "line": [HOSTILE]}])
    for service in ("booking", "flu-vaccination", "cancellation", "booking-enquiry"):
        eligible = [{"code": {"text": HOSTILE}, "comment": HOSTILE}]
        world.change(f"HealthcareService/{service}-haugland", comment=HOSTILE, eligibility=eligible)
    world.change("Appointment/a-2xwr5jqm", comment=HOSTILE, description=HOSTILE)
    return world


@pytest.mark.parametrize("command", COMMANDS)
def test_at_a_terminal_no_control_character_gets_through(hostile, command):
    ending = hostile.shell("ada").at_a_screen()(f"gpcli {command}")
    assert ending.code == 0
    assert CONTROL.findall(PAINT.sub("", ending.out + ending.err)) == []


@pytest.mark.parametrize("command", COMMANDS)
def test_piped_no_control_character_gets_through_and_rows_keep_their_cells(hostile, command):
    ending = hostile.shell("ada")(f"gpcli {command}")
    assert ending.code == 0
    assert CONTROL.findall(ending.out + ending.err) == []
    assert {len(row) for row in ending.rows if not row[0].endswith(":")} <= {
        len(ending.rows[-1]),
        1,
    }


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("form", ["--json", "--ndjson"])
def test_in_json_control_characters_are_escaped_and_the_text_is_whole(hostile, command, form):
    ending = hostile.shell("ada")(f"gpcli {command} {form}")
    assert ending.code == 0
    assert CONTROL.findall(ending.err) == []
    assert re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", ending.out) == []
    assert json.loads(ending.out if form == "--json" else ending.out.splitlines()[0])


def test_markup_is_text(hostile):
    ending = hostile.shell("ada").at_a_screen()("gpcli gp")
    assert "[bold]markup[/bold] [/] [mg/dL]" in ending.out


def test_json_keeps_the_text_as_the_portal_wrote_it(hostile):
    [surgery] = hostile.shell("ada").json("gpcli gp")
    assert surgery["name"] == HOSTILE


def test_a_refusal_in_the_portals_words_is_harmless_too(hostile):
    ending = hostile.shell("ada")("gpcli gp --gp nobody")
    assert ending.code == 3
    assert CONTROL.findall(ending.err) == []


def test_the_help_that_quotes_the_portal_is_harmless_too(hostile):
    hostile.sandbox.store.delete("HealthcareService", "flu-vaccination-haugland")
    shell = hostile.shell("ada")
    shell("gpcli services")
    ending = shell("gpcli flu")
    assert ending.code == 5
    assert CONTROL.findall(ending.err) == []
