"""The tables of what each errand came to in each world, at the end of a run."""

from __future__ import annotations

import pytest

from tests.gathering import gathered
from tests.real.worlds.outcomes import write

TABLES = "worlds: tables"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what each errand came to in each world, and keep it."""
    for name, table in gathered(terminalreporter.config, TABLES).items():
        terminalreporter.section(f"worlds: {name}")
        lines = [*write(table)]
        for line in lines:
            terminalreporter.write_line(line)
        kept = terminalreporter.config.rootpath / "artifacts" / "worlds" / f"{name}.txt"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
