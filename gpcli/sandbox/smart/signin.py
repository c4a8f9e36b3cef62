"""The sign-in page: who, about whom, and what is allowed; plain forms, one step each."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oidc.core.errors import LoginRequiredError
from flask import g, make_response, render_template, request
from werkzeug.wrappers import Response

from gpcli.sandbox.cards import PersonCard, UnknownPerson, find_card
from gpcli.sandbox.smart.attempt import Attempt, Attempts, StaleAttempt
from gpcli.sandbox.smart.clients import CLIENTS
from gpcli.sandbox.smart.errands import ERRANDS, Errand
from gpcli.sandbox.smart.provider import SmartServer
from gpcli.sandbox.smart.records import Approval, TokenRefused
from gpcli.sandbox.smart.scopes import granted, permissions

COOKIE = "gpcli-sandbox-browser"
HINTS = ("login_hint", "patient_hint")
"""Who is likely to sign in, and about whom (the second is this portal's own extension)."""


@dataclass(frozen=True)
class Problem:
    """A page that says what went wrong and what to do; nothing is redirected from it.

    `way_on` is the address and the words of a link, where the person can go on by one.
    """

    title: str
    text: str
    way_on: tuple[str, str] | None = None
    status: int = 400

    def page(self) -> Response:
        """The page."""
        return make_response(render_template("problem.html", problem=self), self.status)


UNKNOWN_CLIENT = Problem(
    "This app isn't known here",
    "The app that sent you here is not one that this portal knows. Nothing was sent to it.",
)
WRONG_REDIRECT = Problem(
    "This app asks for an answer in the wrong place",
    "Answers only go to http://127.0.0.1 or http://[::1] with the path /callback, on any port. "
    "Nothing was sent.",
)
MALFORMED = Problem(
    "This sign-in request is broken",
    "The app that sent you here repeated or garbled part of its request. Nothing was sent to it.",
)
STALE = Problem(
    "This page is from an earlier try",
    "That sign-in has ended, or took longer than ten minutes, or began in another browser. "
    "Nothing was changed. Go back to the app and start again from there.",
)
CODE_GONE = Problem(
    "This code doesn't work",
    "It may be mistyped, used already, or older than ten minutes. "
    "Look at your device again, or start again there.",
    ("/device", "Type the code again"),
)
NOBODY = Problem(
    "Nobody was named to sign in",
    "This portal signs in without asking, but only somebody whom login_hint names, about "
    "themselves or somebody whom patient_hint names and for whom they act.",
)


class SignIn:
    """The steps of signing in, for apps and devices alike."""

    def __init__(
        self,
        server: SmartServer,
        cards: Callable[[], Sequence[PersonCard]],
        *,
        auto_sign_in: bool = False,
    ) -> None:
        self._server = server
        self._cards = cards
        self._auto_sign_in = auto_sign_in
        self._attempts = Attempts(server.ledger.present)

    def authorize(self) -> Response:
        """Answer an authorization request: the first page, or a redirect with an error."""
        client = CLIENTS.get(request.values.get("client_id", ""))
        if client is None:
            return UNKNOWN_CLIENT.page()
        if not client.check_redirect_uri(request.values.get("redirect_uri", "")):
            return WRONG_REDIRECT.page()
        try:
            self._check_request(request.values["redirect_uri"])
        except OAuth2Error as error:
            return self._refuse(error)
        return self._begin("app", request.values.to_dict())

    def _check_request(self, redirect_uri: str) -> None:
        response_type = request.values.get("response_type")
        if not response_type:
            raise InvalidRequestError("Missing 'response_type'.", redirect_uri=redirect_uri)
        if response_type != "code":
            raise OAuth2Error(error="unsupported_response_type", redirect_uri=redirect_uri)
        self._server.get_consent_grant()
        if "none" in request.values.get("prompt", "").split():
            raise LoginRequiredError(redirect_uri=redirect_uri)

    def _refuse(self, error: OAuth2Error) -> Response:
        if not error.redirect_uri:
            return MALFORMED.page()
        error.state = request.values.get("state")
        response: Response = self._server.handle_error_response(None, error)
        self._server.execute_hook("after_create_authorization_response", response)
        return response

    def device(self) -> Response:
        """Answer the device page: ask for the code, or go on with the one that was typed."""
        typed = request.values.get("user_code", "")
        if request.method == "GET" and not (typed and self._auto_sign_in):
            return make_response(render_template("device.html", user_code=typed))
        credential = self._server.devices.find_by_user_code(typed)
        if credential is None:
            return CODE_GONE.page()
        hints = {hint: request.values[hint] for hint in HINTS if hint in request.values}
        return self._begin("device", {"user_code": credential.user_code, **hints})

    def _begin(self, kind: str, asked: dict[str, str]) -> Response:
        attempt = self._attempts.begin(kind, asked, _browser())
        first_answer = self._sign_in_by_hint if self._auto_sign_in else self._show
        try:
            return first_answer(ERRANDS[kind](self._server, asked), attempt)
        except TokenRefused:
            return CODE_GONE.page()

    def _sign_in_by_hint(self, errand: Errand, attempt: Attempt) -> Response:
        try:
            card = find_card(self._cards(), attempt.request.get("login_hint", ""))
            patient, _ = card.as_whom(attempt.request.get("patient_hint"))
        except UnknownPerson:
            if "redirect_uri" not in attempt.request:
                return NOBODY.page()
            return self._refuse(LoginRequiredError(redirect_uri=attempt.request["redirect_uri"]))
        chosen = attempt.choose(card.key, patient)
        return errand.allow(self._approval(errand, chosen, errand.scopes))

    def step(self) -> Response:
        """Take one form, and show the next page or tell the app."""
        try:
            return self._step()
        except (StaleAttempt, TokenRefused):
            return STALE.page()

    def _step(self) -> Response:
        attempt = self._attempts.open(request.form.get("attempt", ""), _browser())
        errand = ERRANDS[attempt.errand](self._server, attempt.request)
        if request.form.get("decision") == "deny":
            self._attempts.end(attempt)
            return errand.deny()
        if attempt.patient is not None:
            return self._finish(errand, attempt)
        return self._choose(errand, attempt)

    def _choose(self, errand: Errand, attempt: Attempt) -> Response:
        try:
            return self._show(errand, self._chosen(attempt))
        except UnknownPerson:
            return self._show(errand, attempt, missing=True)

    def _chosen(self, attempt: Attempt) -> Attempt:
        if attempt.person is None:
            card = find_card(self._cards(), request.form.get("person", ""))
            return attempt.choose(card.key, None if card.acts_for else card.patient)
        card = find_card(self._cards(), attempt.person)
        patient, _ = card.as_whom(request.form.get("patient", ""))
        return attempt.choose(card.key, patient)

    def _finish(self, errand: Errand, attempt: Attempt) -> Response:
        self._attempts.end(attempt)
        scopes = granted(errand.scopes, request.form.getlist("allow"))
        return errand.allow(self._approval(errand, attempt, scopes))

    def _approval(self, errand: Errand, attempt: Attempt, scopes: Sequence[str]) -> Approval:
        card = find_card(self._cards(), attempt.person or "")
        patient, fhir_user = card.as_whom(attempt.patient)
        return Approval(
            errand.client_id,
            card.key,
            patient,
            fhir_user,
            " ".join(scopes),
            self._server.ledger.present(),
            errand.nonce,
        )

    def _show(self, errand: Errand, attempt: Attempt, *, missing: bool = False) -> Response:
        g.form_target = errand.form_target
        page = (
            "who" if attempt.person is None else "about" if attempt.patient is None else "consent"
        )
        card = find_card(self._cards(), attempt.person) if attempt.person else None
        response = make_response(
            render_template(
                f"{page}.html",
                attempt=self._attempts.seal(attempt),
                chosen=attempt,
                client=CLIENTS[errand.client_id],
                cards=self._cards(),
                card=card,
                permissions=permissions(errand.scopes),
                again=errand.again,
                missing=missing,
            )
        )
        response.set_cookie(COOKIE, _browser(), httponly=True, samesite="Strict")
        return response


def _browser() -> str:
    """What stands for the browser: its cookie, or one that it is about to get."""
    if "browser" not in g:
        g.browser = request.cookies.get(COOKIE) or secrets.token_urlsafe(24)
    browser: str = g.browser
    return browser
