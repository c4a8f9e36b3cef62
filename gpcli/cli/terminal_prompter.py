"""The person's side of a sign-in at the terminal: browser, addresses, a pasted address."""

from __future__ import annotations

import os
import select
import shlex
import subprocess
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

import typer

from gpcli.app_context import AppContext
from gpcli.cli.subprocess_env import start_program
from gpcli.errors import InvalidUsage
from gpcli.web_url import InvalidUrl, is_loopback, split_web_url

NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Only print the link")]
Browser = Annotated[
    str | None, typer.Option("--browser", metavar="CMD", help="The command that opens the link")
]


def check_browser_options(browser: str | None, *, no_browser: bool) -> None:
    """Raise InvalidUsage where a link is to be opened, and is not to be opened."""
    if no_browser and browser is not None:
        raise InvalidUsage("--browser and --no-browser can't be used together.")


def is_openable(link: str, environment: str) -> bool:
    """Return whether `link` may be opened: https without a user name.

    In the environment `sandbox`, http on loopback may be opened too.
    """
    if not link.isascii() or not link.isprintable() or set(' \\"<>`') & set(link):
        return False
    try:
        url = split_web_url(link)
    except InvalidUrl:
        return False
    if "@" in url.netloc:
        return False
    is_of_sandbox = environment == "sandbox" and is_loopback(url.hostname or "")
    return url.scheme == "https" or is_of_sandbox


FAILURE_PATIENCE = 0.5
"""Seconds in which a browser's command that does not work is expected to fail."""


class TerminalPrompter:
    """Opens pages and shows addresses to the person at the terminal.

    `browser` is the command that opens pages; `None` = the system's browser, which is used only if
    `automatic`.
    """

    def __init__(self, context: AppContext, *, browser: str | None, automatic: bool) -> None:
        self._context = context
        self._browser = browser
        self._automatic = automatic

    def open_browser(self, url: str) -> bool:
        """Open the sign-in page; return whether that could be done."""
        opened = self.open_page(url)
        if opened:
            self.say(
                "Continue in your browser; gpcli waits here. If no page opened, or you closed it: "
                "Ctrl-C, then gpcli login again; with --no-browser it prints the page's address."
            )
        return opened

    def show_url(self, url: str, port: int, host: str) -> None:
        """Show the address to open by hand, and how to reach it from another machine."""
        notice = self._context.output.notice
        notice(f"Open this page to sign in: {url}", whole=True, url=url)
        if self._context.env.get("SSH_CONNECTION"):
            tunnel = f"ssh -L {port}:{host}:{port} THIS-MACHINE"
            notice(f"From your own computer first run: {tunnel}", needed=True)
        if self._can_paste:
            words = "Or sign in anywhere, and paste the address of the last page here."
            notice(words, needed=True)

    def read_pasted(self) -> Callable[[], str | None] | None:
        """Return a function that reads a pasted line if there is one; `None` = nobody can paste."""
        return self._read_line if self._can_paste else None

    @property
    def _can_paste(self) -> bool:
        """Whether a person can paste: Windows waits for the terminal or the browser, not both."""
        is_free = self._context.output.terminal.stdin_tty  # it may hold a secret instead
        return self._context.ask.can_ask and is_free and os.name != "nt"

    def show_device(self, verification_uri: str, user_code: str, complete: str | None) -> None:
        """Show the address and the code for signing in on another device."""
        output = self._context.output
        output.notice(
            f"On any device open {verification_uri} and enter the code {user_code}.",
            whole=True,
            verification_uri=verification_uri,
            user_code=user_code,
            verification_uri_complete=complete,
        )

    def say(self, text: str) -> None:
        """Show a sentence during the sign-in."""
        self._context.output.notice(text)

    def open_page(self, url: str) -> bool:
        """Open a page; return whether that could be done."""
        if self._browser is not None:
            return _run_browser(self._context, self._browser, url)
        browse = self._context.browse or (webbrowser.open if self._automatic else None)
        return browse is not None and browse(url)

    def _read_line(self) -> str | None:
        """Return the line that was typed or pasted; `None` = there is none yet."""
        ready, _, _ = select.select([self._context.stdin], [], [], 0)
        return self._context.stdin.readline() if ready else None


def open_shown_link(
    context: AppContext, link: str, browser: str | None, *, no_browser: bool, by_hand: str
) -> None:
    """Open a link that was shown: by the command given, or for a person who reads a terminal.

    Only what is known is said: a command may still fail to show it. `by_hand` says what to do where
    nothing opens.
    """
    output = context.output
    is_read = context.ask.can_ask and output.is_for_person and output.terminal.stdout_tty
    if browser is None and (no_browser or not is_read):
        return
    prompter = TerminalPrompter(context, browser=browser, automatic=True)
    opened = prompter.open_page(link)
    if browser is None:
        output.notice("Opened in your browser." if opened else by_hand, needed=not opened)
    elif opened:
        output.notice(f"The link was given to '{browser}'.")
    else:
        output.warning(f"'{browser}' failed. {by_hand}")


def _run_browser(context: AppContext, command: str, url: str) -> bool:
    """Run a browser's command; return whether it is still running or has succeeded.

    Raises: InvalidUsage if it can't be run.
    """
    try:
        argv = shlex.split(command)
    except ValueError as error:
        raise InvalidUsage(f"--browser '{command}' is not a command: {error}.") from error
    if not argv:
        raise InvalidUsage("--browser needs a command that is not empty.")
    try:
        process = start_program(
            context,
            [*argv, url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        raise InvalidUsage(f"--browser '{command}' can't be run: {error.strerror}.") from error
    with suppress(subprocess.TimeoutExpired):
        return process.wait(FAILURE_PATIENCE) == 0
    return True
