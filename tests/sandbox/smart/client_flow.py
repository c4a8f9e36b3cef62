"""Drive a client and a person through the sign-in pages, step by step."""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

URL = "http://127.0.0.1:8000"
REDIRECT = "http://127.0.0.1:51234/callback"
VERIFIER = "verifier-verifier-verifier-verifier-verifier"
ALL_SCOPES = (
    "openid fhirUser launch/patient offline_access patient/Appointment.crus patient/Slot.rs"
)
DEVICE_CODE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def authorization_request(**changes: str | None) -> dict[str, str]:
    """A good authorization request; None leaves a parameter out."""
    good = {
        "response_type": "code",
        "client_id": "gpcli",
        "redirect_uri": REDIRECT,
        "scope": ALL_SCOPES,
        "state": "state-1",
        "nonce": "nonce-1",
        "aud": f"{URL}/fhir/R4",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def redirect_parameters(response: TestResponse) -> dict[str, str]:
    """What a redirect back to the client says."""
    assert response.status_code in (302, 303), response.text
    location = response.headers["Location"]
    assert location.startswith(REDIRECT), location
    return dict(parse_qsl(urlsplit(location).query))


def state_field(page: TestResponse) -> str:
    """The signed form field of a page."""
    found = re.search(r'name="attempt" value="([^"]+)"', page.text)
    assert found, page.text
    return unescape(found[1])


def permission_keys(page: TestResponse) -> list[str]:
    """The keys of the boxes on the consent page."""
    return re.findall(r'name="allow" value="([^"]+)"', page.text)


def title_of(page: TestResponse) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page.text)
    assert found, page.text
    return unescape(found[1])


@dataclass
class ClientFlow:
    """One browser and one app."""

    app: Flask
    browser: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.browser = self.app.test_client()

    def authorize(self, **changes: str | None) -> TestResponse:
        return self.browser.get(
            "/authorize", query_string=authorization_request(**changes), base_url=URL
        )

    def submit(self, page: TestResponse, **fields: Any) -> TestResponse:
        form = {"attempt": state_field(page), **fields}
        return self.browser.post("/sign-in", data=form, base_url=URL)

    def consent_page(self, person: str = "ada", **changes: str | None) -> TestResponse:
        return self.submit(self.authorize(**changes), person=person)

    def allow(self, page: TestResponse, boxes: list[str] | None = None) -> TestResponse:
        ticked = permission_keys(page) if boxes is None else boxes
        return self.submit(page, decision="allow", allow=ticked)

    def code(self, person: str = "ada", **changes: str | None) -> str:
        return redirect_parameters(self.allow(self.consent_page(person, **changes)))["code"]

    def post(self, path: str, **form: str) -> TestResponse:
        return self.app.test_client().post(path, data=form, base_url=URL)

    def redeem(self, code: str, /, **changes: str) -> TestResponse:
        form = {
            "grant_type": "authorization_code",
            "client_id": "gpcli",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
        }
        return self.post("/token", **(form | changes))

    def sign_in(self, person: str = "ada", **changes: str | None) -> dict[str, Any]:
        answer = self.redeem(self.code(person, **changes))
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    def refresh(self, token: str, **changes: str) -> TestResponse:
        form = {"grant_type": "refresh_token", "client_id": "gpcli", "refresh_token": token}
        return self.post("/token", **(form | changes))

    def ask_for_device_code(self, scope: str = ALL_SCOPES) -> dict[str, Any]:
        answer = self.post("/device_authorization", client_id="gpcli", scope=scope)
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    def poll(self, device_code: str) -> TestResponse:
        form = {"grant_type": DEVICE_CODE_GRANT, "client_id": "gpcli", "device_code": device_code}
        return self.post("/token", **form)


def refusal(response: TestResponse) -> tuple[int, str]:
    """Status and error code of a token endpoint's refusal."""
    return response.status_code, response.get_json()["error"]
