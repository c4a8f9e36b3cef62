"""A portal on loopback whose sign-in answers as a test wants it; the patients are p1 and p2."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

from tests.journeys.shell import Shell

KEY = ECKey.generate_key("P-256", {"kid": "k1", "use": "sig", "alg": "ES256"})
SECRET = "s3cret & +more"
NAMES = {"p1": "Kari Test", "p2": "Ola Test"}
TYPES = ("Patient", "RelatedPerson", "Practitioner", "Slot", "Appointment", "Communication", "Task")

Answer = tuple[int, Any]
"""A status and a body: JSON, or text of the media type text/html."""


@dataclass(frozen=True)
class Asked:
    """One request: its path, the fields of its query or form, and the Authorization header."""

    path: str
    fields: dict[str, str]
    authorization: str | None

    @property
    def pair(self) -> tuple[str, str]:
        """The client and the secret of a Basic header."""
        raw = base64.b64decode(str(self.authorization).removeprefix("Basic ")).decode()
        client, _, secret = raw.partition(":")
        return unquote_plus(client), unquote_plus(secret)


@dataclass
class BentPortal:
    """What the portal answers. None in a dict of changes takes a member away.

    `token` returns the answer to a form at the token endpoint, None = the good one; `redirect` what
    the page sends back. `patients` are those whose records the token may read; `records` are the
    answers to reads of other records, by `Type/id`.
    """

    address: str = ""
    smart: dict[str, Any] = field(default_factory=dict)
    capabilities: tuple[str, ...] = (
        *("launch-standalone", "client-public", "context-standalone-patient", "sso-openid-connect"),
        *("permission-patient", "permission-v2", "permission-offline"),
    )
    tokens: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    redirect: dict[str, str] | None = None
    token: Callable[[dict[str, str]], Answer | None] = lambda form: None
    patients: tuple[str, ...] = ("p1",)
    types: tuple[str, ...] | None = TYPES
    records: dict[str, Answer] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    @property
    def base(self) -> str:
        """The FHIR base."""
        return f"{self.address}/fhir"

    def requests(self, path: str) -> list[Asked]:
        """The requests for one path."""
        return [each for each in self.asked if each.path == path]

    def answer(self, asked: Asked) -> Answer:
        """The answer to one request."""
        ways = {
            "/fhir/.well-known/smart-configuration": self._smart_configuration,
            "/jwks": lambda: (200, {"keys": [KEY.as_dict(private=False)]}),
            "/authorize": lambda: (302, self._location(asked.fields)),
            "/token": lambda: self.token(asked.fields) or (200, self._tokens(asked)),
            "/revoke": lambda: (200, {}),
            "/fhir/metadata": self._statement,
        }
        if asked.path in ways:
            return ways[asked.path]()
        return self._record(asked.path.removeprefix("/fhir/"), asked.fields)

    def _smart_configuration(self) -> Answer:
        document = {
            "issuer": self.base,
            "jwks_uri": f"{self.address}/jwks",
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "revocation_endpoint": f"{self.address}/revoke",
            "code_challenge_methods_supported": ["S256"],
            "capabilities": list(self.capabilities),
        }
        return 200, _changed(document, self.smart)

    def _location(self, asked: dict[str, str]) -> str:
        back = {"code": "c0de"} if self.redirect is None else self.redirect
        return f"{asked['redirect_uri']}?{urlencode(back | {'state': asked['state']})}"

    def _tokens(self, asked: Asked) -> dict[str, Any]:
        number = len(self.requests("/token"))
        request = self.requests("/authorize")[-1].fields
        now = int(time.time())
        claims = {
            "iss": self.base,
            "aud": request["client_id"],
            "sub": "u1",
            "iat": now,
            "exp": now + 600,
            "nonce": request["nonce"],
            "fhirUser": f"{self.base}/Patient/p1",
        }
        good = {
            "access_token": f"access-{number}",
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": request["scope"],
            "patient": "p1",
            "refresh_token": f"refresh-{number}",
        }
        signed = _changed(claims, self.claims)
        id_token = jwt.encode({"alg": "ES256", "kid": "k1"}, signed, KEY)
        return _changed(good | {"id_token": id_token}, self.tokens)

    def _statement(self) -> Answer:
        if self.types is None:
            return 401, {}
        search = [{"code": code} for code in ("search-type", "create", "update")]
        resources = [{"type": name, "interaction": search} for name in self.types]
        rest = [{"mode": "server", "resource": resources}]
        return 200, {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "fhirVersion": "4.0.1",
            "rest": rest,
        }

    def _record(self, path: str, asked: dict[str, str]) -> Answer:
        if path in self.records:
            return self.records[path]
        named = asked.get("_id")
        found = [
            {"resourceType": "Patient", "id": each, "name": [{"text": NAMES[each]}]}
            for each in self.patients
            if path == "Patient" and named in {None, each}
        ]
        entries = [{"resource": each, "search": {"mode": "match"}} for each in found]
        return 200, {"resourceType": "Bundle", "type": "searchset", "entry": entries}


def _changed(members: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (members | changes).items() if value is not None}


@contextmanager
def serve(portal: BentPortal) -> Iterator[BentPortal]:
    """Have `portal` answer on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            fields = dict(parse_qsl(url.query)) | dict(parse_qsl(body))
            asked = Asked(url.path, fields, self.headers.get("Authorization"))
            portal.asked.append(asked)
            self._write(*portal.answer(asked))

        def do_POST(self):
            self.do_GET()

        def log_message(self, *_):
            """Tests have their own words."""

        def _write(self, status: int, body: Any) -> None:
            is_text = isinstance(body, str)
            raw = b"" if status == 302 else (body if is_text else json.dumps(body)).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", body)
            self.send_header("Content-Type", "text/html" if is_text else "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    portal.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield portal
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()


def read_config_file(shell: Shell) -> str:
    """What stands in the file of profiles."""
    path = Path(shell.env["GPCLI_CONFIG_DIR"]) / "config.toml"
    return path.read_text(encoding="utf-8")
