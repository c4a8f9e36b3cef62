"""Checks of the way to the portal: how far one request comes, and what it finds."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from gpcli.errors import GpcliError
from gpcli.http.client import HttpResponse
from gpcli.http.network_errors import FailureStage, failure_stage
from gpcli.http.transport import named, proxy_for
from gpcli.http.url_policy import is_loopback, safe_url
from gpcli.troubleshoot.check import CheckResult, doubtful, fine, not_checked
from gpcli.troubleshoot.check_context import CheckContext

CLOCK = "clock"

TOLERANCE = timedelta(seconds=60)
"""How far two clocks may be apart: the leeway that a sign-in gives."""

_PORTS = {"https": 443, "http": 80}
_UNUSED = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


def proxy(context: CheckContext) -> CheckResult:
    """Whether there is a way through the proxy, if one is to be used."""
    through = _through(context)
    if through is None:
        unused = [name for name in _UNUSED if context.env.get(name)]
        return fine(f"none; {', '.join(unused)} is not used" if unused else "none")
    _stop_at(FailureStage.PROXY, context)
    return fine(through)


def name_lookup(context: CheckContext) -> CheckResult:
    """Whether the portal's name is known."""
    host = _host(context)
    if _through(context):
        return not_checked("the proxy looks the name up")
    _stop_at(FailureStage.NAME, context)
    return fine(f"{host} is known")


def connection(context: CheckContext) -> CheckResult:
    """Whether something answers at the portal's address."""
    _stop_at(FailureStage.CONNECTION, context)
    url = safe_url(context.profile.portal)
    return fine(f"{url.host} answers at port {url.port or _PORTS[url.scheme]}")


def certificate(context: CheckContext) -> CheckResult:
    """Whether the portal's certificate is to be trusted."""
    _stop_at(FailureStage.CERTIFICATE, context)
    if safe_url(context.profile.portal).scheme == "http":
        return fine("none is needed on this computer")
    extra = " with the help of ca_file" if context.profile.ca_file else ""
    return fine(f"that of {_host(context)} is trusted{extra}")


def portal(context: CheckContext) -> CheckResult:
    """Whether it is a FHIR R4 portal, and can answer now."""
    _stop_at(FailureStage.ANSWER, context)
    if context.is_reserved:
        return fine("it answers, and says what it can do only to those who are signed in")
    _ = context.capabilities
    return fine("it speaks FHIR R4")


def clock(context: CheckContext) -> CheckResult:
    """Whether this computer's clock agrees with the portal's."""
    if context.profile.environment == "sandbox":
        return not_checked("a sandbox has a clock of its own")
    contact = context.contact
    theirs = _date(contact) if isinstance(contact, HttpResponse) else None
    if theirs is None:
        return not_checked("the portal does not tell the time")
    ahead = context.around.clock() - theirs
    if abs(ahead) <= TOLERANCE:
        return fine("within a minute of the portal's")
    side = "ahead of" if ahead > timedelta() else "behind"
    return doubtful(f"{_span(abs(ahead))} {side} the portal's", CLOCK, _SET_THE_CLOCK)


_SET_THE_CLOCK = (
    "Set this computer's date and time, best by the network. Until then a sign-in may be refused "
    "and a session look expired or good when it is not; and deadlines, and which times can still "
    "be booked, are reckoned wrongly."
)


def _stop_at(stage: FailureStage, context: CheckContext) -> None:
    """Raise what ended the first request, if that happened at `stage`."""
    contact = context.contact
    if isinstance(contact, GpcliError) and failure_stage(contact) is stage:
        raise contact


def _through(context: CheckContext) -> str | None:
    """The proxy without its password."""
    used = proxy_for(safe_url(context.profile.portal), context.env)
    if used is None:
        return None
    return named(used)


def _host(context: CheckContext) -> str:
    host = safe_url(context.profile.portal).host
    return f"{host}, this computer," if is_loopback(host) else host


def _date(answer: HttpResponse) -> datetime | None:
    try:
        said = parsedate_to_datetime(answer.headers.get("Date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return said if said.tzinfo else None


def _span(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    if minutes < 120:
        return f"{minutes} minutes"
    hours = round(minutes / 60)
    return f"{hours} hours" if hours < 48 else f"{round(hours / 24)} days"
