"""How a sign-in speaks to the person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Prompter(Protocol):
    """The person's side of a sign-in."""

    def open_browser(self, url: str) -> bool:
        """Open `url` in their browser; False if that can't be done."""
        ...

    def show_url(self, url: str, port: int, host: str) -> None:
        """Show `url`, and how to reach `port` of `host`, on this machine, from another."""
        ...

    def read_pasted(self) -> Callable[[], str | None] | None:
        """A poll for a pasted callback URL that never blocks; None if nobody can paste."""
        ...

    def show_device(self, verification_uri: str, user_code: str, complete: str | None) -> None:
        """Show where to type which code; `complete` is an address that holds the code."""
        ...

    def say(self, text: str) -> None:
        """Say one sentence while the sign-in goes on."""
        ...
