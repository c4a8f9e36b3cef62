"""Dispatch requests to interactions: single ones, operations, batches and transactions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from gpcli.sandbox.fhir.appointment_operations import PERFORMED
from gpcli.sandbox.fhir.elements import Resource, all_references, reference_to
from gpcli.sandbox.fhir.http_messages import parse_query_string, version_url
from gpcli.sandbox.fhir.interactions import (
    NO_CONDITIONS,
    Conditions,
    InteractionResult,
    create,
    delete,
    etag,
    read,
    require_match,
    update,
    vread,
)
from gpcli.sandbox.fhir.operation_outcome import (
    FhirError,
    bad_request,
    operation_outcome,
)
from gpcli.sandbox.fhir.request_context import RequestContext
from gpcli.sandbox.fhir.search import read_matches, search_type
from gpcli.sandbox.fhir.search_query import QueryParameters

_METHOD_ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
_STATUS_TEXTS = {200: "200 OK", 201: "201 Created", 204: "204 No Content", 304: "304 Not Modified"}


@dataclass(frozen=True)
class InteractionRequest:
    """One request.

    `path` is relative to the base address and has no leading slash.
    """

    method: str
    path: str
    parameters: QueryParameters = field(default_factory=list)
    body: Resource | None = None
    conditions: Conditions = NO_CONDITIONS


def perform_interaction(context: RequestContext, request: InteractionRequest) -> InteractionResult:
    """Perform the interaction of a request.

    Raises:
        FhirError: 404 (unknown address), 405 (method not allowed), or the interaction's own error.
    """
    segments = request.path.split("/")
    methods = _ROUTES.get(_route_pattern(segments))
    if methods is None:
        raise FhirError(404, "not-found", "The portal has nothing at this address.")
    if request.method not in methods:
        allowed = {"Allow": ", ".join(sorted(methods))}
        text = f"{request.method} is not possible at this address."
        raise FhirError(405, "not-supported", text, headers=allowed)
    return methods[request.method](context, request, segments)


def _route_pattern(segments: list[str]) -> str:
    """Return the route of a path: `*` for each segment, but names with `_` as they are.

    The route of an operation is its path.
    """
    if segments[-1].startswith("$"):
        return "/".join(segments)
    return "/".join(part if part.startswith("_") else "*" for part in segments if part)


def _require_body(request: InteractionRequest) -> Resource:
    if request.body is None:
        raise bad_request("This request needs a resource as its body.", "required")
    return request.body


def _perform_search(
    context: RequestContext, request: InteractionRequest, segments: list[str]
) -> InteractionResult:
    return InteractionResult(200, search_type(context, segments[0], request.parameters))


def _perform_create(
    context: RequestContext, request: InteractionRequest, segments: list[str]
) -> InteractionResult:
    return create(context, segments[0], _require_body(request), request.conditions)


def _perform_read(
    context: RequestContext, request: InteractionRequest, segments: list[str]
) -> InteractionResult:
    return read(context, segments[0], segments[1], request.conditions)


def _perform_vread(
    context: RequestContext, request: InteractionRequest, segments: list[str]
) -> InteractionResult:
    return vread(context, segments[0], segments[1], segments[3])


def _perform_update(
    context: RequestContext, request: InteractionRequest, segments: list[str]
) -> InteractionResult:
    return update(context, segments[0], segments[1], _require_body(request), request.conditions)


def _perform_delete(
    context: RequestContext, request: InteractionRequest, segments: list[str]
) -> InteractionResult:
    return delete(context, segments[0], segments[1])


def _perform_operation(
    context: RequestContext, request: InteractionRequest, segments: list[str]
) -> InteractionResult:
    return PERFORMED["/".join(segments)](context, _require_body(request))


_Perform = Callable[[RequestContext, InteractionRequest, list[str]], InteractionResult]
"""Performs a request, whose path is also given as its segments."""

_ROUTES: Mapping[str, Mapping[str, _Perform]] = {
    "*": {"GET": _perform_search, "HEAD": _perform_search, "POST": _perform_create},
    "*/_search": {"POST": _perform_search},
    **{path: {"POST": _perform_operation} for path in PERFORMED},
    "*/*": {
        "GET": _perform_read,
        "HEAD": _perform_read,
        "PUT": _perform_update,
        "DELETE": _perform_delete,
    },
    "*/*/_history/*": {"GET": _perform_vread, "HEAD": _perform_vread},
}


class BundleEntry(NamedTuple):
    """One entry of a Bundle: its position, its `fullUrl` and its request."""

    position: int
    full_url: str
    request: InteractionRequest


def perform_bundle(
    context: RequestContext, bundle: Resource, return_preference: str = ""
) -> Resource:
    """Perform a batch or a transaction, and return the response Bundle.

    Entries of a batch succeed or fail each on its own. Entries of a transaction succeed all, or
    none. `return_preference` is the value of `Prefer: return`.

    Raises:
        FhirError: The Bundle is malformed, or an entry of a transaction failed.

    Source: FHIR R4, http.html#transaction.
    """
    run = {"batch": _perform_batch, "transaction": _perform_transaction}.get(
        str(bundle.get("type"))
    )
    if run is None:
        raise bad_request("A Bundle sent here is a batch or a transaction.", "value")
    listed = bundle.get("entry", [])
    if not isinstance(listed, list):
        raise bad_request("The Bundle's entry must be a list.", "structure")
    entries = [_parse_entry(context, position, each) for position, each in enumerate(listed)]
    responses = run(context, entries, return_preference)
    response: Resource = {"resourceType": "Bundle", "type": f"{bundle['type']}-response"}
    return response | ({"entry": responses} if responses else {})


def _parse_entry(context: RequestContext, position: int, entry: Resource) -> BundleEntry:
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict) or not _has_text(request, "method", "url"):
        raise bad_request(
            f"Bundle.entry[{position}] needs a request with method and url.", "required"
        )
    if request["method"] not in _METHOD_ORDER:
        raise bad_request(f"Bundle.entry[{position}] has an unknown method.", "value")
    path, _, query = request["url"].removeprefix(f"{context.base}/").partition("?")
    conditions = Conditions(
        match=str(request.get("ifMatch", "")),
        none_match=str(request.get("ifNoneMatch", "")),
        none_exist=str(request.get("ifNoneExist", "")),
    )
    parameters = parse_query_string(query.encode())
    body = _entry_resource(entry, position)
    interaction = InteractionRequest(
        request["method"], path.strip("/"), parameters, body, conditions
    )
    return BundleEntry(position, str(entry.get("fullUrl", "")), interaction)


def _has_text(element: Resource, *names: str) -> bool:
    return all(isinstance(element.get(name), str) and element[name] for name in names)


def _entry_resource(entry: Resource, position: int) -> Resource | None:
    resource = entry.get("resource")
    if resource is not None and not isinstance(resource, dict):
        raise bad_request(f"Bundle.entry[{position}].resource is no resource.", "structure")
    return resource


def _perform_batch(
    context: RequestContext, entries: list[BundleEntry], return_preference: str
) -> list[Resource]:
    return [_perform_batch_entry(context, entry, return_preference) for entry in entries]


def _perform_batch_entry(
    context: RequestContext, entry: BundleEntry, return_preference: str
) -> Resource:
    try:
        return _response_entry(
            context, entry, perform_interaction(context, entry.request), return_preference
        )
    except FhirError as error:
        return {"response": {"status": str(error.status), "outcome": error.to_operation_outcome()}}


def _perform_transaction(
    context: RequestContext, entries: list[BundleEntry], return_preference: str
) -> list[Resource]:
    """Perform the entries in the order DELETE, POST, PUT, GET.

    Version conditions apply to the versions before the transaction.
    """
    ordered = sorted(entries, key=lambda entry: _METHOD_ORDER[entry.request.method])
    responses: dict[int, Resource] = {}
    created: dict[str, str] = {}
    with context.store.transaction():
        _require_distinct_resources(entries)
        _require_versions(context, entries)
        for entry in _order_by_dependency(ordered):
            linked = _resolve_references(context, entry, created)
            result = _perform_entry(context, linked)
            responses[entry.position] = _response_entry(context, linked, result, return_preference)
            if result.resource is not None and entry.request.method == "POST":
                created[entry.full_url] = reference_to(result.resource)
    return [responses[position] for position in sorted(responses)]


def _perform_entry(context: RequestContext, entry: BundleEntry) -> InteractionResult:
    try:
        return perform_interaction(context, entry.request)
    except FhirError as error:
        error.expression = error.expression or (f"Bundle.entry[{entry.position}]",)
        raise


def _require_distinct_resources(entries: list[BundleEntry]) -> None:
    """Raise 400 if two entries concern the same resource (http.html#trules)."""
    named = [entry.full_url for entry in entries if entry.full_url]
    changed = [entry.request.path for entry in entries if entry.request.method in ("PUT", "DELETE")]
    if len(set(named)) < len(named) or len(set(changed)) < len(changed):
        raise bad_request("A transaction names the same resource twice.")


def _require_versions(context: RequestContext, entries: list[BundleEntry]) -> None:
    """Check every `ifMatch` before anything is performed, since writes change versions."""
    for entry in entries:
        type_, _, id_ = entry.request.path.partition("/")
        stored = context.store.get(type_, id_) if entry.request.conditions.match else None
        if stored is not None and context.can_see(type_, id_):
            require_match(stored, entry.request.conditions.match)


def _order_by_dependency(entries: list[BundleEntry]) -> list[BundleEntry]:
    """Return the entries with each creation after those to whose `fullUrl` it refers.

    Where entries refer to each other in a circle, the first of them goes first.
    """
    remaining, ordered = list(entries), list[BundleEntry]()
    while remaining:
        urls = {each.full_url for each in remaining if each.request.method == "POST"}
        ready = [
            each for each in remaining if not (_referenced_urls(each) & (urls - {each.full_url}))
        ]
        next_entry = ready[0] if ready else remaining[0]
        remaining.remove(next_entry)
        ordered.append(next_entry)
    return ordered


def _referenced_urls(entry: BundleEntry) -> set[str]:
    return {each["reference"] for each in all_references(entry.request.body)}


def _resolve_references(
    context: RequestContext, entry: BundleEntry, created: dict[str, str]
) -> BundleEntry:
    """Return the entry with references to other entries and conditional ones resolved.

    It loses its `ifMatch`, which `_require_versions` has checked. The body is changed in place.
    """
    for reference in all_references(entry.request.body):
        text = reference["reference"]
        reference["reference"] = created.get(text) or _resolve_conditional(context, text)
    conditions = replace(entry.request.conditions, match="")
    return entry._replace(request=replace(entry.request, conditions=conditions))


def _resolve_conditional(context: RequestContext, text: str) -> str:
    """Resolve a conditional reference, `Type?query`; return others unchanged."""
    type_, question, query = text.partition("?")
    if not question or not type_.isalpha():
        return text
    context.require_interaction(type_, "s")
    found = read_matches(context, type_, parse_query_string(query.encode()))
    if len(found) != 1:
        raise FhirError(412, "multiple-matches", f"{len(found)} resources match {type_}?{query}.")
    return reference_to(found[0])


def _response_entry(
    context: RequestContext, entry: BundleEntry, result: InteractionResult, return_preference: str
) -> Resource:
    response: Resource = {"status": _STATUS_TEXTS[result.status]}
    resource = result.resource
    if resource is None:
        return {"response": response}
    if "versionId" in resource.get("meta", {}):
        response["etag"] = etag(resource)
        response["lastModified"] = resource["meta"]["lastUpdated"]
        response["location"] = version_url(resource, context.base)
    is_write = entry.request.method in ("POST", "PUT")
    if result.status == 304 or (is_write and return_preference == "minimal"):
        return {"response": response}
    if is_write and return_preference == "OperationOutcome":
        done = operation_outcome("information", "informational", {"text": "Done."})
        return {"response": response | {"outcome": done}}
    return {"resource": resource, "response": response} | _full_url(context, resource)


def _full_url(context: RequestContext, resource: Resource) -> Resource:
    if "versionId" not in resource.get("meta", {}):
        return {}
    return {"fullUrl": f"{context.base}/{reference_to(resource)}"}
