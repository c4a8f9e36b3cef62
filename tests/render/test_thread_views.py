"""Threads and messages: for people, for scripts, and with whatever the portal writes in them."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gpcli.errors import InvalidUsage
from gpcli.model.person import Person
from gpcli.model.receipt import Receipt
from gpcli.model.thread import (
    Attachment,
    Conversation,
    Message,
    MessageNote,
    MessageReceipt,
    Saved,
    Thread,
    ThreadReceipt,
)
from gpcli.render.output import Format
from gpcli.render.times import TimeFormat
from gpcli.render.views.thread_views import (
    CONVERSATION,
    MAX_QUOTED,
    SAVED,
    THREAD_RECEIPT,
    THREADS,
    escape_separators,
    format_attachment,
    format_size,
    format_thread_status,
    message_receipts_view,
    message_text,
    messages_view,
    quote_message,
    thread_label,
)
from tests.render.conftest import NOW, OSLO_WINTER
from tests.render.test_hostile_texts import RAW

SENT = datetime(2026, 11, 20, 18, 5, tzinfo=OSLO_WINTER)
ADA = Person("ada", "Ada Solberg")
GURO = Person("guro", "Guro Holm")
HOSTILE = "\x1b[2J\x1b]52;c;x\x07[b]x[/b] \u202ex\u2066 \x9b31m \U000e0041 a\tb\nID  forged\rd \x00"

THREAD = Thread(
    id="t-1",
    kind="e-consultation",
    subject="Rash",
    status="in-progress",
    closed_because=None,
    surgery="Solbakken legesenter",
    practitioner="Dr. Ingrid Haugland",
    started=SENT,
    last=SENT + timedelta(days=2),
    message_count=2,
    unread_count=1,
    zone="Europe/Oslo",
)
PHOTO = Attachment("m-1.1", "rash.jpg", "image/jpeg", 12_345, source="Binary/b-1")
EMPTY = replace(PHOTO, source=None)
QUESTION = Message("m-1", "t-1", SENT, "Ada Solberg", True, False, "It itches.", (PHOTO,))
ANSWER = Message("m-2", "t-1", SENT, "Dr. Ingrid Haugland", False, True, "Use a cream.", (), "m-1")
TALK = Conversation(THREAD, (QUESTION, ANSWER))


def build_receipt(**changes):
    known = {"changed": True, "dry_run": False, "request_id": "r-1", "patient": ADA}
    return Receipt(**{**known, "acting_user": ADA, **changes})


def test_threads_are_a_table_for_people(make_output):
    shown = make_output(tty=True, width=140)
    other = replace(THREAD, id="t-2", subject=None, unread_count=0, status="not-done")
    shown.output.show_list(THREADS, [THREAD, other])
    shared, header, first, second = shown.stdout_text.splitlines()
    assert shared == "Dr. Ingrid Haugland"
    assert header.split() == ["ID", "Subject", "Kind", "Status", "Unread", "Last"]
    assert [first.startswith("t-1  Rash"), " open " in first] == [True, True]
    assert ["(no subject)" in second, " refused " in second] == [True, True]


def test_threads_with_several_doctors_say_who_each_is_with(make_output):
    shown = make_output(tty=True, width=140)
    other = replace(THREAD, id="t-2", practitioner=None)
    shown.output.show_list(THREADS, [THREAD, other])
    header, *rows = shown.stdout_text.splitlines()
    assert header.split()[-1] == "With"
    assert [row.split("  ")[-1] for row in rows] == [
        "Dr. Ingrid Haugland",
        "Solbakken legesenter",
    ]


def test_threads_are_a_line_each_for_scripts(make_output):
    shown = make_output()
    shown.output.show_list(THREADS, [THREAD])
    assert shown.stdout_text == (
        "t-1\tRash\te-consultation\tin-progress\t\t1\t2\t2026-11-22T18:05:00+01:00\t"
        "2026-11-20T18:05:00+01:00\tDr. Ingrid Haugland\tSolbakken legesenter\tEurope/Oslo\t\t\n"
    )


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("in-progress", "open"),
        ("completed", "closed"),
        ("stopped", "closed"),
        ("not-done", "refused"),
        ("on-hold", "on hold"),
        ("unknown", "unknown"),
        ("brand-new", "brand-new"),
    ],
)
def test_a_status_has_its_words_and_an_unknown_one_stands_as_written(status, words):
    assert format_thread_status(replace(THREAD, status=status)) == words


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "Rash · 1 unread · open · Sun 22 Nov 18:05 · Dr. Ingrid Haugland"),
        (
            {"unread_count": 0, "practitioner": None, "subject": None, "status": "completed"},
            "(no subject) · closed · Sun 22 Nov 18:05 · Solbakken legesenter",
        ),
        ({"last": None, "practitioner": None, "surgery": None}, "Rash · 1 unread · open"),
        (
            {"last": None, "practitioner": None, "surgery": None, "unread_count": None},
            "Rash · perhaps unread · open",
        ),
    ],
)
def test_a_thread_is_one_line_to_pick_from(changes, label):
    words = thread_label(replace(THREAD, **changes), TimeFormat(NOW))
    assert words.replace("yesterday, ", "").replace(" Europe/Oslo (17:05 here)", "") == label


@pytest.mark.parametrize(
    ("size", "words"),
    [(None, ""), (0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (12_345, "12 kB"),
     (999_400, "999 kB"), (3_400_000, "3.4 MB")],
)  # fmt: skip
def test_sizes_have_their_words(size, words):
    assert format_size(size) == words


@pytest.mark.parametrize(
    ("attachment", "words"),
    [
        (PHOTO, "m-1.1  rash.jpg (image/jpeg, 12 kB)"),
        (replace(PHOTO, size=None), "m-1.1  rash.jpg (image/jpeg)"),
        (Attachment("m-1.1", None, None, None, b"7"), "m-1.1  (no name)"),
        (
            Attachment("m-1.1", "Observation/o-1", None, None),
            "m-1.1  Observation/o-1 (no content that gpcli can fetch)",
        ),
    ],
)
def test_an_attachment_is_named_by_its_id_as_save_takes_it(attachment, words):
    assert format_attachment(attachment, "Europe/Oslo", TimeFormat(NOW)) == words


def show_conversation(make_output, conversation, **surroundings):
    """A conversation as `messages show` shows it."""
    shown = make_output(**surroundings)
    shown.output.show_item(CONVERSATION, conversation)
    for message in conversation.messages if shown.output.is_text else ():
        shown.output.show_separator()
        shown.output.show_item(messages_view("Europe/Oslo"), message, text=message.text)
    return shown.stdout_text


def test_a_conversation_is_its_head_then_each_message_with_its_text_set_in(make_output):
    assert show_conversation(make_output, TALK, tty=True) == (
        "ID        t-1\n"
        "Subject   Rash\n"
        "Kind      e-consultation\n"
        "Status    open\n"
        "Unread    1\n"
        "Messages  2\n"
        "Last      yesterday, Sun 22 Nov 18:05\n"
        "Started   Fri 20 Nov 18:05\n"
        "With      Dr. Ingrid Haugland\n"
        "Surgery   Solbakken legesenter\n"
        "\n"
        "From      Ada Solberg\n"
        "Sent      Fri 20 Nov 18:05\n"
        "Attached  m-1.1  rash.jpg (image/jpeg, 12 kB)\n"
        "\n"
        "  It itches.\n"
        "\n"
        "From      Dr. Ingrid Haugland (unread)\n"
        "Sent      Fri 20 Nov 18:05\n"
        "\n"
        "  Use a cream.\n"
    )


FACTS = (
    "status:\tcompleted\ntext_from:\t\nsender_type:\t\nsent_date:\t\npriority:\t\n"
    "status_reason:\t\nreasons:\t\nabout:\t\nmedium:\t\nnotes:\t\nunreadable:\t0\n"
)


def test_a_conversation_in_plain_lines_sets_each_part_off(make_output):
    assert show_conversation(make_output, TALK).split("--\n")[1:] == [
        "id:\tm-1\nthread_id:\tt-1\nsender:\tAda Solberg\nsent:\t2026-11-20T18:05:00+01:00\n"
        "mine:\ttrue\nunread:\tfalse\nattachments:\tm-1.1\nin_response_to:\t\n" + FACTS,
        "It itches.\n",
        "id:\tm-2\nthread_id:\tt-1\nsender:\tDr. Ingrid Haugland\n"
        "sent:\t2026-11-20T18:05:00+01:00\nmine:\tfalse\nunread:\ttrue\nattachments:\t\n"
        "in_response_to:\tm-1\n" + FACTS,
        "Use a cream.\n",
    ]


def test_a_conversation_in_json_is_the_thread_and_all_of_its_messages(make_output):
    answer = json.loads(show_conversation(make_output, TALK, format=Format.JSON))
    assert list(answer) == ["thread", "messages", "notes", "reasons", "about"]
    assert answer["messages"][0] == {
        "id": "m-1",
        "thread_id": "t-1",
        "sent": "2026-11-20T18:05:00+01:00",
        "sender": "Ada Solberg",
        "mine": True,
        "unread": False,
        "text": "It itches.",
        "attachments": [
            {
                "id": "m-1.1",
                "title": "rash.jpg",
                "content_type": "image/jpeg",
                "size": 12345,
                "created": None,
                "status": None,
                "document_status": None,
                "relations": [],
            }
        ],
        "in_response_to": None,
        "status": "completed",
        "text_from": [],
        "sender_type": None,
        "sent_date": None,
        "priority": None,
        "status_reason": None,
        "reasons": [],
        "about": [],
        "medium": [],
        "notes": [],
        "unreadable": 0,
    }


@pytest.mark.parametrize(
    ("message", "sender"),
    [
        (replace(QUESTION, sender=None), "you"),
        (replace(ANSWER, sender=None, sender_type="PractitionerRole"), "the surgery (unread)"),
        (replace(ANSWER, sender=None, sender_type="Organization", unread=False), "the surgery"),
        (replace(ANSWER, sender=None, sender_type="Device", unread=False), "(a Device, not named)"),
        (replace(ANSWER, sender=None, unread=False), "(not named)"),
        (
            replace(ANSWER, sender=None, mine=None, unread=None),
            "(not named) (unread or not: not told)",
        ),
    ],
)
def test_a_sender_without_a_name_is_called_what_the_portal_tells_of_it(
    make_output, message, sender
):
    shown = make_output(tty=True)
    shown.output.show_item(messages_view("Europe/Oslo"), message)
    assert shown.stdout_text.splitlines()[0].split(maxsplit=1) == ["From", sender]


HOSTILE_TALK = Conversation(
    replace(
        THREAD,
        subject=HOSTILE,
        kind=HOSTILE,
        status=HOSTILE,
        closed_because=HOSTILE,
        practitioner=HOSTILE,
        surgery=HOSTILE,
    ),
    (
        replace(
            ANSWER,
            sender=HOSTILE,
            text=HOSTILE,
            attachments=(Attachment(HOSTILE, HOSTILE, HOSTILE, 1),),
        ),
    ),
)


@pytest.mark.parametrize("width", [30, 80, 200])
def test_at_a_terminal_nothing_hostile_gets_through_and_nothing_passes_for_a_label(
    make_output, width
):
    shown = show_conversation(make_output, HOSTILE_TALK, tty=True, width=width)
    assert RAW.isdisjoint(shown)
    assert [line for line in shown.splitlines() if line.startswith("ID")] == ["ID        t-1"]


@pytest.mark.parametrize("format", [Format.PLAIN, Format.JSON, Format.NDJSON])
def test_in_a_script_nothing_hostile_gets_through(make_output, format):
    shown = show_conversation(make_output, HOSTILE_TALK, format=format)
    assert (RAW - {"\t"}).isdisjoint(shown)


@pytest.mark.parametrize("format", [Format.TABLE, Format.PLAIN])
def test_hostile_lists_and_receipts_are_harmless(make_output, format):
    shown = make_output(format=format, tty=True)
    [message] = HOSTILE_TALK.messages
    receipt = MessageReceipt.of(message, build_receipt(patient=Person("ada", HOSTILE)))
    shown.output.show_list(THREADS, [HOSTILE_TALK.thread])
    shown.output.show_item(THREAD_RECEIPT, ThreadReceipt.of(HOSTILE_TALK.thread, build_receipt()))
    shown.output.show_list(message_receipts_view("Europe/Oslo"), [receipt])
    shown.output.show_list(SAVED, [Saved("m-1.1", HOSTILE, HOSTILE, 1)])
    assert (RAW - {"\t"}).isdisjoint(shown.stdout_text)


def test_a_thread_receipt_has_the_thread_and_how_sending_went(make_output):
    shown = make_output(format=Format.JSON)
    shown.output.show_item(
        THREAD_RECEIPT, ThreadReceipt.of(THREAD, build_receipt(acting_user=GURO))
    )
    answer = json.loads(shown.stdout_text)
    assert {name: answer[name] for name in list(answer)[-7:]} == {
        "changed": True,
        "dry_run": False,
        "request_id": "r-1",
        "patient": {"id": "ada", "name": "Ada Solberg"},
        "acting_user": {"id": "guro", "name": "Guro Holm"},
        "plan_id": None,
        "plan_until": None,
    }
    assert (answer["id"], answer["status"]) == ("t-1", "in-progress")


@pytest.mark.parametrize(("identity", "status"), [("m-1", "completed"), (None, "preparation")])
def test_a_message_receipt_has_a_status_too(make_output, identity, status):
    shown = make_output(format=Format.JSON)
    receipt = MessageReceipt.of(replace(QUESTION, id=identity), build_receipt())
    shown.output.show_item(message_receipts_view("Europe/Oslo"), receipt)
    answer = json.loads(shown.stdout_text)
    assert (answer["id"], answer["status"], answer["text"]) == (identity, status, "It itches.")


@pytest.mark.parametrize(
    ("format", "subjects", "told"),
    [
        (Format.TABLE, {"t-1": "Rash"}, "Thread    Rash  t-1\n"),
        (Format.ACCESSIBLE, {"t-1": "Rash"}, "Thread: Rash, t-1\n"),
        (Format.TABLE, {"t-2": "Mole"}, "Thread    t-1\n"),
        (Format.PLAIN, {"t-1": "Rash"}, "thread_id:\tt-1\n"),
    ],
)
def test_a_message_receipt_names_its_thread_to_a_person_by_its_subject(
    make_output, format, subjects, told
):
    shown = make_output(format=format, tty=True, width=80)
    view = message_receipts_view("Europe/Oslo", subjects)
    shown.output.show_item(view, MessageReceipt.of(QUESTION, build_receipt()))
    assert told in shown.stdout_text


def test_saved_files_are_a_line_each(make_output):
    shown = make_output()
    shown.output.show_list(SAVED, [Saved("m-1.1", "here/rash.jpg", "image/jpeg", 12_345)])
    assert shown.stdout_text == "m-1.1\there/rash.jpg\timage/jpeg\t12345\n"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("One\n--\nTwo", "One\n\\--\nTwo"),
        ("--", "\\--"),
        ("\\--\n--\r\n", "\\\\--\n\\--\r\n"),
        ("-- \n --\n---\na --\n\\-", "-- \n --\n---\na --\n\\-"),
    ],
)
def test_in_plain_lines_no_line_of_a_text_passes_for_the_one_that_divides(text, plain):
    assert escape_separators(text) == plain


@pytest.mark.parametrize("format", [Format.PLAIN, Format.JSON])
def test_the_fields_of_a_conversation_in_json_are_there_in_plain_lines_too(make_output, format):
    shown = make_output(format=format, fields=("thread", "messages"))
    shown.output.show_item(CONVERSATION, TALK)
    plain = "thread:\tt-1\nmessages:\tm-1,m-2\n"
    assert shown.stdout_text == plain if format is Format.PLAIN else '"thread"' in shown.stdout_text


def test_a_field_that_json_has_inside_the_thread_is_pointed_to(make_output):
    shown = make_output(format=Format.JSON, fields=("subject",))
    with pytest.raises(InvalidUsage) as refused:
        shown.output.show_item(CONVERSATION, TALK)
    assert "thread" in refused.value.message + refused.value.hint


NOT_SHOWN = "(something is here that gpcli can't show: ask who sent it)"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"text": "Hei"}, "Hei"),
        ({"text": ""}, "(no text, and nothing is attached)"),
        ({"text": " ", "attachments": (PHOTO,)}, "(no text: what it says is in what is attached)"),
        (
            {"text": "", "attachments": (EMPTY, PHOTO), "unreadable": 1},
            "(no text: what it says is in what is attached)",
        ),
        ({"text": "", "attachments": (EMPTY,)}, NOT_SHOWN),
        ({"text": "", "unreadable": 1}, NOT_SHOWN),
        ({"text": "Hei", "unreadable": 1}, "Hei"),
        (
            {"text": "", "status": "entered-in-error"},
            "(withdrawn by the sender: its text is not shown)",
        ),
    ],
)
def test_a_message_is_never_shown_as_nothing(changes, text):
    assert message_text(replace(ANSWER, **changes)) == text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("completed", None),
        ("in-progress", None),
        ("preparation", "not sent yet"),
        ("not-done", "never sent"),
        ("on-hold", "on hold"),
        ("stopped", "stopped before it was complete"),
        ("entered-in-error", "withdrawn by the sender"),
        ("unknown", "unknown"),
        ("brand-new", "brand-new"),
    ],
)
def test_what_became_of_a_message_is_said_where_it_does_not_go_without_saying(
    make_output, status, words
):
    shown = make_output(tty=True)
    shown.output.show_item(messages_view("Europe/Oslo"), replace(ANSWER, status=status))
    lines = [line.split(maxsplit=1) for line in shown.stdout_text.splitlines()]
    assert dict(lines).get("Status") == words


def test_a_message_says_all_that_its_sender_says(make_output):
    shown = make_output(tty=True, width=80)
    message = replace(
        ANSWER,
        sent=None,
        sent_date="2026-11-20",
        priority="asap",
        status_reason="Sent twice",
        reasons=("Follow-up",),
        about=("Blood test",),
        medium=("written",),
        notes=(MessageNote("Ring us"), MessageNote("Soon", "Ida Nordli", "2026-11-21T10:00:00Z")),
        text_from=("m-2.1",),
    )
    shown.output.show_item(messages_view("Europe/Oslo"), message)
    assert [line.split(maxsplit=1) for line in shown.stdout_text.splitlines()] == [
        ["From", "Dr. Ingrid Haugland (unread)"],
        ["Sent", "2026-11-20"],
        ["In", "file   m-2.1"],
        ["Priority", "as soon as possible"],
        ["Because", "Sent twice"],
        ["Reason", "Follow-up"],
        ["About", "Blood test"],
        ["Medium", "written"],
        ["Note", "Ring us"],
        ["Soon", "(Ida Nordli, Sat 21 Nov)"],
    ]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "completed", "is_message": True}, "sent"),
        ({"status": "not-done", "kind": "notification"}, "not done"),
        ({"status": "entered-in-error", "is_message": True}, "withdrawn"),
    ],
)
def test_a_message_that_stands_alone_is_not_called_closed_or_refused(changes, words):
    assert format_thread_status(replace(THREAD, **changes)) == words


def test_a_priority_is_in_the_table_where_there_is_one(make_output):
    shown = make_output(tty=True, width=140)
    shown.output.show_list(THREADS, [THREAD, replace(THREAD, id="t-2", priority="urgent")])
    shared, header, *_, urgent = shown.stdout_text.splitlines()
    assert (shared, header.split()[-1]) == ("Dr. Ingrid Haugland", "Priority")
    assert urgent.split()[-1] == "urgent"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"created": "2026-01-02T23:30:00Z"}, "Sat 3 Jan"),
        ({"status": "current", "document_status": "final"}, "12 kB"),
        ({"status": "superseded"}, "superseded"),
        ({"status": "current", "document_status": "preliminary"}, "preliminary"),
        ({"status": "entered-in-error", "relations": ("replaces x",)}, "withdrawn"),
        ({"document_status": "entered-in-error"}, "withdrawn"),
        ({"relations": ("replaces DocumentReference/1",)}, "replaces DocumentReference/1"),
    ],
)
def test_an_attachment_says_what_became_of_its_document(changes, words):
    shown = format_attachment(replace(PHOTO, **changes), "Europe/Oslo", TimeFormat(NOW))
    assert shown.removesuffix(")").split(", ")[-1] == words


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        (
            {"text": "Hei.\n\n> before\r\nTakk"},
            ["# All below is left out too. Kari Berg, Fri 20 Nov 18:05:",
             "> Hei.", ">", "> > before", "> Takk"],
        ),
        (
            {"text": "", "sender_type": "Patient", "sent": None, "sent_date": "2026-11"},
            ["# All below is left out too. Kari Berg, 2026-11:",
             "> (no text, and nothing is attached)"],
        ),
        (
            {"text": "x" * (MAX_QUOTED + 1), "sent": None},
            ["# All below is left out too. Kari Berg:",
             "> " + "x" * MAX_QUOTED, "> … the rest: gpcli messages show t-1"],
        ),
        (
            {"text": "\x1b[2J\x85\u2028# ---", "sent": None},
            ["# All below is left out too. Kari Berg:", "> \\x1b[2J\\u0085\\u2028# ---"],
        ),
    ],
)  # fmt: skip
def test_a_message_is_quoted_with_who_wrote_it_and_when(changes, lines):
    first, *rest = quote_message(
        replace(ANSWER, sender="Kari Berg", **changes), "Europe/Oslo", TimeFormat(NOW)
    )
    assert [first.replace(" Europe/Oslo (17:05 here)", ""), *rest] == lines
