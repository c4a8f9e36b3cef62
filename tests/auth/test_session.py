import json

import pytest

from gpcli.auth.session import parse_item


def test_a_session_survives_the_keyring(signed_in):
    session = signed_in(refresh_token=None, patient_name="Åse Øystein Ærlig")
    assert parse_item(session.format_item()) == session


def test_a_session_shows_no_token_when_printed(signed_in):
    shown = repr(signed_in(access_token="secret-access", refresh_token="secret-refresh"))
    assert "secret" not in shown
    assert "patient='ada'" in shown


def test_a_later_versions_extra_fields_are_ignored(signed_in):
    item = json.loads(signed_in().format_item()) | {"colour": "blue"}
    assert parse_item(json.dumps(item)) == signed_in()


@pytest.mark.parametrize("item", ["", "not json", "[]", "{}", '"text"', '{"portal": "x"}'])
def test_an_item_that_is_no_session_counts_as_none(item):
    assert parse_item(item) is None
