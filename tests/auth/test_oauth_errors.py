"""What a portal's sign-in says of an error, and the cure that goes with it."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from gpcli.auth.oauth_errors import (
    MAX_DESCRIPTION,
    MAX_WORD,
    AuthAttempt,
    OAuthError,
    build_sign_in_error,
    check_no_error,
    read_oauth_error,
    read_redirect_error,
)
from gpcli.errors import PortalError, RateLimited, SignInRefused
from gpcli.http.client import HttpResponse
from gpcli.http.portal_clock import CLOCK_HINT

ATTEMPT = AuthAttempt(
    "The portal refused the sign-in",
    "gpcli",
    "none",
    "openid patient/Slot.rs",
    "https://portal.example/fhir/R4",
    "http://127.0.0.1:5000/callback",
)
TELL = "Tell the people who run the portal what it says."
AGAIN = "gpcli login tries again."
STATUSES = [200, 302, 400, 401, 403, 404, 500, 503]


def answer(body: object, status: int = 400) -> HttpResponse:
    return HttpResponse(status, httpx.Headers(), body, "https://id.example/token", "r1")


def read(word: str | None, description: str | None = None, status: int | None = 400, **changes):
    return build_sign_in_error(OAuthError(word, description, status), replace(ATTEMPT, **changes))


@pytest.mark.parametrize("status", STATUSES)
def test_an_error_is_read_whatever_the_status(status):
    body = {"error": "bad_verification_code", "error_description": "The code\nhas expired."}
    found = read_oauth_error(answer(body, status))
    assert found == OAuthError("bad_verification_code", "The code has expired.", status)


@pytest.mark.parametrize("body", [{}, {"error": ""}, {"error": None}, {"error": 7}, [], None, "x"])
def test_a_success_without_a_word_is_no_error(body):
    assert read_oauth_error(answer(body, 200)) is None
    assert read_oauth_error(answer(body, 400)) == OAuthError(None, None, 400)


@pytest.mark.parametrize(
    ("body", "word", "description"),
    [
        ({"error": "Not a word!"}, "Not a word!", None),
        ({"error": {"code": 400, "status": "INVALID", "message": "No."}}, "INVALID", "No."),
        ({"error": {"message": "No."}}, None, "No."),
        ({"error": "x", "error_description": ["no", "text"]}, "x", None),
        ({"error": "w" * 500}, f"{'w' * (MAX_WORD - 1)}…", None),
        ({"error": "x", "error_description": "d" * 999}, "x", f"{'d' * (MAX_DESCRIPTION - 1)}…"),
    ],
)
def test_words_are_taken_as_they_are_written_and_long_ones_are_cut(body, word, description):
    assert read_oauth_error(answer(body)) == OAuthError(word, description, 400)


def test_a_secret_that_the_portal_quotes_is_not_shown():
    said = {"error": "invalid_client", "error_description": f"{'x' * 290}hunter2-hunter2 is wrong"}
    found = read_oauth_error(answer(said), ("hunter2-hunter2",))
    assert "hunter2" not in str(found)


def test_a_redirect_without_an_error_has_none():
    assert read_redirect_error({"code": "abc"}) is None
    assert read_redirect_error({"error": "access_denied"}) == OAuthError("access_denied", None)


def test_a_good_answer_passes():
    check_no_error(answer({"access_token": "x"}, 200), ATTEMPT)


def test_word_and_description_are_shown():
    error = read("invalid_scope", "unknown scope patient/Slot.rs.")
    assert error.message == (
        "The portal refused the sign-in (invalid_scope): unknown scope patient/Slot.rs."
    )
    assert read("odd_word").message == "The portal refused the sign-in (odd_word)."
    assert read(None, None, 418).message == "The portal refused the sign-in (418)."


@pytest.mark.parametrize(
    ("word", "description", "hint"),
    [
        ("invalid_scope", None, "It was asked for: openid patient/Slot.rs"),
        ("invalid_scope", "no redirect", "--scopes"),
        ("invalid_client", None, "--client-id"),
        ("unauthorized_client", None, "--client-id"),
        ("invalid_request", "Mismatching redirect URI.", "http://127.0.0.1:5000/callback"),
        ("invalid_redirect_uri", None, "redirect_port"),
        ("redirect_uri_mismatch", None, "redirect_port"),
        ("unauthorized_client", "redirect_uri is not registered", "redirect_port"),
        ("invalid_target", None, "https://portal.example/fhir/R4"),
        ("invalid_request", "no aud", TELL),
        ("unsupported_grant_type", None, TELL),
        ("odd_word", None, TELL),
        (None, None, TELL),
    ],
)
def test_the_hint_is_the_cure_that_can_help(word, description, hint):
    error = read(word, description)
    assert (type(error), error.exit, error.code) == (SignInRefused, 4, "sign_in_refused")
    assert hint in error.hint
    assert AGAIN not in error.hint


@pytest.mark.parametrize(
    "word",
    [
        *("access_denied", "invalid_grant", "expired_token", "bad_verification_code"),
        *("login_required", "interaction_required", "consent_required"),
        "account_selection_required",
    ],
)
def test_trying_again_is_advised_only_where_that_can_help(word):
    assert read(word).hint == AGAIN


@pytest.mark.parametrize(
    ("method", "hint"),
    [
        ("none", "--client-secret its secret"),
        ("client_secret_basic", "and its secret"),
        ("client_secret_post", "and its secret"),
        ("private_key_jwt", "public key under its kid"),
    ],
)
@pytest.mark.parametrize(("word", "status"), [("invalid_client", 400), (None, 401)])
def test_a_client_that_is_not_known_is_told_what_it_proved_itself_by(method, hint, word, status):
    error = read(word, status=status, method=method)
    assert "'gpcli'" in error.hint
    assert hint in error.hint


@pytest.mark.parametrize("status", [None, 200, 400, 503])
@pytest.mark.parametrize("word", ["temporarily_unavailable", "server_error"])
def test_a_portal_that_is_not_available_may_work_later(word, status):
    error = read(word, "authentication_expired", status)
    assert (type(error), error.exit, error.code) == (PortalError, 6, "portal_error")
    assert error.message.endswith(f"({word}): authentication_expired.")


@pytest.mark.parametrize(
    ("status", "kind"), [(500, PortalError), (503, PortalError), (408, PortalError)]
)
def test_a_failure_without_a_word_may_work_later(status, kind):
    error = read(None, status=status)
    assert (type(error), str(status) in error.message) == (kind, True)


def test_a_failure_with_a_word_is_what_the_word_says():
    assert type(read("invalid_client", status=500)) is SignInRefused


def test_a_portal_that_asks_to_slow_down_may_work_later():
    assert type(read("slow_down", status=429)) is RateLimited
    assert type(read(None, status=429)) is RateLimited


def test_own_hints_go_before_the_usual_ones():
    own = {"invalid_client": "Ours.", "": "Any other."}
    assert read("invalid_client", hints=own).hint == "Ours."
    assert read("odd_word", hints=own).hint == "Any other."
    assert read("invalid_scope", hints={"invalid_scope": "Less."}).hint == (
        "Less. It was asked for: openid patient/Slot.rs"
    )


CLIENT_REFUSALS = [("invalid_client", 401), ("invalid_client", 400), ("unauthorized_client", 400)]
HOUR, NOW = 3600, 1_800_000_000.0


@pytest.mark.parametrize(("word", "status"), [*CLIENT_REFUSALS, (None, 401)])
@pytest.mark.parametrize(
    ("off", "clock"), [(HOUR, "60 minutes ahead of"), (-3 * HOUR, "3 hours behind")]
)
def test_a_proof_by_a_wrong_clock_is_said_to_be_one(word, status, off, clock):
    response = answer({"error": word} if word else {}, status)
    response.headers["Date"] = "Fri, 15 Jan 2027 08:00:00 GMT"
    attempt = replace(ATTEMPT, method="private_key_jwt", assertion_time=NOW + off)
    with pytest.raises(SignInRefused) as raised:
        check_no_error(response, attempt)
    assert raised.value.message == (
        f"The portal refused the sign-in ({word or status}). "
        f"This computer's clock is {clock} the portal's."
    )
    assert raised.value.hint == CLOCK_HINT


@pytest.mark.parametrize(
    ("word", "assertion_time", "portal_time"),
    [
        ("invalid_client", NOW, NOW + 60),
        ("invalid_client", NOW, None),
        ("invalid_client", None, NOW),
        ("invalid_scope", NOW + HOUR, NOW),
        ("access_denied", NOW + HOUR, NOW),
    ],
)
def test_a_clock_is_not_blamed_where_it_agrees_or_proved_nothing(word, assertion_time, portal_time):
    error = OAuthError(word, None, 400, portal_time)
    attempt = replace(ATTEMPT, method="private_key_jwt", assertion_time=assertion_time)
    usual = build_sign_in_error(OAuthError(word, None, 400), replace(attempt, assertion_time=None))
    found = build_sign_in_error(error, attempt)
    assert (found.message, found.hint) == (usual.message, usual.hint)
