"""`gpcli api`: one request in the person's own words, and the portal's answer as it is."""

from __future__ import annotations

import io
import json
import shlex
from dataclasses import replace

import httpx
import pexpect
import pytest

from tests.hostile_text import find_raw_controls
from tests.journeys.process import PYTHON, as_person, shell
from tests.journeys.shell import at_once, without_plan
from tests.journeys.test_outbox import cut_off, later
from tests.journeys.test_processes import code_of, typing
from tests.loopback import PlainTransport

FHIR = {"Content-Type": "application/fhir+json"}
THREAD = "t-9rcz8zjj"
"""A thread of Ada's with her doctor."""


def a_message(text="Is there a ramp?"):
    """A message in Ada's thread, as the portal takes it."""
    return {
        "resourceType": "Communication",
        "status": "completed",
        "subject": {"reference": "Patient/ada"},
        "sender": {"reference": "Patient/ada"},
        "recipient": [{"reference": "PractitionerRole/gp-haugland"}],
        "category": [{"coding": [{"system": "urn:gpcli:thread", "code": "e-consultation"}]}],
        "partOf": [{"reference": f"Communication/{THREAD}"}],
        "payload": [{"contentString": text}],
    }


def messages_with(world, text):
    """What the portal has of a text."""
    found = world.sandbox.store.find("Communication", patient="Patient/ada")
    return [each for each in found if each.get("payload") == [{"contentString": text}]]


@pytest.fixture
def ada(world):
    return world.shell("ada")


@pytest.fixture
def message_file(world):
    """A message that is laid out by hand."""
    path = world.home / "message.json"
    path.write_text(json.dumps(a_message(), indent=3))
    return path


@pytest.mark.parametrize(
    "line",
    ["Patient/ada", "GET Patient/ada", "get Patient/ada", "/Patient/ada", "-X get Patient/ada"],
)
def test_a_record_comes_however_it_is_asked_for(ada, line):
    ending = ada(f"gpcli api {line}")
    assert (ending.code, ending.json["id"], ending.err) == (0, "ada", "")


def test_a_url_of_the_portal_itself_is_taken(ada):
    ending = ada(f"gpcli api {ada.env['GPCLI_PORTAL']}/Patient/ada")
    assert (ending.code, ending.json["id"]) == (0, "ada")


def test_the_portals_description_needs_no_patient(ada):
    ending = ada.without("GPCLI_PATIENT", "GPCLI_FHIR_USER")("gpcli api metadata")
    assert (ending.code, ending.json["fhirVersion"]) == (0, "4.0.1")


def test_fields_are_parameters_of_a_search(ada):
    found = ada("gpcli api Appointment -f status=booked -f _count=50").json
    by_post = ada("gpcli api POST Appointment/_search -f status=booked -f _count=50").json
    assert {each["resource"]["status"] for each in found["entry"]} == {"booked"}
    assert [each["fullUrl"] for each in by_post["entry"]] == [
        each["fullUrl"] for each in found["entry"]
    ]


def test_an_identity_number_is_sought_by_post_from_standard_input(world, ada):
    [number] = [each["value"] for each in world.sandbox.store.get("Patient", "ada")["identifier"]]
    refused = ada(f"gpcli api Patient?identifier={number} --json")
    found = replace(ada, typing=f"identifier={number}\n")(
        "gpcli api POST Patient/_search --input -"
    )
    assert (refused.refused, number in refused.err) == ((2, "usage", ""), False)
    assert (found.code, found.json["total"]) == (0, 1)


def test_all_pages_are_one_array(ada):
    one = ada("gpcli api Slot -f _count=50").json
    pages = ada("gpcli api Slot -f _count=50 --paginate").json
    assert pages[0]["entry"] == one["entry"]
    found = [each["fullUrl"] for page in pages for each in page["entry"]]
    assert (len(found), len(pages) > 1) == (one["total"], True)
    assert len(set(found)) == one["total"]


def test_with_ndjson_each_page_is_a_line(ada):
    pages = ada("gpcli api Slot -f _count=50 --paginate").json
    lines = ada("gpcli api Slot -f _count=50 --paginate --ndjson").out.splitlines()
    assert [json.loads(line)["entry"] for line in lines] == [page["entry"] for page in pages]


@pytest.mark.parametrize(
    ("line", "code", "word"),
    [
        ("Patient/nope", 3, "not_found"),
        ("Appointment?date=never", 7, "rejected"),
        ("-X PUT Patient/ada -f resourceType=Patient -f id=ada --yes", 7, "rejected"),
    ],
)
def test_a_refusal_is_on_stdout_and_what_it_means_on_stderr(ada, line, code, word):
    ending = ada(f"gpcli api {line} --json")
    assert (ending.code, ending.error["code"]) == (code, word)
    assert ending.json["resourceType"] == "OperationOutcome"
    assert ending.json["issue"][0]["details"]["text"] in ending.error["message"]
    assert ending.error["trace_id"]


def test_a_token_that_has_ended_is_a_refusal_like_any(ada):
    ending = ada.with_env(GPCLI_TOKEN="ended")("gpcli api Patient/ada --json")
    assert (ending.code, ending.error["code"], ending.error["hint"]) == (
        4,
        "expired",
        "Set a token of this portal that has not ended.",
    )
    assert ending.json["resourceType"] == "OperationOutcome"


def test_status_and_headers_come_before_the_body(ada):
    ending = ada("gpcli api -i Patient/ada -H 'X-Request-ID: mine-1'")
    head, _, body = ending.out.partition("\n\n")
    assert head.startswith("HTTP/1.1 200 OK\n")
    assert "X-Request-Id: mine-1" in head.splitlines()
    assert json.loads(body)["id"] == "ada"


def test_a_head_has_no_body(ada):
    assert ada("gpcli api HEAD Patient/ada").out == ""
    assert ada("gpcli api HEAD Patient/ada -i").out.startswith("HTTP/1.1 200 OK\n")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "GET",
        "''",
        "TRACE Patient/ada",
        "-X TRACE Patient/ada",
        "get",
        "GET Patient/ada -X GET",
        "https://evil.example/Patient",
        "http://127.0.0.1:9/fhir/R4/Patient",
        "//evil.example/Patient",
        "Patient/../../admin",
        "Patient/%2e%2e/%2e%2e/%2e%2e/admin",
        "file:///etc/passwd",
        "Patient -f nope",
        "Patient -H 'Authorization: Bearer x'",
        "Patient -H nope",
        "Patient --input {home}/message.json",
        "Patient --plain",
        "Patient --fields id",
        "Patient --gp haugland",
        "Patient --jq .id",
        "Patient -q .id",
        "POST Task -F priority=1 --yes",
        "Patient --paginate -H 'If-None-Match: W/\"1\"'",
        "Patient --yes",
        "Patient --dry-run",
        "Patient --request-id r-1",
        "POST Patient/_search --yes",
        "HEAD Patient --paginate",
        "POST Communication --input {home}/message.json --paginate --yes",
        "Slot --paginate -i",
        "Patient/ada --paginate",
        "POST Communication --input {home}/message.json --accept-fee any --yes",
        "POST Communication --input {home}/message.json -f a=b --yes",
        "POST Communication -f a=b -f a=c --yes",
        "POST Communication --input {home} --yes",
        "POST Communication --input {home}/bytes --yes",
        "POST Communication --input {home}/bad.json --yes",
        "POST Communication --input '' --yes",
        "PUT Communication/t-1 --yes",
        "PATCH Communication/t-1 -f a=b --yes",
        "DELETE Communication/t-1 --input {home}/message.json --yes",
    ],
)
def test_a_wrong_line_is_refused_with_nothing_on_stdout(world, ada, message_file, line):
    (world.home / "bytes").write_bytes(b"\x89PNG\x00")
    (world.home / "bad.json").write_text('{"a": 1, "a": 2}')
    ending = ada(f"gpcli api {line.format(home=world.home)} --json")
    assert (ending.code, ending.out) == (2, "")
    assert messages_with(world, "Is there a ramp?") == []


def test_a_file_that_is_not_there_is_not_found(ada):
    ending = ada("gpcli api POST Communication --input nope.json --yes --json")
    assert ending.refused == (3, "not_found", "")


class Recording(httpx.BaseTransport):
    """A portal that sends whoever asks on to another address, and what it was asked."""

    def __init__(self, **answer):
        self.asked = []
        self._answer = answer

    def handle_request(self, request):
        self.asked.append(request)
        return httpx.Response(**{"status_code": 200, **self._answer})


EVIL = "https://evil.example/fhir/R4/Slot?page=2"
NEXT = {"resourceType": "Bundle", "link": [{"relation": "next", "url": EVIL}]}


@pytest.mark.parametrize(
    ("line", "answer", "code"),
    [
        (EVIL, {}, 2),
        ("Slot --paginate", {"json": NEXT, "headers": FHIR}, 1),
        ("Slot", {"status_code": 302, "headers": {"Location": EVIL}}, 1),
        ("POST Slot --yes", {"status_code": 307, "headers": {"Location": EVIL}}, 1),
    ],
)
def test_no_token_leaves_for_another_origin(ada, line, answer, code):
    portal = Recording(**answer)
    ending = replace(ada, transport=portal)(f"gpcli api {line} --json")
    assert ending.code == code
    assert {each.url.host for each in portal.asked} <= {"127.0.0.1"}


def test_a_portal_that_shows_the_token_does_not_get_it_shown(ada):
    token = ada.env["GPCLI_TOKEN"]
    portal = Recording(json={"got": f"Bearer {token}"}, headers={**FHIR, "X-Got": token})
    ending = replace(ada, transport=portal)("gpcli api Patient/ada -i --debug")
    assert ending.code == 0
    assert "[token]" in ending.out
    assert token not in ending.out + ending.err


@pytest.mark.parametrize("line", ["Patient/ada", "DELETE Task/t-1 --yes"])
def test_production_is_guarded_as_everywhere(ada, line):
    guarded = ada.with_env(GPCLI_ENVIRONMENT="production", CI="true")
    portal = Recording()
    ending = replace(guarded, transport=portal)(f"gpcli api {line} --json")
    assert (ending.refused, portal.asked) == ((5, "production_guard", ""), [])


def test_a_write_is_sent_as_it_was_written_once_somebody_agreed(world, ada, message_file):
    line = f"gpcli api POST Communication --input {message_file}"
    unasked = ada(f"{line} --json")
    dry = ada(f"{line} --dry-run")
    before = messages_with(world, "Is there a ramp?")
    ending = ada(f"{line} --yes --json")
    assert unasked.refused == (9, "confirmation_needed", "")
    assert (dry.code, dry.out, without_plan(dry.err).splitlines()[-1]) == (
        0,
        "",
        "Nothing was sent: this was a dry run.",
    )
    assert before == []
    assert (ending.code, ending.json["id"]) == (
        0,
        messages_with(world, "Is there a ramp?")[0]["id"],
    )
    assert ending.stderr_json[-1]["notice"]["message"] == "The portal answered 201 Created."


def test_the_plan_says_what_is_sent_where_and_for_whom(world, message_file):
    guro = world.shell("guro", "emil")
    ending = guro(
        f"gpcli api POST Communication --input {message_file} -H 'Prefer: a' --dry-run --json"
    )
    plan = ending.stderr_json[0]["plan"]
    size = message_file.stat().st_size
    assert (plan["action"], plan["environment"]) == ("Send this request", "sandbox")
    assert [(row["label"], row["value"]) for row in plan["rows"]] == [
        ("Request", "POST Communication"),
        ("Header", "Prefer: a"),
        ("Body", f"{size} bytes, application/fhir+json"),
        ("For", "Emil Hagen"),
        ("By", "Guro Hagen"),
    ]


def test_a_person_agrees_at_a_terminal(world, ada, message_file):
    line = f"gpcli api POST Communication --input {message_file}"
    declined = ada.at_a_screen("n\n")(line)
    agreed = ada.at_a_screen("y\n")(line)
    assert (declined.code, agreed.code) == (9, 0)
    assert "Send this request? [y/N]" in declined.err
    assert len(messages_with(world, "Is there a ramp?")) == 1


def test_a_repeat_with_its_request_id_sends_nothing_twice(world, ada, message_file):
    line = f"gpcli api POST Communication --input {message_file} --yes --request-id ramp-1"
    first, again = ada(line), ada(f"{line} --json")
    assert (first.code, again.code, again.json) == (0, 0, first.json)
    assert again.stderr_json[-1]["notice"]["message"] == (
        "It was sent before; nothing was sent now. "
        f"Here is Communication/{first.json['id']} as it is now."
    )
    other = ada("gpcli api POST Task -f resourceType=Task --yes --request-id ramp-1 --json")
    assert other.refused == (7, "conflict", "")
    assert len(messages_with(world, "Is there a ramp?")) == 1


def test_a_corrected_body_may_have_the_request_id_of_a_refused_one(world, ada, message_file):
    line = "gpcli api POST Communication --yes --request-id ramp-1"
    refused = ada(f"{line} -f resourceType=Communication")
    ending = ada(f"{line} --input {message_file}")
    assert (refused.code, ending.code) == (7, 0)
    assert len(messages_with(world, "Is there a ramp?")) == 1


@pytest.mark.parametrize("arrives", [True, False])
def test_after_a_lost_answer_a_person_settles_it(world, ada, message_file, arrives):
    line = f"gpcli api POST Communication --input {message_file} --yes"
    lost = cut_off(ada, arrives=arrives)(f"{line} --json")
    request_id = lost.error["request_id"]
    assert (lost.code, lost.error["code"], lost.out) == (10, "outcome_unknown", "")

    hour = later(ada, 60)
    [listed] = hour.json("gpcli outbox list")
    asked = hour("gpcli outbox settle --json")
    again = hour(f"{line} --request-id {request_id} --json")
    assert (listed["request_id"], listed["command"], listed["state"]) == (
        request_id,
        "api",
        "unknown",
    )
    assert (listed["can_be_found"], listed["repeat"].endswith(request_id)) == (False, True)
    assert (asked.code, "look there yourself" in asked.error["message"]) == (10, True)
    assert again.refused == (10, "outcome_unknown", "")

    told = "--done" if arrives else "--not-done"
    assert hour(f"gpcli outbox settle {request_id} {told}").code == 0
    assert hour(shlex.split(listed["repeat"].rpartition("&& ")[2])).code == 0
    assert len(messages_with(world, "Is there a ramp?")) == 1
    assert hour.json("gpcli outbox list") == []


def test_the_outbox_says_that_a_person_has_to_look(ada, message_file):
    lost = cut_off(ada, arrives=True)(f"gpcli api POST Task --input {message_file} --yes --json")
    shown = ada(f"gpcli outbox show {lost.error['request_id']}")
    assert "gpcli can't ask the portal for it: look there" in shown.err
    assert "To finish it" not in shown.err


def test_what_was_sent_without_a_network_is_not_open(ada, message_file):
    class Away(httpx.BaseTransport):
        def handle_request(self, request):
            raise httpx.ConnectError("no network")

    away = replace(ada, transport=Away(), sleep=at_once)
    ending = away(f"gpcli api POST Task --input {message_file} --yes --json")
    assert (ending.code, ending.error["code"]) == (6, "unreachable")
    assert ada.json("gpcli outbox list") == []


def test_a_fault_of_the_portal_after_a_write_is_shown_and_leaves_it_open(ada, message_file):
    class Broken(PlainTransport):
        def handle_request(self, request):
            if request.method == "POST":
                return httpx.Response(500, content=b"oops", headers={"Content-Type": "text/plain"})
            return super().handle_request(request)

    broken = replace(ada, transport=Broken(trust_env=False))
    ending = broken(f"gpcli api POST Task --input {message_file} --yes --json")
    assert (ending.code, ending.error["code"], ending.out) == (10, "outcome_unknown", "oops")
    assert [each["state"] for each in ada.json("gpcli outbox list")] == ["unknown"]


def test_an_answer_that_meets_a_full_disk_was_sent_all_the_same(world, ada, message_file):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    line = f"gpcli api POST Communication --input {message_file} --yes --json"
    ending = replace(ada, stdout=Full())(line)
    assert (ending.code, ending.error["message"].startswith("It was sent, but")) == (1, True)
    assert len(messages_with(world, "Is there a ramp?")) == 1


def test_a_read_tells_in_debug_no_id_and_no_parameter(ada):
    ending = ada("gpcli api Appointment?status=booked --debug")
    assert "GET /Appointment 200" in ending.err
    assert "booked" not in ending.err


@pytest.mark.real
def test_into_a_pipe_goes_the_body_byte_for_byte(live, tmp_path):
    env = as_person(live, tmp_path, "ada")
    curl = 'curl -s -H "Authorization: Bearer $GPCLI_TOKEN" "$GPCLI_PORTAL/Patient/ada"'
    ours = shell(f"{PYTHON} api Patient/ada | sha256sum", env)
    assert ours.out == shell(f"{curl} | sha256sum", env).out


@pytest.mark.real
def test_a_message_comes_through_a_pipe_and_a_reader_may_stop(live, tmp_path):
    env = as_person(live, tmp_path, "ada")
    (tmp_path / "m.json").write_text(json.dumps(a_message("Through a pipe")))
    sent = shell(f"cat m.json | {PYTHON} api POST Communication --input - --yes", env)
    stopped = shell(f"{PYTHON} api Slot --paginate | head -c 1; exit ${{PIPESTATUS[0]}}", env)
    assert (sent.code, json.loads(sent.out)["payload"]) == (
        0,
        a_message("Through a pipe")["payload"],
    )
    assert (stopped.code in {0, 141}, stopped.out, stopped.err) == (True, "[", "")


@pytest.mark.real
def test_four_with_one_request_id_send_one_message(live, tmp_path):
    env = as_person(live, tmp_path, "ada")
    (tmp_path / "m.json").write_text(json.dumps(a_message("At once")))
    line = f"{PYTHON} api POST Communication --input m.json --yes --request-id same"
    shell(" & ".join([line] * 4) + " & wait", env)
    found = live.store.find("Communication", patient="Patient/ada")
    assert [each.get("payload") for each in found].count(a_message("At once")["payload"]) == 1


HOSTILE = "\x1b[2J\x1b]52;c;ZXZpbA==\x07\x9b31m\u202etxet\u2066\U000e0041"


@pytest.mark.real
def test_a_terminal_gets_json_laid_out_and_nothing_that_controls_it(live, tmp_path):
    ada = live.store.get("Patient", "ada")
    live.store.put({**ada, "name": [{"text": HOSTILE}]})
    env = as_person(live, tmp_path, "ada", NO_COLOR="1")
    screen = typing(["api", "Patient/ada"], env)
    shown = screen.read()
    assert code_of(screen) == 0
    assert '\r\n  "resourceType": "Patient",\r\n' in shown
    assert find_raw_controls(shown.replace("\r\n", "\n")) == []
    assert json.loads(shown)["name"] == [{"text": HOSTILE}]


@pytest.mark.real
def test_a_person_with_data_on_standard_input_agrees_at_the_terminal(live, tmp_path):
    env = as_person(live, tmp_path, "ada")
    (tmp_path / "m.json").write_text(json.dumps(a_message("Typed")))
    line = f"{PYTHON} api POST Communication --input - < m.json"
    person = pexpect.spawn("bash", ["-c", line], env=env, cwd=env["HOME"], timeout=20)
    person.expect(r"Send this request\? \[y/N\] ")
    person.sendline("y")
    person.expect("The portal answered 201 Created")
    assert code_of(person) == 0


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "What the portal answered then is not kept."),
        (404, "Task/t-1 can't be read: The portal has no such record. gpcli api Task/t-1 tries"),
        (503, "Task/t-1 can't be read: The portal has a fault. gpcli api Task/t-1 tries again."),
    ],
)
def test_a_repeat_says_so_where_it_has_nothing_to_show(ada, answer, words):
    class Answering(PlainTransport):
        def handle_request(self, request):
            if "/Task" not in request.url.path:
                return super().handle_request(request)
            if request.method == "GET":
                return httpx.Response(answer)
            place = {"Location": "Task/t-1/_history/1"} if answer else {}
            return httpx.Response(201, headers=place)

    shell = replace(ada, transport=Answering(trust_env=False), sleep=at_once)
    line = "gpcli api POST Task -f resourceType=Task --yes --request-id r-1 --json"
    shell(line)
    again = shell(line)
    assert (again.code, again.out) == (0, "")
    assert words in again.stderr_json[-1]["notice"]["message"]


def test_what_is_not_modified_has_no_body(ada):
    version = ada("gpcli api Patient/ada").json["meta"]["versionId"]
    line = f"gpcli api Patient/ada -H 'If-None-Match: W/\"{version}\"'"
    plain, with_head = ada(f"{line} --json"), ada(f"{line} --include")
    assert (plain.code, plain.out, with_head.code) == (0, "", 0)
    assert plain.stderr_json[-1]["notice"]["message"].startswith("Not modified:")
    assert with_head.out.startswith("HTTP/1.1 304 Not Modified\n")


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("Patient/nope", 404),
        ("PUT Patient/ada -f resourceType=Patient -f id=ada --yes", 405),
        ("GET Patient/../x", None),
    ],
)
def test_the_error_has_the_status_of_the_answer(ada, line, status):
    assert ada(f"gpcli api {line} --json").error["http_status"] == status


def test_an_unknown_outcome_has_the_status_too(ada):
    class Broken(PlainTransport):
        def handle_request(self, request):
            if request.method == "POST":
                return httpx.Response(500)
            return super().handle_request(request)

    broken = replace(ada, transport=Broken(trust_env=False))
    ending = broken("gpcli api POST Task -f resourceType=Task --yes --json")
    assert (ending.code, ending.error["http_status"]) == (10, 500)


@pytest.mark.parametrize("option", ["--jq .id", "-q .id", "-F a=1", "--plain", "--gp x"])
def test_who_wants_a_part_of_the_answer_is_told_of_jq(ada, option):
    ending = ada(f"gpcli api Patient/ada {option}")
    assert (ending.code, "| jq .id" in ending.err) == (2, True)


def test_a_path_elsewhere_is_refused_with_the_base(ada):
    ending = ada(f"gpcli api {EVIL} --json")
    assert ending.refused == (2, "usage", "")
    assert f"FHIR base, {ada.env['GPCLI_PORTAL']}. Nothing" in ending.error["message"]
