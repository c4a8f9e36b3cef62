import httpx
import pytest

from gpcli.auth.client_auth import ClientAuth
from gpcli.sign_out import revoke_session


def test_signing_out_revokes_the_refresh_token(issuer, build_session):
    issuer.respond("/revoke", httpx.Response(200))
    assert revoke_session(issuer.client, build_session()) is True
    assert issuer.forms("/revoke") == [
        {"token": "refresh-1", "token_type_hint": "refresh_token", "client_id": "gpcli"}
    ]


def test_only_the_status_of_the_answer_counts(issuer, build_session):
    issuer.respond("/revoke", httpx.Response(200, html="<h1>Signed out</h1>"))
    assert revoke_session(issuer.client, build_session()) is True


def test_without_a_refresh_token_the_access_token_is_revoked(issuer, build_session):
    issuer.respond("/revoke", httpx.Response(200))
    assert revoke_session(issuer.client, build_session(refresh_token=None)) is True
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
def test_a_portal_that_does_not_revoke_never_stops_a_sign_out(issuer, build_session, answer):
    issuer.respond("/revoke", answer)
    assert revoke_session(issuer.client, build_session()) is False


@pytest.mark.parametrize("endpoint", [None, "http://id.example/revoke", "nonsense"])
def test_without_a_usable_address_nothing_is_sent(issuer, build_session, endpoint):
    assert revoke_session(issuer.client, build_session(revocation_endpoint=endpoint)) is False
    assert issuer.requests == []


def test_a_confidential_client_proves_itself_when_it_revokes(issuer, build_session):
    issuer.respond("/revoke", httpx.Response(200))
    auth = ClientAuth("gpcli", "client_secret_post", "s3cret")
    assert revoke_session(issuer.client, build_session(), auth) is True
    [form] = issuer.forms("/revoke")
    assert (form["token"], form["client_secret"]) == ("refresh-1", "s3cret")
