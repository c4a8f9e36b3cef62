"""Test `gpcli sandbox answer` against a served portal."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gpcli.cli.served_sandboxes import ServedSandbox, announce
from gpcli.sandbox.server import Sandbox
from tests.journeys.shell import Shell
from tests.sandbox.conftest import NOW

WISH = {
    "resourceType": "Appointment",
    "id": "a-enquiry",
    "status": "proposed",
    "requestedPeriod": [{"start": "2026-11-24", "end": "2026-12-04"}],
    "participant": [{"actor": {"reference": "Patient/zoe"}, "status": "accepted"}],
}
ZOE = {
    "resourceType": "Bundle",
    "entry": [{"resource": {"resourceType": "Patient", "id": "zoe"}}],
}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Sandbox]:
    """A portal where two wishes wait."""
    file = tmp_path / "people.json"
    file.write_text(json.dumps(ZOE), encoding="utf-8")
    state = tmp_path / "state" / "gpcli"
    with Sandbox(people=file, clock=NOW, delay=timedelta(hours=1)) as sandbox:
        for each in ("a-enquiry", "b-enquiry"):
            sandbox._surgery.enqueue(sandbox.store.put(WISH | {"id": each}))
        announced = ServedSandbox("default", sandbox.url, sandbox.control_token, 0.0, 1)
        with announce(state, announced, lambda _: False):
            yield sandbox


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    env = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    return Shell(env, lambda: datetime.now(UTC))


def test_all_that_waits_is_answered_and_listed(served: Sandbox, shell: Shell) -> None:
    ending = shell("gpcli sandbox answer")
    assert (ending.code, ending.rows, ending.err) == (
        0,
        [["a-enquiry", "booking", "declined"], ["b-enquiry", "booking", "declined"]],
        "",
    )


def test_one_is_answered_by_its_id_in_the_words_given(served: Sandbox, shell: Shell) -> None:
    line = "gpcli sandbox answer b-enquiry --decline --text 'Ring oss.'"

    answered = shell.json(line)

    (response,) = served.store.find("AppointmentResponse", appointment="Appointment/b-enquiry")
    assert answered == [{"id": "b-enquiry", "service": "booking", "outcome": "declined"}]
    assert response["comment"] == "Ring oss."
    assert [each.reference for each in served.answer()] == ["Appointment/a-enquiry"]


def test_where_nothing_waits_the_list_is_empty_and_says_so(served: Sandbox, shell: Shell) -> None:
    served.answer()

    ending = shell("gpcli sandbox answer --json")

    assert (ending.code, ending.json) == (0, [])
    assert ending.stderr_json == [{"notice": {"message": "Nothing waits for an answer."}}]


@pytest.mark.parametrize("wanted", ["nothing", "Task/a-enquiry", "zoe"])
def test_an_unknown_id_is_not_found(served: Sandbox, shell: Shell, wanted: str) -> None:
    ending = shell(f"gpcli sandbox answer {wanted} --json")

    assert ending.refused == (3, "not_found", "")
    assert ending.error["hint"] == "Without an id, all that waits is answered."
    assert len(served.answer()) == 2


@pytest.mark.parametrize("words", ["''", "' '", "a-enquiry --text ''", "--text ' '"])
def test_an_empty_id_or_text_is_wrong_usage(served: Sandbox, shell: Shell, words: str) -> None:
    ending = shell(f"gpcli sandbox answer {words} --json")

    assert ending.refused == (2, "usage", "")
    assert len(served.answer()) == 2


def test_where_no_portal_is_served_there_is_nobody_to_ask(shell: Shell) -> None:
    ending = shell("gpcli sandbox answer --json")
    assert ending.refused == (3, "not_found", "")
