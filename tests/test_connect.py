"""gpcli from Python: the same portal, the same records."""

import pytest

import gpcli
from gpcli.care.offers import list_services
from gpcli.cli.sandbox_env import build_variables
from gpcli.errors import InvalidUsage, NotSignedIn
from gpcli.sandbox.server import Sandbox


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as running:
        yield running


@pytest.fixture
def bo(sandbox, monkeypatch, tmp_path):
    token = sandbox.issue_token("bo")
    values = build_variables(sandbox.fhir_base, token.access_token, token.patient, token.fhir_user)
    for name, value in (values | {"GPCLI_CONFIG_DIR": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)
    return sandbox


def test_a_script_gets_the_portal_and_asks_it(bo):
    with gpcli.connect() as portal:
        name = portal.fetch_parties().patient.name
        rows = list_services(portal.fetch_offers(), bo.now())
    offered = [row.service.value for row in rows if row.status == "offered"]

    assert name == "Bo Lindvik"
    assert offered == ["contact", "booking-enquiry", "cancellation"]


def test_a_script_can_not_act_for_whom_the_token_is_not_for(bo):
    with pytest.raises(InvalidUsage, match="it can't act for 'ada'"), gpcli.connect(as_="ada"):
        pass


def test_without_a_portal_it_says_how_to_sign_in(monkeypatch, tmp_path):
    monkeypatch.delenv("GPCLI_PORTAL", raising=False)
    monkeypatch.setenv("GPCLI_CONFIG_DIR", str(tmp_path))
    with pytest.raises(NotSignedIn, match="does not know your portal"), gpcli.connect():
        pass
