"""The pytest plugin as pytest loads it: it costs next to nothing, and says what is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOOK = """
import sys, pytest
before = set(sys.modules)
import gpcli.pytest_plugin
print(*sorted(set(sys.modules) - before))
"""


def test_importing_it_imports_nothing_else():
    looked = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, check=True
    )
    assert looked.stdout.split() == ["gpcli", "gpcli.pytest_plugin"]


def run_pytest(place: Path, *options: str, **files: str) -> str:
    """What pytest writes of a project, with this source's plugin alone."""
    for name, text in files.items():
        (place / f"{name}.py").write_text(text, encoding="utf-8")
    strict = ("-W", "error", "--strict-markers", "--strict-config", "-p", "no:cacheprovider")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *strict, "-p", "gpcli.pytest_plugin", *options],
        cwd=place,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return ended.stdout + ended.stderr


USES_IT = "def test_it(gpcli_run): pass\n"


def test_without_the_extra_a_fixture_says_the_line_that_installs_it(tmp_path):
    said = run_pytest(
        tmp_path, test_mine=USES_IT, conftest="import sys\nsys.modules['flask'] = None\n"
    )

    assert "The sandbox needs packages that are not installed (flask)." in said
    assert "This installs what is needed:\n  " in said
    assert "Traceback" not in said
    assert "1 error" in said


def test_a_wrong_option_or_marker_is_told_in_one_line(tmp_path):
    marked = f"import pytest\n@pytest.mark.gpcli_person()\n{USES_IT}"
    said = run_pytest(tmp_path, "-o", "gpcli_clock=noon", test_mine=USES_IT, test_marked=marked)

    errors, _, _ = said.partition("short test summary")
    assert errors.count("gpcli_clock 'noon' is not a time with its zone.\nWrite 2027-03-01T") == 2
    assert "exception" not in said
    assert "2 errors" in said


def test_the_fixtures_and_the_marker_are_listed(tmp_path):
    said = run_pytest(tmp_path, "--fixtures") + run_pytest(tmp_path, "--markers")

    for name in (
        "\ngpcli_sandbox",
        "\ngpcli_run",
        "\ngpcli_portal",
        "gpcli_person(person, for_=None)",
    ):
        assert name in said


@pytest.mark.parametrize("option", ["gpcli_clock", "gpcli_delay", "gpcli_people", "gpcli_seed"])
def test_the_page_has_each_option(option):
    assert f"| `{option}` |" in (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")
