"""Whom a token is for, where its sign-in does not say: the only patient that it may read."""

from __future__ import annotations

from gpcli.errors import GpcliError
from gpcli.fhir.bundle import read_bundle
from gpcli.fhir.element import Malformed
from gpcli.http.client import HttpClient


def fetch_sole_patient(client: HttpClient) -> str | None:
    """Return the id of the only Patient that the token may read.

    `None` = there are several or none, or the portal does not tell.
    """
    try:
        response = client.get("Patient", [("_count", "2")])
        bundle = read_bundle(response.body)
    except (GpcliError, Malformed):
        return None
    patients = bundle.matches_of_type("Patient")
    is_all = bundle.next_url is None and bundle.total in {None, 1} and not bundle.flaws
    if response.status != 200 or len(patients) != 1 or not is_all:
        return None
    return patients[0].string("id")
