"""What a person reads at a terminal of the usual 80 columns."""

from dataclasses import replace

import pytest

from tests.journeys.shell import SCREEN

NARROW = replace(SCREEN, width=80)
LISTS = {
    "messages list": ("Dr. Ingrid Haugland", ["ID", "Subject", "Status", "Unread", "Last"]),
    "appointments list": (
        "Dr. Ingrid Haugland · Solbakken legesenter",
        ["ID", "When", "Status", "Way"],
    ),
    "slots --limit 5": (
        "Dr. Ingrid Haugland · Solbakken legesenter",
        ["ID", "When", "Way"],
    ),
    "services": (None, ["Service", "Offered", "Price", "Command"]),
}


def at_80_columns(world, person):
    return replace(world.shell(person), terminal=NARROW)


@pytest.mark.usefixtures("in_oslo")
@pytest.mark.parametrize("line", LISTS)
def test_a_list_stays_a_table_and_keeps_what_matters(world, line):
    ending = at_80_columns(world, "ada")(f"gpcli {line}")

    shared, names = LISTS[line]
    above, lines = (None, ending.out.splitlines())
    if shared:
        above, *lines = lines
    assert (ending.code, above) == (0, shared)
    assert [name for name in names if name not in lines[0].split()] == []
    assert max(map(len, lines)) <= 80


def test_prescriptions_are_told_in_words_that_fit(world):
    ending = at_80_columns(world, "ada")("gpcli rx list")
    lines = ending.out.splitlines()

    assert ending.code == 0
    assert len([line for line in lines if not line.startswith("  ")]) == 11
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    "line",
    [
        "book --enquiry --dry-run --reason 'It hurts where the knee meets the shin, on stairs'",
        "contact --subject Ramp --message 'Where is the ramp to the entrance?' --dry-run",
        "slots --from 2040-01-01",
        "book no-such-slot --yes",
    ],
)
def test_whatever_is_said_fits_between_words(world, line):
    ending = at_80_columns(world, "ada")(f"gpcli {line}")

    assert ending.err
    assert [said for said in ending.err.splitlines() if len(said) > 80] == []


def test_appointments_tell_an_e_consultation_from_a_booking(world):
    ada = world.shell("ada")
    plain = replace(ada, terminal=SCREEN)("gpcli appointments list").out
    asked = ada("gpcli econsult start --via video --subject Rash --yes --accept-fee any")
    told = replace(ada, terminal=SCREEN)("gpcli appointments list").out.splitlines()

    assert asked.code == 0, asked.err
    headers = [line.split() for line in told if line.startswith("ID ")]
    assert ("Service" in plain.split(), "Service" in headers[0]) == (False, True)
    assert [line for line in told if "e-consultation" in line]


def test_a_requested_period_that_includes_today_begins_now(world):
    asked = world.shell("ada").json("gpcli book --enquiry --dry-run --to today")

    assert [one["start"] for one in asked["requested"]] == ["2027-03-01T09:00:00+01:00"]


@pytest.mark.parametrize(
    "command", ["messages list", "rx list", "rx requests", "slots", "services"]
)
def test_the_names_of_the_fields_are_all_that_is_said(world, command):
    ending = world.shell("ada")([*f"gpcli {command} --fields".split(), ""])

    assert (ending.code, ending.err) == (0, "")
    assert ending.out.splitlines()[0] in {"id", "service"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "rx list --json --fields id,basis",
            'This format has no field "basis": there it is in remaining.basis.',
        ),
        (
            "rx list --json --fields renewal_id",
            'This format has no field "renewal_id": there it is in renewal.id.',
        ),
        (
            "appointments list --plain --fields requested",
            'This format has no field "requested": only JSON has it.',
        ),
        (
            "services --json --fields gp",
            'This format has no field "gp": there it is in surgery.',
        ),
    ],
)
def test_a_field_of_another_format_is_told_where_it_is(world, line, message):
    ending = world.shell("ada")(f"gpcli {line}")

    assert (ending.code, ending.out) == (2, "")
    assert message in ending.err.replace('\\"', '"')
