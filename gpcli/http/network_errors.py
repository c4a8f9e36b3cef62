"""Errors of requests that got no usable response, and the words for them."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from enum import StrEnum
from typing import TypeVar

from gpcli import errors
from gpcli.http import httpx

ErrorType = TypeVar("ErrorType", bound=BaseException)


class RequestError(errors.GpcliError):
    """A request got no usable response; it may have reached the portal where `sent` is true.

    A base class: what failed, and so the exit code, is said by the other base of each below.
    """

    def __init__(self, message: str, *, sent: bool, hint: str = "", trace_id: str = "") -> None:
        super().__init__(message, hint=hint, trace_id=trace_id or None)
        self.sent = sent


class ConnectionFailed(RequestError, errors.Unreachable):
    """No connection, or one that broke before the response was complete."""


class ResponseTimedOut(RequestError, errors.TimedOut):
    """The time limit passed before the response was complete."""


class UnusableResponse(RequestError, errors.BadResponse):
    """A response came, but its body can't be used: what was asked may be done all the same."""

    def __init__(self, message: str, *, status: int, hint: str = "", trace_id: str = "") -> None:
        super().__init__(message, sent=True, hint=hint, trace_id=trace_id)
        self.http_status = status


class ProxyFailed(httpx.ProxyError):
    """No tunnel to the portal through the proxy `name`, because of `error`; nothing was sent.

    `has_credentials` says that gpcli had a name and password for the proxy.
    """

    def __init__(self, name: str, error: httpx.TransportError, *, has_credentials: bool) -> None:
        super().__init__(str(error))
        self.name = name
        self.error = error
        self.has_credentials = has_credentials

    @property
    def status(self) -> int | None:
        """The status of the proxy's response to CONNECT, None if there was no response."""
        word = str(self.error).partition(" ")[0]
        is_status = isinstance(self.error, httpx.ProxyError) and word.isascii() and word.isdigit()
        return int(word) if is_status else None


_NEVER_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)

_CERTIFICATE_CODES = {
    9: ("is not valid yet", "Check this computer's date and time."),
    10: (
        "has expired",
        "Check this computer's date and time; if they are right, tell the portal.",
    ),
    62: ("is for another name", "Check the portal's address in the profile."),
    64: ("is for another address", "Check the portal's address in the profile."),
}
"""OpenSSL's verify code -> what is wrong with the certificate, and what to do."""
_UNKNOWN_ISSUER = (
    "was not issued by anyone this computer trusts",
    "If your organisation has certificates of its own, ask it for the file, and name it with "
    "ca_file in the profile (gpcli profile add ... --ca-file FILE) or in SSL_CERT_FILE.",
)
_ISSUER_CODES = {2, 18, 19, 20, 21}
"""OpenSSL's verify codes for an issuer that is not known or not trusted."""

_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
_OLD_TLS = ("TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW")
_REASONS = {
    **dict.fromkeys(_NO_TLS, ("what answers there speaks no TLS", "Check the address and port.")),
    **dict.fromkeys(
        _OLD_TLS,
        ("it speaks only TLS that is no longer safe (before 1.2)", "Tell those who run it."),
    ),
}
"""OpenSSL's reason for a failed handshake -> why there is no connection, and what to do."""
_NOT_AGREED = ("they have no TLS in common", "Check the address; if it is right, tell the portal.")

_ERRNO = {
    errno.ECONNREFUSED: ("nothing answers there", "Check the address, or try later."),
    errno.ENETUNREACH: ("there is no network", "Check this computer's connection."),
    errno.EHOSTUNREACH: ("there is no way to it", "Check this computer's connection or VPN."),
    errno.ECONNRESET: ("the connection was cut", "Try again later."),
}
_CUT = ("the connection was cut", "Try again later.")
_PROXY_AUTHENTICATION_REQUIRED = 407


def can_have_reached_portal(error: httpx.TransportError) -> bool:
    """Return whether the request may have reached the portal before `error`."""
    return not isinstance(error, _NEVER_LEFT)


def is_permanent(error: httpx.TransportError) -> bool:
    """Return whether trying again is pointless.

    That is so after a TLS error or the time limit, and for an unknown name or a proxy that refuses.
    """
    if isinstance(error, ProxyFailed):
        return (error.status or 500) < 500 or is_permanent(error.error)
    if isinstance(error, httpx.TimeoutException) or _find_cause(error, ssl.SSLError):
        return True
    lookup = _find_cause(error, socket.gaierror)
    return lookup is not None and lookup.errno == socket.EAI_NONAME


def to_gpcli_error(
    error: httpx.TransportError,
    host: str,
    seconds: float,
    *,
    who: str,
    sent: bool,
    trace_id: str,
) -> errors.GpcliError:
    """Return the error to raise for `error`, with which the last try of a request ended.

    `host` was asked, which `who` is called in messages; `seconds` is the time limit; `sent` says
    whether any try may have reached it.
    """
    if isinstance(error, ProxyFailed):
        return _to_proxy_error(error, host, seconds, sent=sent, trace_id=trace_id)
    if isinstance(error, httpx.TimeoutException):
        message = f"{who} did not answer within {seconds:g} s."
        hint = "Try again later; --timeout SECONDS raises the limit."
        return ResponseTimedOut(message, sent=sent, hint=hint, trace_id=trace_id)
    tls = _find_cause(error, ssl.SSLError)
    if tls is not None and not sent and not _is_cut(tls):
        return _to_tls_error(tls, host)
    why, hint = _explain(error)
    message = f"{who} can't be reached: {why}."
    if can_have_reached_portal(error):
        message = f"{who} did not finish its answer: {why}."
    return ConnectionFailed(message, sent=sent, hint=hint, trace_id=trace_id)


def _to_proxy_error(
    error: ProxyFailed, host: str, seconds: float, *, sent: bool, trace_id: str
) -> errors.GpcliError:
    tls = _find_cause(error.error, ssl.SSLError)
    if tls is not None and not sent and not _is_cut(tls):
        return _to_tls_error(tls, f"the proxy {error.name}")
    what, hint = _explain_proxy(error, host, seconds)
    error_type = (
        ResponseTimedOut if isinstance(error.error, httpx.TimeoutException) else ConnectionFailed
    )
    message = f"The proxy {error.name} {what}."
    return error_type(message, sent=sent, hint=hint, trace_id=trace_id)


def _explain_proxy(error: ProxyFailed, host: str, seconds: float) -> tuple[str, str]:
    """Return what the proxy did, as a clause without a subject, and what to do about it."""
    if error.status is not None:
        return _explain_proxy_status(error.status, host, has_credentials=error.has_credentials)
    hint = f"Check HTTPS_PROXY; where no proxy is needed, NO_PROXY={host} goes around it."
    if isinstance(error.error, httpx.TimeoutException):
        return f"did not answer within {seconds:g} s", hint
    if can_have_reached_portal(error.error):
        return f"did not open the way to {host}: the connection was cut", hint
    return f"can't be reached: {_explain(error.error)[0]}", hint


def _explain_proxy_status(status: int, host: str, *, has_credentials: bool) -> tuple[str, str]:
    if status == _PROXY_AUTHENTICATION_REQUIRED:
        what = f"wants {'another' if has_credentials else 'a'} name and password"
        return what, "Set HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT; write @ in either as %40."
    if status < 500:
        what = f"refuses the way to {host} ({status})"
        return (
            what,
            f"Ask those who run it to allow {host}, or set NO_PROXY={host} to go around it.",
        )
    return (
        f"finds no way to {host} ({status})",
        f"Try again later; NO_PROXY={host} goes around the proxy.",
    )


def _to_tls_error(tls: ssl.SSLError, host: str) -> errors.TlsError:
    if not isinstance(tls, ssl.SSLCertVerificationError):
        why, hint = _REASONS.get(tls.reason or "", _NOT_AGREED)
        return errors.TlsError(
            f"No encrypted connection to {host} could be agreed on: {why}; nothing was sent.",
            hint=hint,
        )
    code = getattr(tls, "verify_code", 0)
    why, hint = _CERTIFICATE_CODES.get(code, _UNKNOWN_ISSUER)
    if code not in _CERTIFICATE_CODES and code not in _ISSUER_CODES:
        why, hint = "can't be verified", _UNKNOWN_ISSUER[1]
    return errors.TlsError(f"The certificate of {host} {why}; nothing was sent.", hint=hint)


def _explain(error: httpx.TransportError) -> tuple[str, str]:
    """Return why there was no complete response, as a clause, and what to do about it."""
    if _find_cause(error, socket.gaierror):
        return (
            "its name is not known here",
            "Check the address in the profile and this computer's connection.",
        )
    cause = _find_cause(error, OSError)
    return _ERRNO.get(cause.errno or 0, _CUT) if cause else _CUT


def _is_cut(tls: ssl.SSLError) -> bool:
    return isinstance(tls, ssl.SSLEOFError | ssl.SSLZeroReturnError)


def _find_cause(error: BaseException, error_type: type[ErrorType]) -> ErrorType | None:
    return next((cause for cause in _walk_causes(error) if isinstance(cause, error_type)), None)


def _walk_causes(error: BaseException) -> Iterator[BaseException]:
    yield error
    for cause in (error.__cause__, *error.args):  # httpcore keeps its cause in `args`
        if isinstance(cause, BaseException):
            yield from _walk_causes(cause)


class FailureStage(StrEnum):
    """A step of a request, in their order.

    CONNECTION includes the wait for the response; ANSWER is what a complete one holds.
    """

    PROXY = "proxy"
    NAME = "name"
    CONNECTION = "connection"
    CERTIFICATE = "certificate"
    ANSWER = "answer"


def failure_stage(error: errors.GpcliError) -> FailureStage:
    """Return the step at which the request failed for which HttpClient raised `error`."""
    if isinstance(error, UnusableResponse):
        return FailureStage.ANSWER
    causes = list(_walk_causes(error))
    if any(isinstance(cause, httpx.ProxyError) for cause in causes):
        return FailureStage.PROXY
    if isinstance(error, errors.TlsError | errors.ConfigError):
        return FailureStage.CERTIFICATE
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return FailureStage.NAME
    return FailureStage.CONNECTION
