"""How sign-in speaks to the person: opens the browser, prints addresses, takes a pasted one."""

from __future__ import annotations

import os
import select
import shlex
import subprocess
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from gpcli.app_context import AppContext
from gpcli.cli.subprocess_env import start_program
from gpcli.config.profiles import has_loopback_host
from gpcli.errors import InvalidUsage


def is_openable(link: str, environment: str) -> bool:
    """Whether `link` is plain https without a user name; at the sandbox, http on loopback too."""
    if not link.isascii() or not link.isprintable() or set(' \\"<>`') & set(link):
        return False
    try:
        url = urlsplit(link)
        _ = url.port
    except ValueError:
        return False
    if not url.hostname or "@" in url.netloc:
        return False
    if url.scheme == "https":
        return True
    return url.scheme == "http" and environment == "sandbox" and has_loopback_host(url)


FAILURE_PATIENCE = 0.5
"""Seconds in which a browser's command fails if it can't do it."""


class TerminalPrompter:
    """The person at this session's terminal.

    `browser` is a command to open pages with; `automatic` tells whether a page may open by itself.
    """

    def __init__(self, context: AppContext, *, browser: str | None, automatic: bool) -> None:
        self._session = context
        self._browser = browser
        self._automatic = automatic

    def open_browser(self, url: str) -> bool:
        """Open the sign-in page; false where none can or may be opened."""
        opened = self.open_page(url)
        if opened:
            self.say(
                "Continue in your browser; gpcli waits here. If no page opened, or you closed it: "
                "Ctrl-C, then gpcli login again; with --no-browser it prints the page's address."
            )
        return opened

    def show_url(self, url: str, port: int, host: str) -> None:
        """The address to open by hand, and the way there from another machine."""
        notice = self._session.output.notice
        notice(f"Open this page to sign in: {url}", url=url)
        if self._session.env.get("SSH_CONNECTION"):
            notice(f"From your own computer first run: ssh -L {port}:{host}:{port} THIS-MACHINE")
        if self._can_paste:
            notice("Or sign in anywhere, and paste the address of the last page here.")

    def read_pasted(self) -> Callable[[], str | None] | None:
        """What the person pasted so far, if somebody can."""
        return self._line if self._can_paste else None

    @property
    def _can_paste(self) -> bool:
        """Windows can't wait for a line of the terminal and for the browser at once."""
        return self._session.ask.allowed and os.name != "nt"

    def show_device(self, verification_uri: str, user_code: str, complete: str | None) -> None:
        """The address and the code to sign in with on another device."""
        output = self._session.output
        output.notice(
            f"On any device open {verification_uri} and enter the code {user_code}.",
            verification_uri=verification_uri,
            user_code=user_code,
            verification_uri_complete=complete,
        )

    def say(self, text: str) -> None:
        """One sentence while the sign-in goes on."""
        self._session.output.notice(text)

    def open_page(self, url: str) -> bool:
        """Open any page that may be opened; false where none can or may be."""
        if self._browser is not None:
            return _run_browser(self._session, self._browser, url)
        browse = self._session.browse or (webbrowser.open if self._automatic else None)
        return browse is not None and browse(url)

    def _line(self) -> str | None:
        ready, _, _ = select.select([self._session.stdin], [], [], 0)
        return self._session.stdin.readline() if ready else None


def _run_browser(context: AppContext, command: str, url: str) -> bool:
    """Whether the command runs on, or has ended well."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InvalidUsage(f"--browser '{command}' is not a command: {error}.") from error
    if not words:
        raise InvalidUsage("--browser needs a command that is not empty.")
    try:
        process = start_program(
            context,
            [*words, url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        raise InvalidUsage(f"--browser '{command}' can't be run: {error.strerror}.") from error
    with suppress(subprocess.TimeoutExpired):
        return process.wait(FAILURE_PATIENCE) == 0
    return True
