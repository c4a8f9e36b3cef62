"""A command that prints a token: how it runs, and all the ways in which it gives none."""

import json
import os
import select
import shlex
import sys
import threading

import pytest

from gpcli.auth.token_command import MAX_TOKEN_BYTES, CommandBearer
from gpcli.errors import ConfigError, Expired, NoToken, TimedOut, shorten
from gpcli.http.client import HttpClient
from gpcli.http.deadline import Deadline
from gpcli.user_command import MAX_ERROR_BYTES

WITHHELD = {
    "GPCLI_TOKEN": "secret",
    "GPCLI_NOTIFY_TOKEN": "another",
    "GPCLI_TOKEN_COMMAND": "gpcli whoami",
}
ENV = {"PATH": os.environ["PATH"], "HOME": "/home/of-nobody"} | WITHHELD
SOON = 0.3  # seconds that a command which never ends is given
LONG = "import threading; threading.Event().wait(60)"


@pytest.fixture
def client():
    with HttpClient("https://portal.example/fhir/R4", deadline=Deadline(20.0), env={}) as opened:
        yield opened


def python(code):
    return shlex.join([sys.executable, "-c", code])


def bearer(command, **changes):
    return CommandBearer(command, "token_command", ENV, **changes)


def refusal(command, client, **changes):
    with pytest.raises(NoToken) as raised:
        bearer(command, **changes).get_token(client)
    prefix = "The command in token_command "
    assert raised.value.message.startswith(prefix)
    assert raised.value.exit == 4
    return raised.value.message.removeprefix(prefix), raised.value.hint


@pytest.mark.parametrize("end", ["", "\\n", "\\r\\n", "\\n\\n", " \\n", "\\t"])
def test_the_token_is_what_stands_on_its_line(client, end):
    assert (
        bearer(python(f"import sys; sys.stdout.write('abc.def{end}')")).get_token(client)
        == "abc.def"
    )


def test_what_it_says_besides_is_nobodys_business(client, capfd):
    one = bearer(python("import sys; print('abc'); print('a warning', file=sys.stderr)"))
    assert one.get_token(client) == "abc"
    assert capfd.readouterr() == ("", "")


def test_its_words_are_split_as_a_shell_would_and_no_shell_runs(client):
    code = "import sys; print(len(sys.argv[1]), end='')"
    command = f"{python(code)} '$HOME `id` ; echo x > /tmp/x | y'"
    assert bearer(command).get_token(client) == str(len("$HOME `id` ; echo x > /tmp/x | y"))


def test_it_runs_once_until_the_portal_refuses_the_token(client, tmp_path):
    count = tmp_path / "count"
    one = bearer(python(f"f = open({str(count)!r}, 'a'); f.write('x'); print(f.tell())"))
    assert [one.get_token(client), one.get_token(client)] == ["1", "1"]
    assert one.renew_token(client, "1") == "2"
    assert (one.get_token(client), count.read_text()) == ("2", "xx")


def test_a_refused_token_that_it_prints_again_has_ended(client):
    one = bearer(python("print('abc')"))
    with pytest.raises(Expired) as raised:
        one.renew_token(client, one.get_token(client))
    assert "abc" not in raised.value.message + raised.value.hint


def test_it_gets_our_variables_but_not_those_of_tokens(client):
    code = "import json, os; print(json.dumps(sorted(os.environ)).replace(' ', ''))"
    seen = set(json.loads(bearer(python(code)).get_token(client)))
    assert "HOME" in seen
    assert seen & WITHHELD.keys() == set()


def test_there_is_nothing_to_type_on(client):
    assert bearer(python("import sys; print(len(sys.stdin.read()))")).get_token(client) == "0"


def test_it_gets_the_umask_that_it_is_given(client):
    assert bearer(python("import os; print(os.umask(0))"), umask=0o022).get_token(client) == str(
        0o022
    )


def test_a_missing_program_is_named(client):
    why, _ = refusal("/no/such/program --now", client)
    assert why == "can't be run: No such file or directory."


def test_what_is_no_program_is_not_run(client, tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("notes")
    assert refusal(str(text), client)[0] == "can't be run: Permission denied."


@pytest.mark.parametrize("command", ["", "  ", "'unfinished", "a 'b\" c"])
def test_what_is_no_command_is_refused_before_anything_runs(command):
    with pytest.raises(ConfigError, match=r"^token_command (is not a|names no) command"):
        bearer(command)


def test_a_nul_in_a_command_is_refused(client):
    assert refusal("true \0", client)[0] == "can't be run: it is no command."


def test_a_failing_command_is_quoted(client):
    why, hint = refusal(
        python("import sys; print('abc'); sys.exit('locked:\\n  no agent')"), client
    )
    assert (why, hint) == ("failed (exit status 1).", "It said: locked: no agent")


def test_what_a_failing_command_said_is_cut_short(client):
    talk = "import sys; sys.stderr.write('x' * 300_000); sys.exit(3)"
    why, hint = refusal(python(talk), client)
    assert (why, hint) == ("failed (exit status 3).", shorten(f"It said: {'x' * MAX_ERROR_BYTES}"))


def test_what_a_failing_command_printed_is_not_repeated(client):
    why, hint = refusal(python("import sys; print('half-a-token'); sys.exit(1)"), client)
    assert "half" not in why + hint


@pytest.mark.parametrize("code", ["pass", "print()", "print('   ')"])
def test_a_silent_command_is_no_token(client, code):
    assert refusal(python(code), client) == (
        "printed nothing.",
        "Try it by itself: it must print a token.",
    )


@pytest.mark.parametrize(
    ("code", "flaw"),
    [
        ("print('two words')", "has a space in it"),
        ("print('a'); print('b')", "has several lines"),
        ("print('tøken')", "has a character that is not ASCII"),
        ("print('a\\x1b[31mb')", "has a control character in it"),
        ("import os; os.write(1, bytes(range(256)))", "has several lines"),
        ("import os; os.write(1, b'\\xff\\xfe')", "has a character that is not ASCII"),
        ("print(repr('abc'))", "has quotes around it"),
        ("print('Bearer abc')", "begins with 'Bearer', which gpcli sends itself"),
    ],
)
def test_what_is_not_one_token_on_one_line_is_none(client, code, flaw):
    why = f"printed something that {flaw}: that is no token."
    assert refusal(python(code), client)[0] == why


def test_the_longest_token_is_taken(client):
    assert (
        len(bearer(python(f"print('x' * {MAX_TOKEN_BYTES - 1})")).get_token(client))
        == MAX_TOKEN_BYTES - 1
    )


@pytest.mark.parametrize(
    "code",
    [
        f"print('x' * {MAX_TOKEN_BYTES + 1})",
        "import os\nwhile True: os.write(1, b'x' * 4096)",
        "import os, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "while True: os.write(1, b'x' * 4096)",
    ],
)
def test_a_flood_is_cut_off(client, code):
    assert refusal(python(code), client)[0] == "printed more than 64 kB: that is no token."


@pytest.mark.parametrize(
    "code", [LONG, f"print('abc', flush=True); {LONG}", f"import os; os.close(1); {LONG}"]
)
def test_a_command_that_does_not_end_is_ended(client, code):
    assert refusal(python(code), client, timeout=SOON)[0] == "did not end within 0.3 s."


def test_what_the_command_started_ends_with_it(client, tmp_path):
    """What it started holds a pipe: that the pipe ends shows that all of it has ended."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    watched = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    shell = f"exec 3>{shlex.quote(str(pipe))}; sleep 60 & cat /dev/zero"
    refusal(shlex.join(["sh", "-c", shell]), client)
    ready, _, _ = select.select([watched], [], [], 10.0)
    assert [os.read(each, 1) for each in ready] == [b""]
    os.close(watched)


def test_the_time_limit_of_the_command_line_is_shorter_where_it_is():
    clock = iter([0.0, 0.0, 0.0])
    deadline = Deadline(SOON, clock=lambda: next(clock))
    with HttpClient("https://portal.example", deadline=deadline, env={}) as short:
        assert refusal(python(LONG), short)[0] == "did not end within 0.3 s."


def test_when_the_time_is_up_it_does_not_begin(tmp_path):
    clock = iter([0.0, 40.0])
    with HttpClient(
        "https://p.example", deadline=Deadline(30.0, lambda: next(clock)), env={}
    ) as late:
        mark = tmp_path / "mark"
        with pytest.raises(TimedOut):
            bearer(f"touch {mark}").get_token(late)
    assert not mark.exists()


def test_no_thread_stays_behind(client):
    before = threading.active_count()
    bearer(python("print('abc')")).get_token(client)
    assert threading.active_count() == before
