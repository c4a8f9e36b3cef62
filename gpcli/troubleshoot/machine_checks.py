"""Checks of this computer: variables, files, keyring, browser."""

from __future__ import annotations

import difflib
import os
import shlex
import shutil
from pathlib import Path

from gpcli.auth.vault import session_bus
from gpcli.config.index_format import is_set
from gpcli.config.settings import given_token, guard_production, value
from gpcli.errors import Failure, InputNeeded, NoKeyring
from gpcli.troubleshoot.check import Sight, doubtful, fine, not_checked
from gpcli.troubleshoot.check_context import Scene

NAMES = (
    "GPCLI_PROFILE",
    "GPCLI_AS",
    "GPCLI_PORTAL",
    "GPCLI_ENVIRONMENT",
    "GPCLI_PATIENT",
    "GPCLI_FHIR_USER",
)
"""Variables that must not be empty."""

BROWSERS = (
    "xdg-open",
    "gio",
    "x-www-browser",
    "firefox",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "www-browser",
)
"""What opens pages on Linux where BROWSER names nothing."""

NO_BROWSER = "no_browser"
_BY_HAND = "gpcli login --no-browser prints the address instead of opening it."


def variables(scene: Scene) -> Sight:
    """Whether gpcli's own variables go together."""
    scene.check_start()
    for name in NAMES:
        value(scene.env, name)
    given_token(scene.env)
    ours = sorted(name for name in scene.env if name.startswith("GPCLI_"))
    alone = scene.unattended
    if alone and "GPCLI_PATIENT" not in ours:
        raise InputNeeded(
            f"GPCLI_PATIENT is needed beside {alone}.",
            hint="Set GPCLI_PATIENT to the patient's id at the portal.",
        )
    slips = [slip for name in ours if (slip := _slip(name, scene))]
    if slips:
        return doubtful(f"gpcli does not know {', '.join(slips)}", "config", _VARIABLES)
    return fine(f"{', '.join(ours)}" if ours else "none of gpcli's own is set")


_VARIABLES = "Correct the name; gpcli help environment lists the variables."


def configuration(scene: Scene) -> Sight:
    """Whether the file of profiles can be read."""
    path = scene.around.config_path
    count = len(scene.config.profiles)
    if not path.exists():
        return fine(f"{path} is not there yet")
    return fine(f"{path}: {count} profile{'' if count == 1 else 's'}")


def profile(scene: Scene) -> Sight:
    """Which portal this is about."""
    chosen = scene.profile
    return fine(f"{chosen.name} ({chosen.environment}): {chosen.portal}")


def production_guard(scene: Scene) -> Sight:
    """Whether a CI run would touch production."""
    guard_production(scene.profile, scene.env)
    if not is_set(scene.env.get("CI")):
        return fine("this is no CI run")
    if scene.profile.environment == "production":
        return fine("a CI run that GPCLI_ALLOW_PRODUCTION lets through")
    return fine(f"a CI run, on {scene.profile.environment}")


def folders(scene: Scene) -> Sight:
    """Whether gpcli can write where it keeps things."""
    scene.check_start()
    around = scene.around
    for place in (around.config_path.parent, around.state_dir, around.cache_dir):
        if not _writable(place):
            raise Failure(
                f"{place} can't be written.",
                hint="Make it a directory of your own, or set GPCLI_CONFIG_DIR to one that is.",
            )
    return fine("configuration, state and cache can be written")


def keyring(scene: Scene) -> Sight:
    """Whether the keyring keeps what it is given; its item of no meaning is deleted again."""
    if scene.unattended:
        return not_checked(f"{scene.unattended} needs none")
    try:
        scene.around.vault.probe()
    except NoKeyring as trouble:
        raise _with_bus(trouble, scene) from trouble
    if _has_unnamed_bus(scene):
        return fine("keeps what it is given; its bus was found though no variable names it")
    return fine("keeps what it is given")


def browser(scene: Scene) -> Sight:
    """Whether a sign-in page can open here."""
    if scene.unattended:
        return not_checked(f"{scene.unattended} needs none")
    named = scene.env.get("BROWSER")
    if named:
        return _named_browser(named, scene)
    if scene.platform != "linux":
        return fine("the system's own")
    if not (scene.env.get("DISPLAY") or scene.env.get("WAYLAND_DISPLAY")):
        return _no_display(scene)
    if not any(_command(each, scene) for each in BROWSERS):
        return doubtful("no browser is installed", NO_BROWSER, _BY_HAND)
    return fine("the desktop's own")


def _slip(name: str, scene: Scene) -> str | None:
    """A variable that nobody reads, with the one that was probably meant."""
    if name in scene.variables:
        return None
    near = difflib.get_close_matches(name, scene.variables, n=1, cutoff=0.85)
    return f"{name} (perhaps {near[0]})" if near else None


def _writable(place: Path) -> bool:
    there = next((each for each in (place, *place.parents) if each.exists()), place)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _has_unnamed_bus(scene: Scene) -> bool:
    if scene.platform != "linux" or scene.env.get("DBUS_SESSION_BUS_ADDRESS"):
        return False
    return session_bus(scene.env) is not None


def _with_bus(trouble: NoKeyring, scene: Scene) -> NoKeyring:
    """The same trouble; where no bus is named, as in cron, with what to do about that."""
    named = scene.env.get("PYTHON_KEYRING_BACKEND") or session_bus(scene.env)
    if scene.platform != "linux" or named:
        return trouble
    return NoKeyring(
        f"{trouble.message} DBUS_SESSION_BUS_ADDRESS is not set.",
        hint=f"{trouble.hint} Under cron, stay logged in; "
        "DBUS_SESSION_BUS_ADDRESS names a bus in another place.",
    )


def _named_browser(named: str, scene: Scene) -> Sight:
    found = [each for each in named.split(os.pathsep) if _command(each, scene)]
    if found:
        return fine(f"BROWSER names {Path(shlex.split(found[0])[0]).name}")
    return doubtful("BROWSER names no program that is there", NO_BROWSER, f"Correct it; {_BY_HAND}")


def _no_display(scene: Scene) -> Sight:
    if scene.env.get("SSH_CONNECTION"):
        seen = "an SSH session without a display"
        return doubtful(seen, NO_BROWSER, f"{_BY_HAND} It also prints the ssh -L line.")
    return doubtful("there is no display", NO_BROWSER, _BY_HAND)


def _command(written: str, scene: Scene) -> bool:
    try:
        words = shlex.split(written)
    except ValueError:
        return False
    return bool(words) and shutil.which(words[0], path=scene.env.get("PATH", "")) is not None
