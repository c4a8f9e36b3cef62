"""What was sent is never taken for undone because its answer could not be written."""

import errno
import io
import os
from dataclasses import replace
from importlib import metadata

import pytest

CONTACT = "gpcli contact --subject Ramp --message Where? --yes"
LOST = "It was sent, but the answer can't be written: No space left on device."


class Stuck(io.StringIO):
    """Takes nothing."""

    def __init__(self, trouble):
        super().__init__()
        self.trouble = trouble

    def write(self, text):
        raise self.trouble


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def stuck(shell, trouble=FULL):
    return replace(shell, stdout=Stuck(trouble))


def threads_of(world):
    found = world.sandbox.store.find("Communication", patient="Patient/ada")
    return [one for one in found if one.get("topic", {}).get("text") == "Ramp"]


def test_a_message_whose_answer_meets_a_full_disk_is_said_to_be_sent(world):
    ada = world.shell("ada")

    ending = stuck(ada)(f"{CONTACT} --json")

    error = ending.error
    assert (ending.code, error["code"], error["message"]) == (1, "failure", LOST)
    again = ada.json(f"{CONTACT} --request-id {error['request_id']}")
    assert (again["changed"], len(threads_of(world))) == (False, 1)


def test_the_request_id_that_was_given_is_the_one_that_is_named(world):
    ending = stuck(world.shell("ada"))(f"{CONTACT} --request-id ramp-1")

    assert (ending.code, ending.err.splitlines()[-3:]) == (
        1,
        [
            f"gpcli: {LOST}",
            "  The same command with this --request-id answers again and sends nothing.",
            "  Request id: ramp-1",
        ],
    )


@pytest.mark.parametrize(
    ("trouble", "code", "line"),
    [(BrokenPipeError(), 141, -1), (KeyboardInterrupt(), 130, -1), (ValueError(), 70, -3)],
)
def test_a_booking_whose_answer_nobody_gets_is_told_on_stderr(world, trouble, code, line):
    book = "gpcli book --first --another --yes --request-id b-1"

    ending = stuck(world.shell("ada"), trouble)(book)

    said = ending.err.splitlines()[line]
    assert (ending.code, said) == (code, "It was sent, under the request id b-1.")
    assert len(world.appointments("ada")) == 1


def test_what_was_sent_is_never_a_fault_before_sending(world, monkeypatch):
    """Exit code 2 means that nothing was sent, also where a dependency does not fit."""
    monkeypatch.setattr(metadata, "requires", lambda name: ["typer<0.1"])
    shell = stuck(world.shell("ada"), ValueError())

    assert shell("gpcli book --first --another --yes --request-id b-1").code == 70
    assert shell("gpcli services").code == 2


@pytest.mark.parametrize("line", [f"{CONTACT} --dry-run", "gpcli services"])
def test_where_nothing_was_sent_nothing_is_said_to_be(world, line):
    ending = stuck(world.shell("ada"))(f"{line} --json")

    assert (ending.code, ending.error["message"], ending.error["request_id"]) == (
        1,
        "The system refused: No space left on device.",
        None,
    )


def test_what_was_so_before_is_not_said_to_be_sent(world):
    ada = world.shell("ada")
    ada.json(f"{CONTACT} --request-id ramp-1")

    ending = stuck(ada)(f"{CONTACT} --request-id ramp-1 --json")

    assert ending.error["message"] == "The system refused: No space left on device."
