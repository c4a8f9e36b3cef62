"""Sockets that know the deadline: every operation gets the time that is left, DNS included."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

import httpcore

from gpcli.net.deadline import Deadline

Resolve = Callable[[str, int], list[str]]
"""From host and port to addresses as numbers, in the order to try; raises OSError."""

_RECORD = 16_384  # bytes of one TLS record: one send, whose timeout holds for all of it


def resolve(host: str, port: int) -> list[str]:
    """The addresses of `host`, each once, as the system orders them (RFC 6724)."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class DeadlineBackend(httpcore.NetworkBackend):
    """Connects within the deadline; each address gets its share of what is left."""

    def __init__(self, deadline: Deadline, resolve: Resolve = resolve) -> None:
        self._deadline = deadline
        self._resolve = resolve
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A stream to the first address of `host` that answers; raises httpcore's ConnectError.

        `timeout` is ignored: the deadline decides.
        """
        addresses = self._addresses(host, port)
        trouble: Exception = httpcore.ConnectError("no address")
        for number, address in enumerate(addresses):
            share = _left(self._deadline, httpcore.ConnectTimeout) / (len(addresses) - number)
            try:
                stream = self._plain.connect_tcp(
                    address, port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as refused:
                trouble = refused
                continue
            return DeadlineStream(stream, self._deadline)
        raise trouble

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            return self._looked_up(host, port)

    def _looked_up(self, host: str, port: int) -> list[str]:
        # The system's resolver can't be interrupted, so it is left behind when the time is up.
        answer: Future[list[str]] = Future()

        def ask() -> None:
            try:
                answer.set_result(self._resolve(host, port))
            except Exception as trouble:
                answer.set_exception(trouble)

        threading.Thread(target=ask, name="gpcli-dns", daemon=True).start()
        try:
            return answer.result(_left(self._deadline, httpcore.ConnectTimeout))
        except TimeoutError:
            raise httpcore.ConnectTimeout("name lookup") from None
        except UnicodeError:  # no name that the system could even ask for
            raise httpcore.ConnectError(socket.gaierror(socket.EAI_NONAME, "name")) from None
        except OSError as trouble:
            raise httpcore.ConnectError(trouble) from trouble


class DeadlineStream(httpcore.NetworkStream):
    """A stream whose reads and writes all end with the deadline, however the bytes drip."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Some bytes, at most `max_bytes`; nothing at the end."""
        return self._stream.read(max_bytes, _left(self._deadline, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`."""
        for start in range(0, len(buffer), _RECORD):
            piece = buffer[start : start + _RECORD]
            self._stream.write(piece, _left(self._deadline, httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """The same stream, encrypted."""
        left = _left(self._deadline, httpcore.ConnectTimeout)
        inner = self._stream.start_tls(ssl_context, server_hostname, left)
        return DeadlineStream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks about the socket."""
        return self._stream.get_extra_info(info)


def _left(deadline: Deadline, over: type[httpcore.TimeoutException]) -> float:
    left = deadline.left()
    if left <= 0:
        raise over("deadline")
    return left
