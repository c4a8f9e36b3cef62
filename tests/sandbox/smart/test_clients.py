"""Test the backend client: its assertions, and the rights of its tokens."""

import json
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey
from werkzeug.test import TestResponse

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.fhir.request_context import AccessRights
from gpcli.sandbox.people import PEOPLE
from gpcli.sandbox.server import create_app
from gpcli.sandbox.smart.authorization_server import SmartServer
from gpcli.sandbox.smart.clients import BackendClient, read_backend_client
from gpcli.sandbox.smart.database import SmartDatabase
from gpcli.sandbox.smart.endpoints import smart_blueprint
from tests.sandbox.smart.client_flow import ALL_SCOPES, URL, ClientFlow, refusal

ELLIPTIC = ECKey.generate_key("P-384", {"kid": "ec"}, private=True)
RSA = RSAKey.generate_key(2048, {"kid": "rsa"}, private=True)
SHORT = ECKey.generate_key("P-256", {"kid": "short"}, private=True)
STRANGER = ECKey.generate_key("P-384", {"kid": "ec"}, private=True)
BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SECRET = '{"kty": "oct", "kid": "shared", "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}'
PUBLIC = {"keys": [key.as_dict(private=False) for key in (ELLIPTIC, RSA, SHORT)]}

Asking = Callable[..., TestResponse]


@pytest.fixture
def server(database: SmartDatabase, clock: Clock) -> SmartServer:
    machine = BackendClient("my-machine", KeySet.import_key_set(PUBLIC))
    return SmartServer(database, clock, lambda: URL, backend_client=machine)


@pytest.fixture
def flow(server: SmartServer) -> ClientFlow:
    return ClientFlow(create_app({"/": smart_blueprint(server, lambda: PEOPLE)}))


@pytest.fixture
def ask(flow: ClientFlow) -> Asking:
    """Ask for a token with an assertion; `form` replaces parts of the request."""

    def send(made: str | None = None, **form: str | None) -> TestResponse:
        good = {
            "grant_type": "client_credentials",
            "scope": "system/Slot.rs",
            "client_assertion_type": BEARER,
            "client_assertion": made or assertion(),
        }
        asked = {name: value for name, value in (good | form).items() if value is not None}
        return flow.post("/token", **asked)

    return send


def assertion(
    key: Any = ELLIPTIC, alg: str = "ES384", header: dict[str, Any] | None = None, **claims: Any
) -> str:
    """A good assertion, but for what is given; None leaves a claim or a header out."""
    good = {
        "iss": "my-machine",
        "sub": "my-machine",
        "aud": f"{URL}/token",
        "exp": int(time.time()) + 240,
        "jti": str(uuid.uuid4()),
    }
    head = {"alg": alg, "kid": key.kid} | (header or {})
    return jwt.encode(_said(head), _said(good | claims), key, algorithms=[alg])


def _said(parts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parts.items() if value is not None}


@pytest.mark.parametrize(("key", "alg"), [(ELLIPTIC, "ES384"), (RSA, "RS384")])
def test_a_machine_gets_a_token_for_five_minutes_without_patient_or_refresh(
    ask: Asking, key: Any, alg: str
) -> None:
    answer = ask(assertion(key, alg))

    said = answer.get_json()
    assert answer.status_code == 200
    assert len(said.pop("access_token")) == 48
    assert said == {"token_type": "bearer", "expires_in": 300, "scope": "system/Slot.rs"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_fhir_side_sees_no_patient_behind_it(ask: Asking, server: SmartServer) -> None:
    token = ask().get_json()["access_token"]

    rights = server.grants.find_access_rights(token)

    assert rights == AccessRights("", "", frozenset({"system/Slot.rs"}))
    assert rights.is_backend
    assert rights.interactions("Slot") == {"r", "s"}
    assert rights.interactions("Appointment") == frozenset()


def test_the_token_ends_after_five_minutes_by_the_portals_clock(
    ask: Asking, server: SmartServer, clock: Clock
) -> None:
    token = ask().get_json()["access_token"]
    clock.advance(server.grants.lifetimes.backend)

    assert server.grants.find_access_rights(token) is None


def test_an_assertion_is_judged_by_real_time(ask: Asking, clock: Clock) -> None:
    clock.advance(timedelta(days=1))

    assert ask().status_code == 200


def test_an_assertion_is_good_once(ask: Asking) -> None:
    made = assertion()

    answers = [ask(made), ask(made)]

    assert answers[0].status_code == 200
    assert refusal(answers[1]) == (400, "invalid_client")


def test_another_assertion_of_the_same_id_is_refused_too(ask: Asking) -> None:
    first, second = (assertion(jti="one", exp=int(time.time()) + life) for life in (200, 210))

    assert ask(first).status_code == 200
    assert refusal(ask(second)) == (400, "invalid_client")


@pytest.mark.parametrize(
    "made",
    [
        lambda: assertion(STRANGER),
        lambda: assertion(SHORT, "ES256"),
        lambda: assertion(RSA, "RS256"),
        lambda: assertion(RSA, "PS384"),
        lambda: assertion(OctKey.import_key("s" * 48), "HS384", {"kid": "ec"}),
        lambda: assertion(header={"kid": None}),
        lambda: assertion(header={"kid": "unknown"}),
        lambda: assertion(sub="gpcli", iss="gpcli"),
        lambda: assertion(sub="nobody", iss="nobody"),
        lambda: assertion(sub=7),
        lambda: assertion(sub=None),
        lambda: assertion(iss="somebody-else"),
        lambda: assertion(aud=URL),
        lambda: assertion(aud="https://elsewhere.example/token"),
        lambda: assertion(aud=None),
        lambda: assertion(exp=int(time.time()) - 60),
        lambda: assertion(exp=int(time.time()) + 3600),
        lambda: assertion(exp=time.time() + 3600),
        lambda: assertion(exp=float("inf")),
        lambda: assertion(exp="soon"),
        lambda: assertion(exp=str(int(time.time()) + 240)),
        lambda: assertion(exp=True),
        lambda: assertion(exp=None),
        lambda: assertion(jti=None),
        lambda: "not.a.token",
        lambda: "rubbish",
        lambda: "e30.e30.",
    ],
)
def test_an_assertion_with_something_wrong_is_refused(ask: Asking, made: Callable[[], str]) -> None:
    assert refusal(ask(made())) == (400, "invalid_client")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_assertion": None}, "invalid_client"),
        ({"client_assertion_type": None}, "invalid_client"),
        ({"client_assertion_type": "saml"}, "invalid_client"),
        ({"client_assertion": None, "client_id": "gpcli"}, "invalid_client"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": ALL_SCOPES}, "invalid_scope"),
        ({"scope": "system/Slot.all system/slot.rs"}, "invalid_scope"),
    ],
)
def test_a_request_with_something_wrong_is_refused(
    ask: Asking, change: dict[str, str | None], error: str
) -> None:
    assert refusal(ask(**change)) == (400, error)


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("system/*.cruds", "system/*.cruds"),
        ("system/*.read system/Task.write", "system/*.read system/Task.write"),
        ("system/Slot.rs patient/Task.crus openid offline_access", "system/Slot.rs"),
        ("system/Slot.rs system/Slot.rs", "system/Slot.rs"),
    ],
)
def test_only_scopes_for_machines_are_granted(ask: Asking, asked: str, granted: str) -> None:
    assert ask(scope=asked).get_json()["scope"] == granted


def test_an_app_for_people_gets_no_scope_of_a_machine(flow: ClientFlow) -> None:
    tokens = flow.sign_in(scope="launch/patient patient/Slot.rs system/*.cruds")

    assert tokens["scope"] == "launch/patient patient/Slot.rs"


def test_a_machine_can_open_no_sign_in_page(flow: ClientFlow) -> None:
    assert flow.authorize(client_id="my-machine").status_code == 400


@pytest.mark.parametrize("grant", ["authorization_code", "refresh_token", "password"])
def test_a_machine_has_no_other_way_in(ask: Asking, grant: str) -> None:
    assert ask(grant_type=grant).status_code == 400


@pytest.mark.parametrize(
    "written",
    [
        PUBLIC,
        PUBLIC["keys"][0],
        ELLIPTIC.as_dict(private=True),
        {"keys": [RSA.as_dict(private=True)]},
    ],
)
def test_the_keys_are_read_without_their_private_parts(tmp_path: Path, written: Any) -> None:
    path = tmp_path / "machine.jwk"
    path.write_text(json.dumps(written), encoding="utf-8")

    machine = read_backend_client(path)

    assert machine.client_id == "my-machine"
    assert [key.is_private for key in machine.keys.keys] == [False] * len(machine.keys.keys)


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", "7", "{}", '{"keys": 7}', '{"keys": [7]}', SECRET]
)
def test_what_holds_no_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "machine.jwk"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ValueError, match="holds no JWK or JWK Set"):
        read_backend_client(path)
