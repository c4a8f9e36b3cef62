"""Checks of this computer, and of the way from it to the portal."""

from __future__ import annotations

import difflib
import os
import shlex
import shutil
from contextlib import suppress
from pathlib import Path

from gpcli.auth.vault import find_session_bus
from gpcli.config.index_format import is_set
from gpcli.config.private_files import check_private_directory
from gpcli.config.settings import check_production_allowed, read_token_variables, read_variable
from gpcli.errors import Failure, GpcliError, InputNeeded, NoKeyring
from gpcli.http.client import HttpResponse
from gpcli.http.network_errors import FailureStage, failure_stage
from gpcli.http.portal_clock import find_clock_error, read_portal_time
from gpcli.http.transport import find_proxy, format_proxy
from gpcli.http.url_policy import parse_safe_url
from gpcli.model.account import OwnCause
from gpcli.troubleshoot.diagnosis import Check, CheckContext, CheckResult, passed, skipped, warning
from gpcli.web_url import is_loopback

NOT_EMPTY = (
    "GPCLI_PROFILE",
    "GPCLI_AS",
    "GPCLI_PORTAL",
    "GPCLI_ENVIRONMENT",
    "GPCLI_PATIENT",
    "GPCLI_FHIR_USER",
    "GPCLI_SMOKE_OTHER_PATIENT",
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
"""Programs that open pages on Linux where BROWSER names none."""


_BY_HAND = "gpcli login --no-browser prints the address instead of opening it."


def check_variables(context: CheckContext) -> CheckResult:
    """Check whether gpcli's own variables are valid, each of them and together."""
    context.check_start()
    for name in NOT_EMPTY:
        read_variable(context.env, name)
    read_token_variables(context.env)
    ours = sorted(name for name in context.env if name.startswith("GPCLI_"))
    source = context.credential_source
    if source and "GPCLI_PATIENT" not in ours:
        raise InputNeeded(
            f"GPCLI_PATIENT is needed beside {source}.",
            hint="Set GPCLI_PATIENT to the patient's id at the portal.",
        )
    unknown = [text for name in ours if (text := _describe_misspelling(name, context))]
    if unknown:
        return warning(f"gpcli does not know {', '.join(unknown)}", "config", _VARIABLES)
    return passed(", ".join(ours) if ours else "none of gpcli's own is set")


_VARIABLES = "Correct the name; gpcli help environment lists the variables."


def check_configuration(context: CheckContext) -> CheckResult:
    """Check whether the file of profiles can be read."""
    path = context.app_context.config_path
    count = len(context.config.profiles)
    if not path.exists():
        return passed(f"{path} is not there yet")
    return passed(f"{path}: {count} profile{'' if count == 1 else 's'}")


def check_profile(context: CheckContext) -> CheckResult:
    """Check which portal is in use."""
    chosen = context.profile
    return passed(f"{chosen.name} ({chosen.environment}): {chosen.portal}")


def check_production_guard(context: CheckContext) -> CheckResult:
    """Check whether a CI run would use production."""
    check_production_allowed(context.profile, context.env)
    if not is_set(context.env.get("CI")):
        return passed("this is no CI run")
    if context.profile.environment == "production":
        return passed("a CI run that GPCLI_ALLOW_PRODUCTION lets through")
    return passed(f"a CI run, on {context.profile.environment}")


def check_folders(context: CheckContext) -> CheckResult:
    """Check whether gpcli can write its directories, and whether they are its own."""
    context.check_start()
    app_context = context.app_context
    for directory in (app_context.state_dir, app_context.cache_dir):
        with suppress(OSError):  # one that is not there yet, or out of reach
            check_private_directory(directory)
    for directory in (app_context.config_path.parent, app_context.state_dir, app_context.cache_dir):
        if not _is_writable(directory):
            raise Failure(
                f"{directory} can't be written.",
                hint="Make it a directory of your own, or set GPCLI_CONFIG_DIR to one that is.",
            )
    return passed("configuration, state and cache can be written")


def check_keyring(context: CheckContext) -> CheckResult:
    """Check whether the keyring stores a test item, which is deleted again."""
    if context.credential_source:
        return skipped(f"{context.credential_source} needs none")
    try:
        context.app_context.vault.probe()
    except NoKeyring as error:
        raise _add_bus_hint(error, context) from error
    if _has_unnamed_bus(context):
        return passed("keeps what it is given; its bus was found though no variable names it")
    return passed("keeps what it is given")


def check_browser(context: CheckContext) -> CheckResult:
    """Check whether a sign-in page can be opened."""
    if context.credential_source:
        return skipped(f"{context.credential_source} needs none")
    named = context.env.get("BROWSER")
    if named:
        return _check_named_browser(named, context)
    if context.platform != "linux":
        return passed("the system's own")
    if not (context.env.get("DISPLAY") or context.env.get("WAYLAND_DISPLAY")):
        return _warn_of_no_display(context)
    if not any(_is_installed(browser, context) for browser in BROWSERS):
        return warning("no browser is installed", OwnCause.NO_BROWSER, _BY_HAND)
    return passed("the desktop's own")


def _describe_misspelling(name: str, context: CheckContext) -> str | None:
    """Return `name` with the nearest known variable; `None` = it is known, or none is near."""
    if name in context.variables:
        return None
    near = difflib.get_close_matches(name, context.variables, n=1, cutoff=0.85)
    return f"{name} (perhaps {near[0]})" if near else None


def _is_writable(directory: Path) -> bool:
    """Return whether `directory` can be written or, if it does not exist yet, be made."""
    ancestors = (directory, *directory.parents)
    nearest = next((path for path in ancestors if path.exists()), directory)
    return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)


def _has_unnamed_bus(context: CheckContext) -> bool:
    """Return whether the session bus was found though no variable names it."""
    if context.platform != "linux" or context.env.get("DBUS_SESSION_BUS_ADDRESS"):
        return False
    return find_session_bus(context.env) is not None


def _add_bus_hint(error: NoKeyring, context: CheckContext) -> NoKeyring:
    """Return `error`; where no bus is named, as in cron, with a hint about that."""
    named = context.env.get("PYTHON_KEYRING_BACKEND") or find_session_bus(context.env)
    if context.platform != "linux" or named:
        return error
    return NoKeyring(
        f"{error.message} DBUS_SESSION_BUS_ADDRESS is not set.",
        hint=f"{error.hint} Under cron, stay logged in; "
        "DBUS_SESSION_BUS_ADDRESS names a bus in another place.",
    )


def _check_named_browser(named: str, context: CheckContext) -> CheckResult:
    installed = [line for line in named.split(os.pathsep) if _is_installed(line, context)]
    if installed:
        return passed(f"BROWSER names {Path(shlex.split(installed[0])[0]).name}")
    return warning(
        "BROWSER names no program that is there", OwnCause.NO_BROWSER, f"Correct it; {_BY_HAND}"
    )


def _warn_of_no_display(context: CheckContext) -> CheckResult:
    if context.env.get("SSH_CONNECTION"):
        seen = "an SSH session without a display"
        return warning(seen, OwnCause.NO_BROWSER, f"{_BY_HAND} It also prints the ssh -L line.")
    return warning("there is no display", OwnCause.NO_BROWSER, _BY_HAND)


def _is_installed(command: str, context: CheckContext) -> bool:
    try:
        argv = shlex.split(command)
    except ValueError:
        return False
    return bool(argv) and shutil.which(argv[0], path=context.env.get("PATH", "")) is not None


_PORTS = {"https": 443, "http": 80}
_UNUSED_VARIABLES = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
"""Variables by which other programs find a proxy and gpcli does not."""


def check_proxy(context: CheckContext) -> CheckResult:
    """Check whether the proxy, if there is one, can be used."""
    address = _proxy_address(context)
    if address is None:
        unused = [name for name in _UNUSED_VARIABLES if context.env.get(name)]
        return passed(f"none; {', '.join(unused)} is not used" if unused else "none")
    _raise_failure_at(FailureStage.PROXY, context)
    return passed(address)


def check_name_lookup(context: CheckContext) -> CheckResult:
    """Check whether the portal's name can be looked up."""
    host = _describe_host(context)
    if _proxy_address(context):
        return skipped("the proxy looks the name up")
    _raise_failure_at(FailureStage.NAME, context)
    return passed(f"{host} is known")


def check_connection(context: CheckContext) -> CheckResult:
    """Check whether a connection to the portal's address can be made."""
    _raise_failure_at(FailureStage.CONNECTION, context)
    url = parse_safe_url(context.profile.portal)
    return passed(f"{url.host} answers at port {url.port or _PORTS[url.scheme]}")


def check_certificate(context: CheckContext) -> CheckResult:
    """Check whether the portal's certificate is trusted."""
    _raise_failure_at(FailureStage.CERTIFICATE, context)
    if parse_safe_url(context.profile.portal).scheme == "http":
        return passed("none is needed on this computer")
    extra = " with the help of ca_file" if context.profile.ca_file else ""
    return passed(f"that of {_describe_host(context)} is trusted{extra}")


def check_portal(context: CheckContext) -> CheckResult:
    """Check whether the portal answers and is a FHIR R4 server."""
    _raise_failure_at(FailureStage.ANSWER, context)
    if context.is_metadata_protected:
        return passed("it answers, and says what it can do only to those who are signed in")
    _ = context.capabilities
    return passed("it speaks FHIR R4")


def check_clock(context: CheckContext) -> CheckResult:
    """Check whether this computer's clock agrees with the portal's."""
    if context.profile.environment == "sandbox":
        return skipped("a sandbox has a clock of its own")
    response = context.first_response
    portal_time = read_portal_time(response.headers) if isinstance(response, HttpResponse) else None
    if portal_time is None:
        return skipped("the portal does not tell the time")
    wrong = find_clock_error(context.app_context.timestamp(), portal_time)
    if wrong is None:
        return passed("within a minute of the portal's")
    return warning(wrong, OwnCause.CLOCK, _SET_THE_CLOCK)


_SET_THE_CLOCK = (
    "Set this computer's date and time, best by the network. Until then a sign-in may be refused "
    "and a session look expired or good when it is not; and deadlines, and which times can still "
    "be booked, are reckoned wrongly."
)


def _raise_failure_at(stage: FailureStage, context: CheckContext) -> None:
    """Raise the error of the first request if it failed at `stage`."""
    first_response = context.first_response
    if isinstance(first_response, GpcliError) and failure_stage(first_response) is stage:
        raise first_response


def _proxy_address(context: CheckContext) -> str | None:
    """Return the proxy without its password; `None` = none is used."""
    proxy = find_proxy(parse_safe_url(context.profile.portal), context.env)
    return None if proxy is None else format_proxy(proxy)


def _describe_host(context: CheckContext) -> str:
    """Return the portal's host, as the subject of a sentence."""
    host = parse_safe_url(context.profile.portal).host
    return f"{host}, this computer," if is_loopback(host) else host


COMPUTER_CHECKS = (
    Check("variables", check_variables),
    Check("configuration", check_configuration),
    Check("profile", check_profile, ("configuration",)),
    Check("production-guard", check_production_guard, ("profile",)),
    Check("folders", check_folders),
    Check("keyring", check_keyring),
    Check("browser", check_browser),
    Check("proxy", check_proxy, ("variables", "production-guard")),
    Check("name-lookup", check_name_lookup, ("proxy",)),
    Check("connection", check_connection, ("name-lookup",)),
    Check("certificate", check_certificate, ("connection",)),
    Check("portal", check_portal, ("certificate",)),
    Check("clock", check_clock, ("certificate",)),
)
"""The checks of this computer and of the network, in order; the names are interface."""
