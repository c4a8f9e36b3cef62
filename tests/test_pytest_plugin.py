"""The pytest plugin as pytest loads it: it costs next to nothing, and says what is missing."""

from __future__ import annotations

import os
import re
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


@pytest.mark.real
def test_a_wrong_option_is_told_in_one_line(tmp_path):
    said = run_pytest(tmp_path, "-o", "gpcli_clock=noon", test_mine=USES_IT, test_other=USES_IT)

    errors, _, _ = said.partition("short test summary")
    assert errors.count("gpcli_clock 'noon' is not a time with its zone.\nWrite 2027-03-01T") == 2
    assert "exception" not in said
    assert "2 errors" in said


FAULTS = """
import pytest

@pytest.fixture
def fault(gpcli_sandbox):
    gpcli_sandbox.fault("GET Patient*: delay=1ms once")

def test_meets_it(fault, gpcli_run):
    assert gpcli_run("whoami").rc == 0

def test_passes_without_it(fault):
    pass

def test_fails_without_it(fault):
    assert "it" == "there"

@pytest.mark.gpcli_fault_must_fire(False)
def test_need_not_meet_it(fault):
    pass

@pytest.mark.skip
def test_is_left_out(fault):
    pass

def test_uses_no_portal():
    pass

@pytest.mark.gpcli_fault_must_fire("yes")
def test_is_marked_oddly(fault):
    pass
"""
PERSONS = ["", "3", "'guro', for_=['emil']"]


@pytest.fixture(scope="module")
def strictly_said(tmp_path_factory) -> str:
    """What pytest writes of tests that are marked oddly, and of some whose fault must fire."""
    marked = "\n".join(
        f"@pytest.mark.gpcli_person({person})\ndef test_{number}(gpcli_run): pass"
        for number, person in enumerate(PERSONS)
    )
    return run_pytest(
        tmp_path_factory.mktemp("strict"),
        *("-o", "gpcli_fault_must_fire=true", "-rA"),
        test_persons=f"import pytest\n{marked}\n",
        test_faults=FAULTS,
    )


@pytest.mark.real
def test_an_odd_marker_is_told_in_one_line(strictly_said):
    assert strictly_said.count("\nThe marker gpcli_person takes a person, and a child") == 3
    assert strictly_said.count("\nThe marker gpcli_fault_must_fire takes nothing, or False.") == 1


def test_a_test_that_passes_without_its_fault_fails_with_the_rule(strictly_said):
    ended = {
        name: how
        for how, name in re.findall(
            r"^(\w+) test_faults.py::test_(\w+)", strictly_said, re.MULTILINE
        )
    }
    assert ended == {
        "meets_it": "PASSED",
        "passes_without_it": "FAILED",
        "fails_without_it": "FAILED",
        "need_not_meet_it": "PASSED",
        "uses_no_portal": "PASSED",
        "is_marked_oddly": "FAILED",
    }
    assert strictly_said.count("\nNo request met the fault: GET Patient*: delay=1ms once.\n") == 1


def test_the_fixtures_and_the_marker_are_listed(tmp_path):
    said = run_pytest(tmp_path, "--fixtures") + run_pytest(tmp_path, "--markers")

    for name in (
        "\ngpcli_sandbox",
        "\ngpcli_run",
        "\ngpcli_portal",
        "gpcli_person(person, for_=None)",
        "gpcli_fault_must_fire(must=True)",
    ):
        assert name in said


def test_the_page_has_each_option(tmp_path):
    options = re.findall(r"^  (gpcli_\w+) \(", run_pytest(tmp_path, "--help"), re.MULTILINE)
    page = (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")

    assert len(options) == 5
    assert [each for each in options if f"| `{each}` |" not in page] == []
