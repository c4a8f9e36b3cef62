"""Messages as real servers send them: what nobody tells of them is said to be unknown."""

from __future__ import annotations

import pytest

from tests.journeys.reported_practice import PATIENT, an_outcome, message, narrow, shell_with

GP = {"reference": "Practitioner/gp"}
UNDECIDED = "the portal does not tell whether they are asked for: c1."


@pytest.mark.parametrize(
    ("elements", "unread"),
    [
        ({}, True),
        ({"recipient": None}, True),
        ({"recipient": []}, True),
        ({"recipient": None, "received": "2027-02-21T09:00:00Z"}, False),
        ({"recipient": None, "sender": PATIENT}, False),
        ({"recipient": [GP]}, False),
        ({"sender": None}, True),
        ({"recipient": None, "sender": None}, None),
        ({"recipient": None, "sender": {"display": "A nurse"}}, None),
        ({"recipient": [{"display": "Tone"}]}, None),
    ],
)
def test_what_is_unread_is_counted_and_what_nobody_tells_is_named(tmp_path, elements, unread):
    shell = shell_with(tmp_path, message(**elements))
    counted = shell("gpcli messages list --unread --count")
    assert (counted.code, counted.out) == (0, f"{int(unread or 0)}\n")
    assert (UNDECIDED in counted.err) is (unread is None)
    (listed,) = shell("gpcli messages list --json").json
    (shown,) = shell("gpcli messages show c1 --json").json["messages"]
    assert listed["unread_count"] == (None if unread is None else int(unread))
    assert shown["unread"] is unread


def test_a_person_is_told_that_nobody_knows_whether_it_was_read(tmp_path):
    shell = narrow(shell_with(tmp_path, message(recipient=None, sender=None)))
    assert "not told" in shell("gpcli messages list").out
    assert "(not named) (unread or not: not told)" in shell("gpcli messages show c1").out
    plan = shell("gpcli messages mark-read --all --dry-run").err
    assert "Thread   Your test (c1): 1 not known to be read" in plan


def test_what_is_marked_at_a_gp_names_the_threads_that_do_not_tell_whose_they_are(tmp_path):
    shell = shell_with(tmp_path, message(recipient=None, sender=None))
    assert UNDECIDED in shell("gpcli messages mark-read --all --gp Nordli --dry-run").err


@pytest.mark.parametrize(
    ("payload", "words", "code"),
    [
        ([{"contentString": 7}], "something is here that gpcli can't show", 8),
        ([{"contentString": ["a"]}], "something is here that gpcli can't show", 8),
        (["words"], "something is here that gpcli can't show", 8),
        ("words", "something is here that gpcli can't show", 8),
        ([{}], "something is here that gpcli can't show", 8),
        ([{"contentReference": {}}], "something is here that gpcli can't show", 8),
        ([{"contentReference": {"reference": "#x"}}], "something is here that gpcli can't", 8),
        (
            [{"contentReference": {"reference": "Observation/o"}}],
            "Observation/o (no content that gpcli can fetch)",
            0,
        ),
        ([{"contentAttachment": {"title": "a"}}], "something is here that gpcli can't show", 0),
        ([{"contentString": "Hi"}, {}], "1 part of it, which gpcli can't read", 8),
        ([{"contentString": " "}], "(no text, and nothing is attached)", 0),
    ],
)
def test_what_can_not_be_shown_of_a_message_is_said_to_be_there(tmp_path, payload, words, code):
    ending = narrow(shell_with(tmp_path, message(payload=payload)))("gpcli messages show c1")
    assert (ending.code, words in ending.out) == (code, True)
    assert ("nothing is attached" in ending.out) is ("nothing is attached" in words)


@pytest.mark.parametrize(
    ("filters", "elements"),
    [
        ("--from 2027-01-01", {"sent": None}),
        ("--from 2027-02-01", {"sent": "2027"}),
        ("--with Nordli", {"sender": None}),
        ("--gp Nordli", {"sender": None}),
        ("--kind administrative", {"category": None}),
        ("--kind administrative", {"category": [{"text": "Letter"}]}),
        ("--unread", {"sender": None, "recipient": None}),
    ],
)
def test_a_thread_that_tells_too_little_for_a_filter_is_named_and_not_shown(
    tmp_path, filters, elements
):
    shell = shell_with(tmp_path, message(**elements))
    ending = shell(f"gpcli messages list {filters} --plain")
    assert (ending.code, ending.out, UNDECIDED in ending.err) == (0, "", True)
    assert [row[0] for row in shell("gpcli messages list --plain").rows] == ["c1"]


def part_of(identity, day, **elements):
    """A message of that day in the thread of another one."""
    return message(id=identity, sent=f"2027-02-{day}T09:00:00Z", **elements)


def in_thread(header):
    """What makes a message part of a thread."""
    return {"partOf": [{"reference": f"Communication/{header}"}]}


@pytest.mark.parametrize(
    ("records", "shown", "flaw"),
    [
        (
            [part_of("c1", 20, **in_thread("gone")), part_of("c2", 21, **in_thread("gone"))],
            2,
            "Communication/gone: the header of a thread did not come along",
        ),
        (
            [
                message(id="c0", payload=None),
                part_of("c1", 20, **in_thread("c0")),
                part_of("c2", 21, **in_thread("c1")),
            ],
            1,
            "Communication/c1: what is part of a message belongs to no thread",
        ),
    ],
)
def test_that_the_thread_of_a_message_can_not_be_told_is_said(tmp_path, records, shown, flaw):
    ending = shell_with(tmp_path, *records)("gpcli messages list --json")
    assert ending.code == 8
    assert sum(each["message_count"] for each in ending.json) == shown
    assert [each["warning"]["message"] for each in ending.stderr_json[:-1]] == [f"Left out: {flaw}"]


def test_messages_that_answer_each_other_are_one_thread(tmp_path):
    def answers(other):
        return {"inResponseTo": [{"reference": f"Communication/{other}"}]}

    shell = shell_with(
        tmp_path, part_of("c1", 21, **answers("c2")), part_of("c2", 20, **answers("c1"))
    )
    assert [row[0] for row in shell("gpcli messages list --plain").rows] == ["c1"]
    shown = shell("gpcli messages show c1 --json")
    assert (shown.code, {each["id"] for each in shown.json["messages"]}) == (0, {"c1", "c2"})


@pytest.mark.parametrize(
    ("second", "unplaced"),
    [
        ({}, None),
        ({"sent": "2027-02"}, None),
        ({"sent": None, "received": "2027-02-21T09:00:00Z"}, None),
        ({"sent": None, "inResponseTo": [{"reference": "Communication/c1"}]}, None),
        ({"sent": None}, "c2"),
        ({"sent": "soon"}, "c2"),
    ],
)
def test_a_message_whose_place_in_its_thread_nothing_tells_is_named(tmp_path, second, unplaced):
    header = message(id="c0", payload=None)
    members = (part_of("c1", 20, **in_thread("c0")), part_of("c2", 21, **in_thread("c0")) | second)
    ending = shell_with(tmp_path, header, *members)("gpcli messages show c0")
    assert ("may stand in the wrong place: c2." in ending.err) is (unplaced == "c2")


def test_a_message_alone_stands_in_no_wrong_place(tmp_path):
    ending = shell_with(tmp_path, message(sent=None))("gpcli messages show c1")
    assert (ending.code, ending.err) == (0, "")


def document(**elements):
    """A file in a record of its own."""
    attachment = {"contentType": "image/png", "title": "a.png", "url": "Binary/b"}
    return {
        "resourceType": "DocumentReference",
        "id": "d",
        "status": "current",
        "content": [{"attachment": attachment}],
        **elements,
    }


IN_DOCUMENT = message(payload=[{"contentReference": {"reference": "DocumentReference/d"}}])


@pytest.mark.parametrize(
    "withdrawn", [{"status": "entered-in-error"}, {"docStatus": "entered-in-error"}]
)
def test_a_file_that_was_withdrawn_is_said_to_be_and_not_saved(tmp_path, withdrawn):
    shell = shell_with(tmp_path, IN_DOCUMENT, document(**withdrawn))
    assert "c1.1  a.png (image/png, withdrawn)" in narrow(shell)("gpcli messages show c1").out
    everything = shell(f"gpcli messages save c1 --to {tmp_path}")
    assert (everything.code, everything.out) == (0, "")
    assert "c1.1 was withdrawn and is not saved." in everything.err
    named = shell(f"gpcli messages save c1 c1.1 --to {tmp_path} --json")
    assert named.refused == (3, "not_found", "")
    assert named.error["message"].startswith("c1.1 was withdrawn")
    assert not list(tmp_path.glob("*.png"))


@pytest.mark.parametrize(("status", "code"), [(404, "not-found"), (410, "deleted")])
@pytest.mark.parametrize("gone", ["Binary/b", "DocumentReference/d"])
def test_a_file_that_is_gone_is_not_found_and_the_others_are_saved(tmp_path, status, code, gone):
    records = (document(),) if gone.startswith("Binary") else ()
    kept = {"contentType": "text/plain", "title": "b.txt", "data": "SGVp"}
    both = message(payload=[*IN_DOCUMENT["payload"], {"contentAttachment": kept}])

    def refuse(path, fields):
        return (status, an_outcome(code)) if path == gone else None

    shell = shell_with(tmp_path, both, *records, refuse=refuse)
    alone = shell(f"gpcli messages save c1 c1.1 --to {tmp_path} --json")
    assert alone.refused == (3, "not_found", "")
    ending = shell(f"gpcli messages save c1 --to {tmp_path} --json")
    assert (ending.code, [each["id"] for each in ending.json]) == (8, ["c1.2"])
    assert (tmp_path / "b.txt").read_bytes() == b"Hei"
