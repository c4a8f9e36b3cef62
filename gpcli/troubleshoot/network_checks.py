"""Checks of the network: at which stage the first request fails, and what answers."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from gpcli.errors import GpcliError
from gpcli.http.client import HttpResponse
from gpcli.http.network_errors import FailureStage, failure_stage
from gpcli.http.transport import find_proxy, format_proxy
from gpcli.http.url_policy import is_loopback, parse_safe_url
from gpcli.troubleshoot.check import CheckResult, passed, skipped, warning
from gpcli.troubleshoot.check_context import CheckContext

CLOCK_CAUSE = "clock"

TOLERANCE = timedelta(seconds=60)
"""The difference between two clocks that is not reported, which sign-ins tolerate."""

_PORTS = {"https": 443, "http": 80}
_UNUSED = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


def check_proxy(context: CheckContext) -> CheckResult:
    """Check whether the proxy, if there is one, can be used."""
    address = _proxy_address(context)
    if address is None:
        unused = [name for name in _UNUSED if context.env.get(name)]
        return passed(f"none; {', '.join(unused)} is not used" if unused else "none")
    _raise_failure_at(FailureStage.PROXY, context)
    return passed(address)


def check_name_lookup(context: CheckContext) -> CheckResult:
    """Check whether the portal's name can be looked up."""
    host = _host(context)
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
    return passed(f"that of {_host(context)} is trusted{extra}")


def check_portal(context: CheckContext) -> CheckResult:
    """Check whether the portal answers and is a FHIR R4 server."""
    _raise_failure_at(FailureStage.ANSWER, context)
    if context.is_reserved:
        return passed("it answers, and says what it can do only to those who are signed in")
    _ = context.capabilities
    return passed("it speaks FHIR R4")


def check_clock(context: CheckContext) -> CheckResult:
    """Check whether this computer's clock agrees with the portal's."""
    if context.profile.environment == "sandbox":
        return skipped("a sandbox has a clock of its own")
    first_response = context.first_response
    portal_time = _parse_date(first_response) if isinstance(first_response, HttpResponse) else None
    if portal_time is None:
        return skipped("the portal does not tell the time")
    ahead = context.app_context.clock() - portal_time
    if abs(ahead) <= TOLERANCE:
        return passed("within a minute of the portal's")
    side = "ahead of" if ahead > timedelta() else "behind"
    return warning(
        f"{_format_duration(abs(ahead))} {side} the portal's", CLOCK_CAUSE, _SET_THE_CLOCK
    )


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


def _host(context: CheckContext) -> str:
    host = parse_safe_url(context.profile.portal).host
    return f"{host}, this computer," if is_loopback(host) else host


def _parse_date(answer: HttpResponse) -> datetime | None:
    try:
        date = parsedate_to_datetime(answer.headers.get("Date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo else None


def _format_duration(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    if minutes < 120:
        return f"{minutes} minutes"
    hours = round(minutes / 60)
    return f"{hours} hours" if hours < 48 else f"{round(hours / 24)} days"
