"""The RESTful interactions on one type, free of HTTP (FHIR R4, http.html)."""

import re
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qsl

from gpcli.sandbox.fhir.desk import Desk, discreet
from gpcli.sandbox.fhir.elements import Resource
from gpcli.sandbox.fhir.outcome import Problem, bad_request
from gpcli.sandbox.fhir.rules import RULES
from gpcli.sandbox.fhir.search import matches
from gpcli.sandbox.fhir.validate import validate
from gpcli.sandbox.fhir.writing import check_references, relative

_ETAG = re.compile(r'(?:W/)?"?(\w+)"?')


class Answer(NamedTuple):
    """What an interaction gives: the HTTP status and the resource, if there is one to show."""

    status: int
    resource: Resource | None


@dataclass(frozen=True)
class Conditions:
    """The conditions of a request, as its headers or a Bundle's entry state them.

    `match` and `none_match` are entity tags, `none_exist` a search; empty = none.
    """

    match: str = ""
    none_match: str = ""
    none_exist: str = ""


NO_CONDITIONS = Conditions()


def etag(resource: Resource) -> str:
    """The weak entity tag of a resource's version."""
    return f'W/"{resource["meta"]["versionId"]}"'


def read(desk: Desk, type_: str, id_: str, conditions: Conditions = NO_CONDITIONS) -> Answer:
    """The present version; 304 if the caller has it, 404 or 410 if there is none."""
    desk.admit(type_, "r")
    found = _present(desk, type_, id_)
    if conditions.none_match and _version(conditions.none_match) == found["meta"]["versionId"]:
        return Answer(304, found)
    return Answer(200, discreet(found))


def vread(desk: Desk, type_: str, id_: str, version: str) -> Answer:
    """One version, the present one or a former one."""
    desk.admit(type_, "r")
    number = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0
    found = desk.store.get_version(type_, id_, number) if desk.sees(type_, id_) else None
    if found is None:
        raise _not_found(type_, id_)
    return Answer(200, discreet(found))


def create(
    desk: Desk, type_: str, sent: Resource, conditions: Conditions = NO_CONDITIONS
) -> Answer:
    """Create under a new id: 201; with a search that has a match, 200 and that one."""
    with desk.store.transaction():
        desk.admit(type_, "c")
        existing = _existing(desk, type_, conditions.none_exist)
        if existing is not None:
            return Answer(200, existing)
        _require_type(type_, sent)
        validate(sent)
        resource = relative(desk, sent)
        check_references(desk, resource)
        return Answer(201, _created(desk, type_, resource))


def update(
    desk: Desk, type_: str, id_: str, sent: Resource, conditions: Conditions = NO_CONDITIONS
) -> Answer:
    """Replace what is there: 200. Raises Problem 400, 403, 405 (nothing there), 412, 422."""
    with desk.store.transaction():
        desk.admit(type_, "u")
        stored = _changeable(desk, type_, id_)
        _require_type(type_, sent)
        if sent.get("id") != id_:
            raise bad_request(f"The id in the body must be {id_}, as in the address.")
        require_match(stored, conditions.match)
        validate(sent)
        changed = _changed(desk, type_, stored, relative(desk, sent))
        return Answer(200, discreet(changed))


def delete(desk: Desk, type_: str, id_: str) -> Answer:
    """Delete: 204, also if it was done before. Only for backend services."""
    with desk.store.transaction():
        desk.admit(type_, "d")
        desk.store.delete(type_, id_)
    return Answer(204, None)


def require_match(stored: Resource, match: str) -> None:
    """Raise 412 if the condition is on another version than the stored one."""
    if match and match != "*" and _version(match) != stored["meta"]["versionId"]:
        text = "This has changed meanwhile: read it again, then try once more."
        raise Problem(412, "conflict", text)


def _version(tag: str) -> str:
    found = _ETAG.fullmatch(tag.strip())
    return found[1] if found else ""


def _present(desk: Desk, type_: str, id_: str) -> Resource:
    seen = desk.sees(type_, id_)
    if seen and desk.store.is_deleted(type_, id_):
        raise Problem(410, "deleted", f"{type_}/{id_} has been deleted.")
    found = desk.store.get(type_, id_) if seen else None
    if found is None:
        raise _not_found(type_, id_)
    return found


def _not_found(type_: str, id_: str) -> Problem:
    return Problem(404, "not-found", f"There is no {type_}/{id_} in this record.")


def _changeable(desk: Desk, type_: str, id_: str) -> Resource:
    """What an update would replace; apps don't choose ids, so there must be something (405)."""
    try:
        return _present(desk, type_, id_)
    except Problem as problem:
        if problem.status == 410:
            raise
        headers = {"Allow": "GET, HEAD"}
        raise Problem(405, "not-supported", problem.text, headers=headers) from problem


def _existing(desk: Desk, type_: str, none_exist: str) -> Resource | None:
    if not none_exist:
        return None
    pairs = parse_qsl(none_exist.partition("?")[2] or none_exist, keep_blank_values=True)
    found = matches(desk, type_, pairs)
    if len(found) > 1:
        raise Problem(412, "multiple-matches", "More than one resource matches If-None-Exist.")
    return found[0] if found else None


def _require_type(type_: str, sent: Resource) -> None:
    if sent.get("resourceType") != type_:
        raise bad_request(f"The body is not a resource of type {type_}.")


def _created(desk: Desk, type_: str, resource: Resource) -> Resource:
    if desk.grant.is_backend:
        return desk.store.insert(resource)
    return RULES[type_].create(desk, resource)


def _changed(desk: Desk, type_: str, stored: Resource, sent: Resource) -> Resource:
    if desk.grant.is_backend:
        return desk.store.put(sent)
    return RULES[type_].change(desk, stored, sent)
