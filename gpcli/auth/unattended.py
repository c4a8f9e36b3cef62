"""Access tokens without a person: a given token, a command that prints one, or a key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gpcli.auth.bearer import ScopedBearer, StaticBearer
from gpcli.config.settings import TOKEN, TOKEN_COMMAND, Settings
from gpcli.errors import Cure, GpcliError, InputNeeded, InvalidUsage


@dataclass(frozen=True)
class MachineEnvironment:
    """What a machine's sign-in uses of this computer.

    `resolve_path` gives the path of a file that a profile names; `umask` is for programs that are
    started, -1 = that of this process; `now` gives Unix seconds.
    """

    env: Mapping[str, str]
    resolve_path: Callable[[str], Path]
    cache_dir: Path
    umask: int
    now: Callable[[], float]


def require_patient(settings: Settings) -> str:
    """Return the id of the patient for whom a machine acts; raise InputNeeded or InvalidUsage."""
    if not settings.patient:
        raise InputNeeded(
            f"GPCLI_PATIENT is needed beside {settings.machine}.",
            hint="Set it to the patient's id at the portal.",
        )
    if settings.as_ not in {None, settings.patient}:
        raise InvalidUsage(
            f"{settings.machine} is for '{settings.patient}': it can't act for '{settings.as_}'.",
            hint=_OTHER_PERSON_HINTS[bool(settings.token)],
        )
    return settings.patient


def build_machine_bearer(settings: Settings, environment: MachineEnvironment) -> ScopedBearer:
    """Return the source of a machine's tokens.

    Raises: ConfigError for a wrong command; as `require_patient` where a person is named, since a
    token answers for nobody else.
    """
    if settings.as_:
        require_patient(settings)
    return _BUILDERS[str(settings.machine)](settings, environment)


def word_machine_hint(error: GpcliError, machine: str) -> str:
    """Return what to do about `error` where `machine` (as `Settings.machine`) signs in.

    Nobody can log in there: the words for the error's cure are a machine's.
    """
    if error.cure is None:
        return error.hint
    return error.word_hint(
        _REFUSED_HINTS[machine] if error.cure is Cure.SIGN_IN else _MORE_RIGHTS_HINT
    )


_COMMAND_HINT = "Its command must print a token of this portal that has not ended."
_REFUSED_HINTS = {
    TOKEN: "Set a token of this portal that has not ended.",
    TOKEN_COMMAND: _COMMAND_HINT,
    "token_command": _COMMAND_HINT,
    "key_file": "The portal has just given the token that it refuses: tell those who run it.",
}
_MORE_RIGHTS_HINT = (
    "Check GPCLI_PATIENT, or ask those who run the portal for more rights for this machine; "
    "gpcli services tells what it may use."
)
_OTHER_PERSON_HINTS = {
    True: "Leave out --as and GPCLI_AS, or set the token of the other person.",
    False: "Leave out --as and GPCLI_AS, or set GPCLI_PATIENT to the other person.",
}


def _build_static_bearer(settings: Settings, environment: MachineEnvironment) -> ScopedBearer:
    return StaticBearer(str(settings.token))


def _build_command_bearer(settings: Settings, environment: MachineEnvironment) -> ScopedBearer:
    from gpcli.auth.token_command import CommandBearer  # noqa: PLC0415  (start-up: only where it is set)

    command, source = str(settings.token_command), str(settings.machine)
    return CommandBearer(command, source, environment.env, umask=environment.umask)


def _build_service_bearer(settings: Settings, environment: MachineEnvironment) -> ScopedBearer:
    from gpcli.auth.backend_service import ServiceBearer  # noqa: PLC0415  (start-up: only where it is set)

    path = environment.resolve_path(str(settings.profile.key_file))
    return ServiceBearer(settings.profile, path, environment.cache_dir, environment.now)


_BUILDERS: Mapping[str, Callable[[Settings, MachineEnvironment], ScopedBearer]] = {
    TOKEN: _build_static_bearer,
    TOKEN_COMMAND: _build_command_bearer,
    "token_command": _build_command_bearer,
    "key_file": _build_service_bearer,
}
"""The function that builds the bearer, by what `Settings.machine` may be."""
