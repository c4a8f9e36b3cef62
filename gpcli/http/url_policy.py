"""Which URLs may be requested, and which of them may get the token.

A token goes only to URLs under the portal's FHIR base: same scheme, host and port, and a path
below the base's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote, unquote, urlencode, urljoin

from gpcli.errors import BadResponse, GpcliError, WrongHost
from gpcli.http import httpx
from gpcli.web_url import InvalidUrl, is_loopback, split_web_url

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_REFERENCE = re.compile(
    r"(?P<record>[A-Z][A-Za-z]{1,60}/[A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?"
)
"""A relative FHIR reference (R4, "References", 2.3.0.1)."""


def parse_safe_url(text: str) -> httpx.URL:
    """Return `text` as a URL that may be requested: https, or http to a loopback literal.

    Raises: BadResponse if it is no URL, WrongHost if it is not encrypted.
    """
    try:
        split_web_url(text)
        url = httpx.URL(text)
    except InvalidUrl as why:
        raise BadResponse(f"A link {why}; it was not followed.") from None
    except httpx.InvalidURL:
        raise BadResponse("A link is not a valid URL; it was not followed.") from None
    if url.scheme == "http" and not is_loopback(url.host):
        raise WrongHost(f"{url.host} was asked for without encryption; nothing was sent.")
    return url


def resolve_link(request_url: str, link: str) -> str:
    """Return `link` as it is written, or resolved where it is relative (RFC 3986, 5.2).

    `request_url` is where the document with the link was requested.
    Raises: BadResponse for a link that can't be resolved.
    """
    if _ABSOLUTE.match(link):
        return link
    try:
        return urljoin(request_url, link)
    except ValueError:
        raise BadResponse("A link has no host that can be read; it was not followed.") from None


def resolve_portal_url(
    base: str, path_or_url: str, params: Sequence[tuple[str, str]] = ()
) -> httpx.URL:
    """Return the URL of `path_or_url` with `params` as its query; it is below `base`.

    A relative path is appended to the base; an absolute URL is kept as it is written.
    Raises: WrongHost if the URL is not below the base, BadResponse if it is no URL.
    """
    text = path_or_url if _ABSOLUTE.match(path_or_url) else _append_path(base, path_or_url)
    if params:
        query = urlencode(params, quote_via=quote)
        text += ("&" if "?" in text else "?") + query
    url = parse_safe_url(text)
    base_url = parse_safe_url(base)
    if _get_origin(url) != _get_origin(base_url):
        raise WrongHost(
            f"A request for {format_origin(base_url)} was about to leave for "
            f"{format_origin(url)}; it was not sent.",
            hint="The portal's links must point to the address that the profile names.",
        )
    if url.userinfo or not _is_below(_get_path(url), _get_path(base_url).rstrip("/")):
        raise WrongHost(
            f"A link leads out of the portal's own address at {base_url.host}; it was not followed."
        )
    return url


def read_local_reference(reference: str, base: str) -> str | None:
    """Return a FHIR reference as `Type/id`; None for one that is not to a record below `base`.

    It may be relative or absolute, and name a version.
    """
    path = reference
    if _ABSOLUTE.match(reference):
        try:
            url = resolve_portal_url(base, reference)
        except GpcliError:
            return None
        path = _get_path(url).removeprefix(f"{_get_path(parse_safe_url(base)).rstrip('/')}/")
    match = _REFERENCE.fullmatch(path)
    return match["record"] if match else None


def _append_path(base: str, path: str) -> str:
    path = path.lstrip("/")
    if not path:
        return base
    return f"{base}{path}" if path.startswith("?") else f"{base.rstrip('/')}/{path}"


def _get_origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or {"https": 443, "http": 80}[url.scheme]


def _get_path(url: httpx.URL) -> str:
    return url.raw_path.decode("ascii").partition("?")[0]


def format_origin(url: httpx.URL | str) -> str:
    """Return scheme, host and port of a URL that `parse_safe_url` can parse."""
    scheme, host, port = _get_origin(httpx.URL(url))
    return f"{scheme}://{host}:{port}"


def _is_below(path: str, base_path: str) -> bool:
    if path != base_path and not path.startswith(f"{base_path}/"):
        return False
    segments = _unquote_all(path).replace("\\", "/").split("/")
    return not any(segment.partition(";")[0] in {".", ".."} for segment in segments)


def _unquote_all(path: str) -> str:
    """Return a path without percent-encoding, however often it was encoded.

    Servers behind one another may each decode it once.
    """
    while (decoded := unquote(path)) != path:
        path = decoded
    return path
