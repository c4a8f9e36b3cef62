"""The users of `bench/load.py`: gpcli's, and Locust's own with the same request.

Whoever asks does so again at once: what is measured is how much the clients can ask for.
"""

from __future__ import annotations

import os

from locust import FastHttpUser, HttpUser, constant, task

import gpcli.load
from gpcli.portal import queries

_PATIENT = os.environ["GPCLI_PATIENT"]
_PORTAL = os.environ["GPCLI_PORTAL"]
_URL = f"{_PORTAL}/{queries.vaccinations(_PATIENT).url}"
_NAME = "/Immunization"
_HEADERS = {
    "Accept": "application/fhir+json",
    "Authorization": f"Bearer {os.environ['GPCLI_TOKEN']}",
}


class Errands(gpcli.load.Patient):
    """All that a patient does, by gpcli."""

    wait_time = constant(0)


class Vaccinations(gpcli.load.GpcliUser):
    """One errand of one request, by gpcli."""

    wait_time = constant(0)

    @task
    def vaccinations(self) -> None:
        """Look at the vaccinations."""
        self.run_errand("vaccinations", "vaccinations")


class Plain(HttpUser):
    """The same request by Locust's usual client."""

    host = _PORTAL

    @task
    def vaccinations(self) -> None:
        """Ask for the vaccinations."""
        self.client.get(_URL, headers=_HEADERS, name=_NAME)


class PlainFast(FastHttpUser):
    """The same request by Locust's faster client."""

    host = _PORTAL

    @task
    def vaccinations(self) -> None:
        """Ask for the vaccinations."""
        self.client.get(_URL, headers=_HEADERS, name=_NAME)
