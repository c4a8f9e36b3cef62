"""A plan that a dry run showed is agreed to by its id: that plan is sent, once, or nothing is."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from gpcli.cli.commands.registry import REGISTRY
from tests.journeys.process import as_person, gpcli, start_gpcli, wait_for_end
from tests.journeys.shell import CommandResult, Shell, at_once
from tests.journeys.test_api import a_message
from tests.journeys.test_meanwhile import changes_the_price
from tests.journeys.test_outbox import cut_off, later, offline, snapshot
from tests.journeys.world import World

RASH, AMLODIPINE, METFORMIN = "t-9rcz8zjj", "rx-zt4s55k9", "rx-wsbv57vs"
WAITING, TOMORROW = "r-rxzthjcg", "a-2xwr5jqm"
"""Ada's thread with an answer, two prescriptions, a request, a booking."""

PLAN_ID = re.compile(r"plan-[a-hjkmnp-z2-9]{12}")

ECONSULT = "econsult start --subject Rash --message Itching"

Change = Callable[[World], None]


@dataclass(frozen=True)
class Errand:
    """A line that sends; one that is to send something else, or what happens at the portal.

    `labels` are what of its plan is another then, `typing` what is on standard input.
    """

    line: str
    other: str | Change
    labels: str
    person: str = "ada"
    typing: tuple[str, str] = ("", "")


def note_is_added(world: World) -> None:
    world.change(f"Task/{WAITING}", note=[{"text": "Before Friday, please."}])


def late_fee_falls(world: World) -> None:
    changes_the_price(world, "late-cancellation", 1)()


def message_arrives(world: World) -> None:
    seen = world.sandbox.store.find("Communication", part_of=f"Communication/{RASH}")[-1]
    kept = {name: seen[name] for name in seen if name not in {"id", "meta", "identifier"}}
    more = {"sent": world.now().isoformat(), "payload": [{"contentString": "One more thing."}]}
    world.sandbox.store.insert({**kept, **more})


def first_time_is_gone(world: World) -> None:
    """What was free from Wednesday on is so two days later."""
    for slot in world.sandbox.store.find("Slot"):
        if slot["status"] == "free" and slot["start"] < "2027-03-06":
            world.change(f"Slot/{slot['id']}", status="busy")


def consent_is_another(world: World) -> None:
    [consent] = [
        each
        for each in world.sandbox.store.find("Consent", patient="Patient/david")
        if each["status"] == "active" and each.get("identifier")
    ]
    world.sandbox.store.put({**consent, "status": "inactive"})
    world.sandbox.store.put({**consent, "id": "another"})


FEE_FALLS = (late_fee_falls, "Fee for cancelling late, what sending costs")
ERRANDS = {
    "contact": Errand(
        "contact --subject Ramp --message Where?",
        "contact --subject Ramp --message Whence?",
        "Message",
    ),
    "contact with a file": Errand(
        "contact --subject Ramp --message Where? --attach {one}",
        "contact --subject Ramp --message Where? --attach {other}",
        "Attachment",
    ),
    "contact on stdin": Errand(
        "contact --subject Ramp --message-file -",
        "contact --subject Ramp --message-file -",
        "Message",
        typing=("Where?", "Where?\nSince when?"),
    ),
    "econsult start": Errand(f"{ECONSULT} --via text", f"{ECONSULT}. --via text", "Message"),
    "econsult start by video": Errand(
        f"{ECONSULT} --via video --to +7d", f"{ECONSULT} --via video --to +8d", "Wished"
    ),
    "econsult withdraw": Errand("econsult withdraw {video}", "cancel {video}", "the command"),
    "messages reply": Errand(
        f"messages reply {RASH} --message Thanks",
        f"messages reply {RASH} --message 'Thanks a lot'",
        "Message",
    ),
    "messages reply to what came before": Errand(
        f"messages reply {RASH} --message Thanks",
        message_arrives,
        "the message that it answers",
    ),
    "messages mark-read": Errand(f"messages mark-read {RASH}", message_arrives, "Thread, Message"),
    "rx renew": Errand(
        f"rx renew {AMLODIPINE} --note Soon", f"rx renew {AMLODIPINE} --note Later", "Note"
    ),
    "rx renew several": Errand(
        f"rx renew {AMLODIPINE} {METFORMIN}", f"rx renew {METFORMIN} {AMLODIPINE}", "Prescription"
    ),
    "rx renew what runs out": Errand("rx renew --low", f"rx renew {AMLODIPINE}", "what is done"),
    "rx renew on stdin": Errand(
        "rx renew -",
        "rx renew -",
        "what is done, Prescription",
        typing=(f"{AMLODIPINE}\n", f"{AMLODIPINE}\n{METFORMIN}\n"),
    ),
    "rx withdraw": Errand(f"rx withdraw {WAITING}", note_is_added, "Note"),
    "book --first": Errand("book --first --another --from +2d", first_time_is_gone, "When"),
    "book a time": Errand("book {slot} --reason Knee", "book {next} --reason Knee", "When"),
    "book an enquiry": Errand(
        "book --enquiry --another --reason Knee", "book --enquiry --another", "Reason"
    ),
    "book --replace": Errand(
        "book {slot} --replace {visit}", "book {next} --replace {visit}", "New time"
    ),
    "move": Errand("move {visit} {slot}", "move {visit} {next}", "New time"),
    "cancel": Errand(f"cancel {TOMORROW}", *FEE_FALLS),
    "flu": Errand("flu --first", first_time_is_gone, "When"),
    "consent grant": Errand("consent grant", "consent withdraw", "the command", "david"),
    "consent withdraw": Errand("consent withdraw", consent_is_another, "Consents", "david"),
    "api": Errand(
        "api POST Communication --input {message}", "api POST Communication --input {text}", "Body"
    ),
}
"""An errand for each command that writes, and for each way in which it is told what to send."""


def has_changed(answer: Any) -> bool:
    """Whether a receipt, or one of several, says that something was changed."""
    return any(one["changed"] for one in (answer if isinstance(answer, list) else [answer]))


def ids_of(plan: CommandResult) -> set[str]:
    """The plan's ids in what a dry run says and answers."""
    return {*PLAN_ID.findall(plan.out), *PLAN_ID.findall(plan.err)}


@dataclass
class Agreed:
    """An errand in the making: lines are run, after a dry run has shown the plan."""

    world: World
    shell: Shell
    errand: Errand
    places: dict[str, Any]

    def run(self, line: str, options: str, typing: str) -> CommandResult:
        return replace(self.shell, typing=typing)(f"gpcli {line.format(**self.places)} {options}")

    def plan(self) -> str:
        """The id of the plan that a dry run shows."""
        shown = self.run(self.errand.line, "--dry-run --json", self.errand.typing[0])
        [plan_id] = ids_of(shown)
        assert (shown.code, '"plan"' in shown.err) == (0, True)
        return plan_id

    def confirm(self, plan_id: str, *more: str) -> CommandResult:
        options = " ".join(("--confirm", plan_id, *more, "--json"))
        return self.run(self.errand.line, options, self.errand.typing[0])

    def confirm_other(self, plan_id: str) -> CommandResult:
        other = self.errand.other if isinstance(self.errand.other, str) else self.errand.line
        return self.run(other, f"--confirm {plan_id} --json", self.errand.typing[1])

    def records(self) -> dict[str, str]:
        return snapshot(self.world, self.shell.env["GPCLI_PATIENT"])


@pytest.fixture
def prepare(world, tmp_path):
    def build(name: str) -> Agreed:
        errand = ERRANDS[name]
        shell = world.shell(errand.person)
        places = {}
        files = {
            "one": "Ramp",
            "other": "Gate",
            "message": json.dumps(a_message()),
            "text": json.dumps(a_message()).replace("ramp", "gate"),
        }
        for file, content in files.items():
            places[file] = tmp_path / file / "sketch.txt"
            places[file].parent.mkdir()
            places[file].write_text(content)
        if "{slot}" in errand.line:
            slots = shell.json("gpcli slots --limit 2 --from +3d")
            places["slot"], places["next"] = (each["id"] for each in slots)
        if "{visit}" in errand.line:
            booked = shell.json("gpcli book --first --another --from +10d --reason Knee --yes")
            places["visit"] = booked["id"]
        if "{video}" in errand.line:
            line = f"{ERRANDS['econsult start by video'].line} --accept-fee any --yes"
            places["video"] = shell.json(f"gpcli {line}")["id"]
        if name == "consent withdraw":
            shell.json("gpcli consent grant --yes")
        return Agreed(world, shell, errand, places)

    return build


def test_every_command_that_writes_is_here():
    commands = {spec.path for spec in REGISTRY.commands if spec.writes}
    assert {each for each in commands for name in ERRANDS if name.startswith(each)} == commands


@pytest.mark.parametrize("name", ERRANDS)
def test_a_plan_is_sent_once_by_its_id(prepare, name):
    agreed = prepare(name)
    before = agreed.records()
    plan_id = agreed.plan()
    assert agreed.records() == before

    sent = agreed.confirm(plan_id)
    after = agreed.records()
    again = agreed.confirm(plan_id)

    assert (sent.code, again.code, after == before) == (0, 0, False), (sent, again)
    assert '"plan":' not in sent.err
    assert agreed.records() == after
    if name == "api":
        assert "It was sent before; nothing was sent now." in again.err
        return
    assert [has_changed(each) for each in (sent.json, again.json)] == [True, False]


@pytest.mark.parametrize("name", ERRANDS)
def test_what_is_not_as_the_plan_showed_it_is_named_and_not_sent(prepare, name):
    agreed = prepare(name)
    plan_id = agreed.plan()
    if not isinstance(agreed.errand.other, str):
        agreed.errand.other(agreed.world)
    before = agreed.records()

    ending = agreed.confirm_other(plan_id)

    assert (ending.refused, agreed.records()) == ((9, "plan_changed", ""), before), ending
    said = ending.error["message"]
    assert said.startswith(f"The plan is not what it was: {agreed.errand.labels}")
    assert said.endswith(". Nothing was sent.")


ECONSULT_AT = f"gpcli {ECONSULT} --via text"


def plan_of(shell: Shell, line: str) -> str:
    """The id of the plan that a dry run of `line` shows."""
    answer = shell.json(f"{line} --dry-run")
    return (answer[0] if isinstance(answer, list) else answer)["plan_id"]


def said(ending: CommandResult) -> tuple[int, str]:
    return ending.code, ending.error["message"]


def test_a_dry_run_says_how_its_plan_is_sent_and_until_when(world):
    ada = world.shell("ada").at_a_screen()

    ending = ada("gpcli book --first --another --dry-run")

    [plan_id] = ids_of(ending)
    assert ending.out == (
        f"Nothing was sent: this was a dry run. --confirm {plan_id} in place of --dry-run sends "
        "exactly this, until 10:00.\n"
    )


def test_what_is_so_already_has_no_plan(world):
    ada = world.shell("ada")
    ada.json(f"gpcli cancel {TOMORROW} --yes --accept-fee any")

    receipt = ada.json(f"gpcli cancel {TOMORROW} --dry-run")

    assert (receipt["plan_id"], receipt["plan_until"]) == (None, None)
    assert not (world.home / "state" / "plans.json").exists()


def test_nothing_is_asked_and_the_fee_is_that_of_the_plan(world):
    ada = world.shell("ada")
    plan_id = plan_of(ada, ECONSULT_AT)

    ending = ada.at_a_screen("no\n" * 5)(f"{ECONSULT_AT} --confirm {plan_id}")

    assert (ending.code, "?" in ending.err, "NOK" in ending.err) == (0, False, False)
    assert ending.out.startswith("Sent; the surgery has ")


@pytest.mark.parametrize(("cap", "code"), [("100", 9), ("391", 0), ("any", 0)])
def test_a_cap_on_the_line_holds_as_well(world, cap, code):
    ada = world.shell("ada")
    plan_id = plan_of(ada, ECONSULT_AT)

    ending = ada(f"{ECONSULT_AT} --confirm {plan_id} --yes --accept-fee {cap} --json")

    assert ending.code == code
    assert not code or ending.error["code"] == "fee_not_accepted"


@pytest.mark.parametrize("amount", [1, 900])
def test_another_price_is_another_plan_also_a_better_one(world, amount):
    ada = world.shell("ada")
    plan_id = plan_of(ada, ECONSULT_AT)
    changes_the_price(world, "e-consultation", amount)()

    ending = ada(f"{ECONSULT_AT} --confirm {plan_id} --accept-fee any --json")

    what = "Price, Rate, what sending costs"
    assert said(ending) == (9, f"The plan is not what it was: {what}. Nothing was sent.")
    assert ending.error["hint"] == "--dry-run shows what it would be now, and gives it an id."


def hour_later(world: World, reference: str) -> None:
    """The surgery puts a time, or a visit, an hour later."""
    there = world.sandbox.store.get(*reference.split("/"))
    times = {
        name: (datetime.fromisoformat(there[name]) + timedelta(hours=1)).isoformat()
        for name in ("start", "end")
    }
    world.change(reference, **times)


def test_a_time_or_a_visit_that_the_surgery_has_put_later_is_another_plan(world):
    ada = world.shell("ada")
    slot = ada.json("gpcli slots --limit 1 --from +2d")[0]["id"]
    visit = ada.json("gpcli book --first --another --yes --from +10d")["id"]
    lines = {
        f"gpcli book {slot}": (f"Slot/{slot}", "When"),
        f"gpcli cancel {visit}": (f"Appointment/{visit}", "When"),
        f"gpcli move {visit} --first --another --from +5d": (f"Appointment/{visit}", "Old time"),
    }
    before = {one["id"]: one["status"] for one in world.appointments("ada")}

    for line, (record, label) in lines.items():
        plan_id = plan_of(ada, line)
        hour_later(world, record)
        ending = ada(f"{line} --confirm {plan_id} --json")
        assert ending.refused == (9, "plan_changed", "")
        assert label in ending.error["message"]
    assert {one["id"]: one["status"] for one in world.appointments("ada")} == before


def test_a_plan_is_good_for_an_hour(world):
    ada = world.shell("ada")
    line = "gpcli contact --subject Ramp --message Where?"
    kept, late = plan_of(ada, line), plan_of(ada, line)

    world.sandbox.advance(timedelta(minutes=59))
    assert ada(f"{line} --confirm {kept}").code == 0
    world.sandbox.advance(timedelta(minutes=2))
    ending = ada(f"{line} --confirm {late} --json")

    assert said(ending) == (9, f"{late} was good for an hour. Nothing was sent.")


def test_what_was_sent_is_told_again_after_its_hour(world):
    ada = world.shell("ada")
    line = "gpcli contact --subject Ramp --message Where?"
    plan_id = plan_of(ada, line)
    sent = ada.json(f"{line} --confirm {plan_id}")

    again = later(ada, 600).json(f"{line} --confirm {plan_id}")

    assert (again["id"], again["changed"]) == (sent["id"], False)


def test_no_answer_is_looked_for_by_the_same_line_also_after_its_hour(world):
    ada = world.shell("ada")
    line = "gpcli contact --subject Ramp --message Where?"
    plan_id = plan_of(ada, line)

    ending = cut_off(ada, arrives=True)(f"{line} --confirm {plan_id} --json")
    assert ending.refused == (10, "outcome_unknown", "")
    again = later(ada, 90).json(f"{line} --confirm {plan_id}")

    assert (again["changed"], again["request_id"]) == (False, ending.error["request_id"])
    assert ada.json("gpcli outbox list") == []


def test_what_never_arrived_is_sent_by_the_same_line(world):
    ada = world.shell("ada")
    line = "gpcli book --enquiry --another"
    plan_id = plan_of(ada, line)

    ending = cut_off(ada, arrives=False)(f"{line} --confirm {plan_id} --json")
    unreachable = offline(ada)(f"{line} --confirm {plan_id} --json")
    later_on = later(ada, 90)
    sent = later_on.json(f"{line} --confirm {plan_id}")

    assert (ending.code, unreachable.code, sent["changed"]) == (10, 10, True)
    assert not later_on.json(f"{line} --confirm {plan_id}")["changed"]


def test_what_may_have_been_sent_is_not_sent_with_other_words(world):
    ada = world.shell("ada")
    line = "gpcli contact --subject Ramp --message"
    plan_id = plan_of(ada, f"{line} Where?")
    cut_off(ada, arrives=False)(f"{line} Where? --confirm {plan_id}")

    ending = ada(f"{line} Whence? --confirm {plan_id} --json")

    assert said(ending) == (9, "The plan is not what it was: Message. Nothing was sent now.")


def test_the_line_that_the_outbox_keeps_finishes_it_after_its_hour(world):
    """The text was on standard input, and is in a draft by now."""
    ada = replace(world.shell("ada"), typing="Hei,\n  where?\n")
    line = "gpcli contact --subject Ramp --message-file -"
    plan_id = plan_of(ada, line)
    cut_off(ada, arrives=False)(f"{line} --confirm {plan_id} --json")
    world.sandbox.advance(timedelta(minutes=90))
    [listed] = ada.json("gpcli outbox list")

    ending = ada(listed["repeat"])

    assert (ending.code, f"--confirm {plan_id}" in listed["repeat"]) == (0, True)
    assert has_changed(ending.json)


def test_what_is_written_in_a_dry_run_is_sent_from_its_draft(world, tmp_path):
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nprintf '  Where is\\n\\nthe ramp?  \\n\\n' > \"$1\"\n")
    editor.chmod(0o700)
    person = world.shell("ada").with_env(EDITOR=str(editor)).at_a_screen()
    shown = person("gpcli contact --subject Ramp --dry-run")
    [plan_id], [_, draft] = ids_of(shown), shown.err.split("--message-file ")

    line = f"gpcli contact --subject Ramp --message-file {draft.split()[0]}"
    assert world.shell("ada").json(f"{line} --confirm {plan_id}")["changed"]


@pytest.mark.real
def test_eight_processes_send_one_plan_once(live, tmp_path):
    live.set_delay(timedelta(hours=1))
    env, line = as_person(live, tmp_path, "ada"), ("contact", "--subject", "Ramp", "--message", "?")
    plan_id = gpcli(*line, "--dry-run", "--json", env=env).json["plan_id"]

    agreed = [start_gpcli(*line, "--confirm", plan_id, "--json", env=env) for _ in range(8)]
    endings = [wait_for_end(each) for each in agreed]

    assert [ending.code for ending in endings] == [0] * 8
    assert sorted(ending.json["changed"] for ending in endings) == [False] * 7 + [True]
    assert len({ending.json["id"] for ending in endings}) == 1


def test_a_part_that_is_left_is_sent_by_the_same_line_and_no_more(world):
    """The visit is booked, and its old time not cancelled yet."""
    ada = world.shell("ada")
    old = ada.json("gpcli book --first --another --yes --from +10d --reason Knee")["id"]
    slot = ada.json("gpcli slots --limit 1 --from +5d")[0]["id"]
    line = f"gpcli move {old} {slot}"
    plan_id = plan_of(ada, line)
    world.sandbox.add_fault(f"PATCH Appointment/{old}: 503 x9")
    world.sandbox.add_fault(f"PUT Appointment/{old}: 503 x9")
    half = replace(ada, sleep=at_once)(f"{line} --confirm {plan_id} --json")
    world.sandbox.clear_faults()

    whole = later(ada, 90).json(f"{line} --confirm {plan_id}")

    assert half.code in {8, 10}
    assert (whole["replaced"]["status"], whole["slot_id"]) == ("cancelled", slot)


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ("plan-abcdefgh2345", 3, "There is no plan 'plan-abcdefgh2345' on this computer. Nothing "),
        ("plan-abc", 2, "--confirm 'plan-abc' is no plan's id."),
        ("yes", 2, "--confirm 'yes' is no plan's id."),
        ("''", 2, "--confirm needs a value that is not empty."),
    ],
)
def test_what_is_no_plan_is_refused(world, given, code, message):
    ending = world.shell("ada")(f"gpcli book --first --confirm {given} --json")
    assert (ending.code, ending.error["message"].startswith(message)) == (code, True)


def test_a_plan_is_not_shown_and_agreed_to_at_once(world):
    ada = world.shell("ada")
    plan_id = plan_of(ada, "gpcli book --first --another")
    ending = ada(f"gpcli book --first --another --confirm {plan_id} --dry-run --json")
    assert said(ending) == (2, "--confirm and --dry-run can't be used together.")


def test_a_plan_is_of_one_command_person_actor_and_portal(world):
    guro = world.shell("guro")
    line = "gpcli contact --subject Ramp --message Where?"
    plan_id = plan_of(guro, line)
    emil, elsewhere = world.shell("guro", "emil"), guro.with_env(GPCLI_ENVIRONMENT="staging")
    emil = emil.with_env(GPCLI_FHIR_USER=guro.env["GPCLI_FHIR_USER"])

    refused = {
        "the person": emil(f"{line} --confirm {plan_id} --json"),
        "who acts": guro.without("GPCLI_FHIR_USER")(f"{line} --confirm {plan_id} --json"),
        "the portal": elsewhere(f"{line} --confirm {plan_id} --json"),
        "the command": guro(f"gpcli flu --first --confirm {plan_id} --json"),
    }

    for what, ending in refused.items():
        assert said(ending) == (9, f"The plan is not what it was: {what}. Nothing was sent.")
    assert guro(f"{line} --confirm {plan_id}").code == 0


def test_a_request_id_goes_with_its_own_plan_only(world):
    ada = world.shell("ada")
    line = "gpcli contact --subject Ramp --message Where?"
    plan_id = plan_of(ada, f"{line} --request-id ramp")

    other = ada(f"{line} --request-id gate --confirm {plan_id} --json")
    sent = ada.json(f"{line} --request-id ramp --confirm {plan_id}")
    again = ada.json(f"{line} --request-id ramp --yes")

    assert said(other) == (2, f"--request-id names another request than {plan_id} is for.")
    assert (sent["changed"], again["changed"], sent["id"] == again["id"]) == (True, False, True)
    assert sent["request_id"] == "ramp"


def test_a_plan_is_not_passed_over_by_a_line_that_only_shows(world):
    guro = world.shell("guro")
    plan_id = plan_of(guro, "gpcli flu --first")

    ending = guro(f"gpcli flu --confirm {plan_id} --json")

    assert ending.refused == (2, "usage", "")


def test_what_is_chosen_from_a_list_has_to_be_on_the_line(world):
    ada = world.shell("ada")
    plan_id = plan_of(ada, f"gpcli cancel {TOMORROW}")

    ending = ada.at_a_screen("1\ny\n")(f"gpcli cancel --confirm {plan_id} --json")

    assert (ending.code, ending.out) == (2, "")


def test_a_period_that_has_begun_is_the_same_some_minutes_later(world):
    ada = world.shell("ada")
    line = f"gpcli {ECONSULT} --via phone --to +7d"
    plan_id = plan_of(ada, line)
    world.sandbox.advance(timedelta(minutes=20))

    assert ada.json(f"{line} --confirm {plan_id}")["changed"]


def test_a_plan_made_at_a_terminal_is_sent_by_a_script(world):
    """Among others, a warning has words there that depend on the clock and the screen."""
    ada = world.shell("ada")
    slot = ada.json("gpcli slots --limit 1 --from +2d")[0]["id"]
    shown = ada.at_a_screen()(f"gpcli book {slot} --dry-run --accessible")
    [plan_id] = ids_of(shown)

    assert "You have one already" in shown.err
    assert ada.json(f"gpcli book {slot} --confirm {plan_id}")["changed"]


def test_consent_is_withdrawn_by_the_word_or_by_a_plan(world):
    david = world.shell("david")
    david.json("gpcli consent grant --yes")
    plan_id = plan_of(david, "gpcli consent withdraw")

    wrong = david("gpcli consent withdraw --confirm withdrawn --json")
    assert wrong.refused == (9, "declined", "")
    assert david.json(f"gpcli consent withdraw --confirm {plan_id}")["status"] == "inactive"


def test_the_file_is_private_and_has_nothing_of_what_is_sent(world):
    ada = world.shell("ada")
    shown = ada(f"{ECONSULT_AT} --dry-run --json")
    file = world.home / "state" / "plans.json"

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    [plan_id] = ids_of(shown)
    for word in ("Rash", "Itching", "Ada", "Haugland", "NOK", plan_id):
        assert word not in text


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such modes")
def test_a_plan_that_can_not_be_kept_is_shown_without_an_id(world):
    ada = world.shell("ada")
    plan_of(ada, "gpcli book --first --another")
    file = world.home / "state" / "plans.json"
    file.chmod(0o400)

    ending = ada("gpcli book --first --another --dry-run --json")

    assert (ending.code, ending.json["plan_id"]) == (0, None)
    *_, why, what = [each["notice"]["message"] for each in ending.stderr_json if "notice" in each]
    assert why == f"This plan has no id: {file} can't be written: Permission denied."
    assert what == "Nothing was sent: this was a dry run."
