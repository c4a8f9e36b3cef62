"""Patients for load tests with Locust (extra `load`): the errands of `gpcli smoke`, over and over.

`Patient` is ready for a locustfile; a class of one's own is made from `GpcliUser`. Locust replaces
sockets, threads and locks when it is imported, so it has to be imported before gpcli is used.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any, NoReturn

import gevent
from gevent import GreenletExit
from locust import User, between, events, tag, task
from locust.runners import MasterRunner, WorkerRunner

from gpcli.app_context import AppContext
from gpcli.config.private_files import read_private_file
from gpcli.config.profile_keys import format_suggestion
from gpcli.config.settings import Options
from gpcli.errors import ConfigError, GpcliError, ProductionGuard
from gpcli.http.send import RequestLog
from gpcli.model.account import Verdict
from gpcli.model.appointment import Slot
from gpcli.model.smoke import CheckReport
from gpcli.render.terminal import NO_TERMINAL
from gpcli.smoke.check import Probe, SmokeCheck, SmokeRun, run_check
from gpcli.smoke.leftovers import hold_writing
from gpcli.smoke.runner import CHECKS

_CHECKS: Mapping[str, SmokeCheck] = {each.name: each for each in CHECKS}

_OPENING = ("capability-statement", "session", "services")
"""The checks that come before a user's first errand: they learn what the portal offers."""

_MAY_BE_SKIPPED = frozenset({"services"})
"""Those of them without which errands can be tried: not every portal tells what it offers."""

_WRITE_OPENING = ("test-patient",)
"""The checks that come besides where errands write: only for test patients they may."""

_TOO_MANY, _SERVER_ERROR = 429, 500

_ENDING = "gpcli-ending"
"""The message by which a worker tells its master why it can't work."""

_PERSONAL = frozenset({"GPCLI_AS", "GPCLI_PATIENT", "GPCLI_FHIR_USER"})
"""The variables that say whom it is about; where people are named, those of the process are not."""

_logger = logging.getLogger("gpcli.load")
_told: set[str] = set()
_numbers = count()
_turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
"""Account -> whose turn it is to write for this person, of the users in this process."""


@events.init_command_line_parser.add_listener
def add_options(parser: Any) -> None:
    """Add gpcli's options to Locust's command line; a master's are its workers' as well."""
    parser.add_argument(
        "--gpcli-write",
        action="store_true",
        help="Book, enquire and renew as well, and undo it; only for test patients",
    )
    parser.add_argument(
        "--gpcli-people",
        metavar="WHO,…",
        default="",
        include_in_web_ui=False,
        help="Whom the users stand for, in turn: people who are signed in; for a machine, patients",
    )
    parser.add_argument(
        "--gpcli-people-file",
        metavar="FILE",
        default="",
        include_in_web_ui=False,
        help="The same with a token each: on every line the variables of one person, in JSON",
    )


@events.init.add_listener
def listen_for_endings(environment: Any, **_: Any) -> None:
    """Have a master log why a worker ends."""
    if isinstance(environment.runner, MasterRunner):
        environment.runner.register_message(_ENDING, _log_ending)


def _log_ending(msg: Any, **_: Any) -> None:
    _logger.error("%s: %s", msg.node_id, msg.data)


class LoadRun(SmokeRun):
    """What one simulated user's checks share: they come one after another, by one way."""

    @cached_property
    def probe(self) -> Probe:
        """The user's way to the portal."""
        return Probe(self)

    def choose_time(self, slots: Sequence[Slot]) -> Slot:
        """Return any of these free times: many users book at once."""
        return random.choice(slots)  # noqa: S311 - no secret


class ErrandFailed(Exception):
    """An errand did not do what it should; the message has the check and what it found."""


class GpcliUser(User):
    """A simulated user with gpcli's way to a portal, for one person.

    A task calls `run_errand`. `people` are the variables of each person for whom users are there,
    in turn; empty = those of the options, else the one of this process's environment. The portal
    is the one of these variables or of the profile: Locust's `--host` does not count.
    """

    abstract = True
    people: Sequence[Mapping[str, str]] = ()
    tasks: list[Any]
    _is_open = False

    def on_start(self) -> None:
        """Make the user's way to the portal; end the test where there can be none."""
        options = self.environment.parsed_options
        self._writes = bool(options and options.gpcli_write)
        try:
            people = self.people or _read_people(options)
            context = _open_context(_choose_person(people, self.environment.runner))
            self._account = context.account
        except GpcliError as error:
            self._end_test(error)
        self._load_run = LoadRun(context, write="reversible" if self._writes else "none")
        if not self._writes:
            self.tasks = [each for each in self.tasks if not _is_tagged_write(each)]

    def on_stop(self) -> None:
        """Close the connections."""
        if hasattr(self, "_load_run"):
            self._load_run.clients.close()
            self._load_run.context.close()

    def run_errand(self, name: str, *checks: str) -> None:
        """Make checks of `gpcli smoke` one after another, and report them as the errand `name`.

        Their requests are reported as well. What a check writes is undone before this returns, also
        where the user is stopped. An errand that can't be tried here is not reported; why not is
        logged once.
        """
        for word in checks:
            if word not in _CHECKS:
                guess = format_suggestion(word, [*_CHECKS])
                reason = f"run_errand({name!r}, …): there is no check '{word}'{guess}"
                self._end_test(ConfigError(reason, hint="gpcli help smoke lists them."))
        chosen = [_CHECKS[each] for each in checks]
        if all(each.writes == "none" for each in chosen):
            self._report_errand(name, chosen)
        elif self._writes and all(each.writes != "all" for each in chosen):
            self._write_in_turn(name, chosen)
        else:
            _tell_once(f"{name}: it writes what --gpcli-write does not allow")

    def _end_test(self, error: GpcliError) -> NoReturn:
        """End this user and the test, and say why: once, and to a master as well."""
        if _tell_once(" ".join(filter(None, (error.message, error.hint))), logging.ERROR):
            runner = self.environment.runner
            self.environment.events.user_error.fire(user_instance=self, exception=error, tb=None)
            self.environment.process_exit_code = 1
            if isinstance(runner, WorkerRunner):
                runner.send_message(_ENDING, error.message)
            gevent.spawn(runner.quit)
        raise GreenletExit

    def _write_in_turn(self, name: str, checks: Sequence[SmokeCheck]) -> None:
        with _turns[self._account]:
            writing = gevent.spawn(self._write_alone, name, checks)
            try:
                writing.get()
            finally:
                writing.join()  # a user who is stopped first undoes what they did

    def _write_alone(self, name: str, checks: Sequence[SmokeCheck]) -> None:
        try:
            with hold_writing(self._load_run):
                self._report_errand(name, checks)
        except GpcliError as error:
            self._fire("errand", name, 0, 0, ErrandFailed(error.message))
        self._report_requests()
        for remaining in self._load_run.left:
            self._fire("errand", "undo", 0, 0, ErrandFailed(remaining))
        self._load_run.left.clear()

    def _report_errand(self, name: str, checks: Sequence[SmokeCheck]) -> None:
        if not self._is_open:
            opening = (*_OPENING, *(_WRITE_OPENING if self._writes else ()))
            self._is_open = self._try_checks("start", [_CHECKS[each] for each in opening])
        if self._is_open:
            self._try_checks(name, checks)

    def _try_checks(self, name: str, checks: Sequence[SmokeCheck]) -> bool:
        """Make checks until one is not made or fails; report them, and return whether all held."""
        ms = 0
        for check in checks:
            report = self._try_check(check)
            ms += report.ms
            if report.status is Verdict.SKIPPED and check.name not in _MAY_BE_SKIPPED:
                _tell_once(f"{name} is not tried: {report.seen}")
                return False
            if report.has_failed:
                self._fire("errand", name, ms, 0, ErrandFailed(f"{check.name}: {report.seen}"))
                return False
        self._fire("errand", name, ms, 0, None)
        return True

    def _try_check(self, check: SmokeCheck) -> CheckReport:
        report = run_check(check, self._load_run.probe)
        self._report_requests()  # not those that a stop has cut off: nobody failed there
        return report

    def _report_requests(self) -> None:
        """Report the requests since the last time, and forget them: a test may take hours."""
        logs = self._load_run.logs
        while logs:
            log = logs.pop(0)
            self._fire(log.method, log.route, log.ms, log.size, _find_fault(log))

    def _fire(self, kind: str, name: str, ms: int, size: int, fault: Exception | None) -> None:
        self.environment.events.request.fire(
            request_type=kind,
            name=name,
            response_time=ms,
            response_length=size,
            exception=fault,
            context=self.context(),
        )


def _read_people(options: Any) -> Sequence[Mapping[str, str]]:
    """Return the variables of each person that the options name."""
    if options and options.gpcli_people_file:
        if options.gpcli_people:
            raise ConfigError("Give --gpcli-people or --gpcli-people-file, not both.")
        return _read_people_file(Path(options.gpcli_people_file))
    names = (options.gpcli_people if options else "").split(",")
    return [{"GPCLI_AS": each, "GPCLI_PATIENT": each} for each in map(str.strip, names) if each]


def _read_people_file(path: Path) -> Sequence[Mapping[str, str]]:
    try:
        lines = read_private_file(path).splitlines()
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or error
        raise ConfigError(f"The people can't be read from {path}: {reason}.") from error
    people = {number: _read_person(line) for number, line in enumerate(lines, 1) if line}
    wrong = [
        f"line {number} is no JSON object of variables" for number in people if not people[number]
    ]
    if wrong or not people:
        raise ConfigError(
            f"The people can't be read from {path}: {(wrong or ['it is empty'])[0]}.",
            hint="gpcli sandbox env ada --ndjson prints such a line.",
        )
    return [*filter(None, people.values())]


def _read_person(line: bytes) -> Mapping[str, str] | None:
    """Return the variables that a line has, None if it is no object of them."""
    with suppress(ValueError):
        person = json.loads(line)
        if isinstance(person, dict) and all(isinstance(each, str) for each in person.values()):
            return person or None
    return None


def _choose_person(people: Sequence[Mapping[str, str]], runner: Any) -> Mapping[str, str]:
    """Return the environment of the next user; the workers begin with different people."""
    if not people:
        return os.environ
    person = people[(next(_numbers) + max(runner.worker_index, 0)) % len(people)]
    shared = {name: value for name, value in os.environ.items() if name not in _PERSONAL}
    return {**shared, **person}


def _open_context(env: Mapping[str, str]) -> AppContext:
    """Return the context of one user; raise ProductionGuard, and as its parts do."""
    options = Options(no_input=True, sends=True)
    context = AppContext(options, env, StringIO(), StringIO(), sys.stderr, terminal=NO_TERMINAL)
    if context.profile.environment == "production":
        raise ProductionGuard(
            "No load is put on a production portal: nothing was sent.",
            hint="GPCLI_ENVIRONMENT, or the profile's environment, says what the portal is.",
        )
    return context


def _is_tagged_write(made: Any) -> bool:
    return "write" in getattr(made, "locust_tag_set", ())


def _find_fault(log: RequestLog) -> Exception | None:
    """Return what is wrong with a request; other statuses may be right, and the errand tells."""
    if log.status is None:
        return ConnectionError("no answer that can be used")
    is_wrong = log.status >= _SERVER_ERROR or log.status == _TOO_MANY
    return ErrandFailed(f"status {log.status}") if is_wrong else None


def _tell_once(what: str, level: int = logging.WARNING) -> bool:
    """Log what has not been logged in this process, and return whether that was so."""
    is_new = what not in _told
    if is_new:
        _told.add(what)
        _logger.log(level, "%s", what)
    return is_new


class Patient(GpcliUser):
    """A patient who looks at what there is and, with `--gpcli-write`, sometimes asks for something.

    The weights are how often each errand is done, compared with the others.
    """

    wait_time = between(1, 5)

    @task(6)
    def slots(self) -> None:
        """Look for a time."""
        self.run_errand("slots", "booking")

    @task(5)
    def appointments(self) -> None:
        """Look at the appointments."""
        self.run_errand("appointments", "appointments")

    @task(5)
    def messages(self) -> None:
        """Look for messages."""
        self.run_errand("messages", "threads")

    @task(4)
    def prescriptions(self) -> None:
        """Look at the prescriptions."""
        self.run_errand("prescriptions", "prescriptions")

    @task(2)
    def services(self) -> None:
        """Look at what the GP offers."""
        self.run_errand("services", "gp", "services")

    @task(2)
    def flu(self) -> None:
        """Look for a time for the flu vaccine."""
        self.run_errand("flu", "flu-vaccination")

    @task(1)
    def vaccinations(self) -> None:
        """Look at the vaccinations."""
        self.run_errand("vaccinations", "vaccinations")

    @tag("write")
    @task(2)
    def book(self) -> None:
        """Book a time, and cancel it."""
        self.run_errand("book", "book", "cancel")

    @tag("write")
    @task(1)
    def enquire(self) -> None:
        """Ask for a time, and withdraw that."""
        self.run_errand("enquire", "enquire")

    @tag("write")
    @task(1)
    def renew(self) -> None:
        """Ask for a renewal, and withdraw that."""
        self.run_errand("renew", "renew")
