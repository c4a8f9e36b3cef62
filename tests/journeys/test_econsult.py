"""E-consultations: in writing, by phone, by video; joining and withdrawing."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import datetime, timedelta

import pexpect
import pytest

from tests.journeys.process import PYTHON, as_person
from tests.journeys.shell import CommandResult, without_plan

WRITE = ["gpcli", "econsult", "start", "--via", "text", "--subject", "Rash"]
TIME = "gpcli econsult start --subject Knee --to +7d"
AGREED = "--yes --accept-fee 391"
SAFETY = "Not for emergencies: call 113. If it can't wait and the surgery is closed: call 116 117."
NOT_IN_PERSON = "Only for what needs no examination: you must not need to be seen in person."
FINNS = "a-ft4m6n2w"
"""Finn's video consultation of tomorrow."""
FINNS_CALL = "a-qr8374xt"
"""Finn's consultation by phone, later in the week."""


@pytest.fixture
def slow(world):
    """The surgery takes an hour to answer."""
    world.sandbox.set_delay(timedelta(hours=1))
    return world


def written(world, patient):
    """The patient's messages and their headers at the portal, sent today."""
    found = world.sandbox.store.find("Communication", patient=f"Patient/{patient}")
    return [one for one in found if one.get("identifier") and one["sent"] >= "2027-03-01"]


def rejoiced(ending: CommandResult) -> dict:
    """The answer of a line that succeeded."""
    assert ending.code == 0, ending
    return ending.json


def write(shell, *more, text="It itches."):
    return rejoiced(shell([*WRITE, "--message", text, *AGREED.split(), "--json", *more]))


def test_one_in_writing_makes_a_thread_that_waits_for_its_answer(slow):
    ada = slow.shell("ada")
    ending = ada([*WRITE, "--message", "It itches.", *AGREED.split(), "--json"])
    receipt = rejoiced(ending)
    assert (receipt["status"], receipt["changed"], receipt["kind"], receipt["message_count"]) == (
        "in-progress",
        True,
        "e-consultation",
        1,
    )
    assert len(written(slow, "ada")) == 2
    assert ending.stderr_json[:2] == [
        {"notice": {"message": words}} for words in (SAFETY, NOT_IN_PERSON)
    ]
    assert ending.stderr_json[-1]["notice"]["message"] == (
        "Sent; the surgery has not answered yet. It says: Usually answered within five working "
        f"days. Not for anything urgent. Follow it with gpcli messages show {receipt['id']}."
    )
    slow.sandbox.advance(timedelta(hours=1))
    answered = ada.json(f"gpcli messages show {receipt['id']}")
    assert [one["mine"] for one in answered["messages"]] == [True, False]


@pytest.mark.parametrize(
    "line", [[*WRITE, "--message", "Hei", "--yes"], [*TIME.split(), "--via", "phone", "--yes"]]
)
@pytest.mark.parametrize("accepted", [[], ["--accept-fee", "390.99"]])
def test_yes_alone_or_too_little_does_not_agree_to_the_charge(world, line, accepted):
    ending = world.shell("ada")([*line, *accepted, "--json"])
    assert ending.refused == (9, "fee_not_accepted", "")
    assert ending.error["hint"] == "Agree with --yes --accept-fee 391."
    assert (written(world, "ada"), world.appointments("ada")) == ([], [])


def test_a_price_that_the_portal_does_not_say_needs_any(world):
    world.sandbox.store.delete("ChargeItemDefinition", "price-e-consultation")
    ada = world.shell("ada")
    ending = ada([*WRITE, "--message", "Hei", "--yes", "--accept-fee", "1000", "--json"])
    assert ending.refused == (9, "fee_not_accepted", "")
    assert {"label": "Price", "value": "unknown"} in ending.stderr_json[2]["plan"]["rows"]
    assert write(ada, "--accept-fee", "any")["changed"]


def test_a_rehearsal_shows_the_plan_and_sends_nothing(world):
    ending = world.shell("ada")([*WRITE, "--message", "It itches.", "--dry-run"])
    assert (ending.code, written(world, "ada")) == (0, [])
    assert without_plan(ending.err).splitlines() == [
        SAFETY,
        NOT_IN_PERSON,
        "Start an e-consultation in writing [sandbox]",
        "! An e-consultation costs NOK 0–391.",
        "  Surgery  Dr. Ingrid Haugland, Solbakken legesenter",
        "  For      Ada Solberg",
        "  Subject  Rash",
        "  Message  It itches. (10 characters)",
        "  Answer   Usually answered within five working days. Not for anything urgent.",
        "  Price    NOK 0–391",
        "  Rate     Answered by day, before 16:00: NOK 253 (of which Invoice fee NOK 69)",
        "  Rate     Answered by day, by a specialist in general practice: NOK 317 "
        "(of which Invoice fee NOK 69)",
        "  Rate     Answered in the evening or at the weekend: NOK 391 "
        "(of which Invoice fee NOK 69)",
        "  Rate     Under 16, or with an exemption card: free",
        "Nothing was sent: this was a dry run.",
    ]


def test_what_was_written_is_not_told_beside_the_answer(world):
    ending = world.shell("ada")([*WRITE, "--message", "canary-7", *AGREED.split(), "--debug"])
    assert (ending.code, "canary-7" in ending.err) == (0, False)


def test_the_same_request_again_is_done_once_and_ends_well_both_times(slow):
    ada = slow.shell("ada")
    first, second = (write(ada, "--request-id", "e1") for _ in range(2))
    assert (first["id"], first["changed"], second["id"], second["changed"]) == (
        first["id"],
        True,
        first["id"],
        False,
    )
    assert len(written(slow, "ada")) == 2


def test_the_same_request_id_for_other_words_is_a_conflict(slow):
    ada = slow.shell("ada")
    write(ada, "--request-id", "e1")
    ending = ada([*WRITE, "--message", "Else", *AGREED.split(), "--request-id", "e1", "--json"])
    assert ending.refused == (7, "conflict", "")
    assert len(written(slow, "ada")) == 2


def test_a_rejection_by_the_gp_is_shown_with_its_reason_and_is_no_error(world):
    ada = world.shell("ada")
    ending = ada([*WRITE, "--message", "Please decline.", *AGREED.split(), "--json"])
    receipt = rejoiced(ending)
    assert (receipt["status"], receipt["closed_because"]) == (
        "not-done",
        "This is not suited to an e-consultation. Please book an appointment.",
    )
    assert ending.stderr_json[-1]["notice"]["message"].startswith(
        "The surgery has closed it: This is"
    )
    shown = ada(f"gpcli messages show {receipt['id']}")
    assert (shown.code, "closed_because:\tThis is not suited" in shown.out) == (0, True)


def test_files_arrive_as_they_were_sent(world, tmp_path):
    photo, back = tmp_path / "rash.png", tmp_path / "back"
    photo.write_bytes(bytes(range(256)) * 40)
    back.mkdir()
    ada = world.shell("ada")
    receipt = write(ada, "--attach", str(photo))
    [saved] = ada.json(f"gpcli messages save {receipt['id']} --to {back}")
    assert (saved["size"], (back / "rash.png").read_bytes()) == (10_240, photo.read_bytes())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rash.gif", b"GIF89a", "The surgery does not take rash.gif: it is image/gif."),
        ("rash.png", b"x" * 3_000_001, "rash.png has 3000001 bytes; the surgery takes 3000000."),
    ],
)
def test_a_file_that_the_surgery_does_not_take_is_refused_before_anything_is_sent(
    world, tmp_path, name, content, message
):
    (tmp_path / name).write_bytes(content)
    line = [*WRITE, "--message", "See.", *AGREED.split(), "--attach", str(tmp_path / name)]
    ending = world.shell("ada")([*line, "--json"])
    assert ending.refused == (2, "usage", "")
    assert (ending.error["message"], written(world, "ada")) == (message, [])


def test_a_message_that_is_too_long_is_refused_and_both_lengths_named(world):
    ending = world.shell("ada")([*WRITE, "--message", "x" * 8001, *AGREED.split(), "--json"])
    assert ending.refused == (2, "usage", "")
    assert ending.error["message"] == "The message has 8001 characters; the surgery takes 8000."
    assert written(world, "ada") == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("gpcli econsult start --yes", "input_needed"),
        ("gpcli econsult start --via text --yes --subject a", "input_needed"),
        ("gpcli econsult start --via text --yes --message a", "input_needed"),
        ("gpcli econsult start --via phone --yes", "input_needed"),
        ("gpcli econsult start --via fax --yes --subject a --message b", "usage"),
        ("gpcli econsult start --via text --yes --subject '' --message b", "usage"),
        ("gpcli econsult start --via text --yes --subject a --message ''", "usage"),
        ("gpcli econsult start --via text --yes --subject a --message b --to +7d", "usage"),
        ("gpcli econsult start --via phone --yes --subject a --attach /dev/null", "usage"),
        ("gpcli econsult start --via phone --yes --subject a --to never", "usage"),
    ],
)
def test_what_is_missing_or_wrong_ends_2_and_nothing_is_sent(world, line, code):
    ending = world.shell("ada")(f"{line} --accept-fee any --json")
    assert ending.refused == (2, code, "")
    assert (written(world, "ada"), world.appointments("ada")) == ([], [])


@pytest.mark.parametrize("person", ["bo", "cecilie", "eva"])
def test_where_no_gp_offers_it_the_phone_is_named(world, person):
    ending = world.shell(person)([*WRITE, "--message", "Hei", *AGREED.split(), "--json"])
    assert ending.refused == (5, "not_offered", "")


@pytest.mark.parametrize(("person", "code"), [("finn", "off_for_now"), ("david", "consent_needed")])
def test_what_is_off_or_needs_consent_says_so(world, person, code):
    ending = world.shell(person)([*WRITE, "--message", "Hei", *AGREED.split(), "--json"])
    assert ending.refused == (5, code, "")


def test_a_way_that_the_gp_does_not_take_is_refused_and_the_others_named(world):
    store = world.sandbox.store
    there = store.get("HealthcareService", "e-consultation-haugland")
    only_text = [one for one in there["characteristic"] if one["coding"][0]["code"] == "text"]
    world.change("HealthcareService/e-consultation-haugland", characteristic=only_text)
    ending = world.shell("ada")(f"{TIME} --via video {AGREED} --json")
    assert ending.refused == (5, "not_offered", "")
    assert ending.error["message"].endswith("takes e-consultations in writing, not by video.")


@pytest.fixture
def begun(slow):
    """Ada has begun one in writing about her rash, and the surgery has not answered."""
    return slow, write(slow.shell("ada"))["id"]


def test_the_same_in_writing_twice_needs_another(begun):
    world, first = begun
    ada = world.shell("ada")
    ending = ada([*WRITE, "--message", "Again.", *AGREED.split(), "--json"])
    assert ending.refused == (7, "already_booked", "")
    assert ending.error["message"] == (
        f"An e-consultation with the same subject was started within the last day: {first}."
    )
    assert len(written(world, "ada")) == 2
    assert write(ada, "--another")["id"] != first


def test_about_something_else_or_on_another_day_it_does_not(begun):
    world, first = begun
    ada = world.shell("ada")
    knee = ["gpcli", "econsult", "start", "--via", "text", "--subject", "Knee"]
    assert rejoiced(ada([*knee, "--message", "Hei", *AGREED.split(), "--json"]))["id"] != first
    world.sandbox.advance(timedelta(days=1, minutes=1))
    world.change(f"Communication/{first}", status="in-progress")
    assert write(world.shell("ada"))["id"] != first


@pytest.mark.parametrize(("first", "second"), [("text", "video"), ("phone", "text")])
def test_the_same_request_id_for_another_way_is_a_conflict(slow, first, second):
    ada = slow.shell("ada")
    line = f"gpcli econsult start --subject A --message B {AGREED} --request-id z1 --json --via"
    made = rejoiced(ada(f"{line} {first}"))["id"]
    ending = ada(f"{line} {second}")
    assert ending.refused == (7, "conflict", "")
    assert ending.error["message"].endswith(f"{made}.")
    assert len(written(slow, "ada")) + len(slow.appointments("ada")) == (
        2 if first == "text" else 1
    )


def test_the_subject_of_one_at_a_time_stands_wherever_it_is_shown(slow):
    ada = slow.shell("ada")
    receipt = rejoiced(ada(f"{TIME} --message 'It creaks.' --via phone {AGREED} --json"))
    assert (receipt["subject"], receipt["reason"]) == ("Knee", "It creaks.")
    assert ada.json(f"gpcli appointments show {receipt['id']}")["subject"] == "Knee"
    assert receipt["id"] in [
        one["id"] for one in ada.json("gpcli appointments list") if one["subject"] == "Knee"
    ]
    ending = ada(f"gpcli econsult withdraw {receipt['id']} --dry-run")
    assert f"  E-consultation  {receipt['id']}\n" in ending.err
    assert "  Subject         Knee\n" in ending.err


@pytest.mark.parametrize("way", ["phone", "video"])
def test_one_at_a_time_asks_the_surgery_and_is_not_booked_before_it_says_so(slow, way):
    ending = slow.shell("ada")(f"{TIME} --via {way} {AGREED} --json")
    receipt = rejoiced(ending)
    assert (receipt["status"], receipt["channel"], receipt["start"], receipt["reason"]) == (
        "proposed",
        way,
        None,
        "Knee",
    )
    assert "has not confirmed it yet" in ending.stderr_json[-1]["notice"]["message"]
    [asked] = slow.appointments("ada")
    assert (asked["description"], asked["appointmentType"]["coding"][0]["code"]) == ("Knee", way)


def test_audio_is_the_phone(slow):
    assert rejoiced(slow.shell("ada")(f"{TIME} --via audio {AGREED} --json"))["channel"] == "phone"


def test_a_second_one_at_a_time_needs_another(slow):
    ada = slow.shell("ada")
    first = rejoiced(ada(f"{TIME} --via phone {AGREED} --json"))["id"]
    ending = ada(f"{TIME} --via video {AGREED} --json")
    assert ending.refused == (7, "already_booked", "")
    assert first in ending.error["message"]
    assert rejoiced(ada(f"{TIME} --via video {AGREED} --another --json"))["id"] != first


def test_the_same_request_at_a_time_again_is_done_once(slow):
    ada = slow.shell("ada")
    line = f"{TIME} --via phone {AGREED} --request-id p1 --json"
    first, second = (rejoiced(ada(line)) for _ in range(2))
    assert (second["id"], second["changed"], len(slow.appointments("ada"))) == (
        first["id"],
        False,
        1,
    )


def confirmed(world, shell):
    """A video consultation that the surgery has given a time and a link."""
    receipt = rejoiced(shell(f"{TIME} --via video {AGREED} --json"))
    world.sandbox.advance(timedelta(hours=1))
    return receipt["id"]


def test_joining_before_the_surgery_has_confirmed_says_so(slow):
    ada = slow.shell("ada")
    asked = rejoiced(ada(f"{TIME} --via video {AGREED} --json"))["id"]
    ending = ada(f"gpcli econsult join {asked} --json")
    assert ending.refused == (7, "rejected", "")
    assert ending.error["message"] == f"The surgery has not confirmed {asked} yet."


def opening(shell, opened):
    """The shell of somebody whose browser notes what it opens."""

    def browse(url):
        opened.append(url)
        return True

    return replace(shell, browse=browse)


def test_in_a_script_the_link_is_the_answer_and_nothing_is_opened(slow):
    opened = []
    ada = opening(slow.shell("ada"), opened)
    answer = ada.json(f"gpcli econsult join {confirmed(slow, ada)}")
    assert (answer["status"], answer["join_url"].startswith("https://")) == ("booked", True)
    assert opened == []


def begins(shell, identity):
    """When an appointment begins."""
    return datetime.fromisoformat(shell.json(f"gpcli appointments show {identity}")["start"])


def test_at_a_terminal_the_link_is_opened_unless_it_may_not_be(slow):
    opened = []
    ada = opening(slow.shell("ada"), opened)
    identity = confirmed(slow, ada)
    link = ada.json(f"gpcli appointments show {identity}")["join_url"]
    in_time = begins(ada, identity) - timedelta(minutes=10)
    person = ada.at_a_screen().at(lambda: in_time)
    for more, expected in (("--no-browser", []), ("--json", []), ("", [link])):
        ending = person(f"gpcli econsult join {identity} {more}")
        assert (ending.code, link in ending.out, opened) == (0, True, expected)
    assert ending.err == "Opened in your browser.\n"


def test_earlier_than_ten_minutes_before_the_link_is_shown_and_it_is_said_when_it_opens(slow):
    opened = []
    ada = opening(slow.shell("ada"), opened)
    identity = confirmed(slow, ada)
    early = begins(ada, identity) - timedelta(hours=3, minutes=22)
    person = ada.at_a_screen().at(lambda: early)

    ending = person(f"gpcli econsult join {identity}")

    assert (ending.code, "https://video.example/" in ending.out, opened) == (0, True, [])
    assert ending.err.startswith("It is early: join opens the link from ")
    assert ending.err.endswith(", in 3 h 12 min; --browser CMD opens it now.\n")


def test_after_its_end_it_is_over(slow):
    ada = slow.shell("ada")
    identity = confirmed(slow, ada)
    end = datetime.fromisoformat(ada.json(f"gpcli appointments show {identity}")["end"])
    ending = ada.at(lambda: end)(f"gpcli econsult join {identity} --json")
    assert ending.refused == (7, "rejected", "")
    assert ending.error["message"] == f"{identity} is over."


def test_without_an_id_a_script_gets_the_link_of_the_only_one_by_video(world):
    ending = world.shell("finn")("gpcli econsult join --fields join_url")
    assert (ending.code, ending.out) == (0, "https://video.example/room/finn\n")


def test_in_a_script_several_are_named_and_none_is_chosen(slow):
    ada = slow.shell("ada")
    first = confirmed(slow, ada)
    made = rejoiced(ada(f"{TIME} --via video {AGREED} --another --json"))["id"]
    slow.sandbox.advance(timedelta(hours=1))
    ending = ada("gpcli econsult join --json")
    assert ending.refused == (2, "input_needed", "")
    assert {first, made} == set(
        ending.error["message"].removesuffix(".").partition(": ")[2].split(", ")
    )


def test_of_one_by_phone_it_is_said_when_it_is_on_which_number_and_what_the_surgery_says(world):
    ending = world.shell("finn")(f"gpcli econsult join {FINNS_CALL} --json")
    assert (ending.code, ending.json["channel"], ending.json["join_url"]) == (0, "phone", None)
    [notice] = [line["notice"]["message"] for line in ending.stderr_json]
    when, _, told = notice.partition(". ")
    assert when.startswith("It is by phone: Fri 5 Mar 10:40")
    assert told == (
        "The number that the portal has: +47 00 12 34 75. The surgery says: By phone, the doctor "
        "calls you at the time given, on the number that the portal has for you."
    )


def test_one_in_writing_is_not_joined_and_the_command_that_shows_it_is_named(world):
    ending = world.shell("ada")("gpcli econsult join t-9rcz8zjj --json")
    assert ending.refused == (7, "rejected", "")
    assert ending.error["hint"] == "gpcli messages show t-9rcz8zjj"


@pytest.mark.parametrize(
    ("telecom", "words"),
    [
        (None, "+47 00 12 34 70, as the portal has it"),
        ([], "the portal gives none: write it in the message"),
        (
            [
                {"system": "phone", "value": "+47 00 00 00 02", "use": "home"},
                {"system": "phone", "value": "+47 00 00 00 01", "use": "mobile"},
                {"system": "phone", "value": "+47 00 00 00 03", "use": "old"},
                {"system": "email", "value": "ada@post.example"},
            ],
            "+47 00 00 00 01 (and 1 more), as the portal has it",
        ),
    ],
)
def test_by_phone_the_plan_says_which_number_the_portal_has(world, telecom, words):
    if telecom is not None:
        world.change("Patient/ada", telecom=telecom)
    ending = world.shell("ada")(f"{TIME} --via phone --dry-run --json")
    rows = {row["label"]: row["value"] for row in ending.stderr_json[2]["plan"]["rows"]}
    assert (rows["Phone"], "Wished" in rows, "Who calls" in rows) == (words, True, False)
    assert rows["On e-consultations"].startswith("By phone, the doctor calls you ")


def test_for_a_child_it_is_the_childs_number_that_is_shown(world):
    world.change("Patient/emil", telecom=[{"system": "phone", "value": "+47 00 00 00 09"}])
    guro = world.shell("guro", "emil")
    store = world.sandbox.store
    [role] = store.get("Patient", "emil")["generalPractitioner"]
    identity = role["reference"].partition("/")[2]
    services = store.get("PractitionerRole", identity)["healthcareService"]
    offered = {"reference": "HealthcareService/e-consultation-solem"}
    world.change(f"PractitionerRole/{identity}", healthcareService=[*services, offered])
    ending = guro(f"{TIME} --via phone --dry-run")
    assert re.search(r"\n  Phone +\+47 00 00 00 09, as the portal has it\n", ending.err)


def test_a_browser_that_is_named_is_used_anywhere_and_no_more_is_said_than_is_known(slow):
    ada = slow.shell("ada")
    identity = confirmed(slow, ada)
    for shell in (ada, ada.at_a_screen()):
        for browser, words in (
            ("true", "The link was given to 'true'.\n"),
            ("false", "warning: 'false' failed. Open the link to join.\n"),
        ):
            ending = shell(f"gpcli econsult join {identity} --browser {browser}")
            assert (ending.code, ending.err) == (0, words)
    ending = ada(f"gpcli econsult join {identity} --browser false --no-browser --json")
    assert ending.refused == (2, "usage", "")


def test_a_cancelled_one_is_not_called_over(world):
    finn = world.shell("finn")
    finn.json(f"gpcli econsult withdraw {FINNS} --yes")
    ending = finn(f"gpcli econsult join {FINNS} --json")
    assert (ending.code, ending.error["message"]) == (7, f"{FINNS} is cancelled.")


@pytest.mark.parametrize("command", ["no-such-browser-anywhere", "''", "'unclosed"])
def test_a_command_that_can_not_open_links_is_named_after_the_link_is_shown(slow, command):
    ada = slow.shell("ada")
    identity = confirmed(slow, ada)
    ending = ada.at_a_screen()(["gpcli", "econsult", "join", identity, "--browser", command])
    assert (ending.code, "https://" in ending.out) == (2, True)


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://video.example/x",
        "-x",
        "https://a/\x1b[2Jb",
    ],
)
def test_a_link_that_is_none_is_never_opened_and_printed_harmlessly(slow, link):
    opened = []
    ada = opening(slow.shell("ada"), opened)
    identity = confirmed(slow, ada)
    [there] = slow.appointments("ada")
    room = {"url": "addressUrl", "valueUrl": link}
    found = [
        {**each, "extension": [room]} if "virtualService" in each["url"] else each
        for each in there["extension"]
    ]
    slow.change(f"Appointment/{identity}", extension=found)
    ending = ada.at_a_screen()(f"gpcli econsult join {identity}")
    assert (ending.code, ending.out, opened) == (1, "", [])
    assert link.replace("\x1b", "\\x1b") in ending.err
    assert "\x1b" not in ending.err


def test_what_is_under_way_can_be_joined_and_withdrawn_though_the_service_is_off(world):
    finn = world.shell("finn")
    assert finn.json(f"gpcli econsult join {FINNS}")["id"] == FINNS
    receipt = finn.json(f"gpcli econsult withdraw {FINNS} --yes")
    assert (receipt["status"], receipt["changed"]) == ("cancelled", True)
    again = finn.json(f"gpcli econsult withdraw {FINNS} --yes")
    assert (again["status"], again["changed"]) == ("cancelled", False)


def test_one_in_writing_is_answered_not_withdrawn(slow):
    ada = slow.shell("ada")
    thread = write(ada)["id"]
    ending = ada(f"gpcli econsult withdraw {thread} --yes --json")
    assert ending.refused == (2, "usage", "")
    assert ending.error["hint"] == f"Tell the surgery: gpcli messages reply {thread}"


def test_an_appointment_of_another_kind_is_for_cancel(world):
    ending = world.shell("ada")("gpcli econsult withdraw a-2xwr5jqm --yes --json")
    assert ending.refused == (2, "usage", "")


@pytest.mark.parametrize("command", ["join", "withdraw"])
@pytest.mark.parametrize(
    ("named", "refusal"), [("", (2, "input_needed", "")), ("nothing", (3, "not_found", ""))]
)
def test_an_id_is_needed_and_must_be_there(world, command, named, refusal):
    assert world.shell("ada")(f"gpcli econsult {command} {named} --json").refused == refusal


def test_a_person_is_asked_step_by_step_and_agrees_to_the_charge(slow):
    typed = "y\n1\nRash\ny\n"
    ending = slow.shell("ada").at_a_screen(typed)(
        ["gpcli", "econsult", "start", "--message", "It itches."]
    )
    assert ending.code == 0
    order = [
        "113",
        "Can it wait",
        "In which way?",
        "Subject:",
        "It itches. (10",
        "in writing, for NOK 0–391? [y/N]",
    ]
    places = [ending.err.index(words) for words in order]
    assert places == sorted(places)
    assert len(written(slow, "ada")) == 2


def test_fields_that_fit_only_the_way_not_chosen_are_refused_before_anything_is_sent(world):
    person = world.shell("ada").at_a_screen("y\n2\ny\n")
    ending = person("gpcli econsult start --subject Rash --fields message_count")
    assert (ending.code, world.appointments("ada")) == (2, [])
    assert "message_count" in ending.err


def test_each_way_says_what_it_means_what_it_costs_and_when_it_is_answered(world):
    ending = world.shell("ada").at_a_screen("y\n1\nRash\nn\n")("gpcli econsult start --message Hei")
    told = "NOK 0–391 · Usually answered within five working days. Not for anything urgent."
    assert ending.err.partition("In which way?")[2].splitlines()[:4] == [
        f" ({told})",
        "  1  in writing: you write now, and the answer is in gpcli messages",
        "  2  by phone: you ask the surgery for a time for a call",
        "  3  by video: you ask the surgery for a time and a link",
    ]


def test_a_way_of_which_nothing_is_told_has_its_meaning_alone(world):
    world.sandbox.store.delete("ChargeItemDefinition", "price-e-consultation")
    world.change("HealthcareService/e-consultation-haugland", comment=None)
    ending = world.shell("ada").at_a_screen("y\n1\nRash\nn\n")("gpcli econsult start --message Hei")
    assert "  2  by phone: you ask the surgery for a time for a call\n" in ending.err


UNUSABLE = [
    ("finn", "Leave until 12 March"),
    ("david", "consent"),
    ("bo", "does not offer"),
    ("cecilie", "does not offer"),
    ("eva", "You have no GP"),
]


@pytest.mark.parametrize("via", ["", "--via text", "--via phone"])
@pytest.mark.parametrize(("person", "words"), UNUSABLE)
def test_a_person_is_asked_nothing_where_none_can_be_started(world, person, words, via):
    typing = io.StringIO("y\n1\nRash\n")
    ending = world.shell(person).at_a_screen(typing)(f"gpcli econsult start {via}")
    assert (ending.code, typing.tell()) == (5, 0)
    assert words in ending.err
    assert "Can it wait" not in ending.err


def test_a_person_is_asked_nothing_where_the_gp_does_not_take_that_way(world):
    store = world.sandbox.store
    there = store.get("HealthcareService", "e-consultation-haugland")
    only_text = [one for one in there["characteristic"] if one["coding"][0]["code"] == "text"]
    world.change("HealthcareService/e-consultation-haugland", characteristic=only_text)
    ending = world.shell("ada").at_a_screen("y\n")("gpcli econsult start --via video")
    assert (ending.code, "Can it wait" in ending.err) == (5, False)


def test_what_a_request_id_names_is_done_though_none_can_be_started_any_more(slow):
    ada = slow.shell("ada")
    first = write(ada, "--request-id", "e1")
    slow.change("HealthcareService/e-consultation-haugland", active=False)
    line = [*WRITE, "--message", "It itches.", "--request-id", "e1"]
    ending = ada.at_a_screen("y\n")(line)
    assert (ending.code, first["id"] in ending.out) == (0, True)


def test_questions_take_one_look_at_the_offers(world):
    shell = world.shell("ada")
    shell("gpcli services")  # asks for the CapabilityStatement, which is kept
    ending = shell.at_a_screen("y\n2\nRash\nn\n")("gpcli econsult start --debug")
    before_the_plan = ending.err.partition("Ask for an e-consultation by phone")[0]
    assert (ending.code, before_the_plan.count("POST ")) == (9, 2)


def test_what_can_not_wait_is_not_sent_and_the_number_is_said(world):
    ending = world.shell("ada").at_a_screen("n\n")([*WRITE, "--message", "Hei"])
    assert (ending.code, written(world, "ada")) == (9, [])
    assert ending.err.endswith("  Call the surgery; where it is closed, 116 117.\n")


def test_who_reads_the_plan_and_says_no_sends_nothing(world):
    ending = world.shell("ada").at_a_screen("y\nn\n")([*WRITE, "--message", "Hei"])
    assert (ending.code, written(world, "ada")) == (9, [])


def test_a_thread_whose_message_got_lost_is_completed_by_the_same_request(slow):
    ada = slow.shell("ada")
    first = write(ada, "--request-id", "e1")
    [message] = [one for one in written(slow, "ada") if "partOf" in one]
    slow.sandbox.store.delete("Communication", message["id"])

    second = write(ada, "--request-id", "e1")

    assert (second["id"], second["changed"], second["message_count"]) == (first["id"], True, 1)
    header, again = sorted(written(slow, "ada"), key=lambda one: "partOf" in one)
    assert (header["id"], again["payload"]) == (first["id"], message["payload"])


def before_a_terminal(line, env):
    """A person before a terminal of their own, 80 columns wide."""
    return pexpect.spawn(
        "bash",
        ["-c", f"{PYTHON} {line}"],
        env={**env, "TERM": "xterm", "COLUMNS": ""},
        cwd=env["HOME"],
        encoding="utf-8",
        timeout=30,
        dimensions=(40, 80),
    )


@pytest.mark.real
def test_before_a_terminal_a_call_is_asked_for_step_by_step(live, tmp_path):
    person = before_a_terminal("econsult start --to +7d", as_person(live, tmp_path, "ada"))
    person.expect_exact("you must not need to be seen in person.")
    person.expect_exact("Can it wait for an answer? [y/N] ")
    person.sendline("y")
    person.expect_exact("2  by phone: you ask the surgery for a time for a call\r\n")
    person.expect_exact("Number (1-3), or q: ")
    person.sendline("2")
    person.expect_exact("Subject: ")
    person.sendline("Knee")
    person.expect(r"Phone +\+47 00 12 34 70, as the portal has it")
    person.expect_exact("Ask for an e-consultation by phone, for NOK 0–391? [y/N] ")
    person.sendline("y")
    person.expect(pexpect.EOF)
    person.close()
    assert person.exitstatus == 0


@pytest.mark.real
def test_before_a_terminal_the_link_stands_on_one_line_to_be_copied(live, tmp_path):
    person = before_a_terminal("econsult join", as_person(live, tmp_path, "finn"))
    person.expect_exact("Number (1-2), or q: ")
    person.sendline("1")
    person.expect(pexpect.EOF)
    person.close()
    assert person.exitstatus == 0
    assert "https://video.example/room/finn" in person.before
    assert "It is early: join opens the link from" in person.before
