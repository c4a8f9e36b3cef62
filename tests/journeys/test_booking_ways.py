"""Booking where a plain POST takes no time, from the command line to the portal's record."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from gpcli.config.profiles import SCOPES
from gpcli.sandbox.server import Sandbox
from tests.journeys.process import as_person, gpcli, minimal_env, start_gpcli, wait_for_end
from tests.journeys.shell import Shell
from tests.journeys.world import MONDAY, World

REQUEST = re.compile(r"^(GET|POST|PUT) ", re.MULTILINE)
SLOW = timedelta(hours=1)
"""How long the surgery takes: what is booked is still pending, and no time is taken by it."""


@pytest.fixture(scope="module")
def portals() -> Iterator[dict[str, Sandbox]]:
    """Tests take `asking` and `trusting`, which are as at the start."""
    with (
        Sandbox(clock=MONDAY, booking="operation") as asking,
        Sandbox(clock=MONDAY, booking="transaction") as trusting,
    ):
        yield {"operation": asking, "transaction": trusting}


@contextmanager
def fresh(sandbox: Sandbox, home: Path) -> Iterator[World]:
    sandbox.set_delay(SLOW)
    yield World(sandbox, home)
    sandbox.reset()


@pytest.fixture
def asking(portals, tmp_path) -> Iterator[World]:
    """A portal where times are taken with `Appointment/$book`."""
    with fresh(portals["operation"], tmp_path) as world:
        yield world


@pytest.fixture
def trusting(portals, tmp_path) -> Iterator[World]:
    """A portal that trusts its clients to take the times themselves."""
    with fresh(portals["transaction"], tmp_path) as world:
        yield world


def configured(sandbox: Sandbox, home: Path, way: str, person: str = "ada") -> dict[str, str]:
    """The variables of a person whose profile books in this way."""
    token = sandbox.issue_token(person)
    kept = home / "token"
    kept.write_text(token.access_token)
    settings = {
        "portal": sandbox.fhir_base,
        "environment": "sandbox",
        "booking": way,
        "token_command": f"cat {kept}",
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (home / "config.toml").write_text("\n".join(["[profiles.ours]", *lines, ""]))
    return minimal_env(home, GPCLI_PATIENT=token.patient, GPCLI_FHIR_USER=token.fhir_user)


def ada_with(world: World, way: str) -> Shell:
    return Shell(configured(world.sandbox, world.home, way), world.now)


def free(shell: Shell) -> str:
    return shell.json("gpcli slots --limit 1")[0]["id"]


def status_of(world: World, slot: str) -> str:
    there = world.sandbox.store.get("Slot", slot)
    assert there
    return there["status"]


def test_where_the_portal_has_the_operation_it_is_used_unasked(asking):
    ada = asking.shell("ada")
    slot = free(ada)
    receipt = ada.json(f"gpcli book {slot} --yes --reason 'Sore knee'")
    [there] = asking.appointments("ada")
    assert (receipt["id"], receipt["status"], receipt["changed"]) == (there["id"], "pending", True)
    assert (there["comment"], status_of(asking, slot)) == ("Sore knee", "busy-tentative")


def test_the_operation_takes_no_more_round_trips_than_a_post(asking):
    ada = asking.shell("ada")
    ending = ada(f"gpcli book {free(ada)} --yes --debug")
    assert (ending.code, len(REQUEST.findall(ending.err))) == (0, 3)


def test_booking_twice_with_one_request_id_is_one_booking_with_the_operation_too(asking):
    ada = asking.shell("ada")
    line = f"gpcli book {free(ada)} --yes --request-id r1"
    first, second = ada.json(line), ada.json(line)
    assert (second["id"], first["changed"], second["changed"]) == (first["id"], True, False)
    assert len(asking.appointments("ada")) == 1


class Meanwhile(io.StringIO):
    """What somebody types, while something else happens."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__("y\n")
        self._happens = happens

    def readline(self, size: int | None = -1) -> str:
        self._happens()
        return super().readline(-1)


@pytest.mark.parametrize("way", ["operation", "transaction"])
def test_a_time_that_is_taken_between_plan_and_sending_is_refused(portals, tmp_path, way):
    with fresh(portals[way], tmp_path) as world:
        ada = ada_with(world, way)
        slot = free(ada)
        taken = partial(world.change, f"Slot/{slot}", status="busy")
        ending = ada.at_a_screen(Meanwhile(taken))(f"gpcli book {slot}")
        assert (ending.code, world.appointments("ada")) == (7, [])
        assert "taken" in ending.err
        assert "  gpcli slots lists the free times.\n" in ending.err


def test_a_profile_that_posts_at_a_portal_with_the_operation_is_told_so(asking):
    ada = ada_with(asking, "post")
    ending = ada(f"gpcli book {free(ada)} --yes --json")
    assert ending.refused == (7, "rejected", "")
    assert "Times are booked with Appointment/$book at this portal" in ending.error["message"]
    assert asking.appointments("ada") == []


def test_a_profile_that_asks_for_an_operation_that_is_not_there_is_told_so(trusting):
    ada = ada_with(trusting, "operation")
    ending = ada(f"gpcli book {free(ada)} --yes --json")
    assert ending.refused == (5, "not_permitted", "")
    assert "does not list Appointment/$book" in ending.error["message"]
    assert trusting.appointments("ada") == []


def test_by_transaction_the_time_is_taken_with_the_booking_and_keeps_what_it_had(trusting):
    ada = ada_with(trusting, "transaction")
    slot = free(ada)
    before = trusting.sandbox.store.get("Slot", slot)
    receipt = ada.json(f"gpcli book {slot} --yes")
    [there] = trusting.appointments("ada")
    after = trusting.sandbox.store.get("Slot", slot)
    assert (receipt["id"], receipt["changed"]) == (there["id"], True)
    assert after == {**before, "status": "busy", "meta": after["meta"]}


def test_booking_twice_with_one_request_id_is_one_booking_by_transaction_too(trusting):
    ada = ada_with(trusting, "transaction")
    line = f"gpcli book {free(ada)} --yes --request-id r1"
    first, second = ada.json(line), ada.json(line)
    assert (second["id"], first["changed"], second["changed"]) == (first["id"], True, False)
    assert len(trusting.appointments("ada")) == 1


def test_a_booking_by_transaction_is_cancelled_like_any_other(trusting):
    ada = ada_with(trusting, "transaction")
    slot = free(ada)
    booked = ada.json(f"gpcli book {slot} --yes")["id"]
    ada.json(f"gpcli cancel {booked} --yes")
    assert status_of(trusting, slot) == "free"


def test_where_a_post_takes_no_time_the_second_booking_of_it_is_cancelled_again(trusting):
    ada, elsewhere = trusting.shell("ada"), trusting.shell("ada")
    slot = free(ada)
    first = Meanwhile(partial(elsewhere.json, f"gpcli book {slot} --yes"))
    ending = ada.at_a_screen(first)(f"gpcli book {slot}")
    assert (ending.code, ending.out) == (7, "")
    assert "Another booking of this time came first" in ending.err
    statuses = [one["status"] for one in trusting.appointments("ada")]
    assert sorted(statuses) == ["cancelled", "pending"]


def signed_in(shell: Shell, live: Sandbox, home: Path, scopes: str) -> Shell:
    """Ada, whose profile books by transaction and asks for these scopes."""
    settings = {
        "portal": live.fhir_base,
        "environment": "sandbox",
        "booking": "transaction",
        "scopes": scopes,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (home / "config.toml").write_text("\n".join(["[profiles.ours]", *lines, ""]))
    assert shell("gpcli login --hint ada").code == 0
    return shell


def test_signing_in_asks_for_the_scope_that_a_transaction_needs(shell, live, tmp_path):
    ada = signed_in(shell, live, tmp_path, SCOPES)
    slot = free(ada)
    assert ada.json(f"gpcli book {slot} --another --yes")["slot_id"] == slot


def test_with_scopes_of_its_own_a_profile_may_lack_what_a_transaction_needs(shell, live, tmp_path):
    ada = signed_in(shell, live, tmp_path, SCOPES.replace(" patient/Immunization.rs", ""))
    ending = ada(f"gpcli book {free(ada)} --another --yes --json")
    assert ending.refused == (5, "not_permitted", "")
    assert "does not let the app change Slot resources" in ending.error["message"]
    made = live.store.find("Appointment", patient="Patient/ada")
    assert [one for one in made if one.get("identifier")] == []


@pytest.mark.parametrize("word", ["auto", "POST", "both", ""])
def test_a_sandbox_books_in_no_other_way(shell, word):
    ending = shell(["gpcli", "sandbox", "run", "--booking", word, "--", "true"])
    assert (ending.code, ending.out) == (2, "")
    assert "operation" in ending.err


@pytest.mark.real
def test_a_sandbox_that_is_run_books_as_it_is_told(tmp_path):
    inside = ("python", "-m", "gpcli", "book", "--first", "--another", "--yes", "--debug")
    line = ("sandbox", "run", "--booking", "operation", "--", *inside)
    ending = gpcli(*line, env=minimal_env(tmp_path))
    assert ending.code == 0
    assert "POST /Appointment/$book 200" in ending.err


def raced(sandbox: Sandbox, env: dict[str, str]) -> list[str]:
    """The statuses of what eight `gpcli book` of one time leave; one ends well."""
    [slot] = json.loads(gpcli("slots", "--limit", "1", "--json", env=env).out)
    line = ("book", slot["id"], "--yes", "--another", "--json")
    endings = [wait_for_end(process) for process in [start_gpcli(*line, env=env) for _ in range(8)]]
    assert Counter(ending.code for ending in endings) == {0: 1, 7: 7}
    assert {ending.error["code"] for ending in endings if ending.code} == {"slot_taken"}
    found = sandbox.store.find("Appointment", slot=f"Slot/{slot['id']}")
    [booked] = [json.loads(ending.out) for ending in endings if not ending.code]
    assert booked["id"] in {one["id"] for one in found if one["status"] == "pending"}
    return sorted(one["status"] for one in found)


@pytest.mark.real
@pytest.mark.parametrize("way", ["post", "operation", "transaction"])
def test_eight_after_one_time_leave_one_booking_in_each_way(tmp_path, way):
    with Sandbox(clock=datetime.now(UTC), delay=SLOW, booking=way) as sandbox:
        env = configured(sandbox, tmp_path, way, "hans")
        assert raced(sandbox, env) == ["pending"]


@pytest.mark.real
def test_eight_at_a_portal_that_guards_nothing_leave_one_booking(tmp_path):
    """Each sees the others, and all find the same one first."""
    with Sandbox(clock=datetime.now(UTC), delay=SLOW, booking="transaction") as sandbox:
        left = Counter(raced(sandbox, as_person(sandbox, tmp_path, "hans")))
        assert left["pending"] == 1
        assert left.keys() <= {"pending", "cancelled"}
