"""Connections, direct or through a proxy, whose sockets keep the command's deadline."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import httpcore

from gpcli.errors import ConfigError
from gpcli.http import httpx
from gpcli.http.deadline import Deadline
from gpcli.http.network_errors import ProxyFailed
from gpcli.http.tls import build_tls_context
from gpcli.web_url import InvalidUrl, is_this_computer, split_web_url


def find_proxy(url: httpx.URL, env: Mapping[str, str]) -> httpx.Proxy | None:
    """Return the proxy that `env` names for `url`, None for a direct connection.

    Raises: ConfigError where the proxy's URL is wrong, or `url` has an IPv6 address.
    """
    value = env.get("https_proxy") or env.get("HTTPS_PROXY")
    if not value or url.scheme != "https" or is_this_computer(url.host):
        return None
    if _is_bypassed(url, env.get("no_proxy") or env.get("NO_PROXY") or ""):
        return None
    if ":" in url.host:  # httpcore writes an IPv6 address in a way that proxies can't read
        raise ConfigError(
            f"No proxy is asked for the way to an address like {url.host}.",
            hint=f"Use the portal's name, or set NO_PROXY={url.host} to go around the proxy.",
        )
    return _parse_proxy(value)


def format_proxy(proxy: httpx.Proxy) -> str:
    """Return the proxy's host and port, without the name and password to use there."""
    return proxy.url.netloc.decode("ascii")


def _is_bypassed(url: httpx.URL, no_proxy: str) -> bool:
    """Return whether `no_proxy` has the host, a domain above it, or either with the port."""
    if no_proxy == "*":
        return True
    hosts = (url.host.lower(), f"[{url.host.lower()}]")  # an IPv6 address may be written either way
    forms = [*hosts, *(f"{host}:{url.port or 443}" for host in hosts)]
    entries = [entry.strip().lstrip(".").lower() for entry in no_proxy.split(",") if entry.strip()]
    return any(form == entry or form.endswith(f".{entry}") for entry in entries for form in forms)


def _parse_proxy(value: str) -> httpx.Proxy:
    shape = "HTTPS_PROXY must be a URL such as http://proxy.example:3128"
    text = value if "://" in value else f"http://{value}"
    try:
        split_web_url(text)
        return httpx.Proxy(text)
    except InvalidUrl as why:
        raise ConfigError(f"{shape}; it {why}.") from None
    except (httpx.InvalidURL, ValueError):
        raise ConfigError(f"{shape}.") from None


Resolver = Callable[[str, int], list[str]]
"""Returns the numeric addresses of a host and port, in the order to try; raises OSError."""

_TLS_RECORD = 16_384
"""Bytes of one TLS record, the most to write at once: a write's timeout is for one record."""


def resolve_host(host: str, port: int) -> list[str]:
    """Return the addresses of `host`, each once, as the system orders them; raise OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class DeadlineBackend(httpcore.NetworkBackend):
    """Connects within the deadline; each address gets an equal share of the time left."""

    def __init__(self, deadline: Deadline, resolve: Resolver = resolve_host) -> None:
        self._deadline = deadline
        self._resolve = resolve
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of `host` that answers.

        `timeout` is ignored: the deadline decides.
        Raises: httpcore.ConnectError, httpcore.ConnectTimeout.
        """
        addresses = self._find_addresses(host, port)
        last_error: Exception = httpcore.ConnectError("no address")
        for number, address in enumerate(addresses):
            left = _require_seconds_left(self._deadline, httpcore.ConnectTimeout)
            share = left / (len(addresses) - number)
            try:
                stream = self._backend.connect_tcp(
                    address, port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last_error = error
                continue
            return DeadlineStream(stream, self._deadline)
        raise last_error

    def _find_addresses(self, host: str, port: int) -> list[str]:
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            return self._look_up(host, port)

    def _look_up(self, host: str, port: int) -> list[str]:
        # The system's resolver can't be interrupted, so its thread is left behind on a timeout.
        result: Future[list[str]] = Future()

        def resolve() -> None:
            try:
                result.set_result(self._resolve(host, port))
            except Exception as error:
                result.set_exception(error)

        threading.Thread(target=resolve, name="gpcli-dns", daemon=True).start()
        try:
            return result.result(_require_seconds_left(self._deadline, httpcore.ConnectTimeout))
        except TimeoutError:
            raise httpcore.ConnectTimeout("name lookup") from None
        except UnicodeError:  # a name that can't be encoded for a lookup
            raise httpcore.ConnectError(socket.gaierror(socket.EAI_NONAME, "name")) from None
        except OSError as error:
            raise httpcore.ConnectError(error) from error


class DeadlineStream(httpcore.NetworkStream):
    """A stream whose reads and writes all end with the deadline, however slowly bytes arrive."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read at most `max_bytes`; nothing at the end of the stream."""
        left = _require_seconds_left(self._deadline, httpcore.ReadTimeout)
        return self._stream.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`."""
        for start in range(0, len(buffer), _TLS_RECORD):
            left = _require_seconds_left(self._deadline, httpcore.WriteTimeout)
            self._stream.write(buffer[start : start + _TLS_RECORD], left)

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """Return the same stream, encrypted."""
        left = _require_seconds_left(self._deadline, httpcore.ConnectTimeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, left)
        return DeadlineStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """Return what httpcore wants to know about the socket."""
        return self._stream.get_extra_info(info)


def _require_seconds_left(deadline: Deadline, error_type: type[httpcore.TimeoutException]) -> float:
    left = deadline.seconds_left()
    if left <= 0:
        raise error_type("deadline")
    return left


_POOL_OPTIONS: dict[str, Any] = {
    "max_connections": 10,
    "max_keepalive_connections": 10,
    "keepalive_expiry": 30.0,
}


class DeadlineTransport(httpx.BaseTransport):
    """An httpx transport whose sockets keep the deadline and trust what the machine trusts.

    `env` has the variables for proxies and certificates. Requests raise ConfigError where one of
    these is wrong.
    """

    def __init__(self, deadline: Deadline, *, ca_file: str | None, env: Mapping[str, str]) -> None:
        self._backend = DeadlineBackend(deadline)
        self._ca_file = ca_file
        self._env = env
        self._transports: dict[str, PoolTransport] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` and return the response with its body still to be read."""
        return self._find_transport(request.url).handle_request(request)

    def close(self) -> None:
        """Close all connections."""
        for transport in self._transports.values():
            transport.close()

    def _find_transport(self, url: httpx.URL) -> PoolTransport:
        proxy = find_proxy(url, self._env)
        kind = "proxied" if proxy else url.scheme
        with self._lock:
            if kind not in self._transports:
                pool = self._open_pool(kind, proxy)
                self._transports[kind] = (
                    ProxyTransport(pool, proxy) if proxy else PoolTransport(pool)
                )
            return self._transports[kind]

    def _open_pool(self, kind: str, proxy: httpx.Proxy | None) -> httpcore.ConnectionPool:
        if kind == "http":
            return httpcore.ConnectionPool(network_backend=self._backend, **_POOL_OPTIONS)
        context = build_tls_context(self._env, self._ca_file)
        if proxy is None:
            return httpcore.ConnectionPool(context, network_backend=self._backend, **_POOL_OPTIONS)
        return httpcore.HTTPProxy(
            str(proxy.url),
            proxy_auth=proxy.raw_auth,
            ssl_context=context,
            proxy_ssl_context=context if proxy.url.scheme == "https" else None,
            network_backend=self._backend,
            **_POOL_OPTIONS,
        )


class PoolTransport(httpx.BaseTransport):
    """An httpx transport over a connection pool of httpcore.

    httpx's own HTTPTransport does the same, but takes no network backend.
    """

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` and return the response with its body still to be read.

        Raises: httpx.TransportError.
        """
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        with _map_httpcore_errors():
            response = self._pool.handle_request(
                httpcore.Request(
                    request.method,
                    url,
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_ResponseStream(response),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class ProxyTransport(PoolTransport):
    """A PoolTransport through a proxy, whose own failures are told apart from the portal's."""

    def __init__(self, pool: httpcore.ConnectionPool, proxy: httpx.Proxy) -> None:
        super().__init__(pool)
        self._name = format_proxy(proxy)
        self._has_credentials = proxy.raw_auth is not None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """As PoolTransport does; raise ProxyFailed for what fails before the tunnel is open."""
        tunnel = _Tunnel()
        request.extensions["trace"] = tunnel.observe
        try:
            return super().handle_request(request)
        except httpx.TransportError as error:
            if tunnel.is_open:
                raise
            raise ProxyFailed(self._name, error, has_credentials=self._has_credentials) from error


class _Tunnel:
    """Whether the tunnel through the proxy is open, by httpcore's `trace` events of a request.

    Source: httpcore's documentation, "Extensions", `trace`.
    """

    is_open = False

    def observe(self, event: str, info: dict[str, Any]) -> None:
        """Set `is_open` when TLS begins behind the proxy, or when an open tunnel is used again."""
        if event == "http11.send_request_headers.started":
            self.is_open = info["request"].method != b"CONNECT"
        elif event == "proxy.start_tls.started":
            self.is_open = True


class _ResponseStream(httpx.SyncByteStream):
    """The body of a response of httpcore, whose errors are httpx's."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with _map_httpcore_errors():
            yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


_HTTPX_ERRORS: dict[type[BaseException], type[httpx.TransportError]] = {
    httpcore.TimeoutException: httpx.TimeoutException,
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.PoolTimeout: httpx.PoolTimeout,
    httpcore.NetworkError: httpx.NetworkError,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.ProxyError: httpx.ProxyError,
    httpcore.UnsupportedProtocol: httpx.UnsupportedProtocol,
    httpcore.ProtocolError: httpx.ProtocolError,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
}
"""httpcore's errors and httpx's for the same."""


@contextmanager
def _map_httpcore_errors() -> Iterator[None]:
    try:
        yield
    except tuple(_HTTPX_ERRORS) as error:
        nearest = next(kind for kind in type(error).__mro__ if kind in _HTTPX_ERRORS)
        raise _HTTPX_ERRORS[nearest](str(error)) from error
