"""The settings of a command: by option, environment, profile, then default."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gpcli.config.given_token import find_token_flaw
from gpcli.config.index_format import FROM_ENVIRONMENT, is_set
from gpcli.config.profile_keys import InvalidValue, parse_environment, parse_portal_url
from gpcli.config.profiles import Config, Profile
from gpcli.config.variables import find_variable
from gpcli.errors import (
    ConfigError,
    GpcliError,
    InputNeeded,
    InvalidUsage,
    NotSignedIn,
    ProductionGuard,
)

FORMATS = ("json", "ndjson", "plain", "table")
"""The formats of answers, of which only one may be asked for."""


def word_format(name: str) -> str:
    """Return the option that asks for one of FORMATS."""
    return "--output table" if name == "table" else f"--{name}"


@dataclass
class Options:
    """What the command line asked for; `None` and `False` mean that it did not say.

    It is filled in while the line is parsed, so it is not frozen. `fields` is empty for `--fields
    ''`, which asks for the names of the columns. `timeout` is in seconds. `accept_fee` is an amount
    or `any`, `confirm` the id of a plan. `accessible` asks for what a screen reader can read.
    `yes`, `dry_run`, `confirm`, `accept_fee` and `request_id` belong to commands that send; `sends`
    says whether the command that runs is one. `diagnoses` is for `troubleshoot`: wrong environment
    variables don't keep it from starting. `settles` is for the commands of the outbox, which are
    not told what is in it. `argv` is the whole line, without the program's name.
    """

    json: bool = False
    ndjson: bool = False
    plain: bool = False
    table: bool = False
    fields: tuple[str, ...] | None = None
    profile: str | None = None
    as_: str | None = None
    gp: str | None = None
    timeout: float | None = None
    no_input: bool = False
    quiet: bool = False
    debug: bool = False
    accessible: bool = False
    yes: bool = False
    dry_run: bool = False
    confirm: str | None = None
    accept_fee: str | None = None
    request_id: str | None = None
    sends: bool = False
    diagnoses: bool = False
    settles: bool = False
    argv: tuple[str, ...] = field(default=(), compare=False)

    @property
    def format(self) -> str | None:
        """The one of FORMATS that was asked for, else `accessible` if that was; `None` = none."""
        return next((name for name in (*FORMATS, "accessible") if getattr(self, name)), None)

    @property
    def may_be_repeat(self) -> bool:
        """Whether an earlier run may have sent the request: the line names it, or its plan."""
        return self.request_id is not None or self.confirm is not None


MAX_TIMEOUT = 3600.0
"""The longest time limit, in seconds."""

MAX_REQUEST_ID = 128
"""The most characters of what repeats a request."""


def check_not_empty(name: str, value: str) -> str:
    """Return the value of an option or argument; raise InvalidUsage, which names it, if empty."""
    if value.strip():
        return value
    raise InvalidUsage(f"{name} needs a value that is not empty.")


def check_request_id(name: str, value: str) -> str:
    """Return what repeats a request; raise InvalidUsage, which names it, if empty or too long."""
    if len(check_not_empty(name, value)) <= MAX_REQUEST_ID:
        return value
    raise InvalidUsage(f"{name} is too long: {MAX_REQUEST_ID} characters at most.")


PLAN_PREFIX, PLAN_LENGTH = "plan-", 12
PLAN_CHARACTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""The characters that follow the prefix of a plan's id; none looks like another."""


def check_plan_id(name: str, value: str) -> str:
    """Return the id of a plan; raise InvalidUsage, which names the option, for what is none."""
    plan_id = check_not_empty(name, value).strip().lower()
    if re.fullmatch(f"{PLAN_PREFIX}[{PLAN_CHARACTERS}]{{{PLAN_LENGTH}}}", plan_id):
        return plan_id
    raise InvalidUsage(
        f"{name} '{value}' is no plan's id.", hint="--dry-run shows the plan, and gives it an id."
    )


TOKEN, TOKEN_COMMAND = "GPCLI_TOKEN", "GPCLI_TOKEN_COMMAND"
"""The variables that sign a machine in, each beside GPCLI_PORTAL."""

OTHER_PATIENT = "GPCLI_SMOKE_OTHER_PATIENT"
"""The variable that stands for a profile's `smoke.other_patient`, beside GPCLI_PORTAL."""

MAX_CLOCK_OFFSET = timedelta(days=36_525)
"""The most that a sandbox's clock may be ahead of this machine's, or behind it."""


@dataclass(frozen=True)
class Settings:
    """The settings of one command.

    `token`, `patient` and `fhir_user` come from the environment; `None` = not set, or not used
    because a person signs in. `as_` is the person that the command line or `GPCLI_AS` names.
    `timeout` is in seconds. `token_command` comes from the environment or the profile; `None` =
    there is none. A profile's `key_file` signs a machine in only for a `patient`: without one a
    person signs in, and the key proves which client that is by.
    """

    profile: Profile
    token: str | None
    patient: str | None
    fhir_user: str | None
    as_: str | None
    timeout: float
    token_command: str | None = None

    @property
    def machine(self) -> str | None:
        """The variable or profile key by which a machine signs in; `None` = a person signs in."""
        command = "token_command" if self.profile.token_command else TOKEN_COMMAND
        sources = (
            (self.token, TOKEN),
            (self.token_command, command),
            (self.profile.key_file if self.patient else None, "key_file"),
        )
        return next((name for value, name in sources if value), None)


def resolve_settings(options: Options, env: Mapping[str, str], config: Config) -> Settings:
    """Return the settings of a command.

    Raises: ConfigError, InputNeeded, NotFound, NotSignedIn, ProductionGuard.
    """
    profile = choose_profile(options, env, config)
    check_production_allowed(profile, env)
    is_from_environment = not options.profile and read_variable(env, "GPCLI_PORTAL") is not None
    token, command = (
        read_token_variables(env) if is_from_environment else (None, profile.token_command)
    )
    is_machine = is_from_environment or command or profile.key_file
    return Settings(
        profile=profile,
        token=token,
        patient=read_variable(env, "GPCLI_PATIENT") if is_machine else None,
        fhir_user=read_variable(env, "GPCLI_FHIR_USER") if is_machine else None,
        as_=options.as_ or read_variable(env, "GPCLI_AS"),
        timeout=options.timeout or profile.timeout,
        token_command=command,
    )


def is_accessible(
    options: Options, env: Mapping[str, str], read_config: Callable[[], Config]
) -> bool:
    """Return whether what a person at a terminal gets is in words, for a screen reader.

    That is as the option says, else the variable, else the profile in use. Where it can't be told
    which one that is, the command itself says so: this does not.
    """
    if options.accessible:
        return True
    if "GPCLI_ACCESSIBLE" in env:
        return is_set(env["GPCLI_ACCESSIBLE"])
    try:
        return choose_profile(options, env, read_config()).accessible
    except (GpcliError, OSError):
        return False


def resolve_profile_settings(
    profile: Profile, options: Options, env: Mapping[str, str]
) -> Settings:
    """Return the settings of a command that names the portal of `profile` itself.

    Raises: ConfigError, ProductionGuard.
    """
    check_production_allowed(profile, env)
    patient = read_variable(env, "GPCLI_PATIENT") if profile.key_file else None
    timeout = options.timeout or profile.timeout
    command = profile.token_command
    return Settings(profile, None, patient, None, options.as_, timeout, command)


def choose_profile(options: Options, env: Mapping[str, str], config: Config) -> Profile:
    """Return the profile in use.

    It is that of `--profile`, else of `GPCLI_PORTAL`, else of `GPCLI_PROFILE`, else the default or
    the only one.
    Raises: ConfigError, InputNeeded, NotFound, NotSignedIn.
    """
    if options.profile:
        return config.find_profile(options.profile)
    portal = read_variable(env, "GPCLI_PORTAL")
    if portal:
        return _build_environment_profile(portal, env)
    for variable in (TOKEN, TOKEN_COMMAND):
        if read_variable(env, variable):
            raise ConfigError(f"{variable} is set without GPCLI_PORTAL: for which portal is it?")
    name = read_variable(env, "GPCLI_PROFILE") or config.default
    if name:
        return config.find_profile(name)
    if not config.profiles:
        raise NotSignedIn(
            "gpcli does not know your portal yet.",
            hint="gpcli login PORTAL-URL signs in; gpcli demo shows gpcli without any portal.",
        )
    if len(config.profiles) > 1:
        known = ", ".join(sorted(config.profiles))
        raise InputNeeded(
            f"There are several profiles: {known}.",
            hint="Name one with --profile, or choose a default with gpcli profile use NAME.",
        )
    return next(iter(config.profiles.values()))


def read_token_variables(env: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the token and the token command in the environment.

    Raises: ConfigError when both are set, one is empty, or the token can't be one.
    """
    token, command = read_variable(env, TOKEN), read_variable(env, TOKEN_COMMAND)
    if token and command:
        raise ConfigError(f"{TOKEN} and {TOKEN_COMMAND} are both set.", hint="Unset one of them.")
    if token and (flaw := find_token_flaw(token)):
        raise ConfigError(
            f"{TOKEN} is no access token: it {flaw}.", hint="Set it to the token and nothing else."
        )
    return token, command


def check_production_allowed(profile: Profile, env: Mapping[str, str]) -> None:
    """Raise ProductionGuard for a production portal in a CI run, unless that was allowed."""
    is_allowed = find_variable(env, "GPCLI_ALLOW_PRODUCTION") == profile.name
    if profile.environment == "production" and is_set(env.get("CI")) and not is_allowed:
        raise ProductionGuard(
            f"'{profile.name}' is a production portal and this is a CI run.",
            hint="Use a staging or sandbox profile; "
            f"GPCLI_ALLOW_PRODUCTION={profile.name} lifts this.",
        )


def read_variable(env: Mapping[str, str], name: str) -> str | None:
    """Return a variable's value, `None` when it is unset; raise ConfigError when it is empty.

    The value is without the spaces and line ends around it.
    """
    if name not in env:
        return None
    value = find_variable(env, name)
    if not value:
        raise ConfigError(f"{name} is set but empty.", hint=f"Give it a value, or unset {name}.")
    return value


def _build_environment_profile(portal: str, env: Mapping[str, str]) -> Profile:
    try:
        base = parse_portal_url(portal)
        environment = parse_environment(read_variable(env, "GPCLI_ENVIRONMENT") or "production")
    except InvalidValue as error:
        raise ConfigError(f"GPCLI_PORTAL or GPCLI_ENVIRONMENT: {error}.") from error
    other = read_variable(env, OTHER_PATIENT)
    smoke = {"other_patient": other} if other else {}
    return Profile(FROM_ENVIRONMENT, base, environment, smoke=smoke)


def read_clock_offset(env: Mapping[str, str]) -> timedelta:
    """Return how far the sandbox's clock is ahead of this machine's (`GPCLI_CLOCK_OFFSET`).

    It is zero for any portal but a sandbox.
    Raises: ConfigError.
    """
    seconds = read_variable(env, "GPCLI_CLOCK_OFFSET")
    if seconds is None or find_variable(env, "GPCLI_ENVIRONMENT") != "sandbox":
        return timedelta()
    if not re.fullmatch(r"-?\d{1,12}(\.\d+)?", seconds, re.ASCII):
        raise ConfigError(f"GPCLI_CLOCK_OFFSET '{seconds}' is not a number of seconds.")
    offset = timedelta(seconds=float(seconds))
    if abs(offset) > MAX_CLOCK_OFFSET:
        raise ConfigError(f"GPCLI_CLOCK_OFFSET '{seconds}' is more than a hundred years.")
    return offset


def build_clock(now: Callable[[], datetime], env: Mapping[str, str]) -> Callable[[], datetime]:
    """Return `now`, shifted by GPCLI_CLOCK_OFFSET; raise ConfigError for a wrong environment."""
    read_variable(env, "GPCLI_CONFIG_DIR")
    if "GPCLI_CLOCK_OFFSET" not in env:
        return now
    offset = read_clock_offset(env)
    return lambda: now() + offset
