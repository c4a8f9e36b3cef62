"""What a script does with answers: one value at a time, and cells that it takes apart."""

from __future__ import annotations

import pytest

from tests.journeys.test_outbox import AMLODIPINE, RASH, TOMORROW, cut_off

SINGLE_THINGS = {
    "profile": "whoami",
    "start": f"appointments show {TOMORROW}",
    "subject": f"messages show {RASH}",
    "status": f"rx show {AMLODIPINE}",
    "eligibility": "flu",
    "request_id": "book --first --another --dry-run",
}
"""A field, and a command that shows a single thing which has it."""


@pytest.mark.parametrize("field", SINGLE_THINGS)
def test_one_field_of_one_thing_is_its_value_alone(world, field):
    ada = world.shell("ada")
    line = f"gpcli {SINGLE_THINGS[field]}"
    both = ada(f"{line} --fields {field},{field}").rows

    for format in ("", "--plain"):
        ending = ada(f"{line} {format} --fields {field}")
        assert ending.code == 0, ending
        [[value]] = ending.rows
        assert value
        assert field == "request_id" or both == [[f"{field}:", value]] * 2


def test_one_field_of_a_request_is_without_the_list_of_its_parts(world):
    ada = world.shell("ada")
    cut_off(ada, arrives=False)("gpcli contact --subject Ramp --message Where? --yes")

    assert ada("gpcli outbox list --fields state").out == "unknown\n"
    [request] = ada.json("gpcli outbox list")
    assert ada(f"gpcli outbox show {request['request_id']} --fields state").out == "unknown\n"
