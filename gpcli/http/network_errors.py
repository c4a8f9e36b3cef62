"""How far a request came before it failed."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from enum import StrEnum
from typing import TypeVar

from gpcli import errors
from gpcli.http import httpx

Kind = TypeVar("Kind", bound=BaseException)


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


class BadReply(errors.BadResponse):
    """An answer came, with `status`, but its body can't be used: a write may have been done."""

    def __init__(self, message: str, *, status: int, hint: str = "", request_id: str = "") -> None:
        super().__init__(message, hint=hint, request_id=request_id or None)
        self.status = status
        self.sent = True


class ProxyFailed(httpx.ProxyError):
    """The way to the portal ended at the proxy `name`, by `failed`; nothing reached the portal.

    `signed` says that gpcli had a name and password for the proxy.
    """

    def __init__(self, name: str, failed: httpx.TransportError, *, signed: bool) -> None:
        super().__init__(str(failed))
        self.name = name
        self.failed = failed
        self.signed = signed

    @property
    def status(self) -> int | None:
        """The proxy's answer where the tunnel should have stood, None if there was none."""
        word = str(self.failed).partition(" ")[0]
        return int(word) if isinstance(self.failed, httpx.ProxyError) and word.isdigit() else None


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
    "If your organisation has certificates of its own, ask it for the file, and name it with "
    "ca_file in the profile (gpcli profile add ... --ca-file FILE) or in SSL_CERT_FILE.",
)
_ISSUER_CODES = {2, 18, 19, 20, 21}

_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
_OLD_TLS = ("TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "VERSION_TOO_LOW")
_REASONS = {
    **dict.fromkeys(_NO_TLS, ("what answers there speaks no TLS", "Check the address and port.")),
    **dict.fromkeys(
        _OLD_TLS,
        ("it speaks only TLS that is no longer safe (before 1.2)", "Tell those who run it."),
    ),
}
"""OpenSSL's word for what is wrong with a handshake, and ours."""
_NOT_AGREED = ("they have no TLS in common", "Check the address; if it is right, tell the portal.")

_ERRNO = {
    errno.ECONNREFUSED: ("nothing answers there", "Check the address, or try later."),
    errno.ENETUNREACH: ("there is no network", "Check this computer's connection."),
    errno.EHOSTUNREACH: ("there is no way to it", "Check this computer's connection or VPN."),
    errno.ECONNRESET: ("the connection was cut", "Try again later."),
}
_CUT = ("the connection was cut", "Try again later.")
_NAME_AND_PASSWORD = 407


def may_have_reached_portal(trouble: httpx.TransportError) -> bool:
    """Whether the request may have reached the portal before `trouble`."""
    return not isinstance(trouble, _NEVER_LEFT)


def is_permanent(trouble: httpx.TransportError) -> bool:
    """Whether trying again is pointless: certificate, time, unknown name, a proxy that refuses."""
    if isinstance(trouble, ProxyFailed):
        return (trouble.status or 500) < 500 or is_permanent(trouble.failed)
    if isinstance(trouble, httpx.TimeoutException) or _of(trouble, ssl.SSLError):
        return True
    lookup = _of(trouble, socket.gaierror)
    return lookup is not None and lookup.errno == socket.EAI_NONAME


def to_gpcli_error(
    trouble: httpx.TransportError, host: str, seconds: float, *, sent: bool, request_id: str
) -> errors.GpcliError:
    """The error to raise for `trouble` with `host`, after `seconds` were allowed."""
    if isinstance(trouble, ProxyFailed):
        return _of_proxy(trouble, host, seconds, sent=sent, request_id=request_id)
    if isinstance(trouble, httpx.TimeoutException):
        message = f"The portal at {host} did not answer within {seconds:g} s."
        hint = "Try again later; --timeout SECONDS raises the limit."
        return LateReply(message, sent=sent, hint=hint, request_id=request_id)
    tls = _of(trouble, ssl.SSLError)
    if tls is not None and not sent and not _is_cut(tls):
        return _tls_trouble(tls, host)
    why, hint = _reason(trouble)
    message = f"The portal at {host} can't be reached: {why}."
    if may_have_reached_portal(trouble):
        message = f"The portal at {host} did not finish its answer: {why}."
    return LostReply(message, sent=sent, hint=hint, request_id=request_id)


def _of_proxy(
    trouble: ProxyFailed, host: str, seconds: float, *, sent: bool, request_id: str
) -> errors.GpcliError:
    tls = _of(trouble.failed, ssl.SSLError)
    if tls is not None and not sent and not _is_cut(tls):
        return _tls_trouble(tls, f"the proxy {trouble.name}")
    how, hint = _proxy_reason(trouble, host, seconds)
    kind = LateReply if isinstance(trouble.failed, httpx.TimeoutException) else LostReply
    message = f"The proxy {trouble.name} {how}."
    return kind(message, sent=sent, hint=hint, request_id=request_id)


def _proxy_reason(trouble: ProxyFailed, host: str, seconds: float) -> tuple[str, str]:
    if trouble.status is not None:
        return _proxy_answer(trouble.status, host, signed=trouble.signed)
    around = f"Check HTTPS_PROXY; where no proxy is needed, NO_PROXY={host} goes around it."
    if isinstance(trouble.failed, httpx.TimeoutException):
        return f"did not answer within {seconds:g} s", around
    if may_have_reached_portal(trouble.failed):
        return f"did not open the way to {host}: the connection was cut", around
    return f"can't be reached: {_reason(trouble.failed)[0]}", around


def _proxy_answer(status: int, host: str, *, signed: bool) -> tuple[str, str]:
    if status == _NAME_AND_PASSWORD:
        wants = "another" if signed else "a"
        how = f"wants {wants} name and password"
        return how, "Set HTTPS_PROXY=http://NAME:PASSWORD@HOST:PORT; write @ in either as %40."
    if status < 500:
        how = f"refuses the way to {host} ({status})"
        return how, f"Ask those who run it to allow {host}, or set NO_PROXY={host} to go around it."
    how = f"finds no way to {host} ({status})"
    return how, f"Try again later; NO_PROXY={host} goes around the proxy."


def _tls_trouble(tls: ssl.SSLError, host: str) -> errors.TlsError:
    if not isinstance(tls, ssl.SSLCertVerificationError):
        why, hint = _REASONS.get(tls.reason or "", _NOT_AGREED)
        return errors.TlsError(
            f"No encrypted connection to {host} could be agreed on: {why}; nothing was sent.",
            hint=hint,
        )
    code = getattr(tls, "verify_code", 0)
    why, hint = _CERTIFICATE.get(code, _UNKNOWN_ISSUER)
    if code not in _CERTIFICATE and code not in _ISSUER_CODES:
        why, hint = "can't be verified", _UNKNOWN_ISSUER[1]
    return errors.TlsError(f"The certificate of {host} {why}; nothing was sent.", hint=hint)


def _reason(trouble: httpx.TransportError) -> tuple[str, str]:
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


class FailureStage(StrEnum):
    """The steps of a request in order: the one named is the one that failed."""

    PROXY = "proxy"
    NAME = "name"
    CONNECTION = "connection"
    CERTIFICATE = "certificate"
    ANSWER = "answer"


def failure_stage(error: errors.GpcliError) -> FailureStage:
    """Where a request ended for which the door raised `error`."""
    if isinstance(error, BadReply):
        return FailureStage.ANSWER
    causes = list(_causes(error))
    if any(isinstance(cause, httpx.ProxyError) for cause in causes):
        return FailureStage.PROXY
    if isinstance(error, errors.TlsError | errors.ConfigError):
        return FailureStage.CERTIFICATE
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return FailureStage.NAME
    return FailureStage.CONNECTION
