"""Sign in, look, sign out: each in a process of its own, at a portal behind a front."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
from flask import Response, request

from gpcli.auth.session import StoredSession
from tests.journeys.process import gpcli, minimal_env, start_gpcli, wait_for_end
from tests.journeys.shell import CommandResult
from tests.real.fronts import Front, Published, serve


def session(**changes) -> StoredSession:
    """A session of Ada's."""
    said = {
        "portal": "https://portal.example/fhir/R4",
        "client_id": "gpcli",
        "token_endpoint": "https://id.example/token",
        "revocation_endpoint": None,
        "patient": "ada",
        "fhir_user": "Patient/ada",
        "patient_name": "Ada",
        "acting_name": "Ada",
        "scope": "openid",
        "access_token": "canary-access",
        "expires_at": 1.5,
        "refresh_token": "canary-refresh",
        "refresh_expires_at": None,
        "signed_in_at": 1.0,
    }
    return StoredSession(**said | changes)


class Counting(Published):
    """A portal that knows what its token endpoint was asked for."""

    def __init__(self) -> None:
        super().__init__(auto_sign_in=True)
        self.grants: list[str] = []

    def _blueprints(self):
        blueprints = super()._blueprints()
        blueprints["/"].after_request(self._note)
        return blueprints

    def _note(self, response: Response) -> Response:
        if "grant_type" in request.form:
            self.grants.append(request.form["grant_type"])
        return response


@contextmanager
def publish(
    portal: Published, context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[str]:
    """The portal's FHIR base behind a front."""
    with serve(Front(portal, context, host)) as front:
        name = f"[{host}]" if ":" in host else host
        portal.address = f"{'https' if context else 'http'}://{name}:{front.port}"
        yield portal.fhir_base


def at_the(desktop, **more: str) -> dict[str, str]:
    ours = minimal_env(desktop.home, PYTHONWARNINGS="error")
    del ours["GPCLI_CONFIG_DIR"]
    return {**ours, **desktop.env, "PATH": ours["PATH"], **more}


def sign_in(
    env: Mapping[str, str],
    *words: str,
    person: str = "ada",
    trusted: Path | None = None,
    proxy: str | None = None,
) -> CommandResult:
    """`gpcli login`, and a browser that obeys; it trusts and goes as it is told."""
    process = start_gpcli("login", *words, "--hint", person, "--json", "--no-browser", env=env)
    line = process.stderr.readline()
    if "url" in json.loads(line).get("notice", {}):
        verify = ssl.create_default_context(cafile=trusted)
        url = json.loads(line)["notice"]["url"]
        ways = {"https://": httpx.HTTPTransport(verify=verify, proxy=proxy)}
        with httpx.Client(mounts=ways, follow_redirects=True, trust_env=False) as browser:
            browser.get(url).raise_for_status()
        line = ""
    ending = wait_for_end(process)
    return replace(ending, err=line + ending.err)


def look_and_sign_out(env: Mapping[str, str]) -> list[tuple[int, str]]:
    """Exit code and standard error of a look, a sign-out, and a look thereafter."""
    endings = [gpcli(*words, env=env) for words in (("services",), ("logout",), ("services",))]
    return [(ending.code, ending.err) for ending in endings]


def went_well(done: list[tuple[int, str]]) -> bool:
    looked, left, (code, said) = done
    return (looked, left, code, "signed in" in said) == ((0, ""), (0, ""), 4, True)
