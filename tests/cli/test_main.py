import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import pytest

from gpcli.installation.install_line import find_installation

ROOT = Path(__file__).parents[2]


def gpcli(*argv, stdout=subprocess.PIPE, **env):
    return subprocess.run(
        [sys.executable, "-m", "gpcli", *argv],
        stdout=stdout,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "GPCLI_CONFIG_DIR": "/nonexistent", **env},
    )


def test_an_error_is_said_on_stderr_with_its_hint_and_exit_code(line):
    ending = line.end("ends", "taken")

    assert (ending.code, ending.out) == (7, "")
    assert ending.err == ("gpcli: Somebody else has 'slot-1'.\n  gpcli slots shows what is free.\n")


@pytest.mark.parametrize("flag", ["--json", "--ndjson"])
@pytest.mark.parametrize("first", [True, False])
def test_with_json_an_error_is_one_json_line(line, flag, first):
    argv = [flag, "ends", "taken"] if first else ["ends", "taken", flag]

    ending = line.end(*argv)

    assert (ending.code, ending.out) == (7, "")
    assert json.loads(ending.err) == {
        "error": {
            "code": "slot_taken",
            "exit": 7,
            "message": "Somebody else has 'slot-1'.",
            "hint": "gpcli slots shows what is free.",
            "request_id": None,
            "trace_id": None,
            "retry_after": None,
            "http_status": None,
        }
    }


def test_with_json_even_a_wrong_line_is_one_json_line(line):
    ending = line.end("--json", "slotz", "--bogus")

    assert (ending.code, ending.out) == (2, "")
    assert json.loads(ending.err)["error"]["code"] == "usage"


def test_a_value_that_looks_like_json_does_not_make_the_error_json(line):
    ending = line.end("ends", "taken", "--profile", "--json")

    assert ending.err.startswith("gpcli: Somebody else")


@pytest.mark.parametrize(("how", "code"), [("ctrl-c", 130), ("pipe", 141), ("code-8", 8)])
def test_endings_that_need_no_words_have_none(line, how, code):
    ending = line.end("ends", how)

    assert (ending.code, ending.out, ending.err) == (code, "", "")


def test_a_fault_of_gpcli_is_one_sentence_without_what_it_was_about(line):
    ending = line.end("ends", "bug")

    assert (ending.code, ending.out) == (70, "")
    assert ending.err == (
        "gpcli: gpcli failed in a way that nobody foresaw (KeyError).\n"
        "  GPCLI_DEBUG=1 shows where. Nothing from your record is in it.\n"
    )


@pytest.fixture
def old_typer(monkeypatch):
    """gpcli's metadata want a typer that is not installed here; no sandbox is in use."""
    monkeypatch.delitem(sys.modules, "gpcli.sandbox", raising=False)
    monkeypatch.setattr(metadata, "requires", lambda name: ["typer<0.1"])


@pytest.mark.parametrize("how", ["bug", "import"])
def test_a_fault_where_a_dependency_does_not_fit_names_that_and_what_mends_it(line, old_typer, how):
    ending = line.end("ends", how)

    assert (ending.code, ending.out) == (2, "")
    said, *_, mended_by = ending.err.splitlines()
    assert said == f"gpcli: gpcli needs typer <0.1, and {metadata.version('typer')} is installed."
    assert mended_by.strip() == find_installation().format_line()


def test_a_dependency_that_does_not_fit_is_a_config_error_in_json(line, old_typer):
    ending = line.end("ends", "bug", "--json")

    assert json.loads(ending.err)["error"]["code"] == "config"


def test_a_dependency_that_does_not_fit_is_not_named_where_something_else_is_wrong(line, old_typer):
    assert line.end("ends", "taken").code == 7
    assert line.end("ends", "full").code == 1


def test_a_fault_without_metadata_stays_a_fault(line, monkeypatch):
    def raise_not_found(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", raise_not_found)

    assert line.end("ends", "import").code == 70


@pytest.mark.parametrize(("argv", "env"), [(["--debug"], {}), ([], {"GPCLI_DEBUG": "1"})])
def test_debugging_shows_where_without_values_or_source(line, argv, env):
    ending = line.end("ends", "bug", *argv, env=env)

    where, what, hint = ending.err.splitlines()
    assert where.startswith("KeyError at gpcli.cli.run:run_command_line:")
    assert "tests.cli.fake_commands:ends:" in where
    assert "Ada" not in ending.err
    assert "raise" not in ending.err
    assert what == "gpcli: gpcli failed in a way that nobody foresaw (KeyError)."
    assert hint.startswith("  GPCLI_DEBUG=1")


def test_debugging_is_off_for_words_that_mean_off(line):
    ending = line.end("ends", "bug", env={"GPCLI_DEBUG": "false"})

    assert "KeyError at" not in ending.err


def test_debugging_with_json_stays_json(line):
    ending = line.end("ends", "bug", "--json", "--debug")

    assert [list(json.loads(said)) for said in ending.err.splitlines()] == [["notice"], ["error"]]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("full", "gpcli: The system refused: No space left on device.\n"),
        ("file", "gpcli: The system refused: /state/index: Permission denied.\n"),
    ],
)
def test_what_the_operating_system_refuses_is_no_fault_of_gpcli(line, how, said):
    ending = line.end("ends", how)

    assert (ending.code, ending.err) == (1, said)


def test_the_session_is_closed_when_the_command_fails(line):
    line.end("ends", "taken")

    assert line.context.closed


def test_without_anything_gpcli_shows_its_help_on_stdout():
    bare, asked = gpcli(), gpcli("--help")

    assert (bare.returncode, bare.stderr) == (0, "")
    assert bare.stdout == asked.stdout
    assert bare.stdout.startswith("Your GP's online services, from the command line: gpcli COMMAND")


def at_a_terminal(*argv, **env):
    """The exit code, and what a terminal that is standard output shows."""
    near, far = os.openpty()
    ending = gpcli(*argv, stdout=far, **env)
    os.close(far)
    shown = b""
    with suppress(OSError):  # EIO: nobody has the other end any more
        while part := os.read(near, 65536):
            shown += part
    os.close(near)
    return ending.returncode, shown.decode().replace("\r\n", "\n"), ending.stderr


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no pseudo-terminals")
def test_without_anything_a_terminal_shows_how_to_begin():
    code, shown, said = at_a_terminal(TERM="dumb")

    assert (code, said) == (0, "")
    assert [line.partition(" ")[0] for line in shown.splitlines()] == ["Your", "gpcli", "gpcli"]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no pseudo-terminals")
def test_without_anything_a_terminal_runs_today_where_a_machine_is_signed_in():
    code, shown, said = at_a_terminal(GPCLI_TOKEN="secret")

    assert (code, shown) == (2, "")
    assert said.startswith("gpcli: GPCLI_TOKEN is set without GPCLI_PORTAL")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no pseudo-terminals")
def test_help_is_bold_on_a_terminal_and_nowhere_else():
    plain = gpcli("--help").stdout

    assert at_a_terminal("--help", TERM="dumb") == (0, plain, "")
    assert at_a_terminal("--help", TERM="xterm", NO_COLOR="1") == (0, plain, "")
    assert at_a_terminal("--help", TERM="xterm") == (
        0,
        plain.replace("CARE", "\x1b[1mCARE\x1b[0m")
        .replace("ACCOUNT", "\x1b[1mACCOUNT\x1b[0m")
        .replace("TOOLS", "\x1b[1mTOOLS\x1b[0m"),
        "",
    )


def test_a_wrong_line_exits_2_with_stdout_empty():
    ending = gpcli("slotz")

    assert (ending.returncode, ending.stdout) == (2, "")
    assert ending.stderr == (
        "gpcli: There is no command 'gpcli slotz'; did you mean 'gpcli slots'?\n"
        "  gpcli --help shows the commands.\n"
    )


def test_a_reader_that_has_gone_ends_gpcli_with_141_and_silence():
    reading, writing = os.pipe()
    os.close(reading)

    ending = gpcli("--help", stdout=writing)

    os.close(writing)
    assert (ending.returncode, ending.stderr) == (141, "")


READY_AND_OTHER = ["--help", "--version", "completion bash", "__complete gp", "help json gp", "gp"]
HINT = "Nothing was sent. >/dev/null throws an answer away."
CLOSED = "Standard output is closed, or open only for reading."
UNWRITABLE = {
    ">&-": CLOSED,
    ">&- <&-": CLOSED,
    "1</dev/null": CLOSED,
    ">/dev/full": "Standard output can't be written: No space left on device.",
}
"""How a shell can leave gpcli without a usable stdout, and what is said then."""


def redirected(line, redirections):
    """The line in a shell, with PATH and a configuration that is not there as its variables."""
    return subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -m gpcli {line} {redirections}"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "GPCLI_CONFIG_DIR": "/nonexistent"},
    )


@pytest.mark.parametrize("redirections", UNWRITABLE)
@pytest.mark.parametrize("line", READY_AND_OTHER)
def test_an_answer_that_can_t_be_written_is_a_failure(line, redirections):
    ending = redirected(line, redirections)

    said = f"gpcli: {UNWRITABLE[redirections]}\n  {HINT}\n"
    assert (ending.returncode, ending.stdout, ending.stderr) == (1, "", said)


def test_a_closed_stdout_is_said_in_json_too():
    ending = redirected("gp --json", ">&-")

    error = json.loads(ending.stderr)["error"]
    assert (ending.returncode, error["code"], error["message"]) == (1, "failure", CLOSED)


@pytest.mark.parametrize(("line", "code"), [("--help", 0), ("gp", 4), ("slotz", 2)])
def test_a_closed_stderr_changes_no_exit_code(line, code):
    ending = redirected(line, "2>&-")

    assert (ending.returncode, ending.stderr) == (code, "")
    assert ending.stdout == redirected(line, "2>/dev/null").stdout


def test_without_stdout_and_stderr_the_exit_code_says_it():
    assert redirected("gp", ">&- 2>&-").returncode == 1


@pytest.mark.parametrize("line", ["--version", "messages reply t-1 --message-file -"])
def test_a_closed_stdin_is_an_empty_one(line):
    closed, empty = redirected(line, "<&-"), redirected(line, "</dev/null")

    assert (closed.returncode, closed.stdout, closed.stderr) == (
        empty.returncode,
        empty.stdout,
        empty.stderr,
    )


def test_letters_that_the_terminal_lacks_do_not_break_help():
    ending = gpcli("slots", "--help", PYTHONIOENCODING="ascii")

    assert ending.returncode == 0
    assert ending.stdout.startswith("Free times.\n")


PROCESS = """
import os, resource, signal, sys
sys.path.insert(0, {tests!r})
from tests.cli.conftest import FakeSession
from tests.cli.fake_commands import REGISTRY
from gpcli.__main__ import protect_process
from gpcli.cli.run import run_command_line

def session(*given):
    print(oct(os.umask(0)), resource.getrlimit(resource.RLIMIT_CORE)[0], flush=True)
    {then}

protect_process()
streams = sys.stdin, sys.stdout, sys.stderr
sys.exit(run_command_line(["gp"], {{}}, *streams, session, registry=REGISTRY))
"""


def process(then):
    source = PROCESS.format(tests=str(ROOT / "tests"), then=then)
    return subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_commands_run_with_files_closed_to_others_and_no_memory_dumps():
    ending = process("return FakeSession(*given)")

    assert (ending.returncode, ending.stdout, ending.stderr) == (0, "0o77 0\n", "")


def test_sigterm_unwinds_and_exits_143():
    ending = process(
        "\n    try:\n        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        signal.pause()\n    finally:\n        print('closed')"
    )

    assert (ending.returncode, ending.stdout, ending.stderr) == (143, "0o77 0\nclosed\n", "")


def test_ctrl_c_exits_130():
    ending = process(f"\n    os.kill(os.getpid(), {int(signal.SIGINT)})\n    signal.pause()")

    assert (ending.returncode, ending.stderr) == (130, "")


BY_TOKEN = """
import os, sys
from gpcli.__main__ import main

sys.argv = ["gpcli", "gp"]
try:
    main()
except SystemExit:
    print(sorted(name for name in os.environ if name.startswith("GPCLI_")))
"""


def test_tokens_are_gpclis_alone_and_not_for_what_it_starts(tmp_path):
    tokens = {"GPCLI_TOKEN": "secret", "GPCLI_NOTIFY_TOKEN": "another"}
    given = {**tokens, "GPCLI_PORTAL": "https://portal.example"}
    env = {"PATH": os.environ["PATH"], "GPCLI_CONFIG_DIR": str(tmp_path), **given}
    ending = subprocess.run(
        [sys.executable, "-c", BY_TOKEN],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )
    assert ending.stdout == "['GPCLI_CONFIG_DIR', 'GPCLI_PORTAL']\n"
    assert ending.stderr.startswith("gpcli: GPCLI_PATIENT is needed beside GPCLI_TOKEN.")
