"""A portal whose every text is hostile: no command lets any of it through, and none breaks."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gpcli.sandbox.server import Sandbox
from tests.journeys.world import MONDAY, World

HOSTILE = (
    "\x1b[2J\x1b[31mred\x1b]8;;https://evil.example\x07link\x1b]8;;\x07\x1b]52;c;ZXZpbA==\x07\x1b"
    "[red]x[/red] [/b] [mg/dL] \x9b31m \u202etxet\u2066\u200e a\tb\nc\r\nd\x08\x7f \U000e0041 \x00"
)
CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]"
)
PAINT = re.compile(r"\x1b\[[0-9;]*m")
"""gpcli's own colours."""

WORDS = {
    *("text", "display", "family", "given", "prefix", "name", "line", "city", "postalCode"),
    *("comment", "description", "title", "contentString", "patientInstruction", "unit"),
    *("contentType", "valueString", "valueUrl"),
}
"""Elements that hold words of somebody's; nothing works without codes, ids and dates."""

ALONE = ("Slot", "Schedule", "Binary")
"""Types that have no words that anybody sees."""

RASH, MOLE, CLOSED, LEAFLET = "t-9rcz8zjj", "t-6385kbx9", "t-qtv33nwr", "m-2kr3tb7m.1"
AMLODIPINE, ZOPICLONE, WAITING, TOMORROW = "rx-zt4s55k9", "rx-c28xcqvq", "r-rxzthjcg", "a-2xwr5jqm"
FINNS = "a-ft4m6n2w"

READS = (
    ("ada", "whoami"),
    ("ada", "services"),
    ("ada", "services e-consultation"),
    ("ada", "gp"),
    ("ada", "slots --limit 3"),
    ("ada", "flu --limit 3"),
    ("ada", "consent show"),
    ("ada", "appointments list --all"),
    ("ada", f"appointments show {TOMORROW}"),
    ("ada", "messages list"),
    ("ada", f"messages show {RASH}"),
    ("ada", f"messages show {MOLE}"),
    ("ada", f"messages show {CLOSED}"),
    ("ada", "rx list --all"),
    ("ada", "rx list --low"),
    ("ada", "rx requests"),
    ("finn", "appointments list"),
    ("finn", f"appointments show {FINNS}"),
    ("finn", "services"),
    ("finn", "messages list"),
    ("emil", "whoami"),
    ("emil", "messages show t-r8rsqz9k"),
    ("emil", "rx list"),
)
"""Who asks, and for what."""

PLANS = (
    ("ada", "econsult start --via text --subject A --message B"),
    ("ada", "econsult start --via video --subject A --to +7d"),
    ("ada", "contact --subject A --message B"),
    ("ada", f"messages reply {RASH} --message A"),
    ("ada", f"messages mark-read {RASH} {MOLE}"),
    ("ada", f"rx withdraw {WAITING}"),
    ("guro", "flu --first"),
    ("ada", f"rx renew {AMLODIPINE} {ZOPICLONE} rx-none"),
    ("ada", "rx renew --low"),
    ("ada", "book --first --another"),
    ("ada", "book --enquiry --another"),
    ("ada", f"cancel {TOMORROW}"),
    ("finn", f"econsult withdraw {FINNS}"),
    ("emil", "contact --subject A --message B"),
)
"""What would be sent: with --dry-run, nothing is."""

TROUBLE = (
    ("ada", f"messages reply {CLOSED} --message A --yes"),
    ("ada", "contact --subject A --message B --attach {file} --yes"),
    ("ada", "rx renew --gp nobody --low --yes"),
    ("ada", f"messages save {MOLE} none"),
    ("finn", f"econsult join {FINNS}"),
    ("finn", "econsult start --via text --subject A --message B --yes --accept-fee any"),
    ("finn", "contact --subject A --message B --yes"),
    ("david", "contact --subject A --message B --yes"),
    ("cecilie", "contact --subject A --message B --yes"),
)
"""What is refused, in words that have the portal's among them."""

PICKED = (
    ("ada", "messages show", 0),
    ("ada", "messages reply --message A", 9),
    ("ada", "messages save --to {place}", 0),
    ("ada", "messages mark-read", 0),
    ("ada", "rx renew", 9),
    ("ada", "rx withdraw", 9),
    ("ada", "book --another", 9),
    ("ada", "cancel", 9),
    ("ada", "appointments show", 0),
    ("finn", "econsult join", 1),
    ("finn", "econsult withdraw", 9),
    ("finn", "contact --subject A --message B --can-wait", 9),
)
"""What is picked from a numbered list; whoever then says nothing has declined."""


def spoiled(value: Any, key: str = "") -> Any:
    """The same with hostile words."""
    if isinstance(value, dict):
        return {name: spoiled(each, name) for name, each in value.items()} | _way_to_reach(value)
    if isinstance(value, list):
        return [spoiled(each, key) for each in value]
    return HOSTILE if isinstance(value, str) and key in WORDS else value


def _way_to_reach(element: dict[str, Any]) -> dict[str, Any]:
    is_contact = element.get("system") in {"phone", "email", "url"}
    return {"value": HOSTILE} if is_contact else {}


def resources(sandbox: Sandbox) -> Iterator[dict[str, Any]]:
    """All with words in it; Hans has too much of it."""
    sql = "SELECT body FROM resource WHERE type NOT IN (?, ?, ?) AND body NOT LIKE '%hans%'"
    for (body,) in sandbox.store.execute(sql, ALONE):
        found = spoiled(json.loads(body))
        settled = found["resourceType"] == "Task" and found["status"] != "requested"
        yield found | ({"status": HOSTILE} if settled else {})


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A portal of its own, of which nothing is changed by the tests."""
    with Sandbox(clock=MONDAY, seed=1) as sandbox:
        sandbox.store.put_all(list(resources(sandbox)))
        yield World(sandbox, tmp_path_factory.mktemp("hostile"))


@pytest.fixture
def of(hostile: World) -> Callable[..., Any]:
    return lambda person: hostile.shell(*(("guro", "emil") if person == "emil" else (person,)))


@pytest.fixture
def filled(tmp_path: Path) -> Callable[[str], str]:
    """A line with a file and a directory for what it names."""
    file = tmp_path / "note.gif"
    file.write_bytes(b"GIF89a")
    return lambda line: line.format(file=file, place=tmp_path)


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from strings(each)
    if isinstance(value, str):
        yield value


@pytest.mark.parametrize(("person", "line"), READS)
def test_a_screen_shows_it_without_a_control_character(of, person, line):
    ending = of(person).at_a_screen()(f"gpcli {line}")
    assert ending.code == 0
    assert CONTROL.findall(PAINT.sub("", ending.out + ending.err)) == []


@pytest.mark.parametrize(("person", "line"), READS)
def test_plain_lines_are_free_of_it_and_keep_their_cells(of, person, line):
    shell = of(person)
    ending = shell(f"gpcli {line}")
    assert (ending.code, CONTROL.findall(ending.out + ending.err)) == (0, [])
    answered = shell.json(f"gpcli {line}")
    if isinstance(answered, list):
        assert len(ending.rows) == len(answered)
        assert len({len(row) for row in ending.rows}) == 1


@pytest.mark.parametrize(("person", "line"), READS)
def test_json_has_it_word_for_word_and_escaped(of, person, line):
    shell = of(person)
    for form in ("--json", "--ndjson"):
        ending = shell(f"gpcli {line} {form}")
        assert (ending.code, CONTROL.findall(ending.out + ending.err)) == (0, [])
    told = [each for each in strings(shell.json(f"gpcli {line}")) if "\x1b" in each]
    assert all("\\x1b" not in each for each in told)
    assert told == [] or any(HOSTILE in each for each in told)


@pytest.mark.parametrize(
    ("person", "line", "key"),
    [
        ("ada", f"messages show {RASH}", "text"),
        ("ada", "messages list", "subject"),
        ("ada", f"messages show {CLOSED}", "closed_because"),
        ("ada", f"messages show {MOLE}", "title"),
        ("ada", "rx list", "dose"),
        ("ada", "rx list", "name"),
        ("ada", "rx requests", "answer"),
        ("ada", "rx requests", "note"),
        ("ada", "rx requests", "status"),
        ("ada", f"messages show {MOLE}", "content_type"),
        ("ada", "gp", "name"),
        ("ada", f"appointments show {TOMORROW}", "reason"),
        ("finn", f"appointments show {FINNS}", "join_url"),
    ],
)
def test_what_the_portal_wrote_stands_in_json_as_it_was_written(of, person, line, key):
    def values(answer):
        if isinstance(answer, dict):
            yield from (answer[key] for _ in [0] if key in answer)
            answer = list(answer.values())
        for each in answer if isinstance(answer, list) else []:
            yield from values(each)

    assert HOSTILE in set(values(of(person).json(f"gpcli {line}")))


@pytest.mark.parametrize(("person", "line"), PLANS)
def test_a_plan_shows_it_as_text(of, person, line):
    for shell in (of(person), of(person).at_a_screen()):
        ending = shell(f"gpcli {line} --dry-run")
        assert ending.code in {0, 8}
        assert CONTROL.findall(PAINT.sub("", ending.out + ending.err)) == []


@pytest.mark.parametrize(("person", "line"), PLANS)
def test_a_plan_in_json_is_one_line_each(of, person, line):
    ending = of(person)(f"gpcli {line} --dry-run --json")
    assert [line["plan"]["action"] for line in ending.stderr_json if "plan" in line] != []
    assert CONTROL.findall(ending.err + ending.out) == []


@pytest.mark.parametrize(("person", "line"), TROUBLE)
def test_a_refusal_that_quotes_it_is_harmless(of, filled, person, line):
    shell = of(person)
    for form in ("", "--json"):
        ending = shell(f"gpcli {filled(line)} {form}")
        assert ending.code not in {0, 70}
        assert (ending.out, CONTROL.findall(ending.err)) == ("", [])
    screen = shell.at_a_screen("\n")(f"gpcli {filled(line)}")
    assert CONTROL.findall(PAINT.sub("", screen.out + screen.err)) == []


@pytest.mark.parametrize(("person", "line", "code"), PICKED)
def test_a_list_to_pick_from_has_one_number_for_each(of, filled, person, line, code):
    ending = of(person).at_a_screen("1\n")(f"gpcli {filled(line)}")
    assert (ending.code, CONTROL.findall(PAINT.sub("", ending.out + ending.err))) == (code, [])
    lines = (re.match(r" +(\d+)  ", each) for each in ending.err.splitlines())
    found = [each for each in lines if each]
    assert [int(each[1]) for each in found] == list(range(1, len(found) + 1))
    assert len(found) != 1  # the only one is taken at once
    assert len({each.end(1) for each in found}) == (1 if found else 0)


def test_markup_is_text(of):
    shown = of("ada").at_a_screen()("gpcli gp").out
    assert "[red]x[/red] [/b] [mg/dL]" in shown


def test_files_get_harmless_names_in_the_directory_that_was_said(of, tmp_path):
    place = tmp_path / "a" / "b"
    place.mkdir(parents=True)
    ending = of("ada")(["gpcli", "messages", "save", MOLE, "--to", str(place)])
    names = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert (ending.code, CONTROL.findall(ending.out + ending.err)) == (0, [])
    assert (len(names), {path.parent for path in tmp_path.rglob("*") if path.is_file()}) == (
        4,
        {place},
    )
    assert all(unicodedata.category(letter)[0] != "C" for name in names for letter in name)


@pytest.mark.parametrize("details", ["", " --details"])
@pytest.mark.parametrize("person", ["ada", "finn", "emil"])
def test_a_calendar_stays_a_calendar(of, person, details):
    ending = of(person)(f"gpcli appointments export --all{details}")
    lines = ending.out.replace("\r\n", "\n").split("\n")
    assert (ending.code, CONTROL.findall("".join(lines).replace("\t", ""))) == (0, [])
    assert all(re.match(r"[A-Z-]+[;:]| ", line) for line in lines if line)
