"""Running a command of the person's: its streams, its time, and what it leaves behind."""

import os
import signal
import sys
import threading

import pytest

from gpcli.user_command import MAX_ERROR_BYTES, NotRun, run_command

ENV = {"PATH": os.environ["PATH"]}


def run(code, **options):
    return run_command([sys.executable, "-c", code], ENV, **{"timeout": 30.0, **options})


@pytest.mark.parametrize("size", [1, 64 * 1024, 3_000_000])
def test_standard_input_arrives_whole_and_ends(size):
    code = "import sys; sys.stdout.write(str(len(sys.stdin.buffer.read())))"
    result = run(code, stdin=b"x" * size, max_output=100)
    assert (result.status, result.stdout, result.failure) == (0, str(size).encode(), None)


def test_who_reads_only_a_little_is_not_disturbed():
    code = "import os; os.read(0, 1); os.close(0); import time; time.sleep(0.2)"
    assert run(code, stdin=b"x" * 3_000_000).failure is None


def test_without_input_there_is_nothing_to_read():
    assert run("import sys; sys.exit(len(sys.stdin.read()))").status == 0


@pytest.mark.parametrize(("keeps_last", "kept"), [(False, b"a"), (True, b"b")])
def test_of_standard_error_the_start_or_the_end_is_kept(keeps_last, kept):
    code = "import sys; sys.stderr.write('a' * 100_000 + 'b' * 100_000)"
    assert run(code, keeps_last=keeps_last).stderr == kept * MAX_ERROR_BYTES


def test_output_that_nobody_wants_is_discarded():
    result = run("print('x' * 1_000_000)")
    assert (result.status, result.stdout) == (0, b"")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_signal_is_named(number):
    result = run(f"import os; os.kill(os.getpid(), {number:d})")
    assert result.failure == f"was ended by {number.name}"


def test_a_signal_without_a_name_has_its_number():
    number = signal.SIGRTMIN + 3
    assert (
        run(f"import os; os.kill(os.getpid(), {number})").failure == f"was ended by signal {number}"
    )


class Interrupted(BaseException):
    """As Ctrl-C raises KeyboardInterrupt, wherever the program is."""


@pytest.fixture
def interruptible():
    """Have a signal interrupt this process."""

    def interrupt(*_):
        raise Interrupted

    former = signal.signal(signal.SIGUSR1, interrupt)
    yield
    signal.signal(signal.SIGUSR1, former)


@pytest.mark.usefixtures("interruptible")
def test_what_interrupts_gpcli_ends_the_command_too(tmp_path):
    """It does not reach the command itself, which has a session of its own."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    watched = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    code = (
        f"import os, signal, time; os.open({str(pipe)!r}, os.O_WRONLY); time.sleep(0.3)\n"
        f"os.kill({os.getpid()}, signal.SIGUSR1); time.sleep(60)"
    )
    with pytest.raises(Interrupted):
        run(code)
    assert os.read(watched, 1) == b""
    os.close(watched)


def test_no_thread_stays_behind():
    before = threading.enumerate()
    run("pass", stdin=b"x" * 1_000_000, max_output=10)
    assert [each for each in threading.enumerate() if each not in before] == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["/no/such/program"], "can't be run: No such file or directory"),
        (["true", "\0"], "can't be run: it is no command"),
    ],
)
def test_what_can_not_be_run_says_why(words, why):
    with pytest.raises(NotRun) as raised:
        run_command(words, ENV, timeout=1.0)
    assert str(raised.value) == why
