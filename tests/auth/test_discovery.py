import httpx
import pytest

from gpcli.auth.client_auth import MACHINE_CAPABILITY
from gpcli.auth.discovery import (
    MAX_AGE,
    MachineConfiguration,
    fetch_machine_configuration,
    fetch_smart_configuration,
    parse_machine_configuration,
    parse_smart_configuration,
)
from gpcli.errors import BadResponse, NotPermitted, PortalError, Unavailable

PORTAL = "https://portal.example/fhir/R4"
NOW = 1_800_000_000.0
WELL_KNOWN_PATH = "/fhir/R4/.well-known/smart-configuration"

ALL_KNOWN = ("launch-standalone", "client-public", MACHINE_CAPABILITY)
FOR_MACHINES = {
    "grant_types_supported": ["client_credentials"],
    "token_endpoint_auth_signing_alg_values_supported": ["ES384"],
    "capabilities": [MACHINE_CAPABILITY],
}


def document_response(document: dict, etag: str | None = None) -> httpx.Response:
    return httpx.Response(200, json=document, headers={"ETag": etag} if etag else {})


def test_a_portals_sign_in_is_read(issuer, document, tmp_path):
    issuer.respond(WELL_KNOWN_PATH, document)
    found = fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW)
    assert found == parse_smart_configuration(document, PORTAL)
    assert (found.issuer, found.token_endpoint) == (
        "https://id.example",
        "https://id.example/token",
    )
    assert found.iss_parameter is True
    assert found.require_pushed_authorization_requests is False
    assert found.pushed_authorization_request_endpoint is None
    assert "client-public" in found.capabilities


def test_relative_addresses_resolve_against_the_fhir_base(document):
    document |= {"token_endpoint": "oauth/token", "authorization_endpoint": "/authorize"}
    found = parse_smart_configuration(document, PORTAL)
    assert found.token_endpoint == f"{PORTAL}/oauth/token"
    assert found.authorization_endpoint == "https://portal.example/authorize"


def test_within_a_day_nobody_is_asked_again(issuer, document, tmp_path):
    issuer.respond(WELL_KNOWN_PATH, document)
    first = fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW)
    second = fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW + MAX_AGE - 1)
    assert (first == second, len(issuer.requests)) == (True, 1)


def test_after_a_day_an_unchanged_document_is_kept_for_another(issuer, document, tmp_path):
    issuer.respond(WELL_KNOWN_PATH, document_response(document, '"v1"'), httpx.Response(304))
    fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW)
    fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW + MAX_AGE)
    fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW + 2 * MAX_AGE - 1)
    conditions = [request.headers.get("if-none-match") for request in issuer.requests]
    assert conditions == [None, '"v1"']


def test_after_a_day_a_changed_document_replaces_the_old(issuer, document, tmp_path):
    changed = document | {"token_endpoint": "https://id.example/token2"}
    issuer.respond(WELL_KNOWN_PATH, document, changed)
    fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW)
    found = fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW + MAX_AGE)
    assert found.token_endpoint == "https://id.example/token2"


def test_whoever_wants_it_fresh_asks_each_time_and_is_told_what_is_new(issuer, document, tmp_path):
    moved = document | {"token_endpoint": "https://id.example/moved"}
    issuer.respond(
        WELL_KNOWN_PATH,
        document_response(document, '"1"'),
        httpx.Response(304),
        document_response(moved, '"2"'),
    )
    found = [
        fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW, max_age=0) for _ in range(3)
    ]
    assert [each.token_endpoint for each in found] == [
        "https://id.example/token",
        "https://id.example/token",
        "https://id.example/moved",
    ]
    assert [request.headers.get("If-None-Match") for request in issuer.requests] == [
        None,
        '"1"',
        '"1"',
    ]


def test_a_clock_that_went_back_asks_again(issuer, document, tmp_path):
    issuer.respond(WELL_KNOWN_PATH, document, document)
    fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW)
    fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW - 1)
    assert len(issuer.requests) == 2


@pytest.mark.parametrize("rubbish", ["", "not json", "[]", '{"fetched": "x"}', "{}"])
def test_a_broken_cache_counts_as_none(issuer, document, tmp_path, rubbish):
    issuer.respond(WELL_KNOWN_PATH, document, document)
    fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW)
    next(tmp_path.iterdir()).write_text(rubbish)
    fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW)
    assert len(issuer.requests) == 2


def test_two_portals_have_two_files_that_only_their_owner_reads(issuer, document, tmp_path):
    issuer.respond(WELL_KNOWN_PATH, document)
    issuer.respond("/other/.well-known/smart-configuration", document)
    fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW)
    fetch_smart_configuration(issuer.client, "https://portal.example/other", tmp_path, NOW)
    assert [file.stat().st_mode & 0o777 for file in tmp_path.iterdir()] == [0o600, 0o600]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        httpx.Response(200, html="<h1>Welcome</h1>"),
        httpx.Response(200, json=[]),
        httpx.Response(301, headers={"Location": "https://elsewhere.example"}),
        httpx.Response(401),
    ],
)
def test_what_is_no_portal_says_so_and_is_not_kept(issuer, tmp_path, answer):
    issuer.respond(WELL_KNOWN_PATH, answer)
    with pytest.raises(BadResponse) as raised:
        fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW)
    assert raised.value.message == (
        "https://portal.example/fhir/R4 is not a FHIR portal with SMART sign-in."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_failing_portal_may_work_later(issuer, tmp_path):
    issuer.respond(WELL_KNOWN_PATH, *[httpx.Response(503)] * 4)
    with pytest.raises(PortalError):
        fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW)


def test_a_portal_that_cannot_be_reached_is_unavailable(issuer, tmp_path):
    issuer.respond(WELL_KNOWN_PATH, *[httpx.ConnectError("x")] * 4)
    with pytest.raises(Unavailable):
        fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW)


def test_a_portal_for_machines_alone_is_no_portal_to_sign_in_at(issuer, document, tmp_path):
    issuer.respond(
        WELL_KNOWN_PATH, *[{"token_endpoint": "https://id.example/token", **FOR_MACHINES}] * 2
    )
    found = fetch_machine_configuration(issuer.client, PORTAL, tmp_path, NOW)
    with pytest.raises(NotPermitted):
        fetch_smart_configuration(issuer.client, PORTAL, tmp_path / "other", NOW)
    assert found == MachineConfiguration(
        "https://id.example/token", frozenset({"client-confidential-asymmetric"}), ("ES384",)
    )


def test_people_and_machines_share_what_was_kept(issuer, document, tmp_path):
    issuer.respond(WELL_KNOWN_PATH, document | FOR_MACHINES | {"capabilities": [*ALL_KNOWN]})
    fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW)
    fetch_machine_configuration(issuer.client, PORTAL, tmp_path, NOW)
    assert len(issuer.requests) == 1


def test_machines_need_nothing_of_a_browser(document):
    del document["authorization_endpoint"], document["code_challenge_methods_supported"]
    found = parse_machine_configuration(document | FOR_MACHINES, PORTAL)
    assert found.token_endpoint == "https://id.example/token"


def test_capabilities_that_only_announce_are_not_demanded(document):
    document["capabilities"] = []
    found = parse_smart_configuration(document, PORTAL)
    assert found.capabilities == frozenset()


def test_a_portal_that_starts_apps_from_its_own_pages_alone_is_named(document):
    document["capabilities"] = ["launch-ehr", "client-public", "permission-patient"]
    with pytest.raises(NotPermitted) as raised:
        parse_smart_configuration(document, PORTAL)
    assert raised.value.message == (
        "The portal lets apps be started from its own pages alone: it names launch-ehr and not "
        "launch-standalone."
    )


@pytest.mark.parametrize("methods", [[], ["plain"], "S256 only"])
def test_a_portal_without_s256_is_named(document, methods):
    document["code_challenge_methods_supported"] = methods
    with pytest.raises(NotPermitted) as raised:
        parse_smart_configuration(document, PORTAL)
    assert raised.value.message == ("The portal's sign-in lacks what gpcli needs: PKCE with S256.")


def test_a_portal_that_says_nothing_of_pkce_is_told_what_to_state(document):
    del document["code_challenge_methods_supported"]
    with pytest.raises(NotPermitted) as raised:
        parse_smart_configuration(document, PORTAL)
    assert "does not say that its sign-in supports PKCE with S256" in raised.value.message
    assert "code_challenge_methods_supported" in raised.value.message
    assert raised.value.hint.startswith("Ask the people who run it to state it")


def test_what_the_portal_says_of_scopes_and_clients_is_read(document):
    document |= {
        "scopes_supported": ["openid", 7, "patient/Slot.rs"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", None],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384"],
    }
    found = parse_smart_configuration(document, PORTAL)
    assert found.scopes_supported == ("openid", "patient/Slot.rs")
    assert (found.auth_methods, found.algorithms) == (("client_secret_basic",), ("RS384",))


@pytest.mark.parametrize("said", [None, "openid", {}, 7])
def test_a_list_that_is_none_says_nothing(document, said):
    document |= {"scopes_supported": said, "token_endpoint_auth_methods_supported": said}
    found = parse_smart_configuration(document, PORTAL)
    assert (found.scopes_supported, found.auth_methods) == ((), ())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"token_endpoint": None}, "has no token_endpoint"),
        ({"authorization_endpoint": 7}, "has no authorization_endpoint"),
        (
            {"token_endpoint": "http://id.example/token"},
            "has a token_endpoint that is not an https address",
        ),
        (
            {"authorization_endpoint": "javascript:alert(1)"},
            "has a authorization_endpoint that is not an https address",
        ),
        (
            {"jwks_uri": "file:///etc/passwd"},
            "has a jwks_uri that is not an https address",
        ),
        (
            {"token_endpoint": "http://127.0.0.1:8080/token"},
            "has a token_endpoint that leads to this computer, not to the portal",
        ),
        (
            {"jwks_uri": "https://[::1]/jwks"},
            "has a jwks_uri that leads to this computer, not to the portal",
        ),
        (
            {"issuer": None},
            "does not say who issues its sign-ins and with which keys",
        ),
    ],
)
def test_a_document_with_wrong_parts_is_refused(document, change, why):
    with pytest.raises(BadResponse) as raised:
        parse_smart_configuration(document | change, PORTAL)
    assert raised.value.message == f"The portal's description of its sign-in {why}."


def test_a_portal_on_this_computer_may_lead_to_this_computer(document):
    here = {"token_endpoint": "http://127.0.0.1:8080/token"}
    found = parse_smart_configuration(document | here, "http://[::1]:8000/fhir")
    assert found.token_endpoint == here["token_endpoint"]


def test_where_nothing_can_be_kept_the_portal_is_asked_each_time(issuer, document, tmp_path):
    issuer.respond(WELL_KNOWN_PATH, document, document)
    (tmp_path / "file").write_text("")
    found = [
        fetch_smart_configuration(issuer.client, PORTAL, tmp_path / "file" / "cache", NOW)
        for _ in range(2)
    ]
    assert found == [parse_smart_configuration(document, PORTAL)] * 2


def test_a_refused_document_is_not_kept(issuer, document, tmp_path):
    issuer.respond(WELL_KNOWN_PATH, document | {"capabilities": ["launch-ehr"]})
    with pytest.raises(NotPermitted):
        fetch_smart_configuration(issuer.client, PORTAL, tmp_path, NOW)
    assert list(tmp_path.iterdir()) == []
