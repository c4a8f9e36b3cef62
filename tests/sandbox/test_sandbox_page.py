"""docs/sandbox.md says what the code does: tables are compared, routes and lines are tried."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gpcli.cli.app import load_command
from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.global_options import is_global
from gpcli.cli.served_sandboxes import ServedSandbox
from gpcli.sandbox.control import ControlClient
from gpcli.sandbox.control_routes import ROUTES, ControllablePortal
from gpcli.sandbox.faults.kinds import BUNDLES, ENDPOINTS, KINDS, OPTIONS, SELECTORS
from gpcli.sandbox.server import Sandbox
from tests.loopback import NO_CERTIFICATES
from tests.sandbox.conftest import NOW

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text(encoding="utf-8")
CODE = re.compile(r"`([^`]+)`")


def table(name: str) -> list[list[str]]:
    """The cells of the table between two comments, without its head."""
    _, inside, _ = re.split(rf"<!-- /?{name} -->", PAGE)
    lines = inside.strip().splitlines()[2:]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def test_every_fault_is_listed_in_the_order_in_which_it_acts():
    assert table("faults") == [
        [f"`{kind.form}`", "request" if kind.is_whole else "entry", kind.on or "all", kind.text]
        for kind in KINDS
    ]


def test_every_option_and_selector_is_listed():
    assert table("options") == [
        [f"`{name}={value.placeholder}`", value.meaning] for name, value in OPTIONS.items()
    ]
    assert table("when") == [[f"`{each.form}`", each.text] for each in SELECTORS.values()]


def test_every_path_that_is_a_word_is_named():
    named = {word for cells in table("paths") for word in CODE.findall(cells[0])}
    assert named == {*BUNDLES, *ENDPOINTS, "Appointment", "Appointment/*"}


def split_route(cell: str) -> tuple[str, str]:
    method, _, path = cell.strip("`").partition(" ")
    return method, path


def test_every_route_is_listed():
    listed = {split_route(route) for route, *_ in table("routes")}
    known = {(method, f"/control/{re.sub('<.*>', 'f1', path)}") for method, path in ROUTES}
    assert listed == known


@pytest.fixture(scope="module")
def portal() -> Iterator[Sandbox]:
    """One at which a request waits for the surgery."""
    with Sandbox(clock=NOW) as running:
        running.set_delay(timedelta(days=9_999))
        (task, *_) = running.store.find("Task", status="requested")
        running._surgery.enqueue(task)
        yield running


def shape(value: Any) -> Any:
    """The names in a JSON value, and the kinds of what they have; of a list, of its first item."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    return [shape(each) for each in value[:1]] if isinstance(value, list) else type(value)


def ask(portal: Sandbox, route: str, body: str, token: str | None = None) -> httpx.Response:
    method, path = split_route(route)
    headers = {
        "Authorization": f"Bearer {token or portal.control_token}",
        "Content-Type": "application/json",
    }
    return httpx.request(
        method,
        f"{portal.url}{path}",
        content=body,
        headers=headers,
        timeout=60,
        verify=NO_CERTIFICATES,
    )


def test_every_route_takes_the_documented_bodies_and_gives_the_documented_answer(portal):
    for route, bodies, documented, _ in table("routes"):
        sent = [each for each in CODE.findall(bodies) if each.startswith("{")] or [""]
        answers = [ask(portal, route, each) for each in sent]

        assert {each.status_code for each in answers} == {200}, route
        expected = shape(json.loads(documented.strip("`")))
        assert [shape(each.json()) for each in answers] == [expected] * len(sent), route


WRONG_BODIES = {
    "POST /control/token": {400: "{}", 404: '{"person": "nobody"}'},
    "POST /control/clock": {400: '{"now": "soon"}'},
    "POST /control/delay": {400: '{"seconds": -1}'},
    "POST /control/answer": {400: '{"wanted": 1}', 404: '{"wanted": "nothing"}'},
    "POST /control/faults": {400: '{"rule": "GET Slot: 50"}'},
    "DELETE /control/faults/f1": {404: ""},
}
"""Route -> each error that is documented, and a body that makes it; f1 is taken out by then."""


@pytest.mark.parametrize("route", [each[0].strip("`") for each in table("routes")])
def test_every_route_refuses_as_is_documented(portal, route):
    ((_, _, _, errors),) = (each for each in table("routes") if each[0].strip("`") == route)
    bodies = WRONG_BODIES.get(route, {})
    portal.clear_faults()

    refusals = [ask(portal, route, body) for body in bodies.values()]
    unknown = ask(portal, route, "{}", token="wrong")

    assert {int(each) for each in re.findall(r"\b4\d\d\b", errors)} == set(bodies)
    assert [each.status_code for each in refusals] == list(bodies)
    assert unknown.status_code == 401
    assert {tuple(each.json()) for each in [*refusals, unknown]} == {("error",)}


REFUSED: dict[int, tuple[str, str, dict[str, str]]] = {
    400: ("POST", "delay", {}),
    401: ("GET", "people", {"Authorization": "Bearer wrong"}),
    403: ("GET", "people", {"Host": "portal.example"}),
    404: ("GET", "nosuch", {}),
    405: ("PUT", "faults", {}),
    415: ("POST", "delay", {"Content-Type": "text/plain"}),
}
"""What is refused with each status, whatever the route."""


def test_every_error_of_the_control_api_is_listed_and_is_json(portal):
    assert [int(status) for status, _ in table("control-errors")] == list(REFUSED)
    own = {
        "Authorization": f"Bearer {portal.control_token}",
        "Content-Type": "application/json",
    }

    answers = [
        httpx.request(
            method, f"{portal.url}/control/{path}", headers=own | other, verify=NO_CERTIFICATES
        )
        for method, path, other in REFUSED.values()
    ]

    assert [each.status_code for each in answers] == list(REFUSED)
    assert {tuple(each.json()) for each in answers} == {("error",)}


def public_names(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


def test_what_controls_a_portal_in_this_process_and_in_another_is_listed():
    faces = [[cell.strip("`").partition("(")[0] for cell in row[:2]] for row in table("faces")]
    here, there = ({each[side] for each in faces} for side in (0, 1))

    assert there == public_names(ControlClient)
    assert here == public_names(ControllablePortal) <= public_names(Sandbox)


def test_the_file_of_a_portal_has_the_documented_names():
    (example,) = re.findall(r'```json\n(\{"name".*)\n```', PAGE)
    assert tuple(json.loads(example)) == ServedSandbox._fields


def test_the_program_in_python_runs(capsys, tmp_path):
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    runpy.run_path(str(tmp_path / "program.py"))

    assert "f2 [('POST Appointment: lost-reply once', 0, 1), (" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["sandbox run", "sandbox serve"])
def test_every_option_is_listed_for_its_command(command):
    listed = {
        flag.split()[0]
        for flags, commands, _ in table("command-options")
        if f"`{command.split()[1]}`" in commands
        for flag in CODE.findall(flags)
    }
    spec = REGISTRY.find_command(command)
    assert spec is not None
    own = {each.opts[0] for each in load_command(spec).params if not is_global(each)}
    assert listed == own - {"command", "--as", "--for"}
