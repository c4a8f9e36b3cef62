"""Cancelling an Appointment: by an update, by `$book`, or in one transaction with its Slot.

A portal that leaves its times to its clients (`transaction`; docs/portal.md, Booking) leaves it to
them as well to free a Slot. One that frees it by itself is not disturbed: it may refuse the
transaction, and nothing more is sent where the Slot is free.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from gpcli.errors import Conflict, GpcliError, NotPermitted, OutcomeUnknown, Rejected
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Malformed
from gpcli.fhir.scheduling import appointments_holding_slot, write_cancellation
from gpcli.http.client import HttpResponse
from gpcli.portal import queries
from gpcli.portal.dependencies import PortalDependencies
from gpcli.portal.mapping import require
from gpcli.portal.scheduling_operations import read_cancel_response
from gpcli.portal.write.outcome import (
    WriteOutcome,
    fetch_or_none,
    has_taken_effect,
)
from gpcli.portal.write.requests import (
    WritePart,
    WriteRequest,
    build_cancel_request,
    build_if_match,
)
from gpcli.portal.write.slot_transaction import EntryResult, put_slot_back, read_entry_results

_TAKEN = ("busy", "busy-tentative")
_UNEXPLAINED = frozenset({Conflict, NotPermitted, Rejected})
"""Errors of portals that may refuse the Slot alone."""

_STILL_TAKEN = (
    "It is cancelled, but the portal still shows the time as taken: the surgery may have to free "
    "it."
)


class _TakenSlot(NamedTuple):
    """The Slot of a booking, as it was read; `etag` is its version."""

    record: Element
    etag: str

    @property
    def reference(self) -> str:
        """The reference `Slot/id`."""
        return self.record.relative_reference

    @property
    def freed(self) -> dict[str, Any]:
        """The Slot as it is to be."""
        return {**self.record.json, "status": "free"}


@dataclass
class Cancellation:
    """The cancelling of the Appointment `reference`, with the UUID of its intent.

    `is_cancelled` is as for `WriteKernel.update`, and so is `fresh`.
    """

    dependencies: PortalDependencies
    reference: str
    is_cancelled: Callable[[Element], bool]
    intent: UUID
    fresh: Element | None
    _slot_result: EntryResult | None = field(default=None, init=False)

    def send(self) -> tuple[WriteOutcome, str | None]:
        """Cancel it in the portal's way; return the outcome, and what was done by half.

        An expected one that was cancelled already is in the journal as done.
        Raises: as `WriteKernel.update`.
        """
        outcome, half = self._send()
        kernel = self.dependencies.kernel
        if not outcome.changed and kernel.find_entry(self.intent):
            kernel.record_state(self.intent, "done")
        return outcome, half

    def _send(self) -> tuple[WriteOutcome, str | None]:
        can = self.dependencies.search.fetch_capabilities()
        if not can.can_change("Appointment") and can.book_operation:
            return self._update(build=build_cancel_request, read=read_cancel_response), None
        by_transaction = self.dependencies.portal_profile.booking == "transaction"
        slot = self._fetch_slot() if by_transaction and can.transaction else None
        return self._send_with_slot(slot) if slot else (self._update(), None)

    def _update(self, **ways: Callable[..., Any]) -> WriteOutcome:
        kernel, change = self.dependencies.kernel, write_cancellation
        return kernel.update(
            self.reference, change, self.is_cancelled, self.intent, fresh=self.fresh, **ways
        )

    def _fetch_slot(self) -> _TakenSlot | None:
        """Return the one Slot of the booking, if it is taken by nothing else; else `None`."""
        search = self.dependencies.search
        record = self.fresh or self._fetch_record()
        slots = [each for each in record.references("slot") if each.startswith("Slot/")]
        if len(slots) != 1 or has_taken_effect(record, self.is_cancelled):
            return None
        found = fetch_or_none(lambda: search.fetch_resource(slots[0]))
        if found is None or found[0].json.get("status") not in _TAKEN:
            return None
        slot, response = found
        condition = build_if_match(slot, response.headers.get("ETag"))
        if not condition or self._has_other_holder(slots[0].partition("/")[2]):
            return None
        return _TakenSlot(slot, condition["If-Match"])

    def _fetch_record(self) -> Element:
        """Fetch the Appointment; it is changed as it was read, if it has its version."""
        record, _ = self.dependencies.search.fetch_resource(self.reference)
        meta = require(lambda: record.child("meta"))
        self.fresh = record if meta and meta.string("versionId") else None
        return record

    def _has_other_holder(self, slot: str) -> bool:
        query = queries.appointments_on_slot(slot)
        search = self.dependencies.search
        seen = fetch_or_none(lambda: search.fetch_all(query)) or Bundle()
        ours = self.reference.partition("/")[2]
        try:
            return bool(appointments_holding_slot(seen, slot) - {ours})
        except Malformed:
            return True

    def _send_with_slot(self, slot: _TakenSlot) -> tuple[WriteOutcome, str | None]:
        try:
            outcome = self._update(build=partial(self._build, slot), read=self._read)
        except GpcliError as error:
            if type(error) not in _UNEXPLAINED:
                self._take_back(slot, error)
                raise
            outcome = self._update_alone(slot)
        return outcome, None if self._is_free(slot) else _STILL_TAKEN

    def _update_alone(self, slot: _TakenSlot) -> WriteOutcome:
        """Cancel without the Slot, since the portal refused both together."""
        self.fresh = None
        try:
            return self._update()
        except GpcliError as error:
            self._take_back(slot, error)
            raise

    def _take_back(self, slot: _TakenSlot, error: GpcliError) -> None:
        """Take the Slot again that a portal set free without cancelling; say so in the error."""
        result = self._slot_result
        is_open = isinstance(error, OutcomeUnknown)
        if is_open or result is None or not result.response.is_success:
            return
        intent = uuid5(self.intent, "taken back")
        kernel = self.dependencies.kernel
        if not put_slot_back(kernel, slot.record, result.etag, intent):
            error.add_hint("The portal may show the time as free although the booking stands.")

    def _build(
        self, slot: _TakenSlot, part: WritePart, condition: Mapping[str, str]
    ) -> WriteRequest:
        """Return the transaction that cancels the Appointment and sets the Slot free."""
        matches = {"ifMatch": condition["If-Match"]} if condition else {}
        base = self.dependencies.search.client.base
        writes = [
            (part.resource, {"method": "PUT", "url": self.reference, **matches}),
            (slot.freed, {"method": "PUT", "url": slot.reference, "ifMatch": slot.etag}),
        ]
        entries = [
            {"fullUrl": f"{base}/{request['url']}", "resource": resource, "request": request}
            for resource, request in writes
        ]
        body = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        headers, is_guarded = {"X-Request-ID": str(part.intent)}, bool(matches)
        return WriteRequest((part,), "POST", "", body, headers, is_guarded)

    def _read(self, response: HttpResponse) -> HttpResponse:
        """Return the response to the transaction as one to the update of the Appointment.

        A condition that failed may be that of the Slot: it is no reason to try both again.
        """
        if response.is_success:
            result, self._slot_result = read_entry_results(response)
            response = result.response if result else replace(response, status=500, body=None)
        return replace(response, status=409) if response.status == 412 else response

    def _is_free(self, slot: _TakenSlot) -> bool:
        """Return whether the Slot is free after the cancelling, or can be set free by itself.

        It counts as free where the portal does not show it any more.
        """
        search = self.dependencies.search
        found = fetch_or_none(lambda: search.fetch_resource(slot.reference))
        if found is None or found[0].json.get("status") not in _TAKEN:
            return True
        record, response = found
        etag = build_if_match(record, response.headers.get("ETag")).get("If-Match")
        freed = replace(record, json={**record.json, "status": "free"})
        intent = uuid5(self.intent, "set free")
        return put_slot_back(self.dependencies.kernel, freed, etag, intent)
