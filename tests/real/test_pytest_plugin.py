"""The pytest plugin in a Python of its own, from a wheel: examples/pytest, and docs/pytest.md."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import venv
from pathlib import Path

import pytest

from tests.real.building import ROOT
from tests.real.building import run as run_or_fail
from tests.real.test_python_types import mypy, pyright
from tests.real.test_python_types import run as check

pytestmark = pytest.mark.real

EXAMPLE = ROOT / "examples" / "pytest"
PAGE = (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")
BLOCKS = [
    code
    for text in (PAGE, (ROOT / "README.md").read_text(encoding="utf-8"))
    for code in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    if "def test_" in code
]
"""The tests that the documents show."""

STRICT = ("-W", "error", "--strict-markers", "--strict-config", "-p", "no:cacheprovider")


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has gpcli with the extra, pytest, and other plugins."""
    place = tmp_path_factory.mktemp("venv")
    venv.create(place, with_pip=True)
    plugins = ("pytest", "pytest-xdist", "pytest-socket")
    run_or_fail(place / "bin" / "pip", "install", "-q", f"{wheel}[sandbox]", *plugins, cwd=place)
    return place / "bin" / "python"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the example project."""
    return shutil.copytree(EXAMPLE, tmp_path / "project", ignore=shutil.ignore_patterns("__py*"))


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A project made of the page: its configuration, and a file of tests for each example."""
    [config] = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(config, encoding="utf-8")
    for number, code in enumerate(BLOCKS):
        (tmp_path / f"test_{number}.py").write_text(code, encoding="utf-8")
    return tmp_path


def run_pytest(python: Path, place: Path, *options: str, **env: str) -> tuple[int, str]:
    hidden = ("PYTHONPATH", "PYTEST_ADDOPTS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    ended = subprocess.run(
        [python, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=place,
        env={name: text for name, text in os.environ.items() if name not in hidden} | env,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def read_passed(said: str) -> int:
    [passed] = re.findall(r"(\d+) passed in", said)
    return int(passed)


TESTS = sum(
    path.read_text("utf-8").count("\ndef test_") for path in EXAMPLE.glob("tests/test_*.py")
)


@pytest.mark.parametrize(
    "options",
    [(), ("-n", "4"), ("--disable-socket", "--allow-hosts=127.0.0.1")],
    ids=["alone", "four workers", "no other sockets"],
)
def test_every_test_of_the_example_passes(python, project, options):
    code, said = run_pytest(python, project, *options)

    assert code == 0, said
    assert read_passed(said) == TESTS


def test_the_lowest_pytest_that_the_page_names_will_do(python, project, tmp_path):
    [lowest] = re.findall(r"pytest (\d+\.\d+) and newer", PAGE)
    target = ("-q", "--target", tmp_path / "lowest", f"pytest=={lowest}.0")
    run_or_fail(python, "-m", "pip", "install", *target, cwd=tmp_path)
    code, said = run_pytest(python, project, "-rA", PYTHONPATH=str(tmp_path / "lowest"))

    assert code == 0, said
    assert f"pytest-{lowest}.0" in said


def test_a_failure_is_told_by_the_command_and_how_it_ended(python, project):
    (project / "tests" / "test_planted.py").write_text(
        "def test_it(gpcli_run):\n    assert gpcli_run('book', '--first', '--yes', as_='bo').json\n"
    )
    code, said = run_pytest(python, project, "tests/test_planted.py", "-n", "2")

    assert code == 1
    assert "AssertionError: <gpcli --json book --first --yes: rc 5, not_offered: Dr. Tor" in said
    assert "test_planted.py:2: AssertionError" in said
    assert "gpcli/testing.py" not in said


CTRL_C = """
import os

def test_runs_until_ctrl_c(gpcli_run):
    line = f"kill -INT {os.getpid()}; sleep 60"
    gpcli_run("sandbox", "run", "--", "sh", "-c", line)

def test_never_begins():
    print("it went on")
"""


def test_ctrl_c_ends_all_tests_and_a_commands_own_130_does_not(python, tmp_path):
    (tmp_path / "test_it.py").write_text(CTRL_C)
    code, said = run_pytest(python, tmp_path, "-s")
    (tmp_path / "test_it.py").write_text(CTRL_C.replace("kill -INT", "exit 130;"))
    own_code, _ = run_pytest(python, tmp_path, "-s")

    assert (code, "KeyboardInterrupt" in said, "it went on" in said) == (2, True, False)
    assert own_code == 0


def test_every_example_of_the_page_passes(python, page):
    code, said = run_pytest(python, page, *STRICT)

    assert code == 0, said
    assert len(BLOCKS) == PAGE.count("```python") + 1
    assert read_passed(said) == "\n".join(["", *BLOCKS]).count("\ndef test_")


def test_the_line_of_the_example_installs_what_it_needs():
    text = (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8")
    assert "pip install 'gpcli-patient[sandbox]' pytest pytest-xdist" in text


@pytest.mark.parametrize("place", ["page", "project"])
def test_mypy_strict_and_pyright_are_content_with_typed_tests(python, place, request):
    """Of the page, the test that it says so of: the one with types."""
    checked = request.getfixturevalue(place)
    [typed] = re.findall(r"^### With types\n\n```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for path in checked.rglob("test_*.py") if place == "page" else ():
        if path.read_text("utf-8") != typed:
            path.unlink()

    assert "no issues found" in check(*mypy(python), cwd=checked)
    report = json.loads(check(*pyright(python, checked), cwd=checked))
    assert report["summary"]["filesAnalyzed"] >= 1
    assert report["generalDiagnostics"] == []


def test_pytest_compiles_no_module_of_gpcli_anew(python, tmp_path):
    """It rewrites asserts of whatever has a plugin: seconds, where no bytecode is kept."""
    (tmp_path / "test_it.py").write_text(
        "import sys\n\ndef test_it(gpcli_run):\n    assert gpcli_run('gp').rc == 0\n"
        "    ours = [sys.modules[name] for name in sys.modules if name.startswith('gpcli.')]\n"
        "    loaders = {type(each.__loader__).__name__ for each in ours[1:]}\n"
        "    assert loaders == {'SourceFileLoader'}\n"
    )
    code, said = run_pytest(python, tmp_path)

    assert code == 0, said


def test_it_can_be_left_out(python, tmp_path):
    (tmp_path / "test_it.py").write_text("def test_it(gpcli_run): pass\n")
    code, said = run_pytest(python, tmp_path, "-p", "no:gpcli")

    assert code == 1
    assert "fixture 'gpcli_run' not found" in said


def test_sockets_that_are_blocked_are_told(python, tmp_path):
    (tmp_path / "test_it.py").write_text("def test_it(gpcli_run): pass\n")
    code, said = run_pytest(python, tmp_path, "--disable-socket")

    assert code == 1
    assert "Run pytest with --allow-hosts=127.0.0.1." in said
