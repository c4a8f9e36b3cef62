"""The options by which a watch tells: what they refuse, whom they tell, and what arrives there."""

from __future__ import annotations

import io
import json
import os
import shlex
import sys
import threading
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from gpcli.app_context import AppContext
from gpcli.changes.telling import TellingFailed
from gpcli.cli.watch_sinks import StdoutSink, build_sinks
from gpcli.config.settings import Options
from gpcli.errors import ConfigError, GpcliError, InvalidUsage
from gpcli.model.change import WatchEvent, WatchWord
from gpcli.model.day_names import DAYS
from gpcli.render.terminal import Terminal
from gpcli.render.times import TimeFormat
from gpcli.render.views.change_views import CHANGES
from gpcli.render.views.event_views import EVENTS, encode_event, word_event
from tests.care.builders import NOW
from tests.changes.events import (
    AS_JSON,
    BLANK,
    CHANGE,
    TIMES,
    WHOLE,
    a_slot,
    an_event,
    find_leaks,
    reveal,
)

TOKEN = "portal-canary"
ENDED = WatchEvent(WatchWord.SIGNED_OUT, "Your sign-in has ended.", 0, "default")
SCREEN = Terminal(stdin_tty=True, stdout_tty=True, stderr_tty=True, width=200)


def a_context(
    tmp_path, *, screen: bool = False, transport=None, env=None, former_umask=-1, **options
):
    """What a watch works with, at a portal that nobody may ask."""
    variables = {
        "PATH": os.environ["PATH"],
        "GPCLI_CONFIG_DIR": str(tmp_path / "gpcli"),
        "GPCLI_PORTAL": "https://portal.example/fhir/R4",
        "GPCLI_TOKEN": TOKEN,
        "GPCLI_PATIENT": "pat-1",
        "DBUS_SESSION_BUS_ADDRESS": "unix:path=/none",
        **(env or {}),
    }
    streams = [io.StringIO() for _ in range(3)]
    terminal = SCREEN if screen else Terminal(False, False, False)
    return AppContext(
        Options(**{"timeout": 5.0, **options}),
        variables,
        *streams,
        now=lambda: NOW,
        terminal=terminal,
        transport=transport,
        former_umask=former_umask,
    )


def names(context, **options) -> list[str]:
    return [sink.name for sink in build_sinks(context, **options)]


# --- whom they tell


@pytest.mark.parametrize(
    ("screen", "given", "told"),
    [
        (False, {}, ["stdout"]),
        (False, {"desktop": True}, ["desktop"]),
        (True, {"desktop": True}, ["stdout", "desktop"]),
        (
            False,
            {"exec_": "true", "desktop": True, "ntfy": "topic", "webhook": "https://h.example/x"},
            ["exec", "desktop", "ntfy", "webhook"],
        ),
    ],
)
def test_standard_output_is_told_where_somebody_reads_it(tmp_path, screen, given, told):
    assert names(a_context(tmp_path, screen=screen), **given) == told


@pytest.mark.parametrize("format", ["json", "ndjson", "plain"])
def test_standard_output_is_told_where_a_format_was_asked_for(tmp_path, format):
    assert names(a_context(tmp_path, **{format: True}), exec_="true") == ["stdout", "exec"]


@pytest.mark.parametrize("details", [True, False])
def test_all_have_the_details_that_were_asked_for(tmp_path, details):
    given = {"exec_": "true", "desktop": True, "ntfy": "t", "webhook": "https://h.example/x"}
    context = a_context(tmp_path, json=True)
    assert {s.has_details for s in build_sinks(context, details=details, **given)} == {details}


# --- what they refuse


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("", "--exec names no command."),
        ("'half", "--exec is not a command: no closing quotation."),
        ("no-such-program-anywhere --now", "--exec: there is no program 'no-such-program-any"),
        ("/dev/null", "--exec: there is no program '/dev/null' that can be run."),
        ("~/hook", "--exec: there is no program '~/hook' that can be run."),
    ],
)
def test_a_command_that_can_not_be_run_is_refused_at_once(tmp_path, command, why):
    with pytest.raises(InvalidUsage) as refused:
        build_sinks(a_context(tmp_path), exec_=command)
    assert refused.value.message.startswith(why)


def test_a_program_is_looked_for_where_the_context_looks(tmp_path):
    hook = tmp_path / "my-hook"
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)
    assert names(a_context(tmp_path, env={"PATH": str(tmp_path)}), exec_="my-hook x") == ["exec"]
    with pytest.raises(InvalidUsage):
        build_sinks(a_context(tmp_path), exec_="my-hook x")


BAD_URLS = {
    "http://hook.example/s3cret": "must begin with https://.",
    "http://localhost/s3cret": "must begin with https://.",
    "https://": "is not a web address.",
    "ftp://hook.example/s3cret": "is not a web address.",
    "https://me:s3cret@hook.example/": "has a name or password in it.",
    "https://s3cret@hook.example/": "has a name or password in it.",
    "https://hook.example:0/s3cret": "has the port 0, at which nothing can be asked.",
    "https://hook.example/s3c ret\n": "has characters that no URL has.",
}


@pytest.mark.parametrize("option", ["ntfy", "webhook"])
@pytest.mark.parametrize(("url", "why"), BAD_URLS.items())
def test_an_address_that_can_not_be_used_is_refused_and_not_quoted(tmp_path, option, url, why):
    with pytest.raises(InvalidUsage) as refused:
        build_sinks(a_context(tmp_path), **{option: url})
    assert refused.value.message == f"The address of --{option} {why}"
    assert "s3c" not in refused.value.message + refused.value.hint


@pytest.mark.parametrize("topic", ["", "two words", "ntfy.example/topic", "x" * 65, "tøpic", "a/b"])
def test_what_is_no_topic_is_refused(tmp_path, topic):
    with pytest.raises(InvalidUsage, match=r"^--ntfy needs the name of a topic"):
        build_sinks(a_context(tmp_path), ntfy=topic)


@pytest.mark.parametrize("url", ["https://ntfy.example", "https://ntfy.example/"])
def test_a_server_without_a_topic_is_refused(tmp_path, url):
    with pytest.raises(InvalidUsage, match="names no topic"):
        build_sinks(a_context(tmp_path), ntfy=url)


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("", "GPCLI_NOTIFY_TOKEN is set but empty."),
        ("Bearer tk", "GPCLI_NOTIFY_TOKEN is no token: it begins with 'Bearer', which gpcli"),
        ("t\r\nX: y", "GPCLI_NOTIFY_TOKEN is no token: it has several lines."),
    ],
)
def test_a_token_that_is_none_is_refused(tmp_path, token, why):
    context = a_context(tmp_path, env={"GPCLI_NOTIFY_TOKEN": token})
    with pytest.raises(ConfigError) as refused:
        build_sinks(context, ntfy="topic")
    assert refused.value.message.startswith(why)
    assert names(context, exec_="true") == ["exec"]


def test_one_token_goes_to_one_place(tmp_path):
    context = a_context(tmp_path, env={"GPCLI_NOTIFY_TOKEN": "tk_1"})
    with pytest.raises(ConfigError, match=r"would go to both ntfy\.sh and hook\.example"):
        build_sinks(context, ntfy="topic", webhook="https://hook.example/x")
    same = {"ntfy": "https://h.example/t", "webhook": "https://h.example/x"}
    assert names(context, **same) == ["ntfy", "webhook"]


def test_a_desktop_that_there_can_not_be_is_refused(tmp_path):
    with pytest.raises(InvalidUsage, match=r"^--desktop: gpcli can show notifications"):
        build_sinks(a_context(tmp_path), desktop=True, platform="win32")
    env = {"DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": str(tmp_path)}
    with pytest.raises(InvalidUsage, match=r"^--desktop: There is no session bus here"):
        build_sinks(a_context(tmp_path, env=env), desktop=True, platform="linux")


# --- what arrives


@dataclass
class Receiver:
    """Somebody on this computer who is sent things, and answers with a status and headers."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    drips: bool = False
    over: threading.Event = field(default_factory=threading.Event)
    url: str = ""


@pytest.fixture
def receive():
    """Start receivers; they end with the test."""
    started = []

    def start(receiver: Receiver) -> Receiver:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.requests.append((self.path, dict(self.headers), body))
                if receiver.drips:
                    while not receiver.over.wait(0.02):
                        self.wfile.write(b"H")
                    return
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_):
                """A client may go away."""

        server = Server(("127.0.0.1", 0), Handler)
        receiver.url = f"http://127.0.0.1:{server.server_port}/secret-topic"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        started.append((receiver, server, thread))
        return receiver

    yield start
    for receiver, server, thread in started:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join(10)


def tell(context, event=BLANK, **options) -> None:
    for sink in build_sinks(context, **options):
        sink.tell(reveal(sink, event))


def test_ntfy_gets_the_message_without_the_token_of_the_portal(tmp_path, receive):
    server = receive(Receiver())
    context = a_context(tmp_path)
    tell(context, WHOLE, ntfy=server.url)
    context.close()
    [(path, headers, body)] = server.requests
    assert (path, headers["Title"], body) == (
        "/secret-topic",
        "gpcli",
        "Something new at your GP's.",
    )
    assert "Authorization" not in headers
    assert TOKEN not in repr(server.requests)
    assert find_leaks(repr(server.requests)) == set()


def test_a_webhook_gets_json_with_the_token_that_is_its_own(tmp_path, receive):
    server = receive(Receiver(status=204))
    context = a_context(tmp_path, env={"GPCLI_NOTIFY_TOKEN": " tk_1\n"})
    tell(context, WHOLE, webhook=server.url)
    tell(context, WHOLE, webhook=server.url, details=True)
    context.close()
    (_, headers, blank), (_, _, whole) = server.requests
    assert json.loads(blank) == AS_JSON
    assert whole.encode() == encode_event(WHOLE)
    assert (headers["Content-Type"], headers["Authorization"]) == (
        "application/json",
        "Bearer tk_1",
    )
    assert TOKEN not in repr(server.requests)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("my-Topic_1", "https://ntfy.sh/my-Topic_1"),
        ("https://ntfy.example:8443/t?x=1", "https://ntfy.example:8443/t?x=1"),
    ],
)
def test_the_name_of_a_topic_is_one_of_ntfy_sh(tmp_path, given, url):
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, str(request.url)))
        return httpx.Response(200)

    tell(a_context(tmp_path, transport=httpx.MockTransport(answer)), ntfy=given)
    assert asked == [("POST", url)]


@pytest.mark.parametrize("details", [True, False])
def test_a_program_gets_no_token_and_nothing_of_the_record_but_on_its_input(tmp_path, details):
    seen = tmp_path / "seen"
    context = a_context(tmp_path, env={"GPCLI_NOTIFY_TOKEN": "tk-canary"}, former_umask=0o024)
    code = (
        "import os, sys; said = f'{os.umask(0):o} {sys.argv} {dict(os.environ)}';"
        f"open({str(seen)!r}, 'w', encoding='utf-8').write(said)"
    )
    tell(context, WHOLE, exec_=shlex.join([sys.executable, "-c", code]), details=details)
    said = seen.read_text(encoding="utf-8")
    assert said.startswith("24 ['-c'] ")
    assert "GPCLI_PORTAL" in said
    assert not [word for word in (TOKEN, "tk-canary", "_TOKEN") if word in said]
    assert find_leaks(said) == set()


def test_a_redirect_is_not_followed(tmp_path, receive):
    other = receive(Receiver())
    server = receive(Receiver(status=307, headers={"Location": other.url}))
    context = a_context(tmp_path, env={"GPCLI_NOTIFY_TOKEN": "tk_1"})
    with pytest.raises(TellingFailed, match=r"^127\.0\.0\.1 wants it at another address \(307\)"):
        tell(context, ntfy=server.url)
    context.close()
    assert (len(server.requests), other.requests) == (1, [])


@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_a_refusal_is_told_and_nothing_is_sent_twice(tmp_path, receive, status):
    server = receive(Receiver(status=status, headers={"Retry-After": "0"}))
    context = a_context(tmp_path)
    with pytest.raises(TellingFailed, match=rf"^127\.0\.0\.1 did not take it \({status}\)"):
        tell(context, webhook=server.url)
    context.close()
    assert len(server.requests) == 1


def test_what_never_answers_is_left_after_the_time_limit(tmp_path, receive):
    server = receive(Receiver(drips=True))
    context = a_context(tmp_path, timeout=0.3)
    with pytest.raises(TellingFailed, match=r"^127\.0\.0\.1 did not answer within 0\.3 s\.$"):
        tell(context, webhook=server.url)
    context.close()
    assert len(server.requests) == 1


def test_each_telling_has_the_whole_time_limit(tmp_path, receive):
    server = receive(Receiver(drips=True))
    context = a_context(tmp_path, timeout=0.3)
    [sink] = build_sinks(context, webhook=server.url)
    for _ in range(2):
        with pytest.raises(TellingFailed, match="did not answer"):
            sink.tell(BLANK)
    context.close()
    assert len(server.requests) == 2


def test_nobody_there_is_said_without_the_address(tmp_path):
    with pytest.raises(TellingFailed) as raised:
        tell(a_context(tmp_path), webhook="http://127.0.0.1:1/secret-topic")
    assert str(raised.value) == "127.0.0.1 can't be reached: nothing answers there."


def test_the_lines_of_debug_name_the_host_alone(tmp_path, receive):
    server = receive(Receiver())
    context = a_context(tmp_path, debug=True)
    tell(context, ntfy=server.url)
    context.close()
    said = context.stderr.getvalue()
    assert said.startswith("POST 127.0.0.1 200 ")
    assert "secret" not in said


# --- standard output


def written(context, event, *, details: bool = False) -> str:
    StdoutSink(context, has_details=details).tell(event)
    return context.stdout.getvalue()


def here() -> str:
    """The present by this computer's clock, as lines begin with it."""
    now = NOW.astimezone()
    return f"{DAYS[now.weekday()]} {now:%H:%M}"


@pytest.mark.parametrize("format", ["json", "ndjson"])
def test_programs_get_an_object_a_line(tmp_path, format):
    context = a_context(tmp_path, **{format: True})
    sink = StdoutSink(context, has_details=False)
    for event in (BLANK, ENDED):
        sink.tell(event)
    lines = [json.loads(line) for line in context.stdout.getvalue().splitlines()]
    assert lines[0] == AS_JSON
    assert lines[1]["event"] == "signed_out"
    assert sink.view is EVENTS


def test_json_has_details_where_they_were_asked_for(tmp_path):
    assert written(a_context(tmp_path, ndjson=True), WHOLE, details=True).encode() == encode_event(
        WHOLE
    )


def test_fields_choose_keys(tmp_path):
    context = a_context(tmp_path, ndjson=True, fields=("event", "count"))
    assert written(context, BLANK) == '{"event": "changes", "count": 1}\n'


def test_a_person_is_told_what_is_new_and_the_command_for_more(tmp_path):
    context = a_context(tmp_path, screen=True)
    sink = StdoutSink(context, has_details=False)
    assert sink.has_details
    visit, message = replace(CHANGE, thread_id=None), replace(CHANGE, kind="message")
    first, second = written(context, reveal(sink, an_event(visit, message))).splitlines()
    assert first.startswith(f"{here()}  Visit confirmed · Fri 4 Dec 09:00–09:20")
    end = " · Røde øyne · Kari Berg · {} · The surgery says: Kom nå"
    assert first.endswith(end.format("gpcli appointments show appt-4711"))
    assert second.endswith(end.format("gpcli messages show thread-0815"))


def test_lines_in_words_begin_with_the_time_as_well(tmp_path):
    context = a_context(tmp_path, screen=True, accessible=True)
    text = written(context, an_event(replace(CHANGE, thread_id=None, answer=None)))
    assert text.startswith(f"{here()}, Visit confirmed, Fri 4 Dec 09:00 to 09:20")
    assert text.endswith(", Kari Berg, gpcli appointments show appt-4711\n")


@pytest.mark.parametrize("count", [20, 216])
def test_a_person_is_told_some_of_very_many_times(tmp_path, count):
    event = replace(TIMES, count=count, times=(a_slot(),) * count)
    lines = written(a_context(tmp_path, screen=True), event).splitlines()
    assert all(line.startswith(f"{here()}  Free: ") for line in lines[:20])
    more = [f"{here()}  … 196 more: gpcli slots"] if count > 20 else []
    assert lines[20:] == more


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "A time that fits is free at your GP's. gpcli slots lists it."),
        (216, "216 times that fit are free at your GP's. gpcli slots lists them."),
    ],
)
def test_without_details_it_is_told_how_many_times_there_are(tmp_path, count, text):
    event = replace(TIMES, count=count)
    assert written(a_context(tmp_path), event) == f"{text}\n"
    assert word_event(event, TimeFormat(NOW)) == text


def test_lines_without_details_say_that_something_is_new(tmp_path):
    context = a_context(tmp_path)
    sink = StdoutSink(context, has_details=False)
    text = written(context, reveal(sink, WHOLE))
    assert text == "Something new at your GP's. gpcli changes shows it.\n"


def test_lines_with_details_are_those_of_changes(tmp_path):
    context = a_context(tmp_path, plain=True)
    [row] = written(context, WHOLE, details=True).splitlines()
    cells = dict(zip(CHANGES.column_names, row.split("\t"), strict=True))
    assert (cells["id"], cells["change"], cells["title"]) == ("appt-4711", "confirmed", "Røde øyne")


@pytest.mark.parametrize("screen", [True, False])
def test_the_end_of_a_sign_in_is_left_to_the_error_that_says_it(tmp_path, screen):
    assert written(a_context(tmp_path, screen=screen), ENDED) == ""


def test_what_can_not_be_written_is_no_telling(tmp_path):
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    context = a_context(tmp_path)
    full = AppContext(context.options, context.env, io.StringIO(), Full(), io.StringIO())
    with pytest.raises((OSError, GpcliError)):
        written(full, BLANK)
