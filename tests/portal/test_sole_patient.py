"""The only patient whose record a token may read."""

from __future__ import annotations

import pytest

from gpcli.portal.search import FhirSearch
from gpcli.portal.sole_patient import fetch_sole_patient
from tests.portal.scripted import Reply, Server


def bundle(*ids: str, **more: object) -> dict[str, object]:
    entries = [{"resource": {"resourceType": "Patient", "id": each}} for each in ids]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **more}


@pytest.mark.parametrize(
    ("answer", "patient"),
    [
        (bundle("kari"), "kari"),
        (bundle("kari", total=1), "kari"),
        (bundle(), None),
        (bundle("kari", "ola"), None),
        (bundle("kari", total=2), None),
        (bundle("kari", link=[{"relation": "next", "url": "?page=2"}]), None),
        ({"resourceType": "Patient", "id": "kari"}, None),
        (Reply("<h1>No</h1>"), None),
        (Reply(bundle("kari"), 403), None),
        (Reply({}, 404), None),
    ],
)
def test_there_is_one_where_the_portal_shows_exactly_one(
    search: FhirSearch, server: Server, answer: object, patient: str | None
):
    server.on("GET Patient", answer)
    assert fetch_sole_patient(search.client) == patient
