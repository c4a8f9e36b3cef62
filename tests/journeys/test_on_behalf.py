"""Guro and her child Emil: who is meant, both names everywhere, and what a child is offered."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gpcli.cli.answer_table import STARTS
from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.line_parser import parse_line
from gpcli.cli.ready_answers import answer
from tests.journeys import schema_lines
from tests.journeys.process import PYTHON, minimal_env, shell, start_gpcli, wait_for_end
from tests.journeys.shell import at_once
from tests.loopback import PlainTransport

EMIL = {"id": "emil", "name": "Emil Hagen"}
GURO = {"id": "guro-for-emil", "name": "Guro Hagen"}
THREAD, VISIT = "t-r8rsqz9k", "a-x5m6jpxn"
"""Emil's, on a Monday of March 2027."""

WRITES = {
    "book": "book --first --another --yes",
    "cancel": f"cancel {VISIT} --yes",
    "contact": "contact --subject Ører --message Hei --yes",
    "reply": f"messages reply {THREAD} --message Takk --yes",
    "mark-read": f"messages mark-read {THREAD} --yes",
}
"""All that Emil's GP lets be done for a child."""

READS = ("messages list", "rx list", "rx requests", "appointments list", "services", "gp")
UNSAID = (
    "book --first",
    "book --enquiry",
    "flu --first",
    "cancel x",
    "move x --first",
    "contact --subject A --message B",
    "econsult start --via text --subject A --message B --accept-fee any",
    "econsult withdraw x",
    "messages reply x --message B",
    "messages mark-read --all",
    "rx renew --low",
    "rx withdraw x",
    "consent grant",
    "consent withdraw --confirm withdraw",
)
"""All that sends something."""

ABOUT_NOBODY = {
    *("completion", "demo", "help"),
    *("login", "logout"),
    *("outbox list", "outbox settle", "outbox show"),
    *(spec.path for spec in REGISTRY.commands if spec.group in {"profile", "sandbox"}),
    *(spec.path for spec in REGISTRY.commands if spec.group == "sandbox fault"),
}
"""The commands that take a sign-in of this computer, or none: they ask for nobody's record."""

LINES = (
    *schema_lines.READS,
    *schema_lines.WRITES,
    "api Patient",
    "api metadata",
    "api POST Slot/_search",
    "api Slot --paginate",
    "api POST Task -f resourceType=Task --yes",
)
"""What is asked of a portal, with an id that nobody has where one is needed."""

ASKING = [line for line in LINES if parse_line(line.split()).path not in ABOUT_NOBODY]


@pytest.fixture
def family(shell, live):
    """Guro's machine: she has signed in for herself, and then for Emil."""
    shell.json(f"gpcli login {live.fhir_base} --hint guro")
    shell.json("gpcli login --hint guro --as emil")
    return shell


@pytest.fixture
def for_emil(world):
    return world.shell("guro", "emil")


def of(portal, patient):
    """The patient's own records at the portal: id and version of each."""
    return {
        (one["id"], one["meta"]["versionId"])
        for kind in ("Appointment", "Communication", "Task", "Consent")
        for one in portal.store.find(kind, patient=f"Patient/{patient}")
    }


def parties(portal, patient, before):
    """Whom each message and header since `before` is about, and who sent it."""
    found = portal.store.find("Communication", patient=f"Patient/{patient}")
    known = {name for name, _ in before}
    return [
        (one["subject"]["reference"], one["sender"]["reference"])
        for one in found
        if one["id"] not in known
    ]


def receipts(answered):
    """The receipts of a write: some commands answer with one, some with several."""
    return answered if isinstance(answered, list) else [answered]


def plan_of(ending):
    [plan] = [line["plan"] for line in ending.stderr_json if "plan" in line]
    return {row["label"]: row["value"] for row in plan["rows"]}


def test_signing_in_for_a_child_leaves_the_parent_signed_in(family):
    both = family.json("gpcli whoami --all")
    assert [one["patient"]["id"] for one in both] == ["emil", "guro"]  # by their names
    assert {one["acting_user"]["name"] for one in both} == {"Guro Hagen"}


def test_reads_that_name_nobody_are_about_the_last_one_and_say_so(family):
    notice = {"notice": {"message": "As Emil Hagen; --as names another person."}}
    for line in READS:
        unsaid, said = (family(f"gpcli {line}{who} --json") for who in ("", " --as emil"))
        assert (unsaid.code, unsaid.out) == (0, said.out)
        assert unsaid.stderr_json == [notice, *said.stderr_json]


@pytest.mark.parametrize(
    ("flag", "more"),
    [("--as guro", {}), ("--as 'Guro Hagen'", {}), ("", {"GPCLI_AS": "Guro"}),
     ("--as guro", {"GPCLI_AS": "emil"})],
)  # fmt: skip
def test_who_is_named_is_meant(family, flag, more):
    found = family.with_env(**more)(f"gpcli messages list {flag} --json")
    assert [one["subject"] for one in found.json] == ["Pollenallergi", "Åpningstider i romjula"]


def test_writes_in_a_script_have_to_name_the_person_and_send_nothing(family, live):
    before = of(live, "guro"), of(live, "emil")
    endings = [family(f"gpcli {line} --yes --json") for line in UNSAID]
    assert {ending.refused for ending in endings} == {(2, "input_needed", "")}
    assert {(ending.error["message"], ending.error["hint"]) for ending in endings} == {
        ("Several people are signed in: Emil Hagen, Guro Hagen.", "Name one: --as 'Emil Hagen'.")
    }
    assert (of(live, "guro"), of(live, "emil")) == before


@pytest.mark.parametrize(("number", "name"), [("1", "Emil Hagen"), ("2", "Guro Hagen")])
def test_at_a_terminal_the_person_picks_one_of_them(family, number, name):
    typed = family.at_a_screen(f"{number}\nn\n")
    ending = typed("gpcli contact --subject A --message B --can-wait")
    assert ending.code == 9
    assert f"  For      {name}\n" in ending.err


def test_one_machine_writes_for_either_and_each_has_its_own_sender(family, live):
    before = {person: of(live, person) for person in ("guro", "emil")}
    for person in before:
        family.json(f"gpcli contact --subject A --message B --yes --as {person}")
    sent = {person: parties(live, person, before[person])[:2] for person in before}
    assert sent == {
        "guro": [("Patient/guro", "Patient/guro")] * 2,
        "emil": [("Patient/emil", "RelatedPerson/guro-for-emil")] * 2,
    }


@pytest.mark.parametrize("name", WRITES)
def test_every_receipt_names_the_child_and_who_acts(for_emil, name):
    answered = receipts(for_emil.json(f"gpcli {WRITES[name]}"))
    assert [(one["patient"], one["acting_user"], one["changed"]) for one in answered] == [
        (EMIL, GURO, True)
    ]


@pytest.mark.parametrize("name", WRITES)
def test_every_plan_names_the_child_and_who_acts(for_emil, name):
    line = WRITES[name].replace("--yes", "--dry-run")
    ending = for_emil(f"gpcli {line} --json")
    rows = plan_of(ending)
    assert (ending.code, rows["For"], rows["By"]) == (0, "Emil Hagen", "Guro Hagen")
    assert [(one["patient"], one["acting_user"]) for one in receipts(ending.json)] == [(EMIL, GURO)]


def test_a_child_s_thread_and_prescription_are_the_child_s_alone(for_emil, world):
    [thread] = for_emil.json("gpcli messages list")
    [medicine] = for_emil.json("gpcli rx list")
    assert (thread["id"], thread["subject"]) == (THREAD, "Hørselstest")
    assert medicine["name"].startswith("Amoksicillin")
    hers = world.shell("guro")
    assert THREAD not in {one["id"] for one in hers.json("gpcli messages list")}
    assert hers(f"gpcli messages show {THREAD} --json").refused == (3, "not_found", "")


def test_what_the_parent_wrote_before_is_her_own_in_the_child_s_thread(for_emil):
    messages = for_emil.json(f"gpcli messages show {THREAD}")["messages"]
    assert [(one["sender"], one["mine"]) for one in messages] == [
        ("Guro Hagen", True),
        ("Havblikk helsesenter", False),
    ]


def test_a_new_thread_for_the_child_has_the_parent_as_its_sender_at_the_portal(for_emil, world):
    his, hers = of(world.sandbox, "emil"), of(world.sandbox, "guro")
    for_emil.json(f"gpcli {WRITES['contact']}")
    sent = parties(world.sandbox, "emil", his)
    assert sent[:2] == [("Patient/emil", "RelatedPerson/guro-for-emil")] * 2
    assert of(world.sandbox, "guro") == hers


def test_a_reply_for_the_child_has_the_parent_as_its_sender_at_the_portal(for_emil, world):
    made = for_emil.json(f"gpcli {WRITES['reply']}")
    there = world.sandbox.store.get("Communication", made["id"])
    assert (there["subject"]["reference"], there["sender"]["reference"]) == (
        "Patient/emil",
        "RelatedPerson/guro-for-emil",
    )
    assert (made["sender"], made["mine"]) == ("Guro Hagen", True)


def test_marking_the_child_s_message_as_read_leaves_the_parent_s_unread(for_emil, world):
    hers = world.shell("guro")
    before = hers("gpcli messages list --unread --count").out
    for_emil.json(f"gpcli {WRITES['mark-read']}")
    counts = [one("gpcli messages list --unread --count").out for one in (for_emil, hers)]
    assert (before, counts) == ("1\n", ["0\n", "1\n"])


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("econsult start --via text --subject A --message B --accept-fee any", "not_offered"),
        ("econsult start --via video --subject A --accept-fee any", "not_offered"),
        ("rx renew --low", "not_offered"),
        ("book --enquiry", "not_offered"),
        ("flu --first", "not_offered"),
        ("consent grant", "not_permitted"),
    ],
)
def test_what_the_gp_offers_adults_alone_is_refused_for_the_child(for_emil, world, line, word):
    before = of(world.sandbox, "emil")
    ending = for_emil(f"gpcli {line} --yes --json")
    assert ending.refused == (5, word, "")
    assert of(world.sandbox, "emil") == before


@pytest.mark.parametrize(
    "line",
    [
        "econsult start --via text --subject A --message B --accept-fee any",
        "econsult start --via phone --subject A --accept-fee any",
        "rx renew --low",
        "book --enquiry --another",
        "flu --first",
    ],
)
def test_a_gp_who_offers_a_child_everything_hears_from_the_parent(for_emil, world, line):
    adults = world.sandbox.store.get("PractitionerRole", "gp-solem")["healthcareService"]
    world.change("PractitionerRole/gp-solem-children", healthcareService=adults)
    [answered] = receipts(for_emil.json(f"gpcli {line} --yes"))
    assert (answered["patient"], answered["acting_user"]) == (EMIL, GURO)
    asked = world.sandbox.store.find("Task", patient="Patient/emil")
    assert [one["requester"]["reference"] for one in asked] == (
        ["RelatedPerson/guro-for-emil"] if line.startswith("rx") else []
    )


def shown(env, *argv):
    """The starting commands that the help shows."""
    pages = "".join(
        answer([*group, "--help", *argv], env) or "" for group in ([], ["econsult"], ["rx"])
    )
    tops = set(re.findall(r"^  ([a-z]+) ", pages, re.MULTILINE))
    return {path for path in STARTS if path.rpartition(" ")[2] in tops}


def completed(env, *argv):
    """The commands that completion offers first."""
    words = answer(["__complete", *argv, ""], env) or ""
    return {line.partition("\t")[0] for line in words.splitlines()}


def test_help_and_completion_follow_the_person(family):
    family("gpcli services --as guro")
    family("gpcli services --as emil")
    hers, his = shown(family.env, "--as", "guro"), shown(family.env, "--as", "emil")
    assert hers == set(STARTS)
    assert his == {"contact", "slots", "book", "move", "cancel"}
    gone = completed(family.env, "--as", "guro") - completed(family.env, "--as", "emil")
    assert gone == {"econsult", "rx", "flu"}


def test_what_is_hidden_for_the_child_still_runs_when_it_is_typed(family):
    family("gpcli services --as emil")
    assert family("gpcli rx list --as emil").code == 0
    refused = family("gpcli econsult start --via text --subject A --message B --as emil --json")
    assert refused.refused == (5, "not_offered", "")


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables of a shell beside a sandbox that another process serves."""
    env = minimal_env(tmp_path_factory.mktemp("home"))
    process = start_gpcli("sandbox", "serve", "--delay", "1h", env=env)
    try:
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        yield env
    finally:
        process.send_signal(signal.SIGTERM)
        wait_for_end(process)


def as_emil(line, env):
    return shell(f'eval "$({PYTHON} sandbox env guro --as emil)"; {PYTHON} {line} --json', env)


@pytest.mark.real
def test_a_shell_from_sandbox_env_acts_for_the_child(beside):
    made = json.loads(as_emil("contact --subject Syn --message Hei --yes", beside).out)
    [there] = json.loads(as_emil(f"messages show {made['id']}", beside).out)["messages"]
    assert (made["patient"], made["acting_user"]) == (EMIL, GURO)
    assert (there["sender"], there["mine"]) == ("Guro Hagen", True)


@pytest.mark.real
def test_a_shell_from_sandbox_env_changes_no_consent_for_the_child(beside):
    assert as_emil("consent grant --yes", beside).refused == (5, "not_permitted", "")


class Listening(PlainTransport):
    """A way to the portal, and the paths that were asked for with a token."""

    def __init__(self):
        super().__init__(trust_env=False)
        self.asked = []

    def handle_request(self, request):
        if "Authorization" in request.headers:
            self.asked.append(request.url.path)
        return super().handle_request(request)


def test_what_asks_for_a_record_is_asked_for_somebody_else_below():
    commands = {spec.path for spec in REGISTRY.commands}
    assert {parse_line(line.split()).path for line in ASKING} == commands - ABOUT_NOBODY


@pytest.mark.parametrize("line", [each for each in ASKING if each != "whoami --all"])
def test_a_token_of_one_person_answers_for_no_other(world, line):
    names = ("appointment", "prescription", "request", "slot", "thread", "video")
    ids = dict.fromkeys(names, "x-1")
    portal = Listening()
    guro = replace(world.shell("guro"), transport=portal, sleep=at_once)
    ending = guro(f"gpcli {line.format(home=world.home, **ids)} --as ada")
    assert (ending.code, portal.asked) == (2, [])
    if line != "troubleshoot":  # which names nobody
        assert "GPCLI_TOKEN is for 'guro': it can't act for 'ada'." in ending.err


def test_the_variable_names_nobody_else_either(world):
    portal = Listening()
    guro = replace(world.shell("guro").with_env(GPCLI_AS="ada"), transport=portal)
    ending = guro("gpcli api Patient --json")
    assert (ending.refused, portal.asked) == ((2, "usage", ""), [])
    assert ending.error["message"] == "GPCLI_TOKEN is for 'guro': it can't act for 'ada'."


def test_whoever_is_meant_may_be_named(world):
    assert world.shell("guro").json("gpcli api Patient/guro --as guro")["id"] == "guro"
