"""The portal with a recorder in it: every FHIR body that it is sent, and that it answers with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from flask import Blueprint, Response, request

from gpcli.sandbox.server import Sandbox
from tests.real.validators import Resource

FHIR = "/fhir/R4"


class Exchange(NamedTuple):
    """A request as its request line and the answer's status say, and both bodies, where JSON."""

    title: str
    sent: Resource | None
    answered: Resource | None


class RecordingSandbox(Sandbox):
    """A sandbox that keeps its exchanges, oldest first."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.exchanges: list[Exchange] = []

    def _blueprints(self) -> dict[str, Blueprint]:
        blueprints = super()._blueprints()
        blueprints[FHIR].after_request(self._keep)
        return blueprints

    def _keep(self, response: Response) -> Response:
        title = f"{request.method} {request.full_path.rstrip('?')} -> {response.status_code}"
        sent = _parsed(request.mimetype, request.get_data())
        self.exchanges.append(Exchange(title, sent, _parsed(response.mimetype, response.data)))
        return response


def read_recorded(sandbox: RecordingSandbox) -> Iterator[tuple[str, Resource]]:
    """Every resource that went either way, and where it did."""
    for title, sent, answered in sandbox.exchanges:
        for name, resource in (("sent", sent), ("answered", answered)):
            if resource is not None:
                yield f"{name}: {title}", resource


def read_stored(sandbox: Sandbox) -> Iterator[tuple[str, Resource]]:
    """Every resource in the portal's record, in its present version and the former ones."""
    sql = "SELECT body FROM resource WHERE NOT deleted UNION ALL SELECT body FROM former"
    for (body,) in sandbox.store.execute(sql):
        resource = json.loads(body)
        yield f"stored: {resource['resourceType']}/{resource['id']}", resource


def _parsed(media_type: str, body: bytes) -> Resource | None:
    return json.loads(body) if body and media_type.endswith("json") else None
