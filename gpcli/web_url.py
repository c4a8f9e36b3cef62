"""Web addresses: which texts are one, and which hosts are this computer."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

MAX_LENGTH = 65_536
"""The most characters of a URL, which is httpx's limit."""

_IN_NO_URL = re.compile("^ |[\x00-\x1f\x7f\ud800-\udfff]")
_MAX_HOST = 253
_LABEL = "(?!-)[a-z0-9-]{1,63}(?<!-)"
_HOST_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\.?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class InvalidUrl(ValueError):
    """The text is no web address. The message is a clause without a subject, and never quotes it.

    It may hold a password.
    """


def split_web_url(text: str) -> SplitResult:
    """Return the parts of an `https` or `http` URL, with a host that there can be.

    Raises: InvalidUrl.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidUrl(f"is longer than {MAX_LENGTH:,} characters")
    if _IN_NO_URL.search(text):
        raise InvalidUrl("has characters that no URL has")
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise InvalidUrl("has no host or port that can be read") from None
    if url.scheme not in {"https", "http"} or not url.hostname:
        raise InvalidUrl("is not a web address")
    if port == 0:
        raise InvalidUrl("has the port 0, at which nothing can be asked")
    _check_host(url.hostname, is_literal="[" in url.netloc)
    return url


def _check_host(host: str, *, is_literal: bool) -> None:
    """Raise InvalidUrl for a host that is neither an IP address nor a name that can be looked up.

    Source: RFC 1123, 2.1, by which a name ends in no number, and RFC 5891 (IDNA).
    """
    if is_literal:
        _check_address(host, ipaddress.IPv6Address)
        return
    name = host if host.isascii() and "xn--" not in host else _encode_name(host)
    if _NUMBER.fullmatch(name.rstrip(".").rpartition(".")[2]):
        _check_address(name, ipaddress.IPv4Address)
    elif len(name.rstrip(".")) > _MAX_HOST or not _HOST_NAME.fullmatch(name):
        raise InvalidUrl(
            "has a host that can't be a name: each part needs 1 to 63 letters, digits and hyphens"
        )


def _check_address(
    host: str, kind: type[ipaddress.IPv4Address] | type[ipaddress.IPv6Address]
) -> None:
    try:
        kind(host if "%" not in host else "")  # Python takes an IPv6 zone, httpx none
    except ValueError:
        raise InvalidUrl("has a host that is no IP address") from None


def _encode_name(host: str) -> str:
    import idna  # noqa: PLC0415  (start-up: only international names need it)

    try:
        name = idna.encode(host).decode("ascii")
        idna.decode(name)
    except UnicodeError:
        raise InvalidUrl("has a host that is no international name (IDNA)") from None
    return name


def is_loopback(host: str) -> bool:
    """Return whether `host` is a numeric loopback address; names are not resolved."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_this_computer(host: str) -> bool:
    """Return whether `host` is a loopback address or `localhost` (RFC 6761, 6.3)."""
    return is_loopback(host) or f".{host.rstrip('.')}".endswith(".localhost")
