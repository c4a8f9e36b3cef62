"""Who may import whom, and the limits of the house, read from the source."""

import ast
import re
import sys
import tomllib
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gpcli"
MADE = PACKAGE / "cli" / "answer_table.py"
SOURCES = sorted(set(PACKAGE.rglob("*.py")) - {MADE})

DOCUMENT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CODE = re.compile(r"`([^`]+)`")


def table(name: str) -> dict[str, set[str]]:
    """The table `name` of docs/architecture.md: first cell -> the names in the second."""
    _, inside, _ = re.split(rf"<!-- /?{name} -->", DOCUMENT)
    rows = [line.strip("|").split("|") for line in inside.strip().splitlines()[2:]]
    names = [(CODE.findall(first)[0], rest) for first, rest in rows]
    return {
        name: {rest.strip()} if "everything" in rest else set(CODE.findall(rest))
        for name, rest in names
    }


MAY_IMPORT = table("imports")
"""Area -> the areas of gpcli that it may import besides itself."""

ONLY_IN = table("libraries")
"""Third-party package -> the areas that may import it."""

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
DECLARED = {
    re.split(r"[^\w-]", requirement)[0]
    for requirement in (
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["sandbox"],
        *PROJECT["project"]["optional-dependencies"]["load"],
        *PROJECT["build-system"]["requires"],
    )
}

DISTRIBUTIONS = {"yaml": "pyyaml"}
"""Packages that are installed under another name."""

SANDBOX_USERS = {
    "cli/sandbox_commands.py",
    "cli/sandbox_control.py",
    "cli/sandbox_fault_commands.py",
    "cli/help_commands.py",
    "cli/demo.py",
    "testing/sandbox_handle.py",
    "testing/start.py",
    "pytest_plugin.py",
}


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
    if "everything" in MAY_IMPORT[source]:
        return True
    areas = MAY_IMPORT[source] | {source}
    return any(name == each or name.startswith(f"{each}.") for each in areas)


def find_faults(rule: Callable[[Path], Collection[object]]) -> dict[str, Collection[object]]:
    """What breaks a rule, by the module that it is in."""
    return {place(path): faults for path in SOURCES if (faults := rule(path))}


def test_a_module_imports_only_what_its_area_may():
    assert (
        find_faults(lambda path: [each for each in ours(path) if not allowed(each, area(path))])
        == {}
    )


def test_every_area_has_its_rule():
    areas = {area(path) for path in SOURCES}
    assert areas == set(MAY_IMPORT)


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


def test_a_package_that_is_imported_is_in_the_table_and_declared():
    packages = {name.partition(".")[0] for path in SOURCES for name in imported(path)}
    others = packages - {"gpcli", "_typeshed"} - sys.stdlib_module_names
    assert others <= ONLY_IN.keys()
    assert {DISTRIBUTIONS.get(name, name) for name in others} <= DECLARED | {"pytest"}


def test_tests_are_collected_without_the_packages_of_the_real_components():
    extras = PROJECT["project"]["optional-dependencies"]
    needed = [re.split(r"[^\w-]", each)[0] for each in (*extras["real"], *extras["load"])]
    apart = {name.replace("-", "_") for name in needed} - {"gpcli_patient"}
    found = [
        (path.name, name)
        for path in sorted((ROOT / "tests").glob("*/*.py"))
        if any(name in path.read_text(encoding="utf-8") for name in apart)
        for node in tree(path).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
        if (name or "").partition(".")[0] in apart
    ]
    assert found == []


def test_fhir_is_spoken_only_at_the_boundary_to_the_portal():
    speakers = {
        area(path) for path in SOURCES if "resourceType" in path.read_text(encoding="utf-8")
    }
    assert speakers <= {"fhir", "portal", "sandbox", "journal", "smoke"}


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


def test_files_and_functions_stay_within_the_house_limits():
    lines = {place(path): path.read_text(encoding="utf-8").count("\n") for path in SOURCES}
    assert {name: count for name, count in lines.items() if count > 500} == {}
    assert find_faults(find_long_functions) == {}


def find_long_functions(path: Path) -> list[str]:
    return [
        f"{node.name}: {node.end_lineno - node.lineno + 1}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 40
    ]


def test_nobody_changes_the_app_context_from_outside():
    changes = [
        f"{place(path)}:{node.lineno}"
        for path in SOURCES
        if area(path) in {"sign_in", "cli", "troubleshoot", "__main__"}
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store | ast.Del)
        and isinstance(node.value, ast.Name)
        and node.value.id in {"context", "app_context"}
    ]
    assert changes == []


def test_a_digit_is_one_of_ascii():
    """Python's `\\d` and `isdigit` know the digits of every script."""
    assert find_faults(find_other_digits) == {}


def find_other_digits(path: Path) -> list[str]:
    if not re.search(r"\\d|\bis(digit|decimal|numeric)\b", path.read_text(encoding="utf-8")):
        return []
    code = [ast.unparse(node) for node in ast.walk(tree(path)) if isinstance(node, ast.Call)]
    patterns = [call for call in code if call.startswith("re.") and r"\d" in call]
    asked = [
        ast.unparse(node)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"isdigit", "isdecimal", "isnumeric"}
    ]
    source = ast.unparse(tree(path))
    unguarded = [each for each in asked if f"{each.rpartition('.')[0]}.isascii() and" not in source]
    return [*(call for call in patterns if "re.ASCII" not in call), *unguarded]


def test_raw_json_is_compared_with_tuples_alone():
    """A set hashes what it is asked for, and JSON may hold an array or an object there."""
    assert find_faults(find_raw_json_in_sets) == {}


def find_raw_json_in_sets(path: Path) -> list[str]:
    tuples = {
        node.targets[0].id
        for source in SOURCES
        for node in tree(source).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Tuple)
    }
    return [
        ast.unparse(node)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.In | ast.NotIn)
        and re.search(r"\b(json|jwk|claims)\.get\('", ast.unparse(node.left))
        and not isinstance(node.comparators[0], ast.Tuple | ast.List | ast.Call)
        and getattr(node.comparators[0], "id", "") not in tuples
    ]


def test_no_module_is_called_utils_or_the_like():
    vague = {"utils", "util", "common", "helpers", "base", "manager", "misc"}
    assert {path.stem for path in SOURCES} & vague == set()


def test_a_newcomer_finds_no_leftovers():
    leftovers = re.compile(r"\b(TODO|FIXME|XXX)\b")
    assert [place(path) for path in SOURCES if leftovers.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize("module", ["ready_answers", "line_parser"])
def test_nothing_but_the_standard_library_is_imported_by_the_ready_answers(module):
    path = PACKAGE / "cli" / f"{module}.py"
    packages = {name.partition(".")[0] for name in imported(path)} - {"gpcli"}
    assert packages <= sys.stdlib_module_names


def module_name(path: Path) -> str:
    """`gpcli.cli.app` for its file; a package has the name of its directory."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in SOURCES}


def loaded_with(path: Path) -> set[str]:
    """The modules of gpcli that importing a file imports: not what stands inside functions."""
    found: set[str] = set()
    nodes: list[ast.AST] = [*tree(path).body]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & MODULES.keys()
            found |= inner or ({node.module} & MODULES.keys())
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            nodes += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            nodes += ast.iter_child_nodes(node)
    return found - {module_name(path)}


def circle_in(graph: dict[str, set[str]]) -> list[str]:
    """Some circle of a graph, empty if there is none."""
    done: set[str] = set()

    def follow(name: str, way: list[str]) -> list[str]:
        if name in way:
            return way[way.index(name) :]
        if name in done:
            return []
        found = next(filter(None, (follow(each, [*way, name]) for each in graph.get(name, ()))), [])
        done.add(name)
        return found

    return next(filter(None, (follow(name, []) for name in sorted(graph))), [])


def test_no_module_imports_itself_by_a_detour():
    assert circle_in({name: loaded_with(path) for name, path in MODULES.items()}) == []


def test_no_area_imports_itself_by_a_detour():
    """Imports inside functions count. `gpcli` itself is the face: the version, and connect()."""
    graph: dict[str, set[str]] = {}
    for path in SOURCES:
        areas = {name.partition(".")[0] for name in ours(path)} & MAY_IMPORT.keys()
        graph.setdefault(area(path), set()).update(areas - {area(path)})
    del graph["__init__"]
    assert circle_in(graph) == []


@pytest.mark.parametrize("part", ["client", "sandbox"])
def test_no_two_modules_and_no_two_classes_share_a_name(part):
    paths = [path for path in SOURCES if (area(path) == "sandbox") == (part == "sandbox")]
    modules = [path.stem for path in paths if path.stem != "__init__"]
    classes = [
        node.name
        for path in paths
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef)
    ]
    twice = {name for names in (modules, classes) for name in names if names.count(name) > 1}
    assert twice == set()


MARKER = re.compile(r"# noqa: PLC0415  \((start-up|optional|platform): [^)]+\)$")


def test_an_import_inside_a_function_says_why():
    unmarked = find_faults(find_unmarked_imports)
    unmarked.pop("app_context.py")  # each part is built when it is first used, for start-up
    assert unmarked == {}


def find_unmarked_imports(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [
        f"{node.lineno}: {lines[node.lineno - 1].strip()}"
        for function in ast.walk(tree(path))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and not MARKER.search(lines[node.lineno - 1])
    ]


def named_in(text: str) -> set[str]:
    """The files that a document names, relative to the root or to gpcli."""
    return {each for each in CODE.findall(text) if re.fullmatch(r"[\w./-]+\.(py|md)", each)}


@pytest.mark.parametrize("text", [DOCUMENT, GUIDE], ids=["architecture.md", "CONTRIBUTING.md"])
def test_every_file_that_the_documents_name_is_there(text):
    places = [ROOT, PACKAGE, *(each for each in PACKAGE.rglob("*") if each.is_dir())]
    missing = [
        name for name in named_in(text) if not any((place / name).is_file() for place in places)
    ]
    assert [name for name in missing if not name.endswith("answer_table.py")] == []


def test_every_name_that_the_guide_tells_is_in_the_code():
    used = {each for path in SOURCES for each in re.findall(r"\w+", path.read_text("utf-8"))}
    _, _, changes = GUIDE.partition("## Where do I change")
    names = {each.rpartition(".")[2] for each in CODE.findall(changes.partition("## Rules")[0])}
    words = {each for each in names if re.fullmatch(r"[A-Za-z_]{3,}", each)} - {"py", "json"}
    assert words - used == set()
