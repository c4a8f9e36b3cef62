"""Profiles: the portals that this machine knows, kept in `config.toml`."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gpcli.config import keys
from gpcli.config.files import write_private
from gpcli.errors import ConfigTrouble, NotFound

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
    def scopes_wanted(self) -> str:
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

    def profile(self, name: str) -> Profile:
        """The profile called `name`; raises NotFound, naming the nearest."""
        if name in self.profiles:
            return self.profiles[name]
        raise NotFound(
            f"There is no profile '{name}'{nearest(name, list(self.profiles))}",
            hint="gpcli profile list shows the profiles; gpcli login PORTAL-URL makes one.",
        )


def read_config(path: Path) -> Config:
    """Read `config.toml`; a missing file is an empty one. Raises ConfigTrouble."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Config({})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as trouble:
        raise ConfigTrouble(f"{path} is not valid TOML: {trouble}.") from trouble
    except OSError as trouble:
        raise ConfigTrouble(f"{path} can't be read: {trouble.strerror}.") from trouble
    _known("", document, {"default_profile", "profiles"}, path)
    tables = _table(document.get("profiles", {}), "profiles", path)
    profiles = {name: _profile(name, table, path) for name, table in tables.items()}
    default = document.get("default_profile")
    if default is not None and (not isinstance(default, str) or default not in profiles):
        raise ConfigTrouble(f"{path}: default_profile '{default}' is not one of the profiles.")
    return Config(profiles, default)


def save_profile(path: Path, profile: Profile, *, default: bool) -> None:
    """Add or replace one profile, keeping the rest of the file and its comments."""
    document = _document(path)
    profiles = document.setdefault("profiles", _super_table())
    table = profiles.setdefault(profile.name, {})
    bare = Profile(profile.name, profile.portal, profile.environment)
    for key in keys.CHECKS:
        if getattr(profile, key) != getattr(bare, key) or key in REQUIRED:
            table[key] = getattr(profile, key)
        else:
            table.pop(key, None)
    if default:
        document["default_profile"] = profile.name
    write_private(path, document.as_string())


def use_profile(path: Path, name: str) -> None:
    """Make `name`, which must be in the file, the default profile."""
    document = _document(path)
    document["default_profile"] = name
    write_private(path, document.as_string())


def remove_profile(path: Path, name: str) -> None:
    """Take `name`, which must be in the file, out of it."""
    document = _document(path)
    del document["profiles"][name]
    if document.get("default_profile") == name:
        del document["default_profile"]
    write_private(path, document.as_string())


def new_profile(name: str, portal: str, environment: str) -> Profile:
    """A profile from what a person typed; raises ConfigTrouble for what can't be one."""
    if not name.strip() or name == FROM_ENVIRONMENT:
        raise ConfigTrouble(f"A profile can't be called '{name}'.")
    try:
        return Profile(name, keys.portal_url(portal), keys.environment(environment))
    except keys.BadValue as trouble:
        raise ConfigTrouble(f"{trouble}.") from trouble


def nearest(word: str, words: list[str]) -> str:
    """How the sentence ends: `; did you mean 'x'?` for the word nearest to `word`, or `.`."""
    close = difflib.get_close_matches(word, words, n=1)
    return f"; did you mean '{close[0]}'?" if close else "."


def _profile(name: str, written: object, path: Path) -> Profile:
    where = f"profiles.{name if _BARE.fullmatch(name) else json.dumps(name)}"
    table = _table(written, where, path)
    _known(f"{where}.", table, set(keys.CHECKS), path)
    for key in REQUIRED:
        if key not in table:
            raise ConfigTrouble(f"{path}: {where} has no '{key}'.")
    checked: dict[str, Any] = {}
    for key, value in table.items():
        try:
            checked[key] = keys.CHECKS[key](value)
        except keys.BadValue as trouble:
            raise ConfigTrouble(f"{path}: {where}.{key}: {trouble}.") from trouble
    if {"token_command", "key_file"} <= checked.keys():
        raise ConfigTrouble(
            f"{path}: {where} has both token_command and key_file.",
            hint="Take one of them out: each signs a machine in.",
        )
    return replace(Profile(name, checked["portal"], checked["environment"]), **checked)


def _known(prefix: str, table: dict[str, Any], known: set[str], path: Path) -> None:
    for key in table:
        if key not in known:
            guess = nearest(key, sorted(known))
            raise ConfigTrouble(f"{path}: unknown key '{prefix}{key}'{guess}")


def _table(value: object, name: str, path: Path) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise ConfigTrouble(f"{path}: '{name}' must be a table.")


def _document(path: Path) -> Any:
    import tomlkit  # noqa: PLC0415  (only writing needs it, and it is slow to import)

    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tomlkit.document()


def _super_table() -> Any:
    import tomlkit  # noqa: PLC0415  (as above)

    return tomlkit.table(is_super_table=True)
