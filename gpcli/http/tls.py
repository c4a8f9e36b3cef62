"""Which certificates gpcli trusts: those that the machine trusts, and `ca_file` besides.

TLS 1.2 at least. There is no way to turn verification off.
"""

from __future__ import annotations

import functools
import os
import re
import socket
import ssl
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from gpcli.errors import ConfigError, TlsError, Unreachable

_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.\d+", re.ASCII)


def build_tls_context(env: Mapping[str, str], ca_file: str | None) -> ssl.SSLContext:
    """Return the TLS context for these settings, cached; raise ConfigError.

    `SSL_CERT_FILE` and `SSL_CERT_DIR` in `env` replace what the machine trusts; the latter may name
    several directories, as for OpenSSL. `ca_file` is a file of certificates in PEM form to trust
    besides, None for none.
    """
    return _build_context(
        env.get("SSL_CERT_FILE") or None, env.get("SSL_CERT_DIR") or None, ca_file
    )


@functools.cache
def _build_context(
    cert_file: str | None, cert_dir: str | None, ca_file: str | None
) -> ssl.SSLContext:
    context = _build_machine_context(cert_file, cert_dir)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        _load_file(context, "ca_file", ca_file)
    return context


def _build_machine_context(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    if cert_file or cert_dir:
        return _build_named_context(cert_file, cert_dir)
    if sys.platform != "linux":
        import truststore  # noqa: PLC0415  (platform: not installed on Linux)

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    hashed = find_hashed_directory(ssl.get_default_verify_paths().openssl_capath, "/etc/ssl/certs")
    if hashed:  # OpenSSL looks up the one issuer that it needs: ten times faster than a bundle
        return ssl.create_default_context(capath=hashed)
    return _build_default_context()


def _build_named_context(cert_file: str | None, cert_dir: str | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if cert_file:
        _load_file(context, "SSL_CERT_FILE", cert_file)
    if cert_dir:
        _load_directories(context, cert_dir)
    return context


def _load_directories(context: ssl.SSLContext, cert_dir: str) -> None:
    if find_hashed_directory(*cert_dir.split(os.pathsep)) is None:
        raise ConfigError(
            f"SSL_CERT_DIR {cert_dir} holds no certificates that can be found by their hash.",
            hint="openssl rehash DIRECTORY names them so; or name one file in SSL_CERT_FILE.",
        )
    context.load_verify_locations(capath=cert_dir)


def _build_default_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        import certifi  # noqa: PLC0415  (start-up: only where the machine has no certificates)

        context.load_verify_locations(certifi.where())
    return context


def _load_file(context: ssl.SSLContext, name: str, path: str) -> None:
    """Load the certificates in the file `path`; raise ConfigError if there are none in it."""
    try:
        if not (Path(path).is_file() and _has_certificates(path)):  # a pipe might never end
            raise ssl.SSLError(f"{path} has no certificates")
        context.load_verify_locations(cafile=path)
    except OSError as error:
        raise ConfigError(
            f"{name} {path} can't be read as certificates.",
            hint="It must be a file of certificates in PEM form.",
        ) from error


def _has_certificates(path: str) -> bool:
    """Return whether a file has certificates: OpenSSL also takes one of revocation lists alone."""
    alone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    alone.load_verify_locations(cafile=path)
    return alone.cert_store_stats()["x509"] > 0


def find_hashed_directory(*candidates: str) -> str | None:
    """Return the first directory with certificates under their OpenSSL hash, None if none has."""
    for candidate in candidates:
        path = Path(candidate)
        if path.is_dir() and any(_HASHED_NAME.fullmatch(entry.name) for entry in path.iterdir()):
            return candidate
    return None


def fetch_certificate_end(
    host: str, port: int, *, env: Mapping[str, str], ca_file: str | None, timeout: float
) -> datetime:
    """Return until when the certificate of a server is valid, in UTC; `timeout` is in seconds.

    It connects to the server itself, not through a proxy. The other parameters are as for
    `build_tls_context`.
    Raises: ConfigError; TlsError where the certificate is not trusted; Unreachable.
    """
    try:
        with (
            socket.create_connection((host, port), timeout) as raw,
            build_tls_context(env, ca_file).wrap_socket(raw, server_hostname=host) as encrypted,
        ):
            certificate = encrypted.getpeercert() or {}
    except ssl.SSLError as error:
        raise TlsError(f"The connection to {host} is not safe: {error.reason}.") from None
    except OSError as error:
        raise Unreachable(f"{host} can't be reached: {error.strerror or error}.") from None
    seconds = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    return datetime.fromtimestamp(seconds, UTC)
