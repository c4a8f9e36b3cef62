"""A check, what it examines, and the running of checks: one that breaks down stops no other."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from gpcli.auth.bearer import ScopedBearer
from gpcli.auth.client_source import ClientSource
from gpcli.auth.discovery import WELL_KNOWN
from gpcli.auth.token_response import check_available
from gpcli.auth.unattended import word_machine_hint
from gpcli.auth.vault import Vault
from gpcli.config.offer_index import IndexedPerson, OfferIndex
from gpcli.config.profiles import Config, Profile
from gpcli.config.settings import TOKEN, TOKEN_COMMAND, Options, Settings, choose_profile
from gpcli.config.variables import SECRETS, find_variable
from gpcli.errors import BadResponse, ConfigError, GpcliError, NoToken, list_coded_errors
from gpcli.http.client import FHIR, HttpClient, HttpResponse
from gpcli.model.account import Finding, Verdict
from gpcli.model.person import Identity
from gpcli.portal.capabilities import Capabilities, parse_metadata_response

REDACTED = "[hidden]"

_IDENTITY_NUMBER = r"(?<!\d)\d{6}[ -]?\d{5}(?!\d)"
"""A national identity number: 6 and 5 digits."""


def build_redactor(secrets: Iterable[str], home: str) -> Callable[[str], str]:
    """Return a function that redacts text.

    It replaces `secrets` where they are whole words, and national identity numbers, by `[hidden]`,
    and the path `home` by `~`.
    """
    longest_first = sorted({secret for secret in secrets if secret.strip()}, key=len, reverse=True)
    whole = [rf"(?<!\w){re.escape(secret)}(?!\w)" for secret in longest_first]
    secret = re.compile("|".join((*whole, _IDENTITY_NUMBER)))
    below = re.compile(rf"(?<![\w/]){re.escape(home)}(?=/|\W|$)") if len(home) > 1 else None

    def redact(text: str) -> str:
        shortened = below.sub("~", text) if below else text
        return secret.sub(REDACTED, shortened)

    return redact


_SECRET_VARIABLES = (
    *SECRETS,
    "GPCLI_PATIENT",
    "GPCLI_FHIR_USER",
    "GPCLI_AS",
    "GPCLI_SMOKE_OTHER_PATIENT",
)
"""Variables whose values no finding may show."""


class RunContext(Protocol):
    """The part of AppContext that checks use; each member raises as it does there."""

    options: Options
    env: Mapping[str, str]
    clock: Callable[[], datetime]
    environment_error: ConfigError | None

    @property
    def config_path(self) -> Path:
        """The file of the profiles."""

    @property
    def state_dir(self) -> Path:
        """The directory of the journal, the locks and the offer index."""

    @property
    def cache_dir(self) -> Path:
        """The directory of what can be fetched again."""

    @property
    def config(self) -> Config:
        """The profiles."""

    @property
    def settings(self) -> Settings:
        """The portal and the person that the run is about."""

    @property
    def vault(self) -> Vault:
        """The store of the sessions."""

    @property
    def index(self) -> OfferIndex:
        """The offer index, which has who is signed in."""

    @property
    def index_key(self) -> str:
        """The key of the profile in the offer index."""

    @property
    def identity(self) -> Identity:
        """The patient of the sign-in, and who acts."""

    @property
    def client_source(self) -> ClientSource:
        """What the profile has to prove its client by."""

    @property
    def bearer(self) -> ScopedBearer:
        """The source of access tokens, and the scopes that they have."""

    def resolve_beside_config(self, name: str) -> Path:
        """Return the path of a file that a profile names."""

    def timestamp(self) -> float:
        """Return the present in Unix seconds."""


class CheckContext:
    """One run of the checks. `app_context` must not ask anybody anything.

    `choose_person` returns whom the run is about (raises NotSignedIn, NotFound, InvalidUsage);
    `open_client` takes the seconds that have passed since the run began and returns the portal's
    client. `variables` are the names of gpcli's own variables; `platform` is as in `sys.platform`.
    """

    def __init__(
        self,
        app_context: RunContext,
        *,
        choose_person: Callable[[], IndexedPerson],
        open_client: Callable[[float], HttpClient],
        variables: Collection[str],
        platform: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app_context = app_context
        self.env = app_context.env
        self.variables = variables
        self.platform = platform
        self._choose_person = choose_person
        self._open_client = open_client
        self._monotonic = monotonic
        self._began = monotonic()

    def check_start(self) -> None:
        """Raise the error of the environment that keeps every other command from starting."""
        if self.app_context.environment_error:
            raise self.app_context.environment_error

    @cached_property
    def config(self) -> Config:
        """The configuration; raises ConfigError."""
        return self.app_context.config

    @cached_property
    def profile(self) -> Profile:
        """The portal in use, even where the production guard forbids it; raises ConfigError."""
        return choose_profile(self.app_context.options, self.env, self.config)

    @property
    def credential_source(self) -> str | None:
        """The variable or profile key that signs a machine in; `None` = a person signs in."""
        with suppress(GpcliError):
            return self.app_context.settings.machine
        if self.app_context.options.profile:
            return None
        return next(
            (name for name in (TOKEN, TOKEN_COMMAND) if find_variable(self.env, name)), None
        )

    @cached_property
    def person(self) -> IndexedPerson:
        """The signed-in person that the run is about."""
        return self._choose_person()

    @cached_property
    def client(self) -> HttpClient:
        """The portal's client, with the time that is left."""
        return self._open_client(self._monotonic() - self._began)

    @cached_property
    def first_response(self) -> HttpResponse | GpcliError:
        """The response to the first request (the metadata, without a token), or its error."""
        url = f"{self.profile.portal}/metadata"
        try:
            return self.client.get_public(url, headers={"Accept": FHIR})
        except GpcliError as error:
            return error

    @property
    def is_metadata_protected(self) -> bool:
        """Whether the portal returns its metadata only to those who are signed in."""
        return isinstance(self.first_response, HttpResponse) and self.first_response.status in {
            401,
            403,
        }

    @cached_property
    def capabilities(self) -> Capabilities:
        """What the portal can do, fetched with the token where that is needed."""
        if isinstance(self.first_response, GpcliError):
            raise self.first_response
        response = (
            self.client.get("metadata") if self.is_metadata_protected else self.first_response
        )
        return parse_metadata_response(drop_error_body(response), self.client)

    @cached_property
    def sign_in_document(self) -> dict[str, Any]:
        """The portal's SMART configuration; raises BadResponse."""
        try:
            answer = self.client.get_public(f"{self.profile.portal}/{WELL_KNOWN}")
        except BadResponse as error:
            raise _no_smart_sign_in("what is there is no JSON") from error
        check_available(answer)
        if answer.status != 200 or not isinstance(answer.body, dict):
            raise _no_smart_sign_in(f"status {answer.status}")
        return dict(answer.body)

    @cached_property
    def redact(self) -> Callable[[str], str]:
        """The function that redacts text of findings."""
        home = self.env.get("HOME") or str(Path.home())
        return build_redactor(self._secrets(), home.rstrip("/"))

    def _secrets(self) -> Iterator[str]:
        values = [find_variable(self.env, name) for name in _SECRET_VARIABLES]
        values.append(self.app_context.options.as_ or "")
        for value in values:
            yield value
            yield value.rpartition("/")[2]  # the id of a reference, such as RelatedPerson/7
        with suppress(GpcliError, OSError):
            for person in self.app_context.index.read_people(self.app_context.index_key):
                yield from (person.name, person.patient, person.account)


def _no_smart_sign_in(why: str) -> BadResponse:
    return BadResponse(
        f"The portal does not describe a SMART sign-in ({why}).",
        hint=f"Check the portal's address; if it is right, ask the portal for /{WELL_KNOWN}.",
    )


def drop_error_body(answer: HttpResponse) -> HttpResponse:
    """Return `answer` without its body if it is an error, whose text may be about a person."""
    return replace(answer, body=None) if answer.status >= 400 else answer


@dataclass(frozen=True)
class CheckResult:
    """The result of a check: a Finding without its name, and not redacted yet."""

    status: Verdict
    seen: str
    cause: str | None = None
    cure: str | None = None


@dataclass(frozen=True)
class Check:
    """A check.

    `name` is interface. `run` returns the result, or raises GpcliError for a failed check. `needs`
    are the names of the checks without which this one is skipped.
    """

    name: str
    run: Callable[[CheckContext], CheckResult]
    needs: tuple[str, ...] = ()


def passed(seen: str) -> CheckResult:
    """Return the result of a check that found nothing wrong."""
    return CheckResult(Verdict.OK, seen)


def warning(seen: str, cause: str, cure: str) -> CheckResult:
    """Return the result of a check that found something that limits or may fail."""
    return CheckResult(Verdict.WARNING, seen, cause, cure)


def skipped(why: str) -> CheckResult:
    """Return the result of a check that did not apply, and `why`."""
    return CheckResult(Verdict.SKIPPED, f"not checked: {why}")


def run_checks(checks: Iterable[Check], context: CheckContext) -> Iterator[Finding]:
    """Run `checks` in order and yield the finding of each, without names or secrets.

    A check is skipped if one that it needs has failed, or was itself skipped for that reason; its
    finding names the one that failed.
    """
    blocked_by: dict[str, str] = {}
    for check in checks:
        failed = next((blocked_by[need] for need in check.needs if need in blocked_by), None)
        result = skipped(f"{failed} failed") if failed else _run_check(check, context)
        if failed or result.status is Verdict.FAILED:
            blocked_by[check.name] = failed or check.name
        yield _build_finding(check.name, result, context.redact)


def _run_check(check: Check, context: CheckContext) -> CheckResult:
    try:
        return check.run(context)
    except GpcliError as error:
        return CheckResult(
            Verdict.FAILED, error.message, error.code, _find_cure(error, context) or _TRY_AGAIN
        )
    except Exception as error:
        kind = type(error).__name__
        return CheckResult(
            Verdict.FAILED, f"This check broke down ({kind}).", "unexpected", _REPORT
        )


def _find_cure(error: GpcliError, context: CheckContext) -> str:
    if isinstance(error, NoToken):
        return _TRY_COMMAND_ITSELF
    machine = context.credential_source
    return word_machine_hint(error, machine) if machine else error.hint


_TRY_COMMAND_ITSELF = (
    "Run the command by itself, as gpcli does without anything to type on: it must print a token."
)
_TRY_AGAIN = "Put it right, then run gpcli troubleshoot again."
_REPORT = "A fault of gpcli: report it with these lines; they name nobody."


def _build_finding(name: str, result: CheckResult, redact: Callable[[str], str]) -> Finding:
    cure = None if result.cure is None else redact(result.cure)
    return Finding(name, result.status, redact(result.seen), result.cause, cure)


def build_error(findings: Sequence[Finding]) -> GpcliError | None:
    """Return the error with which the command ends, of the type that the first failed check names.

    `None` = no check failed.
    """
    failed = [finding for finding in findings if finding.status is Verdict.FAILED]
    if not failed:
        return None
    kinds = {kind.code: kind for kind in list_coded_errors()}
    names = ", ".join(finding.name for finding in failed)
    kind = kinds.get(failed[0].cause or "", GpcliError)
    return kind(
        f"{len(failed)} of {len(findings)} checks failed: {names}.",
        hint=_HINT if failed[1:] else "",
    )


_HINT = "Begin with the first: the others may follow from it."
