"""A check of a portal as data, what it works with, and what it can end with."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn
from uuid import UUID

from gpcli.app_context import AppContext
from gpcli.auth.bearer import ScopedBearer
from gpcli.config.profile_keys import LIMITS
from gpcli.errors import BadResponse, ConsentNeeded, GpcliError, NoToken, NotPermitted
from gpcli.fhir.bundle import Bundle, read_bundle
from gpcli.fhir.element import Element, Malformed, read_resource
from gpcli.http.client import Bearer, HttpResponse
from gpcli.http.deadline import Deadline
from gpcli.http.send import RequestLog
from gpcli.model.account import Verdict
from gpcli.model.appointment import Slot
from gpcli.model.person import SyntheticRules
from gpcli.model.service import Offer, Offers, Service
from gpcli.model.smoke import CheckReport, Writing
from gpcli.portal.adaptation import adapt
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.error_mapping import error_from_response
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.portal.paging import resolve_next
from gpcli.portal.queries import Query
from gpcli.smoke.excerpt import build_excerpt, word_error
from gpcli.smoke.label import Label, LabellingClient, SentCreate

_FORBIDDEN = 403
_NO_CONSENT = "the portal wants the patient's consent first"

Params = Sequence[tuple[str, str]]

_FOREIGN_COMMAND = "foreign_token_command"


class CheckFailed(Exception):
    """The portal does not do what the check is about; the message says what it did.

    `cause` is a word of `gpcli help smoke`.
    """

    def __init__(self, message: str, cause: str = "contract") -> None:
        super().__init__(message)
        self.cause = cause


class NotTried(Exception):
    """The check could not or need not be made; the message says why."""


class Doubtful(Exception):
    """What was found limits something, or will fail later; the message says what."""

    def __init__(self, message: str, cause: str = "should") -> None:
        super().__init__(message)
        self.cause = cause


@dataclass(frozen=True)
class SmokeCheck:
    """A check.

    `name` is interface. `run` returns a sentence on what was found, or raises CheckFailed,
    Doubtful, NotTried, or a GpcliError for a check that failed. `proves` are the lines of
    `contract` that it is about, `needs` the names of the checks without which it can't be made;
    they come before it. `tags` are the words of `--checks`. `writes` = it changes something at the
    portal: `reversible`, or `all` where it stays. `after` are those that it comes after where they
    are made at all, whatever they say.
    """

    name: str
    run: Callable[[Probe], str]
    proves: tuple[str, ...]
    tags: tuple[str, ...]
    needs: tuple[str, ...] = ()
    writes: Writing = "none"
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrialBooking:
    """A booking that the run has made: the time, the request that made it, and its record."""

    slot: Slot
    offer: Offer
    sent: SentCreate
    intent: UUID
    record: Element


@dataclass
class Facts:
    """What checks have learned of the portal, for those that need them."""

    capabilities: Capabilities | None = None
    sign_in: dict[str, Any] = field(default_factory=dict)
    offers: Offers | None = None
    services: tuple[Service, ...] = ()
    booking: TrialBooking | None = None


@dataclass
class SmokeRun:
    """One run: what all its checks share.

    `write` is what may be written. `expected` are the services that have to be offered. With
    `retries` false no request is tried again. `logs` has every try of every request so far. `left`
    and `undone` are as in SmokeReport. `hints` has what to do about a token that did not come, by
    the name of the check. `dead_runs` are the ids of runs of this machine that were killed.
    `is_unsettled` tells that an errand had no answer and was not found: it may still arrive.
    `clients` closes the clients of all workers. `opening` is held by who builds a part of the
    context.
    """

    context: AppContext
    write: Writing = "none"
    expected: frozenset[str] = frozenset()
    retries: bool = True
    facts: Facts = field(default_factory=Facts)
    logs: list[RequestLog] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    undone: int = 0
    hints: dict[str, str] = field(default_factory=dict)
    dead_runs: frozenset[str] = frozenset()
    is_unsettled: bool = False
    clients: ExitStack = field(default_factory=ExitStack)
    opening: threading.Lock = field(default_factory=threading.Lock)
    _local: threading.local = field(default_factory=threading.local)

    @cached_property
    def bearer(self) -> ScopedBearer:
        """The source of access tokens."""
        return self.context.bearer

    @cached_property
    def label(self) -> Label:
        """The label of what this run makes at the portal."""
        return Label(self.context.clock)

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the profile says of these checks at its portal; the keys are in `profile_keys`."""
        return self.context.profile.smoke

    @property
    def limits(self) -> Mapping[str, int]:
        """The profile's limits of latency: names of Latency's fields, milliseconds."""
        return {name: self.settings[name] for name in LIMITS if name in self.settings}

    @property
    def other_patient(self) -> str | None:
        """The id of a patient whose records must stay closed; `None` = none is known."""
        other: str | None = self.settings.get("other_patient")
        return other

    @property
    def left_out(self) -> Collection[str]:
        """The names of the checks that the profile leaves out."""
        names: Collection[str] = self.settings.get("skip", ())
        return names

    @property
    def synthetic_rules(self) -> SyntheticRules:
        """What tells that a patient is a test patient, whose records may be written."""
        return self.context.profile.synthetic_rules

    def foreign_token(self) -> str | None:
        """Return a token of the same provider for another portal; `None` = none is named.

        Raises: NoToken where the command that prints it fails.
        """
        command: str | None = self.settings.get(_FOREIGN_COMMAND)
        if command is None:
            return None
        from gpcli.auth.token_command import CommandBearer  # noqa: PLC0415  (start-up: only where it is set)

        umask, source = self.context.former_umask, f"smoke.{_FOREIGN_COMMAND}"
        bearer = CommandBearer(command, source, self.context.env, umask=umask)
        return bearer.get_token(self.probe.public_client)

    def choose_time(self, slots: Sequence[Slot]) -> Slot:
        """Return which of these free times to book: the last, which is the least wanted."""
        return max(slots, key=lambda each: each.start)

    @property
    def probe(self) -> Probe:
        """The way of this thread to the portal, made on first use."""
        if not hasattr(self._local, "probe"):
            self._local.probe = Probe(self)
        probe: Probe = self._local.probe
        return probe


class Probe:
    """One worker's way to the portal: clients of its own, and what the check at work has asked."""

    def __init__(self, run: SmokeRun) -> None:
        self.run = run
        self.requests: list[RequestLog] = []
        self.answer: HttpResponse | None = None
        settings = run.context.settings
        self._deadline = Deadline(settings.timeout)

    def begin(self) -> None:
        """Forget what an earlier check has asked, and give the next one its full time."""
        self.requests, self.answer = [], None
        vars(self).pop("portal", None)  # it gathers what could not be read
        self._deadline.restart()

    @property
    def facts(self) -> Facts:
        """What checks have learned so far."""
        return self.run.facts

    @property
    def capabilities(self) -> Capabilities:
        """What the portal says that it can do; checks that use it need `capability-statement`."""
        if self.facts.capabilities is None:
            raise NotTried("the portal did not say what it can do")
        return self.facts.capabilities

    @property
    def patient(self) -> str:
        """The id of the patient of the sign-in."""
        with self.run.opening:
            return self.run.context.identity.patient

    @cached_property
    def client(self) -> LabellingClient:
        """The client whose requests carry the access token; it labels what it creates."""
        with self.run.opening:
            return self.open_client(self.run.bearer)

    @cached_property
    def public_client(self) -> LabellingClient:
        """The client whose requests carry no token of their own."""
        return self.open_client(None)

    @cached_property
    def portal(self) -> FhirPortal:
        """The portal as every command uses it."""
        client = self.client
        with self.run.opening:
            context = self.run.context
            return context.open_portal(context.identity, client, self.run.bearer)

    def open_client(self, bearer: Bearer | None) -> LabellingClient:
        """Return a client of the portal, which is closed with the run."""
        context = self.run.context
        profile = context.profile
        ca_file = str(context.resolve_beside_config(profile.ca_file)) if profile.ca_file else None
        client = LabellingClient(
            profile.portal,
            label=self.run.label,
            deadline=self._deadline,
            bearer=bearer,
            ca_file=ca_file,
            env=context.env,
            transport=context.transport,
            sleep=context.sleep,
            log=self._log,
            retries=self.run.retries,
        )
        return self.run.clients.enter_context(client)

    def _log(self, request: RequestLog) -> None:
        self.requests.append(request)
        self.run.logs.append(request)
        if self.run.context.is_debugging:
            self.run.context.log_request(request)

    def get(self, path: str, params: Params = (), *, token: str | None = None) -> HttpResponse:
        """Read below the base, and note the answer; with `token`, with that one and no renewal."""
        if token is None:
            self.answer = self.client.get(path, params)
        else:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            self.answer = self.public_client.get(path, params, headers=headers)
        return self.answer

    def get_public(self, url: str) -> HttpResponse:
        """Read any URL without a token, and note the answer."""
        self.answer = self.public_client.get_public(url)
        return self.answer

    def search(self, query: Query) -> Bundle:
        """Search in the portal's own words, and return the first page as it came.

        Raises: NotTried where the portal lists no such search; CheckFailed where it is refused, or
        what comes is no list.
        """
        try:
            adapted = adapt(query, self.capabilities, self.patient)
        except NotPermitted as error:
            raise NotTried(error.message) from None
        if adapted.ids:
            raise NotTried(f"the portal lists no search for {query.resource_type}")
        return self.read_page(self.get(adapted.sent.resource_type, adapted.sent.params))

    def fetch_pages(self, query: Query) -> Iterator[Bundle]:
        """Fetch a list page by page; raise as `search`, and CheckFailed for a wrong link."""
        page, followed = self.search(query), set[str]()
        yield page
        while page.next_url and self.answer:
            try:
                url = resolve_next(page, self.answer.url, self.client.base)
            except BadResponse as error:
                raise CheckFailed(error.message, "security") from None
            if url is None or url in followed:
                raise CheckFailed("the links to next pages lead back")
            followed.add(url)
            page = self.read_page(self.get(url))
            yield page

    def fetch_matches(self, query: Query) -> Iterator[Element]:
        """Fetch what a list has, page by page; raise as `fetch_pages`."""
        return (each for page in self.fetch_pages(query) for each in page.matches)

    def put(
        self, body: Mapping[str, Any], headers: Mapping[str, str] = MappingProxyType({})
    ) -> HttpResponse:
        """Put a record back as `body`, and note the answer."""
        reference = f"{body['resourceType']}/{body['id']}"
        self.answer = self.client.send("PUT", reference, body, headers=headers, retry=True)
        return self.answer

    def read_page(self, response: HttpResponse) -> Bundle:
        """Return what a search answered; raise CheckFailed where that is no list."""
        require_consent(response)
        if not response.is_success:
            refuse(response, "a search was refused")
        try:
            bundle = read_bundle(response.body, None, [self.client.base])
        except Malformed as error:
            raise CheckFailed(f"a search was answered with no list: {error}") from None
        if bundle.failure is not None:
            raise CheckFailed("a search was answered with an error in place of a list")
        if bundle.broken_next is not None:
            raise CheckFailed(f"the link to the next page can't be read: {bundle.broken_next}")
        if bundle.flaws:
            raise CheckFailed(f"a list holds what can't be read: {bundle.flaws[0]}")
        return bundle

    def read_record(self, response: HttpResponse) -> Element:
        """Return the record of an answer; raise CheckFailed where there is none."""
        if not response.is_success:
            refuse(response, "a record was refused")
        with suppress(Malformed):
            return read_resource(response.body)
        raise CheckFailed("the answer is no FHIR resource")


def require_consent(response: HttpResponse) -> None:
    """Raise NotTried where the portal refuses for want of the patient's consent."""
    if response.status == _FORBIDDEN and isinstance(error_from_response(response), ConsentNeeded):
        raise NotTried(_NO_CONSENT)


def refuse(response: HttpResponse, what: str) -> NoReturn:
    """Raise CheckFailed for a response that should have been a success."""
    raise CheckFailed(f"{what}: status {response.status}")


def tell_number(number: int, what: str, several: str = "") -> str:
    """Return `1 thread` or `2 threads`; `several` is for what is not `what` with an s."""
    return f"{number} {what if number == 1 else several or f'{what}s'}"


def run_check(check: SmokeCheck, probe: Probe) -> CheckReport:
    """Make a check, and return how it came out; nothing but an interruption leaves it."""
    probe.begin()
    began = time.monotonic()
    status, seen, cause = _judge(check, probe)
    ms = round((time.monotonic() - began) * 1000)
    requests = probe.requests
    has_failed = status is Verdict.FAILED
    return CheckReport(
        check.name,
        status,
        seen,
        cause,
        check.proves,
        check.tags,
        ms,
        len(requests),
        requests[-1].trace_id if requests else None,
        build_excerpt(probe.answer) if has_failed and probe.answer else None,
    )


def _judge(check: SmokeCheck, probe: Probe) -> tuple[Verdict, str, str | None]:
    try:
        return Verdict.OK, check.run(probe), None
    except NotTried as reason:
        return Verdict.SKIPPED, str(reason), None
    except Doubtful as doubt:
        return Verdict.WARNING, str(doubt), doubt.cause
    except CheckFailed as failure:
        return Verdict.FAILED, str(failure), failure.cause
    except Malformed as error:
        return Verdict.FAILED, f"what can't be read: {error}", "contract"
    except ConsentNeeded:
        return Verdict.SKIPPED, _NO_CONSENT, None
    except GpcliError as error:
        if isinstance(error, NoToken) and error.hint:
            probe.run.hints[check.name] = error.hint
        return Verdict.FAILED, word_error(error), error.code
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__} in {Path(place.filename).name}:{place.lineno}"
        return Verdict.FAILED, f"this check broke down ({where})", "unexpected"


def skip(check: SmokeCheck, why: str) -> CheckReport:
    """Return the report of a check that was not made."""
    return CheckReport(
        check.name, Verdict.SKIPPED, why, None, check.proves, check.tags, 0, 0, None, None
    )
