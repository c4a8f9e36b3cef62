"""Profiles: the portals that this machine knows, and a check for each of their keys."""

from __future__ import annotations

import difflib
import ipaddress
import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gpcli.config.atomic_write import write_private_file
from gpcli.errors import ConfigError, NotFound

ENVIRONMENTS = ("production", "staging", "sandbox")
EMERGENCY = ("acute", "urgent")
"""Numbers to call: when life is in danger, and when it can't wait and the surgery is closed."""
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
"""What a portal's own codes can stand for; the last two have only a price."""
SCOPES_VERSIONS = ("1", "2")


class InvalidValue(ValueError):
    """A value that the key can't have; the message says what it must be."""


def parse_portal_url(value: object) -> str:
    """A FHIR base: `https`, or `http` to a loopback literal; no query, no credentials."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidValue("the portal must be a URL such as https://portal.example/fhir/R4")
    written = value.strip()
    url = _split(written)
    if set("?#") & set(written) or "@" in url.netloc:
        raise InvalidValue("the portal's URL must have no query, fragment or user name")
    if url.scheme == "http" and not has_loopback_host(url):
        raise InvalidValue(f"'{written}' is not encrypted; the portal must be https")
    return url.geturl().rstrip("/")


def _split(written: str) -> SplitResult:
    if not written.isprintable() or set(' \\"<>') & set(written):
        raise InvalidValue(f"{_shown(written)} is not a URL: it has characters that no URL has")
    try:
        url = urlsplit(written)
        _ = url.port
    except ValueError as trouble:
        why = "it has no host or port that can be read"
        raise InvalidValue(f"{_shown(written)} is not a URL: {why}") from trouble
    if not url.hostname or url.scheme not in {"https", "http"}:
        raise InvalidValue(f"{_shown(written)} is not a URL such as https://portal.example/fhir/R4")
    return url


def _shown(written: str) -> str:
    """What was written, unless a password or a token may be in it."""
    return "the portal" if set("@?#") & set(written) else repr(written)


def has_loopback_host(url: SplitResult) -> bool:
    """Whether the host is a loopback address written as a number."""
    try:
        return ipaddress.ip_address(url.hostname or "").is_loopback
    except ValueError:
        return False


def parse_environment(value: object) -> str:
    """One of production, staging, sandbox."""
    return _one_of(*ENVIRONMENTS)(value)


def _one_of(*words: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if isinstance(value, str) and value in words:
            return value
        raise InvalidValue(f"'{value}' is not one of {', '.join(words)}")

    return check


def _text(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise InvalidValue("must be text that is not empty")


def _port(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 65535:
        return value
    raise InvalidValue(f"'{value}' is not a port number")


def _seconds(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 3600:
        return float(value)
    raise InvalidValue(f"'{value}' is not a number of seconds up to 3600")


def _zone(value: object) -> str:
    try:
        return ZoneInfo(_text(value)).key
    except (OSError, ValueError, ZoneInfoNotFoundError) as trouble:
        raise InvalidValue(f"'{value}' is not a time zone such as Europe/Oslo") from trouble


def _emergency(value: object) -> dict[str, str]:
    numbers = value if isinstance(value, dict) else {}
    worded = all(isinstance(number, str) for number in numbers.values())
    if worded and numbers.keys() == set(EMERGENCY) and numbers["acute"].strip():
        return {name: numbers[name].strip() for name in EMERGENCY}
    raise InvalidValue("must be a table of two numbers: acute = '113', urgent = '116 117' (or '')")


def _code_map(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(code, str) for code in value.values()):
        raise InvalidValue("must be a table of 'system|code' = 'service'")
    for theirs, ours in value.items():
        if "|" not in theirs:
            raise InvalidValue(f"'{theirs}' must be 'system|code'")
        if ours not in SERVICES:
            raise InvalidValue(f"'{ours}' is no service; those are {', '.join(SERVICES)}")
    return value


KEY_PARSERS: dict[str, Callable[[object], Any]] = {
    "portal": parse_portal_url,
    "environment": parse_environment,
    "client_id": _text,
    "scopes": _text,
    "scopes_version": _one_of(*SCOPES_VERSIONS),
    "redirect_port": _port,
    "prompt": _text,
    "acr": _text,
    "booking": _one_of(*BOOKING_METHODS),
    "status_sent": _one_of(*SENT_STATUSES),
    "token_command": _text,
    "key_file": _text,
    "ca_file": _text,
    "timeout": _seconds,
    "zone": _zone,
    "emergency": _emergency,
    "services": _code_map,
}


FROM_ENVIRONMENT = "environment"
"""The name of the profile that `GPCLI_PORTAL` makes; no other may have it."""

_BARE = re.compile(r"[\w-]+", re.ASCII)
"""A name that TOML takes without quotes."""

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
"""What gpcli asks for by default (SMART App Launch 2.2, scopes v2): only what it uses."""


NUMBERS = {"acute": "113", "urgent": "116 117"}
"""Whom to call instead of writing, unless the profile says otherwise (keys: `keys.EMERGENCY`)."""


@dataclass(frozen=True)
class Profile:
    """One portal and how to talk to it. `portal` is the FHIR base, without a final slash.

    `emergency` has the numbers to call in an emergency, and when it can't wait.
    """

    name: str
    portal: str
    environment: str
    client_id: str = "gpcli"
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
    services: dict[str, str] = field(default_factory=dict)

    @property
    def asks_for_consent(self) -> bool:
        """Whether `prompt` has the word without which some portals drop `offline_access`.

        OpenID Connect Core 1.0, 11.
        """
        return "consent" in (self.prompt or "").split()

    @property
    def requested_scopes(self) -> str:
        """What sign-in asks for: the profile's own scopes, or all that this way to book needs.

        By transaction, gpcli changes the Slot itself.
        """
        if self.booking != "transaction" or self.scopes != SCOPES:
            return self.scopes
        return SCOPES.replace("patient/Slot.rs", "patient/Slot.rus")


@dataclass(frozen=True)
class Config:
    """All of `config.toml`."""

    profiles: dict[str, Profile]
    default: str | None = None

    def find_profile(self, name: str) -> Profile:
        """The profile called `name`; raises NotFound, naming the nearest."""
        if name in self.profiles:
            return self.profiles[name]
        raise NotFound(
            f"There is no profile '{name}'{format_suggestion(name, list(self.profiles))}",
            hint="gpcli profile list shows the profiles; gpcli login PORTAL-URL makes one.",
        )


def read_config(path: Path) -> Config:
    """Read `config.toml`; a missing file is an empty one. Raises ConfigError."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Config({})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as trouble:
        raise ConfigError(f"{path} is not valid TOML: {trouble}.") from trouble
    except OSError as trouble:
        raise ConfigError(f"{path} can't be read: {trouble.strerror}.") from trouble
    _known("", document, {"default_profile", "profiles"}, path)
    tables = _table(document.get("profiles", {}), "profiles", path)
    profiles = {name: _profile(name, table, path) for name, table in tables.items()}
    default = document.get("default_profile")
    if default is not None and (not isinstance(default, str) or default not in profiles):
        raise ConfigError(f"{path}: default_profile '{default}' is not one of the profiles.")
    return Config(profiles, default)


def save_profile(path: Path, profile: Profile, *, default: bool) -> None:
    """Add or replace one profile, keeping the rest of the file and its comments."""
    document = _document(path)
    profiles = document.setdefault("profiles", _super_table())
    table = profiles.setdefault(profile.name, {})
    bare = Profile(profile.name, profile.portal, profile.environment)
    for key in KEY_PARSERS:
        if getattr(profile, key) != getattr(bare, key) or key in REQUIRED:
            table[key] = getattr(profile, key)
        else:
            table.pop(key, None)
    if default:
        document["default_profile"] = profile.name
    write_private_file(path, document.as_string())


def set_default_profile(path: Path, name: str) -> None:
    """Make `name`, which must be in the file, the default profile."""
    document = _document(path)
    document["default_profile"] = name
    write_private_file(path, document.as_string())


def remove_profile(path: Path, name: str) -> None:
    """Take `name`, which must be in the file, out of it."""
    document = _document(path)
    del document["profiles"][name]
    if document.get("default_profile") == name:
        del document["default_profile"]
    write_private_file(path, document.as_string())


def build_profile(name: str, portal: str, environment: str) -> Profile:
    """A profile from what a person typed; raises ConfigError for what can't be one."""
    if not name.strip() or name == FROM_ENVIRONMENT:
        raise ConfigError(f"A profile can't be called '{name}'.")
    try:
        return Profile(name, parse_portal_url(portal), parse_environment(environment))
    except InvalidValue as trouble:
        raise ConfigError(f"{trouble}.") from trouble


def format_suggestion(word: str, words: list[str]) -> str:
    """How the sentence ends: `; did you mean 'x'?` for the word nearest to `word`, or `.`."""
    close = difflib.get_close_matches(word, words, n=1)
    return f"; did you mean '{close[0]}'?" if close else "."


def _profile(name: str, written: object, path: Path) -> Profile:
    where = f"profiles.{name if _BARE.fullmatch(name) else json.dumps(name)}"
    table = _table(written, where, path)
    _known(f"{where}.", table, set(KEY_PARSERS), path)
    for key in REQUIRED:
        if key not in table:
            raise ConfigError(f"{path}: {where} has no '{key}'.")
    checked: dict[str, Any] = {}
    for key, value in table.items():
        try:
            checked[key] = KEY_PARSERS[key](value)
        except InvalidValue as trouble:
            raise ConfigError(f"{path}: {where}.{key}: {trouble}.") from trouble
    if {"token_command", "key_file"} <= checked.keys():
        raise ConfigError(
            f"{path}: {where} has both token_command and key_file.",
            hint="Take one of them out: each signs a machine in.",
        )
    return replace(Profile(name, checked["portal"], checked["environment"]), **checked)


def _known(prefix: str, table: dict[str, Any], known: set[str], path: Path) -> None:
    for key in table:
        if key not in known:
            guess = format_suggestion(key, sorted(known))
            raise ConfigError(f"{path}: unknown key '{prefix}{key}'{guess}")


def _table(value: object, name: str, path: Path) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise ConfigError(f"{path}: '{name}' must be a table.")


def _document(path: Path) -> Any:
    import tomlkit  # noqa: PLC0415  (only writing needs it, and it is slow to import)

    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tomlkit.document()


def _super_table() -> Any:
    import tomlkit  # noqa: PLC0415  (as above)

    return tomlkit.table(is_super_table=True)
