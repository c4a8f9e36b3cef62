"""What a sign-in is for: an app waiting for its redirect, or a device waiting for an answer."""

from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlencode, urlsplit

from flask import render_template
from werkzeug.wrappers import Response

from gpcli.sandbox.smart.clients import CLIENTS
from gpcli.sandbox.smart.provider import SmartServer
from gpcli.sandbox.smart.records import Approval, TokenRefused
from gpcli.sandbox.smart.scopes import recognised


class Errand(Protocol):
    """What the sign-in page needs to know, and whom it tells the answer."""

    client_id: str
    scopes: list[str]
    nonce: str | None
    again: str
    form_target: str

    def allow(self, approval: Approval) -> Response:
        """Tell that the person said yes."""

    def deny(self) -> Response:
        """Tell that the person said no."""


class ForApp:
    """An authorization request (RFC 6749 section 4.1.1), by its parameters."""

    def __init__(self, server: SmartServer, request: dict[str, str]) -> None:
        self._server = server
        self._request = request
        self.client_id = request["client_id"]
        self.scopes = recognised(request.get("scope", ""))
        self.nonce = request.get("nonce")
        self.again = f"/authorize?{urlencode(request)}"
        self.form_target = _source(request["redirect_uri"])

    def allow(self, approval: Approval) -> Response:
        """Redirect to the app with a code."""
        return self._answer(approval)

    def deny(self) -> Response:
        """Redirect to the app with `access_denied`."""
        return self._answer(None)

    def _answer(self, approval: Approval | None) -> Response:
        request = self._server.create_oauth2_request(self._request)
        grant = self._server.get_authorization_grant(request)
        response: Response = self._server.create_authorization_response(
            request, grant_user=approval, grant=grant
        )
        response.status_code = 303
        return response


class ForDevice:
    """A device authorization (RFC 8628 section 3.3), by its user code."""

    def __init__(self, server: SmartServer, request: dict[str, str]) -> None:
        self._server = server
        self.nonce: str | None = None
        self.form_target = ""
        self._user_code = request["user_code"]
        credential = server.devices.find_by_user_code(self._user_code)
        if credential is None or credential.expired or credential.answer:
            raise TokenRefused
        self.client_id = credential.client_id
        self.scopes = recognised(credential.scope)
        self.again = f"/device?{urlencode(request)}"

    def allow(self, approval: Approval) -> Response:
        """Let the device's next poll have tokens."""
        self._server.devices.allow(self._user_code, approval)
        return self._done(allowed=True)

    def deny(self) -> Response:
        """Let the device's next poll hear `access_denied`."""
        self._server.devices.deny(self._user_code)
        return self._done(allowed=False)

    def _done(self, *, allowed: bool) -> Response:
        client = CLIENTS[self.client_id]
        return Response(
            render_template("done.html", allowed=allowed, client=client), mimetype="text/html"
        )


ERRANDS: dict[str, Callable[[SmartServer, dict[str, str]], Errand]] = {
    "app": ForApp,
    "device": ForDevice,
}


def _source(redirect_uri: str) -> str:
    """A redirect's origin for `form-action`, whose syntax knows no IPv6 literal (CSP level 3)."""
    origin = urlsplit(redirect_uri)
    return "http:" if origin.hostname == "::1" else f"http://{origin.netloc}"
