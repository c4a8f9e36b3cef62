"""A portal that finds, holds and books times by operations, from the command line to its record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import httpx
import pytest

from gpcli.sandbox.fhir.held_times import HOLD_FOR, hold_slot
from gpcli.sandbox.server import Sandbox
from tests.journeys.shell import CommandResult, Shell
from tests.journeys.test_booking_ways import Meanwhile, configured, status_of
from tests.journeys.world import MONDAY, World
from tests.loopback import PlainTransport

CALLED = re.compile(r"POST /Appointment/(\$\w+)")


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with Sandbox(clock=MONDAY, booking="operation") as sandbox:
        yield sandbox


@pytest.fixture
def asking(started, tmp_path) -> Iterator[World]:
    """The portal, whose surgery takes an hour to confirm what was booked."""
    started.set_delay(timedelta(hours=1))
    yield World(started, tmp_path)
    started.reset()


class Between(httpx.BaseTransport):
    """The way to the portal, where something happens once `$hold` or `$book` was answered.

    `happens` may raise, so that the answer is lost.
    """

    def __init__(self, operation: str, happens: Callable[[], object]) -> None:
        self._inner = PlainTransport()
        self._operation = operation
        self._happens = happens

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        headers = {"Content-Type": answer.headers["Content-Type"]}
        response = httpx.Response(answer.status_code, headers=headers, content=answer.read())
        answer.close()
        if request.url.path.endswith(self._operation):
            self._happens()
        return response

    def close(self) -> None:
        self._inner.close()


def lose() -> None:
    raise httpx.ReadError("cut")


def called(err: str) -> list[str]:
    return CALLED.findall(err)


def first_free(shell: Shell) -> str:
    return str(shell.json("gpcli slots --limit 1")[0]["id"])


def hold_for_bo(world: World, slot: str) -> None:
    """Bo's program has the portal hold a time."""
    assert hold_slot(world.sandbox.store, f"Slot/{slot}", "bo", world.now())


@pytest.mark.parametrize("person", ["ada", "bo", "cecilie", "hans"])
@pytest.mark.parametrize("line", ["gpcli slots", "gpcli flu"])
def test_what_the_portal_proposes_is_what_its_slots_are(asking, person, line):
    found = asking.shell(person)(f"{line} --json --limit 500 --debug")
    env = configured(asking.sandbox, asking.home, "post", person)
    searched = Shell(env, asking.now)(f"{line} --json --limit 500")
    assert (found.code, times_in(found)) == (searched.code, times_in(searched))
    assert ("$find" in called(found.err)) == (found.code == 0)


def times_in(ending: CommandResult) -> list[tuple[str, ...]]:
    """All that the answer says of each time; those that begin together have no order."""
    answer = ending.json if ending.out else []
    times = answer["slots"] if isinstance(answer, dict) else answer
    return sorted(tuple(map(str, each.values())) for each in times)


def test_the_first_that_fits_is_held_and_then_booked(asking):
    ada = asking.shell("ada")
    slot = first_free(ada)
    ending = ada("gpcli book --first --another --yes --reason 'Sore knee' --debug --json")
    [there] = asking.appointments("ada")
    assert (ending.code, ending.json["id"], ending.json["slot_id"]) == (0, there["id"], slot)
    assert called(ending.err) == ["$find", "$hold", "$book"]
    assert (there["comment"], status_of(asking, slot)) == ("Sore knee", "busy-tentative")


def test_a_flu_time_is_booked_the_same_way(asking):
    ending = asking.shell("ada")("gpcli flu --first --another --yes --debug --json")
    assert (ending.code, called(ending.err)[-2:]) == (0, ["$hold", "$book"])


def test_a_time_that_is_picked_from_the_list_is_held_only_once_it_is_agreed_to(asking):
    ada = asking.shell("ada")
    declined = ada.at_a_screen("1\nn\n")("gpcli book --debug")
    assert (declined.code, called(declined.err)) == (9, ["$find"])
    agreed = ada.at_a_screen("1\ny\n")("gpcli book --debug")
    assert (agreed.code, called(agreed.err)) == (0, ["$find", "$hold", "$book"])


def test_a_dry_run_holds_nothing(asking):
    ending = asking.shell("ada")("gpcli book --first --another --dry-run --debug")
    assert (ending.code, called(ending.err)) == (0, ["$find"])


def test_a_time_is_booked_by_the_id_of_its_proposal_too(asking):
    ada = asking.shell("ada")
    slot = first_free(ada)
    ending = ada(f"gpcli book p-{slot} --yes --debug --json")
    assert (ending.code, ending.json["slot_id"]) == (0, slot)
    assert called(ending.err) == ["$find", "$hold", "$book"]


def test_a_time_that_is_not_proposed_any_more_may_be_gone(asking):
    ada = asking.shell("ada")
    slot = first_free(ada)
    asking.change(f"Slot/{slot}", status="busy")
    ending = ada(f"gpcli book p-{slot} --yes --json")
    assert ending.refused == (3, "not_found", "")
    assert "it may be gone" in ending.error["message"]
    assert ending.error["hint"] == "gpcli slots lists the free times."


def test_what_somebody_else_holds_is_not_listed_and_not_booked(asking):
    ada = asking.shell("ada")
    slot = first_free(ada)
    hold_for_bo(asking, slot)
    assert first_free(ada) != slot
    ending = ada(f"gpcli book {slot} --yes --json")
    assert ending.refused == (7, "slot_taken", "")


def test_a_hold_that_is_refused_ends_the_booking_in_the_portals_words(asking):
    ada = asking.shell("ada")
    slot = first_free(ada)
    meanwhile = Meanwhile(partial(hold_for_bo, asking, slot))
    ending = ada.at_a_screen(meanwhile)("gpcli book --first --another --debug")
    assert (ending.code, called(ending.err)) == (7, ["$find", "$hold"])
    assert "This time is not free any more. Please choose another." in ending.err
    assert asking.appointments("ada") == []


def test_a_hold_whose_answer_is_lost_is_followed_by_the_booking(asking):
    ada = replace(asking.shell("ada"), transport=Between("$hold", lose))
    ending = ada("gpcli book --first --another --yes --debug --json")
    assert (ending.code, called(ending.err)) == (0, ["$find", "$hold", "$book"])
    assert len(asking.appointments("ada")) == 1


def later(world: World, slot: str) -> None:
    """The hold ends, and Bo is quicker."""
    world.sandbox.advance(HOLD_FOR + timedelta(seconds=1))
    hold_for_bo(world, slot)


def test_a_booking_after_its_hold_has_ended_is_refused_if_somebody_was_quicker(asking):
    ada = asking.shell("ada")
    happens = partial(later, asking, first_free(ada))
    ending = replace(ada, transport=Between("$hold", happens))(
        "gpcli book --first --another --yes --json"
    )
    assert ending.refused == (7, "slot_taken", "")
    assert asking.appointments("ada") == []


def test_a_booking_after_its_hold_has_ended_is_made_if_nobody_was(asking):
    happens = partial(asking.sandbox.advance, HOLD_FOR + timedelta(seconds=1))
    ada = replace(asking.shell("ada"), transport=Between("$hold", happens))
    assert ada("gpcli book --first --another --yes").code == 0


def test_a_lost_booking_is_found_by_its_identifier(asking):
    ada = replace(asking.shell("ada"), transport=Between("$book", lose))
    receipt = ada.json("gpcli book --first --another --yes")
    [there] = asking.appointments("ada")
    assert (receipt["id"], receipt["changed"]) == (there["id"], True)


def test_one_request_id_is_one_booking(asking):
    ada = asking.shell("ada")
    line = "gpcli book --first --another --yes --request-id r1"
    first, second = ada.json(line), ada.json(line)
    assert (second["id"], first["changed"], second["changed"]) == (first["id"], True, False)
    assert len(asking.appointments("ada")) == 1


def test_what_was_booked_is_cancelled_and_its_time_proposed_again(asking):
    ada = asking.shell("ada")
    slot = first_free(ada)
    booked = ada.json("gpcli book --first --another --yes")
    assert first_free(ada) != slot
    assert ada.json(f"gpcli cancel {booked['id']} --yes")["status"] == "cancelled"
    assert first_free(ada) == slot
