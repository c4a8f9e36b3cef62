"""Signing in with Chromium: at our own portal's pages, and at an OpenID Provider's."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from gpcli.auth.browser_sign_in import sign_in_with_browser
from gpcli.auth.discovery import fetch_smart_configuration
from gpcli.auth.loopback import CallbackServer
from gpcli.auth.sign_in_flow import AuthRequest, SignInResult
from gpcli.auth.vault import MemoryVault
from gpcli.config.profiles import SCOPES
from gpcli.http.client import HttpClient
from gpcli.http.deadline import Deadline
from gpcli.sandbox.server import Sandbox
from tests.contract.visit import now
from tests.journeys.shell import CommandResult, Shell
from tests.real.conftest import CHROMIUM, CHROMIUM_OPTIONS

pytestmark = pytest.mark.real

PATIENCE = 30.0
"""Seconds that one side waits for the other, so that what fails does so soon."""
LIMIT = 60
ELEVEN_MINUTES = timedelta(minutes=11)


@dataclass(frozen=True)
class Portal:
    """Where `person` signs in; `allow(tab)` and `refuse(tab)` are what they do at its pages."""

    base: str
    person: dict[str, str]
    allow: Callable[[Any], None]
    refuse: Callable[[Any], None]


@pytest.fixture(scope="module")
def ours() -> Iterator[Portal]:
    """The embedded portal."""

    def choose_ada(tab: Any) -> None:
        tab.get_by_label("Ada").first.check()
        tab.get_by_role("button", name="Continue").click()

    def allow(tab: Any) -> None:
        choose_ada(tab)
        tab.get_by_role("button", name="Allow").click()

    def refuse(tab: Any) -> None:
        choose_ada(tab)
        tab.get_by_role("button", name="Deny").click()

    with Sandbox() as sandbox:
        person = {"id": "ada", "name": "Ada Solberg"}
        yield Portal(sandbox.fhir_base, person, allow, refuse)


@pytest.fixture
def theirs(medplum) -> Portal:
    """Medplum's router, and the development pages of oidc-provider."""
    patient = medplum.somebody()

    def allow(tab: Any) -> None:
        tab.fill("input[name=login]", patient.id)
        tab.fill("input[name=password]", "any")
        tab.click("button[type=submit]")
        tab.click("button:has-text('Continue')")

    def refuse(tab: Any) -> None:
        tab.click("text=Cancel")

    return Portal(medplum.base, {"id": patient.id, "name": patient.name}, allow, refuse)


@pytest.fixture(params=["ours", "theirs"])
def portal(request: pytest.FixtureRequest) -> Portal:
    found: Portal = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def new_tab() -> Iterator[Callable[[str], Any]]:
    """`new_tab(url)` opens a page in one Chromium, which runs no JavaScript."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        window = chromium.new_context(java_script_enabled=False)
        window.set_default_timeout(20_000)

        def open_tab(url: str) -> Any:
            tab = window.new_page()
            tab.goto(url)
            return tab

        yield open_tab
        chromium.close()


@pytest.fixture
def in_thread() -> Iterator[Callable[..., Future]]:
    """`in_thread(work)` does it in a thread, as Playwright wants this one for itself."""
    with ThreadPoolExecutor() as threads:
        yield threads.submit


@dataclass
class Login:
    """`gpcli login`, which waits for its browser; `url` is the page that it opened."""

    ending: Future
    opened: queue.SimpleQueue[str]
    late: Event

    @property
    def url(self) -> str:
        return self.opened.get(timeout=PATIENCE)

    def ended(self) -> CommandResult:
        found: CommandResult = self.ending.result(PATIENCE)
        return found

    def time_passes(self) -> None:
        """Everybody has waited for longer than the limit."""
        self.late.set()


@dataclass
class Workstation:
    """Where one person signs in, in one browser; `vault` is their keyring."""

    portal: Portal
    home: Path
    in_thread: Callable[..., Future]
    vault: MemoryVault = field(default_factory=MemoryVault)

    def login(self, *words: str) -> Login:
        """Begin to sign in; `words` are more options."""
        opened: queue.SimpleQueue[str] = queue.SimpleQueue()
        late = Event()

        def browse(url: str) -> bool:
            opened.put(url)
            return True

        def clock() -> datetime:
            return now() + ELEVEN_MINUTES if late.is_set() else now()

        env = {"GPCLI_CONFIG_DIR": str(self.home)}
        shell = Shell(env, clock, vault=self.vault, browse=browse)
        line = ["gpcli", "login", self.portal.base, "--json", "--limit", str(LIMIT), *words]
        return Login(self.in_thread(shell, line), opened, late)

    @property
    def kept(self) -> list[str]:
        """Who is signed in, by the keyring."""
        return [each.patient for each in self.vault._items.values()]


@pytest.fixture
def workstation(portal, tmp_path, in_thread) -> Workstation:
    return Workstation(portal, tmp_path, in_thread)


def test_somebody_signs_in_and_the_last_page_is_gpclis_own(workstation, portal, new_tab):
    login = workstation.login()
    tab = new_tab(login.url)

    portal.allow(tab)
    tab.wait_for_selector("#done")

    ending = login.ended()
    assert (ending.code, ending.json["patient"]) == (0, portal.person)
    assert (tab.title(), tab.url.startswith("http://127.0.0.1:")) == (
        "Go back to the terminal \N{EN DASH} gpcli",
        True,
    )


def test_somebody_who_turns_back_is_told_so_in_both_places(workstation, portal, new_tab):
    login = workstation.login()
    tab = new_tab(login.url)

    portal.refuse(tab)
    tab.wait_for_selector("#refused")

    assert login.ended().refused == (4, "sign_in_refused", "")
    assert workstation.kept == []


def test_whoever_closes_the_page_is_waited_for_until_the_limit(workstation, new_tab):
    login = workstation.login()
    new_tab(login.url).close()
    login.time_passes()

    ending = login.ended()

    assert ending.refused == (4, "sign_in_refused", "")
    assert (
        "you closed it: Ctrl-C, then gpcli login again"
        in ending.stderr_json[0]["notice"]["message"]
    )
    assert ending.error["message"] == "Nobody signed in within 1 min."
    assert ending.error["hint"].startswith(
        "gpcli login tries again. If the portal's page showed an "
    )
    assert workstation.kept == []


def test_whoever_closed_the_page_may_open_it_again(workstation, portal, new_tab):
    login = workstation.login()
    url = login.url
    new_tab(url).close()

    portal.allow(new_tab(url))

    assert (login.ended().code, workstation.kept) == (0, [portal.person["id"]])


def test_the_page_of_an_earlier_try_signs_nobody_in_and_spoils_nothing(
    workstation, portal, new_tab
):
    with CallbackServer(0) as free:
        port = str(free.port)
    earlier = workstation.login("--port", port)
    stale = new_tab(earlier.url)
    earlier.time_passes()
    assert earlier.ended().code == 4
    login = workstation.login("--port", port)
    tab = new_tab(login.url)

    portal.allow(stale)
    stale.wait_for_selector("#older")
    assert workstation.kept == []
    portal.allow(tab)

    assert (login.ended().code, workstation.kept) == (0, [portal.person["id"]])


class Hurried:
    """A screen whose browser is opened by somebody else."""

    def __init__(self) -> None:
        self.opened: queue.SimpleQueue[str] = queue.SimpleQueue()

    def open_browser(self, url: str) -> bool:
        self.opened.put(url)
        return True


def test_a_browser_that_comes_back_twice_is_told_that_it_is_done(
    portal, new_tab, in_thread, tmp_path
):
    screen, came_back = Hurried(), Event()

    @contextmanager
    def until_it_came_back() -> Iterator[None]:
        assert came_back.wait(PATIENCE)
        yield

    def sign_in() -> SignInResult:
        deadline = Deadline(PATIENCE)
        with HttpClient(portal.base, deadline=deadline, env={}) as client:
            configuration = fetch_smart_configuration(client, portal.base, tmp_path, time.time())
        auth_request = AuthRequest("gpcli", SCOPES, portal.base)
        with HttpClient(
            portal.base, deadline=deadline, env={}, progress=until_it_came_back
        ) as client:
            return sign_in_with_browser(client, configuration, auth_request, screen, now=time.time)

    found = in_thread(sign_in)
    tab = new_tab(screen.opened.get(timeout=PATIENCE))
    portal.allow(tab)
    tab.wait_for_selector("#done")

    tab.goto(tab.url)
    said = tab.inner_text("h1")
    came_back.set()

    assert said == "This is done already"
    assert found.result(PATIENCE).patient == portal.person["id"]
