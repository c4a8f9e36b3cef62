"""The pytest plugin: a sandbox for those who test their own programs (docs/pytest.md).

pytest imports it in every run on this Python, whether or not a fixture is used: nothing else is
imported until one is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from gpcli.sandbox.server import Sandbox
    from gpcli.testing import GpcliPortal, GpcliRun, GpcliSandbox

_SETTINGS = {
    "clock": "the portal's present at the start, such as 2027-03-01T09:00:00+01:00 (default: now)",
    "delay": "how long the surgery takes to answer, such as 1h (default: it answers at once)",
    "people": "a file of other people for the sandbox, relative to this one",
    "seed": "a whole number that makes the ids of new records repeat (default: 1)",
}
"""Options of pytest's configuration, each after `gpcli_`, and what they mean."""

_SANDBOX: pytest.StashKey[GpcliSandbox] = pytest.StashKey()
"""Where a test that uses the sandbox has it."""


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the options of the configuration file.

    pytest rewrites the asserts of every package that brings a plugin. Since gpcli has none for
    tests, that would only have each of its modules compiled anew, where no bytecode is kept at
    every run.
    """
    marked = getattr(getattr(pluginmanager, "rewrite_hook", None), "_must_rewrite", None)
    if isinstance(marked, set):
        marked.discard("gpcli")
    for name, meaning in _SETTINGS.items():
        parser.addini(f"gpcli_{name}", f"gpcli's sandbox: {meaning}", default="")
    parser.addini(
        "gpcli_fault_must_fire",
        "gpcli's sandbox: a test that passes fails if no request met one of its faults "
        "(default: false)",
        type="bool",
        default=False,
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    config.addinivalue_line(
        "markers",
        "gpcli_person(person, for_=None): who is signed in at gpcli's sandbox, and for whom, where "
        "the test names nobody (default: the first of its people, ada)",
    )
    config.addinivalue_line(
        "markers",
        "gpcli_fault_must_fire(must=True): whether the test fails where no request met one of the "
        "faults it put in force (default: as gpcli_fault_must_fire of the configuration)",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that would pass although a fault of its was not met, if that is wanted."""
    outcome = yield
    sandbox = item.stash.get(_SANDBOX, None)
    if sandbox is not None and _must_fire(item) and (unused := sandbox.unused_faults):
        pytest.fail(
            f"No request met the fault: {'; '.join(unused)}.\n"
            "gpcli_sandbox.faults tells what was met; gpcli help faults has what a rule matches.",
            pytrace=False,
        )
    return outcome


def _must_fire(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("gpcli_fault_must_fire")
    if marker is None:
        return bool(item.config.getini("gpcli_fault_must_fire"))
    given = [*marker.args, *marker.kwargs.values()]
    if given not in ([], [True], [False]) or marker.kwargs.keys() - {"must"}:
        pytest.fail("The marker gpcli_fault_must_fire takes nothing, or False.", pytrace=False)
    return given != [False]


@pytest.fixture(scope="session")
def _gpcli_server(pytestconfig: pytest.Config) -> Iterator[Sandbox]:
    """Start the sandbox of this process, which all its tests share."""
    from contextlib import ExitStack  # noqa: PLC0415  (start-up: only who uses a fixture)

    from gpcli.testing.start import (  # noqa: PLC0415  (start-up: as above)
        CannotStart,
        start_from_settings,
    )

    settings = {name: str(pytestconfig.getini(f"gpcli_{name}")) for name in _SETTINGS}
    file = pytestconfig.inipath
    base = file.parent if file else pytestconfig.rootpath
    with ExitStack() as stack:
        try:
            sandbox = stack.enter_context(start_from_settings(settings, base))
        except CannotStart as reason:
            raise pytest.fail.Exception(str(reason), pytrace=False) from None
        yield sandbox


@pytest.fixture
def gpcli_sandbox(
    _gpcli_server: Sandbox,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[GpcliSandbox]:
    """Give a GP portal on this machine, at each test as at the start: time, faults, answers."""
    from gpcli.testing import GpcliSandbox  # noqa: PLC0415  (start-up: only who uses a fixture)

    home = tmp_path_factory.mktemp("gpcli")
    with pytest.MonkeyPatch.context() as patch:

        def set_variable(name: str, text: str | None) -> None:
            if text is None:
                patch.delenv(name, raising=False)
            else:
                patch.setenv(name, text)

        sandbox = GpcliSandbox(_gpcli_server, home, _find_person(request), set_variable)
        request.node.stash[_SANDBOX] = sandbox
        yield sandbox
    _gpcli_server.reset()


def _find_person(request: pytest.FixtureRequest) -> tuple[str | None, str | None]:
    """Return who is meant where a test names nobody, and for whom they act; `None` = not said."""
    marker = request.node.get_closest_marker("gpcli_person")
    if marker is None:
        return None, None
    named = [*marker.args, *marker.kwargs.values()]
    is_odd = len(marker.args) != 1 or marker.kwargs.keys() - {"for_"}
    if is_odd or not all(isinstance(each, str | None) for each in named):
        pytest.fail(
            "The marker gpcli_person takes a person, and a child for whom they act: "
            "gpcli_person('guro', for_='emil')",
            pytrace=False,
        )
    return marker.args[0], marker.kwargs.get("for_")


@pytest.fixture
def gpcli_run(gpcli_sandbox: GpcliSandbox) -> GpcliRun:
    """Run gpcli against the sandbox: gpcli_run("slots", as_="ada") has .rc, .json, .error."""
    from gpcli.testing import GpcliRun  # noqa: PLC0415  (start-up: only who uses a fixture)

    return GpcliRun(gpcli_sandbox)


@pytest.fixture
def gpcli_portal(gpcli_sandbox: GpcliSandbox) -> Iterator[GpcliPortal]:
    """Open the sandbox from Python: gpcli_portal("ada") is what gpcli.connect() gives."""
    from contextlib import ExitStack  # noqa: PLC0415  (start-up: only who uses a fixture)

    from gpcli.testing import GpcliPortal  # noqa: PLC0415  (start-up: as above)

    with ExitStack() as stack:
        yield GpcliPortal(gpcli_sandbox, stack)
