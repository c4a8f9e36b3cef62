"""Tokens, a secret, an identity number and texts, sought wherever gpcli could leave them.

All lines in one way again: `python -m bench.canaries WAY`.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, urlencode
from zlib import crc32

from bench.front import Answered, Asked, Fault, Front, FrontedSandbox, open_front, serve
from bench.lines import Line, list_lines
from bench.row import Report, Row, Scale
from bench.secrets_sought import SoughtSecrets
from bench.watched_process import (
    Desk,
    Ended,
    ProcessWatch,
    read_core_limit,
    run_at_terminal,
    run_piped,
    wait_until,
)
from gpcli.cli.sandbox_env import build_variables

IDENTITY = "14836199999"
SECRET = "s3cret-of-the-client-4f9d0a7c1b"  # noqa: S105  (made up)
RECEIVED = "Kanarifugl-mottatt: verdien er forhoeyet"
WRITTEN = "Kanarifugl-skrevet: det klor om natten"

_SIGNALS = {
    "killed": signal.SIGKILL,
    "interrupted": signal.SIGINT,
    "terminated": signal.SIGTERM,
    "hung up": signal.SIGHUP,
    "aborted": signal.SIGABRT,
}
_AT_TERMINAL = ("terminal", "terminal, token")
_WITH_TOKEN = ("terminal, token", "token command", "broken", *_SIGNALS)
MODES = ("piped", "json", "debug", "json debug", "terminal", *_WITH_TOKEN)
"""The ways in which each line is run; where no token is given, Ada is signed in."""

_AT_THE_PORTAL = frozenset(_WITH_TOKEN)
"""Ways that need a line which asks the portal."""


def measure_canaries(scale: Scale, report: Report) -> Row:
    """Count secrets and texts outside of standard output, over a run of all commands."""
    with open_round() as round_:
        round_.sign_in()
        runs = list(list_runs(every=not scale.quick))
        with round_.watch.running(), ThreadPoolExecutor(os.cpu_count()) as pool:
            for number, _ in enumerate(pool.map(round_.run, runs)):
                if number % 100 == 99:
                    report(f"{number + 1} runs, {len(round_.hits)} hits")
        round_.sign_out()
        round_.check_drafts()
        round_.check_processes()
    return Row(
        figure="Tokens, client secret, identity number, message texts outside of standard output",
        to_reach="0 hits: stderr, logs, files, arguments, children's variables, core dumps",
        measured=f"{len(round_.hits)} hits",
        holds=not round_.hits,
        rounds=f"{len(runs)} runs of {len({run.line.path for run in runs})} commands in "
        f"{len({run.mode for run in runs})} ways, {round_.tokens} tokens",
        details={"hits": round_.hits[:100]},
    )


_AS_CLIENT = ("--client-id", "gpcli", "--client-secret")


@dataclass(frozen=True)
class Run:
    """A line, and the way it is run."""

    line: Line
    mode: str


def list_runs(*, every: bool) -> Iterator[Run]:
    """Yield each line in every way, or one of each command that asks the portal in one."""
    lines = [line for line in list_lines() if line.path not in {"login", "logout"}]
    if not every:
        lines = list({line.path: line for line in lines if line.asks_the_portal}.values())
    for number, line in enumerate(lines):
        modes = [mode for mode in MODES if line.asks_the_portal or mode not in _AT_THE_PORTAL]
        for mode in modes if every else (modes[number % len(modes)],):
            yield Run(line, mode)


@dataclass
class Round:
    """A portal, a person's desk, and the secrets that are looked for.

    `slow` is a way to the same portal on which each answer takes a while, `broken` one on which
    answers tell what was asked.
    """

    sandbox: FrontedSandbox
    front: Front
    slow: Front
    broken: Front
    desk: Desk
    sought: SoughtSecrets = field(default_factory=SoughtSecrets)
    watch: ProcessWatch = field(default_factory=ProcessWatch)
    hits: list[dict[str, Any]] = field(default_factory=list)
    tokens: int = 0
    _told: bytes = b""
    _lock: Lock = field(default_factory=Lock)

    def prepare(self) -> None:
        """Put what is looked for into records, and have the front learn all tokens."""
        for name, value in (
            ("identity number", IDENTITY),
            ("client secret", SECRET),
            ("message text", RECEIVED),
            ("written text", WRITTEN),
        ):
            self.sought.add(name, value)
        self.sandbox.store.put_all(list(_mark_records(self.sandbox)))
        self.desk.build(WRITTEN)
        self.front.bend = self._learn_tokens

    def sign_in(self) -> None:
        """Have Ada sign in at a terminal, as a client with a secret that is typed."""
        words = f"login {self.sandbox.fhir_base} --profile home --environment sandbox --hint ada"
        env = self.desk.build_env()
        argv = [*words.split(), *_AS_CLIENT, "--browser", str(self.desk.browser)]
        ended = run_at_terminal(argv, env, f"{SECRET}\n".encode(), after=b"(not shown)")
        if ended.status != 0:
            raise RuntimeError(f"nobody could sign in: {ended}")
        shown = replace(ended, stderr=ended.stderr + ended.stdout)  # a terminal may echo
        self._check(Run(Line("login", "ada", words), "terminal"), shown)

    def sign_out(self) -> None:
        """Have Ada sign out."""
        run = Run(Line("logout", "ada", "logout"), "debug")
        self._check(run, run_piped(["logout", "--debug"], self.desk.build_env()))

    def run(self, run: Run) -> None:
        """Run a line in its way, and look at everything that it left."""
        with self._lock:
            argv, env = self._build_command(run)
        if run.mode in _AT_TERMINAL:
            ended = run_at_terminal(argv, env, b"y\n" * 6)
        elif run.mode in _SIGNALS:
            ended = run_piped(argv, env, meanwhile=lambda process: self._disturb(run, env, process))
        else:
            ended = run_piped(argv, env)
        self._check(run, ended)

    def check_processes(self) -> None:
        """Look at the programs that were started, and at all processes that were seen."""
        for argv, env in self.desk.read_notes():
            self._look(f"arguments of {argv[0]}", "\n".join(argv).encode())
            self._look(f"variables of {argv[0]}", json.dumps(env).encode())
        for line in self.watch.lines:
            self._look("arguments of a process", line)
        for variables in self.watch.variables:
            self._look("variables of a process", variables)

    def _build_command(self, run: Run) -> tuple[list[str], dict[str, str]]:
        line = run.line
        words = line.fill(self.sandbox, self.desk.place / "saved")
        text = "" if run.mode in _AT_TERMINAL else f"--message-file {self.desk.message}"
        words = words.replace("--message A", text).replace("--message B", text)
        if run.mode in _AT_TERMINAL:
            words = words.replace("--no-browser", f"--browser {self.desk.browser}")
        more = {"json": "--json", "debug": "--debug", "json debug": "--json --debug"}
        argv = f"{words} {more.get(run.mode, '')} --timeout 20".split()
        if line.path in {"completion", "help"} or line.path.startswith("sandbox"):
            argv = line.words.split()
        is_session = line.person == "ada" and run.mode not in _AT_THE_PORTAL
        if is_session or not line.asks_the_portal:
            return argv, self.desk.build_env()
        return argv, self._build_token_env(run)

    def _build_token_env(self, run: Run) -> dict[str, str]:
        """Return variables with a token, or with a command that prints one."""
        token = self.sandbox.issue_token(run.line.person, run.line.acting_for)
        self._add_token("access token", token.access_token)
        fronts = {"broken": self.broken, **dict.fromkeys(_SIGNALS, self.slow)}
        base = f"{fronts.get(run.mode, self.front).url}/fhir/R4"
        values = build_variables(base, token.access_token, token.patient, token.fhir_user)
        more = {"GPCLI_DEBUG": "1"} if run.mode != "token command" else {}
        if run.mode == "token command":
            owner = f"{run.line.person}-{len(self.hits)}-{time.monotonic_ns()}"
            (self.desk.place / f"token-{owner}").write_text(values.pop("GPCLI_TOKEN"))
            program = self.desk.place / "programs" / "token"
            more = {"GPCLI_TOKEN_COMMAND": str(program), "SPY_PERSON": owner}
        return self.desk.build_env(**values, **more)

    def _disturb(self, run: Run, env: dict[str, str], process: subprocess.Popen[bytes]) -> None:
        """Send a signal some time after the first request."""
        token = env["GPCLI_TOKEN"]

        def has_asked() -> bool:
            return any(each.holds(token) for each in self.slow.asked)

        wait_until(lambda: process.poll() is not None or has_asked())
        with suppress(OSError):  # it may have ended
            limit = read_core_limit(process.pid)
            if limit != "0" and has_asked():
                self._note(run, "core", f"a core dump may have {limit} bytes")
        time.sleep(random.random() * 0.4)
        if process.poll() is None:
            process.send_signal(_SIGNALS[run.mode])

    def _check(self, run: Run, ended: Ended) -> None:
        """Look at standard error and at files.

        At a terminal a plan shows the beginning of what the person has just written.
        """
        with self._lock:
            self._told += ended.stderr
            names = self.sought.find(ended.stderr)
            for name in names - ({"written text"} if run.mode in _AT_TERMINAL else set()):
                self._note(run, "stderr", name, shown=ended.stderr[-1500:].decode(errors="replace"))
            for path, content in self.desk.read_changed_files():
                self._check_file(run, path, content)

    def _check_file(self, run: Run, path: Path, content: bytes) -> None:
        names = self.sought.find(content)
        place = path.relative_to(self.desk.home)
        if place.parts[0] == "run" or place.parent.name == "drafts":
            names -= {"written text"}  # see check_drafts
        if path.name.startswith("core"):
            names |= {"core dump"}
        for name in names:
            self._note(run, str(place), name)

    def check_drafts(self) -> None:
        """Look for a kept text of which no person was told, and for one that an editor had."""
        for path in self.desk.home.rglob("drafts/*"):
            if path.name.encode() not in self._told:
                self.hits.append({"where": f"drafts/{path.name}", "what": "written text"})
        for path in (self.desk.home / "run").rglob("*.txt"):
            self._look(str(path), path.read_bytes())

    def _look(self, where: str, content: bytes) -> None:
        for name in self.sought.find(content):
            self.hits.append({"where": where, "what": name, "seen": ascii(content[:500])})

    def _note(self, run: Run, where: str, what: str, **more: str) -> None:
        line = run.line
        self.hits.append(
            {"line": f"{line.person}: {line.words}", "mode": run.mode, "where": where, "what": what}
            | more
        )

    def _learn_tokens(self, asked: Asked, ask: Callable[[], Answered]) -> Answered | Fault:
        """Take the client's secret as proof, and learn each token; they are soon to be renewed."""
        if asked.target.endswith("smart-configuration"):
            return _offer_secrets(ask())
        if not asked.target.startswith(("/token", "/revoke")):
            return ask()
        answer = self.front.forward(_without_secret(asked))
        tokens = answer.read_json()
        if answer.status != 200 or not isinstance(tokens, dict):
            return answer
        with self._lock:
            for name in ("access_token", "refresh_token", "id_token"):
                if name in tokens:
                    self._add_token(name.replace("_", " "), tokens[name])
        return answer.with_json(tokens | {"expires_in": 50})

    def _add_token(self, name: str, token: str) -> None:
        self.tokens += 1
        self.sought.add(name, token)


def _mark_records(sandbox: FrontedSandbox) -> Iterator[dict[str, Any]]:
    """Yield patients with the identity number, and messages with the text."""
    for kind in ("Patient", "Communication"):
        rows = sandbox.store.execute("SELECT body FROM resource WHERE type = ?", (kind,))
        for record in [json.loads(body) for (body,) in rows]:
            if kind == "Patient":
                numbers = [each | {"value": IDENTITY} for each in record.get("identifier", [])]
                yield record | {"identifier": numbers}
            elif "payload" in record:
                texts = [
                    each | {"contentString": f"{RECEIVED} {each['contentString']}"}
                    if "contentString" in each
                    else each
                    for each in record["payload"]
                ]
                yield record | {"payload": texts}


def _offer_secrets(answer: Answered) -> Answered:
    methods = ["client_secret_basic", "none"]
    return answer.with_json(answer.read_json() | {"token_endpoint_auth_methods_supported": methods})


def _without_secret(asked: Asked) -> Asked:
    """Return the same request of a public client, as the sandbox knows it."""
    headers = {name: value for name, value in asked.headers.items() if name != "Authorization"}
    form = dict(parse_qsl(asked.body.decode())) | {"client_id": "gpcli"}
    form.pop("client_secret", None)
    body = urlencode(form).encode()
    return replace(asked, headers=headers | {"Content-Length": str(len(body))}, body=body)


def _tell_all(asked: Asked, ask: Callable[[], Answered]) -> Answered:
    """Refuse in words that repeat all that was asked, and whom it is about."""
    told = f"{dict(asked.headers)} {asked.body.decode(errors='replace')} {IDENTITY}"
    issue = {
        "severity": "error",
        "code": "processing",
        "diagnostics": told,
        "details": {"text": told},
    }
    outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
    choice = crc32(asked.target.encode()) % 4
    if choice == 3:  # not what anybody asked for, and broken inside
        return ask().with_json(
            {"resourceType": "Bundle", "type": told, "entry": [{"resource": told}]}
        )
    status = (400, 422, 500)[choice]
    return Answered(status, (("Content-Type", "application/fhir+json"),), b"").with_json(outcome)


def _take_time(asked: Asked, ask: Callable[[], Answered]) -> Answered:
    time.sleep(0.15)
    return ask()


@contextmanager
def open_round() -> Iterator[Round]:
    """Start the portal with the three ways to it, and set the desk up."""
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (limits[1], limits[1]))
    with ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_CORE, limits)
        sandbox, front = stack.enter_context(open_front(auto_sign_in=True))
        slow, broken = Front(f"http://{front.behind}"), Front(f"http://{front.behind}")
        slow.bend, broken.bend = _take_time, _tell_all
        stack.enter_context(serve(slow))
        stack.enter_context(serve(broken))
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="desk-")))
        round_ = Round(sandbox, front, slow, broken, Desk(place))
        round_.prepare()
        yield round_


def main() -> None:
    """Run all lines in one way, and print the hits."""
    with open_round() as round_:
        round_.sign_in()
        for run in list_runs(every=True):
            if run.mode == sys.argv[1]:
                round_.run(run)
        round_.check_drafts()
        round_.check_processes()
        print(json.dumps(round_.hits, indent=2))


if __name__ == "__main__":
    main()
