"""`--exec`, `--desktop`, `--ntfy`, `--webhook` and `--details`: how a watch tells what is new."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import SplitResult

import typer

from gpcli.app_context import AppContext
from gpcli.auth.vault import find_session_bus
from gpcli.changes.desktop import choose_notify
from gpcli.changes.sinks import DesktopSink, ExecSink, NtfySink, Send, WebhookSink, Word
from gpcli.changes.telling import Sink, TellingFailed
from gpcli.config.given_token import find_token_flaw
from gpcli.config.settings import read_variable
from gpcli.config.variables import NOTIFY_BEARER, without_secrets
from gpcli.errors import BadResponse, ConfigError, InvalidUsage, WrongHost
from gpcli.http.url_policy import parse_safe_url
from gpcli.model.change import WatchEvent, WatchWord
from gpcli.render.output import Output
from gpcli.render.view import View
from gpcli.render.views.appointment_views import APPOINTMENTS, SLOTS
from gpcli.render.views.change_views import CHANGES
from gpcli.render.views.event_views import (
    EVENTS,
    encode_event,
    list_event_lines,
    word_event,
    word_message,
)
from gpcli.user_command import InvalidCommand, split_command
from gpcli.web_url import InvalidUrl, split_web_url

Exec = Annotated[
    str | None,
    typer.Option("--exec", metavar="CMD", help="Run a program, which gets what is new as JSON"),
]
Desktop = Annotated[
    bool, typer.Option("--desktop", help="Show a notification on this computer's desktop")
]
Ntfy = Annotated[
    str | None,
    typer.Option("--ntfy", metavar="URL", help="Send to a topic of ntfy: its name, or its URL"),
]
Webhook = Annotated[
    str | None,
    typer.Option("--webhook", metavar="URL", help="Send what is new as JSON to an address"),
]
Details = Annotated[
    bool, typer.Option("--details", help="Tell what is new, and not only that something is")
]

_NTFY = "https://ntfy.sh"
_TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
"""The name of a topic of ntfy (docs.ntfy.sh/publish)."""


class StdoutSink:
    """Writes what is new as the answer of the command.

    A person at a terminal is told what is new with or without `has_details`; a program in the
    format that was asked for.
    """

    name = "stdout"
    takes_one = False

    def __init__(self, context: AppContext, *, has_details: bool) -> None:
        self._output = context.output
        self._stdout = context.stdout
        self.has_details = has_details or self._output.is_read_by_person

    @property
    def view(self) -> View[Any]:
        """What `--fields` chooses from."""
        return EVENTS if self._output.is_json else CHANGES

    def tell(self, event: WatchEvent) -> None:
        """Write it; raise OSError where it can't be written."""
        output = self._output
        if output.is_json:
            output.show_item(EVENTS, event)
        elif event.event in {WatchWord.SIGNED_OUT, WatchWord.ENDED}:
            return  # the error that ends the command says so
        elif event.details and output.is_read_by_person and output.fields is None:
            for line in list_event_lines(event, output.time_format):
                output.show_text(line)
        elif event.changes is not None:
            output.show_list(CHANGES, event.changes)
        elif event.times is not None:
            output.show_list(SLOTS, event.times)
        elif event.appointment is not None:
            output.show_list(APPOINTMENTS, [event.appointment])
        else:
            output.show_text(word_message(event))
        self._stdout.flush()


def build_sinks(
    context: AppContext,
    *,
    exec_: str | None = None,
    desktop: bool = False,
    ntfy: str | None = None,
    webhook: str | None = None,
    details: bool = False,
    platform: str = sys.platform,
) -> list[Sink]:
    """Return the ways of telling that the options ask for, once all of them are checked.

    Standard output is told too where a person reads it, where a format was asked for, and where no
    other way was. `platform` is the system's name.

    Raises: InvalidUsage, ConfigError.
    """
    sinks: list[Sink] = [
        *_build_exec_sinks(context, exec_, details=details),
        *_build_desktop_sinks(context, platform if desktop else None, details=details),
        *_build_web_sinks(context, ntfy, webhook, details=details),
    ]
    if not sinks or context.options.format or context.output.is_read_by_person:
        return [StdoutSink(context, has_details=details), *sinks]
    return sinks


def answer_field_query(output: Output, sinks: Sequence[Sink]) -> bool:
    """Check the chosen fields before the watch begins; as Output.answer_field_query."""
    views = [sink.view for sink in sinks if isinstance(sink, StdoutSink)]
    return any(output.answer_field_query(view) for view in views)


def check_fields_of_times(output: Output, sinks: Sequence[Sink]) -> None:
    """Raise InvalidUsage where fields were chosen that free times, told line by line, lack."""
    is_told = any(isinstance(sink, StdoutSink) and sink.has_details for sink in sinks)
    if is_told and output.fields and not output.is_json:
        SLOTS.require_fields(output.fields, json=False)


def _build_exec_sinks(context: AppContext, command: str | None, *, details: bool) -> Iterator[Sink]:
    if command is not None:
        words, env = _parse_command(command, context.env), without_secrets(context.env)
        umask = context.former_umask
        yield ExecSink(words, env, encode_event, has_details=details, umask=umask)


def _build_desktop_sinks(
    context: AppContext, platform: str | None, *, details: bool
) -> Iterator[Sink]:
    if platform is None:
        return
    bus, env = find_session_bus(context.env), without_secrets(context.env)
    try:
        notify = choose_notify(platform, bus, env)
    except TellingFailed as why:
        raise InvalidUsage(f"--desktop: {why}") from why
    yield DesktopSink(notify, _build_word(context), has_details=details)


def _build_web_sinks(
    context: AppContext, ntfy: str | None, webhook: str | None, *, details: bool
) -> Iterator[Sink]:
    topic = None if ntfy is None else _parse_topic(ntfy)
    hook = None if webhook is None else _parse_url("--webhook", webhook)
    if topic is None and hook is None:
        return
    token, send = _read_token(context.env, topic, hook), _build_send(context)
    if topic is not None:
        word = _build_word(context)
        yield NtfySink(topic.geturl(), send, word, has_details=details, token=token)
    if hook is not None:
        yield WebhookSink(hook.geturl(), send, encode_event, has_details=details, token=token)


def _build_word(context: AppContext) -> Word:
    return lambda event: word_event(event, context.output.time_format)


def _build_send(context: AppContext) -> Send:
    """Return what sends a request without the portal's token, within a time limit of its own."""
    client = context.open_client(None, doing="Telling what is new")

    def send(url: str, content: bytes, headers: Mapping[str, str]) -> int:
        client.deadline.restart()
        return client.post_public(url, content, headers=headers).status

    return send


def _parse_command(text: str, env: Mapping[str, str]) -> Sequence[str]:
    """Return the words of a command, its program by its path."""
    try:
        program, *rest = split_command(text)
    except InvalidCommand as why:
        raise InvalidUsage(f"--exec {why}.") from why
    path = shutil.which(program, path=env.get("PATH", os.defpath))
    if path is None:
        raise InvalidUsage(
            f"--exec: there is no program '{program}' that can be run.",
            hint="No shell runs it: write its whole path, without ~ or $HOME.",
        )
    return [path, *rest]


def _parse_topic(text: str) -> SplitResult:
    if _TOPIC.fullmatch(text):
        return split_web_url(f"{_NTFY}/{text}")
    if "://" not in text:
        raise InvalidUsage(
            "--ntfy needs the name of a topic (letters, digits, - and _), or its address."
        )
    url = _parse_url("--ntfy", text)
    if not url.path.strip("/"):
        raise InvalidUsage(f"The address of --ntfy names no topic: https://{url.hostname}/TOPIC.")
    return url


def _parse_url(option: str, text: str) -> SplitResult:
    """Return a URL to send to; raise InvalidUsage, which never quotes it: who knows it may use it.

    The path of one is often all that proves who sends.
    """
    try:
        url = split_web_url(text)
        parse_safe_url(text)
    except InvalidUrl as why:
        raise InvalidUsage(f"The address of {option} {why}.") from None
    except WrongHost:
        raise InvalidUsage(f"The address of {option} must begin with https://.") from None
    except BadResponse:
        raise InvalidUsage(f"The address of {option} is no valid URL.") from None
    if "@" in url.netloc:
        raise InvalidUsage(
            f"The address of {option} has a name or password in it.",
            hint=f"{NOTIFY_BEARER} has the token that is sent there.",
        )
    return url


def _read_token(env: Mapping[str, str], topic: SplitResult | None, hook: SplitResult | None) -> str:
    """Return the token for where it is sent to, empty = none is set; raise ConfigError."""
    token = read_variable(env, NOTIFY_BEARER)
    if token is None:
        return ""
    if flaw := find_token_flaw(token):
        raise ConfigError(f"{NOTIFY_BEARER} is no token: it {flaw}.")
    if topic and hook and (topic.scheme, topic.netloc) != (hook.scheme, hook.netloc):
        raise ConfigError(
            f"{NOTIFY_BEARER} would go to both {topic.hostname} and {hook.hostname}.",
            hint="Let one gpcli watch tell the one, and another the other.",
        )
    return token
