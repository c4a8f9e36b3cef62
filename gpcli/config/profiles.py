"""Profiles: the portals that this machine knows, in `config.toml`."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gpcli.config.index_format import FROM_ENVIRONMENT
from gpcli.config.private_files import edit_config_file, read_config_file
from gpcli.config.profile_keys import (
    KEY_PARSERS,
    NUMBERS,
    SYNTHETIC,
    InvalidValue,
    build_synthetic_rules,
    format_suggestion,
    parse_environment,
    parse_portal_url,
)
from gpcli.errors import ConfigError, InvalidUsage, NotFound
from gpcli.model.account import Environment
from gpcli.model.person import SyntheticRules
from gpcli.web_url import is_loopback

_BARE_KEY = re.compile(r"[\w-]+", re.ASCII)
"""A key that needs no quotes in TOML."""

REQUIRED = ("portal", "environment")
"""The keys that every profile has."""

SCOPES = (
    "openid fhirUser launch/patient offline_access "
    "patient/Patient.rs patient/RelatedPerson.rs patient/Practitioner.rs "
    "patient/PractitionerRole.rs patient/Organization.rs patient/Location.rs "
    "patient/HealthcareService.rs patient/ChargeItemDefinition.rs patient/Schedule.rs "
    "patient/Slot.rs patient/Appointment.crus patient/AppointmentResponse.rs "
    "patient/Communication.crus patient/DocumentReference.rs patient/Binary.r "
    "patient/MedicationRequest.rs patient/Medication.rs patient/MedicationDispense.rs "
    "patient/Task.crus patient/Immunization.rs patient/Consent.crus"
)
"""The scopes that gpcli requests by default: only what it uses.

Source: SMART App Launch 2.2, scopes v2.
"""


@dataclass(frozen=True)
class Profile:
    """One portal and how to talk to it.

    `portal` is the FHIR base, without a final slash; `timeout` is in seconds; `redirect_port` 0 is
    any free one; `zone` is an IANA name. With `accessible` a screen reader reads the answers.
    `scopes` are in SMART's v2; `scopes_version` is in which version to send them, `None` = as the
    portal says. `prompt` and `acr` are OpenID Connect's `prompt` and `acr_values`. `token_command`
    signs a machine in; `key_file` does too, or proves the client when a person signs in.
    `client_auth` is how the client is proved, `None` = as the portal says; `client_secret` tells
    that the keyring has its secret. `emergency` has the numbers to call in an emergency, and for
    what can't wait. `services` maps the portal's codes to one or several of `SERVICES`;
    `services_listed` tells whether the portal says which services its GPs offer, `None` = gpcli
    finds out. `smoke` has what `gpcli smoke` goes by at this portal, and `synthetic` tells which of
    its patients are test patients; the keys of both are in `profile_keys`.
    """

    name: str
    portal: str
    environment: Environment
    client_id: str = "gpcli"
    client_auth: str | None = None
    client_secret: str | None = None
    scopes: str = SCOPES
    scopes_version: str | None = None
    redirect_port: int = 0
    prompt: str | None = None
    acr: str | None = None
    booking: str = "auto"
    status_sent: str = "proposed"
    token_command: str | None = None
    key_file: str | None = None
    ca_file: str | None = None
    timeout: float = 30.0
    zone: str = "Europe/Oslo"
    accessible: bool = False
    emergency: dict[str, str] = field(default_factory=lambda: dict(NUMBERS))
    services: dict[str, str | list[str]] = field(default_factory=dict)
    services_listed: bool | None = None
    smoke: dict[str, Any] = field(default_factory=dict)
    synthetic: dict[str, list[str]] = field(default_factory=lambda: dict(SYNTHETIC))

    @property
    def code_map(self) -> dict[str, tuple[str, ...]]:
        """The portal's codes, and the `SERVICES` that each stands for."""
        return {
            code: (services,) if isinstance(services, str) else tuple(services)
            for code, services in self.services.items()
        }

    @property
    def synthetic_rules(self) -> SyntheticRules:
        """What tells that a patient is a test patient; the profile's own rules, or the usual."""
        return build_synthetic_rules(self.synthetic)

    @property
    def has_consent_prompt(self) -> bool:
        """Whether `prompt` has `consent`, without which some portals drop `offline_access`.

        Source: OpenID Connect Core 1.0, 11.
        """
        return "consent" in (self.prompt or "").split()

    @property
    def has_own_scopes(self) -> bool:
        """Whether the profile says itself what to ask for."""
        return self.scopes != SCOPES

    @property
    def requested_scopes(self) -> str:
        """The scopes that a sign-in requests.

        They are the profile's own, or the default ones, to which booking by transaction adds the
        right to change a Slot.
        """
        if self.booking != "transaction" or self.has_own_scopes:
            return self.scopes
        return SCOPES.replace("patient/Slot.rs", "patient/Slot.rus")


@dataclass(frozen=True)
class Config:
    """The content of `config.toml`."""

    profiles: dict[str, Profile]
    default: str | None = None

    def check_name_free(self, name: str) -> None:
        """Raise InvalidUsage where a profile is called `name`."""
        if name in self.profiles:
            raise InvalidUsage(
                f"There is a profile '{name}' already.", hint=f"gpcli profile show {name}"
            )

    def check_portal(self, name: str, portal: str) -> None:
        """Raise InvalidUsage where the profile `name` is there and not of `portal`."""
        if name in self.profiles and self.profiles[name].portal != portal:
            raise InvalidUsage(
                f"The profile '{name}' is for another portal.", hint="Choose another --profile."
            )

    def find_profile(self, name: str) -> Profile:
        """Return the profile called `name`; raise NotFound, which suggests a similar name."""
        if name in self.profiles:
            return self.profiles[name]
        raise NotFound(
            f"There is no profile '{name}'{format_suggestion(name, list(self.profiles))}",
            hint="gpcli profile list shows the profiles; gpcli login PORTAL-URL makes one.",
        )


def read_config(path: Path) -> Config:
    """Read `config.toml`; a missing file counts as empty.

    Raises: ConfigError for one that can't be read, or that has a wrong key or value.
    """
    try:
        return _parse_config(read_config_file(path), path)
    except FileNotFoundError:
        return Config({})
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}.") from error


def add_profile(path: Path, profile: Profile) -> None:
    """Write a new profile to the file; the first one becomes the default.

    As in all functions that write it, the rest of the file and its comments stay.
    Raises: InvalidUsage when there is one of this name, ConfigError, TimedOut, OSError.
    """
    with _edit_config(path) as (config, document):
        config.check_name_free(profile.name)
        _write_keys(document, profile, None)
        if not config.profiles:
            document["default_profile"] = profile.name


def save_profile(path: Path, profile: Profile, before: Profile | None) -> None:
    """Write to the file in what `profile` differs from `before`, as which it was read.

    `None` = it is new; then it becomes the default, if there is none. What another process has
    changed since then stays.
    Raises: InvalidUsage when another portal has the name, ConfigError, TimedOut, OSError.
    """
    with _edit_config(path) as (config, document):
        config.check_portal(profile.name, profile.portal)
        is_known = profile.name in config.profiles
        _write_keys(document, profile, before if is_known else None)
        if not is_known and config.default is None:
            document["default_profile"] = profile.name


def set_default_profile(path: Path, name: str) -> None:
    """Write to the file that its profile `name` is the default one.

    Raises: NotFound when there is none, ConfigError, TimedOut, OSError.
    """
    with _edit_config(path) as (config, document):
        document["default_profile"] = config.find_profile(name).name


def remove_profile(path: Path, name: str) -> None:
    """Remove the profile `name` from the file.

    Raises: NotFound when there is none, ConfigError, TimedOut, OSError.
    """
    with _edit_config(path) as (config, document):
        del document["profiles"][config.find_profile(name).name]
        if config.default == name:
            del document["default_profile"]


def build_profile(name: str, portal: str, environment: str | None) -> Profile:
    """Return a profile from what a person typed; raise ConfigError for what can't be one.

    Without an `environment` it is the sandbox for a portal on loopback, else production.
    """
    if not name.strip() or name == FROM_ENVIRONMENT:
        raise ConfigError(f"A profile can't be called '{name}'.")
    try:
        base = parse_portal_url(portal)
        is_local = is_loopback(urlsplit(base).hostname or "")
        usual = "sandbox" if is_local else "production"
        return Profile(name, base, parse_environment(usual if environment is None else environment))
    except InvalidValue as error:
        raise ConfigError(f"{error}.") from error


@contextmanager
def _edit_config(path: Path) -> Iterator[tuple[Config, Any]]:
    """Give the configuration, and its TOML document to be changed, under the file's lock."""
    import tomlkit  # noqa: PLC0415  (start-up: only writing needs it)

    with edit_config_file(path) as file:
        content = file.content or b""
        config, document = _parse_config(content, path), tomlkit.parse(content)
        yield config, document
        file.content = document.as_string().encode()


def _write_keys(document: Any, profile: Profile, before: Profile | None) -> None:
    """Write the keys in which `profile` differs from `before`; `None` = from the defaults."""
    import tomlkit  # noqa: PLC0415  (start-up: only writing needs it)

    profiles = document.setdefault("profiles", tomlkit.table(is_super_table=True))
    table = profiles.setdefault(profile.name, {})
    defaults = Profile(profile.name, profile.portal, profile.environment)
    for key in KEY_PARSERS:
        value = getattr(profile, key)
        if value == getattr(before or defaults, key) and (before or key not in REQUIRED):
            continue
        if value != getattr(defaults, key) or key in REQUIRED:
            table[key] = value
        else:
            table.pop(key, None)


def _parse_config(content: bytes, path: Path) -> Config:
    try:
        document = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from error
    _check_keys("", document, {"default_profile", "profiles"}, path)
    tables = _require_table(document.get("profiles", {}), "profiles", path)
    profiles = {name: _parse_profile(name, table, path) for name, table in tables.items()}
    default = document.get("default_profile")
    if default is not None and (not isinstance(default, str) or default not in profiles):
        raise ConfigError(f"{path}: default_profile '{default}' is not one of the profiles.")
    return Config(profiles, default)


def _parse_profile(name: str, value: object, path: Path) -> Profile:
    where = f"profiles.{name if _BARE_KEY.fullmatch(name) else json.dumps(name)}"
    table = _require_table(value, where, path)
    _check_keys(f"{where}.", table, set(KEY_PARSERS), path)
    for key in REQUIRED:
        if key not in table:
            raise ConfigError(f"{path}: {where} has no '{key}'.")
    parsed: dict[str, Any] = {}
    for key, raw in table.items():
        try:
            parsed[key] = KEY_PARSERS[key](raw)
        except InvalidValue as error:
            raise ConfigError(f"{path}: {where}.{key}: {error}.") from error
    if {"token_command", "key_file"} <= parsed.keys():
        raise ConfigError(
            f"{path}: {where} has both token_command and key_file.",
            hint="Take one of them out: each signs a machine in.",
        )
    return replace(Profile(name, parsed["portal"], parsed["environment"]), **parsed)


def _check_keys(prefix: str, table: dict[str, Any], known: set[str], path: Path) -> None:
    for key in table:
        if key not in known:
            suggestion = format_suggestion(key, sorted(known))
            raise ConfigError(f"{path}: unknown key '{prefix}{key}'{suggestion}")


def _require_table(value: object, name: str, path: Path) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise ConfigError(f"{path}: '{name}' must be a table.")
