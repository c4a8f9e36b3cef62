"""What is on its way when something ends it may have been sent, and is told to be so."""

from __future__ import annotations

import io
import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from gpcli.app_context import AppContext
from tests.journeys.shell import AN_HOUR, Shell, at_once
from tests.loopback import PlainTransport

RAMP = "gpcli contact --subject Ramp --can-wait"
UNSURE = "Your text is kept. It may have been sent: gpcli messages list shows it."


class Fate(PlainTransport):
    """A way to the portal that ends what is written as `end` says, as all that comes after it.

    `arrives` tells whether the portal gets it before that.
    """

    def __init__(self, end: BaseException, *, arrives: bool = True) -> None:
        super().__init__()
        self._end = end
        self._arrives = arrives
        self._over = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._over:
            raise self._end
        if not _is_write(request):
            return super().handle_request(request)
        self._over = True
        if self._arrives:
            super().handle_request(request).read()
        raise self._end


def _is_write(request: httpx.Request) -> bool:
    content = request.read()
    return b'"transaction"' in content or request.url.path.endswith("/Communication")


@dataclass(frozen=True)
class Fated(Shell):
    """A shell whose requests end as `fate` says."""

    fate: Callable[[], httpx.BaseTransport] = PlainTransport

    def _session(self, options: Any, env: Any, *streams: Any) -> AppContext:
        fate = self.fate()
        return AppContext(
            options,
            env,
            *streams,
            now=self.now,
            transport=fate,
            terminal=replace(self.terminal, width=500),
            sleep=at_once,
            patience=AN_HOUR,
        )


@pytest.fixture
def fated(world, tmp_path):
    """`fated(end)` is Ada's shell, with an editor that asks for a ramp, whose write ends so."""
    script = tmp_path / "editor.py"
    script.write_text("import sys\nopen(sys.argv[1], 'w').write('Is there a ramp?\\n')\n")

    def of(end, *, arrives=True):
        ada = world.shell("ada").with_env(EDITOR=shlex.join([sys.executable, str(script)]))
        return Fated(ada.env, ada.now, fate=lambda: Fate(end, arrives=arrives)).at_a_screen("y\n")

    return of


def ramps(world):
    """The threads about the ramp that the portal has."""
    found = world.sandbox.store.find("Communication", patient="Patient/ada")
    return [one for one in found if one.get("topic", {}).get("text") == "Ramp"]


def drafts(world):
    return sorted(world.home.glob("state/drafts/*"))


def way_on(ending):
    """The flags that the notice on the draft names."""
    [flags] = re.findall(rf"{re.escape(UNSURE)} To go on with it: (.*)", ending.err)
    return flags


ENDS = [(httpx.ReadTimeout("lost"), 10), (KeyboardInterrupt(), 130), (BrokenPipeError(), 141)]


@pytest.mark.parametrize(("end", "code"), ENDS)
@pytest.mark.parametrize("arrives", [True, False])
def test_a_text_whose_sending_is_unknown_is_gone_on_with_and_is_there_once(
    world, fated, end, code, arrives
):
    ending = fated(end, arrives=arrives)(RAMP)

    assert (ending.code, len(ramps(world)), len(drafts(world))) == (code, int(arrives), 1)
    again = world.shell("ada").json(f"{RAMP} --yes {way_on(ending)}")
    assert (again["changed"], len(ramps(world)), drafts(world)) == (not arrives, 1, [])


@pytest.mark.parametrize(("end", "code"), ENDS[1:])
def test_a_script_reads_the_request_id_of_what_was_ended_in_flight(world, fated, end, code):
    ending = fated(end)(f"{RAMP} --message Where? --yes --json --request-id ramp-1")
    assert (ending.code, ending.stderr_json[-1]["notice"]["request_id"]) == (code, "ramp-1")


@pytest.mark.parametrize(("end", "code"), ENDS[1:])
def test_who_ends_it_in_flight_is_told_the_request_id(world, fated, end, code):
    ending = fated(end)(f"{RAMP} --message Where? --yes --request-id ramp-1")

    assert (ending.code, ending.err.splitlines()[-1], len(ramps(world))) == (
        code,
        "It may have been sent, under the request id ramp-1.",
        1,
    )


def test_an_error_of_the_system_in_flight_is_an_unknown_outcome_with_its_request_id(world, fated):
    full = fated(OSError(28, "No space left on device"))
    ending = full(f"{RAMP} --message Where? --yes --json")

    error = ending.error
    assert (ending.code, error["code"], error["message"], len(ramps(world))) == (
        10,
        "outcome_unknown",
        "It may have been sent; the system refused to go on: No space left on device.",
        1,
    )
    line = f"{RAMP} --message Where? --yes --request-id {error['request_id']}"
    again = world.shell("ada").json(line)
    assert (again["changed"], len(ramps(world))) == (False, 1)


def test_what_never_left_is_sent_from_the_draft_as_ever(world, fated):
    ending = fated(httpx.ConnectError("refused"), arrives=False)(RAMP)

    [draft] = drafts(world)
    kept = f"Your text is kept: --message-file {shlex.quote(str(draft))} sends it."
    assert (ending.code, kept in ending.err) == (6, True)
    assert "may have been sent" not in ending.err


def test_who_ends_it_before_anything_is_on_its_way_is_told_nothing(world):
    class Gone(io.StringIO):
        def readline(self, *_: Any) -> str:
            raise KeyboardInterrupt

    ending = world.shell("ada").at_a_screen(Gone())(f"{RAMP} --message Where?")

    assert (ending.code, "been sent" in ending.err, ramps(world)) == (130, False, [])


class NoNotes(PlainTransport):
    """A portal that takes no changes."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            return httpx.Response(422, json={"resourceType": "OperationOutcome", "issue": REFUSED})
        return super().handle_request(request)


REFUSED = [{"severity": "error", "code": "processing", "details": {"text": "No."}}]


def test_a_mark_that_the_portal_does_not_take_is_said_to_be_on_this_machine_only(world):
    ada = world.shell("ada")
    shell = Fated(ada.env, ada.now, fate=lambda: NoNotes(trust_env=False))

    ending = shell("gpcli messages mark-read --all --yes")

    assert ending.code == 0
    assert ending.err.endswith(
        " marked as read, on this machine only: the portal takes no such note.\n"
    )
