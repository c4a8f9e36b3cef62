"""Records from Python are what `--json` prints of them."""

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta

import pytest

import gpcli
from gpcli.sandbox.people import PEOPLE
from tests.journeys.shell import shell_for

READS = {
    "gp": lambda portal: portal.fetch_surgeries(),
    "services": lambda portal: portal.fetch_services(),
    "slots --limit 5": lambda portal: portal.fetch_slots(limit=5),
    "flu": lambda portal: portal.fetch_flu(),
    "appointments list": lambda portal: portal.fetch_appointments(),
    "appointments list --all": lambda portal: portal.fetch_appointments(everything=True),
    "appointments list --past": lambda portal: portal.fetch_appointments(past=True),
    "appointments list --waiting": lambda portal: portal.fetch_appointments(waiting=True),
    "messages list": lambda portal: portal.fetch_threads(),
    "messages list --unread": lambda portal: portal.fetch_threads(unread=True),
    "messages list --limit 1": lambda portal: portal.fetch_threads(limit=1),
    "rx list": lambda portal: portal.fetch_prescriptions(),
    "rx list --low": lambda portal: portal.fetch_prescriptions(low=True),
    "rx list --all": lambda portal: portal.fetch_prescriptions(everything=True),
    "rx list --kind medicine": lambda portal: portal.fetch_prescriptions(kind="medicine"),
    "rx requests": lambda portal: portal.fetch_renewals(),
    "consent show": lambda portal: portal.fetch_consents(),
}
"""Reads, by the command that reads the same."""


def read_as_json(portal, read):
    """What was read, or the code and the exit status of the error."""
    try:
        return gpcli.to_json(read(portal))
    except gpcli.GpcliError as error:
        return error.code, int(error.exit)


def by_command_as_json(result):
    """The same of a command."""
    return result.json if result.code == 0 else (result.error["code"], result.code)


@pytest.mark.parametrize("person", [each.key for each in PEOPLE if each.key != "hans"])
def test_python_and_the_command_line_read_the_same(person, sandbox, connect_as, tmp_path):
    shell = shell_for(sandbox, tmp_path, person, sandbox.now)
    with connect_as(person) as portal:
        for command, read in READS.items():
            by_command = shell(f"gpcli {command} --json")
            assert read_as_json(portal, read) == by_command_as_json(by_command), command


def test_what_comes_one_at_a_time_is_the_same_too(ada, sandbox, tmp_path):
    shell = shell_for(sandbox, tmp_path, "ada", sandbox.now)
    thread, booking = ada.fetch_threads()[0], ada.fetch_appointments()[0]
    medicine = ada.fetch_prescriptions()[0]

    for command, record in (
        (f"messages show {thread.id}", ada.fetch_conversation(thread)),
        (f"appointments show {booking.id}", ada.fetch_appointment(booking)),
        (f"rx show {medicine.id}", ada.fetch_prescription(medicine)),
    ):
        assert gpcli.to_json(record) == shell.json(f"gpcli {command}")


def test_a_receipt_is_what_the_command_prints(ada, sandbox, tmp_path):
    sandbox.set_delay(timedelta(hours=1))
    line = "gpcli contact --subject Ramp --message 'Is there one?' --yes --request-id ramp-1"
    by_command = shell_for(sandbox, tmp_path, "ada", sandbox.now).json(line)
    receipt = ada.plan_contact("Ramp", "Is there one?", request_id="ramp-1").send()

    assert gpcli.to_json(receipt) == {**by_command, "changed": False}


def test_a_record_is_json_for_any_program(ada):
    for record in ada.fetch_appointments(everything=True):
        assert json.loads(json.dumps(gpcli.to_json(record))) == gpcli.to_json(record)


@dataclass
class NoJson:
    """A record with something that JSON has no form for."""

    what: object


@pytest.mark.parametrize("wrong", [5, None, "text", [5], {}, {"a": 1}, NoJson(object()), NoJson])
def test_what_is_no_record_is_a_wrong_type(wrong):
    with pytest.raises(TypeError):
        gpcli.to_json(wrong)


def test_the_types_of_records_can_be_imported_without_the_network():
    code = (
        "import sys; from gpcli.model.appointment import Appointment; print('httpx' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
