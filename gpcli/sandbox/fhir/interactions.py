"""Perform the RESTful interactions on one type, independently of HTTP.

Source: FHIR R4, http.html.
"""

import re
from copy import deepcopy
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qsl

from gpcli.sandbox.fhir.elements import (
    Resource,
    all_references,
    attachments_in,
    id_of,
    parse_whole_number,
)
from gpcli.sandbox.fhir.operation_outcome import FhirError, bad_request, forbidden
from gpcli.sandbox.fhir.request_context import RequestContext, redact_slot
from gpcli.sandbox.fhir.resource_types import RESOURCE_TYPES
from gpcli.sandbox.fhir.search import read_matches
from gpcli.sandbox.fhir.validation import validate_resource
from gpcli.sandbox.fhir.write_rules import WRITE_RULES

_NOT_FOUND_TYPES = ("Communication", "MedicationRequest")
"""Types for which an unresolved reference gives 404 instead of 422."""
_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(/_history/[A-Za-z0-9.-]{1,64})?")
_ETAG = re.compile(r'(?:W/)?"?(\w+)"?', re.ASCII)


def relativize_references(context: RequestContext, resource: Resource) -> Resource:
    """Return a copy in which references to this portal are relative."""
    copied = deepcopy(resource)
    for reference in all_references(copied):
        reference["reference"] = reference["reference"].removeprefix(f"{context.base}/")
    for attachment in attachments_in(copied):
        if "url" in attachment:
            attachment["url"] = attachment["url"].removeprefix(f"{context.base}/")
    return copied


def check_references(context: RequestContext, resource: Resource) -> None:
    """Check that every reference resolves to a resource that the caller can see.

    Raises:
        FhirError: 403 (another patient), 404 or 422 (unresolved).
    """
    contained = {f"#{each.get('id')}" for each in resource.get("contained", ())}
    for reference in all_references(resource):
        text = reference["reference"]
        if text != "#" and text not in contained:
            _check_reference(context, text)
    for attachment in attachments_in(resource):
        if "url" in attachment:
            _check_attachment_url(context, attachment["url"])


def _check_reference(context: RequestContext, text: str) -> None:
    if (
        text.startswith("Patient/")
        and not context.rights.is_backend
        and text != context.rights.patient_reference
    ):
        raise forbidden("You can only write about the patient you are signed in for.")
    parts = _RELATIVE.fullmatch(text)
    if not parts or not _can_resolve(context, parts[1], f"{parts[1]}/{parts[2]}"):
        status = 404 if parts and parts[1] in _NOT_FOUND_TYPES else 422
        raise FhirError(status, "not-found", f"There is nothing at the reference {text!r}.")


def _check_attachment_url(context: RequestContext, url: str) -> None:
    """Raise 422 unless the URL is a Binary that the caller can see."""
    if not url.startswith("Binary/") or not _can_resolve(context, "Binary", url):
        raise FhirError(422, "not-found", f"There is no Binary of yours at {url!r}.")


def _can_resolve(context: RequestContext, type_: str, reference: str) -> bool:
    if type_ not in RESOURCE_TYPES or context.store.get(type_, id_of(reference)) is None:
        return False
    return context.can_see(type_, id_of(reference))


class InteractionResult(NamedTuple):
    """The result of an interaction: HTTP status, and the resource if there is one."""

    status: int
    resource: Resource | None


@dataclass(frozen=True)
class Conditions:
    """The conditions of a request, from its headers or a Bundle entry.

    `match` and `none_match` are entity tags, `none_exist` is a search; empty means no condition.
    """

    match: str = ""
    none_match: str = ""
    none_exist: str = ""


NO_CONDITIONS = Conditions()


def etag(resource: Resource) -> str:
    """Return the weak entity tag of a resource's version."""
    return f'W/"{resource["meta"]["versionId"]}"'


def read(
    context: RequestContext, type_: str, id_: str, conditions: Conditions = NO_CONDITIONS
) -> InteractionResult:
    """Read the current version.

    The status is 304 if the caller has this version.

    Raises:
        FhirError: 404, or 410 if it was deleted.
    """
    context.require_interaction(type_, "r")
    found = _read_current(context, type_, id_)
    if conditions.none_match and _tag_version(conditions.none_match) == found["meta"]["versionId"]:
        return InteractionResult(304, found)
    return InteractionResult(200, redact_slot(found))


def vread(context: RequestContext, type_: str, id_: str, version: str) -> InteractionResult:
    """Read one version, current or former.

    Raises:
        FhirError: 404.
    """
    context.require_interaction(type_, "r")
    number = parse_whole_number(version) or 0
    found = context.store.get_version(type_, id_, number) if context.can_see(type_, id_) else None
    if found is None:
        raise _not_found_error(type_, id_)
    return InteractionResult(200, redact_slot(found))


def create(
    context: RequestContext, type_: str, sent: Resource, conditions: Conditions = NO_CONDITIONS
) -> InteractionResult:
    """Create a resource under a new id.

    The status is 201; or 200, with the existing resource, if the search `none_exist` has a match.

    Raises:
        FhirError: 400, 403, 405, 412 or 422.
    """
    with context.store.transaction():
        context.require_interaction(type_, "c")
        existing = _find_existing(context, type_, conditions.none_exist)
        if existing is not None:
            return InteractionResult(200, existing)
        _require_type(type_, sent)
        validate_resource(sent)
        resource = relativize_references(context, sent)
        check_references(context, resource)
        return InteractionResult(201, _store_created(context, type_, resource))


def update(
    context: RequestContext,
    type_: str,
    id_: str,
    sent: Resource,
    conditions: Conditions = NO_CONDITIONS,
) -> InteractionResult:
    """Replace a resource.

    Raises:
        FhirError: 400, 403, 405 (no such resource), 412 or 422.
    """
    with context.store.transaction():
        context.require_interaction(type_, "u")
        stored = _read_updatable(context, type_, id_)
        _require_type(type_, sent)
        if sent.get("id") != id_:
            raise bad_request(f"The id in the body must be {id_}, as in the address.")
        require_match(stored, conditions.match)
        validate_resource(sent)
        changed = _store_updated(context, type_, stored, relativize_references(context, sent))
        return InteractionResult(200, redact_slot(changed))


def delete(context: RequestContext, type_: str, id_: str) -> InteractionResult:
    """Delete a resource, whether or not it still exists; for backend services only.

    Raises:
        FhirError: 403, 404 (type not served), or 405 (for patients' apps).
    """
    with context.store.transaction():
        context.require_interaction(type_, "d")
        context.store.delete(type_, id_)
    return InteractionResult(204, None)


def require_match(stored: Resource, match: str) -> None:
    """Raise 412 if the condition names another version than the stored one."""
    if match and match != "*" and _tag_version(match) != stored["meta"]["versionId"]:
        text = "This has changed meanwhile: read it again, then try once more."
        raise FhirError(412, "conflict", text)


def _tag_version(tag: str) -> str:
    """Return the version in an entity tag; empty if the tag is none of ours."""
    found = _ETAG.fullmatch(tag.strip())
    return found[1] if found else ""


def _read_current(context: RequestContext, type_: str, id_: str) -> Resource:
    seen = context.can_see(type_, id_)
    if seen and context.store.is_deleted(type_, id_):
        raise FhirError(410, "deleted", f"{type_}/{id_} has been deleted.")
    found = context.store.get(type_, id_) if seen else None
    if found is None:
        raise _not_found_error(type_, id_)
    return found


def _not_found_error(type_: str, id_: str) -> FhirError:
    return FhirError(404, "not-found", f"There is no {type_}/{id_} in this record.")


def _read_updatable(context: RequestContext, type_: str, id_: str) -> Resource:
    """Return the resource to replace; raise 405 if there is none (`updateCreate` is false)."""
    try:
        return _read_current(context, type_, id_)
    except FhirError as error:
        if error.status == 410:
            raise
        headers = {"Allow": "GET, HEAD"}
        raise FhirError(405, "not-supported", error.text, headers=headers) from error


def _find_existing(context: RequestContext, type_: str, none_exist: str) -> Resource | None:
    if not none_exist:
        return None
    pairs = parse_qsl(none_exist.partition("?")[2] or none_exist, keep_blank_values=True)
    found = read_matches(context, type_, pairs)
    if len(found) > 1:
        raise FhirError(412, "multiple-matches", "More than one resource matches If-None-Exist.")
    return found[0] if found else None


def _require_type(type_: str, sent: Resource) -> None:
    if sent.get("resourceType") != type_:
        raise bad_request(f"The body is not a resource of type {type_}.")


def _store_created(context: RequestContext, type_: str, resource: Resource) -> Resource:
    if context.rights.is_backend:
        return context.store.insert(resource)
    return WRITE_RULES[type_].create(context, resource)


def _store_updated(
    context: RequestContext, type_: str, stored: Resource, sent: Resource
) -> Resource:
    if context.rights.is_backend:
        return context.store.put(sent)
    return WRITE_RULES[type_].update(context, stored, sent)
