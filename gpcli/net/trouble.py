"""From what a connection did to what a person can do about it.

`LostReply` and `LateReply` carry `sent`: False means that the request certainly did not reach
the portal, True that it may have. A write whose `sent` is True may have been done.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from typing import TypeVar

from gpcli import errors
from gpcli.net.lean import httpx

Kind = TypeVar("Kind", bound=BaseException)

_TIME_IS_UP = "The portal at {host} did not answer within {seconds:g} s."


class LostReply(errors.Unreachable):
    """No connection, or one that broke before the answer was whole. `sent`: see the module."""

    def __init__(self, message: str, *, sent: bool, hint: str = "", request_id: str = "") -> None:
        super().__init__(message, hint=hint, request_id=request_id or None)
        self.sent = sent


class LateReply(errors.TimedOut):
    """The time limit passed before the answer was whole. `sent`: see the module."""

    def __init__(self, message: str, *, sent: bool, hint: str = "", request_id: str = "") -> None:
        super().__init__(message, hint=hint, request_id=request_id or None)
        self.sent = sent


class BadAnswer(errors.BadResponse):
    """An answer came, with `status`, but its body can't be used: a write may have been done."""

    def __init__(self, message: str, *, status: int, hint: str = "", request_id: str = "") -> None:
        super().__init__(message, hint=hint, request_id=request_id or None)
        self.status = status
        self.sent = True


_NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)

_CERTIFICATE = {
    9: ("is not valid yet", "Check this computer's date and time."),
    10: (
        "has expired",
        "Check this computer's date and time; if they are right, tell the portal.",
    ),
    62: ("is for another name", "Check the portal's address in the profile."),
    64: ("is for another address", "Check the portal's address in the profile."),
}
_UNKNOWN_ISSUER = (
    "was not issued by anyone this computer trusts",
    "If your organisation has its own certificates, name them with ca_file in the profile.",
)
_ISSUER_CODES = {2, 18, 19, 20, 21}

_ERRNO = {
    errno.ECONNREFUSED: ("nothing answers there", "Check the address, or try later."),
    errno.ENETUNREACH: ("there is no network", "Check this computer's connection."),
    errno.EHOSTUNREACH: ("there is no way to it", "Check this computer's connection or VPN."),
    errno.ECONNRESET: ("the connection was cut", "Try again later."),
}
_CUT = ("the connection was cut", "Try again later.")


def reached_portal(trouble: httpx.TransportError) -> bool:
    """Whether the request may have reached the portal before `trouble`."""
    return not isinstance(trouble, _NEVER_LEFT)


def is_tls(trouble: httpx.TransportError) -> bool:
    """Whether TLS is what failed."""
    return _of(trouble, ssl.SSLError) is not None


def is_final(trouble: httpx.TransportError) -> bool:
    """Whether trying again is pointless: the certificate, the time, or a name nobody knows."""
    if isinstance(trouble, httpx.TimeoutException) or is_tls(trouble):
        return True
    lookup = _of(trouble, socket.gaierror)
    return lookup is not None and lookup.errno == socket.EAI_NONAME


def as_error(
    trouble: httpx.TransportError, host: str, seconds: float, *, sent: bool, request_id: str
) -> errors.GpcliError:
    """The error to raise for `trouble` with `host`, after `seconds` were allowed."""
    if isinstance(trouble, httpx.TimeoutException):
        message = _TIME_IS_UP.format(host=host, seconds=seconds)
        hint = "Try again later; --timeout SECONDS raises the limit."
        return LateReply(message, sent=sent, hint=hint, request_id=request_id)
    tls = _of(trouble, ssl.SSLError)
    if tls is not None and not sent and not _is_cut(tls):
        return _tls_trouble(tls, host)
    why, hint = _reason(trouble)
    message = f"The portal at {host} can't be reached: {why}."
    if reached_portal(trouble):
        message = f"The portal at {host} did not finish its answer: {why}."
    return LostReply(message, sent=sent, hint=hint, request_id=request_id)


def _tls_trouble(tls: ssl.SSLError, host: str) -> errors.TlsTrouble:
    if not isinstance(tls, ssl.SSLCertVerificationError):
        return errors.TlsTrouble(
            f"No encrypted connection to {host} could be agreed on; nothing was sent.",
            hint="The address may not be an https one, or the portal's TLS is too old.",
        )
    code = getattr(tls, "verify_code", 0)
    why, hint = _CERTIFICATE.get(code, _UNKNOWN_ISSUER)
    if code not in _CERTIFICATE and code not in _ISSUER_CODES:
        why, hint = "can't be verified", _UNKNOWN_ISSUER[1]
    return errors.TlsTrouble(f"The certificate of {host} {why}; nothing was sent.", hint=hint)


def _reason(trouble: httpx.TransportError) -> tuple[str, str]:
    if isinstance(trouble, httpx.ProxyError):
        return "there is no way through the proxy", "Check HTTPS_PROXY and NO_PROXY."
    if _of(trouble, socket.gaierror):
        return (
            "its name is not known here",
            "Check the address in the profile and this computer's connection.",
        )
    system = _of(trouble, OSError)
    return _ERRNO.get(system.errno or 0, _CUT) if system else _CUT


def _is_cut(tls: ssl.SSLError) -> bool:
    return isinstance(tls, ssl.SSLEOFError | ssl.SSLZeroReturnError)


def _of(trouble: BaseException, kind: type[Kind]) -> Kind | None:
    return next((cause for cause in _causes(trouble) if isinstance(cause, kind)), None)


def _causes(trouble: BaseException) -> Iterator[BaseException]:
    yield trouble
    for cause in (trouble.__cause__, *trouble.args):  # httpcore keeps its cause in `args`
        if isinstance(cause, BaseException):
            yield from _causes(cause)
