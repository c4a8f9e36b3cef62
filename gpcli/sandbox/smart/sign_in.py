"""Serve the sign-in pages: choose the person, choose the patient, consent.

The server stores nothing before the consent page is submitted: the state travels from page to
page in a signed form field. The field is bound to a cookie of the browser that started the
sign-in, so that another site can't submit a form that it fetched itself.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol, Self
from urllib.parse import urlencode, urlsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oidc.core.errors import LoginRequiredError
from flask import g, make_response, render_template, request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from gpcli.sandbox.accounts import Account, UnknownPerson, find_account
from gpcli.sandbox.smart.authorization_server import SmartServer
from gpcli.sandbox.smart.clients import CLIENTS
from gpcli.sandbox.smart.device_codes import TooManyTries, normalize_user_code
from gpcli.sandbox.smart.grant_store import Approval, InvalidGrant
from gpcli.sandbox.smart.scopes import consent_permissions, narrow_scopes, supported_scopes

STATE_LIFETIME_SECONDS = 600
"""The longest duration of a sign-in, by the portal's clock."""
BROWSER_COOKIE = "gpcli-sandbox-browser"
HINT_PARAMETERS = ("login_hint", "patient_hint")
"""Hints of who signs in, and about whom; `patient_hint` is this portal's extension."""


class InvalidSignInState(Exception):
    """The form is forged, expired, used up, or from another browser."""


@dataclass(frozen=True)
class SignInState:
    """The state of a sign-in.

    `browser_id` is the hash of the browser's cookie; `expires_at` is in epoch seconds of the
    portal's clock. `flow` (a key of FLOWS) and `request` (its parameters) say what it is for;
    `person` and `patient` are None until chosen.
    """

    id: str
    browser_id: str
    expires_at: float
    flow: str
    request: dict[str, str]
    person: str | None = None
    patient: str | None = None

    def with_choice(self, person: str, patient: str | None) -> Self:
        """Return the state with the chosen person, and the patient if it is known."""
        return replace(self, person=person, patient=patient)


class SignInStateSigner:
    """Starts sign-ins, and signs and verifies their state in forms."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._serializer = URLSafeSerializer(secrets.token_bytes(32), salt="sign-in")
        self._invalidated: dict[str, float] = {}

    def start(self, flow: str, request: dict[str, str], browser_id: str) -> SignInState:
        """Start a sign-in in the browser with the cookie `browser_id`."""
        expires_at = self._now() + STATE_LIFETIME_SECONDS
        return SignInState(
            secrets.token_urlsafe(12), _fingerprint(browser_id), expires_at, flow, request
        )

    def sign(self, state: SignInState) -> str:
        """Return the form field of a state."""
        signed: str = self._serializer.dumps(asdict(state))
        return signed

    def verify(self, signed: str, browser_id: str) -> SignInState:
        """Return the state in a form field.

        Raises:
            InvalidSignInState: The form can't be accepted.
        """
        try:
            fields: dict[str, Any] = self._serializer.loads(signed)
        except BadSignature:
            raise InvalidSignInState from None
        state = SignInState(**fields)
        ours = secrets.compare_digest(state.browser_id, _fingerprint(browser_id))
        if not ours or state.expires_at < self._now() or state.id in self._invalidated:
            raise InvalidSignInState
        return state

    def invalidate(self, state: SignInState) -> None:
        """Let no form of this sign-in be used again."""
        self._invalidated = {
            key: expires_at
            for key, expires_at in self._invalidated.items()
            if expires_at > self._now()
        }
        self._invalidated[state.id] = state.expires_at


def _fingerprint(browser_id: str) -> str:
    return hashlib.sha256(browser_id.encode()).hexdigest()


class SignInFlow(Protocol):
    """What a sign-in is for: an app that waits for a redirect, or a device that polls.

    `restart_url` begins it again; `form_action_source` is where its forms may lead besides the
    portal, as a source of a Content-Security-Policy.
    """

    client_id: str
    scopes: list[str]
    nonce: str | None
    restart_url: str
    form_action_source: str

    def allow(self, approval: Approval) -> Response:
        """Pass on the person's approval."""

    def deny(self) -> Response:
        """Pass on the person's refusal."""


class AppFlow:
    """An authorization request by its parameters (RFC 6749 section 4.1.1)."""

    def __init__(self, server: SmartServer, request: dict[str, str]) -> None:
        self._server = server
        self._request = request
        self.client_id = request["client_id"]
        self.scopes = supported_scopes(request.get("scope", ""))
        self.nonce = request.get("nonce")
        self.restart_url = f"/authorize?{urlencode(request)}"
        self.form_action_source = _csp_source(request["redirect_uri"])

    def allow(self, approval: Approval) -> Response:
        """Redirect to the app with an authorization code."""
        return self._redirect(approval)

    def deny(self) -> Response:
        """Redirect to the app with `access_denied`."""
        return self._redirect(None)

    def _redirect(self, approval: Approval | None) -> Response:
        request = self._server.create_oauth2_request(self._request)
        grant = self._server.get_authorization_grant(request)
        response: Response = self._server.create_authorization_response(
            request, grant_user=approval, grant=grant
        )
        response.status_code = 303
        return response


class DeviceFlow:
    """A device authorization by its user code (RFC 8628 section 3.3)."""

    def __init__(self, server: SmartServer, request: dict[str, str]) -> None:
        self._server = server
        self.nonce: str | None = None
        self.form_action_source = ""
        self._user_code = request["user_code"]
        credential = server.device_codes.find_by_user_code(self._user_code)
        if credential is None or credential.expired or credential.answer:
            raise InvalidGrant
        self.client_id = credential.client_id
        self.scopes = supported_scopes(credential.scope)
        self.restart_url = f"/device?{urlencode(request)}"

    def allow(self, approval: Approval) -> Response:
        """Let the device's next poll receive tokens."""
        self._server.device_codes.allow(self._user_code, approval)
        return self._confirmation_page(allowed=True)

    def deny(self) -> Response:
        """Let the device's next poll receive `access_denied`."""
        self._server.device_codes.deny(self._user_code)
        return self._confirmation_page(allowed=False)

    def _confirmation_page(self, *, allowed: bool) -> Response:
        client = CLIENTS[self.client_id]
        return Response(
            render_template("device_result.html", allowed=allowed, client=client),
            mimetype="text/html",
        )


FLOWS: dict[str, Callable[[SmartServer, dict[str, str]], SignInFlow]] = {
    "app": AppFlow,
    "device": DeviceFlow,
}


def _csp_source(redirect_uri: str) -> str:
    """Return a redirect's origin for `form-action`; CSP level 3 has no IPv6 literals."""
    origin = urlsplit(redirect_uri)
    return "http:" if origin.hostname == "::1" else f"http://{origin.netloc}"


@dataclass(frozen=True)
class ErrorPage:
    """A page that explains an error; it never redirects.

    `link` is the address and text of a link by which the person can continue, None without one.
    """

    title: str
    text: str
    link: tuple[str, str] | None = None
    status: int = 400

    def render(self) -> Response:
        """Return the page as a response."""
        return make_response(render_template("error.html", page=self), self.status)


UNKNOWN_CLIENT = ErrorPage(
    "This app isn't known here",
    "The app that sent you here is not one that this portal knows. Nothing was sent to it.",
)
WRONG_REDIRECT = ErrorPage(
    "This app asks for an answer in the wrong place",
    "Answers only go to http://127.0.0.1 or http://[::1] with the path /callback, on any port. "
    "Nothing was sent.",
)
MALFORMED_REQUEST = ErrorPage(
    "This sign-in request is broken",
    "The app that sent you here repeated or garbled part of its request. Nothing was sent to it.",
)
EXPIRED_FORM = ErrorPage(
    "This page is from an earlier try",
    "That sign-in has ended, or took longer than ten minutes, or began in another browser. "
    "Nothing was changed. Go back to the app and start again from there.",
)
INVALID_USER_CODE = ErrorPage(
    "This code doesn't work",
    "It may be mistyped, used already, or older than ten minutes. "
    "Look at your device again, or start again there.",
    ("/device", "Type the code again"),
)
TOO_MANY_USER_CODES = ErrorPage(
    "Too many codes didn't work",
    "So no code can be entered now, not even the right one. Wait ten minutes, "
    "then start again on your device.",
    status=429,
)
NO_LOGIN_HINT = ErrorPage(
    "Nobody was named to sign in",
    "This portal signs in without asking, but only somebody whom login_hint names, about "
    "themselves or somebody whom patient_hint names and for whom they act.",
)


class SignIn:
    """The pages of a sign-in, for apps and devices alike."""

    def __init__(
        self,
        server: SmartServer,
        accounts: Callable[[], Sequence[Account]],
        *,
        auto_sign_in: bool = False,
    ) -> None:
        self._server = server
        self._accounts = accounts
        self._auto_sign_in = auto_sign_in
        self._states = SignInStateSigner(server.grants.now)

    def authorize(self) -> Response:
        """Answer an authorization request with the first page, or a redirect with an error."""
        client = CLIENTS.get(request.values.get("client_id", ""))
        if client is None:
            return UNKNOWN_CLIENT.render()
        if not client.check_redirect_uri(request.values.get("redirect_uri", "")):
            return WRONG_REDIRECT.render()
        try:
            self._check_request(request.values["redirect_uri"])
        except OAuth2Error as error:
            return self._error_redirect(error)
        return self._start("app", request.values.to_dict())

    def _check_request(self, redirect_uri: str) -> None:
        response_type = request.values.get("response_type")
        if not response_type:
            raise InvalidRequestError("Missing 'response_type'.", redirect_uri=redirect_uri)
        if response_type != "code":
            raise OAuth2Error(error="unsupported_response_type", redirect_uri=redirect_uri)
        self._server.get_consent_grant()
        if "none" in request.values.get("prompt", "").split():
            raise LoginRequiredError(redirect_uri=redirect_uri)

    def _error_redirect(self, error: OAuth2Error) -> Response:
        if not error.redirect_uri:
            return MALFORMED_REQUEST.render()
        error.state = request.values.get("state")
        response: Response = self._server.handle_error_response(None, error)
        self._server.execute_hook("after_create_authorization_response", response)
        return response

    def device(self) -> Response:
        """Answer the device page: ask for the user code, or continue with the typed one."""
        typed = request.values.get("user_code", "")
        if request.method == "GET" and not (typed and self._auto_sign_in):
            return _with_browser_id(make_response(render_template("device.html", user_code=typed)))
        hints = {hint: request.values[hint] for hint in HINT_PARAMETERS if hint in request.values}
        try:
            with self._server.user_code_tries.attempt(_browser_id()):
                return self._start("device", {"user_code": normalize_user_code(typed), **hints})
        except InvalidGrant:
            return _with_browser_id(INVALID_USER_CODE.render())
        except TooManyTries as refusal:
            response = TOO_MANY_USER_CODES.render()
            response.headers["Retry-After"] = str(refusal.seconds)
            return response

    def _start(self, flow_name: str, parameters: dict[str, str]) -> Response:
        state = self._states.start(flow_name, parameters, _browser_id())
        respond = self._sign_in_by_hint if self._auto_sign_in else self._render_step
        return respond(FLOWS[flow_name](self._server, parameters), state)

    def _sign_in_by_hint(self, flow: SignInFlow, state: SignInState) -> Response:
        try:
            account = find_account(self._accounts(), state.request.get("login_hint", ""))
            patient, _ = account.resolve_patient(state.request.get("patient_hint"))
        except UnknownPerson:
            if "redirect_uri" not in state.request:
                return NO_LOGIN_HINT.render()
            return self._error_redirect(
                LoginRequiredError(redirect_uri=state.request["redirect_uri"])
            )
        chosen = state.with_choice(account.key, patient)
        return flow.allow(self._build_approval(flow, chosen, flow.scopes))

    def submit(self) -> Response:
        """Answer a submitted form with the next page or the final response."""
        try:
            return self._submit_step()
        except (InvalidSignInState, InvalidGrant):
            return EXPIRED_FORM.render()

    def _submit_step(self) -> Response:
        state = self._states.verify(request.form.get("attempt", ""), _browser_id())
        flow = FLOWS[state.flow](self._server, state.request)
        if request.form.get("decision") == "deny":
            self._states.invalidate(state)
            return flow.deny()
        if state.patient is not None:
            return self._finish(flow, state)
        return self._render_choice(flow, state)

    def _render_choice(self, flow: SignInFlow, state: SignInState) -> Response:
        try:
            return self._render_step(flow, self._apply_choice(state))
        except UnknownPerson:
            return self._render_step(flow, state, missing=True)

    def _apply_choice(self, state: SignInState) -> SignInState:
        if state.person is None:
            account = find_account(self._accounts(), request.form.get("person", ""))
            return state.with_choice(account.key, None if account.acts_for else account.patient)
        account = find_account(self._accounts(), state.person)
        patient, _ = account.resolve_patient(request.form.get("patient", ""))
        return state.with_choice(account.key, patient)

    def _finish(self, flow: SignInFlow, state: SignInState) -> Response:
        self._states.invalidate(state)
        scopes = narrow_scopes(flow.scopes, request.form.getlist("allow"))
        return flow.allow(self._build_approval(flow, state, scopes))

    def _build_approval(
        self, flow: SignInFlow, state: SignInState, scopes: Sequence[str]
    ) -> Approval:
        account = find_account(self._accounts(), state.person or "")
        patient, fhir_user = account.resolve_patient(state.patient)
        return Approval(
            flow.client_id,
            account.key,
            patient,
            fhir_user,
            " ".join(scopes),
            self._server.grants.now(),
            flow.nonce,
        )

    def _render_step(
        self, flow: SignInFlow, state: SignInState, *, missing: bool = False
    ) -> Response:
        g.form_action_source = flow.form_action_source
        if state.person is None:
            template = "choose_person.html"
        else:
            template = "choose_patient.html" if state.patient is None else "consent.html"
        account = find_account(self._accounts(), state.person) if state.person else None
        response = make_response(
            render_template(
                template,
                state=self._states.sign(state),
                chosen=state,
                client=CLIENTS[flow.client_id],
                accounts=self._accounts(),
                account=account,
                permissions=consent_permissions(flow.scopes),
                restart_url=flow.restart_url,
                missing=missing,
            )
        )
        return _with_browser_id(response)


def _browser_id() -> str:
    """Return the id in the browser's cookie, or the one for its new cookie."""
    if "browser" not in g:
        g.browser = request.cookies.get(BROWSER_COOKIE) or secrets.token_urlsafe(24)
    browser: str = g.browser
    return browser


def _with_browser_id(response: Response) -> Response:
    """Return the response with the browser's cookie."""
    response.set_cookie(BROWSER_COOKIE, _browser_id(), httponly=True, samesite="Strict")
    return response
