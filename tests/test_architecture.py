"""Who may import whom, and the limits of the house, read from the source."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gpcli"
SOURCES = sorted(PACKAGE.rglob("*.py"))

MAY_IMPORT = {
    "model": set(),
    "sandbox": set(),
    "errors": {"model"},
    "config": {"errors"},
    "journal": {"errors"},
    "http": {"errors"},
    "care": {"errors", "model"},
    "render": {"errors", "model"},
    "fhir": {"errors", "model"},
    "portal": {"errors", "model", "config", "http", "journal", "fhir", "care"},
    "auth": {"errors", "config", "http", "model"},
    "troubleshoot": {"errors", "model", "config", "care", "http", "fhir", "portal", "auth"},
    "app_context": {
        "errors",
        "model",
        "config",
        "care",
        "http",
        "fhir",
        "portal",
        "auth",
        "journal",
        "render",
    },
    "account": {"errors", "model", "config", "care", "http", "auth", "portal", "app_context"},
}
"""Area -> the areas of gpcli that it may import besides itself; `cli` may import all."""

ONLY_IN = {
    "httpx": {"http", "auth"},
    "httpcore": {"http"},
    "keyring": {"auth"},
    "rich": {"render"},
    "typer": {"cli"},
    "flask": {"sandbox"},
    "waitress": {"sandbox"},
    "authlib": {"sandbox"},
    "icalendar": {"render"},
}
"""Third-party package -> the areas that may import it."""

SANDBOX_USERS = {"cli/sandbox_commands.py", "cli/demo.py"}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def area(path: Path) -> str:
    return place(path).partition("/")[0].removesuffix(".py")


@cache
def imported(path: Path) -> frozenset[str]:
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def ours(path: Path) -> set[str]:
    """What a file imports of gpcli: dotted, without the package's own name."""
    found = {name.removeprefix("gpcli.") for name in imported(path) if name.startswith("gpcli.")}
    return found - {"__version__"}


def allowed(name: str, source: str) -> bool:
    areas = MAY_IMPORT[source] | {source}
    return any(name == each or name.startswith(f"{each}.") for each in areas)


@pytest.mark.parametrize("path", SOURCES, ids=place)
def test_a_module_imports_only_what_its_area_may(path):
    if area(path) in {"cli", "__init__", "__main__"}:
        return
    assert {name for name in ours(path) if not allowed(name, area(path))} == set()


def test_every_area_has_its_rule():
    areas = {area(path) for path in SOURCES}
    assert areas == {*MAY_IMPORT, "cli", "__init__", "__main__"}


def test_the_portal_on_this_machine_is_reached_only_by_its_own_commands():
    users = {
        place(path)
        for path in SOURCES
        if area(path) != "sandbox" and any(name.startswith("sandbox") for name in ours(path))
    }
    assert users == SANDBOX_USERS


@pytest.mark.parametrize("package", ONLY_IN)
def test_a_library_stays_in_its_place(package):
    users = {
        area(path)
        for path in SOURCES
        if any(name.partition(".")[0] == package for name in imported(path))
    }
    assert users <= ONLY_IN[package]


def test_fhir_is_spoken_only_at_the_portal_s_door():
    speakers = {
        area(path) for path in SOURCES if "resourceType" in path.read_text(encoding="utf-8")
    }
    assert speakers <= {"fhir", "portal", "sandbox", "journal"}


def test_only_the_writer_prints():
    printers = {
        area(path)
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    }
    assert printers <= {"render", "__main__"}


@pytest.mark.parametrize("path", SOURCES, ids=place)
def test_files_and_functions_stay_within_the_house_limits(path):
    if place(path) == "cli/answer_table.py":
        return  # made from the commands
    assert path.read_text(encoding="utf-8").count("\n") <= 500
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 40
    ]
    assert long == []


def test_nobody_changes_the_app_context_from_outside():
    changes = [
        f"{place(path)}:{node.lineno}"
        for path in SOURCES
        if area(path) in {"account", "cli", "troubleshoot", "__main__"}
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store | ast.Del)
        and isinstance(node.value, ast.Name)
        and node.value.id in {"context", "app_context"}
    ]
    assert changes == []


def test_no_module_is_called_utils_or_the_like():
    vague = {"utils", "util", "common", "helpers", "base", "manager", "misc"}
    assert {path.stem for path in SOURCES} & vague == set()


def test_a_newcomer_finds_no_leftovers():
    leftovers = re.compile(r"\b(TODO|FIXME|XXX)\b")
    assert [place(path) for path in SOURCES if leftovers.search(path.read_text("utf-8"))] == []


def test_nothing_but_the_standard_library_is_imported_by_the_ready_answers():
    for name in ("ready_answers", "completion_words", "answer_table"):
        path = PACKAGE / "cli" / f"{name}.py"
        packages = {name.partition(".")[0] for name in imported(path)} - {"gpcli"}
        assert packages <= sys.stdlib_module_names, place(path)
