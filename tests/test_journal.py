import json
import os
import resource
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from threading import Barrier
from uuid import UUID, uuid4

import pytest

from gpcli.errors import ConfigError
from gpcli.journal import Journal, JournalEntry

INTENT = UUID("11111111-2222-4333-8444-555555555555")
OTHER = UUID("66666666-7777-4888-8999-aaaaaaaaaaaa")
BEGAN, ENDED = "2026-12-01T09:00:00+01:00", "2026-12-01T09:00:02+01:00"
BOOKING = {
    "resourceType": "Appointment",
    "comment": "Pain in the left knee",
    "participant": [{"actor": {"reference": "Patient/14836112345"}}],
}


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


def read_digest(journal):
    (entry,) = journal.read_entries()
    return entry.digest


def test_a_journal_that_was_never_written_is_empty_and_makes_no_file(journal, directory):
    assert journal.read_entries() == []
    assert not directory.exists()


def test_a_write_is_on_disk_before_it_leaves(journal, directory):
    journal.record_sending(INTENT, BOOKING, None, BEGAN)

    (event,) = events(directory)
    assert event == {
        "intent": str(INTENT),
        "kind": "create",
        "profile": "home",
        "account": "hash-of-the-account",
        "resource_type": "Appointment",
        "target": None,
        "digest": event["digest"],
        "state": "sending",
        "at": BEGAN,
    }
    assert len(bytes.fromhex(event["digest"])) == 32


def test_every_event_is_one_line_and_is_synced_to_the_disk(journal, directory, monkeypatch):
    sizes = []
    sync = os.fsync

    def record(handle):
        sizes.append(os.fstat(handle).st_size)
        sync(handle)

    monkeypatch.setattr(os, "fsync", record)
    journal.record_sending(INTENT, BOOKING, None, BEGAN)
    journal.record_state(INTENT, "done", ENDED)

    lines = (directory / "journal.jsonl").read_bytes().splitlines(keepends=True)
    assert sizes == [len(lines[0]), len(lines[0]) + len(lines[1])]


@pytest.mark.parametrize("state", ["done", "refused", "not_sent", "unknown"])
def test_a_write_has_its_last_state_and_time(journal, state):
    journal.record_sending(INTENT, BOOKING, "Appointment/app-1", BEGAN)
    digest = read_digest(journal)

    journal.record_state(INTENT, state, ENDED)

    assert journal.read_entries() == [
        JournalEntry(
            intent=INTENT,
            kind="update",
            profile="home",
            account="hash-of-the-account",
            resource_type="Appointment",
            target="Appointment/app-1",
            digest=digest,
            state=state,
            at=ENDED,
        )
    ]


def test_writes_are_told_apart_and_stand_in_order(journal):
    journal.record_sending(INTENT, BOOKING, None, BEGAN)
    journal.record_sending(OTHER, BOOKING, None, BEGAN)
    journal.record_state(OTHER, "done", ENDED)

    assert read_states(journal) == [(INTENT, "sending"), (OTHER, "done")]


def test_the_same_write_tried_again_is_under_way_again(journal):
    journal.record_sending(INTENT, BOOKING, None, BEGAN)
    journal.record_state(INTENT, "unknown", ENDED)
    journal.record_sending(INTENT, BOOKING, None, ENDED)

    assert read_states(journal) == [(INTENT, "sending")]


@pytest.mark.parametrize("state", ["done", "refused", "not_sent", "unknown"])
def test_what_was_before_a_write_that_did_not_leave_stands_again(journal, state):
    journal.record_sending(INTENT, BOOKING, None, BEGAN)
    journal.record_state(INTENT, state, BEGAN)
    journal.record_sending(INTENT, BOOKING, None, ENDED)

    journal.record_not_sent(INTENT, ENDED)

    (entry,) = journal.read_entries()
    assert (entry.state, entry.at) == (state, BEGAN)


def test_a_first_write_that_did_not_leave_was_not_sent(journal):
    journal.record_sending(OTHER, BOOKING, None, BEGAN)
    journal.record_sending(INTENT, BOOKING, None, BEGAN)

    journal.record_not_sent(INTENT, ENDED)

    assert read_states(journal) == [(OTHER, "sending"), (INTENT, "not_sent")]


def test_a_write_that_a_crash_cut_short_is_still_under_way_after_one_that_did_not_leave(journal):
    journal.record_sending(INTENT, BOOKING, None, BEGAN)
    journal.record_sending(INTENT, BOOKING, None, ENDED)

    journal.record_not_sent(INTENT, ENDED)

    (entry,) = journal.read_entries()
    assert (entry.state, entry.at) == ("sending", BEGAN)


def test_one_write_is_found_by_its_intent(journal):
    journal.record_sending(OTHER, BOOKING, "Appointment/app-1", BEGAN)

    assert (journal.find_entry(INTENT), journal.find_entry(OTHER)) == (
        None,
        *journal.read_entries(),
    )


def test_a_journal_that_can_not_be_read_is_told(journal, directory):
    (directory / "journal.jsonl").mkdir(parents=True)

    with pytest.raises(ConfigError, match="can't be read"):
        journal.find_entry(INTENT)


def test_no_health_data_and_no_patient_stand_in_it(journal, directory):
    journal.record_sending(INTENT, BOOKING, None, BEGAN)

    written = b"".join(path.read_bytes() for path in directory.iterdir())
    assert [word for word in (b"knee", b"14836112345", b"Patient") if word in written] == []


def test_the_same_content_has_the_same_hash_and_other_content_another(journal):
    shuffled = dict(reversed(BOOKING.items()))
    journal.record_sending(INTENT, BOOKING, None, BEGAN)
    first = read_digest(journal)
    journal.record_sending(INTENT, shuffled, None, BEGAN)
    same = read_digest(journal)
    journal.record_sending(INTENT, {**BOOKING, "comment": "Pain in the right knee"}, None, BEGAN)

    assert (same == first, read_digest(journal) == first) == (True, False)


def test_the_hash_can_not_be_guessed_without_the_key_of_this_machine(tmp_path):
    here, there = (Journal(tmp_path / name, "home", "hash") for name in ("here", "there"))

    for journal in (here, there):
        journal.record_sending(INTENT, BOOKING, None, BEGAN)

    assert read_digest(here) != read_digest(there)


def test_the_key_is_kept(directory):
    for _ in range(2):
        Journal(directory, "home", "hash").record_sending(INTENT, BOOKING, None, BEGAN)

    first, second = events(directory)
    assert first["digest"] == second["digest"]


def test_files_and_directory_are_their_owners_only(journal, directory):
    before = os.umask(0)
    try:
        journal.record_sending(INTENT, BOOKING, None, BEGAN)
    finally:
        os.umask(before)

    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in directory.iterdir()}
    assert modes == {"journal.jsonl": 0o600, "journal.key": 0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def block_the_directory(directory):
    directory.write_text("in the way", encoding="utf-8")


def block_the_file(directory):
    (directory / "journal.jsonl").mkdir(parents=True)


def block_the_key(directory):
    (directory / "journal.key").mkdir(parents=True)


@pytest.mark.parametrize("block", [block_the_directory, block_the_file, block_the_key])
def test_what_can_not_be_journaled_is_not_sent(journal, directory, block):
    block(directory)

    with pytest.raises(ConfigError) as raised:
        journal.record_sending(INTENT, BOOKING, None, BEGAN)

    assert raised.value.message.startswith(f"The journal {directory / 'journal.jsonl'} can't be")
    assert "Nothing was sent" in raised.value.message
    assert raised.value.hint == "Make the directory writable, or set GPCLI_CONFIG_DIR."


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
        journal.record_sending(INTENT, BOOKING, None, BEGAN)

    journal.record_sending(OTHER, BOOKING, None, BEGAN)
    assert read_states(journal) == [(OTHER, "sending")]


def test_what_was_done_stays_done_though_its_end_can_not_be_journaled(journal, directory):
    journal.record_sending(INTENT, BOOKING, None, BEGAN)
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
    journal.record_sending(INTENT, BOOKING, None, BEGAN)
    with (directory / "journal.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(tail)

    before = read_states(journal)
    journal.record_sending(OTHER, BOOKING, None, BEGAN)
    journal.record_state(INTENT, "done", ENDED)

    assert before == [(INTENT, "sending")]
    assert read_states(journal) == [(INTENT, "done"), (OTHER, "sending")]


def test_bytes_that_are_no_text_hide_no_other_line(journal, directory):
    journal.record_sending(INTENT, BOOKING, None, BEGAN)
    with (directory / "journal.jsonl").open("ab") as stream:
        stream.write(b"\xff\xfe\n")

    assert read_states(journal) == [(INTENT, "sending")]


def test_an_end_without_its_beginning_is_no_write(journal):
    journal.record_state(INTENT, "done", ENDED)

    assert journal.read_entries() == []


def test_keys_of_a_later_release_are_passed_over(journal, directory):
    journal.record_sending(INTENT, BOOKING, None, BEGAN)
    (event,) = events(directory)
    line = json.dumps({**event, "parts": 2})
    (directory / "journal.jsonl").write_text(f"{line}\n", encoding="utf-8")

    assert read_states(journal) == [(INTENT, "sending")]


ROUNDS, THREADS, PATIENCE = 30, 8, 60.0


def test_however_many_begin_at_once_the_key_is_made_once(tmp_path):
    digests = []
    for number in range(ROUNDS):
        directory, start = tmp_path / str(number), Barrier(THREADS)

        def begin(_, directory=directory, start=start):
            journal = Journal(directory, "home", "hash")
            start.wait(PATIENCE)
            journal.record_sending(uuid4(), BOOKING, None, BEGAN)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(begin, range(THREADS)))
        digests.append({event["digest"] for event in events(directory)})

    assert [len(each) for each in digests] == [1] * ROUNDS


PROCESSES, WRITES = 4, 25


def write_many(directory, number, start):
    journal = Journal(directory, "home", "hash")
    start.wait(PATIENCE)
    for count in range(WRITES):
        intent = UUID(int=number * WRITES + count)
        journal.record_sending(intent, BOOKING, None, BEGAN)
        journal.record_state(intent, "done", ENDED)


@pytest.mark.real
def test_processes_that_write_at_once_append_whole_lines_and_share_one_key(directory):
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
    assert len({entry.digest for entry in noted}) == 1
    assert sorted(each.name for each in directory.iterdir()) == ["journal.jsonl", "journal.key"]


def test_what_an_update_was_about_is_found_by_its_intent(journal):
    intent = uuid4()
    journal.record_sending(intent, BOOKING, "Appointment/a", BEGAN)
    journal.record_state(intent, "done", ENDED)

    assert journal.find_target(intent) == "Appointment/a"
    assert journal.find_target(uuid4()) is None
