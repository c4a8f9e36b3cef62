"""The composition root: what one command works with, each part built on first use."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from gpcli.config import paths
from gpcli.errors import ConfigError, NotSignedIn, TimedOut

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from gpcli.auth.bearer import ScopedBearer
    from gpcli.auth.client_source import ClientSource
    from gpcli.auth.session import StoredSession
    from gpcli.auth.vault import Vault
    from gpcli.config.offer_index import IndexedPerson, OfferIndex
    from gpcli.config.profiles import Config, Profile
    from gpcli.config.settings import Options, Settings
    from gpcli.http import httpx
    from gpcli.http.client import Bearer, HttpClient, RequestLog
    from gpcli.http.deadline import Deadline
    from gpcli.model.person import Identity
    from gpcli.portal.fhir_portal import FhirPortal
    from gpcli.render.output import Output
    from gpcli.render.prompt import Prompt
    from gpcli.render.terminal import Terminal
    from gpcli.sending import Sending

KEYRING_PATIENCE, PROMPT_PATIENCE = 5.0, 60.0
"""Seconds that one call of the keyring may take: without and with a person who can unlock it."""


class AppContext:
    """What one command works with: streams, files, settings, sign-in and portal.

    Each part is built when it is first used. Nobody changes it from outside but by its methods.

    `environment_error` is the ConfigError of an empty `GPCLI_CONFIG_DIR` or a wrong
    `GPCLI_CLOCK_OFFSET`. It is raised at once; for a command that diagnoses, by `config`.

    The keywords are for tests, `demo` and the process's start; `None` = the real thing. `browse`
    opens a page and returns whether it could; `terminal_device` opens the terminal to read answers
    from where standard input is data; `former_umask` is the umask of the programs that gpcli starts
    (-1 = gpcli's own); `patience` is the time in seconds before progress is shown; `elapsed`
    returns the seconds by which waiting is measured.
    """

    environment_error: ConfigError | None = None
    _settings: Settings | None = None
    _person: IndexedPerson | None = None
    _identity: Identity | None = None
    _ask: Prompt | None = None
    _is_stdin_claimed = False

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
        terminal_device: Callable[[], TextIO] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        elapsed: Callable[[], float] | None = None,
        former_umask: int = -1,
        patience: float | None = None,
    ) -> None:
        self.options, self.env = options, env
        self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
        self.browse = browse
        self.sleep, self.former_umask = sleep, former_umask
        self.elapsed = elapsed
        try:
            from gpcli.config.settings import build_clock

            self.clock = build_clock(now, env)
        except ConfigError as error:
            if not options.diagnoses:
                raise
            self.environment_error, self.clock = error, now
        self._vault = vault
        self.transport = transport
        self._terminal = terminal
        self._terminal_device = terminal_device
        self._patience = patience
        self._open_clients = ExitStack()
        self._deadlines: list[Deadline] = []

    def close(self) -> None:
        """Close the connections."""
        self._open_clients.close()

    @cached_property
    def output(self) -> Output:
        """The one writer."""
        from gpcli.config.settings import is_accessible
        from gpcli.config.variables import without_secrets
        from gpcli.render.output import Output
        from gpcli.render.terminal import detect_terminal

        return Output(
            self.stdout,
            self.stderr,
            self._terminal or detect_terminal(self.stdin, self.stdout, self.stderr, self.env),
            format=self.options.format,
            fields=self.options.fields,
            now=self.clock,
            patience=self._patience,
            quiet=self.options.quiet,
            env=None if self.options.no_input else without_secrets(self.env),
            accessible=is_accessible(self.options, self.env, lambda: self.config),
        )

    @property
    def ask(self) -> Prompt:
        """The prompt, which asks the person questions."""
        if self._ask is None:
            from gpcli.render.prompt import NOTHING_CHOSEN, NOTHING_SENT, build_prompt

            self._ask = build_prompt(
                self.stdin,
                self.stderr,
                self.output.terminal,
                self.env,
                no_input=self.options.no_input or self.options.confirm is not None,
                stdin_claimed=self._is_stdin_claimed,
                terminal_device=self._terminal_device,
                on_answer=self.restart_deadlines,
                quit_message=NOTHING_SENT if self.options.sends else NOTHING_CHOSEN,
                in_words=self.output.phrasing.in_words,
            )
        return self._ask

    def claim_stdin(self) -> TextIO:
        """Return standard input, to be read as data; answers come from the terminal from now on."""
        if not self._is_stdin_claimed:
            self._is_stdin_claimed, self._ask = True, None
        return self.stdin

    def restart_deadlines(self) -> None:
        """Begin the network's time limits anew: a person has taken their time to answer."""
        for deadline in self._deadlines:
            deadline.restart()
        self.output.renew_progress()

    @property
    def is_debugging(self) -> bool:
        """Whether each request is logged on standard error."""
        from gpcli.config.index_format import is_set

        return self.options.debug or is_set(self.env.get("GPCLI_DEBUG"))

    @property
    def config_path(self) -> Path:
        """The file of the profiles."""
        return Path(paths.config_dir(self.env)) / "config.toml"

    def resolve_beside_config(self, name: str) -> Path:
        """Return the path of a file that a profile names: relative to `config.toml`, `~` = home."""
        return self.config_path.parent / Path(name).expanduser()

    @property
    def state_dir(self) -> Path:
        """The directory of the journal, the locks and the offer index."""
        return Path(paths.state_dir(self.env))

    @property
    def lock_dir(self) -> Path:
        """The directory of the sessions' locks."""
        return self.state_dir / "locks"

    @property
    def cache_dir(self) -> Path:
        """The directory of what can be fetched again."""
        return Path(paths.cache_dir(self.env))

    @property
    def config(self) -> Config:
        """The profiles, read from the file each time; raises ConfigError."""
        if self.environment_error:
            raise self.environment_error
        from gpcli.config.profiles import read_config

        return read_config(self.config_path)

    @property
    def settings(self) -> Settings:
        """The portal and the person that this run is about; raises as `resolve_settings`."""
        if self._settings is None:
            from gpcli.config.settings import resolve_settings

            self._settings = resolve_settings(self.options, self.env, self.config)
        return self._settings

    def use_settings(self, settings: Settings) -> None:
        """Have this run be about `settings`, whatever options and environment say."""
        self._settings = settings

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
        """Return the present, in the surgeries' zone."""
        return self.clock().astimezone(self.zone)

    @cached_property
    def index(self) -> OfferIndex:
        """The offer index, which help and completion read: profiles, people, hidden commands."""
        from gpcli.config.offer_index import OfferIndex

        return OfferIndex(Path(paths.index_path(self.env)))

    def index_profiles(self) -> None:
        """Write the names of the profiles into the offer index."""
        self.index.write_profiles(lambda: self.config)

    @property
    def index_key(self) -> str:
        """The key of the profile in the offer index."""
        from gpcli.config.offer_index import profile_key

        return profile_key(self.profile.name, self.profile.portal)

    def timestamp(self) -> float:
        """Return the present in Unix seconds."""
        return self.clock().timestamp()

    @cached_property
    def vault(self) -> Vault:
        """The store of sessions; raises NoKeyring."""
        from gpcli.auth.vault import open_keyring

        if self._vault is not None:
            return self._vault
        patience = PROMPT_PATIENCE if self.ask.can_ask else KEYRING_PATIENCE
        return open_keyring(self.env, may_ask=self.ask.can_ask, timeout=patience)

    @property
    def person(self) -> IndexedPerson:
        """The signed-in person that this run is about; raises as `choose_person`."""
        if self._person is None:
            from gpcli.auth.people import choose_person

            self._person = choose_person(
                self.index,
                self.index_key,
                self.settings.as_,
                sends=self.options.sends and not self.options.dry_run,
                chooser=self.ask,
                notice=self.output.notice,
                has_key=self.profile.key_file is not None,
            )
        return self._person

    def use_person(self, person: IndexedPerson) -> None:
        """Have this run be about `person`, of those who are signed in."""
        self._person = person

    @cached_property
    def stored_session(self) -> StoredSession:
        """The person's session, read from the vault; raises as `person`, NotSignedIn, NoKeyring."""
        person = self.person  # comes first: where nobody is signed in, no keyring is needed
        stored = self.vault.load(person.account)
        if stored is None:
            raise NotSignedIn(
                f"The session of {person.name} is gone from the keyring.",
                hint="gpcli login signs in.",
            )
        return stored

    @property
    def identity(self) -> Identity:
        """The patient of the sign-in, and who acts; raises as `stored_session`, InputNeeded."""
        if self._identity is not None:
            return self._identity
        from gpcli.model.person import Identity

        settings = self.settings
        if settings.machine:
            from gpcli.auth.unattended import require_patient

            self._identity = Identity(require_patient(settings), settings.fhir_user)
        else:
            stored = self.stored_session
            names = stored.patient_name or None, stored.acting_name or None
            self._identity = Identity(stored.patient, stored.fhir_user, *names)
        return self._identity

    def use_identity(self, identity: Identity) -> None:
        """Have this run be about `identity`, which a sign-in has just returned."""
        self._identity = identity

    @property
    def client_source(self) -> ClientSource:
        """What the profile has to prove its client by."""
        from gpcli.auth.client_source import ClientSource

        resolve_path = self.resolve_beside_config
        return ClientSource(self.profile, lambda: self.vault, resolve_path, self.timestamp)

    @cached_property
    def bearer(self) -> ScopedBearer:
        """The source of access tokens."""
        from gpcli.auth.bearer import SessionBearer

        if self.settings.machine:
            from gpcli.auth.unattended import MachineEnvironment, build_machine_bearer

            environment = MachineEnvironment(
                self.env,
                self.resolve_beside_config,
                self.cache_dir,
                self.former_umask,
                self.timestamp,
            )
            return build_machine_bearer(self.settings, environment)
        account = self.person.account
        with suppress(OSError, TimedOut):  # who was active last only breaks ties
            self.index.record_activity(self.index_key, account, self.timestamp())
        places, rebuild = (self.lock_dir, self.cache_dir), self.client_source.rebuild_auth
        return SessionBearer(
            self.vault, account, *places, self.timestamp, self.stored_session, rebuild_auth=rebuild
        )

    @cached_property
    def client(self) -> HttpClient:
        """The HTTP client of the portal, with the access token."""
        return self.open_client(self.bearer)

    def open_client(
        self, bearer: Bearer | None, *, doing: str = "Waiting for the portal"
    ) -> HttpClient:
        """Return an HTTP client of the portal with a time limit of its own.

        `bearer` gives the access tokens; `None` = requests carry no token. `doing` is shown as
        progress. It is closed with this context.
        """
        from gpcli.http.client import HttpClient
        from gpcli.http.deadline import Deadline

        deadline, name = Deadline(self.settings.timeout), self.profile.ca_file
        self._deadlines.append(deadline)
        client = HttpClient(
            self.profile.portal,
            deadline=deadline,
            bearer=bearer,
            ca_file=str(self.resolve_beside_config(name)) if name else None,
            env=self.env,
            transport=self.transport,
            sleep=self.sleep,
            log=self.log_request if self.is_debugging else None,
            progress=lambda: self.output.progress(doing),
        )
        return self._open_clients.enter_context(client)

    @cached_property
    def portal(self) -> FhirPortal:
        """The portal on behalf of the person who is signed in."""
        return self.open_portal(self.identity, self.client, self.bearer)

    def open_portal(
        self, identity: Identity, client: HttpClient, bearer: ScopedBearer
    ) -> FhirPortal:
        """Return the portal on behalf of `identity`, through `client`, as `bearer` permits."""
        from gpcli.config.read_marks import ReadMarks
        from gpcli.journal import Journal
        from gpcli.portal.capabilities import fetch_capabilities
        from gpcli.portal.dependencies import build_dependencies
        from gpcli.portal.fhir_portal import FhirPortal
        from gpcli.portal.portal_profile import PortalProfile
        from gpcli.portal.search import FhirSearch

        profile, account = self.profile, self._account_of(identity)
        search = FhirSearch(
            client, lambda: fetch_capabilities(client, self.cache_dir, self.timestamp())
        )
        dependencies = build_dependencies(
            search,
            Journal(self.state_dir, profile.name, account, lambda: self.sending.request),
            identity,
            PortalProfile.of(profile),
            lambda: bearer.scope,
            self.now,
            self.cache_dir,
        )
        return FhirPortal(dependencies, ReadMarks(self.state_dir, account))

    @property
    def account(self) -> str:
        """The account, a hash, that the journal knows this run's sign-in by; as `identity`."""
        return self._account_of(self.identity)

    def _account_of(self, user: Identity) -> str:
        from gpcli.auth.people import account_id

        return account_id(self.profile.name, self.profile.portal, user.patient, user.fhir_user)

    @cached_property
    def sending(self) -> Sending:
        """What this run asks of the portal, and how far sending it has come."""
        from gpcli.sending import Sending

        return Sending(self)

    def log_request(self, request: RequestLog) -> None:
        """Write the line of a try of a request that --debug asks for."""
        outcome = f"{request.status or 'no answer'} {request.ms} ms {request.trace_id}"
        with suppress(OSError):  # what came of the request matters more than its line
            self.output.notice(f"{request.method} {request.route} {outcome}", needed=True)
