import httpx
import pytest

from gpcli.account import revoke_session


def test_signing_out_revokes_the_refresh_token(issuer, signed_in):
    issuer.will("/revoke", httpx.Response(200))
    assert revoke_session(issuer.client, signed_in()) is True
    assert issuer.forms("/revoke") == [
        {"token": "refresh-1", "token_type_hint": "refresh_token", "client_id": "gpcli"}
    ]


def test_only_the_status_of_the_answer_counts(issuer, signed_in):
    issuer.will("/revoke", httpx.Response(200, html="<h1>Signed out</h1>"))
    assert revoke_session(issuer.client, signed_in()) is True


def test_without_a_refresh_token_the_access_token_is_revoked(issuer, signed_in):
    issuer.will("/revoke", httpx.Response(200))
    assert revoke_session(issuer.client, signed_in(refresh_token=None)) is True
    assert issuer.forms("/revoke") == [
        {"token": "access-1", "token_type_hint": "access_token", "client_id": "gpcli"}
    ]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(400, json={"error": "unsupported_token_type"}),
        httpx.Response(503),
        httpx.Response(204, html="<h1>Signed out</h1>"),
        httpx.ReadError("cut"),
        httpx.ReadTimeout("late"),
    ],
)
def test_a_portal_that_does_not_revoke_never_stops_a_sign_out(issuer, signed_in, answer):
    issuer.will("/revoke", answer)
    assert revoke_session(issuer.client, signed_in()) is False


@pytest.mark.parametrize("endpoint", [None, "http://id.example/revoke", "nonsense"])
def test_without_a_usable_address_nothing_is_sent(issuer, signed_in, endpoint):
    assert revoke_session(issuer.client, signed_in(revocation_endpoint=endpoint)) is False
    assert issuer.asked == []
