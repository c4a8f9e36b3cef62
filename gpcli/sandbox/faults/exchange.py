"""A request taken apart for faults, and its answer: by the entries of a Bundle, if it is one.

What a fault changes is written back into the request or the answer.
"""

import io
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Request, Response

from gpcli.sandbox.faults import kinds
from gpcli.sandbox.faults.acted_on import find_interaction, is_acted_on
from gpcli.sandbox.faults.kinds import BUNDLES
from gpcli.sandbox.fhir.elements import Resource
from gpcli.sandbox.fhir.operation_outcome import FhirError

FHIR_ROOT = "/fhir/R4"
_CONDITION_HEADERS = {"ifNoneExist": "If-None-Exist", "ifMatch": "If-Match"}
"""The conditions of a request: their names in a Bundle's entry, and as headers."""


@dataclass
class Target:
    """What a rule can match: a request as a whole, or one entry of its Bundle at `position`.

    `interaction` is `read`, `search`, `create`, `update`, `delete`, `operation`, `bundle` (with a
    write among its entries) or `other`. `conditions` are by their names in an entry. Whoever
    changes `query`, `conditions` or `resource` does so for the portal.
    """

    method: str
    path: str
    interaction: str
    query: list[tuple[str, str]]
    conditions: dict[str, str]
    resource: Any
    position: int | None = None

    def is_acted_on(self, on: str) -> bool:
        """Return whether faults of kinds that act `on` such interactions act on this one."""
        return is_acted_on(self.interaction, on)


@dataclass
class Part:
    """The part of an answer that belongs to a target; `resource` is None without JSON.

    `is_bundle` = it is the answer to a Bundle as a whole.
    """

    status: int
    has_etag: bool
    resource: Any
    is_bundle: bool = False


@dataclass
class Exchange:
    """A request on its way to the portal: `targets` has the request first, then its entries.

    `answer` is given instead of the portal's, once it is set. `refused` are entries of a batch that
    are refused, by their position. `is_lost` = the connection is to be closed without an answer.
    """

    request: Request
    body: bytes
    bundle: Resource | None
    targets: list[Target]
    answer: Response | None = None
    refused: dict[int, FhirError] = field(default_factory=dict)
    is_lost: bool = False
    is_unsaved: bool = False
    token: str = ""

    @property
    def is_over(self) -> bool:
        """Whether the portal does not get the request any more."""
        return self.is_lost or self.answer is not None

    @property
    def bearer_token(self) -> str:
        """The access token of the request; empty without one."""
        scheme, _, token = self.request.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.casefold() == "bearer" else ""

    def build_environ(self) -> dict[str, Any]:
        """Return the WSGI environment of the request as faults have changed it."""
        environ = dict(self.request.environ)
        whole = self.targets[0]
        environ["QUERY_STRING"] = environ.get("QUERY_STRING", "")
        if not _is_form(self.request) and whole.query != _read_query(self.request, self.body):
            environ["QUERY_STRING"] = urlencode(whole.query)
        for name, header in _CONDITION_HEADERS.items():
            key = f"HTTP_{header.upper().replace('-', '_')}"
            if key in environ and whole.conditions.get(name, "") != environ[key]:
                del environ[key]
        if self.token:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {self.token}"
        set_body(environ, self._build_body())
        return environ

    def _build_body(self) -> bytes:
        whole = self.targets[0]
        if _is_form(self.request):
            kept = whole.query == _read_query(self.request, self.body)
            return self.body if kept else urlencode(whole.query).encode()
        built = whole.resource if self.bundle is None else self._build_bundle(self.bundle)
        is_same = built is None or built == read_json(self.body)
        return self.body if is_same else json.dumps(built).encode()

    def _build_bundle(self, bundle: Resource) -> Resource:
        entries = [
            self._build_entry(bundle["entry"][target.position], target)
            for target in self.targets[1:]
            if target.position is not None and target.position not in self.refused
        ]
        rest = {name: value for name, value in bundle.items() if name != "entry"}
        return rest | ({"entry": entries} if entries else {})

    def _build_entry(self, entry: Resource, target: Target) -> Resource:
        request = {
            name: value
            for name, value in entry["request"].items()
            if name not in _CONDITION_HEADERS or target.conditions.get(name)
        }
        path, _, query = str(request["url"]).partition("?")
        if target.query != parse_qsl(query, keep_blank_values=True):
            request["url"] = f"{path}?{urlencode(target.query)}" if target.query else path
        resource = {} if target.resource is None else {"resource": target.resource}
        return entry | {"request": request} | resource


def read_exchange(environ: dict[str, Any], base: str) -> Exchange:
    """Read a request to its end, and take it apart; `base` is the FHIR base address."""
    request = Request(environ)
    body = request.get_data(cache=True)
    path, is_fhir = relative_path(request.path)
    resource = None if _is_form(request) or not is_fhir else read_json(body)
    conditions = {
        name: request.headers[header]
        for name, header in _CONDITION_HEADERS.items()
        if header in request.headers
    }
    is_bundle = is_fhir and not path and request.method == "POST" and isinstance(resource, dict)
    bundle = resource if is_bundle else None
    whole = Target(
        request.method,
        path if bundle is None else _bundle_word(bundle),
        "other" if is_bundle else find_interaction(request.method, path),
        _read_query(request, body),
        conditions,
        resource,
    )
    entries = _read_entries(bundle, base) if bundle is not None else []
    if any(entry.is_acted_on(kinds.WRITES) for entry in entries):
        whole.interaction = "bundle"
    return Exchange(request, body, bundle if entries else None, [whole, *entries])


def relative_path(path: str) -> tuple[str, bool]:
    """Return a path as rules name it, and whether it is below the FHIR base."""
    is_fhir = path == FHIR_ROOT or path.startswith(f"{FHIR_ROOT}/")
    return (path.removeprefix(FHIR_ROOT) if is_fhir else path).strip("/"), is_fhir


def read_json(body: bytes) -> Any:
    """Return the JSON of a body; None if it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def set_body(environ: dict[str, Any], body: bytes) -> None:
    """Give a WSGI environment another body."""
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))


def _is_form(request: Request) -> bool:
    return request.mimetype == "application/x-www-form-urlencoded"


def _read_query(request: Request, body: bytes) -> list[tuple[str, str]]:
    """Return the parameters of a query, or of a form."""
    text = body if _is_form(request) else request.query_string
    return parse_qsl(text.decode(errors="replace"), keep_blank_values=True)


def _bundle_word(bundle: Resource) -> str:
    word = str(bundle.get("type"))
    return word if word in BUNDLES else ""


def _read_entries(bundle: Resource, base: str) -> list[Target]:
    """Return the entries of a Bundle; none, if one of them is no request."""
    listed = bundle.get("entry", [])
    if not isinstance(listed, list) or not all(_is_request(each) for each in listed):
        return []
    return [_read_entry(each, position, base) for position, each in enumerate(listed)]


def _is_request(entry: Any) -> bool:
    request = entry.get("request") if isinstance(entry, dict) else None
    return isinstance(request, dict) and all(
        isinstance(request.get(name), str) for name in ("method", "url")
    )


def _read_entry(entry: Resource, position: int, base: str) -> Target:
    request = entry["request"]
    url, _, query = request["url"].removeprefix(f"{base}/").partition("?")
    path = url.strip("/")
    return Target(
        request["method"],
        path,
        find_interaction(request["method"], path),
        parse_qsl(query, keep_blank_values=True),
        {name: str(request[name]) for name in _CONDITION_HEADERS if name in request},
        entry.get("resource"),
        position,
    )


class Answer:
    """An answer of the portal, which faults change."""

    def __init__(self, response: Response, exchange: Exchange) -> None:
        self.status = response.status_code
        self.headers = Headers(response.headers)
        self.body = response.get_data()
        self.json: Any = read_json(self.body) if "json" in str(response.mimetype) else None
        self._is_changed = False
        self._is_by_entry = self._take_in_refused(exchange)

    def _take_in_refused(self, exchange: Exchange) -> bool:
        """Put refused entries in their places; return whether there is a part for each entry."""
        if exchange.bundle is None or self.status != 200 or not isinstance(self.json, dict):
            return False
        entries = list(self.json.get("entry", ()))
        self._is_changed = bool(exchange.refused)
        for position, error in sorted(exchange.refused.items()):
            outcome = error.to_operation_outcome()
            entries.insert(
                position, {"response": {"status": str(error.status), "outcome": outcome}}
            )
        if entries:
            self.json["entry"] = entries
        return len(entries) == len(exchange.targets) - 1

    def part(self, target: Target) -> Part:
        """Return a copy of the part of a target."""
        copied = json.loads(json.dumps(self.json))
        if not self._is_by_entry or target.position is None:
            is_bundle = self._is_by_entry
            return Part(self.status, "ETag" in self.headers, copied, is_bundle)
        entry = copied["entry"][target.position]
        response = entry["response"]
        resource = entry.get("resource", response.get("outcome"))
        return Part(int(str(response["status"])[:3]), "etag" in response, resource)

    def put_part(self, target: Target, part: Part) -> None:
        """Change the part of a target."""
        self._is_changed = True
        if not self._is_by_entry or target.position is None:
            self._put_whole(part)
            return
        entry = self.json["entry"][target.position]
        response = entry["response"]
        if part.status != int(str(response["status"])[:3]):
            response["status"] = str(part.status)
        if not part.has_etag:
            response.pop("etag", None)
        holder, name = (entry, "resource") if "resource" in entry else (response, "outcome")
        holder.pop(name, None)
        if part.resource is not None:
            holder[name] = part.resource

    def _put_whole(self, part: Part) -> None:
        self.status = part.status
        if not part.has_etag:
            self.headers.remove("ETag")
        if part.resource is None and self.json is not None:
            self.body, self.headers["Content-Type"] = b"", "text/plain"
        self.json = part.resource

    def build_response(self) -> Response:
        """Return the answer as it is to be sent."""
        body = self.body
        if self._is_changed and self.json is not None:
            body = json.dumps(self.json, ensure_ascii=False, separators=(",", ":")).encode()
        response = Response(body, self.status, self.headers)
        if self._is_changed:
            response.headers["Content-Length"] = str(len(body))
        return response
