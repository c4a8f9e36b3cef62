"""A front before a FHIR server that lets through only what its own statement lists."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.contract.practice import Resource
from tests.real.fronts import serve

BASE = "/fhir"
JSON = "application/fhir+json"
_PASSED_ON = ("Authorization", "Content-Type", "If-Match", "If-None-Exist", "X-Request-ID")
_PASSED_BACK = ("ETag", "Location", "Content-Location", "Last-Modified")
_BY_METHOD = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True)
class Asked:
    """One request, or one entry of a batch; `path` begins after the base."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def parts(self) -> list[str]:
        return [each for each in urlsplit(self.path).path.split("/") if each]

    @property
    def params(self) -> list[tuple[str, str]]:
        written = urlsplit(self.path).query
        form = self.body.decode() if self.path.endswith("/_search") else ""
        return parse_qsl(f"{written}&{form}", keep_blank_values=True)


@dataclass(frozen=True)
class Answer:
    """The status, the body and the headers that matter."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


Refusal = tuple[int, str]
"""The status, and what was refused."""
Rule = Callable[[Asked], Refusal | None]


class Listed:
    """Refuses whatever a CapabilityStatement does not list: types, interactions, parameters."""

    def __init__(self, statement: Resource) -> None:
        rests = statement["rest"]
        self._types = {each["type"]: each for rest in rests for each in rest.get("resource", ())}
        self._whole = {each["code"] for rest in rests for each in rest.get("interaction", ())}

    def __call__(self, asked: Asked) -> Refusal | None:
        if not asked.parts:
            kind = str(json.loads(asked.body)["type"])
            return None if kind in self._whole else (405, kind)
        type_, *rest = asked.parts
        listed = self._types.get(type_)
        if listed is None:
            return 404, type_
        return self._refuse_operation(listed, rest) or self._refuse_interaction(listed, asked)

    def _refuse_operation(self, listed: Resource, rest: Sequence[str]) -> Refusal | None:
        names = {f"${each['name']}" for each in listed.get("operation", ())}
        unknown = [each for each in rest if each.startswith("$") and each not in names]
        return (404, f"{listed['type']}/{unknown[0]}") if unknown else None

    def _refuse_interaction(self, listed: Resource, asked: Asked) -> Refusal | None:
        if any(each.startswith("$") for each in asked.parts):
            return None
        is_search = asked.parts[1:] in ([], ["_search"]) and asked.method == "GET"
        is_search |= asked.parts[1:] == ["_search"]
        read = "search-type" if is_search else "read"
        code = read if is_search or asked.method == "GET" else _BY_METHOD[asked.method]
        if code not in {each["code"] for each in listed.get("interaction", ())}:
            return 405, f"{listed['type']} {code}"
        return self._refuse_params(listed, asked) if is_search else None

    def _refuse_params(self, listed: Resource, asked: Asked) -> Refusal | None:
        names = {each["name"] for each in listed.get("searchParam", ())}
        for name, value in asked.params:
            plain = name.partition(":")[0]
            values = {"_include": "searchInclude", "_revinclude": "searchRevInclude"}.get(plain)
            known = listed.get(values, ()) if values else names
            wanted = value if values else plain
            if wanted not in known and "*" not in known:
                return 400, f"{listed['type']}?{name}" + (f"={value}" if values else "")
        return None


def refuse_nothing(_: Asked) -> Refusal | None:
    """The rule of a server that takes whatever comes."""
    return None


class StrictFront(ThreadingHTTPServer):
    """Hands on to the FHIR base `behind` what `rule` lets through, and keeps what it refuses.

    It answers `metadata` with `statement`, if there is one. `heed` says which path is asked for
    in the place of another. `more` are records of types that the server behind does not have.
    """

    def __init__(
        self,
        behind: str,
        statement: Resource | None = None,
        rule: Rule = refuse_nothing,
        heed: Callable[[str], str] = str,
        more: Mapping[str, Sequence[Resource]] = {},
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Strict)
        self.behind = behind
        self._statement = statement
        self._rule = rule
        self._heed = heed
        self._more = more
        self.refused: list[str] = []

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{BASE}"

    def server_bind(self) -> None:
        """Bind without looking up a name."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def answer(self, asked: Asked) -> Answer:
        """The answer to one request, of ours or of the server behind."""
        if asked.path.startswith("/metadata") and self._statement:
            return _told(200, self._statement)
        if asked.path.startswith("/.well-known/"):
            return _told(404, _outcome("there is none"))
        if refused := self._rule(asked):
            status, what = refused
            self.refused.append(f"{asked.method} {what}: {status}")
            return _told(status, _outcome(f"Not supported: {what}"))
        if asked.parts and asked.parts[0] in self._more:
            return _told(200, _searchset(self._more[asked.parts[0]]))
        if not asked.parts and json.loads(asked.body)["type"] == "batch":
            return self._answer_each(asked)
        return self._hand_on(asked)

    def _answer_each(self, batch: Asked) -> Answer:
        """The answer to a batch, whose entries are asked for one after the other."""
        entries = [self._answer_entry(each, batch) for each in json.loads(batch.body)["entry"]]
        return _told(200, {"resourceType": "Bundle", "type": "batch-response", "entry": entries})

    def _answer_entry(self, entry: Resource, batch: Asked) -> Resource:
        request = entry["request"]
        conditions = {"If-None-Exist": "ifNoneExist", "If-Match": "ifMatch"}
        more = {name: request[key] for name, key in conditions.items() if key in request}
        headers = {**batch.headers, **more}
        body = json.dumps(entry["resource"]).encode() if "resource" in entry else b""
        answer = self.answer(Asked(request["method"], f"/{request['url']}", headers, body))
        response: Resource = {"status": str(answer.status)}
        for name, key in (("Location", "location"), ("ETag", "etag")):
            response |= {key: answer.headers[name]} if name in answer.headers else {}
        resource = json.loads(answer.body) if answer.body else None
        if answer.status >= 400:
            return {"response": {**response, "outcome": resource}}
        return {"resource": resource, "response": response}

    def _hand_on(self, asked: Asked) -> Answer:
        there = urlsplit(self.behind)
        path = f"{there.path}{self._heed(asked.path)}".rstrip("/")
        theirs = self.behind
        connection = http.client.HTTPConnection(there.netloc, timeout=60)
        headers = {name: asked.headers[name] for name in _PASSED_ON if name in asked.headers}
        body = asked.body.replace(self.base.encode(), theirs.encode())
        connection.request(asked.method, path, body or None, {"Accept": JSON, **headers})
        answer = connection.getresponse()
        told = answer.read().replace(theirs.encode(), self.base.encode())
        connection.close()
        back = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
        return Answer(
            answer.status, told, {k: v.replace(theirs, self.base) for k, v in back.items()}
        )


class _Strict(BaseHTTPRequestHandler):
    server: StrictFront
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: self.headers[name] for name in _PASSED_ON if name in self.headers}
        path = self.path.removeprefix(BASE) or "/"
        answer = self.server.answer(Asked(self.command, path, headers, body))
        self.send_response(answer.status)
        self.send_header("Content-Type", JSON)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def do_PATCH(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def strict_front(behind: str, *args: Any, **options: Any) -> Iterator[StrictFront]:
    """A front that serves; what it takes is as `StrictFront` says."""
    with serve(StrictFront(behind, *args, **options)) as front:
        yield front


def _told(status: int, resource: Resource) -> Answer:
    return Answer(status, json.dumps(resource).encode())


def _searchset(found: Sequence[Resource]) -> Resource:
    entries = [{"resource": each, "search": {"mode": "match"}} for each in found]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries}


def _outcome(text: str) -> Resource:
    issue = {"severity": "error", "code": "not-supported", "diagnostics": text}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
