"""Responses of a portal that is broken or means harm, each a way to bend an honest one."""

from __future__ import annotations

import copy
import gzip
import json
import random
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from bench.front import Answered, Asked, Bend, Fault
from bench.hostile_wire import CHUNKED, WIRE, Answering, flood, pack_blanks, write_pieces

_FHIR = (("Content-Type", "application/fhir+json"),)
_MEGABYTE = 1024 * 1024
_MOST = 15 * _MEGABYTE
"""Bytes that gpcli still takes in one response."""

_VALUES = 390_000
"""Values that gpcli still takes in one response."""


_NOBODY = Asked("GET", "/", {}, b"")


def bend_from(answering: Answering, late: int) -> Bend:
    """Return the bend that answers honestly `late` times, and as `answering` does from then on.

    The page of the sign-in is always honest: it is the browser's, not gpcli's.
    """
    count = iter(range(10**9))
    answering(_NOBODY, Answered(200, (), b"{}"))  # so that it is built before it is waited for

    def bend(asked: Asked, ask: Callable[[], Answered]) -> Answered | Fault:
        honest = ask()
        if asked.target.startswith("/authorize") or next(count) < late:
            return honest
        return answering(asked, honest)

    return bend


def _body(content: bytes, status: int = 200, kind: str = "application/fhir+json") -> Answering:
    answer = Answered(status, (("Content-Type", kind),), content)
    return lambda asked, honest: answer


def _status(status: int, *headers: tuple[str, str], body: bytes = b"") -> Answering:
    return lambda asked, honest: Answered(status, (*_FHIR, *headers), body)


def _outcome(status: int, text: str) -> Answering:
    issue = {"severity": "error", "code": "processing", "diagnostics": text}
    outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
    return _body(json.dumps(outcome, ensure_ascii=False).encode(), status)


def _json(change: Callable[[Any], Any]) -> Answering:
    """Answer with other JSON than the honest one; as it is where that has none."""

    def answer(asked: Asked, honest: Answered) -> Answered:
        value = honest.read_json()
        return honest if value is None else honest.with_json(change(value))

    return answer


def _text(change: Callable[[str], str]) -> Answering:
    """Answer with other text than the honest one."""
    return lambda asked, honest: replace(honest, body=change(honest.body.decode()).encode())


def _raw(change: Callable[[bytes], bytes], *headers: tuple[str, str]) -> Answering:
    """Answer with other bytes and with more headers."""
    return lambda asked, honest: replace(
        honest, body=change(honest.body), headers=(*honest.headers, *headers)
    )


def _bundle(**members: Any) -> Callable[[Any], Any]:
    """Change bundles at any depth."""

    def change(value: Any) -> Any:
        if isinstance(value, list):
            return [change(each) for each in value]
        if not isinstance(value, dict):
            return value
        changed = {name: change(each) for name, each in value.items()}
        return changed | members if value.get("resourceType") == "Bundle" else changed

    return change


def _add_to_records(value: Any, **members: Any) -> Any:
    """Add members to the first record of an answer that is no bundle."""
    if isinstance(value, dict) and value.get("resourceType", "Bundle") != "Bundle":
        return value | members
    for entry in value.get("entry", [])[:1] if isinstance(value, dict) else ():
        entry["resource"] = _add_to_records(entry.get("resource"), **members)
    return value


def _link_to_itself(asked: Asked, honest: Answered) -> Answered:
    link = [{"relation": "next", "url": f"http://{asked.headers.get('Host')}{asked.target}"}]
    value = honest.read_json()
    return honest if value is None else honest.with_json(_bundle(link=link)(value))


def _endless_pages(size: int) -> Answering:
    """Answer each request with a page of new records and a link to another page."""

    def answer(asked: Asked, honest: Answered) -> Answered:
        number = random.randrange(10**12)
        page = f"http://{asked.headers.get('Host')}/fhir/R4/Slot?page={number}"
        value = honest.read_json()
        if not (isinstance(value, dict) and value.get("resourceType") == "Bundle"):
            return honest
        kind = re.search(r"/([A-Z][a-z]+)", asked.target)
        record = {
            "resourceType": kind[1] if kind else "Basic",
            "id": f"r-{number}",
            "text": {"status": "generated", "div": "x" * size},
        }
        link = [{"relation": "next", "url": page}]
        entries = [{"resource": record, "search": {"mode": "match"}}]
        single = {"resourceType": "Bundle", "type": "searchset", "link": link, "entry": entries}
        if value.get("type") != "batch-response":
            return honest.with_json(single)
        responses = [
            {"resource": single, "response": {"status": "200"}} for _ in value.get("entry", [])
        ]
        return honest.with_json(value | {"entry": responses})

    return answer


_OTHER_TYPES: tuple[Any, ...] = (None, 5, "x", "", [], {}, [None], {"x": 1})
_WRONG: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 3.5, 10**30, "", " ", "x", "\x00", "\u202e", "9999-99-99", [], {}),
    *(
        [None],
        [[]],
        {"x": 1},
        ["a", 1],
        {"reference": 5},
        {"resourceType": "Patient"},
        "a/b",
        "../",
    ),
    *(
        {"coding": "x"},
        [{"coding": [None]}],
        "2027-13-45T99:99:99Z",
        "0000-00-00",
        "P1D",
        "http://[",
    ),
    *("24:00", "9" * 4000, "99999-01-01T00:00:00+99:99", {"extension": [{"url": 1}]}),
)


def _mutate(seed: int, changes: int, wrong: Sequence[Any] = _WRONG) -> Answering:
    """Put wrong values in places of the honest JSON, the same for a seed."""

    def change(value: Any) -> Any:
        draw = random.Random(seed)
        for _ in range(changes):
            nodes = [*_list_nodes(value)]
            if nodes:
                container, key, _path = draw.choice(nodes)
                container[key] = copy.deepcopy(draw.choice(wrong))
        return value

    return _json(change)


def _spoil_element(seed: int) -> Answering:
    """Put one wrong value wherever one element of the records stands, the same for a seed."""

    def change(value: Any) -> Any:
        nodes = [*_list_nodes(value)]
        draw = random.Random(f"{seed} of {len(nodes)}")
        chosen = draw.choice(sorted({path for _, _, path in nodes}) or [""])
        wrong = draw.choice(_OTHER_TYPES)
        for container, key, path in nodes:
            if path == chosen:
                container[key] = copy.deepcopy(wrong)
        return value

    return _json(change)


def _list_nodes(value: Any, path: str = "") -> Iterator[tuple[Any, Any, str]]:
    """Yield each place in JSON: the object or array, the key, and its path in its record."""
    if isinstance(value, dict) and isinstance(value.get("resourceType"), str):
        path = value["resourceType"]
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in [*pairs]:
        below = f"{path}.{key}" if isinstance(value, dict) else path
        yield value, key, below
        if isinstance(each, dict | list):
            yield from _list_nodes(each, below)


_BLOCK = b"x" * 65536
_HEADERS = b"X: y\r\n" * 9999
_JSON = json.dumps({"resourceType": "Bundle", "type": "searchset"}).encode()
_PACKED = (("Content-Encoding", "gzip"),)


def _list_bodies() -> dict[str, Answering]:
    return {
        "empty body": _body(b""),
        "web page": _body(b"<!DOCTYPE html><title>Sign in</title>", kind="text/html"),
        "web page as JSON": _body(b"<!DOCTYPE html><title>Sign in</title>"),
        "web page, 502": _body(b"<html>Bad gateway</html>", 502, "text/html"),
        "XML": _body(b'<Bundle xmlns="http://hl7.org/fhir"/>', kind="application/fhir+xml"),
        "plain words": _body(b"Maintenance until noon", kind="text/plain"),
        "no media type": lambda asked, honest: replace(honest, headers=()),
        "JSON as a picture": lambda asked, honest: replace(
            honest, headers=(("Content-Type", "image/png"),)
        ),
        "truncated JSON": _raw(lambda body: body[: len(body) * 2 // 3]),
        "two values": _raw(lambda body: body + body),
        "JSON with a BOM": _raw(lambda body: b"\xef\xbb\xbf" + body),
        "NUL at the end": _raw(lambda body: body + b"\0"),
        "UTF-16": _text_as("utf-16"),
        "UTF-32": _text_as("utf-32"),
        "Latin-1": _body('{"resourceType": "Bundle", "type": "\xe6\xf8"}'.encode("latin-1")),
        "lone surrogate": _text(lambda text: text.replace('": "', '": "\\ud800', 3)),
        "NaN": _text(lambda text: re.sub(r'"status": ?"[^"]*"', '"status": NaN', text)),
        "Infinity": _body(b'{"resourceType": "Bundle", "total": -Infinity}'),
        "1e999": _body(b'{"resourceType": "Bundle", "total": 1e999}'),
        "1e-99999999": _body(b'{"resourceType": "Bundle", "total": 1e-99999999}'),
        "5,000 digits": _body(b'{"resourceType": "Bundle", "total": ' + b"9" * 5000 + b"}"),
        "duplicate keys": _text(lambda text: text.replace("{", '{"id": "a", "id": "b",', 1)),
        "depth of arrays": _body(b"[" * 10**5 + b"]" * 10**5),
        "depth of objects": _body(b'{"a":' * 10**5 + b"1" + b"}" * 10**5),
        "depth 99": _json(lambda value: _wrap(value, 60)),
        "a bare null": _body(b"null"),
        "a bare number": _body(b"5"),
        "a bare word": _body(b'"x"'),
        "an array": _body(b"[]"),
        "an empty object": _body(b"{}"),
        "another record": _body(b'{"resourceType": "Basic", "id": "x"}'),
        "an unknown type": _body(b'{"resourceType": "Nonsense\\u001b[2J", "id": "x"}'),
        "a type that is a number": _body(b'{"resourceType": 7}'),
        "null entries": _json(_bundle(entry=[None, None])),
        "empty entries": _json(_bundle(entry=[{}, {"resource": {}}])),
        "entries that are words": _json(_bundle(entry="x")),
        "no entries": _json(_bundle(entry=[])),
        "an outcome, 200": _outcome(200, "no"),
        "a bundle that links to itself": _link_to_itself,
        "a next page elsewhere": _json(
            _bundle(link=[{"relation": "next", "url": "https://evil.test/fhir"}])
        ),
        "links that are no links": _json(_bundle(link=[None, {"relation": "next", "url": 5}])),
        **{f"{n} wrong types, {seed}": _mutate(seed, n) for n in (3, 30) for seed in range(10)},
        **{f"a wrong element, {seed}": _spoil_element(seed) for seed in range(100)},
        **{f"a text of 2 MB, {seed}": _mutate(seed, 1, ["x" * 2**21]) for seed in range(10)},
    }


def _list_packed() -> dict[str, Answering]:
    packed = gzip.compress(_JSON)
    return {
        "gzip that is none": _raw(lambda body: body, *_PACKED),
        "gzip that breaks off": _body_packed(packed[:-9]),
        "gzip that goes on": _body_packed(packed + packed),
        "gzip twice": _body_packed(gzip.compress(packed)),
        "another packing": _raw(lambda body: body, ("Content-Encoding", "br")),
        "a chain of packings": _raw(lambda body: body, ("Content-Encoding", "gzip, gzip")),
    }


def _text_as(encoding: str) -> Answering:
    return _raw(lambda body: body.decode().encode(encoding))


def _body_packed(content: bytes, status: int = 200) -> Answering:
    return lambda asked, honest: Answered(status, (*_FHIR, *_PACKED), content)


def _wrap(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = {"extension": [value]}
    return value


def _lazy(build: Callable[[], Answering]) -> Answering:
    """Build an answer that takes long to build when it is first given."""
    built = lru_cache(1)(build)
    return lambda asked, honest: built()(asked, honest)


def _lazy_body(build: Callable[[], bytes], status: int = 200) -> Answering:
    return _lazy(lambda: _body(build(), status))


def _array(item: bytes, count: int) -> bytes:
    return b"[" + b",".join([item] * count) + b"]"


BIG: dict[str, Answering] = {
    "gzip bomb": _lazy(lambda: _body_packed(pack_blanks(400))),
    "gzip bomb, 500": _lazy(lambda: _body_packed(pack_blanks(400), 500)),
    "gzip bomb within the limit": _lazy(lambda: _body_packed(pack_blanks(15))),
    "deflate bomb": _raw(
        lambda _: zlib.compress(b" " * 100 * _MEGABYTE, 9), ("Content-Encoding", "deflate")
    ),
    "endless body": write_pieces(lambda _: flood(b'HTTP/1.1 200 OK\r\n\r\n{"a": "', _BLOCK)),
    "endless chunks": write_pieces(
        lambda _: flood(CHUNKED + b"\r\n\r\n", b"10000\r\n" + _BLOCK + b"\r\n")
    ),
    "15 MB of text in an outcome, 400": _lazy(lambda: _outcome(400, "x" * _MOST)),
    "15 MB of text in an outcome, 200": _lazy(lambda: _outcome(200, "x" * _MOST)),
    "15 MB of words in an outcome, 500": _lazy(lambda: _outcome(500, "two words " * (_MOST // 10))),
    "15 MB of escapes in an outcome, 403": _lazy(lambda: _outcome(403, "\x1b" * (_MOST // 6))),
    "15 MB of emoji in an outcome, 422": _lazy(lambda: _outcome(422, "\U0001f600" * (_MOST // 4))),
    "15 MB of lines in an outcome, 409": _lazy(lambda: _outcome(409, "a\n" * (_MOST // 3))),
    "15 MB of emoji": _lazy_body(lambda: ('{"a": "' + "\U0001f600" * (_MOST // 4) + '"}').encode()),
    "15 MB and one emoji": _lazy_body(lambda: ('{"a": "' + "x" * _MOST + '\U0001f600"}').encode()),
    "15 MB of web page, 500": _lazy_body(lambda: b"<p>" * (_MOST // 3), 500),
    "390,000 keys": _lazy_body(lambda: json.dumps({f"key{n}": n for n in range(_VALUES)}).encode()),
    "390,000 short keys": _lazy_body(
        lambda: b"{" + b",".join(b'"%x":0' % n for n in range(_VALUES)) + b"}"
    ),
    "390,000 numbers": _lazy_body(lambda: json.dumps([*range(10**6, 10**6 + _VALUES)]).encode()),
    "390,000 fractions": _lazy_body(lambda: _array(b"1.5", _VALUES)),
    "190,000 empty objects": _lazy_body(lambda: _array(b"{}", _VALUES // 2)),
    "130,000 small objects": _lazy_body(lambda: _array(b'{"a": [1]}', _VALUES // 3)),
    "190,000 issues": _lazy_body(
        lambda: (
            b'{"resourceType": "OperationOutcome", "issue": %b}'
            % _array(b'{"code": "x"}', _VALUES // 2)
        ),
        422,
    ),
    "60,000 entries": _json(
        lambda value: _bundle(entry=[{"resource": {"resourceType": "Slot"}}] * 60_000)(value)
    ),
    "90,000 links": _json(
        lambda value: _bundle(link=[{"relation": "x", "url": "y"}] * 90_000)(value)
    ),
    "3,000 numbers of 4,000 digits": _lazy_body(lambda: _array(b"9" * 4000, 3000)),
    "3,000 fractions of 4,000 digits": _lazy_body(lambda: _array(b"0." + b"9" * 4000, 3000)),
    "10 MB of narrative in every answer": _json(
        lambda value: _add_to_records(value, text={"status": "generated", "div": "x" * 10_000_000})
    ),
    "10 MB of a picture in every answer": _json(
        lambda value: _add_to_records(value, photo=[{"data": "A" * 10_000_000}])
    ),
    "10 MB of an attachment in every answer": _json(
        lambda value: _add_to_records(
            value, payload=[{"contentAttachment": {"title": "a", "data": "A" * 10_000_000}}]
        )
    ),
    "10 MB of names in every answer": _json(
        lambda value: _add_to_records(value, name=[{"text": "x" * 10_000_000}])
    ),
    "10 names of 1 MB in every answer": _json(
        lambda value: _add_to_records(value, name=[{"text": "x" * 1_000_000}] * 10)
    ),
    "60,000 codes in every answer": _json(
        lambda value: _add_to_records(value, code={"coding": [{"code": "x"}] * 60_000})
    ),
    "15 MB in every file": lambda asked, honest: (
        replace(honest, body=b"x" * _MOST) if "/Binary/" in asked.target else honest
    ),
    "endless pages": _endless_pages(10),
    "endless pages of 9 MB": _endless_pages(9 * _MEGABYTE),
    "a header of 20 MB": write_pieces(lambda _: flood(b"HTTP/1.1 200 OK\r\nX: ", _BLOCK, 320)),
    "20 MB of headers": write_pieces(lambda _: flood(b"HTTP/1.1 200 OK\r\n", _HEADERS, 320)),
    "a status line of 20 MB": write_pieces(lambda _: flood(b"HTTP/1.1 200 ", _BLOCK, 320)),
    "100 Continue for ever": write_pieces(
        lambda _: flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2000)
    ),
    "an extension of 20 MB": write_pieces(lambda _: flood(CHUNKED + b"\r\n\r\n5;", _BLOCK, 320)),
    "20 MB of trailers": write_pieces(
        lambda _: flood(CHUNKED + b"\r\n\r\n2\r\n{}\r\n0\r\n", _HEADERS, 320)
    ),
}
"""Responses that could fill the memory, by name."""


def _list_statuses() -> dict[str, Answering]:
    plain = (*range(201, 207), 208, 226, 304, *range(400, 432), 451, *range(500, 512), 599)
    loop = ("Location", "/fhir/R4/Patient")
    return {
        **{f"status {status}": _status(status) for status in plain},
        **{f"redirect {status} for ever": _status(status, loop) for status in range(300, 309)},
        "status 200 and nothing": _status(200),
        "401 with a challenge": _status(401, ("WWW-Authenticate", 'Bearer error="invalid_token"')),
        **{
            f"429, Retry-After: {after}": _status(429, ("Retry-After", after))
            for after in (
                *("0", "1000000000", "-5", "x", "1e9", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"),
                *("Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 99 Foo 99999 00:00:00 GMT", "\xb2", ""),
            )
        },
        "503, Retry-After: 0": _status(503, ("Retry-After", "0")),
        **{f"outcome, {status}": _outcome(status, "no") for status in (400, 409, 412, 422, 500)},
        "outcome of nulls": _body(b'{"resourceType": "OperationOutcome", "issue": [null]}', 422),
        "outcome without issues": _body(b'{"resourceType": "OperationOutcome"}', 422),
        "outcome of wrong types": _body(
            b'{"resourceType": "OperationOutcome", "issue": [{"code": 5, "details": "x"}]}', 422
        ),
        "OAuth error": _body(b'{"error": "invalid_grant", "error_description": "no"}', 400),
        "OAuth error of wrong types": _body(b'{"error": 5, "error_description": ["x"]}', 400),
    }


RESPONSES = {**_list_bodies(), **_list_packed(), **_list_statuses(), **WIRE, **BIG}
"""Every hostile response, by name."""
