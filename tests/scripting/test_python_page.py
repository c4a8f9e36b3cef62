"""The page on Python: each example is run, and it names what there is."""

import doctest
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gpcli
from gpcli import errors
from gpcli.cli.sandbox_env import build_variables

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = {
    title: (code, output)
    for title, code, output in re.findall(
        r"^## ([^\n]+)\n(?:(?!^## ).)*?^```python\n(.*?)^```\n\n```text\n(.*?)^```",
        PAGE,
        re.MULTILINE | re.DOTALL,
    )
}
"""Code and output of each example, by its heading."""

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def test_there_are_eight_examples():
    assert len(EXAMPLES) == PAGE.count("```python") >= 8


def run_as(person, sandbox, tmp_path, code):
    """Run a program against the sandbox; it has nothing to say on stderr."""
    token = sandbox.issue_token(person)
    values = build_variables(sandbox.fhir_base, token.access_token, token.patient, token.fhir_user)
    ran = subprocess.run(
        [sys.executable, "-X", "utf8", "-W", "error", "-c", code],
        env={**os.environ, **values, "GPCLI_CONFIG_DIR": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert ran.stderr == ""
    return ran.stdout


@pytest.mark.parametrize("title", list(EXAMPLES))
def test_an_example_prints_what_the_page_says(title, sandbox, tmp_path):
    code, expected = EXAMPLES[title]
    printed = run_as("ada", sandbox, tmp_path, code)
    assert doctest.OutputChecker().check_output(expected, printed, FLAGS), printed


def test_the_example_of_the_readme_books(sandbox, tmp_path):
    [code, _] = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    printed = run_as("ada", sandbox, tmp_path, code)
    assert printed.startswith("Book this time [sandbox]")
    assert printed.endswith("\nbooked\n")


@pytest.mark.parametrize("kind", ["fetch", "plan"])
def test_the_page_names_every_method_with_its_options(kind):
    methods = inspect.getmembers(gpcli.PatientPortal, inspect.isfunction)
    for name, method in methods:
        if not name.startswith(kind):
            continue
        assert f"`{name}(" in PAGE, name
        [written] = re.findall(rf"`{name}\(([^`]*)\)`", PAGE.split("## What there is")[1])
        known = inspect.signature(method).parameters
        assert [word for word in re.findall(r"(\w+)=", written) if word not in known] == []


def test_the_page_has_the_tree_of_errors():
    tree = [line for line in (errors.__doc__ or "").splitlines() if line.startswith(("├", "└"))]
    assert "\n".join(["GpcliError", *tree]) in PAGE
