"""What a script does with answers: one value at a time, and cells that it takes apart."""

from __future__ import annotations

import pytest

from gpcli.cli.command_views import list_field_names
from gpcli.cli.ready_answers import answer
from tests.journeys.process import PYTHON, as_person, shell
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


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full"])
def test_a_write_whose_receipt_can_t_be_written_is_not_sent(live, tmp_path, redirection):
    env = as_person(live, tmp_path, "ada")
    line = f"{PYTHON} contact --subject Ramp --message Where? --yes"

    before = len(live.store.find("Communication"))
    assert shell(f"{line} {redirection}", env).code == 1
    assert len(live.store.find("Communication")) == before

    assert shell(f"{line} 2>&-", env).code == 0
    assert len(live.store.find("Communication")) > before


ARGUMENTS = {
    "appointments show": TOMORROW,
    "cancel": TOMORROW,
    "consent withdraw": "--confirm withdraw",
    "contact": "--subject Ramp --message Where?",
    "econsult join": TOMORROW,
    "econsult withdraw": TOMORROW,
    "messages mark-read": RASH,
    "messages reply": f"{RASH} --message Thanks",
    "messages save": RASH,
    "messages show": RASH,
    "move": TOMORROW,
    "outbox settle": "",
    "profile add": "other https://staging.example/fhir --environment staging",
    "profile remove": "home",
    "profile show": "home",
    "profile use": "home",
    "rx renew": AMLODIPINE,
    "rx show": AMLODIPINE,
    "sandbox env": "ada",
    "sandbox fault add": "'GET Slot: 503'",
}
"""What a command needs besides `--fields ''`."""
NOT_ALONE = {"book", "econsult start", "econsult join", "outbox show", "flu", "smoke"}
"""Commands that need what is not there, or answer in one of two ways."""


@pytest.mark.parametrize("format", ["", "--json"])
@pytest.mark.parametrize("path", sorted(list_field_names().keys() - NOT_ALONE))
def test_the_names_that_completion_has_are_those_that_the_command_lists(world, path, format):
    ada = world.shell("ada")
    ada("gpcli profile add home https://home.example/fhir --environment staging")

    ending = ada(f"gpcli {path} {ARGUMENTS.get(path, '')} {format} --fields ''")

    assert ending.code == 0, ending
    assert ending.out.split() == list(list_field_names()[path][bool(format)])


def test_nothing_is_answered_before_the_fields_are_right(world):
    assert world.shell("ada")("gpcli sandbox answer --fields bogus").code == 2


@pytest.mark.parametrize(
    "line",
    [
        "login",
        "logout",
        "profile add other https://staging.example/fhir --environment staging",
        "profile use home",
        "profile remove home",
    ],
)
@pytest.mark.parametrize(("fields", "code"), [("bogus", 2), ("", 0)])
def test_nothing_is_changed_on_this_machine_before_the_fields_are_right(ada, line, fields, code):
    def state() -> tuple[str, ...]:
        return ada("gpcli profile list").out, ada("gpcli whoami --all").out

    ada("gpcli profile add home https://home.example/fhir --environment staging")
    before = state()

    assert ada(["gpcli", *line.split(), "--fields", fields]).code == code

    assert state() == before


def test_the_names_of_gps_are_completed_once_services_were_listed(world):
    finn = world.shell("finn")
    names = finn("gpcli gp --fields gp").out
    assert names.count("\n") == 2
    assert answer(["__complete", "slots", "--with", ""], finn.env) == ""

    finn("gpcli services")

    assert answer(["__complete", "gp", "--gp", ""], finn.env) == names
    assert answer(["__complete", "slots", "--with", ""], finn.env) == names
