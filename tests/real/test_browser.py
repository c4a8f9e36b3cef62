"""Signing in with Chromium at the embedded portal's own page."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from threading import Thread

import pytest

from gpcli.auth.bearer import StaticBearer
from gpcli.auth.browser_sign_in import sign_in_with_browser
from gpcli.auth.device_sign_in import sign_in_with_device
from gpcli.auth.discovery import SmartConfiguration, fetch_smart_configuration
from gpcli.auth.sign_in_flow import AuthRequest, SignInResult
from gpcli.errors import SignInRefused
from gpcli.http.client import HttpClient
from gpcli.http.deadline import Deadline
from gpcli.sandbox.server import Sandbox

SCOPES = "openid fhirUser launch/patient offline_access patient/Patient.rs patient/Slot.rs"


class InChromium:
    """A screen whose browser is Chromium, and a person who does `steps` in it."""

    def __init__(self, browser: Callable, steps: Callable) -> None:
        self._browser = browser
        self._steps = steps
        self.trouble: list[BaseException] = []
        self.visit: Thread | None = None

    def open_browser(self, url: str) -> bool:
        self.visit = Thread(target=self._go, args=(url,), daemon=True)
        self.visit.start()
        return True

    def show_device(self, verification_uri: str, user_code: str, complete: str | None) -> None:
        self._browser(lambda page: (page.goto(verification_uri), self._steps(page, user_code)))

    def _go(self, url: str) -> None:
        try:
            self._browser(lambda page: (page.goto(url), self._steps(page)))
        except BaseException as trouble:
            self.trouble.append(trouble)


@pytest.fixture(scope="module")
def portal() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(portal) -> Iterator[HttpClient]:
    with HttpClient(portal.fhir_base, deadline=Deadline(30), env={}) as opened:
        yield opened


@pytest.fixture
def configuration(client, portal, tmp_path) -> SmartConfiguration:
    return fetch_smart_configuration(client, portal.fhir_base, tmp_path, time.time())


@pytest.fixture
def sign_in(client, configuration, portal, browser) -> Callable[..., SignInResult]:
    def run(steps: Callable, **options) -> SignInResult:
        screen = InChromium(browser, steps)
        auth_request = AuthRequest("gpcli", SCOPES, portal.fhir_base, **{"limit": 60.0} | options)
        try:
            return sign_in_with_browser(client, configuration, auth_request, screen, now=time.time)
        finally:
            screen.visit.join(120)
            assert screen.trouble == []

    return run


def choose(page, label: str) -> None:
    page.get_by_label(label).first.check()
    page.get_by_role("button", name="Continue").click()


def test_ada_signs_in_and_the_page_sends_her_back_to_the_terminal(sign_in, portal):
    seen = []

    def steps(page) -> None:
        choose(page, "Ada")
        page.get_by_role("button", name="Allow").click()
        page.wait_for_selector("#done")
        seen.append((page.inner_text("h1"), page.url.startswith("http://127.0.0.1")))

    found = sign_in(steps)
    assert seen == [("Go back to the terminal", True)]
    assert (found.patient, found.scope.split()) == ("ada", SCOPES.split())
    with HttpClient(
        portal.fhir_base, deadline=Deadline(30), env={}, bearer=StaticBearer(found.access_token)
    ) as signed_in:
        assert signed_in.get("Patient", [("_id", "ada")]).status == 200


def test_what_the_person_unticks_is_not_granted(sign_in):
    def steps(page) -> None:
        choose(page, "Ada")
        page.get_by_label("Without asking again").uncheck()
        page.get_by_role("button", name="Allow").click()
        page.wait_for_selector("#done")

    found = sign_in(steps)
    assert (found.refresh_token, "offline_access" in found.scope.split()) == (None, False)


def test_a_person_who_says_no_is_told_in_both_places(sign_in):
    def steps(page) -> None:
        choose(page, "Ada")
        page.get_by_role("button", name="Deny").click()
        page.wait_for_selector("#refused")

    with pytest.raises(SignInRefused) as refused:
        sign_in(steps)
    assert refused.value.message.startswith(
        "The sign-in was refused at the portal's page (access_denied)"
    )


def test_guro_chooses_her_child_at_the_page(sign_in, portal):
    child = next(card for card in portal.people() if card.key == "guro").acts_for[0]

    def steps(page) -> None:
        choose(page, "Guro")
        choose(page, child.name)
        page.get_by_role("button", name="Allow").click()
        page.wait_for_selector("#done")

    found = sign_in(steps)
    assert found.patient == child.patient
    assert not found.fhir_user.endswith(f"/{child.patient}")


def test_ada_types_the_code_that_another_device_shows(client, configuration, portal, browser):
    def steps(page, user_code: str) -> None:
        page.get_by_label("Code").fill(user_code)
        page.get_by_role("button", name="Continue").click()
        choose(page, "Ada")
        page.get_by_role("button", name="Allow").click()
        page.wait_for_load_state()

    screen = InChromium(browser, steps)
    auth_request = AuthRequest("gpcli", SCOPES, portal.fhir_base, limit=60.0)
    found = sign_in_with_device(
        client, configuration, auth_request, screen, now=time.time, sleep=lambda _: None
    )
    assert found.patient == "ada"


@pytest.mark.parametrize("site", ["https://site.example/", "http://127.0.0.1:9/"])
def test_a_page_of_another_site_leads_here_by_its_link_and_not_by_its_form(portal, browser, site):
    device, answered = f"{portal.url}/device", []
    page_of_site = f"""<a href="{device}">Link</a>
        <form method="post" action="{device}"><button name="user_code">Form</button></form>"""

    def steps(page) -> None:
        page.route(site, lambda route: route.fulfill(body=page_of_site, content_type="text/html"))
        page.on("response", lambda answer: answered.append((answer.url, answer.status)))
        for role in ("link", "button"):
            page.goto(site)
            page.get_by_role(role).click()
            page.wait_for_url(device)

    browser(steps)
    assert answered == [(site, 200), (device, 200), (site, 200), (device, 403)]
