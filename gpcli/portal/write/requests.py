"""What is sent for a write, as data: its parts, and the one HTTP request that carries them.

A part is one resource with the UUID of its intent, which stands in the resource as `identifier`,
in `X-Request-ID`, in the journal, and in the `If-None-Exist` of a conditional create
(docs/portal.md, Writes).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid5

from gpcli.errors import BadResponse
from gpcli.fhir.element import UUID_SYSTEM, Element
from gpcli.http.client import RequestBody
from gpcli.journal import Effect
from gpcli.portal.mapping import require
from gpcli.portal.scheduling_operations import BOOK, build_reference_body, build_resource_body

BOOK_STATUS = "pending"
"""The status that `$book` wants of a new booking, whatever the portal makes of it."""

JSON_PATCH = "application/json-patch+json"
"""The media type of a patch (R4 3.1.0.7)."""


class WritePart(NamedTuple):
    """One resource to write, and the UUID of its intent.

    `target` is the reference (`Type/id`) of the record that an update changes; `None` for a
    create. `effect` is what shows that it is changed, empty where nothing lasts. `whole` has the
    intents of the parts that count only together.
    """

    intent: UUID
    resource: Mapping[str, Any]
    target: str | None = None
    effect: Effect | None = None
    whole: tuple[UUID, ...] = ()

    @property
    def resource_type(self) -> str:
        """The resource type; empty where it is not for gpcli to know what is written."""
        return str(self.resource.get("resourceType", ""))


@dataclass(frozen=True)
class WriteRequest:
    """One HTTP request that writes `parts`; `path` is relative to the FHIR base.

    `retry` says that it does no harm where the portal gets it twice.
    """

    parts: tuple[WritePart, ...]
    method: str
    path: str
    body: RequestBody
    headers: Mapping[str, str]
    retry: bool = False


def find_effect(before: Mapping[str, Any], after: Mapping[str, Any]) -> Effect:
    """Return what shows that a record is as in `after`: its new status, else the added elements."""
    if before.get("status") != after.get("status"):
        return {"status": (str(after.get("status")),)}
    return dict.fromkeys(after.keys() - before.keys(), ())


def build_cancellation_part(appointment: str, intent: UUID, after: UUID | None = None) -> WritePart:
    """Return the part by which the journal has a cancellation before its record is read.

    `after` is the intent of the write that counts only together with it, `None` = there is none.
    """
    return WritePart(
        intent,
        {"resourceType": "Appointment", "id": appointment},
        f"Appointment/{appointment}",
        effect={"status": ("cancelled",)},
        whole=(after, intent) if after else (),
    )


def build_create_request(part: WritePart, *, conditional: bool, retry: bool) -> WriteRequest:
    """Return the create of one part; `conditional` adds If-None-Exist (R4 3.1.0.8.1)."""
    headers = {"If-None-Exist": build_condition(part.intent)} if conditional else {}
    headers["X-Request-ID"] = str(part.intent)
    return WriteRequest((part,), "POST", part.resource_type, part.resource, headers, retry)


def build_update_request(part: WritePart, condition: Mapping[str, str]) -> WriteRequest:
    """Return the PUT of one part; `condition` is what `build_if_match` gives.

    With a condition it may be sent again: once done, the record has another version. Without one a
    second PUT could undo what somebody changed in between.
    """
    headers = {**condition, "X-Request-ID": str(part.intent)}
    is_guarded = "If-Match" in condition
    return WriteRequest((part,), "PUT", str(part.target), part.resource, headers, is_guarded)


def build_patch_request(
    part: WritePart, before: Mapping[str, Any], condition: Mapping[str, str]
) -> WriteRequest:
    """Return the PATCH that makes one part of the record `before` (R4 3.1.0.7, JSON Patch).

    `condition` is what `build_if_match` gives. Whole elements of the top level are changed; a
    status that is changed is compared first, for portals that do not heed the condition. It may be
    sent again: it changes nothing else, and the same to the same.
    """
    steps = [*_status_tests(before, part.resource), *_patch_steps(before, part.resource)]
    headers = {**condition, "X-Request-ID": str(part.intent), "Content-Type": JSON_PATCH}
    return WriteRequest((part,), "PATCH", str(part.target), steps, headers, retry=True)


def _status_tests(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    if "status" in before and before["status"] != after.get("status"):
        yield {"op": "test", "path": "/status", "value": before["status"]}


def _patch_steps(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Yield the operations that make `after` of `before` (RFC 6902, 4)."""
    for name in before.keys() - after.keys():
        yield {"op": "remove", "path": _pointer(name)}
    for name, value in after.items():
        if name not in before:
            yield {"op": "add", "path": _pointer(name), "value": value}
        elif before[name] != value:
            yield {"op": "replace", "path": _pointer(name), "value": value}


def _pointer(name: str) -> str:
    """Return the JSON Pointer to an element of the top level (RFC 6901, 3)."""
    return f"/{name.replace('~', '~0').replace('/', '~1')}"


def build_bundle_request(
    bundle_type: Literal["batch", "transaction"],
    parts: Sequence[WritePart],
    request_id: UUID,
    *,
    conditional: bool,
    retry: bool,
    before: Sequence[Mapping[str, Any]] = (),
) -> WriteRequest:
    """Return one Bundle that creates `parts`, after the entries `before` (R4 http.html).

    `request_id` becomes the `X-Request-ID`; `conditional` adds `ifNoneExist` to each entry. The
    entries of a transaction have a `fullUrl`, by which its resources refer to each other.
    """
    entries = [_build_create_entry(part, conditional=conditional) for part in parts]
    if bundle_type == "transaction":
        pairs = zip(parts, entries, strict=True)
        entries = [{"fullUrl": build_entry_url(part.intent), **entry} for part, entry in pairs]
    body = {"resourceType": "Bundle", "type": bundle_type, "entry": [*before, *entries]}
    return WriteRequest(tuple(parts), "POST", "", body, {"X-Request-ID": str(request_id)}, retry)


def build_book_request(part: WritePart, appointment: str | None = None) -> WriteRequest:
    """Return the call of `Appointment/$book` (IHE ITI Scheduling 1.0, ITI-117).

    `appointment` is the id of the Appointment that the portal proposed or holds, `None` = none.
    """
    known = {"id": appointment} if appointment else {}
    body = build_resource_body({**part.resource, **known, "status": BOOK_STATUS})
    return WriteRequest((part,), "POST", BOOK, body, {"X-Request-ID": str(part.intent)})


def build_reference_request(part: WritePart, operation: str) -> WriteRequest:
    """Return the call of `$hold` or `$book` that names the part's target, an Appointment."""
    body = build_reference_body(str(part.target).partition("/")[2])
    return WriteRequest((part,), "POST", operation, body, {"X-Request-ID": str(part.intent)})


def build_cancel_request(part: WritePart, condition: Mapping[str, str]) -> WriteRequest:
    """Return the call of `Appointment/$book` that cancels (IHE ITI Scheduling 1.0, ITI-117).

    The parameters are as for `build_update_request`.
    """
    headers = {**condition, "X-Request-ID": str(part.intent)}
    return WriteRequest((part,), "POST", BOOK, build_resource_body(part.resource), headers)


def _build_create_entry(part: WritePart, *, conditional: bool) -> dict[str, Any]:
    """Return the entry of a Bundle that creates a part."""
    request = {"method": "POST", "url": part.resource_type}
    request |= {"ifNoneExist": build_condition(part.intent)} if conditional else {}
    return {"resource": part.resource, "request": request}


def build_condition(intent: UUID) -> str:
    """Return the value of `If-None-Exist`: the search for this intent's identifier."""
    return f"identifier={UUID_SYSTEM}|{intent.urn}"


def build_entry_url(intent: UUID) -> str:
    """Return the `fullUrl` of a transaction's entry (R4 Bundle.entry.fullUrl).

    It is a UUID of its own: some portals replace it by the new logical id wherever it stands, which
    would include an identifier that is equal to it.
    """
    return uuid5(intent, "entry").urn


def build_if_match(record: Element, etag: str | None) -> dict[str, str]:
    """Return the header `If-Match` for a record as it was read (R4 3.1.0.5).

    Without an ETag it is made of `meta.versionId`; it is empty for a portal that keeps no versions.
    Raises: BadResponse for a version that no header can hold.
    """
    meta = require(lambda: record.child("meta"))
    version = require(lambda: meta.string("versionId") if meta else None)
    etag = etag or (f'W/"{version}"' if version else "")
    if not (etag.isascii() and etag.isprintable()):
        raise BadResponse("The portal names a version that can't be sent back; nothing was sent.")
    return {"If-Match": etag} if etag else {}


def thread_part_intents(intent: UUID) -> tuple[UUID, UUID]:
    """Return the intents of the header and of the first message of a thread started by `intent`."""
    return uuid5(intent, "header"), uuid5(intent, "message")
