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

PAGE = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
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


@pytest.mark.parametrize("title", list(EXAMPLES))
def test_an_example_prints_what_the_page_says(title, sandbox, tmp_path):
    code, expected = EXAMPLES[title]
    token = sandbox.issue_token("ada")
    values = build_variables(sandbox.fhir_base, token.access_token, token.patient, token.fhir_user)
    ran = subprocess.run(
        [sys.executable, "-X", "utf8", "-W", "error", "-c", code],
        env={**os.environ, **values, "GPCLI_CONFIG_DIR": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    assert ran.stderr == ""
    assert doctest.OutputChecker().check_output(expected, ran.stdout, FLAGS), ran.stdout


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
