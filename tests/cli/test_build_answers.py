"""The ready answers are built, not kept: what building them needs, and what lacking them says."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from gpcli.cli import answer_table

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BUILD_REQUIREMENTS = PROJECT["build-system"]["requires"]


def run_python(source):
    return subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_checkout_without_ready_answers_says_which_command_builds_them():
    ending = run_python(
        "import runpy, sys\n"
        "sys.modules['gpcli.cli.answer_table'] = None\n"
        "runpy.run_module('gpcli', run_name='__main__')"
    )

    assert (ending.returncode, ending.stdout, ending.stderr) == (
        70,
        "",
        "gpcli: This checkout has no ready answers: "
        "python -m gpcli.cli.build_answers builds them.\n",
    )


def test_ready_answers_are_built_without_ready_answers():
    ending = run_python(
        "import sys\n"
        "sys.modules['gpcli.cli.answer_table'] = None\n"
        "from gpcli.cli import build_answers\n"
        "from gpcli.cli.commands.registry import REGISTRY\n"
        "sys.stdout.write(build_answers.build_table_source(REGISTRY)[:3])"
    )

    assert (ending.returncode, ending.stdout, ending.stderr) == (0, '"""', "")


def test_building_needs_of_the_dependencies_what_the_build_system_requires_in_the_same_versions():
    dependencies = PROJECT["project"]["dependencies"]
    needed = [each for each in BUILD_REQUIREMENTS if not each.startswith("hatchling")]
    others = [re.match(r"[\w-]+", each)[0] for each in dependencies if each not in needed]
    ending = run_python(
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({others}))\n"
        "from gpcli.cli import build_answers\n"
        "from gpcli.cli.commands.registry import REGISTRY\n"
        "build_answers.build_table_source(REGISTRY)\n"
    )

    assert set(needed) < set(dependencies)
    assert {"keyring", "rich", "filelock"} < set(others)
    assert (ending.returncode, ending.stderr) == (0, "")


def test_the_declared_table_has_the_names_of_the_built_one():
    stub = (ROOT / "gpcli" / "cli" / "answer_table.pyi").read_text(encoding="utf-8")
    declared = [node.target.id for node in ast.parse(stub).body if isinstance(node, ast.AnnAssign)]

    assert declared == [name for name in vars(answer_table) if not name.startswith("__")]
