"""`demo`: a transcript of commands, run against a portal of its own."""

from __future__ import annotations

import io
import json
import shlex
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TextIO

import typer

from gpcli.app_context import AppContext
from gpcli.auth.vault import MemoryVault
from gpcli.cli.global_options import get_context
from gpcli.cli.run import run_command_line
from gpcli.cli.sandbox_env import require_extra
from gpcli.errors import Exit, Failure

if TYPE_CHECKING:
    from gpcli.config.settings import Options
    from gpcli.render.terminal import Terminal
    from gpcli.sandbox.server import Sandbox


DELAY = timedelta(seconds=30)
"""The time that the demo's surgery takes to answer, on the portal's clock."""

_KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TERM",
    "COLUMNS",
    "NO_COLOR",
    "FORCE_COLOR",
    "TZ",
)


@dataclass
class Transcript:
    """Runs command lines in this process, with a vault in memory.

    `env` are their variables; `terminal` is what they take their streams for, so that they answer
    with tables, as for a person.
    """

    stdout: TextIO
    env: Mapping[str, str]
    terminal: Terminal
    vault: MemoryVault = field(default_factory=MemoryVault)

    def write_comment(self, text: str) -> None:
        """Write a comment."""
        self.stdout.write(f"\n# {text}\n")

    def run_shown(self, line: str, *, exits: int = 0) -> None:
        """Run `line`, showing it and its output; raise Failure if its exit code is not `exits`."""
        self.stdout.write(f"\n$ {line}\n")
        self.stdout.flush()
        code = self._run(shlex.split(line)[1:], self.stdout)
        if code == Exit.CLOSED_PIPE:
            raise BrokenPipeError
        if code != exits:
            raise Failure(f"'{line}' ended with exit {code}, not {exits}.")

    def run_for_json(self, line: str) -> Any:
        """Run `line` without showing it, and return its JSON answer."""
        answer = io.StringIO()
        argv = [*shlex.split(line)[1:], "--json"]
        if self._run(argv, answer, stderr=io.StringIO()) != 0:
            raise Failure(f"'{line}' failed.")
        return json.loads(answer.getvalue())

    def _run(self, argv: Sequence[str], stdout: TextIO, *, stderr: TextIO | None = None) -> int:
        streams = (io.StringIO(), stdout, stderr or stdout)
        code = run_command_line(argv, self.env, *streams, self._build_context)
        if code == Exit.INTERRUPTED:
            raise KeyboardInterrupt
        return code

    def _build_context(
        self, options: Options, env: Mapping[str, str], stdin: TextIO, out: TextIO, err: TextIO
    ) -> AppContext:
        return AppContext(
            options,
            env,
            stdin,
            out,
            err,
            vault=self.vault,
            browse=open_sign_in_page,
            terminal=self.terminal,
        )


def open_sign_in_page(url: str) -> bool:
    """Open the sign-in page with a single GET, which the sandbox answers at once."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    threading.Thread(target=lambda: opener.open(url, timeout=10).close(), daemon=True).start()
    return True


def demo(ctx: typer.Context) -> None:
    """Play the main job: sign in, look, book, cancel; then a GP who offers nothing online.

    Everything is real but for the place: a portal on this machine with made-up people, and
    a keyring in memory.
    """
    context = get_context(ctx)
    with require_extra("demo"):
        from gpcli.sandbox.server import Sandbox  # noqa: PLC0415  (optional: an extra)
    with (
        Sandbox(delay=DELAY, auto_sign_in=True) as sandbox,
        tempfile.TemporaryDirectory() as config_dir,
    ):
        env = {name: context.env[name] for name in _KEPT_VARIABLES if name in context.env}
        if context.output.phrasing.in_words:
            env["GPCLI_ACCESSIBLE"] = "1"
        terminal = replace(context.output.terminal, stdin_tty=False, stdout_tty=True)
        transcript = Transcript(context.stdout, {**env, "GPCLI_CONFIG_DIR": config_dir}, terminal)
        transcript.write_comment(
            "A GP portal on this machine, with made-up people; the keyring is in memory."
        )
        for step in STEPS:
            step(transcript, sandbox)
        transcript.write_comment("That was the demo. Your own portal: gpcli login PORTAL-URL")


def _sign_in(transcript: Transcript, sandbox: Sandbox) -> None:
    transcript.write_comment("Ada signs in. Her browser is played by a single request.")
    transcript.run_shown(f"gpcli login {sandbox.fhir_base} --profile demo --hint ada")
    _check(transcript.run_for_json("gpcli whoami")["patient"]["id"] == "ada", "Ada is signed in")


def _look(transcript: Transcript, sandbox: Sandbox) -> None:
    transcript.write_comment("What her GP offers, and where the surgery is.")
    transcript.run_shown("gpcli services")
    transcript.run_shown("gpcli gp")


def _book(transcript: Transcript, sandbox: Sandbox) -> None:
    transcript.write_comment("Free times, and one of them booked.")
    transcript.run_shown("gpcli slots --limit 4")
    slot = transcript.run_for_json("gpcli slots --limit 1")[0]["id"]
    transcript.run_shown(f"gpcli book {slot} --reason 'Sore knee' --yes")
    booked = _find_booking(transcript, slot)
    _check(booked["status"] == "pending", "the booking waits for the surgery")
    sandbox.advance(DELAY)
    transcript.write_comment("Half a minute later by the portal's clock, the surgery has answered.")
    transcript.run_shown("gpcli appointments list")
    _check(
        _find_booking(transcript, slot)["status"] == "booked", "the surgery confirmed the booking"
    )
    transcript.run_shown(f"gpcli cancel {booked['id']} --yes")
    _check(_find_booking(transcript, slot)["status"] == "cancelled", "the booking is cancelled")


def _write(transcript: Transcript, sandbox: Sandbox) -> None:
    transcript.write_comment(
        "An e-consultation in writing: what it may cost is shown, and agreed to."
    )
    options = "--subject 'Itchy arm' --message 'It began on Monday and does not go away.'"
    transcript.run_shown(f"gpcli econsult start --via text {options} --yes --accept-fee 400")
    transcript.write_comment("A question to the reception.")
    options = "--subject 'Step-free entrance' --message 'Is there a ramp at the back?'"
    transcript.run_shown(f"gpcli contact {options} --yes")
    sandbox.advance(DELAY)
    transcript.write_comment("Both are answered; what is unread comes first.")
    transcript.run_shown("gpcli messages list --unread")
    thread = _find_only(
        transcript.run_for_json("gpcli messages list --unread"), subject="Itchy arm"
    )
    transcript.run_shown(f"gpcli messages show {thread['id']}")
    transcript.run_shown(f"gpcli messages mark-read {thread['id']}")
    unread = transcript.run_for_json("gpcli messages list --unread")
    _check(thread["id"] not in [record["id"] for record in unread], "the answer is marked as read")


def _renew(transcript: Transcript, sandbox: Sandbox) -> None:
    transcript.write_comment("What is left of her prescriptions, and asking for one that runs out.")
    transcript.run_shown("gpcli rx list")
    empty = _find_only(transcript.run_for_json("gpcli rx list --low"), name="Amlodipine")
    transcript.run_shown(f"gpcli rx renew {empty['id']} --yes")
    sandbox.advance(DELAY)
    renewed = _find_only(transcript.run_for_json("gpcli rx list"), name="Amlodipine")
    _check(empty["id"] in renewed["predecessors"], "the prescription is renewed")
    transcript.run_shown("gpcli rx requests --fields prescription,asked,status,answer")


def _vaccinate(transcript: Transcript, sandbox: Sandbox) -> None:
    transcript.write_comment("Guro signs in for her child Emil, then for herself: the flu vaccine.")
    transcript.run_shown(f"gpcli login {sandbox.fhir_base} --hint guro --as emil")
    transcript.run_shown("gpcli services --as emil --fields service,status")
    statuses = {
        row["service"]: row["status"] for row in transcript.run_for_json("gpcli services --as emil")
    }
    _check(statuses["flu-vaccination"] == "not_offered", "the child is offered fewer services")
    transcript.run_shown(f"gpcli login {sandbox.fhir_base} --hint guro")
    transcript.run_shown("gpcli flu --first --yes --as guro")
    found = transcript.run_for_json("gpcli appointments list --as guro")
    _find_only(found, service="flu-vaccination", status="pending")


def _nothing_digital(transcript: Transcript, sandbox: Sandbox) -> None:
    transcript.write_comment(
        "Cecilie's GP offers nothing online: gpcli says so, and how to reach the surgery."
    )
    transcript.run_shown(f"gpcli login {sandbox.fhir_base} --hint cecilie")
    rows = transcript.run_for_json("gpcli services --as cecilie")
    _check({row["status"] for row in rows} == {"not_offered"}, "Cecilie's GP offers nothing")
    transcript.run_shown("gpcli flu --as cecilie", exits=5)


STEPS: tuple[Callable[[Transcript, Sandbox], None], ...] = (
    _sign_in,
    _look,
    _book,
    _write,
    _renew,
    _vaccinate,
    _nothing_digital,
)


def _find_booking(transcript: Transcript, slot: str) -> Any:
    found = [
        appointment
        for appointment in transcript.run_for_json("gpcli appointments list --all")
        if appointment["slot_id"] == slot
    ]
    _check(len(found) == 1, f"there is one booking for {slot}")
    return found[0]


def _find_only(found: Sequence[dict[str, Any]], **wanted: str) -> dict[str, Any]:
    """Return the only one of `found` with the values `wanted`; raise Failure otherwise."""
    matching = [record for record in found if wanted.items() <= record.items()]
    _check(len(matching) == 1, f"there is one with {wanted}")
    return matching[0]


def _check(holds: bool, what: str) -> None:
    """Raise Failure unless `what`, a sentence, holds."""
    if not holds:
        raise Failure(f"The demo did not go as it should: {what} is not so.")
