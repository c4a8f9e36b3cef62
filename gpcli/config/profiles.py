"""Profiles: the portals that this machine knows, in `config.toml`, and a parser for each key."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, get_args
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gpcli.config.index_format import FROM_ENVIRONMENT
from gpcli.config.private_files import edit_config_file, read_config_file
from gpcli.errors import ConfigError, InvalidUsage, NotFound
from gpcli.model.account import Environment
from gpcli.web_url import InvalidUrl, is_loopback, split_web_url

ENVIRONMENTS: tuple[Environment, ...] = get_args(Environment)
EMERGENCY = ("acute", "urgent")
"""Keys of the numbers to call: when life is in danger, and for what can't wait until the surgery
opens."""
SENT_STATUSES = ("proposed", "pending", "booked")
BOOKING_METHODS = ("auto", "post", "operation", "transaction")
SERVICES = (
    "e-consultation",
    "contact",
    "prescription-renewal",
    "booking",
    "booking-enquiry",
    "cancellation",
    "flu-vaccination",
    "late-cancellation",
    "no-show",
)
"""What a portal's own codes can be mapped to; the last two have only a price."""
SCOPES_VERSIONS = ("1", "2")
CLIENT_AUTH_METHODS = ("none", "client_secret_basic", "client_secret_post", "private_key_jwt")
KEPT_IN_KEYRING = "keyring"
"""The one value of `client_secret`: the secret itself is in the keyring."""


Word = TypeVar("Word", bound=str)


class InvalidValue(ValueError):
    """A value that the key can't have; the message says what it must be."""


def parse_portal_url(value: object) -> str:
    """Return a FHIR base without a final slash; raise InvalidValue.

    It must be `https`, or `http` to a loopback literal, without query and credentials.
    """
    if not isinstance(value, str) or not value.strip():
        raise InvalidValue("the portal must be a URL such as https://portal.example/fhir/R4")
    text = value.strip()
    url = _split_url(text)
    if set("?#") & set(text) or "@" in url.netloc:
        raise InvalidValue("the portal's URL must have no query, fragment or user name")
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        raise InvalidValue(f"'{text}' is not encrypted; the portal must be https")
    return url.geturl().rstrip("/")


def _split_url(text: str) -> SplitResult:
    try:
        if not text.isprintable() or set(' \\"<>') & set(text):
            raise InvalidUrl("has characters that no URL has")
        return split_web_url(text)
    except InvalidUrl as why:
        shape = "a URL such as https://portal.example/fhir/R4"
        raise InvalidValue(f"{_quote_url(text)} {why}; it must be {shape}") from why


def _quote_url(text: str) -> str:
    """Return `text` in quotes, or `the portal` where a password or a token may be in it."""
    return "the portal" if set("@?#") & set(text) else repr(text)


def parse_environment(value: object) -> Environment:
    """Return one of production, staging, sandbox; raise InvalidValue."""
    return _build_choice_parser(*ENVIRONMENTS)(value)


def _build_choice_parser(*words: Word) -> Callable[[object], Word]:
    def parse(value: object) -> Word:
        if isinstance(value, str) and value in words:
            return value
        raise InvalidValue(f"'{value}' is not one of {', '.join(words)}")

    return parse


def _parse_text(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise InvalidValue("must be text that is not empty")


def _parse_secret_place(value: object) -> str:
    if value == KEPT_IN_KEYRING:
        return KEPT_IN_KEYRING
    raise InvalidValue(
        f"must be '{KEPT_IN_KEYRING}': no secret stands in this file; "
        "gpcli login --client-secret keeps one in the keyring"
    )


def _parse_port(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 65535:
        return value
    raise InvalidValue(f"'{value}' is not a port number")


def _parse_seconds(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 3600:
        return float(value)
    raise InvalidValue(f"'{value}' is not a number of seconds up to 3600")


def _parse_zone(value: object) -> str:
    try:
        return ZoneInfo(_parse_text(value)).key
    except (OSError, ValueError, ZoneInfoNotFoundError) as error:
        raise InvalidValue(f"'{value}' is not a time zone such as Europe/Oslo") from error


def _parse_emergency(value: object) -> dict[str, str]:
    numbers = value if isinstance(value, dict) else {}
    are_texts = all(isinstance(number, str) for number in numbers.values())
    if are_texts and numbers.keys() == set(EMERGENCY) and numbers["acute"].strip():
        return {name: numbers[name].strip() for name in EMERGENCY}
    raise InvalidValue("must be a table of two numbers: acute = '113', urgent = '116 117' (or '')")


def _parse_code_map(value: object) -> dict[str, str | list[str]]:
    if not isinstance(value, dict) or not all(map(_is_text_or_texts, value.values())):
        raise InvalidValue("must be a table of 'system|code' = 'service' or a list of services")
    for code, services in value.items():
        if "|" not in code:
            raise InvalidValue(f"'{code}' must be 'system|code'")
        for service in [services] if isinstance(services, str) else services:
            if service not in SERVICES:
                raise InvalidValue(f"'{service}' is no service; those are {', '.join(SERVICES)}")
    return value


def _is_text_or_texts(value: object) -> bool:
    texts = value if isinstance(value, list) and value else [value]
    return all(isinstance(text, str) for text in texts)


def _parse_flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise InvalidValue("must be true or false")


KEY_PARSERS: dict[str, Callable[[object], Any]] = {
    "portal": parse_portal_url,
    "environment": parse_environment,
    "client_id": _parse_text,
    "client_auth": _build_choice_parser(*CLIENT_AUTH_METHODS),
    "client_secret": _parse_secret_place,
    "scopes": _parse_text,
    "scopes_version": _build_choice_parser(*SCOPES_VERSIONS),
    "redirect_port": _parse_port,
    "prompt": _parse_text,
    "acr": _parse_text,
    "booking": _build_choice_parser(*BOOKING_METHODS),
    "status_sent": _build_choice_parser(*SENT_STATUSES),
    "token_command": _parse_text,
    "key_file": _parse_text,
    "ca_file": _parse_text,
    "timeout": _parse_seconds,
    "zone": _parse_zone,
    "emergency": _parse_emergency,
    "services": _parse_code_map,
    "services_listed": _parse_flag,
}


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


NUMBERS = {"acute": "113", "urgent": "116 117"}
"""The numbers to call where the profile has none; the keys are those of `EMERGENCY`."""


@dataclass(frozen=True)
class Profile:
    """One portal and how to talk to it.

    `portal` is the FHIR base, without a final slash; `timeout` is in seconds; `redirect_port` 0 is
    any free one; `zone` is an IANA name. `scopes` are in SMART's v2; `scopes_version` is in which
    version to send them, `None` = as the portal says. `prompt` and `acr` are OpenID Connect's
    `prompt` and `acr_values`. `token_command` signs a machine in; `key_file` does too, or proves
    the client when a person signs in. `client_auth` is how the client is proved, `None` = as the
    portal says; `client_secret` tells that the keyring has its secret. `emergency` has the numbers
    to call in an emergency, and for what can't wait. `services` maps the portal's codes to one or
    several of `SERVICES`; `services_listed` tells whether the portal says which services its GPs
    offer, `None` = gpcli finds out.
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
    emergency: dict[str, str] = field(default_factory=lambda: dict(NUMBERS))
    services: dict[str, str | list[str]] = field(default_factory=dict)
    services_listed: bool | None = None

    @property
    def code_map(self) -> dict[str, tuple[str, ...]]:
        """The portal's codes, and the `SERVICES` that each stands for."""
        return {
            code: (services,) if isinstance(services, str) else tuple(services)
            for code, services in self.services.items()
        }

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


def format_suggestion(word: str, words: list[str]) -> str:
    """Return the end of a sentence: `; did you mean 'x'?` for the nearest of `words`, or `.`."""
    close = difflib.get_close_matches(word, words, n=1)
    return f"; did you mean '{close[0]}'?" if close else "."


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
