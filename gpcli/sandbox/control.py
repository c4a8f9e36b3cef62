"""Controls of a running portal, from another process (`sandbox env`, `reset`, `advance`).

Standard library only: these commands must start fast and need none of the portal's extras.
"""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gpcli.sandbox.answered import Answered
from gpcli.sandbox.cards import PersonCard, Ward

_TIMEOUT = 30.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ControlError(Exception):
    """The portal can't be reached, or refused; the message says which and why."""


class ControlRefused(ControlError):
    """The portal was reached and does not do what it was asked."""


@dataclass(frozen=True)
class Token:
    """An access token that somebody would have got by signing in, and whom it is for."""

    access_token: str
    patient: str
    fhir_user: str
    expires_at: datetime
    scopes: tuple[str, ...]


class Control:
    """A running portal's controls: `url` as in `Sandbox.url`, `token` its control token.

    Every method raises ControlError.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token

    def people(self) -> list[PersonCard]:
        """Who can sign in."""
        return [_card(each) for each in self._ask("GET", "people")["people"]]

    def token(self, person: str, acting_for: str | None = None) -> Token:
        """An access token of eight hours for a person, or for somebody they act for."""
        answer = self._ask("POST", "token", {"person": person, "acting_for": acting_for})
        return Token(
            answer["access_token"],
            answer["patient"],
            answer["fhir_user"],
            datetime.fromisoformat(answer["expires_at"]),
            tuple(answer["scopes"]),
        )

    def reset(self) -> None:
        """Put records, clock and delay back as they were at the start. Tokens stay good."""
        self._ask("POST", "reset", {})

    def advance(self, step: timedelta) -> datetime:
        """Move the portal's clock by `step`, and return its new present."""
        return self._moved({"advance_seconds": step.total_seconds()})

    def set_clock(self, instant: datetime) -> datetime:
        """Make `instant` (aware) the portal's present, and return it."""
        return self._moved({"now": instant.isoformat()})

    def set_delay(self, delay: timedelta) -> None:
        """Let the surgery take `delay` to answer what comes from now on."""
        self._ask("POST", "delay", {"seconds": delay.total_seconds()})

    def answer(
        self, reference_or_id: str | None = None, *, decline: bool = False, text: str | None = None
    ) -> list[Answered]:
        """Let the surgery answer now what waits: all of it, or one by its id.

        `decline` says no, `text` are its words. ControlRefused if nothing of that id waits.
        """
        asked = {"wanted": reference_or_id, "decline": decline, "text": text}
        return [Answered(**each) for each in self._ask("POST", "answer", asked)["answered"]]

    def _moved(self, change: dict[str, Any]) -> datetime:
        return datetime.fromisoformat(self._ask("POST", "clock", change)["now"])

    def _ask(self, method: str, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - only ever http to loopback
            f"{self._url}/control/{what}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
            },
        )
        try:
            with _DIRECT.open(request, timeout=_TIMEOUT) as answer:
                return _decoded(answer.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise ControlRefused(_reason(refusal)) from None
        except (OSError, ValueError) as trouble:
            raise ControlError(f"no sandbox answers at {self._url}: {trouble}") from trouble


def _decoded(body: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(body)
    return answer


def _reason(refusal: urllib.error.HTTPError) -> str:
    try:
        return str(_decoded(refusal.read())["error"])
    except (ValueError, KeyError, TypeError):
        return f"the sandbox answered {refusal.code}"


def _card(written: dict[str, Any]) -> PersonCard:
    wards = tuple(Ward(**ward) for ward in written.pop("acts_for"))
    return PersonCard(**written, acts_for=wards)
