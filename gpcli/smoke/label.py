"""The label on everything that `gpcli smoke --write` makes at a portal.

It is an identifier of the system `urn:gpcli:smoke`, whose value has the time and the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from gpcli.http.client import HttpClient, HttpResponse, RequestBody

SYSTEM = "urn:gpcli:smoke"
"""The system of the label: an identifier, or a tag on a message that the run did not make."""

REASON = "Automated test by gpcli smoke: please leave it alone, it is taken back at once."
"""What the surgery reads; it tells what a run made also where a portal loses identifiers."""

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass
class Label:
    """The label of one run: `run` is its id; `now` returns the aware time.

    `is_given` tells whether something has it.
    """

    now: Callable[[], datetime]
    run: str = field(default_factory=lambda: uuid4().hex[:12])
    is_given: bool = False

    def give(self) -> str:
        """Return the identifier's value at present: `2027-03-01T08:00:00Z/RUN`."""
        self.is_given = True
        return f"{self.now().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}/{self.run}"


@dataclass(frozen=True)
class SentCreate:
    """A request that created something: its path, body and headers, and the answer's status."""

    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    status: int


class LabellingClient(HttpClient):
    """A client that labels everything that is created through it; `label` is the value.

    `creates` are the creates that it has sent, so that they can be sent once more.
    """

    def __init__(self, base: str, *, label: Label, **options: Any) -> None:
        super().__init__(base, **options)
        self._label = label
        self.creates: list[SentCreate] = []

    def send(
        self,
        method: str,
        path: str,
        body: RequestBody,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        retry: bool = False,
    ) -> HttpResponse:
        """Send a request as HttpClient does, with the label on what it creates."""
        if method != "POST" or not isinstance(body, Mapping):
            return super().send(method, path, body, headers=headers, retry=retry)
        labelled = self._label_created(body)
        response = super().send(method, path, labelled, headers=headers, retry=retry)
        if labelled != body:
            self.creates.append(SentCreate(path, labelled, headers, response.status))
        return response

    def resend(self, create: SentCreate) -> HttpResponse:
        """Send a create once more as it was, and return its response."""
        return super().send("POST", create.path, create.body, headers=create.headers)

    def _label_created(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a body with the label on every resource that it has the portal create."""
        kind = body.get("resourceType")
        if kind == "Bundle":
            entries = [self._label_entry(each) for each in body.get("entry", ())]
            return {**body, "entry": entries}
        if kind == "Parameters":
            parameters = [self._label_parameter(each) for each in body.get("parameter", ())]
            return {**body, "parameter": parameters}
        return self._add_label(body)

    def _label_entry(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        if entry.get("request", {}).get("method") != "POST" or "resource" not in entry:
            return entry
        return {**entry, "resource": self._add_label(entry["resource"])}

    def _label_parameter(self, parameter: Mapping[str, Any]) -> Mapping[str, Any]:
        if "resource" not in parameter:
            return parameter
        return {**parameter, "resource": self._add_label(parameter["resource"])}

    def _add_label(self, resource: Mapping[str, Any]) -> Mapping[str, Any]:
        identifier = {"system": SYSTEM, "value": self._label.give()}
        return {**resource, "identifier": [*resource.get("identifier", ()), identifier]}
