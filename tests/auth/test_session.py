import json

import pytest

from gpcli.auth.session import parse_item


def test_a_session_survives_the_keyring(build_session):
    session = build_session(refresh_token=None, patient_name="Åse Øystein Ærlig")
    assert parse_item(session.format_item()) == session


def test_a_session_shows_no_token_when_printed(build_session):
    shown = repr(build_session(access_token="secret-access", refresh_token="secret-refresh"))
    assert "secret" not in shown
    assert "patient='ada'" in shown


def test_a_later_versions_extra_fields_are_ignored(build_session):
    item = json.loads(build_session().format_item()) | {"colour": "blue"}
    assert parse_item(json.dumps(item)) == build_session()


@pytest.mark.parametrize("item", ["", "not json", "[]", "{}", '"text"', '{"portal": "x"}'])
def test_an_item_that_is_no_session_counts_as_none(item):
    assert parse_item(item) is None


def test_a_session_of_an_earlier_version_was_of_a_public_client(build_session):
    item = json.loads(build_session().format_item())
    del item["client_auth"]
    assert parse_item(json.dumps(item)).client_auth == "none"


def test_a_session_may_not_know_who_acts(build_session):
    session = build_session(fhir_user=None, client_auth="client_secret_basic")
    assert parse_item(session.format_item()) == session
