"""Control a running portal from another process (`sandbox env`, `reset`, `advance`).

Standard library only: these commands must start fast and need none of the portal's extras.
"""

import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from gpcli.sandbox.accounts import Account, Dependant
from gpcli.sandbox.faults.book import FaultRule
from gpcli.sandbox.surgery.answer import AnsweredRequest
from gpcli.sandbox.time_limits import check_delay, check_instant, check_step

_TIMEOUT_SECONDS = 30.0
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ControlError(Exception):
    """The portal can't be reached or refused the request; the message says why."""


class ControlTimeout(ControlError):
    """The portal's address takes connections, and no answer came in time."""


class ControlRefused(ControlError):
    """The portal was reached and refused the request, with an HTTP `status`."""

    def __init__(self, reason: str, status: int) -> None:
        self.status = status
        super().__init__(reason)


@dataclass(frozen=True)
class AccessToken:
    """An access token for a person, as if that person had signed in.

    `patient` is the logical id of the Patient in context; `expires_at` is aware.
    """

    access_token: str
    patient: str
    fhir_user: str
    expires_at: datetime
    scopes: tuple[str, ...]


class ControlClient:
    """A client of a running portal's control interface.

    `url` is `Sandbox.url`, `token` the control token; an answer may take `timeout` seconds. Every
    method raises ControlError; times are refused as by `Sandbox`, with InvalidTime or TypeError.
    """

    def __init__(self, url: str, token: str, *, timeout: float = _TIMEOUT_SECONDS) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._timeout = timeout

    def fetch_people(self) -> list[Account]:
        """Fetch the accounts that can sign in."""
        return [_decode_account(each) for each in self._send("GET", "people")["people"]]

    def fetch_token(self, person: str, acting_for: str | None = None) -> AccessToken:
        """Fetch an access token, valid for eight hours, for a person or their dependant."""
        answer = self._send("POST", "token", {"person": person, "acting_for": acting_for})
        return AccessToken(
            answer["access_token"],
            answer["patient"],
            answer["fhir_user"],
            datetime.fromisoformat(answer["expires_at"]),
            tuple(answer["scopes"]),
        )

    def reset(self) -> None:
        """Restore records, clock and delay to their initial state; tokens stay valid."""
        self._send("POST", "reset", {})

    def advance(self, step: timedelta) -> datetime:
        """Move the portal's clock by `step`, and return its new time."""
        return self._send_clock({"advance_seconds": check_step(step).total_seconds()})

    def set_clock(self, instant: datetime) -> datetime:
        """Set the portal's clock to `instant` (aware), and return its new time."""
        return self._send_clock({"now": check_instant(instant).isoformat()})

    def set_delay(self, delay: timedelta) -> None:
        """Set how long the surgery takes to answer new requests."""
        self._send("POST", "delay", {"seconds": check_delay(delay).total_seconds()})

    def answer(
        self, reference_or_id: str | None = None, *, decline: bool = False, text: str | None = None
    ) -> list[AnsweredRequest]:
        """Let the surgery answer pending requests now: all of them, or one by its id.

        `decline` makes the answer a refusal; `text` is its wording, None for the surgery's own.

        Raises:
            ControlRefused: Nothing with that id is pending.
        """
        body = {"wanted": reference_or_id, "decline": decline, "text": text}
        return [AnsweredRequest(**each) for each in self._send("POST", "answer", body)["answered"]]

    def add_fault(self, rule: str) -> FaultRule:
        """Put a fault rule in force.

        Raises:
            ControlRefused: The text is no rule.
        """
        return FaultRule(**self._send("POST", "faults", {"rule": rule}))

    def fetch_faults(self) -> list[FaultRule]:
        """Fetch the fault rules in force, with their counts."""
        return [FaultRule(**each) for each in self._send("GET", "faults")["faults"]]

    def clear_faults(self, fault_id: str | None = None) -> list[FaultRule]:
        """Take a fault rule out of force, or all of them; return those that were taken out.

        Raises:
            ControlRefused: No rule has this id.
        """
        path = "faults" if fault_id is None else f"faults/{quote(fault_id, safe='')}"
        return [FaultRule(**each) for each in self._send("DELETE", path)["cleared"]]

    def _send_clock(self, change: dict[str, Any]) -> datetime:
        return datetime.fromisoformat(self._send("POST", "clock", change)["now"])

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - only ever http to loopback
            f"{self._url}/control/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
            },
        )
        try:
            with _OPENER.open(request, timeout=self._timeout) as answer:
                return _decode_json(answer.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise ControlRefused(_refusal_reason(refusal), refusal.code) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            is_late = isinstance(getattr(error, "reason", error), TimeoutError)
            kind = ControlTimeout if is_late else ControlError
            raise kind(f"no sandbox answers at {self._url}: {error}") from error


def _decode_json(body: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(body)
    return answer


def _refusal_reason(refusal: urllib.error.HTTPError) -> str:
    try:
        return str(_decode_json(refusal.read())["error"])
    except (ValueError, KeyError, TypeError):
        return f"the sandbox answered {refusal.code}"


def _decode_account(body: dict[str, Any]) -> Account:
    dependants = tuple(Dependant(**dependant) for dependant in body.pop("acts_for"))
    return Account(**body, acts_for=dependants)
