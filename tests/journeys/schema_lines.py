"""A line for whatever gpcli can do, and a judge of the JSON that comes of it, by the schemas."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Protocol

from gpcli.cli.line_parser import parse_line
from gpcli.errors import Exit
from gpcli.render.json_schema import OTHER_ANSWERS, find_schema
from tests.journeys.shell import CommandResult, Shell

Schema = dict[str, Any]

READS = (
    "whoami",
    "whoami --min-life 10m",
    "whoami --all",
    "consent show",
    "profile add staging https://staging.example/fhir --environment staging",
    "profile list",
    "profile show staging",
    "profile use staging",
    "profile remove staging",
    "services",
    "services booking",
    "gp",
    "today",
    "next",
    "changes",
    "changes --peek",
    "watch status",
    "messages list",
    "messages list --unread",
    "messages list --count",
    "messages show {thread}",
    "messages save {thread} --to {home} --yes",
    "rx list --all",
    "rx list --low",
    "rx show {prescription}",
    "rx requests",
    "slots --limit 40",
    "slots --weekday sun",
    "flu",
    "flu --weekday sun",
    "appointments list --all",
    "appointments list --waiting",
    "appointments show {appointment}",
    "appointments export",
    "econsult join {video} --no-browser",
    "open --no-browser",
    "open {video}",
    "outbox list --all",
    "outbox settle",
    "outbox show {sent}",
    "troubleshoot",
    "sandbox people",
    "smoke",
    "smoke --checks gp,paging",
)
WRITES = (
    "book {slot} --another --reason Cough",
    "book --first --another --from +2d",
    "book --enquiry --another --reason Cough",
    "book --first --another --from +2d --replace {appointment} --accept-fee any",
    "move {appointment} --first --from +2d --accept-fee any",
    "flu --first",
    "cancel {appointment} --accept-fee any",
    "econsult start --via text --subject Knee --message Hei --another --accept-fee any",
    "econsult start --via video --to +7d --subject Knee --message Hei --another --accept-fee any",
    "econsult withdraw {video}",
    "contact --subject Ramp --message Hei",
    "messages reply {thread} --message Thanks",
    "messages mark-read {thread}",
    "messages mark-read --all",
    "rx renew --low",
    "rx renew {prescription} nope",
    "rx withdraw {request}",
    "consent grant",
    "consent withdraw --confirm withdraw",
)
"""What can be sent: as it is, with `--dry-run` and with `--yes`."""

SERVED = (
    *("sandbox list", "sandbox env ada", "sandbox answer"),
    *("sandbox advance 1d", "sandbox reset"),
    *("sandbox fault add 'GET jwks: 503 x2'", "sandbox fault list", "sandbox fault clear"),
)
"""What is asked of a portal that is served on this machine."""

WRONG = (
    "",
    "slotz",
    "--bogus",
    "--bogus slots",
    "slots --bogus",
    "slots --limit",
    "slots --limit none",
    "slots --from never",
    "slots --fields bogus",
    "slots --timeout never",
    "slots --profile nope",
    "slots --as nope",
    "slots --gp nope",
    "slots more and more",
    "book",
    "book nope --yes",
    "book --first --enquiry",
    "book --first --replace nope --yes",
    "move nope --first --yes",
    "move",
    "cancel nope --yes",
    "appointments show nope",
    "econsult join nope",
    "open nope",
    "econsult start --yes",
    "econsult start --via pigeon --subject Knee --message Hei --yes",
    "econsult withdraw nope --yes",
    "contact --subject Ramp --message-file nope.txt --yes",
    "messages show nope",
    "messages show",
    "messages reply nope --message Hei --yes",
    "messages save nope",
    "messages mark-read nope --yes",
    "messages list --kind nope",
    "rx show nope",
    "rx renew nope --yes",
    "rx withdraw nope --yes",
    "rx list --kind nope",
    "consent withdraw --confirm wrong",
    "outbox show nope",
    "outbox settle nope",
    "profile add bad ftp://portal.example --environment staging",
    "profile show nope",
    "profile remove nope",
    "login",
    "login ftp://portal.example",
    "logout",
    "completion tcsh",
    "help nope",
    "api",
    "api ''",
    "api ../nope",
    "api Patient/nope",
    "api POST Communication -f resourceType=Communication",
    "api POST Communication -f resourceType=Communication --yes",
    "sandbox serve --clock never",
    "smoke --checks nope",
    "smoke --expect nope",
    "smoke --compare nope.json",
    "smoke --expect no-show",
    *SERVED,
)

_LISTS = {
    "slot": "slots --limit 1",
    "thread": "messages list",
    "prescription": "rx list",
    "appointment": "appointments list",
    "video": "appointments list",
    "request": "rx requests --open",
    "sent": "outbox list --all",
}
"""What stands in braces in a line -> the list of what it may be."""


class Validator(Protocol):
    """What the libraries for JSON Schema have in common."""

    def iter_errors(self, instance: Any) -> Iterator[Any]:
        """Yield what is wrong with a value; each has a `message`."""


class Judge:
    """Says what is wrong with the JSON that a line wrote; `build` makes a validator of a schema."""

    def __init__(self, build: Callable[[Schema], Validator]) -> None:
        self._validator = cache(lambda name, is_line: build(_schema(name, is_line=is_line)))

    def problems(self, line: str, ending: CommandResult) -> list[str]:
        """What is wrong with both streams, in words; empty if nothing."""
        found = [*self._stdout(line, ending), *self._stderr(ending)]
        return [f"gpcli {line}: {each}" for each in found]

    def _stdout(self, line: str, ending: CommandResult) -> Iterator[str]:
        command = parse_line(shlex.split(line)).path
        is_line = "--ndjson" in line
        if command in OTHER_ANSWERS or not ending.out:
            if ending.code == Exit.OK and command not in OTHER_ANSWERS and not is_line:
                yield "it succeeds without an answer"
            return
        for text in ending.out.splitlines() if is_line else [ending.out]:
            yield from self._wrong(command, text, is_line=is_line)

    def _stderr(self, ending: CommandResult) -> Iterator[str]:
        lines = ending.err.splitlines()
        for text in lines:
            yield from self._wrong("stderr", text)
        if ending.code in (Exit.OK, Exit.INTERRUPTED, Exit.CLOSED_PIPE, Exit.TERMINATED):
            return
        if not lines or f'"exit":{ending.code},' not in lines[-1].replace(" ", ""):
            yield f"it ends with {ending.code} and says: {lines[-1:]}"

    def _wrong(self, name: str, text: str, *, is_line: bool = False) -> Iterator[str]:
        try:
            value = json.loads(text)
        except ValueError:
            yield f"no JSON: {text[:200]}"
            return
        for error in self._validator(name, is_line).iter_errors(value):
            yield f"{name}: {error.message[:200]} in {text[:200]}"


def _schema(name: str, *, is_line: bool) -> Schema:
    """The schema of an answer; for a line of `--ndjson`, of an item of it."""
    schema = find_schema(name)
    assert schema is not None, f"{name} has no schema"
    if not is_line:
        return schema
    choices = schema.pop("anyOf", None) or [schema.copy()]
    rest = {key: schema[key] for key in ("$schema", "$defs") if key in schema}
    return {**rest, "anyOf": [each.get("items", each) for each in choices]}


def fill(shell: Shell, line: str, home: str) -> str:
    """The line with ids of what the person has in the place of its braces; `nope` for none."""
    found = {name: _find(shell, name) for name in _LISTS if f"{{{name}}}" in line}
    return line.format(home=home, **found)


def _find(shell: Shell, name: str) -> str:
    ending = shell(f"gpcli {_LISTS[name]} --json")
    rows = ending.json if ending.code == Exit.OK else []
    if name == "video":
        rows = [row for row in rows if row["channel"] == "video"]
    return next((row.get("id") or row["request_id"] for row in rows), "nope")


def play(shell: Shell, judge: Judge, line: str, home: str, *options: str) -> list[str]:
    """Play a line with some options, and return what is wrong with what it wrote."""
    own, dashes, rest = fill(shell, line, home).partition(" -- ")
    filled = " ".join([own, *options]) + dashes + rest
    return judge.problems(filled, shell(f"gpcli {filled}"))
