"""The contract: one suite, and the portals that it is tried on.

`pytest tests/contract -m "not real"` tries it on the embedded portal and on a fake, `-m real` also
on software that nobody here wrote. That needs `npm ci --prefix tests/real`, the extra `real`, and
the program that `GPCLI_TEST_SEKMET` names (see `places.sekmet`).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.contract.fake import fake_portal
from tests.contract.offers import contradictions, reasons
from tests.contract.places import (
    Place,
    Provider,
    embedded_portal,
    medplum_behind,
    oidc_provider,
    sekmet_behind,
)
from tests.contract.portal_page import read_page, rungs
from tests.contract.table import PORTALS, cases, shortcomings, table
from tests.contract.visit import Visit, begin

HERE = Path(__file__).parent
WITH_NOTHING_ELSE = ("embedded", "fake")
"""Portals that need no software of others; the rest is `real`."""
EVERYWHERE = [
    pytest.param(each, marks=() if each in WITH_NOTHING_ELSE else pytest.mark.real)
    for each in PORTALS
]
LEFT_OUT = pytest.StashKey[dict[str, list[str]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "needs(*interactions): what a portal must offer for this, as in Task:create"
    )
    config.stash[LEFT_OUT] = {}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None, None, None]:
    """`-m real` is all of the contract; what a portal does not offer is left out there."""
    if _with_all(config):
        for each in _of_the_contract(items):
            each.add_marker(pytest.mark.real)
    yield
    left_out = {each: why for each in _of_the_contract(items) if (why := _why_not(each))}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [each for each in items if each not in left_out]
    config.stash[LEFT_OUT] = {each.nodeid: why for each, why in left_out.items()}


def _of_the_contract(items: list[pytest.Item]) -> list[pytest.Item]:
    return [each for each in items if HERE in each.path.parents]


def _why_not(item: pytest.Item) -> list[str]:
    callspec = getattr(item, "callspec", None)
    portal = callspec.params.get("place") if callspec else None
    return reasons(portal, _needs(item)) if portal else []


def _needs(item: pytest.Item) -> tuple[str, ...]:
    marker = item.get_closest_marker("needs")
    return marker.args if marker else ()


def _with_all(config: pytest.Config) -> bool:
    """Whether it is `pytest -m real`."""
    return bool(config.option.markexpr == "real")


def _whole(config: pytest.Config) -> bool:
    """Whether it is `pytest -m real` with all of the contract."""
    given = [config.invocation_params.dir / each for each in config.args]
    whole = any(each == HERE or each in HERE.parents for each in given)
    apart = config.option.keyword or config.option.collectonly
    return _with_all(config) and whole and not apart


@pytest.fixture(scope="session")
def oidc() -> Iterator[Provider]:
    """A certified OpenID Provider."""
    with oidc_provider() as provider:
        yield provider


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with embedded_portal(tmp_path_factory.mktemp("embedded")) as place:
        yield place


@pytest.fixture(scope="session")
def sekmet(oidc: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with sekmet_behind(oidc, tmp_path_factory.mktemp("sekmet")) as place:
        yield place


@pytest.fixture(scope="session")
def medplum(oidc: Provider) -> Iterator[Place]:
    with medplum_behind(oidc) as place:
        yield place


@pytest.fixture(scope="session")
def absolute(oidc: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """SEKMET, with absolute references in all that it answers."""
    behaviour = {"absolute_references": True}
    directory = tmp_path_factory.mktemp("absolute")
    with sekmet_behind(oidc, directory, "absolute SEKMET", server_behaviour=behaviour) as place:
        yield place


@pytest.fixture(scope="session")
def bare(oidc: Provider) -> Iterator[Place]:
    """Medplum's router without bundles, conditional creates and ETags."""
    with medplum_behind(oidc, "bare") as place:
        yield place


@pytest.fixture(scope="session")
def fake() -> Iterator[Place]:
    """A portal in memory, without a socket."""
    with fake_portal() as place:
        yield place


@pytest.fixture(params=EVERYWHERE)
def place(request: pytest.FixtureRequest) -> Place:
    """Each portal in turn that offers what the case needs, as its CapabilityStatement says."""
    there: Place = request.getfixturevalue(request.param)
    offered = there.interactions()
    missing = set(_needs(request.node)) - offered
    assert not missing, f"{there.name} does not offer {missing}: tests/contract/offers.py"
    surplus = contradictions(request.param, offered)
    assert not surplus, f"{there.name} does offer {surplus}: tests/contract/offers.py"
    return there


@pytest.fixture
def visit(place: Place, tmp_path: Path) -> Iterator[Visit]:
    """Somebody whom no other test is about, signed in."""
    with begin(place, tmp_path, place.somebody()) as visit:
        yield visit


@pytest.fixture
def other(place: Place, visit: Visit, tmp_path: Path) -> Iterator[Visit]:
    """Somebody else with the same GP."""
    somebody = place.somebody(visit.patient.number)
    with begin(place, tmp_path / "other", somebody) as visit_of_other:
        yield visit_of_other


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run with all portals fails if one was not tried, or anything was skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and _wanting(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how each case went at each portal, and keep it."""
    left_out = terminalreporter.config.stash[LEFT_OUT]
    found = cases(terminalreporter.stats, left_out)
    lines = [*table(found, left_out, rungs(read_page())), *_wanting(terminalreporter)]
    if not lines:
        return
    terminalreporter.section("contract: each case at each portal")
    for line in lines:
        terminalreporter.write_line(line)
    if _whole(terminalreporter.config):
        kept = terminalreporter.config.rootpath / "artifacts" / "contract.txt"
        kept.parent.mkdir(exist_ok=True)
        kept.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _wanting(reporter: pytest.TerminalReporter) -> list[str]:
    """What a run with all portals lacks; any other run may lack what it likes."""
    found = cases(reporter.stats, reporter.config.stash[LEFT_OUT])
    if not _whole(reporter.config):
        return []
    return shortcomings(found, (each.nodeid for each in reporter.stats.get("skipped", ())))
