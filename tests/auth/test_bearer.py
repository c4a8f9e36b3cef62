from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from gpcli.auth.bearer import SessionBearer, StaticBearer
from gpcli.auth.client_auth import ClientAuth
from gpcli.auth.session import session_lock
from gpcli.auth.vault import MemoryVault
from gpcli.errors import (
    BadResponse,
    Expired,
    NoKeyring,
    NotSignedIn,
    PortalError,
    SignInRefused,
    TimedOut,
    Unavailable,
)
from tests.auth.conftest import DOCUMENT, ISSUER

NOW = 1_800_000_000.0
ADA = "home/ada"
WELL_KNOWN = "/fhir/R4/.well-known/smart-configuration"


class CountingVault(MemoryVault):
    """Counts writes; can refuse them."""

    def __init__(self) -> None:
        super().__init__()
        self.saves = 0
        self.broken = False

    def save(self, account, session):
        if self.broken:
            raise NoKeyring("locked")
        self.saves += 1
        super().save(account, session)


@pytest.fixture
def vault():
    return CountingVault()


@pytest.fixture
def bearer(vault, issuer, tmp_path):
    return SessionBearer(vault, ADA, tmp_path / "locks", tmp_path / "cache", issuer.clock)


def test_a_given_token_is_used_as_it_is(issuer):
    assert StaticBearer("abc").get_token(issuer.client) == "abc"


def test_a_given_token_that_the_portal_refuses_says_so(issuer):
    with pytest.raises(Expired) as raised:
        StaticBearer("abc").renew_token(issuer.client, "abc")
    assert raised.value.message == "The portal does not accept the token in GPCLI_TOKEN."


@pytest.mark.parametrize("left", [60, 3600])
def test_a_fresh_token_is_used_without_asking_anybody(bearer, vault, issuer, build_session, left):
    session = build_session(expires_at=NOW + left)
    vault.save(ADA, session)
    assert bearer.get_token(issuer.client) == "access-1"
    assert (issuer.requests, bearer.load_session()) == ([], session)


def test_a_session_that_was_read_already_is_not_read_again(issuer, build_session, tmp_path):
    bearer = SessionBearer(MemoryVault(), ADA, tmp_path, tmp_path, issuer.clock, build_session())
    assert bearer.get_token(issuer.client) == "access-1"


def test_nobody_signed_in_says_how_to_sign_in(bearer, issuer):
    with pytest.raises(NotSignedIn) as raised:
        bearer.get_token(issuer.client)
    assert raised.value.hint == "gpcli login signs you in."


@pytest.mark.parametrize("left", [59.9, 0, -5000])
def test_a_token_in_its_last_minute_is_renewed_and_kept(
    bearer, vault, issuer, build_session, tokens, left
):
    vault.save(ADA, build_session(expires_at=NOW + left, refresh_expires_at=NOW + 9000))
    issuer.respond("/token", tokens(scope="patient/Patient.rs"))
    assert bearer.get_token(issuer.client) == "access-2"
    assert issuer.forms() == [
        {"grant_type": "refresh_token", "refresh_token": "refresh-1", "client_id": "gpcli"}
    ]
    renewed = build_session(
        access_token="access-2",
        refresh_token="refresh-2",
        expires_at=NOW + 3600,
        scope="patient/Patient.rs",
    )
    assert (vault.load(ADA), bearer.load_session()) == (renewed, renewed)


def test_a_refresh_answer_that_leaves_things_out_keeps_them(
    bearer, vault, issuer, build_session, tokens
):
    session = build_session(expires_at=NOW, refresh_expires_at=NOW + 9000)
    vault.save(ADA, session)
    issuer.respond("/token", tokens(refresh_token=None, scope=None, patient=None))
    bearer.get_token(issuer.client)
    assert vault.load(ADA) == replace(session, access_token="access-2", expires_at=NOW + 3600)


def test_a_token_without_a_refresh_token_is_used_to_its_very_end(
    bearer, vault, issuer, build_session
):
    vault.save(ADA, build_session(refresh_token=None, expires_at=NOW + 1))
    assert bearer.get_token(issuer.client) == "access-1"
    issuer.clock.at += 1
    with pytest.raises(Expired):
        bearer.get_token(issuer.client)


def test_a_refused_token_is_renewed_even_if_it_looks_fresh(
    bearer, vault, issuer, build_session, tokens
):
    vault.save(ADA, build_session())
    issuer.respond("/token", tokens())
    assert bearer.renew_token(issuer.client, "access-1") == "access-2"


def test_a_token_that_another_process_renewed_is_used_without_asking(
    bearer, vault, issuer, build_session
):
    vault.save(ADA, build_session(expires_at=NOW + 10))
    bearer.load_session()
    vault.save(ADA, build_session(access_token="access-7"))
    assert bearer.get_token(issuer.client) == "access-7"
    assert issuer.requests == []


def test_a_dead_refresh_token_ends_the_session(bearer, vault, issuer, build_session, refusal):
    vault.save(ADA, build_session(expires_at=NOW))
    issuer.respond("/token", refusal("invalid_grant"))
    with pytest.raises(Expired) as raised:
        bearer.get_token(issuer.client)
    assert (vault.load(ADA), raised.value.exit) == (None, 4)
    assert "gpcli login" in raised.value.hint


def test_a_dead_refresh_token_that_somebody_replaced_meanwhile_ends_nothing(
    vault, issuer, build_session, refusal, tmp_path
):
    class Racing(CountingVault):
        loads = 0

        def load(self, account):
            self.loads += 1
            if self.loads == 3:
                self.save(account, build_session(access_token="access-7", refresh_token="r-7"))
            return super().load(account)

    racing = Racing()
    racing.save(ADA, build_session(expires_at=NOW))
    issuer.respond("/token", refusal("invalid_grant"))
    bearer = SessionBearer(racing, ADA, tmp_path, tmp_path, issuer.clock)
    assert bearer.get_token(issuer.client) == "access-7"
    assert racing.load(ADA).refresh_token == "r-7"


@pytest.mark.parametrize("word", ["invalid_client", "unauthorized_client", "invalid_scope"])
def test_another_refusal_keeps_the_session(bearer, vault, issuer, build_session, refusal, word):
    session = build_session(expires_at=NOW)
    vault.save(ADA, session)
    issuer.respond("/token", refusal(word, 401))
    with pytest.raises(SignInRefused, match=word):
        bearer.get_token(issuer.client)
    assert vault.load(ADA) == session


@pytest.mark.parametrize("status", [404, 405, 410])
def test_an_address_that_has_moved_is_looked_up_anew_and_kept(
    bearer, vault, issuer, build_session, tokens, status
):
    vault.save(ADA, build_session(expires_at=NOW))
    issuer.respond("/token", httpx.Response(status))
    moved = {"token_endpoint": f"{ISSUER}/new/token", "revocation_endpoint": f"{ISSUER}/new/end"}
    issuer.respond(WELL_KNOWN, DOCUMENT | moved)
    issuer.respond("/new/token", tokens())
    assert bearer.get_token(issuer.client) == "access-2"
    assert issuer.paths() == ["/token", WELL_KNOWN, "/new/token"]
    assert issuer.forms("/new/token") == issuer.forms()
    stored = vault.load(ADA)
    assert (stored.token_endpoint, stored.revocation_endpoint) == tuple(moved.values())


def test_an_address_that_the_portal_still_names_is_asked_once_more_at_most(
    bearer, vault, issuer, build_session
):
    session = build_session(expires_at=NOW)
    vault.save(ADA, session)
    issuer.respond("/token", httpx.Response(404), httpx.Response(404))
    issuer.respond(WELL_KNOWN, DOCUMENT)
    with pytest.raises(SignInRefused, match="404"):
        bearer.get_token(issuer.client)
    assert (vault.load(ADA), len(issuer.requests)) == (session, 3)


@pytest.mark.parametrize(
    ("said", "kind"), [(httpx.Response(503), Unavailable), (httpx.Response(404), BadResponse)]
)
def test_a_portal_that_does_not_say_where_to_loses_nothing(
    bearer, vault, issuer, build_session, said, kind
):
    session = build_session(expires_at=NOW)
    vault.save(ADA, session)
    issuer.respond("/token", httpx.Response(404))
    issuer.respond(WELL_KNOWN, *[said] * 4)
    with pytest.raises(kind):
        bearer.get_token(issuer.client)
    assert (vault.load(ADA), len(issuer.forms())) == (session, 1)


def test_a_renewal_goes_to_no_address_without_encryption(bearer, vault, issuer, build_session):
    vault.save(ADA, build_session(expires_at=NOW))
    issuer.respond("/token", httpx.Response(404))
    issuer.respond(WELL_KNOWN, DOCUMENT | {"token_endpoint": "http://id.example/token"})
    with pytest.raises(BadResponse, match="not an https address"):
        bearer.get_token(issuer.client)
    assert len(issuer.forms()) == 1


@pytest.mark.parametrize(
    "error",
    [
        httpx.Response(503),
        httpx.Response(429, headers={"Retry-After": "3600"}),
        httpx.ReadError("cut"),
        httpx.ReadTimeout("late"),
    ],
)
def test_a_portal_that_cannot_be_reached_loses_nothing(bearer, vault, issuer, build_session, error):
    session = build_session(expires_at=NOW)
    vault.save(ADA, session)
    issuer.respond("/token", error)
    with pytest.raises(Unavailable):
        bearer.get_token(issuer.client)
    assert (vault.load(ADA), len(issuer.requests)) == (session, 1)


@pytest.mark.parametrize("body", [{}, {"token_type": "Bearer"}])
def test_a_broken_answer_loses_nothing(bearer, vault, issuer, build_session, body):
    session = build_session(expires_at=NOW)
    vault.save(ADA, session)
    issuer.respond("/token", body)
    with pytest.raises(BadResponse):
        bearer.get_token(issuer.client)
    assert vault.load(ADA) == session


def test_a_renewal_for_another_patient_is_refused(bearer, vault, issuer, build_session, tokens):
    vault.save(ADA, build_session(expires_at=NOW))
    issuer.respond("/token", tokens(patient="bo"))
    with pytest.raises(BadResponse, match="another patient"):
        bearer.get_token(issuer.client)
    assert vault.load(ADA) == build_session(expires_at=NOW)


def test_a_new_token_that_could_not_be_kept_is_not_used(
    bearer, vault, issuer, build_session, tokens
):
    vault.save(ADA, build_session(expires_at=NOW))
    issuer.respond("/token", tokens())
    vault.broken = True
    with pytest.raises(NoKeyring):
        bearer.get_token(issuer.client)
    assert bearer.load_session().access_token == "access-1"


def test_a_refresh_that_another_process_does_not_finish_ends_with_the_deadline(
    bearer, vault, issuer, build_session, tmp_path
):
    vault.save(ADA, build_session(expires_at=NOW))
    with session_lock(tmp_path / "locks", ADA, 1):
        issuer.deadline.seconds = 0.05
        issuer.deadline.restart()
        other = SessionBearer(vault, ADA, tmp_path / "locks", tmp_path, issuer.clock)
        with pytest.raises(TimedOut) as raised:
            other.get_token(issuer.client)
    assert raised.value.message == (
        "Another gpcli is renewing this sign-in and did not finish in time: "
        f"{next((tmp_path / 'locks').iterdir())} is locked."
    )


def test_the_locks_name_and_place_tell_nothing_and_are_private(tmp_path):
    with session_lock(tmp_path / "locks", ADA, 1):
        file = next((tmp_path / "locks").iterdir())
        modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "locks", file)]
    assert modes == [0o700, 0o600]
    assert "ada" not in file.name


def test_a_failure_of_the_portal_keeps_its_own_words(bearer, vault, issuer, build_session):
    vault.save(ADA, build_session(expires_at=NOW))
    issuer.respond("/token", httpx.Response(500, html="<h1>secret</h1>"))
    with pytest.raises(PortalError) as raised:
        bearer.get_token(issuer.client)
    assert raised.value.message == "The portal's sign-in failed (status 500)."


def test_eight_threads_at_expiry_make_one_token_request(
    bearer, vault, issuer, build_session, tokens
):
    vault.save(ADA, build_session(expires_at=NOW))
    issuer.respond("/token", tokens())
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: bearer.get_token(issuer.client), range(8)))
    assert (found, len(issuer.forms())) == (["access-2"] * 8, 1)


@pytest.mark.parametrize("status", [200, 400, 401])
def test_an_end_is_heard_whatever_the_status(bearer, vault, issuer, build_session, refusal, status):
    vault.save(ADA, build_session(expires_at=NOW))
    issuer.respond("/token", refusal("invalid_grant", status))
    with pytest.raises(Expired):
        bearer.get_token(issuer.client)
    assert vault.load(ADA) is None


def test_a_failing_portal_ends_no_session(bearer, vault, issuer, build_session, refusal):
    vault.save(ADA, build_session(expires_at=NOW))
    issuer.respond("/token", refusal("invalid_grant", 500))
    with pytest.raises(SignInRefused):
        bearer.get_token(issuer.client)
    assert vault.load(ADA) is not None


@pytest.mark.parametrize(
    ("word", "kind", "hint"),
    [
        ("server_error", PortalError, "Try again later."),
        ("temporarily_unavailable", PortalError, "Try again later."),
        ("invalid_client", SignInRefused, "--client-id"),
        ("invalid_scope", SignInRefused, "It was asked for: "),
        ("odd_word", SignInRefused, "gpcli login signs you in again."),
    ],
)
def test_a_refused_renewal_has_its_word_and_its_cure(
    bearer, vault, issuer, build_session, refusal, word, kind, hint
):
    vault.save(ADA, build_session(expires_at=NOW))
    issuer.respond("/token", refusal(word))
    with pytest.raises(kind) as raised:
        bearer.get_token(issuer.client)
    assert f"({word}): " in raised.value.message
    assert hint in raised.value.hint


def test_a_renewal_proves_the_client_as_the_sign_in_did(
    vault, issuer, build_session, tokens, tmp_path
):
    vault.save(ADA, build_session(expires_at=NOW, client_auth="client_secret_post"))
    issuer.respond("/token", tokens())

    def rebuild(session):
        return ClientAuth(session.client_id, session.client_auth, "s3cret")

    bearer = SessionBearer(vault, ADA, tmp_path, tmp_path, issuer.clock, rebuild_auth=rebuild)
    assert bearer.get_token(issuer.client) == "access-2"
    [form] = issuer.forms()
    assert (form["client_id"], form["client_secret"]) == ("gpcli", "s3cret")
    assert vault.load(ADA).client_auth == "client_secret_post"
