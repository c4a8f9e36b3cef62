"""What a command asks of the portal, once it knows what the portal can do."""

from __future__ import annotations

import re

import pytest

REQUEST = re.compile(r"^(GET|POST|PUT) ", re.MULTILINE)
FEES = "--yes --accept-fee any"


@pytest.fixture
def ada(world):
    shell = world.shell("ada")
    shell("gpcli services")  # asks for the CapabilityStatement, which is kept
    return shell


def round_trips(shell, line: str) -> int:
    ending = shell(f"{line} --debug")
    assert ending.code == 0
    return len(REQUEST.findall(ending.err))


@pytest.mark.parametrize(
    "line",
    ["gp", "services", "appointments list", "messages list", "rx list", "rx requests"],
)
def test_a_question_takes_one_round_trip(ada, line):
    assert round_trips(ada, f"gpcli {line}") == 1


@pytest.mark.parametrize(
    ("line", "most"),
    [
        ("slots --limit 1", 2),
        ("contact --subject Ramp --message 'Is there one?' --yes", 3),
        (f"econsult start --via text --subject Rash --message Itchy {FEES}", 3),
        (f"econsult start --via video --subject Rash {FEES}", 3),
        (f"econsult start --via phone --subject Rash {FEES}", 3),
        ("rx renew rx-zt4s55k9 --yes", 3),
    ],
)
def test_a_command_takes_few_round_trips(ada, line, most):
    assert round_trips(ada, f"gpcli {line}") <= most


def test_booking_and_cancelling_take_three_each(ada):
    slot = ada.json("gpcli slots --limit 1 --from +7d")[0]["id"]
    assert round_trips(ada, f"gpcli book {slot} --yes") == 3
    [booked] = [one for one in ada.json("gpcli appointments list") if one["slot_id"] == slot]
    assert round_trips(ada, f"gpcli cancel {booked['id']} --yes") == 3
