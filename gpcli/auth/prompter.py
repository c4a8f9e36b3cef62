"""The interface through which a sign-in speaks to the person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Prompter(Protocol):
    """Shows a sign-in to the person, and reads what they paste."""

    def open_browser(self, url: str) -> bool:
        """Open `url` in the browser; return False if that can't be done."""
        ...

    def show_url(self, url: str, port: int, host: str) -> None:
        """Show `url`, and how to reach `port` of `host` on this machine from another one."""
        ...

    def read_pasted(self) -> Callable[[], str | None] | None:
        """Return a function that polls for a pasted URL, or None if nobody can paste.

        The function never blocks, and returns None as long as there is nothing.
        """
        ...

    def show_device(self, verification_uri: str, user_code: str, complete: str | None) -> None:
        """Show the page and the code to type there; `complete` is a URL that includes the code."""
        ...

    def say(self, text: str) -> None:
        """Show one sentence while the sign-in goes on."""
        ...
