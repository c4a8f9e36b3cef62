"""A browser without a screen: it follows redirects and fills in the forms of a sign-in page."""

from __future__ import annotations

import threading
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx

from tests.loopback import NO_CERTIFICATES

MOST_STEPS = 20


class _Form(HTMLParser):
    """The first form of a page: where it goes, and what is filled in already."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form" and self.action is None:
            self.action = given.get("action") or ""
        if tag == "input" and (name := given.get("name")):
            self.fields[name] = given.get("value") or ""

    def filled(self, login: str) -> dict[str, str]:
        """What to send: any password does."""
        known = {"login": login, "password": "any"}
        return {name: known.get(name, value) for name, value in self.fields.items()}


def sign_in(url: str, login: str, until: str | None = None) -> str:
    """Sign in as `login` at the page `url` and allow what is asked for.

    Returns the address of the last page; `until` is the beginning of one not to be opened.
    """
    with httpx.Client(trust_env=False, timeout=30, verify=NO_CERTIFICATES) as client:
        page = client.get(url)
        for _ in range(MOST_STEPS):
            if target := page.headers.get("location"):
                target = str(urljoin(str(page.url), target))
                if until and target.startswith(until):
                    return target
                page = client.get(target)
                continue
            form = _Form(page.text)
            if form.action is None or page.is_error:
                return str(page.url)
            page = client.post(urljoin(str(page.url), form.action), data=form.filled(login))
    raise AssertionError(f"signing in does not come to an end at {page.url}")


def turn_back(url: str) -> None:
    """Open the page `url` and turn back there."""
    with httpx.Client(
        trust_env=False, timeout=30, follow_redirects=True, verify=NO_CERTIFICATES
    ) as client:
        page = client.get(url)
        client.get(f"{page.url}/abort")


def abort(url: str) -> None:
    """Open the page `url`, which holds the code of another device, and turn back there."""
    with httpx.Client(
        trust_env=False, timeout=30, follow_redirects=True, verify=NO_CERTIFICATES
    ) as client:
        page = client.get(url)
        for decision in ({}, {"abort": "yes"}):
            form = _Form(page.text)
            filled = form.fields | decision
            page = client.post(urljoin(str(page.url), form.action), data=filled)


def deny(url: str) -> bool:
    """The browser of somebody who turns back at the sign-in page, as `as_person`."""
    threading.Thread(target=turn_back, args=(url,), daemon=True).start()
    return True


def as_person(login: str) -> Callable[[str], bool]:
    """The browser of somebody who signs in as `login`, for a command that waits meanwhile."""

    def browse(url: str) -> bool:
        threading.Thread(target=sign_in, args=(url, login), daemon=True).start()
        return True

    return browse
