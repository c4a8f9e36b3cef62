"""Signing in without a person: by a given token, by a command that prints one, or by a key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gpcli.auth.bearer import Granted, StaticBearer
from gpcli.config.settings import Settings
from gpcli.errors import InputNeeded, Usage


@dataclass(frozen=True)
class Surroundings:
    """What a machine's sign-in needs of this computer.

    `file` gives the file that a profile names; `umask` is that of programs that are started,
    -1 = ours; `now` gives Unix seconds.
    """

    env: Mapping[str, str]
    file: Callable[[str], Path]
    cache_dir: Path
    umask: int
    now: Callable[[], float]


def whom(settings: Settings) -> str:
    """The id of the patient that a machine asks about; raises InputNeeded or Usage."""
    if not settings.patient:
        raise InputNeeded(
            f"GPCLI_PATIENT is needed beside {settings.machine}.",
            hint="Set it to the patient's id at the portal.",
        )
    if settings.as_ not in {None, settings.patient}:
        raise Usage(
            f"{settings.machine} is for '{settings.patient}': it can't act for '{settings.as_}'.",
            hint=_OTHERS[bool(settings.token)],
        )
    return settings.patient


def machine_bearer(settings: Settings, around: Surroundings) -> Granted:
    """Where a machine's tokens come from; raises ConfigTrouble for what can't give any."""
    ways = (
        (settings.token, _by_token),
        (settings.token_command, _by_command),
        (settings.profile.key_file, _by_key),
    )
    return next(way(given, settings, around) for given, way in ways if given)


_OTHERS = {
    True: "Leave out --as and GPCLI_AS, or set the token of the other person.",
    False: "Leave out --as and GPCLI_AS, or set GPCLI_PATIENT to the other person.",
}


def _by_token(token: str, settings: Settings, around: Surroundings) -> Granted:
    return StaticBearer(token)


def _by_command(command: str, settings: Settings, around: Surroundings) -> Granted:
    from gpcli.auth.token_command import CommandBearer  # noqa: PLC0415  (only where one is set)

    return CommandBearer(command, str(settings.machine), around.env, umask=around.umask)


def _by_key(key_file: str, settings: Settings, around: Surroundings) -> Granted:
    from gpcli.auth.backend_service import ServiceBearer  # noqa: PLC0415  (as above)

    path = around.file(key_file)
    return ServiceBearer(settings.profile, path, around.cache_dir, around.now)
