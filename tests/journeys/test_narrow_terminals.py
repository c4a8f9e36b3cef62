"""What a person reads at a terminal of the usual 80 columns."""

from dataclasses import replace

import pytest

from tests.journeys.shell import SCREEN

NARROW = replace(SCREEN, width=80)
LISTS = {
    "messages list": ["ID", "Subject", "Status", "Unread", "Last"],
    "rx list": ["ID", "Name", "Left", "Valid", "until", "Renewal"],
    "appointments list": ["ID", "When", "Status", "Way", "With"],
    "slots --limit 5": ["ID", "When", "Way", "With"],
    "services": ["Service", "Offered", "Price", "Command"],
}


def at_80_columns(world, person):
    return replace(world.shell(person), terminal=NARROW)


@pytest.mark.parametrize("line", LISTS)
def test_a_list_stays_a_table_and_keeps_what_matters(world, line):
    ending = at_80_columns(world, "ada")(f"gpcli {line}")

    head, *rows = ending.out.splitlines()
    headers = head.split()
    assert [name for name in LISTS[line] if name not in headers] == []
    assert (ending.code, {row[:1] for row in rows[:1]}) == (0, {"─"})
    assert max(map(len, (head, *rows))) <= 80


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
    plain = replace(ada, terminal=SCREEN)("gpcli appointments list").out.splitlines()[0]
    asked = ada("gpcli econsult start --via video --subject Rash --yes --accept-fee any")
    told = replace(ada, terminal=SCREEN)("gpcli appointments list").out.splitlines()

    assert asked.code == 0, asked.err
    assert ("Service" in plain.split(), "Service" in told[0].split()) == (False, True)
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
