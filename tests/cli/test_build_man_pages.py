"""The manual pages say what help says, in roff that shows it as it is typed."""

import re

import pytest

from gpcli.cli.app import load_command
from gpcli.cli.build_man_pages import build_pages, escape, write_pages
from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.configuration_texts import MACHINE_VARIABLES, OWN_VARIABLES
from gpcli.cli.help_commands import build_topics, describe_command, pair_exit_codes

PAGES = build_pages()
MACROS = {"TH", "SH", "SS", "PP", "TP", "BR", "nh", "ad l", "nf", "in", "fi"}


def page_of(path):
    return PAGES[f"man1/gpcli-{path.replace(' ', '-')}.1"]


def test_there_is_a_page_for_gpcli_and_one_for_each_command_group_and_topic():
    paths = [spec.path for spec in (*REGISTRY.commands, *REGISTRY.groups)]
    topics = {f"man7/gpcli-{name}.7" for name in build_topics()}

    pages = {f"man1/gpcli-{path.replace(' ', '-')}.1" for path in paths}
    assert PAGES.keys() == {"man1/gpcli.1", *pages, *topics}
    assert len(PAGES) == 1 + len(paths) + len(topics)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_begins_with_the_line_that_apropos_shows(page):
    name = page.partition("/")[2].rpartition(".")[0]
    heading, line = re.findall(r"^(\.SH .+)\n(.*)$", PAGES[page], re.MULTILINE)[0]

    assert heading == ".SH NAME"
    assert re.fullmatch(rf"{re.escape(escape(name))} \\- [^.]+", line), line


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_only_pages_that_there_are(page):
    named = re.findall(r"^\.BR (\S+) \((\d)\),?$", PAGES[page], re.MULTILINE)
    files = {f"man{section}/{name.replace(chr(92), '')}.{section}" for name, section in named}

    assert files
    assert files - PAGES.keys() == set()
    assert page not in files


@pytest.mark.parametrize("group", REGISTRY.groups, ids=lambda group: group.path)
def test_the_page_of_a_group_has_its_commands(group):
    within = [spec for spec in REGISTRY.commands if spec.path.startswith(f"{group.path} ")]
    shown = [rf"\fB{escape(f'gpcli {spec.path}')}\fR" for spec in within]

    assert shown
    assert [line for line in shown if line not in page_of(group.path)] == []


@pytest.mark.parametrize("name", build_topics())
def test_the_page_of_a_topic_has_all_its_words(name):
    page = PAGES[f"man7/gpcli-{name}.7"]
    words = build_topics()[name].split()
    told = iter(page.replace("\n", " ").replace(r"\&", "").split(" "))

    assert [word for word in words if escape(word).removeprefix(r"\&") not in told] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_no_command_of_roff_by_accident(page):
    for line in PAGES[page].splitlines():
        if line.startswith("."):
            assert any(re.match(rf"\.{macro}\b", line) for macro in MACROS), line
        assert line.isascii()
        assert not line.startswith("'")
        assert not re.search(r"(?<!\\)[-'`^~]", line), line


@pytest.mark.parametrize("spec", REGISTRY.commands, ids=lambda spec: spec.path)
def test_the_page_of_a_command_has_all_that_its_help_has(spec):
    page = page_of(spec.path)
    about = describe_command(spec, load_command(spec))
    terms = [term for pairs in about[1:] for term, _ in pairs]

    for shown in (spec.summary, about.usage, *terms, *(typed for _, typed in spec.examples)):
        assert escape(shown) in page
    assert (".SH EXAMPLES" in page) == bool(spec.examples)
    assert (".SS WHEN SENDING" in page) == spec.writes


def test_the_page_of_gpcli_has_commands_exit_codes_variables_and_files():
    page = PAGES["man1/gpcli.1"]
    shown = [
        *(spec.path for spec in REGISTRY.commands),
        *(code.strip() for code, _ in pair_exit_codes()),
        *(name for name, _ in (*OWN_VARIABLES, *MACHINE_VARIABLES)),
        "~/.config/gpcli/config.toml",
    ]

    assert [each for each in shown if rf"\fB{escape(each)}\fR" not in page] == []
    assert re.findall(r"^\.SH (.+)$", page, re.MULTILINE) == [
        "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "FILES",
        "SEE ALSO",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "roff"),
    [
        (".dotted", r"\&.dotted"),
        ("'quoted'", r"\(aqquoted\(aq"),
        (r"a\b", r"a\(rsb"),
        ("--dry-run", r"\-\-dry\-run"),
        ("~/x^y`z`", r"\(ti/x\(hay\(gaz\(ga"),
        ("and so on …", "and so on ..."),
        ("Bjørn", r"Bj\[u00F8]rn"),
    ],
)
def test_text_is_escaped(text, roff):
    assert escape(text) == roff


def test_a_page_that_there_is_no_more_is_deleted(tmp_path):
    (tmp_path / "man1").mkdir()
    (tmp_path / "man1" / "gpcli-gone.1").touch()

    write_pages(tmp_path)

    written = {
        path.relative_to(tmp_path).as_posix(): path.read_text(encoding="ascii")
        for path in tmp_path.glob("*/*")
    }
    assert written == PAGES
