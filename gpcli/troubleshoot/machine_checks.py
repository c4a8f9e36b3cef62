"""Checks of this computer: variables, files, keyring, browser."""

from __future__ import annotations

import difflib
import os
import shlex
import shutil
from pathlib import Path

from gpcli.auth.vault import find_session_bus
from gpcli.config.index_format import is_set
from gpcli.config.settings import check_production_allowed, read_token_variables, read_variable
from gpcli.errors import Failure, InputNeeded, NoKeyring
from gpcli.troubleshoot.check import CheckResult, passed, skipped, warning
from gpcli.troubleshoot.check_context import CheckContext

NOT_EMPTY = (
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


def check_variables(context: CheckContext) -> CheckResult:
    """Whether gpcli's own variables go together."""
    context.check_start()
    for name in NOT_EMPTY:
        read_variable(context.env, name)
    read_token_variables(context.env)
    ours = sorted(name for name in context.env if name.startswith("GPCLI_"))
    alone = context.unattended
    if alone and "GPCLI_PATIENT" not in ours:
        raise InputNeeded(
            f"GPCLI_PATIENT is needed beside {alone}.",
            hint="Set GPCLI_PATIENT to the patient's id at the portal.",
        )
    slips = [slip for name in ours if (slip := _describe_misspelling(name, context))]
    if slips:
        return warning(f"gpcli does not know {', '.join(slips)}", "config", _VARIABLES)
    return passed(f"{', '.join(ours)}" if ours else "none of gpcli's own is set")


_VARIABLES = "Correct the name; gpcli help environment lists the variables."


def check_configuration(context: CheckContext) -> CheckResult:
    """Whether the file of profiles can be read."""
    path = context.app_context.config_path
    count = len(context.config.profiles)
    if not path.exists():
        return passed(f"{path} is not there yet")
    return passed(f"{path}: {count} profile{'' if count == 1 else 's'}")


def check_profile(context: CheckContext) -> CheckResult:
    """Which portal this is about."""
    chosen = context.profile
    return passed(f"{chosen.name} ({chosen.environment}): {chosen.portal}")


def check_production_guard(context: CheckContext) -> CheckResult:
    """Whether a CI run would touch production."""
    check_production_allowed(context.profile, context.env)
    if not is_set(context.env.get("CI")):
        return passed("this is no CI run")
    if context.profile.environment == "production":
        return passed("a CI run that GPCLI_ALLOW_PRODUCTION lets through")
    return passed(f"a CI run, on {context.profile.environment}")


def check_folders(context: CheckContext) -> CheckResult:
    """Whether gpcli can write where it keeps things."""
    context.check_start()
    app_context = context.app_context
    for place in (app_context.config_path.parent, app_context.state_dir, app_context.cache_dir):
        if not _is_writable(place):
            raise Failure(
                f"{place} can't be written.",
                hint="Make it a directory of your own, or set GPCLI_CONFIG_DIR to one that is.",
            )
    return passed("configuration, state and cache can be written")


def check_keyring(context: CheckContext) -> CheckResult:
    """Whether the keyring keeps what it is given; its item of no meaning is deleted again."""
    if context.unattended:
        return skipped(f"{context.unattended} needs none")
    try:
        context.app_context.vault.probe()
    except NoKeyring as error:
        raise _add_bus_hint(error, context) from error
    if _has_unnamed_bus(context):
        return passed("keeps what it is given; its bus was found though no variable names it")
    return passed("keeps what it is given")


def check_browser(context: CheckContext) -> CheckResult:
    """Whether a sign-in page can open here."""
    if context.unattended:
        return skipped(f"{context.unattended} needs none")
    named = context.env.get("BROWSER")
    if named:
        return _check_named_browser(named, context)
    if context.platform != "linux":
        return passed("the system's own")
    if not (context.env.get("DISPLAY") or context.env.get("WAYLAND_DISPLAY")):
        return _warn_of_no_display(context)
    if not any(_is_installed(each, context) for each in BROWSERS):
        return warning("no browser is installed", NO_BROWSER, _BY_HAND)
    return passed("the desktop's own")


def _describe_misspelling(name: str, context: CheckContext) -> str | None:
    """A variable that nobody reads, with the one that was probably meant."""
    if name in context.variables:
        return None
    near = difflib.get_close_matches(name, context.variables, n=1, cutoff=0.85)
    return f"{name} (perhaps {near[0]})" if near else None


def _is_writable(place: Path) -> bool:
    there = next((each for each in (place, *place.parents) if each.exists()), place)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _has_unnamed_bus(context: CheckContext) -> bool:
    if context.platform != "linux" or context.env.get("DBUS_SESSION_BUS_ADDRESS"):
        return False
    return find_session_bus(context.env) is not None


def _add_bus_hint(error: NoKeyring, context: CheckContext) -> NoKeyring:
    """The same trouble; where no bus is named, as in cron, with what to do about that."""
    named = context.env.get("PYTHON_KEYRING_BACKEND") or find_session_bus(context.env)
    if context.platform != "linux" or named:
        return error
    return NoKeyring(
        f"{error.message} DBUS_SESSION_BUS_ADDRESS is not set.",
        hint=f"{error.hint} Under cron, stay logged in; "
        "DBUS_SESSION_BUS_ADDRESS names a bus in another place.",
    )


def _check_named_browser(named: str, context: CheckContext) -> CheckResult:
    found = [each for each in named.split(os.pathsep) if _is_installed(each, context)]
    if found:
        return passed(f"BROWSER names {Path(shlex.split(found[0])[0]).name}")
    return warning("BROWSER names no program that is there", NO_BROWSER, f"Correct it; {_BY_HAND}")


def _warn_of_no_display(context: CheckContext) -> CheckResult:
    if context.env.get("SSH_CONNECTION"):
        seen = "an SSH session without a display"
        return warning(seen, NO_BROWSER, f"{_BY_HAND} It also prints the ssh -L line.")
    return warning("there is no display", NO_BROWSER, _BY_HAND)


def _is_installed(written: str, context: CheckContext) -> bool:
    try:
        words = shlex.split(written)
    except ValueError:
        return False
    return bool(words) and shutil.which(words[0], path=context.env.get("PATH", "")) is not None
