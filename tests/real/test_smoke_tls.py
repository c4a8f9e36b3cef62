"""`gpcli smoke` at a portal behind TLS: its certificate is trusted, or that is what fails."""

from __future__ import annotations

import pytest

from tests.http.authority import Authority
from tests.journeys.process import as_person, gpcli
from tests.real.flow import publish
from tests.real.fronts import Published


@pytest.fixture
def portal():
    with Published() as sandbox:
        yield sandbox


@pytest.fixture
def authority(tmp_path) -> Authority:
    place = tmp_path / "authority"
    place.mkdir()
    return Authority(place)


def checks(report) -> dict[str, tuple[str, str | None]]:
    return {each["name"]: (each["status"], each["cause"]) for each in report["checks"]}


def test_a_certificate_that_is_trusted_is_told_by_its_end(portal, authority, tmp_path):
    with publish(portal, authority.server()) as base:
        env = as_person(portal, tmp_path, "ada", SSL_CERT_FILE=str(authority.file))
        done = gpcli("smoke", "--json", env={**env, "GPCLI_PORTAL": base})
    assert checks(done.json)["capability-statement"] == ("ok", None)
    assert checks(done.json)["tls"][0] in ("ok", "warning")
    assert "more day" in next(each["seen"] for each in done.json["checks"] if each["name"] == "tls")


def test_a_certificate_that_nobody_knows_fails_the_run(portal, authority, tmp_path):
    with publish(portal, authority.server()) as base:
        env = as_person(portal, tmp_path, "ada")
        done = gpcli("smoke", "--write", "--json", env={**env, "GPCLI_PORTAL": base})
    assert done.code == 11
    assert checks(done.json)["capability-statement"] == ("failed", "tls")
    assert {status for status, _ in checks(done.json).values()} == {"failed", "skipped"}
