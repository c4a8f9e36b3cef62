"""What the patient and the surgery have written: reading, replying, saving, marking."""

from __future__ import annotations

import shlex
import stat
import sys
from datetime import timedelta

import pytest

RASH, MOLE, PARKING = "t-9rcz8zjj", "t-6385kbx9", "t-nfkt3mp4"
"""Ada's threads: the GP has answered, the GP has sent files, the reception has answered."""

CLOSED, REJECTED = "t-qtv33nwr", "t-sgn4bvsm"
LEAFLET, MARKED = "m-2kr3tb7m.1", "m-2kr3tb7m.2"


def of(world, thread):
    """The messages of a thread, as the portal itself has them."""
    found = world.sandbox.store.find("Communication", part_of=f"Communication/{thread}")
    return sorted(found, key=lambda one: one["sent"])


def test_threads_with_something_unread_come_first_then_the_newest(shell_of):
    found = shell_of("ada").json("gpcli messages list")
    unread = [one["unread_count"] > 0 for one in found]
    newest = [one["last"] for one in found]
    assert unread == sorted(unread, reverse=True)
    assert newest[:2] == sorted(newest[:2], reverse=True)
    assert newest[2:] == sorted(newest[2:], reverse=True)


@pytest.mark.parametrize(
    ("flags", "count"),
    [("", "6"), ("--unread", "2"), ("--kind administrative", "2"), ("--kind e-consultation", "4"),
     ("--unread --kind administrative", "0"), ("--gp Haugland", "6")],
)  # fmt: skip
def test_they_can_be_counted(shell_of, flags, count):
    for form in ("", "--json"):
        ending = shell_of("ada")(f"gpcli messages list {flags} --count {form}")
        assert (ending.code, ending.out) == (0, f"{count}\n")


def test_an_empty_list_is_no_failure(shell_of):
    ending = shell_of("cecilie")("gpcli messages list")
    assert (ending.code, ending.out, ending.err) == (0, "", "There are none.\n")


def test_a_kind_that_there_is_none_of_ends_2(shell_of):
    ending = shell_of("ada")("gpcli messages list --kind sms --json")
    assert ending.refused == (2, "usage", "")


def test_hans_has_all_of_his_messages(shell_of):
    found = shell_of("hans").json("gpcli messages list")
    assert sum(one["message_count"] for one in found) >= 500
    assert len({one["id"] for one in found}) == len(found)


def test_a_thread_has_its_messages_in_order_and_stays_unread(world):
    ada = world.shell("ada")
    for _ in range(2):
        shown = ada.json(f"gpcli messages show {RASH}")
        assert [(one["mine"], one["unread"]) for one in shown["messages"]] == [
            (True, False),
            (False, True),
        ]
    assert "received" not in of(world, RASH)[-1]


def test_a_message_leads_to_its_thread(shell_of):
    shown = shell_of("ada").json("gpcli messages show m-2kr3tb7m")
    assert shown["thread"]["id"] == MOLE


def test_a_person_sees_each_message_under_its_sender(shell_of):
    out = shell_of("ada").at_a_screen()(f"gpcli messages show {MOLE}").out
    assert [line.split(maxsplit=1)[1] for line in out.splitlines() if line.startswith("From")] == [
        "Ada Solberg",
        "Dr. Ingrid Haugland",
        "Ada Solberg",
        "Dr. Ingrid Haugland (unread)",
    ]
    assert "\n  Thank you. How old were you when it first appeared?\n" in out


def test_a_rejection_is_shown_with_the_surgery_s_reason(shell_of):
    thread = shell_of("ada").json(f"gpcli messages show {REJECTED}")["thread"]
    assert (thread["status"], thread["closed_because"][:29]) == (
        "not-done",
        "This can't be settled in writ",
    )


@pytest.mark.parametrize(
    "command",
    ["show", "reply --message Hei --yes", "save", "mark-read --yes"],
)
@pytest.mark.parametrize("thread", ["nothing", "t-xbg97jsz"])
def test_what_is_not_there_or_somebody_else_s_ends_3(world, command, thread):
    verb, _, rest = command.partition(" ")
    ending = world.shell("ada")(f"gpcli messages {verb} {thread} {rest} --json")
    assert ending.refused == (3, "not_found", "")


@pytest.mark.parametrize(
    "command", ["show", "reply --message Hei --yes", "save", "mark-read --yes"]
)
def test_a_thread_is_needed(world, command):
    assert world.shell("ada")(f"gpcli messages {command} --json").refused == (2, "input_needed", "")


def test_a_person_picks_a_thread_from_a_list(shell_of):
    ending = shell_of("ada").at_a_screen("1\n")("gpcli messages show")
    assert ending.code == 0
    assert "  1  Rash on my forearm · 1 unread · open" in ending.err
    assert ending.out.startswith(f"ID        {RASH}\n")


def test_the_editor_of_a_reply_quotes_the_message_that_is_answered(world, tmp_path):
    world.sandbox.set_delay(timedelta(hours=1))
    editor = tmp_path / "editor.py"
    editor.write_text(
        "import pathlib, sys\n"
        "page = pathlib.Path(sys.argv[1])\n"
        f"pathlib.Path({str(tmp_path / 'seen')!r}).write_bytes(page.read_bytes())\n"
        "page.write_bytes(b'Takk, det hjalp.\\n' + page.read_bytes())\n"
    )
    command = shlex.join([sys.executable, str(editor)])
    ada = world.shell("ada").with_env(EDITOR=command).at_a_screen("y\n")
    assert ada(f"gpcli messages reply {RASH}").code == 0
    [*_, answered, sent] = of(world, RASH)
    told = answered["payload"][0]["contentString"]
    assert sent["payload"] == [{"contentString": "Takk, det hjalp."}]
    _, _, below = (tmp_path / "seen").read_text("utf-8").partition(" >8 ")
    _, head, *quoted = below.splitlines()
    assert head.startswith("# All below is left out too. Dr. Ingrid Haugland, ")
    assert quoted == [f"> {line}".rstrip() for line in told.splitlines()]


def test_a_reply_is_sent_once_and_the_same_again_is_done_already(world):
    world.sandbox.set_delay(timedelta(hours=1))
    ada = world.shell("ada")
    line = f"gpcli messages reply {RASH} --message 'It is better.' --yes --request-id r1"
    first, second = (ada.json(line) for _ in range(2))
    assert (first["changed"], second["changed"], second["id"], first["status"]) == (
        True,
        False,
        first["id"],
        "completed",
    )
    sent = of(world, RASH)
    assert [one.get("inResponseTo", [{}])[0].get("reference") for one in sent[2:]] == [
        f"Communication/{sent[1]['id']}"
    ]
    ending = ada(f"gpcli messages reply {RASH} --message No --yes --request-id r1 --json")
    assert ending.refused == (7, "conflict", "")


def test_a_rehearsed_reply_is_not_sent(world):
    ending = world.shell("ada")(f"gpcli messages reply {PARKING} --message Hei --dry-run --json")
    assert (ending.code, ending.json["id"], ending.json["status"], ending.json["dry_run"]) == (
        0,
        None,
        "preparation",
        True,
    )
    assert "passed on" in ending.stderr_json[0]["plan"]["warnings"][0]
    assert len(of(world, PARKING)) == 2


def test_a_closed_thread_takes_no_reply(world):
    ending = world.shell("ada")(f"gpcli messages reply {CLOSED} --message Hei --yes --json")
    assert ending.refused == (7, "already_answered", "")
    assert ending.error["message"] == f"The surgery has closed thread {CLOSED}."
    assert f"gpcli messages show {CLOSED}" in ending.error["hint"]
    assert len(of(world, CLOSED)) == 2


def test_a_thread_that_closes_while_a_person_writes_takes_no_reply(world, tmp_path):
    world.change(f"Communication/{RASH}", status="completed")
    ending = world.shell("ada").at_a_screen("y\n")(f"gpcli messages reply {RASH} --message Hei")
    assert (ending.code, len(of(world, RASH))) == (7, 2)


def test_a_reply_works_though_the_service_is_off(world):
    finn = world.shell("finn")
    assert finn.json("gpcli messages reply t-xbg97jsz --message Takk --yes")["changed"]


def test_attachments_are_saved_privately_under_their_own_names(world, tmp_path):
    saved = world.shell("ada").json(
        f"gpcli messages save {MOLE} {LEAFLET} {MARKED} --to {tmp_path}"
    )
    assert [(one["id"], one["path"].rpartition("/")[2], one["size"]) for one in saved] == [
        (LEAFLET, "moles-leaflet.pdf", 658),
        (MARKED, "mole-marked.png", 3172),
    ]
    leaflet = tmp_path / "moles-leaflet.pdf"
    assert leaflet.read_bytes()[:5] == b"%PDF-"
    assert stat.S_IMODE(leaflet.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("named", "count"), [(LEAFLET, "1 file"), (f"{LEAFLET} {MARKED}", "2 files")]
)
def test_how_many_files_are_saved_and_where_is_said_below_their_names(
    world, tmp_path, named, count
):
    line = f"gpcli messages save {MOLE} {named} --to {tmp_path} --yes"
    ada = world.shell("ada")
    for ending in (ada(line), ada.at_a_screen()(line)):
        assert "moles-leaflet.pdf" in ending.out
        assert ending.err == f"{count} saved in {tmp_path}.\n"


def test_what_is_there_already_is_kept_and_the_rest_is_saved(world, tmp_path):
    (tmp_path / "moles-leaflet.pdf").write_bytes(b"mine")
    ada = world.shell("ada")
    line = f"gpcli messages save {MOLE} {LEAFLET} {MARKED} --to {tmp_path} --json"
    ending = ada(line)
    assert (ending.code, [one["id"] for one in ending.json]) == (8, [MARKED])
    assert ending.stderr_json[0] == {"notice": {"message": f"1 file saved in {tmp_path}."}}
    assert (ending.error["code"], (tmp_path / "moles-leaflet.pdf").read_bytes()) == (
        "partial",
        b"mine",
    )
    assert ada(line).refused == (2, "usage", "")
    assert len(ada(f"{line} --yes").json) == 2


def test_a_hostile_title_chooses_no_place(world, tmp_path):
    [message] = [one for one in of(world, MOLE) if one["id"] == "m-2kr3tb7m"]
    there = message["payload"]
    for payload, title in zip(there[1:], ["../../../evil.pdf", "C:\\x\x00.exe"], strict=True):
        if "contentAttachment" in payload:
            payload["contentAttachment"]["title"] = title
    world.change("Communication/m-2kr3tb7m", payload=there)
    roof = tmp_path / "saved"
    place = roof / "a" / "b"
    place.mkdir(parents=True)
    ending = world.shell("ada")(f"gpcli messages save {MOLE} --to {place} --json")
    assert ending.code == 0
    assert {one.parent for one in roof.rglob("*") if one.is_file()} == {place}
    assert all(one.suffix in {".pdf", ".png", ".txt"} for one in place.iterdir())


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ("nothing.1", (3, "not_found", "")),
        ("--to nowhere", (3, "not_found", "")),
        ("--to ''", (2, "usage", "")),
        ("--to /dev/null", (2, "usage", "")),
    ],
)
def test_what_can_not_be_saved_says_why(world, more, refusal):
    assert world.shell("ada")(f"gpcli messages save {MOLE} {more} --json").refused == refusal


def test_nothing_attached_is_nothing_saved(world):
    ending = world.shell("ada")(f"gpcli messages save {RASH} --json")
    assert (ending.code, ending.json) == (0, [])
    assert ending.stderr_json == [{"notice": {"message": "Nothing is attached."}}]


def test_marking_as_read_tells_the_portal_and_again_changes_nothing(world):
    ada = world.shell("ada")
    first, second = (ada.json(f"gpcli messages mark-read {RASH} --yes") for _ in range(2))
    assert [(one["unread"], one["changed"], one["status"]) for one in first] == [
        (False, True, "completed")
    ]
    assert second == []
    assert "received" in of(world, RASH)[-1]
    assert ada.json(f"gpcli messages show {RASH}")["thread"]["unread_count"] == 0


def test_a_message_that_is_named_is_marked_alone(world):
    ada = world.shell("ada")
    *_, newest = of(world, MOLE)
    world.sandbox.store.put({**newest, "id": "m-later"})
    ending = ada(f"gpcli messages mark-read {newest['id']} --yes")
    assert (ending.code, [row[0] for row in ending.rows]) == (0, [newest["id"]])
    assert ending.err.splitlines()[-1] == "1 message is marked as read."
    assert ada.json(f"gpcli messages show {MOLE}")["thread"]["unread_count"] == 1


def test_the_plan_of_marking_names_each_message(world):
    *_, newest = of(world, RASH)
    ending = world.shell("ada")(f"gpcli messages mark-read {RASH} --dry-run")
    assert f"  Message  {newest['id']} from Dr. Ingrid Haugland, " in ending.err


@pytest.mark.parametrize(
    ("flags", "count"),
    [("--limit 3", 3), ("--with haugland --limit 2", 2), ("--with nobody", 0),
     ("--from 2027-03-01", 0), ("--from 2020-01-01", 6),
     ("--from today", 0), ("--from last-month", 4), ("--from 1.3", 0), ("--from 2.3", 6)],
)  # fmt: skip
def test_the_list_can_be_narrowed(shell_of, flags, count):
    assert len(shell_of("ada").json(f"gpcli messages list {flags}")) == count


@pytest.mark.parametrize(
    "flags", ["--limit 0", "--limit x", "--from never", "--from 1/3", "--with ''"]
)
def test_what_narrows_nothing_ends_2(shell_of, flags):
    assert shell_of("ada")(f"gpcli messages list {flags} --json").refused == (2, "usage", "")


def test_of_many_threads_a_page_is_there_to_pick_from_and_only_open_ones_to_reply_to(shell_of):
    hans = shell_of("hans").at_a_screen("1\n")
    ending = hans("gpcli messages show")
    assert "Number (1-125), words to filter, Enter for more, q to quit: " in ending.err
    assert "\n   22  " in ending.err
    assert "\n   23  " not in ending.err
    ending = shell_of("ada").at_a_screen("1\n")("gpcli messages reply --message Hei --dry-run")
    assert (ending.code, "closed" in ending.err, "(open · Dr. " in ending.err) == (0, False, True)


def test_in_plain_lines_a_text_can_not_be_taken_for_what_divides(world):
    [*_, message] = of(world, RASH)
    says = "Hei.\n--\nid:\tforged\n\\--"
    world.change(f"Communication/{message['id']}", payload=[{"contentString": says}])
    lines = world.shell("ada")(f"gpcli messages show {RASH}").out.splitlines()
    assert lines.count("--") == 4
    assert lines[-4:] == ["Hei.", "\\--", "id:     forged", "\\\\--"]


def test_all_that_is_unread_can_be_marked_at_once(world):
    ada = world.shell("ada")
    marked = ada.json("gpcli messages mark-read --all --yes")
    assert {one["thread_id"] for one in marked} == {RASH, MOLE}
    assert ada("gpcli messages list --unread --count").out == "0\n"


@pytest.mark.parametrize("yes", ["", " --yes"])
def test_marking_asks_nothing_and_shows_no_plan(world, yes):
    ada = world.shell("ada")
    for shell in (ada, ada.at_a_screen(), ada.at_a_screen("n\n")):
        world.sandbox.reset()
        ending = shell(f"gpcli messages mark-read {RASH}{yes}")
        assert (ending.code, ending.err) == (0, "1 message is marked as read.\n")
        assert "received" in of(world, RASH)[-1]


def test_marking_at_a_terminal_takes_the_only_thread_with_something_unread_at_once(world):
    ada = world.shell("ada")
    ada.json(f"gpcli messages mark-read {RASH}")
    ending = ada.at_a_screen()("gpcli messages mark-read")
    assert (ending.code, ending.err) == (0, "1 message is marked as read.\n")
    assert "received" in of(world, MOLE)[-1]


def test_what_is_marked_is_shown_with_its_subject(world):
    ending = world.shell("ada").at_a_screen()(f"gpcli messages mark-read {RASH}")
    assert f"Rash on my forearm  {RASH}" in ending.out


def test_a_mark_is_the_same_request_where_its_id_is_given_again(world):
    ada = world.shell("ada")
    [marked] = ada.json(f"gpcli messages mark-read {RASH} --request-id my-mark")
    again = ada(f"gpcli messages mark-read {RASH} --request-id my-mark --json")
    assert (marked["request_id"], again.code, again.json) == ("my-mark", 0, [])
    assert ada.json("gpcli outbox list") == []


def test_a_rehearsal_of_marking_shows_the_plan_and_changes_nothing(world):
    ada = world.shell("ada")
    rehearsed = ada.json(f"gpcli messages mark-read {RASH} {MOLE} --dry-run")
    assert [(one["unread"], one["changed"], one["dry_run"]) for one in rehearsed] == [
        (True, False, True)
    ] * 2
    assert "received" not in of(world, RASH)[-1]


def test_all_and_names_together_end_2(world):
    ending = world.shell("ada")(f"gpcli messages mark-read {RASH} --all --yes --json")
    assert ending.refused == (2, "usage", "")


@pytest.mark.parametrize(
    "line",
    [f"messages reply {RASH} --message Hei --yes", f"messages mark-read {RASH} --yes",
     "contact --subject a --message b --yes",
     "econsult start --via text --subject a --message b --yes --accept-fee any",
     "econsult start --via phone --subject a --yes --accept-fee any"],
)  # fmt: skip
@pytest.mark.parametrize(("fields", "code"), [("bogus", 2), ("", 0)])
def test_nothing_is_sent_before_the_fields_are_right(world, line, fields, code):
    ending = world.shell("ada")([*f"gpcli {line} --fields".split(), fields])
    assert ending.code == code
    assert (len(of(world, RASH)), world.appointments("ada")) == (2, [])
    assert "received" not in of(world, RASH)[-1]


HOSTILE = "\x1b[2J\x1b]52;c;x\x07 [/b] \u202ex\u2066 \x9b31m a\tb\nFrom  forged"


def test_hostile_words_reach_people_as_text(world):
    [*_, message] = of(world, RASH)
    world.change(f"Communication/{RASH}", topic={"text": HOSTILE}, statusReason={"text": HOSTILE})
    world.change(f"Communication/{message['id']}", payload=[{"contentString": HOSTILE}])
    ada = world.shell("ada")
    for shell in (ada, ada.at_a_screen()):
        for line in ("messages list", f"messages show {RASH}",
                     f"messages reply {RASH} --message Hei --dry-run",
                     f"messages mark-read {RASH} --dry-run"):  # fmt: skip
            ending = shell(f"gpcli {line}")
            assert ending.code == 0
            assert not set("\x1b\x07\u202e\u2066\x9b") & set(ending.out + ending.err)
    assert ada.json(f"gpcli messages show {RASH}")["messages"][-1]["text"] == HOSTILE
