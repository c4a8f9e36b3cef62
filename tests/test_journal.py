import json
import os
import resource
import stat
import subprocess
import sys
from contextlib import contextmanager
from datetime import datetime, timedelta
from multiprocessing import get_context
from uuid import UUID, uuid4

import pytest

from gpcli.errors import ConfigError
from gpcli.journal import CommandRequest, Journal, JournalEntry

INTENT = UUID("11111111-2222-4333-8444-555555555555")
OTHER = UUID("66666666-7777-4888-8999-aaaaaaaaaaaa")
BEGAN, ENDED = "2026-12-01T09:00:00+01:00", "2026-12-01T09:00:02+01:00"


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def journal(directory):
    return Journal(directory, "home", "hash-of-the-account")


def events(directory):
    text = (directory / "journal.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line]


def read_states(journal):
    return [(entry.intent, entry.state) for entry in journal.read_entries()]


def test_a_journal_that_was_never_written_is_empty_and_makes_no_file(journal, directory):
    assert journal.read_entries() == []
    assert not directory.exists()


def test_a_write_is_on_disk_before_it_leaves(journal, directory):
    journal.record_sending(INTENT, "Appointment", BEGAN)

    (event,) = events(directory)
    assert event == {
        "intent": str(INTENT),
        "request": str(INTENT),
        "command": "",
        "profile": "home",
        "account": "hash-of-the-account",
        "resource_type": "Appointment",
        "target": None,
        "effect": None,
        "whole": [],
        "time_limit": 0.0,
        "process": os.getpid(),
        "state": "sending",
        "at": BEGAN,
    }


def test_a_write_has_the_request_that_repeats_it_and_what_shows_that_it_was_done(directory):
    request = CommandRequest(OTHER, "messages mark-read")
    journal = Journal(directory, "home", "hash", lambda: request)

    journal.record_sending(
        INTENT,
        "Communication",
        BEGAN,
        target="Communication/m-1",
        effect={"received": ()},
        whole=(INTENT, OTHER),
        time_limit=30,
    )

    (entry,) = journal.read_entries()
    assert (entry.request, entry.command, entry.kind) == (OTHER, "messages mark-read", "update")
    assert (entry.effect, entry.whole) == ({"received": []}, (INTENT, OTHER))
    assert (entry.began, entry.at, entry.time_limit) == (BEGAN, BEGAN, 30)


def test_every_event_is_one_line_and_is_synced_to_the_disk(journal, directory, monkeypatch):
    sizes = []
    sync = os.fsync

    def record(handle):
        sizes.append(os.fstat(handle).st_size)
        sync(handle)

    monkeypatch.setattr(os, "fsync", record)
    journal.record_sending(INTENT, "Appointment", BEGAN)
    journal.record_state(INTENT, "done", ENDED)

    lines = (directory / "journal.jsonl").read_bytes().splitlines(keepends=True)
    assert sizes == [len(lines[0]), len(lines[0]) + len(lines[1])]


@pytest.mark.parametrize("state", ["done", "refused", "not_sent", "unknown"])
def test_a_write_has_its_last_state_and_time(journal, state):
    journal.record_sending(INTENT, "Appointment", BEGAN, target="Appointment/app-1")

    journal.record_state(INTENT, state, ENDED)

    assert journal.read_entries() == [
        JournalEntry(
            intent=INTENT,
            request=INTENT,
            command="",
            profile="home",
            account="hash-of-the-account",
            resource_type="Appointment",
            target="Appointment/app-1",
            effect=None,
            whole=(),
            state=state,
            at=ENDED,
            began=BEGAN,
            process=os.getpid(),
        )
    ]


OPEN = ["sending", "unknown"]
EFFECTS = [(None, True), ({"status": ["cancelled"]}, True), ({}, False)]


@pytest.mark.parametrize("state", [*OPEN, "done", "refused", "not_sent", "not_done"])
@pytest.mark.parametrize(
    ("effect", "lasts"), [(None, True), ({"status": ["x"]}, True), ({}, False)]
)
def test_a_write_is_open_until_it_is_known_what_became_of_it(journal, state, effect, lasts):
    journal.record_sending(INTENT, "Appointment", BEGAN, effect=effect)
    journal.record_state(INTENT, state, ENDED)

    (entry,) = journal.read_entries()
    assert entry.is_open is (lasts and state in OPEN)


@pytest.mark.parametrize(
    ("state", "minutes", "left"),
    [
        ("sending", 9, 2),
        ("sending", 11, None),
        ("sending", -10.5, 21.5),
        ("sending", -12, None),
        ("unknown", 9, 1),
        ("unknown", 10, None),
        ("done", 1, None),
        ("not_done", 1, None),
    ],
)
def test_the_portal_may_carry_it_out_for_ten_minutes_after_the_time_limit(
    journal, state, minutes, left
):
    journal.record_sending(INTENT, "Appointment", BEGAN, time_limit=60)
    journal.record_state(INTENT, state, BEGAN)

    (entry,) = journal.read_entries()
    time_left = entry.time_left(datetime.fromisoformat(BEGAN) + timedelta(minutes=minutes))
    assert time_left == (None if left is None else timedelta(minutes=left))


def test_a_time_that_gpcli_did_not_write_leaves_no_time(journal):
    journal.record_sending(INTENT, "Appointment", "yesterday")

    (entry,) = journal.read_entries()
    assert entry.time_left(datetime.fromisoformat(BEGAN)) is None


@pytest.mark.parametrize(
    ("process", "state", "minutes", "is_under_way"),
    [
        ("alive", "sending", 1, True),
        ("alive", "unknown", 1, False),
        ("alive", "sending", 30, False),  # its number may be another's by now
        ("ended", "sending", 1, False),
        ("own", "sending", 1, False),
        ("none", "sending", 1, False),
        ("text", "sending", 1, False),
    ],
)
def test_what_another_process_is_sending_is_under_way(
    journal, directory, process, state, minutes, is_under_way
):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        numbers = {"alive": other.pid, "own": os.getpid(), "none": None, "text": "1"}
        if process == "ended":
            other.kill()
            other.wait()
        journal.record_sending(INTENT, "Appointment", BEGAN)
        (event,) = events(directory)
        changed = {**event, "state": state, "process": numbers.get(process, other.pid)}
        (directory / "journal.jsonl").write_text(json.dumps(changed) + "\n")

        (entry,) = journal.read_entries()
        now = datetime.fromisoformat(BEGAN) + timedelta(minutes=minutes)
        assert entry.is_under_way(now) is is_under_way
        other.kill()


def test_a_line_of_the_first_release_is_still_read(journal, directory):
    journal.record_sending(INTENT, "Appointment", BEGAN)
    (event,) = events(directory)
    old = ("intent", "profile", "account", "resource_type", "target", "state", "at")
    line = {key: event[key] for key in old} | {"kind": "create", "digest": "00"}
    (directory / "journal.jsonl").write_text(json.dumps(line) + "\n")

    (entry,) = journal.read_entries()
    assert (entry.request, entry.command, entry.is_open) == (INTENT, "", True)


def test_of_a_long_journal_the_end_can_be_read_alone(journal, directory):
    journal.record_sending(OTHER, "Appointment", BEGAN)
    with (directory / "journal.jsonl").open("a") as stream:
        stream.write(" " * 300_000 + "\n")
    journal.record_sending(INTENT, "Appointment", BEGAN)

    assert [each.intent for each in journal.read_entries(recent=True)] == [INTENT]
    assert [each.intent for each in journal.read_entries()] == [OTHER, INTENT]


def test_writes_are_told_apart_and_stand_in_order(journal):
    journal.record_sending(INTENT, "Appointment", BEGAN)
    journal.record_sending(OTHER, "Appointment", BEGAN)
    journal.record_state(OTHER, "done", ENDED)

    assert read_states(journal) == [(INTENT, "sending"), (OTHER, "done")]


def test_the_same_write_tried_again_is_under_way_again(journal):
    journal.record_sending(INTENT, "Appointment", BEGAN)
    journal.record_state(INTENT, "unknown", ENDED)
    journal.record_sending(INTENT, "Appointment", ENDED)

    assert read_states(journal) == [(INTENT, "sending")]


@pytest.mark.parametrize("state", ["done", "refused", "not_sent", "unknown"])
def test_what_was_before_a_write_that_did_not_leave_stands_again(journal, state):
    journal.record_sending(INTENT, "Appointment", BEGAN)
    journal.record_state(INTENT, state, BEGAN)
    journal.record_sending(INTENT, "Appointment", ENDED)

    journal.record_not_sent(INTENT, ENDED)

    (entry,) = journal.read_entries()
    assert (entry.state, entry.at) == (state, BEGAN)


def test_a_first_write_that_did_not_leave_was_not_sent(journal):
    journal.record_sending(OTHER, "Appointment", BEGAN)
    journal.record_sending(INTENT, "Appointment", BEGAN)

    journal.record_not_sent(INTENT, ENDED)

    assert read_states(journal) == [(OTHER, "sending"), (INTENT, "not_sent")]


def test_a_write_that_a_crash_cut_short_is_still_under_way_after_one_that_did_not_leave(journal):
    journal.record_sending(INTENT, "Appointment", BEGAN)
    journal.record_sending(INTENT, "Appointment", ENDED)

    journal.record_not_sent(INTENT, ENDED)

    (entry,) = journal.read_entries()
    assert (entry.state, entry.at) == ("sending", BEGAN)


@pytest.mark.parametrize(("alone", "is_left"), [(False, True), (True, False)])
def test_a_change_that_was_not_sent_is_left_to_do_while_another_write_counts_only_with_it(
    journal, alone, is_left
):
    visit = {"target": "Appointment/a-1", "effect": {"status": ("cancelled",)}}
    journal.record_sending(INTENT, "Appointment", BEGAN, **visit, whole=(OTHER, INTENT))

    journal.record_not_sent(INTENT, ENDED, alone=alone)

    (entry,) = journal.read_entries()
    assert (entry.state, entry.is_left, entry.is_open) == ("not_sent", is_left, False)
    assert entry.whole == (() if alone else (OTHER, INTENT))


def test_one_write_is_found_by_its_intent(journal):
    journal.record_sending(OTHER, "Appointment", BEGAN, target="Appointment/app-1")

    assert (journal.find_entry(INTENT), journal.find_entry(OTHER)) == (
        None,
        *journal.read_entries(),
    )


def test_a_journal_that_can_not_be_read_is_told(journal, directory):
    (directory / "journal.jsonl").mkdir(parents=True)

    with pytest.raises(ConfigError, match=r"journal\.jsonl is not a file"):
        journal.find_entry(INTENT)


def test_files_and_directory_are_their_owners_only(journal, directory):
    before = os.umask(0)
    try:
        journal.record_sending(INTENT, "Appointment", BEGAN)
    finally:
        os.umask(before)

    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in directory.iterdir()}
    assert modes == {"journal.jsonl": 0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def block_the_directory(directory):
    directory.write_text("in the way", encoding="utf-8")


def block_the_file(directory):
    (directory / "journal.jsonl").mkdir(parents=True)


@pytest.mark.parametrize("block", [block_the_directory, block_the_file])
def test_what_can_not_be_journaled_is_not_sent(journal, directory, block):
    block(directory)

    with pytest.raises(ConfigError) as raised:
        journal.record_sending(INTENT, "Appointment", BEGAN)

    assert str(directory) in raised.value.message
    assert raised.value.message.endswith(
        "Nothing was sent: gpcli sends nothing that it could lose track of."
    )
    assert "GPCLI_CONFIG_DIR" in raised.value.hint


@pytest.mark.parametrize("mode", [0o644, 0o666, 0o640])
def test_rights_of_others_to_the_journal_and_its_directory_are_taken_away(journal, directory, mode):
    journal.record_sending(INTENT, "Appointment", BEGAN)
    file = directory / "journal.jsonl"
    for use in (
        lambda: journal.read_entries(),
        lambda: journal.record_state(INTENT, "done", ENDED),
    ):
        file.chmod(mode)
        directory.chmod(0o755)

        use()

        modes = [stat.S_IMODE(each.stat().st_mode) for each in (file, directory)]
        assert modes == [0o600, 0o700]


def test_a_journal_behind_a_link_is_neither_read_nor_written(journal, directory, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("mine\n")
    directory.mkdir()
    (directory / "journal.jsonl").symlink_to(other)

    for use in (
        lambda: journal.read_entries(),
        lambda: journal.record_sending(INTENT, "Appointment", BEGAN),
    ):
        with pytest.raises(ConfigError, match="is a symbolic link"):
            use()
    assert other.read_text() == "mine\n"


@contextmanager
def room_for(size):
    """Files can grow to `size` bytes: what goes beyond is cut off, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_full_halfway_through_a_line_is_noticed(journal, directory):
    with room_for(100), pytest.raises(ConfigError, match="No space left"):
        journal.record_sending(INTENT, "Appointment", BEGAN)

    journal.record_sending(OTHER, "Appointment", BEGAN)
    assert read_states(journal) == [(OTHER, "sending")]


def test_what_was_done_stays_done_though_its_end_can_not_be_journaled(journal, directory):
    journal.record_sending(INTENT, "Appointment", BEGAN)
    size = (directory / "journal.jsonl").stat().st_size

    with room_for(size + 10):
        journal.record_state(INTENT, "done", ENDED)

    assert read_states(journal) == [(INTENT, "sending")]


TORN = '{"intent":"99999999-2222-4333-8444-555555555555","kind":"cre'


@pytest.mark.parametrize(
    "tail",
    [
        TORN,
        TORN + "\n",
        '{"intent":"99999999-2222-4333-8444-555555555555"}\n',
        '{"intent":"no uuid"}\n',
        '{"intent":5}\n',
        "{}\n",
        "[]\n",
        "7\n",
        "\n\n",
        "\x00\x00\x00",
        '}"}',
    ],
)
def test_what_a_crash_left_of_a_line_hides_no_other_line(journal, directory, tail):
    journal.record_sending(INTENT, "Appointment", BEGAN)
    with (directory / "journal.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(tail)

    before = read_states(journal)
    journal.record_sending(OTHER, "Appointment", BEGAN)
    journal.record_state(INTENT, "done", ENDED)

    assert before == [(INTENT, "sending")]
    assert read_states(journal) == [(INTENT, "done"), (OTHER, "sending")]


def test_bytes_that_are_no_text_hide_no_other_line(journal, directory):
    journal.record_sending(INTENT, "Appointment", BEGAN)
    with (directory / "journal.jsonl").open("ab") as stream:
        stream.write(b"\xff\xfe\n")

    assert read_states(journal) == [(INTENT, "sending")]


def test_an_end_without_its_beginning_is_no_write(journal):
    journal.record_state(INTENT, "done", ENDED)

    assert journal.read_entries() == []


def test_keys_of_a_later_release_are_passed_over(journal, directory):
    journal.record_sending(INTENT, "Appointment", BEGAN)
    (event,) = events(directory)
    line = json.dumps({**event, "parts": 2})
    (directory / "journal.jsonl").write_text(f"{line}\n", encoding="utf-8")

    assert read_states(journal) == [(INTENT, "sending")]


PROCESSES, WRITES, PATIENCE = 4, 25, 60.0


def write_many(directory, number, start):
    journal = Journal(directory, "home", "hash")
    start.wait(PATIENCE)
    for count in range(WRITES):
        intent = UUID(int=number * WRITES + count)
        journal.record_sending(intent, "Appointment", BEGAN)
        journal.record_state(intent, "done", ENDED)


@pytest.mark.real
def test_processes_that_write_at_once_append_whole_lines(directory):
    context = get_context("spawn")
    start = context.Barrier(PROCESSES)
    writers = [
        context.Process(target=write_many, args=(directory, number, start))
        for number in range(PROCESSES)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(PATIENCE)

    noted = Journal(directory, "home", "hash").read_entries()
    assert [writer.exitcode for writer in writers] == [0] * PROCESSES
    assert len(events(directory)) == 2 * PROCESSES * WRITES
    assert {entry.intent.int for entry in noted} == set(range(PROCESSES * WRITES))
    assert {entry.state for entry in noted} == {"done"}
    assert [each.name for each in directory.iterdir()] == ["journal.jsonl"]


def test_what_an_update_was_about_is_found_by_its_intent(journal):
    intent = uuid4()
    journal.record_sending(intent, "Appointment", BEGAN, target="Appointment/a")
    journal.record_state(intent, "done", ENDED)

    assert journal.find_target(intent) == "Appointment/a"
    assert journal.find_target(uuid4()) is None
