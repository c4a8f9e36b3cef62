"""What this machine knows as read: opaque, private, never half-written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gpcli.config.read_marks import ReadMarks
from gpcli.errors import ConfigError

MESSAGES = ("message-1", "message-2", "message-3")


def open_marks(home: Path, account: str = "account") -> ReadMarks:
    return ReadMarks(home, account)


def list_marked(home: Path, account: str = "account") -> list[str]:
    read = open_marks(home, account)
    return [each for each in MESSAGES if each in read]


def test_nothing_is_known_as_read_at_first_and_nothing_is_written_for_asking(tmp_path: Path):
    assert list_marked(tmp_path / "state") == []
    assert not (tmp_path / "state").exists()


def test_what_was_read_is_known_to_this_run_and_the_next(tmp_path: Path):
    read = open_marks(tmp_path)
    read.add("message-1")
    read.add("message-3")
    assert [each in read for each in MESSAGES] == [True, False, True]
    assert list_marked(tmp_path) == ["message-1", "message-3"]


def test_one_account_does_not_know_what_another_has_read(tmp_path: Path):
    open_marks(tmp_path, "guro").add("message-1")
    open_marks(tmp_path, "guro for emil").add("message-2")
    assert list_marked(tmp_path, "guro") == ["message-1"]
    assert list_marked(tmp_path, "guro for emil") == ["message-2"]


def test_the_file_is_private_and_says_neither_what_was_read_nor_by_whom(tmp_path: Path):
    home = tmp_path / "state"
    open_marks(home, "account").add("message-1")
    path = home / "read-marks.json"
    assert (path.stat().st_mode & 0o777, home.stat().st_mode & 0o777) == (0o600, 0o700)
    text = path.read_text()
    assert "message" not in text
    assert "account" not in text
    assert {len(mark) for mark in json.loads(text)["read"]} == {64}


def test_the_marks_of_two_machines_have_nothing_in_common(tmp_path: Path):
    texts = []
    for machine in ("one", "other"):
        open_marks(tmp_path / machine).add("message-1")
        texts.append(json.loads((tmp_path / machine / "read-marks.json").read_text()))
    assert texts[0]["key"] != texts[1]["key"]
    assert texts[0]["read"] != texts[1]["read"]


def test_reading_a_thing_twice_changes_nothing(tmp_path: Path):
    open_marks(tmp_path).add("message-1")
    before = (tmp_path / "read-marks.json").stat()
    open_marks(tmp_path).add("message-1")
    after = (tmp_path / "read-marks.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


BROKEN = [
    "",
    "{",
    "[]",
    "null",
    "7",
    "{}",
    '{"key": "ab"}',
    '{"key": 7, "read": []}',
    '{"key": "no hex", "read": []}',
    '{"key": "ab", "read": 7}',
    *(json.dumps({"key": "ab" * length, "read": []}) for length in (0, 1, 31, 33)),
    "[" * 100_000,
]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_file_is_an_empty_one_and_the_next_mark_replaces_it(tmp_path: Path, text: str):
    (tmp_path / "read-marks.json").write_text(text)
    assert list_marked(tmp_path) == []
    open_marks(tmp_path).add("message-2")
    assert list_marked(tmp_path) == ["message-2"]
    assert len(json.loads((tmp_path / "read-marks.json").read_text())["key"]) == 64


def test_bytes_that_are_no_text_are_an_empty_file_too(tmp_path: Path):
    (tmp_path / "read-marks.json").write_bytes(b"\xff\x00")
    assert list_marked(tmp_path) == []


def test_strange_marks_among_good_ones_do_no_harm(tmp_path: Path):
    open_marks(tmp_path).add("message-1")
    path = tmp_path / "read-marks.json"
    stored = json.loads(path.read_text())
    path.write_text(json.dumps({**stored, "read": [7, None, *stored["read"]]}))
    assert list_marked(tmp_path) == ["message-1"]


def test_a_mark_that_can_not_be_kept_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="is not a directory"):
        open_marks(tmp_path / "file").add("message-1")


_ADD = """
import sys
from pathlib import Path
from gpcli.config.read_marks import ReadMarks
marks = ReadMarks(Path(sys.argv[1]), "account")
for number in range(5):
    marks.add(f"{sys.argv[2]}.{number}")
"""


def test_processes_that_mark_at_once_lose_nothing(tmp_path: Path):
    started = [
        subprocess.Popen([sys.executable, "-c", _ADD, str(tmp_path), str(each)])
        for each in range(4)
    ]
    assert [each.wait(60) for each in started] == [0] * 4
    read = open_marks(tmp_path)
    assert all(f"{each}.{number}" in read for each in range(4) for number in range(5))
    assert sorted(each.name for each in tmp_path.iterdir() if "lock" not in each.name) == [
        "read-marks.json"
    ]
