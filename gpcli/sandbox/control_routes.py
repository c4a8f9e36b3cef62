"""Serve the control interface: `/control/...`, JSON, with the control token as Bearer token."""

import secrets
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Protocol

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from gpcli.sandbox.accounts import Account, UnknownPerson
from gpcli.sandbox.control import AccessToken
from gpcli.sandbox.faults.book import FaultRule, UnknownFaultRule
from gpcli.sandbox.faults.rules import InvalidRule
from gpcli.sandbox.surgery.answer import AnsweredRequest, NothingPending


class ControllablePortal(Protocol):
    """A running portal, as the control interface sees it."""

    def people(self) -> tuple[Account, ...]:
        """Return the accounts that can sign in."""

    def issue_token(self, person: str, acting_for: str | None = None) -> AccessToken:
        """Issue an access token for a person.

        Raises:
            UnknownPerson: There is no such account or dependant.
        """

    def reset(self) -> None:
        """Restore the initial state."""

    def advance(self, step: timedelta) -> datetime:
        """Move the clock by `step`, and return the new time."""

    def set_clock(self, instant: datetime) -> datetime:
        """Set the clock to `instant`, and return the new time."""

    def set_delay(self, delay: timedelta) -> None:
        """Set how long the surgery takes to answer."""

    def answer(
        self, reference_or_id: str | None = None, *, decline: bool = False, text: str | None = None
    ) -> list[AnsweredRequest]:
        """Let the surgery answer pending requests.

        Raises:
            NothingPending: Nothing matches `reference_or_id`.
        """

    @property
    def faults(self) -> list[FaultRule]:
        """The fault rules in force."""

    def add_fault(self, rule: str) -> FaultRule:
        """Put a fault rule in force.

        Raises:
            InvalidRule: The text is none.
        """

    def clear_faults(self, fault_id: str | None = None) -> list[FaultRule]:
        """Take fault rules out of force, and return them.

        Raises:
            UnknownFaultRule: No rule has this id.
        """


Json = dict[str, Any]
MAX_DELAY = timedelta(days=99_999)
"""The longest delay of the surgery's answers, so that they still are on the calendar."""


def control_blueprint(portal: ControllablePortal, control_token: str) -> Blueprint:
    """Return the routes that control `portal` for holders of `control_token`."""
    routes = Blueprint("control", __name__)
    routes.before_request(lambda: _require_control_token(control_token))
    for (method, path), handler in ROUTES.items():
        name = f"{method} {path}"
        routes.add_url_rule(f"/{path}", name, _json_view(portal, handler), methods=[method])
    return routes


def _require_control_token(control_token: str) -> tuple[Response, int] | None:
    authorization = request.headers.get("Authorization", "")
    if secrets.compare_digest(authorization.encode(), f"Bearer {control_token}".encode()):
        return None
    return jsonify(error="the control token is missing or wrong"), 401


def _json_view(
    portal: ControllablePortal, handler: Callable[[ControllablePortal, Json], Json]
) -> Callable[[], Any]:
    def view(**named: str) -> Any:
        try:
            body = request.get_json() if request.method == "POST" else named
            return jsonify(handler(portal, body))
        except InvalidRule as error:
            return jsonify(error=str(error)), 400
        except (UnknownPerson, NothingPending, UnknownFaultRule) as error:
            return jsonify(error=str(error)), 404
        except HTTPException as refusal:
            return jsonify(error=refusal.description), refusal.code
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            return jsonify(error=f"the request can't be understood: {error!r}"), 400

    return view


def _get_people(portal: ControllablePortal, body: Json) -> Json:
    return {"people": [asdict(account) for account in portal.people()]}


def _post_token(portal: ControllablePortal, body: Json) -> Json:
    token = portal.issue_token(body["person"], body.get("acting_for"))
    return {**asdict(token), "expires_at": token.expires_at.isoformat()}


def _post_reset(portal: ControllablePortal, body: Json) -> Json:
    portal.reset()
    return {}


def _post_clock(portal: ControllablePortal, body: Json) -> Json:
    if "advance_seconds" in body:
        now = portal.advance(_parse_seconds(body["advance_seconds"]))
    else:
        now = portal.set_clock(_parse_aware(body["now"]))
    return {"now": now.isoformat()}


def _post_delay(portal: ControllablePortal, body: Json) -> Json:
    delay = _parse_seconds(body["seconds"])
    if not timedelta() <= delay <= MAX_DELAY:
        raise ValueError("a delay can't be negative, or over 99,999 days")
    portal.set_delay(delay)
    return {}


def _post_answer(portal: ControllablePortal, body: Json) -> Json:
    reference_or_id, text = body.get("wanted"), body.get("text")
    if not all(
        each is None or (isinstance(each, str) and each.strip()) for each in (reference_or_id, text)
    ):
        raise ValueError("wanted and text are texts with something in them")
    answers = portal.answer(reference_or_id, decline=body.get("decline") is True, text=text)
    return {"answered": [asdict(each) for each in answers]}


def _get_faults(portal: ControllablePortal, body: Json) -> Json:
    return {"faults": [asdict(each) for each in portal.faults]}


def _post_fault(portal: ControllablePortal, body: Json) -> Json:
    return asdict(portal.add_fault(_require_text(body["rule"])))


def _delete_faults(portal: ControllablePortal, body: Json) -> Json:
    return {"cleared": [asdict(each) for each in portal.clear_faults(body.get("fault_id"))]}


def _require_text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a rule is a text")
    return value


def _parse_seconds(seconds: Any) -> timedelta:
    if type(seconds) not in (int, float):
        raise TypeError("seconds are a number")
    return timedelta(seconds=seconds)


def _parse_aware(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None or not text.isascii():
        raise ValueError("a time without a zone")
    return instant


ROUTES: dict[tuple[str, str], Callable[[ControllablePortal, Json], Json]] = {
    ("GET", "people"): _get_people,
    ("POST", "token"): _post_token,
    ("POST", "reset"): _post_reset,
    ("POST", "clock"): _post_clock,
    ("POST", "delay"): _post_delay,
    ("POST", "answer"): _post_answer,
    ("GET", "faults"): _get_faults,
    ("POST", "faults"): _post_fault,
    ("DELETE", "faults"): _delete_faults,
    ("DELETE", "faults/<path:fault_id>"): _delete_faults,
}
"""What is done, by method and path below `/control/`. Source: docs/sandbox.md, the control API."""
