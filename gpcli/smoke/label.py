"""The label on everything that `gpcli smoke --write` makes at a portal.

It is an identifier of the system `urn:gpcli:smoke`, whose value has the time and the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from gpcli.fhir.element import UUID_SYSTEM, Element
from gpcli.http.client import HttpClient, HttpResponse, RequestBody

SYSTEM = "urn:gpcli:smoke"
"""The system of the label: an identifier, or a tag on a message that the run did not make."""

REASON = "Automated test by gpcli smoke: please leave it alone, it is taken back at once."
"""What the surgery reads; it tells what a run made also where a portal loses identifiers."""

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass
class Label:
    """The label of one run: `run` is its id; `now` returns the aware time.

    `is_given` tells whether something has it. `unanswered` are the creates whose answer has not
    come: what they make may still arrive at the portal.
    """

    now: Callable[[], datetime]
    run: str = field(default_factory=lambda: uuid4().hex[:12])
    is_given: bool = False
    unanswered: list[SentCreate] = field(default_factory=list)

    def give(self) -> str:
        """Return the identifier's value at present: `2027-03-01T08:00:00Z/RUN`."""
        self.is_given = True
        return f"{self.now().astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}/{self.run}"

    def note_arrival(self, record: Element) -> None:
        """Count the creates that made a record as answered: it was found at the portal."""
        values = {value for _, value in record.identifier_pairs()}
        self.unanswered = [each for each in self.unanswered if not values & {*each.urns}]


@dataclass(eq=False)
class SentCreate:
    """A request that creates something: its path, body and headers.

    `status` is that of the answer, `None` as long as none has come.
    """

    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    status: int | None = None

    @property
    def urns(self) -> Iterator[str]:
        """The UUIDs that are identifiers of what it creates."""
        return _find_urns(self.body)


def _find_urns(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if value.get("system") == UUID_SYSTEM and isinstance(value.get("value"), str):
            yield value["value"]
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _find_urns(each)


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
        if labelled == body:
            return super().send(method, path, body, headers=headers, retry=retry)
        create = SentCreate(path, labelled, headers)
        self.creates.append(create)
        return self._send_create(create, retry=retry)

    def resend(self, create: SentCreate) -> HttpResponse:
        """Send a create once more as it was, and return its response."""
        return self._send_create(replace(create))

    def _send_create(self, create: SentCreate, *, retry: bool = False) -> HttpResponse:
        self._label.unanswered.append(create)
        path, headers = create.path, create.headers
        response = super().send("POST", path, create.body, headers=headers, retry=retry)
        self._label.unanswered.remove(create)
        create.status = response.status
        return response

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
