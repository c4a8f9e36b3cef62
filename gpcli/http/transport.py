"""Connections, direct or through a proxy, whose sockets keep the command's deadline."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # not in typeshed

import httpcore

from gpcli.errors import ConfigError
from gpcli.http import httpx
from gpcli.http.deadline import Deadline
from gpcli.http.network_errors import ProxyFailed
from gpcli.http.tls import build_tls_context
from gpcli.http.url_policy import is_this_computer


def find_proxy(url: httpx.URL, env: Mapping[str, str]) -> httpx.Proxy | None:
    """The proxy for `url`, or None for a direct connection; raises ConfigError."""
    written = env.get("https_proxy") or env.get("HTTPS_PROXY")
    if not written or url.scheme != "https" or is_this_computer(url.host):
        return None
    if _bypassed(url, env.get("no_proxy") or env.get("NO_PROXY") or ""):
        return None
    if ":" in url.host:  # the library writes such an address in a way that proxies can't read
        raise ConfigError(
            f"No proxy is asked for the way to an address like {url.host}.",
            hint=f"Use the portal's name, or set NO_PROXY={url.host} to go around the proxy.",
        )
    return _proxy(written)


def format_proxy(proxy: httpx.Proxy) -> str:
    """The proxy's host and port, without the name and password to use there."""
    return proxy.url.netloc.decode("ascii")


def _bypassed(url: httpx.URL, no_proxy: str) -> bool:
    written = (url.host, f"[{url.host}]")  # an IPv6 address is seen either way
    hosts = (f"{host}:{url.port or 443}" for host in written)
    return any(proxy_bypass_environment(host, {"no": no_proxy}) for host in hosts)


def _proxy(written: str) -> httpx.Proxy:
    wanted = "HTTPS_PROXY must be a URL such as http://proxy.example:3128."
    try:
        proxy = httpx.Proxy(written if "://" in written else f"http://{written}")
    except (httpx.InvalidURL, ValueError):
        raise ConfigError(wanted) from None
    if proxy.url.scheme not in {"http", "https"} or not proxy.url.host:
        raise ConfigError(wanted)
    return proxy


Resolver = Callable[[str, int], list[str]]
"""From host and port to addresses as numbers, in the order to try; raises OSError."""

_RECORD = 16_384  # bytes of one TLS record: one send, whose timeout holds for all of it


def resolve_host(host: str, port: int) -> list[str]:
    """The addresses of `host`, each once, as the system orders them (RFC 6724)."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class DeadlineBackend(httpcore.NetworkBackend):
    """Connects within the deadline; each address gets its share of what is left."""

    def __init__(self, deadline: Deadline, resolve_host: Resolver = resolve_host) -> None:
        self._deadline = deadline
        self._resolve = resolve_host
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
    left = deadline.seconds_left()
    if left <= 0:
        raise over("deadline")
    return left


_POOL: dict[str, Any] = {
    "max_connections": 10,
    "max_keepalive_connections": 10,
    "keepalive_expiry": 30.0,
}


class DeadlineTransport(httpx.BaseTransport):
    """An httpx transport whose sockets keep the deadline and trust what the machine trusts.

    It reads proxies and certificate places from `env`; raises ConfigError if they are wrong.
    """

    def __init__(self, deadline: Deadline, *, ca_file: str | None, env: Mapping[str, str]) -> None:
        self._backend = DeadlineBackend(deadline)
        self._ca_file = ca_file
        self._env = env
        self._pools: dict[str, _Pooled] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` and return the answer with its body still to be read."""
        return self._pool_for(request.url).handle_request(request)

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()

    def _pool_for(self, url: httpx.URL) -> _Pooled:
        proxy = find_proxy(url, self._env)
        kind = "proxied" if proxy else url.scheme
        with self._lock:
            if kind not in self._pools:
                pool = self._opened(kind, proxy)
                self._pools[kind] = _Proxied(pool, proxy) if proxy else _Pooled(pool)
            return self._pools[kind]

    def _opened(self, kind: str, proxy: httpx.Proxy | None) -> httpcore.ConnectionPool:
        if kind == "http":
            return httpcore.ConnectionPool(network_backend=self._backend, **_POOL)
        context = build_tls_context(self._env, self._ca_file)
        if proxy is None:
            return httpcore.ConnectionPool(context, network_backend=self._backend, **_POOL)
        return httpcore.HTTPProxy(
            str(proxy.url),
            proxy_auth=proxy.raw_auth,
            ssl_context=context,
            proxy_ssl_context=context if proxy.url.scheme == "https" else None,
            network_backend=self._backend,
            **_POOL,
        )


class _Pooled(httpx.HTTPTransport):
    """httpx's own transport over our pool: it has no other way to hand in a network backend."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool


class _Proxied(_Pooled):
    """The same through a proxy, whose own troubles are not to be taken for the portal's."""

    def __init__(self, pool: httpcore.ConnectionPool, proxy: httpx.Proxy) -> None:
        super().__init__(pool)
        self._name = format_proxy(proxy)
        self._signed = proxy.raw_auth is not None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        tunnel = _Tunnel()
        request.extensions["trace"] = tunnel.note
        try:
            return super().handle_request(request)
        except httpx.TransportError as failed:
            if tunnel.stands:
                raise
            raise ProxyFailed(self._name, failed, signed=self._signed) from failed


class _Tunnel:
    """Whether the way through the proxy stands, by what httpcore's trace says of a request."""

    stands = False

    def note(self, event: str, info: dict[str, Any]) -> None:
        """The proxy's part is over when TLS begins behind it, or when the tunnel is used again."""
        if event == "http11.send_request_headers.started":
            self.stands = info["request"].method != b"CONNECT"
        elif event == "proxy.start_tls.started":
            self.stands = True
