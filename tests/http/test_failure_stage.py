"""How far a request came, by the error that HttpClient raised."""

import socket
import ssl

import httpx
import pytest

from gpcli.errors import ConfigError, GpcliError, TlsError, Unreachable
from gpcli.http.network_errors import (
    ConnectionFailed,
    FailureStage,
    ResponseTimedOut,
    UnusableResponse,
    failure_stage,
)


def error_after(cause: BaseException, error: GpcliError | None = None) -> GpcliError:
    """`error` as it is when `cause` led to it."""
    made = error or ConnectionFailed("lost", sent=False)
    made.__cause__ = cause
    return made


def wrap_error(cause: BaseException) -> httpx.ConnectError:
    """As httpx and httpcore hand on what the socket did."""
    inner = RuntimeError(cause)
    outer = httpx.ConnectError("failed")
    outer.__cause__ = inner
    return outer


UNKNOWN_NAME = socket.gaierror(socket.EAI_NONAME, "unknown")


@pytest.mark.parametrize(
    ("error", "stage"),
    [
        (error_after(wrap_error(UNKNOWN_NAME)), FailureStage.NAME),
        (error_after(wrap_error(ConnectionRefusedError())), FailureStage.CONNECTION),
        (
            error_after(httpx.ConnectTimeout("late"), ResponseTimedOut("late", sent=False)),
            FailureStage.CONNECTION,
        ),
        (
            error_after(httpx.ReadTimeout("late"), ResponseTimedOut("late", sent=True)),
            FailureStage.CONNECTION,
        ),
        (error_after(wrap_error(ssl.SSLError()), TlsError("no")), FailureStage.CERTIFICATE),
        (ConfigError("ca_file"), FailureStage.CERTIFICATE),
        (UnusableResponse("HTML", status=200), FailureStage.ANSWER),
        (Unreachable("no cause is known"), FailureStage.CONNECTION),
    ],
)
def test_the_step_that_failed_is_named(error, stage):
    assert failure_stage(error) is stage


@pytest.mark.parametrize("cause", [UNKNOWN_NAME, ConnectionRefusedError(), ssl.SSLError()])
def test_what_fails_at_the_proxy_is_never_taken_for_the_portals(cause):
    at_proxy = httpx.ProxyError("no way")
    at_proxy.__cause__ = wrap_error(cause)
    errors = (ConnectionFailed("lost", sent=False), TlsError("no"))
    assert {failure_stage(error_after(at_proxy, error)) for error in errors} == {FailureStage.PROXY}
