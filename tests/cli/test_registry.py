import importlib
import sys

import pytest

from gpcli.cli.commands.registry import REGISTRY, SECTIONS, command_needs, command_services
from gpcli.cli.commands.specs import CommandSpec, Registry
from gpcli.errors import InputNeeded, InvalidUsage
from gpcli.model.service import ServiceName
from tests.cli.fake_commands import REGISTRY as FAKE


def test_children_of_the_root_are_commands_and_groups_in_the_order_of_the_rows():
    assert FAKE.list_names("") == [
        "profile",
        "gp",
        "slots",
        "book",
        "rx",
        "sandbox",
        "ends",
        "absent",
    ]


def test_children_of_a_group_are_its_commands():
    assert FAKE.list_names("profile") == ["list", "show"]


def test_nothing_is_below_a_command():
    assert FAKE.list_names("gp") == []


def test_a_row_knows_its_name_and_its_group():
    row = FAKE.find_command("profile show")

    assert (row.name, row.group) == ("show", "profile")
    assert (FAKE.find_command("gp").name, FAKE.find_command("gp").group) == ("gp", "")


def test_paths_that_are_not_there_are_none():
    assert FAKE.find_command("profile") is None
    assert FAKE.find_group("gp") is None


def test_commands_that_start_a_service_may_be_hidden():
    assert [row.path for row in FAKE.find_service_commands()] == ["slots", "book", "rx renew"]


def test_every_group_of_the_release_has_commands_and_every_command_its_group():
    groups = {group.path for group in REGISTRY.groups}

    assert {row.group for row in REGISTRY.commands} - {""} == groups


def test_paths_and_aliases_of_the_release_are_unambiguous():
    paths = [row.path for row in REGISTRY.commands]
    words = [alias for row in (*REGISTRY.commands, *REGISTRY.groups) for alias in row.aliases]

    assert len(paths) == len(set(paths))
    assert len(words) == len(set(words))
    assert not set(words) & set(REGISTRY.list_names(""))


def test_rows_of_the_release_name_sections_and_services_that_exist():
    services = {each for row in REGISTRY.commands for each in (*row.services, *row.needs)}

    assert {row.section for row in (*REGISTRY.commands, *REGISTRY.groups)} == set(SECTIONS)
    assert services <= set(ServiceName)


def test_the_commands_that_the_release_can_hide_are_those_that_start_a_service():
    assert command_services() == {
        "econsult start": ("e-consultation",),
        "contact": ("contact",),
        "rx renew": ("prescription-renewal",),
        "slots": ("booking",),
        "book": ("booking", "booking-enquiry"),
        "move": ("booking", "flu-vaccination"),
        "cancel": ("cancellation",),
        "flu": ("flu-vaccination",),
    }
    assert command_needs() == {"move": ("cancellation",)}


@pytest.mark.parametrize("row", REGISTRY.commands, ids=lambda row: row.path)
def test_every_command_of_the_release_has_a_function(row):
    module, _, function = row.target.partition(":")

    assert callable(getattr(importlib.import_module(module), function))


def test_a_command_is_imported_only_when_it_runs(line):
    with pytest.raises(AttributeError, match="absent"):
        line.run("absent")
    assert line.run("gp").seen == ["gp"]


def test_a_row_is_all_that_a_new_command_takes(line):
    row = CommandSpec(
        "econsult start", "CARE", "Start", f"{FAKE.commands[0].target.partition(':')[0]}:gp"
    )

    assert Registry((), (*FAKE.commands, row)).list_names("econsult") == ["start"]


def test_running_a_command_hands_it_its_own_options(line):
    context = line.run("slots", "--from", "+1d", "--weekday", "mon", "--weekday", "tue")

    assert context.seen == [("slots", "+1d", ["mon", "tue"], 20, 0)]


def test_the_session_is_closed_at_the_end(line):
    assert line.run("gp").closed


@pytest.mark.parametrize(
    ("argv", "message", "hint"),
    [
        (
            ["slotz"],
            "There is no command 'gpcli slotz'; did you mean 'gpcli slots'?",
            "gpcli --help shows the commands.",
        ),
        (
            ["doctor"],
            "There is no command 'gpcli doctor'; did you mean 'gpcli gp'?",
            "gpcli --help shows the commands.",
        ),
        (
            ["renew"],
            "There is no command 'gpcli renew'; did you mean 'gpcli rx renew'?",
            "gpcli --help shows the commands.",
        ),
        (
            ["profile", "lst"],
            "There is no command 'gpcli profile lst'; did you mean 'gpcli profile list'?",
            "gpcli profile --help shows the commands.",
        ),
        (["xyzzy"], "There is no command 'gpcli xyzzy'.", "gpcli --help shows the commands."),
        (
            ["gp", "--jsn"],
            "gpcli gp has no option '--jsn'; did you mean '--json'?",
            "gpcli gp --help shows how it is used.",
        ),
        (["gp", "-x"], "gpcli gp has no option '-x'.", "gpcli gp --help shows how it is used."),
        (
            ["slots", "--limit", "few"],
            "--limit: 'few' is not a whole number.",
            "gpcli slots --help shows how it is used.",
        ),
        (
            ["slots", "--limit", "0"],
            "--limit: 0 is too little: at least 1.",
            "gpcli slots --help shows how it is used.",
        ),
        (
            ["slots", "--port", "65536"],
            "--port: 65536 is not in the range 0 to 65535.",
            "gpcli slots --help shows how it is used.",
        ),
        (
            ["slots", "--port", "http"],
            "--port: 'http' is not a whole number.",
            "gpcli slots --help shows how it is used.",
        ),
        (
            ["gp", "Dahl"],
            "There is more on the line than the command takes: (Dahl)",
            "gpcli gp --help shows how it is used.",
        ),
    ],
)
def test_a_wrong_line_says_what_is_wrong_and_where_to_look(line, argv, message, hint):
    with pytest.raises(InvalidUsage) as wrong:
        line.run(*argv)

    assert (wrong.value.message, wrong.value.hint) == (message, hint)
    assert line.context is None


@pytest.mark.parametrize(
    ("path", "missing"), [("book", "SLOT"), ("sandbox run", "CMD…"), ("profile show", "NAME")]
)
def test_a_missing_argument_is_named(line, path, missing):
    with pytest.raises(InputNeeded) as wrong:
        line.run(*path.split())

    assert (wrong.value.message, wrong.value.hint) == (
        f"gpcli {path} needs {missing}.",
        f"gpcli {path} --help shows how it is used.",
    )


def test_typer_is_not_seen_outside_the_command_line(line):
    with pytest.raises(InvalidUsage) as wrong:
        line.run("gp", "--jsn")

    assert wrong.value.__cause__ is None
    assert "typer" not in {type(wrong.value).__module__.partition(".")[0]}
    assert "typer.rich_utils" not in sys.modules
