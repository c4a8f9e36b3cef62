"""The composition root: what one command works with, each part built on first use."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar
from uuid import UUID, uuid4, uuid5

from gpcli.config import paths
from gpcli.errors import ConfigError, NotSignedIn, Partial

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from gpcli.auth.bearer import ScopedBearer
    from gpcli.auth.vault import StoredSession, Vault
    from gpcli.care.confirmation import Decision, Outcome, Proposal, SendStage
    from gpcli.config.offer_index import IndexedPerson, OfferIndex
    from gpcli.config.options import Options
    from gpcli.config.profiles import Config, Profile
    from gpcli.config.settings import Settings
    from gpcli.http import httpx
    from gpcli.http.client import Bearer, HttpClient, RequestLog
    from gpcli.http.deadline import Deadline
    from gpcli.model.person import Identity
    from gpcli.model.service import Offers, ServiceName
    from gpcli.portal.capabilities import Capabilities
    from gpcli.portal.fhir_portal import FhirPortal
    from gpcli.render.ask import Ask
    from gpcli.render.output import Output, Terminal


class Local:
    """Each part is built when first used. `terminal` `None` = what the streams are.

    Raises ConfigError for an empty `GPCLI_CONFIG_DIR` or a wrong `GPCLI_CLOCK_OFFSET`; where
    the command diagnoses, keeps it as `flaw`.

    `former_umask` is the one that gpcli was started with, for the programs that it starts;
    -1 = it was never changed. `patience` is how long, in seconds, the portal may take before
    progress is shown; `None` = as `Output` has it. `terminal_device` opens the terminal to read
    answers from where standard input is taken.
    """

    former_umask = -1
    patience: float | None = None

    def __init__(
        self,
        options: Options,
        env: Mapping[str, str],
        streams: tuple[TextIO, TextIO, TextIO],
        now: Callable[[], datetime],
        terminal: Terminal | None,
    ) -> None:
        self.flaw: ConfigError | None = None
        try:
            self.clock = _clock(now, env)
        except ConfigError as flaw:
            if not options.diagnoses:
                raise
            self.flaw, self.clock = flaw, now
        self.options = options
        self.env = env
        self.stdin, self.stdout, self.stderr = streams
        self.terminal_device: Callable[[], TextIO] = open_terminal
        self._terminal = terminal
        self._stdin_taken = False

    @cached_property
    def output(self) -> Output:
        """The one writer."""
        from gpcli.render.output import PATIENCE, Format, Output, look_around

        chosen = [name for name in ("json", "ndjson", "plain") if getattr(self.options, name)]
        return Output(
            self.stdout,
            self.stderr,
            self._terminal or look_around(self.stdin, self.stdout, self.stderr, self.env),
            format=Format(chosen[0] if chosen else "auto"),
            fields=self.options.fields,
            now=self.clock,
            patience=PATIENCE if self.patience is None else self.patience,
        )

    @cached_property
    def ask(self) -> Ask:
        """Who asks the person, where there is one."""
        from gpcli.render.ask import Ask, may_ask

        taken = self._stdin_taken
        return Ask(
            self.stdin,
            self.stderr,
            allowed=may_ask(
                self.output.terminal, self.env, self.options.no_input, stdin_taken=taken
            ),
            tty_device=self.terminal_device if taken else None,
            answered=self.person_answered,
            width=self.output.terminal.width,
        )

    def take_stdin(self) -> TextIO:
        """Standard input, for what it holds; from now on answers come from the terminal device."""
        if not self._stdin_taken:
            self._stdin_taken = True
            self.__dict__.pop("ask", None)
        return self.stdin

    def person_answered(self) -> None:
        """A person took their time to answer a question; nothing runs here that would mind."""

    @property
    def debugs(self) -> bool:
        """Whether each request is to be told on standard error."""
        from gpcli.config.index_format import is_set

        return self.options.debug or is_set(self.env.get("GPCLI_DEBUG"))

    @property
    def config_path(self) -> Path:
        """Where the profiles are."""
        return Path(paths.config_dir(self.env)) / "config.toml"

    def beside_config(self, named: str) -> Path:
        """The file that a profile names: `~` is home, a relative path is beside the profiles."""
        return self.config_path.parent / Path(named).expanduser()

    @property
    def state_dir(self) -> Path:
        """Where the journal, the locks and the index are."""
        return Path(paths.state_dir(self.env))

    @property
    def lock_dir(self) -> Path:
        """Where the locks of sessions are."""
        return self.state_dir / "locks"

    @property
    def cache_dir(self) -> Path:
        """Where what can be fetched again is kept."""
        return Path(paths.cache_dir(self.env))

    @property
    def config(self) -> Config:
        """The profiles, as the file has them now."""
        if self.flaw:
            raise self.flaw
        from gpcli.config.profiles import read_config

        return read_config(self.config_path)

    @cached_property
    def settings(self) -> Settings:
        """Which portal and person this run is about."""
        from gpcli.config.settings import settle

        return settle(self.options, self.env, self.config)

    @property
    def profile(self) -> Profile:
        """The portal in use."""
        return self.settings.profile

    @cached_property
    def zone(self) -> ZoneInfo:
        """The surgeries' time zone."""
        from zoneinfo import ZoneInfo

        return ZoneInfo(self.profile.zone)

    def now(self) -> datetime:
        """The present, in the surgeries' zone."""
        return self.clock().astimezone(self.zone)

    @cached_property
    def index(self) -> OfferIndex:
        """What help and completion read: profiles, people, hidden commands."""
        from gpcli.config.offer_index import OfferIndex

        return OfferIndex(Path(paths.index_path(self.env)))

    def index_profiles(self) -> None:
        """Tell the index, and so completion, which profiles there are now."""
        config = self.config
        self.index.set_profiles(config.profiles, config.default)

    @property
    def index_key(self) -> str:
        """The key of the profile in the index."""
        from gpcli.config.offer_index import profile_key

        return profile_key(self.profile.name, self.profile.portal)

    def timestamp(self) -> float:
        """The present in Unix seconds."""
        return self.clock().timestamp()


def open_terminal() -> TextIO:
    """The terminal that this process belongs to, to read from; raises OSError without one."""
    return Path("CONIN$" if os.name == "nt" else "/dev/tty").open(encoding="utf-8")


def _clock(now: Callable[[], datetime], env: Mapping[str, str]) -> Callable[[], datetime]:
    if env.get("GPCLI_CONFIG_DIR") == "":
        raise ConfigError("GPCLI_CONFIG_DIR is set but empty.", hint="Name a directory.")
    if "GPCLI_CLOCK_OFFSET" not in env:
        return now
    from gpcli.config.settings import clock_offset

    offset = clock_offset(env)
    return lambda: now() + offset


Record = TypeVar("Record")

_GPCLI = UUID("8d0c3e5a-6f6e-5d0b-9b5c-2f0a4b6f1e77")
"""The namespace of intents that `--request-id` names."""

KEYRING_PATIENCE = 5.0
"""Seconds for one call of the keyring where nobody can answer its prompt."""

PROMPT_PATIENCE = 60.0
"""The same where somebody sits at the terminal and may have to unlock it."""

OFFERS_KEPT = 24 * 3600
"""How long offers are believed for help and completion, in seconds."""


class AppContext(Local):
    """One command's surroundings.

    `sent_under` is the request id of what this run has sent; `None` = it changed nothing so far.
    `sending_under` is that of what may have been sent: nobody knows yet, or it can't be known.

    The last seven are for tests and `demo`; without them: the clock, the OS keyring, the system's
    browser, the network, what the streams are, and waiting.
    """

    def __init__(
        self,
        options: Options,
        env: Mapping[str, str],
        stdin: TextIO,
        stdout: TextIO,
        stderr: TextIO,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        vault: Vault | None = None,
        browse: Callable[[str], bool] | None = None,
        transport: httpx.BaseTransport | None = None,
        terminal: Terminal | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(options, env, (stdin, stdout, stderr), now, terminal)
        self.browse = browse
        self.sleep = sleep
        self._vault = vault
        self._transport = transport
        self._open_things = ExitStack()
        self._deadlines: list[Deadline] = []
        self._request_id = options.request_id
        self.sent_under: str | None = None
        self.sending_under: str | None = None

    def person_answered(self) -> None:
        """The time limit is for the network: it begins anew when a person has answered."""
        for deadline in self._deadlines:
            deadline.restart()

    def close(self) -> None:
        """Close the connections."""
        self._open_things.close()

    @cached_property
    def vault(self) -> Vault:
        """Where sessions are kept; raises NoKeyring."""
        from gpcli.auth.vault import open_keyring

        if self._vault is not None:
            return self._vault
        patience = PROMPT_PATIENCE if self.ask.allowed else KEYRING_PATIENCE
        return open_keyring(self.env, may_ask=self.ask.allowed, timeout=patience)

    @cached_property
    def person(self) -> IndexedPerson:
        """Whom of the people signed in here this run is about."""
        from gpcli.auth.people import choose_person

        return choose_person(
            self.index,
            self.index_key,
            self.settings.as_,
            sends=self.options.sends and not self.options.dry_run,
            chooser=self.ask,
            notice=self.output.notice,
        )

    @cached_property
    def stored_session(self) -> StoredSession:
        """The kept session of the person; raises NotSignedIn, NoKeyring."""
        person = self.person  # comes first: where nobody is signed in, no keyring is needed
        kept = self.vault.load(person.account)
        if kept is None:
            raise NotSignedIn(
                f"The session of {person.name} is gone from the keyring.",
                hint="gpcli login signs in.",
            )
        return kept

    @cached_property
    def identity(self) -> Identity:
        """Whom the sign-in is for; raises NotSignedIn, InputNeeded."""
        from gpcli.model.person import Identity

        settings = self.settings
        if settings.machine:
            from gpcli.auth.unattended import whom

            return Identity(whom(settings), settings.fhir_user)
        kept = self.stored_session
        return Identity(
            kept.patient, kept.fhir_user, kept.patient_name or None, kept.acting_name or None
        )

    @cached_property
    def bearer(self) -> ScopedBearer:
        """Where the access token comes from."""
        from gpcli.auth.bearer import SessionBearer

        if self.settings.machine:
            from gpcli.auth.unattended import MachineEnvironment, machine_bearer

            umask, now = self.former_umask, self.timestamp
            around = MachineEnvironment(self.env, self.beside_config, self.cache_dir, umask, now)
            return machine_bearer(self.settings, around)
        account = self.person.account
        with suppress(OSError):  # who was active last only breaks ties
            self.index.touch(self.index_key, account, self.timestamp())
        return SessionBearer(
            self.vault, account, self.lock_dir, self.cache_dir, self.timestamp, self.stored_session
        )

    @cached_property
    def client(self) -> HttpClient:
        """The way to the portal, with the token."""
        return self.open_client(self.bearer)

    def open_client(self, bearer: Bearer | None) -> HttpClient:
        """A way to the portal with its own time limit; `None` = without a token."""
        from gpcli.http.client import HttpClient
        from gpcli.http.deadline import Deadline

        deadline = Deadline(self.settings.timeout)
        self._deadlines.append(deadline)
        client = HttpClient(
            self.profile.portal,
            deadline=deadline,
            bearer=bearer,
            ca_file=str(self.beside_config(named)) if (named := self.profile.ca_file) else None,
            env=self.env,
            transport=self._transport,
            sleep=self.sleep,
            log=self._log if self.debugs else None,
            meanwhile=lambda: self.output.progress("Waiting for the portal"),
        )
        return self._open_things.enter_context(client)

    @cached_property
    def portal(self) -> FhirPortal:
        """The portal on behalf of the person who is signed in."""
        return self.portal_for(self.identity, self.client, self.bearer)

    def portal_for(
        self, identity: Identity, client: HttpClient, bearer: ScopedBearer
    ) -> FhirPortal:
        """The portal through `client`, with what `bearer` was granted."""
        from gpcli.auth.people import account_id
        from gpcli.config.read_marks import ReadMarks
        from gpcli.journal import Journal
        from gpcli.portal.capabilities import permitted
        from gpcli.portal.dependencies import PortalDependencies
        from gpcli.portal.fhir_portal import FhirPortal
        from gpcli.portal.mapping import PortalProfile, RecordMapper
        from gpcli.portal.search import FhirSearch
        from gpcli.portal.write.kernel import WriteKernel

        profile = self.profile
        account = account_id(profile.name, profile.portal, identity.patient, identity.fhir_user)
        exchange = FhirSearch(client, lambda: self.capabilities(client))
        portal_profile = PortalProfile(
            profile.services, profile.status_sent, profile.zone, profile.booking
        )
        context = PortalDependencies(
            exchange,
            WriteKernel(exchange, Journal(self.state_dir, profile.name, account), self.now),
            identity,
            portal_profile,
            RecordMapper(identity.patient, portal_profile, exchange.flaws),
            lambda: permitted(bearer.scope, exchange.can()),
            self.now,
        )
        return FhirPortal(context, ReadMarks(self.state_dir, account))

    def capabilities(self, client: HttpClient) -> Capabilities:
        """What the portal can do."""
        from gpcli.portal.capabilities import capabilities

        return capabilities(client, self.cache_dir, self.timestamp())

    def intent(self, command: str) -> UUID:
        """What identifies this write: random, or the same for the same `--request-id`.

        A UUID, as receipts and errors show it, is the identifier itself.
        """
        request = self.options.request_id
        if request is None:
            made = uuid4()
            self._request_id = str(made)
            return made
        with suppress(ValueError):
            if str(UUID(request)) == request:
                return UUID(request)
        profile = uuid5(_GPCLI, f"{self.profile.name} {self.profile.portal}")
        return uuid5(profile, "\0".join((self.identity.patient, command, request)))

    def confirm_and_send(
        self, decision: Decision[Record], *, word: str | None = None
    ) -> Outcome[Record]:
        """Show the plan, make sure that the person agrees, send.

        `word` is what the command line gave where a plan asks for a word.
        """
        from gpcli.care.confirmation import Agreement, confirm_and_send

        options = self.options
        terms = Agreement(options.yes, options.dry_run, options.accept_fee, word)
        return confirm_and_send(decision, terms, self.ask, self._show_plan, self._note_stage)

    def remember(self, offers: Offers, starts: Mapping[str, tuple[ServiceName, ...]]) -> None:
        """Keep what is not offered, for help and completion."""
        from gpcli.care.offers import hidden_commands

        hidden = hidden_commands(offers, self.now(), starts)
        until = self.timestamp() + OFFERS_KEPT
        try:
            self.index.set_hidden(self.index_key, self.identity.patient, hidden, until)
        except OSError as trouble:
            self.output.warning(f"What is offered can't be kept for help: {trouble.strerror}.")

    def check_whole(self) -> None:
        """Raise Partial when something that the portal has had to be left out."""
        flaws = self.portal.flaws
        for flaw in flaws:
            self.output.warning(f"Left out: {flaw}")
        if flaws:
            raise Partial(
                "This is not all: what the portal sent broken or kept back is left out.",
                hint="Tell the people who run the portal.",
            )

    def _note_stage(self, stage: SendStage) -> None:
        if stage == "sent":
            self.sent_under = self._request_id
        self.sending_under = self._request_id if stage == "sending" else None

    def _show_plan(self, proposal: Proposal[Record]) -> None:
        from gpcli.render.views.wording import plan_of

        plan = plan_of(
            proposal.action,
            proposal.rows,
            proposal.warnings,
            environment=self.profile.environment,
            zone=self.zone.key,
            now=self.now(),
        )
        self.output.plan(plan)

    def _log(self, line: RequestLog) -> None:
        status = line.status or "no answer"
        said = f"{line.method} {line.route} {status} {line.ms} ms {line.request_id}"
        with suppress(OSError):  # what came of the request matters more than its line
            self.output.notice(said)
