"""The connections: direct or through the proxy, each kind opened on first use."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import httpcore

from gpcli.net.backend import DeadlineBackend
from gpcli.net.deadline import Deadline
from gpcli.net.lean import httpx
from gpcli.net.proxies import named, proxy_for
from gpcli.net.trouble import ProxyFailed
from gpcli.net.trust import tls_context

_POOL: dict[str, Any] = {
    "max_connections": 10,
    "max_keepalive_connections": 10,
    "keepalive_expiry": 30.0,
}


class Wire(httpx.BaseTransport):
    """An httpx transport whose sockets keep the deadline and trust what the machine trusts.

    It reads proxies and certificate places from `env`; raises ConfigTrouble if they are wrong.
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
        proxy = proxy_for(url, self._env)
        kind = "proxied" if proxy else url.scheme
        with self._lock:
            if kind not in self._pools:
                pool = self._opened(kind, proxy)
                self._pools[kind] = _Proxied(pool, proxy) if proxy else _Pooled(pool)
            return self._pools[kind]

    def _opened(self, kind: str, proxy: httpx.Proxy | None) -> httpcore.ConnectionPool:
        if kind == "http":
            return httpcore.ConnectionPool(network_backend=self._backend, **_POOL)
        context = tls_context(self._env, self._ca_file)
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
        self._name = named(proxy)
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
