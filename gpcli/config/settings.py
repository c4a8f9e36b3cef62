"""Which portal and person this run is about: flag, then environment, then profile, then default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from gpcli.config import profiles
from gpcli.config.index_format import is_set
from gpcli.config.options import Options
from gpcli.config.profiles import FROM_ENVIRONMENT, Config, Profile
from gpcli.errors import ConfigError, InputNeeded, NotSignedIn, ProductionGuard

TOKEN, TOKEN_COMMAND = "GPCLI_TOKEN", "GPCLI_TOKEN_COMMAND"
"""The variables that sign a machine in, each beside GPCLI_PORTAL."""

MAX_CLOCK_OFFSET = timedelta(days=36_525)
"""How far ahead or behind a sandbox's clock may be."""

NO_PORTAL = "gpcli login PORTAL-URL signs in; gpcli demo shows gpcli without any portal."


@dataclass(frozen=True)
class Settings:
    """One run. `token`, `patient` and `fhir_user` come from the environment or are `None`.

    `as_` is whom the command line or `GPCLI_AS` names. `token_command` comes from the environment
    (`TOKEN_COMMAND`) or the profile.
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
        """What signs a machine in, as messages name it; `None` = a person signs in."""
        command = "token_command" if self.profile.token_command else TOKEN_COMMAND
        ways = (
            (self.token, TOKEN),
            (self.token_command, command),
            (self.profile.key_file, "key_file"),
        )
        return next((name for given, name in ways if given), None)


def resolve_settings(options: Options, env: Mapping[str, str], config: Config) -> Settings:
    """Decide; raises ConfigError, InputNeeded, NotFound, NotSignedIn or ProductionGuard."""
    profile = choose_profile(options, env, config)
    check_production_allowed(profile, env)
    by_environment = not options.profile and read_variable(env, "GPCLI_PORTAL") is not None
    token, command = read_token_variables(env) if by_environment else (None, profile.token_command)
    alone = by_environment or command or profile.key_file
    return Settings(
        profile=profile,
        token=token,
        patient=read_variable(env, "GPCLI_PATIENT") if alone else None,
        fhir_user=read_variable(env, "GPCLI_FHIR_USER") if alone else None,
        as_=options.as_ or read_variable(env, "GPCLI_AS"),
        timeout=options.timeout or profile.timeout,
        token_command=command,
    )


def choose_profile(options: Options, env: Mapping[str, str], config: Config) -> Profile:
    """`--profile`, else `GPCLI_PORTAL`, else `GPCLI_PROFILE`, else the default or only one."""
    if options.profile:
        return config.find_profile(options.profile)
    portal = read_variable(env, "GPCLI_PORTAL")
    if portal:
        return _from_environment(portal, env)
    for name in (TOKEN, TOKEN_COMMAND):
        if read_variable(env, name):
            raise ConfigError(f"{name} is set without GPCLI_PORTAL: for which portal is it?")
    named = read_variable(env, "GPCLI_PROFILE") or config.default
    if named:
        return config.find_profile(named)
    if not config.profiles:
        raise NotSignedIn("gpcli does not know your portal yet.", hint=NO_PORTAL)
    if len(config.profiles) > 1:
        known = ", ".join(sorted(config.profiles))
        raise InputNeeded(
            f"There are several profiles: {known}.",
            hint="Name one with --profile, or choose a default with gpcli profile use NAME.",
        )
    return next(iter(config.profiles.values()))


def read_token_variables(env: Mapping[str, str]) -> tuple[str | None, str | None]:
    """The token and the command in the environment, of which one at most may be set.

    Raises ConfigError.
    """
    token, command = read_variable(env, TOKEN), read_variable(env, TOKEN_COMMAND)
    if token and command:
        raise ConfigError(f"{TOKEN} and {TOKEN_COMMAND} are both set.", hint="Unset one of them.")
    return token, command


def check_production_allowed(profile: Profile, env: Mapping[str, str]) -> None:
    """Keep CI runs off production; raises ProductionGuard."""
    allowed = env.get("GPCLI_ALLOW_PRODUCTION") == profile.name
    if profile.environment == "production" and is_set(env.get("CI")) and not allowed:
        raise ProductionGuard(
            f"'{profile.name}' is a production portal and this is a CI run.",
            hint="Use a staging or sandbox profile; "
            f"GPCLI_ALLOW_PRODUCTION={profile.name} lifts this.",
        )


def read_variable(env: Mapping[str, str], name: str) -> str | None:
    """A variable's value; `None` when unset. Raises ConfigError when it is empty."""
    written = env.get(name)
    if written is not None and not written.strip():
        raise ConfigError(f"{name} is set but empty.", hint=f"Give it a value, or unset {name}.")
    return written


def _from_environment(portal: str, env: Mapping[str, str]) -> Profile:
    try:
        base = profiles.parse_portal_url(portal)
        environment = profiles.parse_environment(
            read_variable(env, "GPCLI_ENVIRONMENT") or "production"
        )
    except profiles.InvalidValue as trouble:
        raise ConfigError(f"GPCLI_PORTAL or GPCLI_ENVIRONMENT: {trouble}.") from trouble
    return Profile(FROM_ENVIRONMENT, base, environment)


def read_clock_offset(env: Mapping[str, str]) -> timedelta:
    """How far ahead of the machine's clock the sandbox is that the environment names.

    Only a sandbox can have a clock of its own. Raises ConfigError.
    """
    seconds = read_variable(env, "GPCLI_CLOCK_OFFSET")
    if seconds is None or env.get("GPCLI_ENVIRONMENT") != "sandbox":
        return timedelta()
    try:
        offset = timedelta(seconds=float(seconds))
    except (ValueError, OverflowError):
        raise ConfigError(f"GPCLI_CLOCK_OFFSET '{seconds}' is not a number of seconds.") from None
    if abs(offset) > MAX_CLOCK_OFFSET:
        raise ConfigError(f"GPCLI_CLOCK_OFFSET '{seconds}' is more than a hundred years.")
    return offset
