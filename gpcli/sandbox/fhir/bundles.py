"""Batches and transactions at the base (FHIR R4, http.html#transaction)."""

from dataclasses import replace
from typing import NamedTuple

from gpcli.sandbox.fhir import manners
from gpcli.sandbox.fhir.desk import Desk
from gpcli.sandbox.fhir.dispatch import Call, perform
from gpcli.sandbox.fhir.elements import Resource, all_references, reference_to
from gpcli.sandbox.fhir.interactions import Answer, Conditions, etag, require_match
from gpcli.sandbox.fhir.outcome import Problem, bad_request, outcome
from gpcli.sandbox.fhir.search import matches

_ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
_TEXTS = {200: "200 OK", 201: "201 Created", 204: "204 No Content", 304: "304 Not Modified"}


class Entry(NamedTuple):
    """One entry of a Bundle: where it stands, its `fullUrl` and its call."""

    place: int
    full_url: str
    call: Call


def run_bundle(desk: Desk, bundle: Resource, wanted: str = "") -> Resource:
    """Carry out a batch or a transaction; `wanted` is the preference `return`.

    A batch's entries stand each on its own; of a transaction all are done, or none: then the
    Problem of the first that failed is raised.
    """
    run = {"batch": _batch, "transaction": _transaction}.get(str(bundle.get("type")))
    if run is None:
        raise bad_request("A Bundle sent here is a batch or a transaction.", "value")
    listed = bundle.get("entry", [])
    if not isinstance(listed, list):
        raise bad_request("The Bundle's entry must be a list.", "structure")
    entries = [_entry(desk, place, each) for place, each in enumerate(listed)]
    answered = run(desk, entries, wanted)
    response: Resource = {"resourceType": "Bundle", "type": f"{bundle['type']}-response"}
    return response | ({"entry": answered} if answered else {})


def _entry(desk: Desk, place: int, entry: Resource) -> Entry:
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict) or not _is_said(request, "method", "url"):
        raise bad_request(f"Bundle.entry[{place}] needs a request with method and url.", "required")
    if request["method"] not in _ORDER:
        raise bad_request(f"Bundle.entry[{place}] has an unknown method.", "value")
    path, _, query = request["url"].removeprefix(f"{desk.base}/").partition("?")
    conditions = Conditions(
        match=str(request.get("ifMatch", "")),
        none_match=str(request.get("ifNoneMatch", "")),
        none_exist=str(request.get("ifNoneExist", "")),
    )
    pairs = manners.pairs(query.encode())
    body = _resource(entry, place)
    call = Call(request["method"], path.strip("/"), pairs, body, conditions)
    return Entry(place, str(entry.get("fullUrl", "")), call)


def _is_said(element: Resource, *names: str) -> bool:
    return all(isinstance(element.get(name), str) and element[name] for name in names)


def _resource(entry: Resource, place: int) -> Resource | None:
    resource = entry.get("resource")
    if resource is not None and not isinstance(resource, dict):
        raise bad_request(f"Bundle.entry[{place}].resource is no resource.", "structure")
    return resource


def _batch(desk: Desk, entries: list[Entry], wanted: str) -> list[Resource]:
    return [_alone(desk, entry, wanted) for entry in entries]


def _alone(desk: Desk, entry: Entry, wanted: str) -> Resource:
    try:
        return _answered(desk, entry, perform(desk, entry.call), wanted)
    except Problem as problem:
        return {"response": {"status": str(problem.status), "outcome": problem.outcome()}}


def _transaction(desk: Desk, entries: list[Entry], wanted: str) -> list[Resource]:
    """Entries in the order DELETE, POST, PUT, GET; conditions on versions are as of before."""
    ordered = sorted(entries, key=lambda entry: _ORDER[entry.call.method])
    answers: dict[int, Resource] = {}
    known: dict[str, str] = {}
    with desk.store.transaction():
        _require_distinct(entries)
        _require_matches(desk, entries)
        for entry in _creations_first_what_others_name(ordered):
            linked = _linked(desk, entry, known)
            answer = _performed(desk, linked)
            answers[entry.place] = _answered(desk, linked, answer, wanted)
            if answer.resource is not None and entry.call.method == "POST":
                known[entry.full_url] = reference_to(answer.resource)
    return [answers[place] for place in sorted(answers)]


def _performed(desk: Desk, entry: Entry) -> Answer:
    try:
        return perform(desk, entry.call)
    except Problem as problem:
        problem.expression = problem.expression or (f"Bundle.entry[{entry.place}]",)
        raise


def _require_distinct(entries: list[Entry]) -> None:
    """No two entries may be about the same resource (http.html#trules)."""
    named = [entry.full_url for entry in entries if entry.full_url]
    changed = [entry.call.path for entry in entries if entry.call.method in ("PUT", "DELETE")]
    if len(set(named)) < len(named) or len(set(changed)) < len(changed):
        raise bad_request("A transaction names the same resource twice.")


def _require_matches(desk: Desk, entries: list[Entry]) -> None:
    """Check every `ifMatch` before anything is done: what is done would change versions."""
    for entry in entries:
        type_, _, id_ = entry.call.path.partition("/")
        stored = desk.store.get(type_, id_) if entry.call.conditions.match else None
        if stored is not None and desk.sees(type_, id_):
            require_match(stored, entry.call.conditions.match)


def _creations_first_what_others_name(ordered: list[Entry]) -> list[Entry]:
    """The entries, each creation after those whose `fullUrl` it refers to."""
    waiting, placed = list(ordered), list[Entry]()
    while waiting:
        urls = {each.full_url for each in waiting if each.call.method == "POST"}
        ready = [each for each in waiting if not (_named(each) & (urls - {each.full_url}))]
        following = ready[0] if ready else waiting[0]
        waiting.remove(following)
        placed.append(following)
    return placed


def _named(entry: Entry) -> set[str]:
    return {each["reference"] for each in all_references(entry.call.body)}


def _linked(desk: Desk, entry: Entry, known: dict[str, str]) -> Entry:
    """The entry with references to other entries and conditional ones made real."""
    for reference in all_references(entry.call.body):
        text = reference["reference"]
        reference["reference"] = known.get(text) or _found(desk, text)
    met = replace(entry.call.conditions, match="")
    return entry._replace(call=replace(entry.call, conditions=met))


def _found(desk: Desk, text: str) -> str:
    """What a conditional reference, `Type?query`, finds; other references as they are."""
    type_, question, query = text.partition("?")
    if not question or not type_.isalpha():
        return text
    desk.admit(type_, "s")
    found = matches(desk, type_, manners.pairs(query.encode()))
    if len(found) != 1:
        raise Problem(412, "multiple-matches", f"{len(found)} resources match {type_}?{query}.")
    return reference_to(found[0])


def _answered(desk: Desk, entry: Entry, answer: Answer, wanted: str) -> Resource:
    response: Resource = {"status": _TEXTS[answer.status]}
    resource = answer.resource
    if resource is None:
        return {"response": response}
    if "versionId" in resource.get("meta", {}):
        response["etag"] = etag(resource)
        response["lastModified"] = resource["meta"]["lastUpdated"]
        response["location"] = manners.version_url(resource, desk.base)
    is_write = entry.call.method in ("POST", "PUT")
    if answer.status == 304 or (is_write and wanted == "minimal"):
        return {"response": response}
    if is_write and wanted == "OperationOutcome":
        done = outcome("information", "informational", {"text": "Done."})
        return {"response": response | {"outcome": done}}
    return {"resource": resource, "response": response} | _address(desk, resource)


def _address(desk: Desk, resource: Resource) -> Resource:
    if "versionId" not in resource.get("meta", {}):
        return {}
    return {"fullUrl": f"{desk.base}/{reference_to(resource)}"}
