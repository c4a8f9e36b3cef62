"""Words from files and pipes: read whole, and never waited for without an end."""

import os
from contextlib import suppress
from threading import Thread

import pytest

from gpcli.cli.read_text import read_message_file
from gpcli.errors import InvalidUsage

LONG = 60.0
SHORT = 0.01


@pytest.fixture
def pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def write_later(path, content):
    writer = Thread(target=path.write_bytes, args=(content,), daemon=True)
    writer.start()
    return writer


@pytest.mark.parametrize("content", [b"Hei.\n", b"x" * 200_000])
def test_what_comes_through_a_pipe_is_read_to_its_end(pipe, content):
    writer = write_later(pipe, content)
    assert read_message_file(str(pipe), LONG) == content.decode()
    writer.join(LONG)


def test_the_pipe_of_a_shells_process_substitution_is_read_though_its_writer_has_gone():
    outlet, inlet = os.pipe()
    os.write(inlet, b"Hei.\n")
    os.close(inlet)
    try:
        assert read_message_file(f"/dev/fd/{outlet}", LONG) == "Hei.\n"
    finally:
        os.close(outlet)


def test_a_pipe_that_nobody_writes_to_is_given_up(pipe):
    with pytest.raises(InvalidUsage) as refused:
        read_message_file(str(pipe), SHORT)
    assert refused.value.message == f"Nothing comes through the pipe '{pipe}'."


def test_a_pipe_whose_writer_falls_silent_is_given_up(pipe):
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    inlet = os.open(pipe, os.O_WRONLY)
    os.write(inlet, b"Dear doctor")
    try:
        with pytest.raises(InvalidUsage, match="Nothing comes"):
            read_message_file(str(pipe), SHORT)
    finally:
        os.close(inlet)
        os.close(reader)


def test_a_pipe_without_an_end_is_refused(pipe):
    writer = Thread(target=_write_endlessly, args=(pipe,), daemon=True)
    writer.start()
    with pytest.raises(InvalidUsage, match="too long"):
        read_message_file(str(pipe), LONG)
    writer.join(LONG)
    assert not writer.is_alive(), "the pipe is still open for reading"


def _write_endlessly(path):
    with suppress(BrokenPipeError), path.open("wb", buffering=0) as inlet:
        while True:
            inlet.write(b"x" * 4096)


def test_a_device_without_an_end_is_refused():
    with pytest.raises(InvalidUsage, match="too long"):
        read_message_file("/dev/zero", LONG)


def test_an_empty_device_has_no_words():
    assert read_message_file("/dev/null", SHORT) == ""
