"""One portal for all the journeys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gpcli.auth.vault import MemoryVault
from gpcli.cli.demo import open_sign_in_page
from gpcli.sandbox.server import Sandbox
from tests.journeys.bent_portal import BentPortal, serve
from tests.journeys.shell import CommandResult, Shell
from tests.journeys.world import MONDAY, World, machine_in

HERE = Path(__file__).parent

MOST_OF_A_KIND = 5
"""The cases of one test that are played without `-m real`; the others are of the same kind."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave all but a few cases of each test to the heavier layer, spread over its table."""
    kinds: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.path.parent == HERE and "[" in item.name and not item.get_closest_marker("real"):
            kinds.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for cases in kinds.values():
        step = max((len(cases) - 1) / (MOST_OF_A_KIND - 1), 1)
        played = {round(number * step) for number in range(MOST_OF_A_KIND)}
        for number, case in enumerate(cases):
            if number not in played:
                case.add_marker(pytest.mark.real)


@pytest.fixture(scope="session")
def started() -> Iterator[Sandbox]:
    """Tests take `world`, which is as it was at the start."""
    with Sandbox(clock=MONDAY, seed=1) as sandbox:
        yield sandbox


@pytest.fixture
def world(started: Sandbox, tmp_path: Path) -> Iterator[World]:
    yield World(started, tmp_path)
    started.reset()


@pytest.fixture
def in_oslo() -> Iterator[None]:
    """This computer's clock agrees with the surgeries', so that tables have no second one."""
    with machine_in("Europe/Oslo"):
        yield


@pytest.fixture
def shell_of(world: World) -> Callable[..., Shell]:
    """`shell_of("ada")`, or `shell_of("guro", "emil")` who acts for her child."""
    return world.shell


@pytest.fixture(scope="session")
def served() -> Iterator[Sandbox]:
    """Tests take `live`, which is as it was at the start."""
    with Sandbox(auto_sign_in=True) as sandbox:
        yield sandbox


@pytest.fixture
def live(served: Sandbox) -> Iterator[Sandbox]:
    """A portal by the real clock, whose page signs in at once whomever `--hint` names."""
    yield served
    served.reset()


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Somebody who has yet to sign in, with a keyring in memory and a browser that obeys."""
    env = {"GPCLI_CONFIG_DIR": str(tmp_path)}
    return Shell(env, lambda: datetime.now(UTC), vault=MemoryVault(), browse=open_sign_in_page)


@pytest.fixture
def ada(shell: Shell, live: Sandbox) -> Shell:
    """The same, after Ada has signed in."""
    assert shell(f"gpcli login {live.fhir_base} --hint ada").code == 0
    return shell


@pytest.fixture
def portal() -> Iterator[BentPortal]:
    """A portal whose sign-in answers as a test wants it."""
    with serve(BentPortal()) as bent:
        yield bent


@pytest.fixture
def login(shell: Shell, portal: BentPortal) -> Callable[..., CommandResult]:
    """`login("--patient p1")` signs in at `portal`; `typing` is on standard input."""

    def run(options: str = "", typing: str = "") -> CommandResult:
        line = f"gpcli login {portal.base} --environment staging {options} --json"
        return replace(shell, typing=typing)(line)

    return run
