"""Telling by programs that do what they like, by the desktop, and over HTTP; and what leaks."""

from __future__ import annotations

import json
import os
import select
import shlex
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import closing
from dataclasses import fields, replace

import pytest

from gpcli.changes.desktop import choose_notify
from gpcli.changes.reading import ChangeReader, News
from gpcli.changes.sinks import MAX_SAID, DesktopSink, ExecSink, NtfySink, WebhookSink
from gpcli.changes.store import ChangeStore, SeenRecord
from gpcli.changes.telling import Teller, TellingFailed
from gpcli.errors import Unreachable
from gpcli.model.change import WatchEvent
from gpcli.render.times import TimeFormat
from gpcli.render.views.event_views import encode_event, word_event
from tests.care.builders import NOW, an_appointment
from tests.changes.events import (
    AS_JSON,
    BLANK,
    CANARIES,
    CHANGE,
    WHOLE,
    a_slot,
    an_event,
    find_leaks,
)

SOON = 0.5  # seconds that a program which never ends is given
FOR_EVER = "import threading; threading.Event().wait(60)"
NOTING = """
import json, os, pathlib, sys
said = {"argv": sys.argv, "env": dict(os.environ), "umask": os.umask(0)}
said["stdin"] = sys.stdin.buffer.read().decode()
text = json.dumps(said, ensure_ascii=False)
pathlib.Path(sys.argv[1]).write_text(text, encoding="utf-8")
print("nobody hears this")
"""
ENV = {"PATH": os.environ["PATH"], "HOME": "/home/of-nobody"}
URL = "https://hook.example/secret/path"


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def hook(words: list[str], **changes: object) -> ExecSink:
    return ExecSink(words, ENV, encode_event, **{"has_details": False, **changes})


def failure(sink, event: WatchEvent = BLANK) -> str:
    with pytest.raises(TellingFailed) as raised:
        sink.tell(event)
    return str(raised.value)


def exec_failure(code: str, **changes: object) -> str:
    said = failure(hook(python(code), **changes))
    assert said.startswith("The program of --exec ")
    return said.removeprefix("The program of --exec ")


def word(event: WatchEvent) -> str:
    return word_event(event, TimeFormat(NOW))


# --- a program of the person's


def test_a_program_gets_one_object_and_nothing_else(tmp_path, capfd):
    seen = tmp_path / "seen"
    hook(python(NOTING, str(seen)), umask=0o027).tell(BLANK)
    said = json.loads(seen.read_text())
    assert said["stdin"].endswith("}\n")
    assert said["stdin"].count("\n") == 1
    assert json.loads(said["stdin"]) == AS_JSON
    assert (said["argv"], said["umask"]) == (["-c", str(seen)], 0o027)
    assert said["env"].keys() - {"LC_CTYPE"} == ENV.keys()
    assert capfd.readouterr() == ("", "")


def test_with_details_it_gets_each_change_alone(tmp_path):
    seen = tmp_path / "seen"
    sink = hook(python(NOTING, str(seen)), has_details=True)
    assert (sink.takes_one, hook([]).takes_one) == (True, False)
    sink.tell(WHOLE)
    said = json.loads(json.loads(seen.read_text())["stdin"])
    assert said["patient"] == "Ada Nordmann"
    assert said["changes"][0]["title"] == "Røde øyne"


def test_a_large_event_arrives_whole(tmp_path):
    seen = tmp_path / "seen"
    event = an_event(*[CHANGE] * 2000)
    hook(python(NOTING, str(seen)), has_details=True).tell(event)
    assert json.loads(seen.read_text())["stdin"].encode() == encode_event(event)


@pytest.mark.parametrize("code", ["pass", "import os; os.close(0)"])
def test_a_program_need_not_read(code):
    hook(python(code), has_details=True).tell(an_event(*[CHANGE] * 2000))


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import sys; sys.exit(3)", "failed (exit status 3)."),
        ("import sys; sys.exit('no:\\n  phone')", "failed (exit status 1). It said: no: phone"),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
            "was ended by SIGTERM.",
        ),
        (
            "import sys; sys.stderr.write('x' * 300_000 + ' the cause'); sys.exit(1)",
            f"failed (exit status 1). It said: {('x' * 300_000 + ' the cause')[-MAX_SAID:]}",
        ),
        ("print('out'); import sys; sys.exit(1)", "failed (exit status 1)."),
    ],
)
def test_a_program_that_fails_is_quoted(code, why):
    assert exec_failure(code) == why


@pytest.mark.parametrize(
    "code",
    [
        FOR_EVER,
        "while True: print('x' * 4096)",
        "import sys\nwhile True: sys.stderr.write('x')",
        f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {FOR_EVER}",
    ],
)
def test_a_program_that_does_not_end_is_ended(code):
    assert exec_failure(code, timeout=SOON).startswith("did not end within 0.5 s.")


def test_a_program_that_is_not_there_or_can_not_run(tmp_path):
    text = tmp_path / "notes"
    text.write_text("notes")
    refused = [failure(hook([str(each)])) for each in (tmp_path / "none", text)]
    assert refused == [
        "The program of --exec can't be run: No such file or directory.",
        "The program of --exec can't be run: Permission denied.",
    ]


def is_over(watched: int, seconds: float) -> bool:
    """Whether all that hold the other end of a pipe have ended."""
    ready, _, _ = select.select([watched], [], [], seconds)
    return [os.read(each, 1) for each in ready] == [b""]


@pytest.fixture
def pipe(tmp_path):
    """A pipe, and the words of a shell that holds its other end."""
    place = tmp_path / "pipe"
    os.mkfifo(place)
    watched = os.open(place, os.O_RDONLY | os.O_NONBLOCK)
    yield watched, f"exec 3>{shlex.quote(str(place))}"
    os.close(watched)


def test_what_it_started_ends_with_it_when_the_time_is_up(pipe):
    watched, holding = pipe
    failure(hook(["sh", "-c", f"{holding}; sleep 60 & sleep 60"], timeout=SOON))
    assert is_over(watched, 10.0)


def test_what_it_leaves_behind_lives_on_and_keeps_nobody_waiting(pipe, tmp_path):
    """And the stream that it holds is closed when it ends."""
    watched, holding = pipe
    before = threading.enumerate()
    left = tmp_path / "left"
    hook(["sh", "-c", f"{holding}; sleep 60 & echo $! > {left}"], timeout=60.0).tell(BLANK)
    assert not is_over(watched, 0.0)
    os.kill(int(left.read_text()), signal.SIGKILL)
    assert is_over(watched, 10.0)
    for thread in set(threading.enumerate()).difference(before):
        thread.join(10.0)


# --- the desktop


def test_the_desktop_shows_the_message_alone():
    shown = []
    DesktopSink(lambda *texts: shown.append(texts), word, has_details=False).tell(BLANK)
    assert shown == [("gpcli", "Something new at your GP's.")]


def test_with_details_it_shows_a_line_for_each_change():
    shown = []
    DesktopSink(lambda *texts: shown.append(texts), word, has_details=True).tell(
        an_event(*[CHANGE] * 7)
    )
    [(title, text)] = shown
    *lines, more = text.split("\n")
    assert (title, more) == ("gpcli", "… 2 more")
    assert len(lines) == 5
    assert lines[0].startswith("Visit confirmed · Fri 4 Dec")
    assert lines[0].endswith("· Røde øyne · Kari Berg")


@pytest.mark.parametrize("platform", ["win32", "freebsd14", "cygwin"])
def test_other_systems_have_no_desktop_that_gpcli_knows(platform):
    with pytest.raises(TellingFailed, match="Linux and macOS alone"):
        choose_notify(platform, None, {})


def test_without_a_session_bus_there_is_none():
    with pytest.raises(TellingFailed, match="There is no session bus here"):
        choose_notify("linux", None, {})


@pytest.mark.parametrize("address", ["nonsense", "tcp:host=localhost,port=1", "unix:path=/none"])
def test_a_bus_that_is_none_is_said(address):
    sink = DesktopSink(choose_notify("linux", address, {}), word, has_details=False)
    assert failure(sink).startswith("The session bus can't be reached")


@pytest.fixture
def osascript(tmp_path):
    """A program in the place of macOS's, where it notes what it gets, and its variables."""

    def build(ending: str = "") -> Mapping[str, str]:
        program = tmp_path / "osascript"
        program.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/argv\ncat > {tmp_path}/stdin\n{ending}\n'
        )
        program.chmod(0o755)
        return {"PATH": f"{tmp_path}:{os.environ['PATH']}"}

    return build


def test_macos_gets_the_texts_where_nobody_else_sees_them(tmp_path, osascript):
    said = 'a "quoted" \\ text\n$(touch x)'
    notify = choose_notify("darwin", None, osascript())
    DesktopSink(notify, lambda _: said, has_details=True).tell(WHOLE)
    assert (tmp_path / "stdin").read_text() == f"gpcli\n{said}"
    argv = (tmp_path / "argv").read_text()
    assert argv.startswith("-l\nJavaScript\n-e\n")
    assert "quoted" not in argv


def test_macos_may_fail(osascript):
    sink = DesktopSink(choose_notify("darwin", None, osascript("exit 1")), word, has_details=False)
    assert failure(sink) == "osascript, which shows notifications, failed (exit status 1)."
    missing = DesktopSink(choose_notify("darwin", None, {"PATH": "/none"}), word, has_details=False)
    assert failure(missing).startswith("osascript, which shows notifications, can't be run")


# --- over HTTP


class Sent:
    """What was sent, in the place of a client; it answers with a status, or fails."""

    def __init__(self, ending: int | Exception = 200) -> None:
        self._ending = ending
        self.requests: list[tuple[str, bytes, dict[str, str]]] = []

    def __call__(self, url: str, content: bytes, headers: Mapping[str, str]) -> int:
        self.requests.append((url, content, dict(headers)))
        if isinstance(self._ending, Exception):
            raise self._ending
        return self._ending


def test_ntfy_gets_a_text_and_a_title():
    send = Sent()
    NtfySink(URL, send, word, has_details=False).tell(BLANK)
    headers = {"Content-Type": "text/plain; charset=utf-8", "Title": "gpcli"}
    assert send.requests == [(URL, b"Something new at your GP's.", headers)]


def test_a_webhook_gets_json():
    send = Sent()
    WebhookSink(URL, send, encode_event, has_details=False).tell(BLANK)
    assert send.requests == [(URL, encode_event(BLANK), {"Content-Type": "application/json"})]


def test_with_details_both_get_them():
    ntfy, webhook = Sent(), Sent()
    NtfySink(URL, ntfy, word, has_details=True).tell(WHOLE)
    WebhookSink(URL, webhook, encode_event, has_details=True).tell(WHOLE)
    assert "Røde øyne" in ntfy.requests[0][1].decode()
    assert webhook.requests[0][1] == encode_event(WHOLE)


def test_a_token_is_sent_where_there_is_one():
    ntfy, webhook = Sent(), Sent()
    NtfySink(URL, ntfy, word, has_details=False, token="tk_1").tell(BLANK)
    WebhookSink(URL, webhook, encode_event, has_details=False, token="tk_2").tell(BLANK)
    assert ntfy.requests[0][2]["Authorization"] == "Bearer tk_1"
    assert webhook.requests[0][2]["Authorization"] == "Bearer tk_2"


@pytest.mark.parametrize(
    ("ending", "why"),
    [
        (302, "hook.example wants it at another address (302), and gpcli follows no redirect: "),
        (401, "hook.example refused it (401): GPCLI_NOTIFY_TOKEN names its token."),
        (403, "hook.example refused it (403): GPCLI_NOTIFY_TOKEN names its token."),
        (404, "hook.example did not take it (404)."),
        (429, "hook.example did not take it (429)."),
        (503, "hook.example did not take it (503)."),
        (Unreachable("hook.example can't be reached."), "hook.example can't be reached."),
    ],
)
def test_what_is_not_taken_is_said_without_the_address(ending, why):
    for sink in (
        NtfySink(URL, Sent(ending), word, has_details=False),
        WebhookSink(URL, Sent(ending), encode_event, has_details=False),
    ):
        said = failure(sink)
        assert said.startswith(why)
        assert "secret" not in said


# --- what leaks


def everything() -> WatchEvent:
    """An event with all that an event can have."""
    visit = an_appointment("visit-9876")
    return an_event(times=(a_slot(),), appointment=visit, replaced=visit, fee="NOK 4711")


def test_the_event_that_is_told_below_has_all_details_and_every_canary():
    assert None not in {getattr(everything(), each.name) for each in fields(WatchEvent)}
    assert find_leaks(encode_event(everything())) == set(CANARIES)


def test_without_details_nothing_of_a_record_leaves(tmp_path):
    """Neither in what is sent, nor in a program's arguments and variables."""
    seen, shown, ntfy, webhook = tmp_path / "seen", [], Sent(), Sent()
    sinks = (
        hook(python(NOTING, str(seen))),
        DesktopSink(lambda *texts: shown.append(texts), word, has_details=False),
        NtfySink(URL, ntfy, word, has_details=False),
        WebhookSink(URL, webhook, encode_event, has_details=False),
    )
    with closing(ChangeStore(tmp_path, "account")) as store:
        reader = ChangeReader(store, "watch main", lambda: NOW)
        teller = Teller(store, reader, sinks, "main", "Ada Nordmann", pytest.fail)
        teller.tell([News(everything(), ("end", "x"), SeenRecord(None, None, {}))])
    said = [seen.read_text(), repr(shown), repr(ntfy.requests), repr(webhook.requests)]
    assert [find_leaks(each) for each in said] == [set()] * 4
    assert all("Something new at your GP" in each for each in said)


def test_with_details_nothing_of_a_record_is_an_argument_or_a_variable(tmp_path):
    seen = tmp_path / "seen"
    hook(python(NOTING, str(seen)), has_details=True).tell(everything())
    said = json.loads(seen.read_text())
    assert find_leaks(json.dumps([said["argv"], said["env"]], ensure_ascii=False)) == set()
    assert find_leaks(said["stdin"]) == {*CANARIES}


def test_what_a_record_says_can_not_control_where_it_is_shown():
    title = "\x1b[2J\u202eevil\nline"
    event = an_event(replace(CHANGE, title=title))
    assert "\\x1b[2J\\u202eevil line" in word(event)
    assert word(event).isprintable()
    encoded = encode_event(event).decode()
    assert encoded.removesuffix("\n").isprintable()
    assert json.loads(encoded)["changes"][0]["title"] == title
