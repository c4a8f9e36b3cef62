"""Links by which a portal, or who has got into one, would have the token sent elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from bench.front import Answered, Asked, Bend

Trick = Callable[[str], Bend]
"""Takes a link and returns how answers are bent so that they lead there."""

_RELATIVE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]+(?:/_history/\d+)?")


def list_links(base: str, second: str) -> tuple[str, ...]:
    """Return the links to try: `base` is the portal's FHIR base, `second` another server."""
    portal, other = urlsplit(base), urlsplit(second)
    here, port, path = portal.netloc, portal.port, portal.path
    there, where = other.netloc, other.port
    record = f"{path}/Patient/ada"
    hosts = (
        *("localhost", "127.0.0.2", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]"),
        *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "127.0.0.1.", "127.0.0.1.evil.test", "0"),
        *("\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "evil.test", "xn--n3h.test"),
        *("127.0.0.1%00.evil.test", "127.0.0.1%2f@evil.test", "[::1%25lo]", "b\u00fccher.test"),
    )
    return (
        *(f"http://{host}:{port}{record}" for host in hosts),
        *(f"http://{host}:{where}{record}" for host in ("127.0.0.1", "localhost", "[::1]")),
        *(f"http://127.0.0.1{tail}{record}" for tail in ("", ":", ":0", ":80", ":443", ":65536")),
        f"http://127.0.0.1:{int(port or 0) + 65536}{record}",
        *(f"{scheme}://{here}{record}" for scheme in ("https", "ftp", "file", "ws", "gopher")),
        *(f"{scheme}:{record}" for scheme in ("javascript", "data", "file", "http", "https")),
        *(f"{lead}{there}{record}" for lead in ("//", "///", "\\\\", "/\\", "http:/", "http:///")),
        *(f"{lead}http://{there}{record}" for lead in (" ", "\t", "\n", "\x00", "URL:", "url=")),
        *(f"http://{user}{there}{record}" for user in (f"{here}@", "ada:pw@", f"{here}\\@")),
        *(f"http://{user}{here}{record}" for user in ("ada@", "ada:pw@", f"{there}\\@", "@", ":@")),
        *(f"http://{there}{mark}@{here}{record}" for mark in ("#", "?", "/", "%40", "%23", ";")),
        *(
            f"http://{here}{cut}{there}{record}"
            for cut in ("@", "%40", "#@", "\\@", "\t@", "\r\n@")
        ),
        f"http://{there}\r\nHost: {here}\r\n\r\n{record}",
        *(f"http://{here}{tail}" for tail in _list_paths(path)),
        *(f"{scheme}://{here}{record}" for scheme in ("HTTP", "hTTp")),
        *_list_paths(path),
        *(f"Patient/ada{tail}" for tail in (f"@{there}", f"#http://{there}", "/../../../../token")),
        f"{base}?next={second}/fhir/R4/Patient",
        second,
        f"{second}/",
        "",
        "http://",
        "http://[",
        "http://[::1",
        f"http://{'a' * 300}.test/",
    )


def _list_paths(path: str) -> Iterator[str]:
    """Yield paths that begin as the portal's, or look as if they did, and lead out of it."""
    out = ("..", "%2e%2e", ".%2e", "%2E.", "%252e%252e", "..;", "..%2f..", "..%5c..", "..\\..")
    yield from (f"{path}/{up}/{up}/token" for up in out)
    yield from (f"{path}/Patient/{up}/{up}/{up}/token" for up in out[:3])
    yield from (
        f"{path}{tail}" for tail in ("x", "evil/Patient", ".test/Patient", "%2f..%2f..%2fx")
    )
    yield from ("/other/Patient", "/", "/token", "/fhir", "/fhir/", "/fhir/r4/Patient", "//fhir/R4")
    yield from (f"/{path}/Patient", f"{path}//..//../token", f"{path}/./../token", f"{path}\\..\\x")


def _redirect(status: int, late: int) -> Trick:
    """Answer with a redirect, after `late` honest answers."""

    def build(link: str) -> Bend:
        count = iter(range(10**9))

        def bend(asked: Asked, ask: Callable[[], Answered]) -> Answered:
            if next(count) < late:
                return ask()
            return Answered(status, (("Location", _as_header(link)),), b"")

        return bend

    return build


def _change_json(change: Callable[[Any, str], Any]) -> Trick:
    """Answer honestly, with each object in the JSON as `change` makes it."""

    def build(link: str) -> Bend:
        def walk(value: Any) -> Any:
            if isinstance(value, list):
                return [walk(each) for each in value]
            if isinstance(value, dict):
                return change({name: walk(each) for name, each in value.items()}, link)
            return value

        def bend(asked: Asked, ask: Callable[[], Answered]) -> Answered:
            answer = ask()
            body = answer.read_json()
            bent = walk(body)
            return answer if bent == body else answer.with_json(bent)

        return bend

    return build


def _link_next(value: dict[str, Any], link: str) -> dict[str, Any]:
    if value.get("resourceType") != "Bundle":
        return value
    links = [{"relation": name, "url": link} for name in ("next", "self", "first", "last")]
    return value | {"link": links}


def _point_references(value: dict[str, Any], link: str) -> dict[str, Any]:
    written = value.get("reference")
    if not (isinstance(written, str) and _RELATIVE.fullmatch(written)):
        return value
    return value | {"reference": f"{link.rstrip('/')}/{written}"}


def _point_files(value: dict[str, Any], link: str) -> dict[str, Any]:
    names = {"url", "contentType"} & value.keys()
    kept = {name: each for name, each in value.items() if name != "data"}
    return kept | {"url": link, "contentType": "text/plain"} if names else value


def _point_entries(value: dict[str, Any], link: str) -> dict[str, Any]:
    if "resource" not in value:
        return value
    record = value["resource"]
    where = f"{link.rstrip('/')}/{record.get('resourceType')}/{record.get('id')}"
    response = value.get("response")
    told = {"response": response | {"location": link}} if isinstance(response, dict) else {}
    return value | {"fullUrl": where} | told


def _point_addresses(value: dict[str, Any], link: str) -> dict[str, Any]:
    """Change addresses that describe the portal itself, but for those of its sign-in."""
    names = {"implementation", "valueUri", "instantiates", "issuer", "management_endpoint"}
    return {
        name: link if name in names and isinstance(each, str) else each
        for name, each in value.items()
    } | ({"implementation": {"url": link, "description": "x"}} if "fhirVersion" in value else {})


def _send_headers(status: int | None) -> Trick:
    """Answer honestly, or with a status that points elsewhere, and with every header that can."""

    def build(link: str) -> Bend:
        value = _as_header(link)
        headers = (
            *((name, value) for name in ("Location", "Content-Location", "Content-Base", "URI")),
            ("Link", f'<{value}>; rel="next"'),
            ("Refresh", f"0; url={value}"),
            ("Alt-Svc", 'h2="evil.test:443"; ma=60'),
            ("WWW-Authenticate", f'Bearer realm="x", resource_metadata="{value}"'),
            ("Set-Cookie", "a=b; Domain=.test; Path=/"),
            ("Retry-After", "0"),
        )

        def bend(asked: Asked, ask: Callable[[], Answered]) -> Answered:
            if status is not None:
                return Answered(status, headers, b"")
            answer = ask()
            return replace(answer, headers=(*answer.headers, *headers))

        return bend

    return build


def _as_header(link: str) -> str:
    """Return `link` as a header's value can hold it."""
    return re.sub(r"[\r\n\x00]", "", link).encode("utf-8", "replace").decode("latin-1")


TRICKS: dict[str, Trick] = {
    **{f"redirect {code}": _redirect(code, 0) for code in (300, 301, 302, 303, 305, 307, 308)},
    "redirect 302 later": _redirect(302, 2),
    "redirect 307 later": _redirect(307, 1),
    "next link": _change_json(_link_next),
    "references": _change_json(_point_references),
    "files": _change_json(_point_files),
    "full URLs": _change_json(_point_entries),
    "the portal's own addresses": _change_json(_point_addresses),
    "headers": _send_headers(None),
    "created elsewhere": _send_headers(201),
    "accepted, look there": _send_headers(202),
    "unauthorized": _send_headers(401),
    "unavailable": _send_headers(503),
}
"""Ways to lead a client elsewhere, by name."""
