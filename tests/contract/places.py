"""The portals that the contract is tried on: how each is started, filled and signed in at."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from gpcli.auth.browser_sign_in import generate_secrets
from gpcli.config.profiles import SCOPES
from gpcli.sandbox.server import Sandbox
from tests.contract.browser import sign_in
from tests.contract.practice import Resource
from tests.contract.programs import Program, node
from tests.contract.world import Patient, shared
from tests.loopback import NO_CERTIFICATES

PATIENTS = 200
"""How many may visit one portal: more than there are tests."""
NEVER = timedelta(days=365)
SEKMET = "GPCLI_TEST_SEKMET"
"""The variable that names the program `sekmet`, in a virtual environment of its own."""
SERVING = r"^(http://127\.0\.0\.1:\d+\S*)"
SCENARIO = Path(__file__).parent / "patient_portal.yaml"
"""What SEKMET asks of our own portal."""
FHIR_JSON = {"Accept": "application/fhir+json", "Content-Type": "application/fhir+json"}
_ELSEWHERE = "http://127.0.0.1:9/callback"
"""Where nobody listens: the address itself has the code."""


@dataclass(frozen=True)
class Place:
    """A portal where a world began at `began`; `fill` adds to it, `token_of` signs a patient in.

    `transport` leads to one that is not on the network. `behind` is the base of a server behind a
    gateway, which asks nobody for a token.
    """

    name: str
    base: str
    began: datetime
    fill: Callable[[Iterable[Resource]], None]
    token_of: Callable[[str], str]
    transport: httpx.BaseTransport | None = None
    behind: str = ""
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(PATIENTS)))

    def somebody(self, neighbour: int | None = None) -> Patient:
        """A patient whom no test has had before, with all that is theirs."""
        patient = Patient(next(self.numbers), self.began, neighbour)
        self.fill(patient.resources())
        return patient

    def get(self, path: str, token: str | None = None, **params: str) -> Any:
        """What the portal answers, past gpcli; its references are made relative."""
        signed_in = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.base}/{path}"
        headers = {**FHIR_JSON, **signed_in}
        with httpx.Client(
            transport=self.transport, headers=headers, trust_env=False, verify=NO_CERTIFICATES
        ) as client:
            answer = client.get(url, params=params)
        answer.raise_for_status()
        return json.loads(answer.text, object_hook=self._relative)

    def interactions(self) -> set[str]:
        """What its CapabilityStatement lets clients do: `Task:create`, `transaction`.

        `Task:conditional-create` stands for recognising what is sent twice, `Appointment:$book`
        for an operation.
        """
        [rest] = self.get("metadata")["rest"]
        whole = {each["code"] for each in rest.get("interaction", ())}
        return whole.union(*(_interactions(each) for each in rest["resource"]))

    def _relative(self, element: dict[str, Any]) -> dict[str, Any]:
        if isinstance(written := element.get("reference"), str):
            element["reference"] = written.removeprefix(f"{self.base}/")
        return element


@dataclass(frozen=True)
class Provider:
    """An OpenID Provider that issues tokens for the FHIR bases that it is told of."""

    issuer: str
    program: Program

    def serve(self, base: str) -> None:
        self.program.tell(base)

    def token(self, base: str, patient: str) -> str:
        """An access token from a whole sign-in: code, PKCE, and all that gpcli asks for."""
        proof = generate_secrets()
        asked = {
            "client_id": "gpcli",
            "response_type": "code",
            "scope": SCOPES,
            "redirect_uri": _ELSEWHERE,
            "aud": base,
            "code_challenge": proof.challenge,
            "code_challenge_method": "S256",
        }
        back = sign_in(f"{self.issuer}/auth?{urlencode(asked)}", patient, until=_ELSEWHERE)
        [code] = parse_qs(urlsplit(back).query)["code"]
        form = {
            "grant_type": "authorization_code",
            "client_id": "gpcli",
            "code": code,
            "code_verifier": proof.verifier,
            "redirect_uri": _ELSEWHERE,
        }
        answer = httpx.post(
            f"{self.issuer}/token", data=form, trust_env=False, verify=NO_CERTIFICATES
        )
        answer.raise_for_status()
        return str(answer.json()["access_token"])


@contextmanager
def oidc_provider(*words: str) -> Iterator[Provider]:
    """oidc-provider; `words` as in `provider.mjs`."""
    with node("provider.mjs", *words) as program:
        yield Provider(program.wait_for(SERVING), program)


@contextmanager
def embedded_portal(directory: Path) -> Iterator[Place]:
    """The portal that comes with gpcli, whose surgery never answers, with our world in it."""
    began = _now()
    people = directory / "people.json"
    patients = (Patient(number, began).record for number in range(PATIENTS))
    entries = [{"resource": each} for each in (*shared(), *patients)]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    people.write_text(json.dumps(bundle), encoding="utf-8")
    with Sandbox(people=people, delay=NEVER) as sandbox:
        yield Place(
            "embedded",
            sandbox.fhir_base,
            began,
            sandbox.store.put_all,
            lambda patient: sandbox.issue_token(patient).access_token,
        )


@contextmanager
def sekmet_behind(
    provider: Provider, directory: Path, name: str = "SEKMET", **settings: Any
) -> Iterator[Place]:
    """SEKMET FHIR R4 Tester; `settings` are more of its own."""
    with node("gateway.mjs", provider.issuer) as gateway:
        base = gateway.wait_for(SERVING)
        config = directory / "sekmet.yaml"
        written = {
            "base_url": base,
            "host": "127.0.0.1",
            "port": 0,
            "data_dir": str(directory),
            "validation": {"inbound": "strict", "tx_server": "n/a"},
            "simulator": {"enabled": False},
            "log_inbound": False,
            **settings,
        }
        config.write_text(json.dumps(written), encoding="utf-8")  # which is YAML too
        with Program([sekmet(), "serve", "--config", config], cwd=directory) as server:
            root = server.wait_for(r"running on (http://127\.0\.0\.1:\d+)")
            yield _behind(name, provider, gateway, base, f"{root}/fhir")


@contextmanager
def medplum_behind(provider: Provider, *gateway_options: str) -> Iterator[Place]:
    """Medplum's router, which is weak on purpose; `gateway_options` as in `gateway.mjs`."""
    with node("gateway.mjs", provider.issuer, *gateway_options) as gateway:
        base = gateway.wait_for(SERVING)
        with node("router.mjs", base) as server:
            name = " ".join(("Medplum", *gateway_options))
            yield _behind(name, provider, gateway, base, server.wait_for(SERVING))


def sekmet() -> str:
    """The path of the program `sekmet`."""
    path = os.environ.get(SEKMET)
    assert path, (
        f"{SEKMET} must name the program sekmet: python -m venv DIR; "
        "DIR/bin/pip install -r tests/contract/sekmet.txt; "
        f"export {SEKMET}=DIR/bin/sekmet"
    )
    return path


def scenario_settings(directory: Path, portal: str, token: str) -> dict[str, Any]:
    """The settings with which SEKMET grades `portal` as a patient's app, which it calls `ours`."""
    peer = {"base_url": portal, "auth": {"type": "bearer", "token": token}}
    return {"data_dir": str(directory), "simulator": {"enabled": False}, "peers": {"ours": peer}}


def _interactions(said: Resource) -> Iterator[str]:
    """Those of one type, from its entry in a CapabilityStatement."""
    type_ = said["type"]
    yield from (f"{type_}:{each['code']}" for each in said.get("interaction", ()))
    yield from (f"{type_}:${each['name']}" for each in said.get("operation", ()))
    if said.get("conditionalCreate"):
        yield f"{type_}:conditional-create"


def _behind(name: str, provider: Provider, gateway: Program, base: str, server: str) -> Place:
    gateway.tell(server)
    provider.serve(base)
    fill = partial(_fill, server)
    fill(shared())
    return Place(name, base, _now(), fill, partial(provider.token, base), behind=server)


def _fill(server: str, resources: Iterable[Resource]) -> None:
    """Put resources into a server by its own API, each under the id that it has."""
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [*map(_put, resources)]}
    answer = httpx.post(
        server, json=bundle, headers=FHIR_JSON, timeout=120, trust_env=False, verify=NO_CERTIFICATES
    )
    assert answer.status_code == 200, answer.text
    statuses = {entry["response"]["status"][:3] for entry in answer.json()["entry"]}
    assert statuses <= {"200", "201"}, answer.text


def _put(resource: Resource) -> Resource:
    url = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": url}}


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
