"""What went out is found again, whatever became of the terminal: the outbox, and settling it."""

from __future__ import annotations

import json
import os
import shlex
import stat
import time
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from gpcli.cli.commands.registry import REGISTRY
from tests.journeys.process import as_person, gpcli, start_gpcli, wait_for_end, wait_until
from tests.journeys.shell import at_once
from tests.loopback import PlainTransport

RASH, AMLODIPINE, WAITING, TOMORROW = "t-9rcz8zjj", "rx-zt4s55k9", "r-rxzthjcg", "a-2xwr5jqm"
"""Ada's thread with an answer, a prescription that runs out, a request, a booking."""

ECONSULT = "econsult start --can-wait --subject Rash --message Itching --accept-fee any --via"
WRITES = {
    "contact": "contact --subject Ramp --message Where?",
    "econsult start": f"{ECONSULT} text",
    "econsult start by video": f"{ECONSULT} video --to +7d",
    "econsult withdraw": "econsult withdraw {video}",
    "messages reply": f"messages reply {RASH} --message Thanks",
    "messages mark-read": f"messages mark-read {RASH}",
    "rx renew": f"rx renew {AMLODIPINE}",
    "rx withdraw": f"rx withdraw {WAITING}",
    "book": "book --first --another --from +2d",
    "book an enquiry": "book --enquiry --another",
    "cancel": f"cancel {TOMORROW} --accept-fee any",
    "flu": "flu --first",
    "consent grant": "consent grant",
    "consent withdraw": "consent withdraw --confirm withdraw",
}
"""A line for each command that writes, by its name and what else it does."""

ELSEWHERE = {"api", "move"}
"""What is played elsewhere: a person has to settle the one (test_api.py), two writes make the other
(test_moving.py)."""

API = "api POST Task -f resourceType=Task"

PEOPLE = {"consent grant": "david", "consent withdraw": "david"}
"""Who plays a line, if not Ada."""


def is_write(request):
    """Whether a request changes something."""
    if request.method != "POST":
        return request.method in {"PUT", "PATCH"}
    if request.url.path.endswith("_search") or "$find" in request.url.path:
        return False
    body = json.loads(request.read())
    return not (body.get("type") == "batch" and body["entry"][0]["request"]["method"] == "GET")


class CutOff(PlainTransport):
    """A way to the portal that is cut off with the first write, before or after it `arrives`."""

    def __init__(self, *, arrives):
        super().__init__()
        self._arrives = arrives
        self._is_cut = False

    def handle_request(self, request):
        if self._is_cut:
            raise httpx.ConnectError("no network")
        if not is_write(request):
            return super().handle_request(request)
        self._is_cut = True
        if self._arrives:
            super().handle_request(request).read()
        raise httpx.ReadTimeout("no answer")


def cut_off(shell, *, arrives):
    """The same shell, cut off with its next write."""
    return replace(shell, transport=CutOff(arrives=arrives), sleep=at_once)


def offline(shell):
    """The same shell without a network."""
    transport = CutOff(arrives=False)
    transport._is_cut = True
    return replace(shell, transport=transport, sleep=at_once)


def prepare(world, name):
    """The shell and the line of a write, with what it needs at the portal."""
    shell = world.shell(PEOPLE.get(name, "ada"))
    if name == "consent withdraw":
        shell.json("gpcli consent grant --yes")
    video = ""
    if name == "econsult withdraw":
        video = shell.json(f"gpcli {WRITES['econsult start by video']} --yes")["id"]
    return shell, f"gpcli {WRITES[name].format(video=video)} --yes"


def snapshot(world, patient):
    """What the portal has of a patient: each record with its version."""
    kinds = ("Appointment", "Communication", "Task", "Consent")
    return {
        f"{kind}/{each['id']}": each["meta"]["versionId"]
        for kind in kinds
        for each in world.sandbox.store.find(kind, patient=f"Patient/{patient}")
    }


def later(shell, minutes):
    """The same shell, some minutes later by its clock."""
    return shell.at(lambda: shell.now() + timedelta(minutes=minutes))


def test_every_command_that_writes_is_here():
    commands = {spec.path for spec in REGISTRY.commands if spec.writes}
    played = {name for name in commands if any(line.startswith(name) for line in WRITES)}
    assert played == commands - ELSEWHERE


@pytest.mark.parametrize("name", WRITES)
def test_what_was_done_without_an_answer_is_settled_as_done(world, name):
    shell, line = prepare(world, name)
    before = snapshot(world, shell.env["GPCLI_PATIENT"])
    ending = cut_off(shell, arrives=True)(f"{line} --json")
    after = snapshot(world, shell.env["GPCLI_PATIENT"])

    [listed] = shell.json("gpcli outbox list")
    [settled] = shell.json("gpcli outbox settle")

    assert (ending.code, before == after) == (10, False)
    assert listed["request_id"] == settled["request_id"] == ending.error["request_id"]
    assert name.startswith(listed["command"])
    assert (listed["state"], settled["state"], settled["repeat"]) == ("unknown", "done", None)
    assert {part["state"] for part in settled["parts"]} == {"done"}
    assert shell.json("gpcli outbox list") == []
    assert snapshot(world, shell.env["GPCLI_PATIENT"]) == after
    again = shell.json(f"{line} --request-id {listed['request_id']}")
    changed = [row["changed"] for row in (again if isinstance(again, list) else [again])]
    assert not any(changed)
    assert snapshot(world, shell.env["GPCLI_PATIENT"]) == after


@pytest.mark.parametrize("name", WRITES)
def test_what_never_arrived_is_not_done_after_a_while_and_a_line_finishes_it(world, name):
    shell, line = prepare(world, name)
    before = snapshot(world, shell.env["GPCLI_PATIENT"])
    assert cut_off(shell, arrives=False)(line).code == 10

    early = shell("gpcli outbox settle --json")
    late = later(shell, 11)
    [settled] = late.json("gpcli outbox settle")

    assert (early.code, early.error["code"]) == (10, "outcome_unknown")
    assert early.error["request_id"] == settled["request_id"]
    assert "is not there, and the portal may still be doing it until 09:1" in early.error["message"]
    assert (settled["state"], settled["needs_settling"]) == ("not_done", False)
    assert late.json("gpcli outbox list") == []
    assert snapshot(world, shell.env["GPCLI_PATIENT"]) == before
    repeat = shlex.split(settled["repeat"].partition(" && ")[2] or settled["repeat"])
    assert shell([*repeat, "--json"]).code == 0
    assert snapshot(world, shell.env["GPCLI_PATIENT"]) != before
    [done] = shell.json("gpcli outbox list --all")[-1:]
    assert (done["request_id"], done["state"], done["repeat"]) == (
        settled["request_id"],
        "done",
        None,
    )


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("given", ["", " --request-id mine"])
def test_a_repeat_stays_unknown_under_the_same_id_while_it_can_not_look(world, name, given):
    shell, line = prepare(world, name)
    first = cut_off(shell, arrives=True)(f"{line}{given} --json").error
    repeat = f"{line} --request-id {first['request_id']} --json"

    second = offline(shell)(repeat)

    assert (second.code, second.error["code"]) == (10, "outcome_unknown")
    assert second.error["request_id"] == first["request_id"]
    assert given == "" or first["request_id"] == "mine"
    assert second.error["message"].startswith(
        "This request was or may have been sent, and its outcome can't be told."
    )
    assert second.error["trace_id"] != first["request_id"]


class Busy(PlainTransport):
    """A way to a portal that puts off whatever would change something."""

    def __init__(self):
        super().__init__(trust_env=False)

    def handle_request(self, request):
        if is_write(request):
            return httpx.Response(503, headers={"Retry-After": "3"})
        return super().handle_request(request)


@pytest.mark.parametrize("name", [*WRITES, "api"])
def test_a_portal_that_puts_it_off_is_repeated_when_it_says(world, name):
    shell, line = (
        prepare(world, name) if name in WRITES else (world.shell("ada"), f"gpcli {API} --yes")
    )
    ending = replace(shell, transport=Busy(), sleep=at_once)(f"{line} --json")
    assert (ending.code, ending.error["retry_after"]) == (10, 3.0)


def test_a_first_try_that_never_left_is_no_unknown_outcome(world):
    ada = world.shell("ada")
    ending = offline(ada)("gpcli contact --subject Ramp --message Hei --yes --request-id r --json")
    error = ending.error
    assert (ending.code, error["code"], error["request_id"]) == (6, "unreachable", None)
    assert ada.json("gpcli outbox list --all") == []


@pytest.mark.parametrize("name", WRITES)
def test_a_repeat_that_finds_it_done_settles_it(world, name):
    shell, line = prepare(world, name)
    request = cut_off(shell, arrives=True)(f"{line} --json").error["request_id"]

    assert shell(f"{line} --request-id {request}").code == 0

    assert shell.json("gpcli outbox list") == []
    assert [each["state"] for each in shell.json("gpcli outbox list --all")][-1] == "done"


@pytest.mark.parametrize("name", ["contact", "book", "cancel", "rx renew"])
def test_reading_what_it_made_settles_it(world, name):
    shell, line = prepare(world, name)
    cut_off(shell, arrives=True)(line)

    for read in ("messages list", "appointments list", "rx requests"):
        shell.json(f"gpcli {read}")

    assert shell.json("gpcli outbox list") == []
    assert [each["state"] for each in shell.json("gpcli outbox list --all")] == ["done"]


def test_any_command_tells_once_that_something_has_no_known_outcome(world):
    ada = world.shell("ada")
    assert (
        cut_off(ada, arrives=False)("gpcli contact --subject Ramp --message Hei --yes").code == 10
    )
    told = "1 request is unsettled: gpcli outbox list shows what was sent."

    for line, code in (("gp", 0), ("profile list", 0), ("appointments show no", 3)):
        ending = ada(f"gpcli {line}")
        assert (ending.code, ending.err.count(told)) == (code, 1), line
        [notice] = [
            each["notice"]
            for each in ada(f"gpcli {line} --json").stderr_json
            if "unsettled" in each.get("notice", {})
        ]
        assert notice == {"message": told, "unsettled": 1}
    assert told not in ada("gpcli outbox list").err
    assert list(ada("gpcli appointments show no --json").stderr_json[-1]) == ["error"]


def test_who_can_not_reach_the_portal_reads_what_needs_no_portal(world, ada):
    ada_there = offline(ada)
    assert cut_off(ada, arrives=True)("gpcli contact --subject Ramp --message Hei --yes").code == 10
    [sent] = ada_there.json("gpcli outbox list")

    for line in ("outbox list --all", f"outbox show {sent['request_id'][:8]}", "profile list"):
        assert ada_there(f"gpcli {line}").code == 0, line
    for line in ("profile show", "whoami --all", "sandbox people"):
        assert ada_there(f"gpcli {line}").code == 0, line
    settling = ada_there("gpcli outbox settle --json")
    assert (settling.code, settling.error["code"]) == (10, "outcome_unknown")
    assert "can't be reached" in settling.error["message"]


def test_the_request_says_what_it_was_and_how_it_is_finished(world):
    ada = world.shell("ada")
    cut_off(ada, arrives=False)("gpcli contact --subject Ramp --message Where? --yes")
    sent = ada.json("gpcli outbox list")[0]

    shown = ada(f"gpcli outbox show {sent['request_id'][:4]}")

    line = f"gpcli contact --subject Ramp --message Where? --yes --request-id {sent['request_id']}"
    assert sent["repeat"] == shlex.join(shlex.split(line))
    assert shown.out.splitlines()[-3:] == ["--", "thread\t\tunknown", "message\t\tunknown"]
    assert shown.err == f"To finish it: {sent['repeat']}\n"


@pytest.mark.parametrize("name", WRITES)
def test_a_request_is_not_finished_for_somebody_else(world, name):
    shell, line = prepare(world, name)
    cut_off(shell, arrives=False)(line)
    [sent] = shell.json("gpcli outbox list")
    before = {person: snapshot(world, person) for person in ("bo", "finn")}
    for person in before:
        ended = world.shell(person)(f"{line} --request-id {sent['request_id']}")
        assert ended.code != 0
    assert {person: snapshot(world, person) for person in before} == before
    assert shell.json("gpcli outbox list") == [sent]


def test_who_repeats_a_request_of_somebody_else_is_told(world):
    ada, line = prepare(world, "contact")
    cut_off(ada, arrives=False)(line)
    [sent] = ada.json("gpcli outbox list")
    for options in ("", " --dry-run"):
        ended = world.shell("bo")(f"{line} --request-id {sent['request_id']}{options} --json")
        assert (ended.code, ended.error["code"]) == (7, "conflict")
        assert "for another person" in ended.error["message"]


def test_the_line_that_finishes_a_request_names_whose_it_is_where_several_sign_in(shell, live):
    shell.json(f"gpcli login {live.fhir_base} --hint guro")
    line = "gpcli contact --subject Ramp --message Where? --yes"
    cut_off(shell, arrives=False)(line)

    def repeat():
        return shell.json("gpcli outbox list")[0]["repeat"]

    alone = repeat()
    shell.json("gpcli login --hint ada")
    assert "--as" not in alone
    assert repeat().startswith(alone.partition(" --request-id")[0] + " --as guro --request-id")
    shell.json(f"gpcli login {live.fhir_base} --hint bo --profile other")
    assert " --profile " in repeat()

    finished = shell.json(f"{repeat()} --json")

    assert finished["patient"]["id"] == "guro"
    assert shell.json("gpcli outbox list") == []


@pytest.mark.parametrize("arrives", [True, False])
def test_a_thread_that_was_cut_in_half_is_listed_until_it_is_whole(world, arrives, monkeypatch):
    """At a portal without transactions, where the second of two requests is cut off."""
    ada = world.shell("ada")
    line = "gpcli contact --subject Ramp --message Where? --yes"

    class CutOffSecond(CutOff):
        writes = 0

        def handle_request(self, request):
            if not is_write(request):
                response = super().handle_request(request)
                return without_transactions(request, response)
            self.writes += 1
            if self.writes == 1:
                return PlainTransport.handle_request(self, request)
            return super().handle_request(request)

    ending = replace(ada, transport=CutOffSecond(arrives=arrives), sleep=at_once)(f"{line} --json")

    assert ending.code == 10
    [listed] = ada.json("gpcli outbox list")
    assert [part["state"] for part in listed["parts"]] == ["unknown", "done"]
    [settled] = later(ada, 11).json("gpcli outbox settle")
    assert settled["state"] == ("done" if arrives else "partly_done")
    assert settled["needs_settling"] is not arrives
    if not arrives:
        assert "1 request is unsettled" in ada("gpcli gp").err
        again = ada.json(f"{line} --request-id {settled['request_id']}")
        assert again["changed"]
    assert ada.json("gpcli outbox list") == []


def without_transactions(request, response):
    """The portal's description, without transactions and what it keeps in a cache."""
    if not request.url.path.endswith("/metadata"):
        return response
    body = json.loads(response.read())
    body["rest"][0]["interaction"] = [{"code": "batch"}]
    return httpx.Response(200, json=body)


@pytest.mark.parametrize(("flag", "state"), [("--done", "done"), ("--not-done", "not_done")])
def test_a_person_can_tell_what_became_of_it(world, flag, state):
    ada = world.shell("ada")
    cut_off(ada, arrives=False)("gpcli contact --subject Ramp --message Hei --yes")
    request = ada.json("gpcli outbox list")[0]["request_id"]

    [told] = offline(ada).json(f"gpcli outbox settle {request} {flag}")

    assert (told["state"], told["needs_settling"]) == (state, False)
    again = ada(f"gpcli outbox settle {request} {flag} --json")
    words = state.replace("_", " ")
    assert again.refused == (7, "conflict", "")
    assert again.error["message"] == f"{request} is settled: {words}."


GIVEN = {
    "api": API,
    "contact": WRITES["contact"],
    "rx renew": "rx renew --low",
}


@pytest.mark.parametrize("name", GIVEN)
def test_an_id_of_ones_own_is_named_and_found_as_it_was_given(world, name):
    ada = world.shell("ada")
    line = f"gpcli {GIVEN[name]} --yes --request-id ramp-1"
    error = cut_off(ada, arrives=False)(f"{line} --json").error
    [listed] = ada.json("gpcli outbox list")

    shown = ada.json("gpcli outbox show ramp-1")
    asked = offline(ada)("gpcli outbox settle ramp-1")
    [told] = ada.json("gpcli outbox settle ramp-1 --not-done")

    assert (error["request_id"], listed["request_id"] in error["hint"]) == ("ramp-1", False)
    assert shown == listed
    assert (listed["own_id"], told["state"]) == ("ramp-1", "not_done")
    assert "Request id: ramp-1" in asked.err


def test_an_id_of_ones_own_is_found_after_its_line_is_forgotten(world, shell, live):
    cut_off(world.shell("ada"), arrives=True)(f"gpcli {WRITES['contact']} --yes --request-id r-1")
    world.shell("ada")("gpcli outbox settle r-1 --done")
    shell(f"gpcli login {live.fhir_base} --hint guro")
    shell(f"gpcli {WRITES['contact']} --yes --request-id g-1")

    settled = world.shell("ada").json("gpcli outbox show r-1")

    assert (settled["state"], settled["own_id"]) == ("done", None)
    assert shell.json("gpcli outbox show g-1")["patient"] == "Guro Hagen"
    assert shell("gpcli outbox show r-1 --json").refused == (3, "not_found", "")


def test_an_id_that_was_given_to_several_commands_is_refused(world):
    ada = world.shell("ada")
    for line in (GIVEN["api"], WRITES["contact"]):
        cut_off(ada, arrives=False)(f"gpcli {line} --yes --request-id ramp-1")
    ending = ada("gpcli outbox settle ramp-1 --done --json")
    assert ending.refused == (2, "usage", "")
    assert "Several requests have the id 'ramp-1'" in ending.error["message"]


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("show nothing", 3, "There is no request 'nothing' in the outbox."),
        ("settle nothing", 3, "There is no request 'nothing' in the outbox."),
        ("show ''", 3, "There is no request '' in the outbox."),
        ("settle --done", 2, "--done and --not-done need the ID of a request."),
        ("settle x --done --not-done", 2, "--done and --not-done can't be used together."),
        ("list --yes", 2, "--yes is for commands that send something; gpcli outbox list does not."),
    ],
)
def test_a_wrong_line_is_refused(world, line, code, message):
    ending = world.shell("ada")(f"gpcli outbox {line} --json")
    assert (ending.code, ending.error["message"], ending.out) == (code, message, "")


def test_a_beginning_that_several_ids_share_is_refused(world):
    ada = world.shell("ada")
    for subject in ("Ramp", "Lift"):
        mine = f"7d1f0000-0000-4000-8000-0000{len(subject):04}{ord(subject[0]):04}"
        cut_off(ada, arrives=True)(
            f"gpcli contact --subject {subject} --message Hei --yes --request-id {mine}"
        )
    ending = ada("gpcli outbox show 7d1f --json")
    assert ending.refused == (2, "usage", "")
    assert ending.error["message"] == "Several requests have an id that begins with '7d1f'."


def test_the_requests_of_several_people_are_settled_together(shell, live):
    for person in ("ada", "guro"):
        assert shell(f"gpcli login {live.fhir_base} --hint {person}").code == 0
        line = f"gpcli contact --subject Ramp --message Hei --yes --as {person}"
        assert cut_off(shell, arrives=True)(line).code == 10

    settled = shell.json("gpcli outbox settle")

    names = [each["patient"].partition(" ")[0] for each in settled]
    assert (names, {each["state"] for each in settled}) == (["Ada", "Guro"], {"done"})


def test_what_a_person_sent_who_has_signed_out_is_said_to_be_theirs(shell, live):
    assert shell(f"gpcli login {live.fhir_base} --hint ada").code == 0
    cut_off(shell, arrives=True)("gpcli contact --subject Ramp --message Hei --yes")
    assert shell("gpcli logout").code == 0

    ending = shell("gpcli outbox settle --json")

    assert (ending.code, ending.error["code"]) == (10, "outcome_unknown")
    assert "is not signed in at" in ending.error["message"]
    assert "gpcli login signs in" in ending.error["hint"]


def test_what_was_sent_with_other_variables_is_said_to_be_so(world):
    cut_off(world.shell("ada"), arrives=True)("gpcli contact --subject Ramp --message Hei --yes")

    for other in (world.shell("bo"), world.shell("ada").without("GPCLI_PORTAL")):
        ending = other("gpcli outbox settle --json")
        assert (ending.code, ending.error["code"]) == (10, "outcome_unknown")
        assert "with other variables than these" in ending.error["message"]


def test_a_profile_that_is_named_has_its_own_requests(world):
    ada = world.shell("ada")
    cut_off(ada, arrives=True)("gpcli contact --subject Ramp --message Hei --yes")

    assert len(ada.json("gpcli outbox list --profile environment")) == 1
    assert ada.json("gpcli outbox list --profile other") == []
    assert ada.json("gpcli outbox settle --profile other") == []


def test_a_line_is_kept_for_its_owner_alone_and_only_until_its_outcome_is_known(world):
    ada = world.shell("ada")
    cut_off(ada, arrives=True)("gpcli contact --subject Ramp --message Hei --yes")
    [kept] = world.home.glob("state/outbox/*")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700

    ada("gpcli outbox settle")
    ada("gpcli gp")

    assert [*world.home.glob("state/outbox/*")] == []
    assert b"Ramp" not in (world.home / "state/journal.jsonl").read_bytes()


def test_a_line_that_is_of_no_use_any_more_is_forgotten(world):
    ada = world.shell("ada")
    cut_off(ada, arrives=False)("gpcli contact --subject Ramp --message Hei --yes")
    [kept] = world.home.glob("state/outbox/*")
    content = json.loads(kept.read_text())
    kept.write_text(json.dumps(content | {"at": content["at"] - 31 * 24 * 3600}))

    assert "1 request is unsettled" in ada("gpcli gp").err

    assert [*world.home.glob("state/outbox/*")] == []
    assert ada.json("gpcli outbox list")[0]["repeat"] is None


@pytest.mark.parametrize("name", ["outbox", "drafts"])
def test_what_was_half_written_of_a_line_or_a_text_is_deleted_an_hour_later(world, name):
    directory = world.home / "state" / name
    directory.mkdir(mode=0o700, parents=True)
    old, new = (directory / f".gpcli-{letter * 16}.part" for letter in "ab")
    for each in (old, new):
        each.write_text("It itches.")
    hour_ago = time.time() - 3601
    os.utime(old, (hour_ago, hour_ago))
    world.shell("ada")("gpcli gp")
    assert [*directory.iterdir()] == [new]


@pytest.mark.parametrize("ends", ["gpcli book --first --another --yes --gp Nobody", "gpcli gp"])
def test_what_was_never_sent_leaves_nothing(world, ends):
    ada = world.shell("ada")
    ada(ends)
    assert [*world.home.glob("state/outbox/*")] == []
    assert ada.json("gpcli outbox list --all") == []


@pytest.mark.real
@pytest.mark.parametrize(("arrives", "code", "state"), [(True, 0, "done"), (False, 10, "unknown")])
def test_a_message_whose_sender_is_killed_is_found_and_settled_by_another_process(
    live, tmp_path, arrives, code, state
):
    """A real process, killed while its write is at the portal and before the answer comes."""
    env = as_person(live, tmp_path, "ada")
    line = ("contact", "--subject", "Ramp", "--message", "Where?", "--yes")
    live.add_fault("POST Communication: slow-drip=1")
    if not arrives:
        live.add_fault("POST Communication: unsaved")
    process = start_gpcli(*line, env=env)
    try:
        wait_until(lambda: live.faults[0].used, "nothing was sent")
        process.kill()
    finally:
        killed = wait_for_end(process)
    live.clear_faults()

    def made():
        found = live.store.find("Communication", patient="Patient/ada")
        return [each for each in found if each.get("topic", {}).get("text") == "Ramp"]

    listed = gpcli("outbox", "list", "--json", env=env)
    assert (killed.code, len(made())) == (-9, arrives)
    [request] = listed.json
    assert (request["command"], request["state"]) == ("contact", "unknown")
    settled = gpcli("outbox", "settle", "--json", env=env)
    assert settled.code == code
    assert gpcli("outbox", "list", "--all", "--json", env=env).json[0]["state"] == state
    again = gpcli(*line, "--json", "--request-id", request["request_id"], env=env)
    assert (again.code, len(made())) == (0, 1)
