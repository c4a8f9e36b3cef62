"""Signing in without a person: by a given token, by a command that prints one, or by a key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gpcli.auth.bearer import ScopedBearer, StaticBearer
from gpcli.config.settings import TOKEN, TOKEN_COMMAND, Settings
from gpcli.errors import Cure, GpcliError, InputNeeded, InvalidUsage


@dataclass(frozen=True)
class MachineEnvironment:
    """What a machine's sign-in needs of this computer.

    `file` gives the file that a profile names; `umask` is that of programs that are started,
    -1 = ours; `now` gives Unix seconds.
    """

    env: Mapping[str, str]
    file: Callable[[str], Path]
    cache_dir: Path
    umask: int
    now: Callable[[], float]


def require_patient(settings: Settings) -> str:
    """The id of the patient that a machine asks about; raises InputNeeded or Usage."""
    if not settings.patient:
        raise InputNeeded(
            f"GPCLI_PATIENT is needed beside {settings.machine}.",
            hint="Set it to the patient's id at the portal.",
        )
    if settings.as_ not in {None, settings.patient}:
        raise InvalidUsage(
            f"{settings.machine} is for '{settings.patient}': it can't act for '{settings.as_}'.",
            hint=_OTHERS[bool(settings.token)],
        )
    return settings.patient


def build_machine_bearer(settings: Settings, around: MachineEnvironment) -> ScopedBearer:
    """Where a machine's tokens come from; raises ConfigError for what can't give any."""
    return _WAYS[str(settings.machine)](settings, around)


def word_machine_hint(error: GpcliError, machine: str) -> str:
    """Return what to do about `error` where `machine` (as `Settings.machine`) signs in.

    Nobody can log in there: the words for the error's cure are a machine's.
    """
    if error.cure is None:
        return error.hint
    return error.word_hint(_REFUSED[machine] if error.cure is Cure.SIGN_IN else _MORE_RIGHTS)


_COMMANDED = "Its command must print a token of this portal that has not ended."
_REFUSED = {
    TOKEN: "Set a token of this portal that has not ended.",
    TOKEN_COMMAND: _COMMANDED,
    "token_command": _COMMANDED,
    "key_file": "The portal has just given the token that it refuses: tell those who run it.",
}
_MORE_RIGHTS = (
    "Check GPCLI_PATIENT, or ask those who run the portal for more rights for this machine; "
    "gpcli services tells what it may use."
)
_OTHERS = {
    True: "Leave out --as and GPCLI_AS, or set the token of the other person.",
    False: "Leave out --as and GPCLI_AS, or set GPCLI_PATIENT to the other person.",
}


def _by_token(settings: Settings, around: MachineEnvironment) -> ScopedBearer:
    return StaticBearer(str(settings.token))


def _by_command(settings: Settings, around: MachineEnvironment) -> ScopedBearer:
    from gpcli.auth.token_command import CommandBearer  # noqa: PLC0415  (only where one is set)

    command, source = str(settings.token_command), str(settings.machine)
    return CommandBearer(command, source, around.env, umask=around.umask)


def _by_key(settings: Settings, around: MachineEnvironment) -> ScopedBearer:
    from gpcli.auth.backend_service import ServiceBearer  # noqa: PLC0415  (as above)

    path = around.file(str(settings.profile.key_file))
    return ServiceBearer(settings.profile, path, around.cache_dir, around.now)


_WAYS: Mapping[str, Callable[[Settings, MachineEnvironment], ScopedBearer]] = {
    TOKEN: _by_token,
    TOKEN_COMMAND: _by_command,
    "token_command": _by_command,
    "key_file": _by_key,
}
"""What `Settings.machine` names -> where its tokens come from."""
