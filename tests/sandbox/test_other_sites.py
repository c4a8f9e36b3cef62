"""Test what a page of another web site can do to the portal: lead a person there, and no more."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gpcli.sandbox.server import Sandbox, create_app
from tests.sandbox.smart.client_flow import URL, authorization_request

OTHER_SITES = ("cross-site", "same-site")
"""Another host, and another port of this one."""
EMBEDDED = ("cors", "no-cors", "same-origin", "websocket", "")


@pytest.fixture
def sandbox(people: Path) -> Iterator[Sandbox]:
    with Sandbox(people=people) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> FlaskClient:
    return create_app(sandbox._blueprints()).test_client()


@pytest.fixture
def routes(client: FlaskClient) -> list[tuple[str, str]]:
    """The method and the path of everything that the portal serves."""
    return [
        (method, rule.rule.replace("<path:path>", "Patient/Zoe"))
        for rule in client.application.url_map.iter_rules()
        for method in sorted(rule.methods or ())
    ]


def send(client: FlaskClient, method: str, path: str, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.open(path, method=method, base_url=URL, headers=named)


def send_from(site: str, mode: str) -> dict[str, str]:
    """The headers that a browser adds to what a page sends."""
    return {"Sec_Fetch_Site": site, "Sec_Fetch_Mode": mode, "Origin": "https://site.example"}


def test_everything_is_walked_over(routes: list[tuple[str, str]]) -> None:
    paths = {path for _, path in routes}

    assert {"/", "/authorize", "/device", "/sign-in", "/token", "/control/clock"} <= paths
    assert "/fhir/R4/Patient/Zoe" in paths


def test_another_host_name_is_refused(client: FlaskClient, routes: list[tuple[str, str]]) -> None:
    statuses = {send(client, *route, Host="rebound.example").status_code for route in routes}

    assert statuses == {403}


@pytest.mark.parametrize("site", OTHER_SITES)
@pytest.mark.parametrize("mode", EMBEDDED)
def test_what_another_page_embeds_or_fetches_is_refused(
    client: FlaskClient, routes: list[tuple[str, str]], site: str, mode: str
) -> None:
    statuses = {send(client, *route, **send_from(site, mode)).status_code for route in routes}

    assert statuses == {403}


@pytest.mark.parametrize("site", OTHER_SITES)
def test_a_form_of_another_page_leads_only_to_the_sign_in(
    client: FlaskClient, routes: list[tuple[str, str]], site: str
) -> None:
    posts = [route for route in routes if route[0] == "POST"]

    answered = {
        path
        for method, path in posts
        if send(client, method, path, **send_from(site, "navigate")).status_code != 403
    }

    assert answered == {"/authorize"}


@pytest.mark.parametrize("site", OTHER_SITES)
def test_a_link_on_another_page_leads_here(client: FlaskClient, site: str) -> None:
    links = ("/", "/device", "/authorize")

    statuses = [
        client.get(
            path,
            query_string=authorization_request(aud=None),
            base_url=URL,
            headers={name.replace("_", "-"): v for name, v in send_from(site, "navigate").items()},
        ).status_code
        for path in links
    ]

    assert statuses == [200, 200, 302]


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_the_portals_own_pages_and_the_address_bar_are_no_other_site(
    client: FlaskClient, routes: list[tuple[str, str]], site: str
) -> None:
    with_site, without = (
        [send(client, *route, **headers).status_code for route in routes]
        for headers in (send_from(site, "navigate"), {})
    )

    assert with_site == without


def test_nothing_may_be_framed_sniffed_or_read_by_another_page(
    client: FlaskClient, routes: list[tuple[str, str]]
) -> None:
    everything = [*routes, ("GET", "/nowhere"), ("PUT", "/token"), ("GET", "/fhir/R4/Patient")]
    for route in everything:
        headers = send(client, *route, Origin="https://site.example").headers

        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], route
        assert headers["X-Frame-Options"] == "DENY", route
        assert headers["X-Content-Type-Options"] == "nosniff", route
        assert headers["Referrer-Policy"] == "no-referrer", route
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", route
        assert not [name for name, _ in headers if name.startswith("Access-Control-")], route


@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer wrong", "Basic d3Jvbmc=", "Bearer ø"])
def test_the_control_interface_wants_its_token_everywhere(
    client: FlaskClient, routes: list[tuple[str, str]], token: str
) -> None:
    statuses = {
        send(client, method, path, Authorization=token).status_code
        for method, path in routes
        if path.startswith("/control/")
    }

    assert statuses == {401}


def test_a_form_of_the_sign_in_wants_the_cookie_of_its_browser(client: FlaskClient) -> None:
    cookies = client.get("/device", base_url=URL).headers.getlist("Set-Cookie")

    assert ["HttpOnly" in each and "SameSite=Strict" in each for each in cookies] == [True]
