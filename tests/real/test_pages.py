"""The pages of a sign-in by axe-core and by keyboard, in Chromium; screenshots to look at."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from gpcli.auth.browser_sign_in import generate_secrets
from gpcli.auth.loopback import CallbackServer, ExpectedCallback
from gpcli.config.profiles import SCOPES
from gpcli.sandbox.server import Sandbox
from tests.real.conftest import CHROMIUM, CHROMIUM_OPTIONS

AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"
PICTURES = Path(__file__).parents[2] / "artifacts/pages"
SIZES = {"desktop": (1280, 900), "phone": (320, 640)}  # WCAG 2.2, 1.4.10: 320 pixels are enough
PAGES = 17
SHORT_SCOPES = "openid fhirUser launch/patient patient/Patient.rs"


@dataclass
class Walk:
    """One walk through all pages; `trouble` is what axe found, by page."""

    page: Any
    portal: Sandbox
    loopback: CallbackServer
    look: str
    trouble: dict[str, list[str]]

    def seen(self, name: str) -> None:
        """Take a picture of the page that is open, and let axe judge it."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}-{self.look}.png", full_page=True)
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run(document)")
        assert len(found["passes"]) > 5
        words = [f"{each['id']}: {each['nodes'][0]['html']}" for each in found["violations"]]
        sideways = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        if self.page.evaluate(sideways):
            words.append("it is wider than the screen")
        self.trouble[name] = words

    @property
    def child(self) -> str:
        """The name of somebody for whom Guro acts."""
        [guro] = [card for card in self.portal.people() if card.key == "guro"]
        return guro.acts_for[0].name

    def begin(self, scopes: str = SCOPES) -> None:
        self.page.goto(first_page(self.portal, self.loopback.redirect_uri, scopes))

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name).click()

    def choose(self, label: str) -> None:
        self.page.get_by_label(label).first.check()
        self.press("Continue")

    def visit_device(self, user_code: str) -> None:
        self.page.goto(f"{self.portal.fhir_base.removesuffix('/fhir/R4')}/device")
        self.page.get_by_label("Code").fill(user_code)


def first_page(portal: Sandbox, redirect_uri: str, scopes: str = SCOPES) -> str:
    proof = generate_secrets()
    asked = {
        "response_type": "code",
        "client_id": "gpcli",
        "redirect_uri": redirect_uri,
        "scope": scopes,
        "state": "ours",
        "aud": portal.fhir_base,
        "code_challenge": proof.challenge,
        "code_challenge_method": "S256",
    }
    return f"{configuration(portal)['authorization_endpoint']}?{urlencode(asked)}"


def configuration(portal: Sandbox) -> dict[str, Any]:
    url = f"{portal.fhir_base}/.well-known/smart-configuration"
    found: dict[str, Any] = httpx.get(url, trust_env=False).json()
    return found


def user_code(portal: Sandbox) -> str:
    """The code that another device shows."""
    url = configuration(portal)["device_authorization_endpoint"]
    form = {"client_id": "gpcli", "scope": SCOPES, "aud": portal.fhir_base}
    return str(httpx.post(url, data=form, trust_env=False).json()["user_code"])


@pytest.fixture(scope="module")
def portal() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def expected(portal) -> ExpectedCallback:
    return ExpectedCallback("ours", configuration(portal)["issuer"], issuer_required=False)


@pytest.fixture
def loopback(expected) -> Iterator[CallbackServer]:
    with CallbackServer(0) as server:
        server.expect(expected)
        yield server


@pytest.fixture
def open_window() -> Iterator[Callable[..., Any]]:
    """`open_window(...)` is a page in a Chromium with these settings."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)

        def run(**settings: Any) -> Any:
            page = chromium.new_context(**settings).new_page()
            page.set_default_timeout(10_000)
            return page

        yield run
        chromium.close()


@pytest.fixture(
    params=[(size, scheme) for size in SIZES for scheme in ("light", "dark")], ids="-".join
)
def walk(request, open_window, portal, loopback) -> Walk:
    size, scheme = request.param
    width, height = SIZES[size]
    page = open_window(viewport={"width": width, "height": height}, color_scheme=scheme)
    return Walk(page, portal, loopback, "-".join(request.param), {})


def test_axe_finds_nothing_wrong_with_any_page_of_a_sign_in(walk):
    for steps in (_sign_in, _go_wrong, _use_a_code, _come_back):
        steps(walk)

    assert {name: words for name, words in walk.trouble.items() if words} == {}
    assert len(walk.trouble) == PAGES


def _sign_in(walk: Walk) -> None:
    walk.begin()
    walk.seen("who")
    walk.page.locator("form").evaluate("form => { form.noValidate = true }")
    walk.press("Continue")
    walk.seen("who-missing")
    walk.choose("Guro")
    walk.seen("about")
    walk.choose(walk.child)
    walk.seen("consent-for-a-child")
    walk.begin(SHORT_SCOPES)
    walk.choose("Ada")
    walk.seen("consent-little")
    walk.begin()
    walk.choose("Ada")
    walk.seen("consent")


def _go_wrong(walk: Walk) -> None:
    walk.page.goto(first_page(walk.portal, "http://evil.example/callback"))
    walk.seen("wrong-redirect")
    walk.visit_device("NONE-SUCH")
    walk.press("Continue")
    walk.seen("code-gone")
    walk.page.goto(walk.portal.fhir_base.removesuffix("/fhir/R4"))
    walk.seen("index")


def _use_a_code(walk: Walk) -> None:
    for decision in ("Allow", "Deny"):
        walk.visit_device(user_code(walk.portal))
        walk.seen("device")
        walk.press("Continue")
        walk.choose("Ada")
        walk.press(decision)
        walk.seen(f"device-{decision.lower()}")


def _come_back(walk: Walk) -> None:
    address = walk.loopback.redirect_uri
    for name, url in (
        ("callback-none", address.removesuffix("/callback")),
        ("callback-older", f"{address}?state=older"),
        ("callback-done", f"{address}?state=ours&code=abc"),
        ("callback-used", f"{address}?state=ours&code=abc"),
    ):
        walk.page.goto(url)
        walk.seen(name)
    with CallbackServer(0) as another:
        another.expect(ExpectedCallback("ours", None, issuer_required=False))
        walk.page.goto(f"{another.redirect_uri}?state=ours&error=access_denied")
        walk.seen("callback-refused")


def tab_to(page: Any, selector: str) -> None:
    """Press Tab until `selector` has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.locator(f"{selector}:focus").count():
            return
    raise AssertionError(f"Tab does not lead to {selector}")


def test_the_keyboard_alone_is_enough_without_javascript(open_window, portal, loopback):
    page = open_window(java_script_enabled=False)
    page.goto(first_page(portal, loopback.redirect_uri))

    tab_to(page, "input[type=radio]")
    page.keyboard.press("Space")
    tab_to(page, "button.yes")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=see and do?")
    tab_to(page, "button.yes")
    page.keyboard.press("Enter")

    page.wait_for_selector("#done")
    assert loopback.wait_for_code(10)


def test_a_code_is_typed_and_sent_by_keyboard_alone(open_window, portal):
    page = open_window(java_script_enabled=False)
    page.goto(f"{portal.fhir_base.removesuffix('/fhir/R4')}/device")

    tab_to(page, "#user-code")
    page.keyboard.type(user_code(portal).lower())
    page.keyboard.press("Enter")

    page.wait_for_selector("text=Who is signing in?")


def test_axe_would_find_what_is_wrong(open_window):
    page = open_window()
    page.set_content("<!doctype html><title>x</title><img src='x'><input>")
    page.evaluate(AXE.read_text(encoding="utf-8"))

    found = {each["id"] for each in page.evaluate("axe.run(document)")["violations"]}

    assert {"image-alt", "label", "html-has-lang"} <= found, json.dumps(sorted(found))


def test_whoever_mistypes_the_code_can_type_it_again(open_window, portal):
    page = open_window(java_script_enabled=False)
    page.goto(f"{portal.fhir_base.removesuffix('/fhir/R4')}/device")
    page.get_by_label("Code").fill("NONE-SUCH")
    page.get_by_role("button", name="Continue").click()

    page.get_by_role("link", name="Type the code again").click()

    assert page.get_by_label("Code").input_value() == ""
