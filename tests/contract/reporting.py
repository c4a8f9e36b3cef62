"""What is left out of the contract as a portal does not offer it, and the table of how it went."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.contract.offers import reasons
from tests.contract.portal_page import read_page, rungs
from tests.contract.table import cases, shortcomings, table
from tests.gathering import gathered

HERE = Path(__file__).parent
LEFT_OUT = "contract: left out"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "needs(*interactions): what a portal must offer for this, as in Task:create"
    )


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
    gathered(config, LEFT_OUT).update({each.nodeid: why for each, why in left_out.items()})


def _of_the_contract(items: list[pytest.Item]) -> list[pytest.Item]:
    return [each for each in items if HERE in each.path.parents]


def _why_not(item: pytest.Item) -> list[str]:
    callspec = getattr(item, "callspec", None)
    portal = callspec.params.get("place") if callspec else None
    return reasons(portal, needs(item)) if portal else []


def needs(item: pytest.Item) -> tuple[str, ...]:
    """What a portal must offer for this test."""
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


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run with all portals fails if one was not tried, or anything was skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and _wanting(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how each case went at each portal, and keep it."""
    left_out = gathered(terminalreporter.config, LEFT_OUT)
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
    found = cases(reporter.stats, gathered(reporter.config, LEFT_OUT))
    if not _whole(reporter.config):
        return []
    return shortcomings(found, (each.nodeid for each in reporter.stats.get("skipped", ())))
