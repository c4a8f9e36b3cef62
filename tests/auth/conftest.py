"""An issuer and a portal in one handler: tokens signed with a real key, nothing on the network."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qsl

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from gpcli.auth.discovery import SmartConfiguration, parse_smart_configuration
from gpcli.auth.session import StoredSession
from gpcli.http.client import HttpClient
from gpcli.http.deadline import Deadline

PORTAL = "https://portal.example/fhir/R4"
ISSUER = "https://id.example"
NOW = 1_800_000_000.0

DOCUMENT = {
    "issuer": ISSUER,
    "jwks_uri": f"{ISSUER}/jwks",
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "revocation_endpoint": f"{ISSUER}/revoke",
    "device_authorization_endpoint": f"{ISSUER}/device_authorization",
    "code_challenge_methods_supported": ["S256"],
    "capabilities": [
        "launch-standalone",
        "client-public",
        "context-standalone-patient",
        "permission-patient",
        "sso-openid-connect",
    ],
    "authorization_response_iss_parameter_supported": True,
}


class Clock:
    """Unix seconds that pass only when somebody sleeps."""

    def __init__(self) -> None:
        self.at = NOW
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


class Issuer:
    """Answers by path from `answers`; what was asked is in `requests` and `forms`."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig"})
        self.requests: list[httpx.Request] = []
        self.answers: dict[str, list[httpx.Response | Exception]] = {}
        self.keys = [self.key]
        self.clock = Clock()
        self.deadline = Deadline(30.0, self.clock)
        self.transport = httpx.MockTransport(self._answer)
        self.client = HttpClient(
            PORTAL,
            deadline=self.deadline,
            env={},
            transport=self.transport,
            sleep=self.clock.sleep,
            random=lambda: 0.0,
        )

    def respond(self, path: str, *answers: httpx.Response | Exception | dict) -> None:
        """Answer `path` with these, one after the other; a dict is a 200 with JSON."""
        ready = [httpx.Response(200, json=a) if isinstance(a, dict) else a for a in answers]
        self.answers.setdefault(path, []).extend(ready)

    def paths(self) -> list[str]:
        return [request.url.path for request in self.requests]

    def forms(self, path: str = "/token") -> list[dict[str, str]]:
        return [
            dict(parse_qsl(request.content.decode()))
            for request in self.requests
            if request.url.path == path
        ]

    def id_token(self, key: ECKey | None = None, header: dict | None = None, **changes) -> str:
        """A good ID token, but for `changes`; a claim that is changed to None is left out."""
        claims = {
            "iss": ISSUER,
            "aud": "gpcli",
            "sub": "ada-sub",
            "exp": int(NOW) + 300,
            "iat": int(NOW),
            "nonce": "the-nonce",
            "fhirUser": "Patient/ada",
        } | changes
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": "k1"} | (header or {}), claims, key or self.key)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        ready = self.answers.get(request.url.path)
        if request.url.path == "/jwks" and not ready:
            return httpx.Response(200, json=KeySet(self.keys).as_dict(private=False))
        assert ready, f"nobody expected {request.method} {request.url.path}"
        answer = ready.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def document() -> dict:
    return json.loads(json.dumps(DOCUMENT))


@pytest.fixture
def configuration(document) -> SmartConfiguration:
    return parse_smart_configuration(document, PORTAL)


@pytest.fixture
def build_session() -> Callable[..., StoredSession]:
    """Ada's session, fresh for an hour, with `changes`."""

    def build(**changes) -> StoredSession:
        session = {
            "portal": PORTAL,
            "client_id": "gpcli",
            "token_endpoint": f"{ISSUER}/token",
            "revocation_endpoint": f"{ISSUER}/revoke",
            "patient": "ada",
            "fhir_user": "Patient/ada",
            "patient_name": "Ada Nordmann",
            "acting_name": "Ada Nordmann",
            "scope": "openid fhirUser patient/Patient.rs",
            "access_token": "access-1",
            "expires_at": NOW + 3600,
            "refresh_token": "refresh-1",
            "refresh_expires_at": None,
            "signed_in_at": NOW,
        }
        return StoredSession(**session | changes)

    return build


@pytest.fixture
def tokens() -> Callable[..., dict]:
    """A token endpoint's good answer, with `changes`; None leaves a member out."""

    def build(**changes) -> dict:
        body = {
            "access_token": "access-2",
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": "refresh-2",
            "scope": "openid fhirUser patient/Patient.rs",
            "patient": "ada",
        } | changes
        return {name: value for name, value in body.items() if value is not None}

    return build


@pytest.fixture
def refusal() -> Callable[[str], httpx.Response]:
    """A token endpoint's refusal with this error word."""

    def build(error: str, status: int = 400) -> httpx.Response:
        return httpx.Response(
            status, json={"error": error, "error_description": "<b>secret</b> \x1b[31m"}
        )

    return build
