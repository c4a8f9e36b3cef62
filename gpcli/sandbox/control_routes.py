"""The server's side of the controls: `/control/...`, JSON, with the control token as Bearer."""

import secrets
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Protocol

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from gpcli.sandbox.answered import Answered, NothingWaits
from gpcli.sandbox.cards import PersonCard, UnknownPerson
from gpcli.sandbox.control import Token


class Controlled(Protocol):
    """What can be controlled: a running portal."""

    def people(self) -> tuple[PersonCard, ...]:
        """Who can sign in."""

    def token_for(self, person: str, acting_for: str | None = None) -> Token:
        """A token for a person. Raises UnknownPerson."""

    def reset(self) -> None:
        """Begin again."""

    def advance(self, step: timedelta) -> datetime:
        """Move the clock, and return the new present."""

    def set_clock(self, instant: datetime) -> datetime:
        """Set the clock, and return the new present."""

    def set_delay(self, delay: timedelta) -> None:
        """Set how long the surgery takes to answer."""

    def answer(
        self, reference_or_id: str | None = None, *, decline: bool = False, text: str | None = None
    ) -> list[Answered]:
        """Let the surgery answer what waits. Raises NothingWaits."""


Answer = dict[str, Any]


def control_blueprint(portal: Controlled, control_token: str) -> Blueprint:
    """The routes that control `portal` for whoever holds `control_token`."""
    routes = Blueprint("control", __name__)
    routes.before_request(lambda: _refuse_strangers(control_token))
    for what, (method, answer) in _ROUTES.items():
        routes.add_url_rule(f"/{what}", what, _speaking_json(portal, answer), methods=[method])
    return routes


def _refuse_strangers(control_token: str) -> tuple[Response, int] | None:
    shown = request.headers.get("Authorization", "")
    if secrets.compare_digest(shown.encode(), f"Bearer {control_token}".encode()):
        return None
    return jsonify(error="the control token is missing or wrong"), 401


def _speaking_json(
    portal: Controlled, answer: Callable[[Controlled, Answer], Answer]
) -> Callable[[], Any]:
    def view() -> Any:
        try:
            asked = request.get_json() if request.method == "POST" else {}
            return jsonify(answer(portal, asked))
        except (UnknownPerson, NothingWaits) as unknown:
            return jsonify(error=str(unknown)), 404
        except HTTPException as refusal:
            return jsonify(error=refusal.description), refusal.code
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as wrong:
            return jsonify(error=f"the request can't be understood: {wrong!r}"), 400

    return view


def _people(portal: Controlled, asked: Answer) -> Answer:
    return {"people": [asdict(card) for card in portal.people()]}


def _token(portal: Controlled, asked: Answer) -> Answer:
    token = portal.token_for(asked["person"], asked.get("acting_for"))
    return {**asdict(token), "expires_at": token.expires_at.isoformat()}


def _reset(portal: Controlled, asked: Answer) -> Answer:
    portal.reset()
    return {}


def _clock(portal: Controlled, asked: Answer) -> Answer:
    if "advance_seconds" in asked:
        present = portal.advance(timedelta(seconds=asked["advance_seconds"]))
    else:
        present = portal.set_clock(_aware(asked["now"]))
    return {"now": present.isoformat()}


def _delay(portal: Controlled, asked: Answer) -> Answer:
    delay = timedelta(seconds=asked["seconds"])
    if delay < timedelta():
        raise ValueError("a delay can't be negative")
    portal.set_delay(delay)
    return {}


def _answer(portal: Controlled, asked: Answer) -> Answer:
    wanted, text = asked.get("wanted"), asked.get("text")
    if not all(each is None or (isinstance(each, str) and each.strip()) for each in (wanted, text)):
        raise ValueError("wanted and text are texts with something in them")
    answers = portal.answer(wanted, decline=asked.get("decline") is True, text=text)
    return {"answered": [asdict(each) for each in answers]}


def _aware(written: str) -> datetime:
    instant = datetime.fromisoformat(written)
    if instant.tzinfo is None:
        raise ValueError("a time without a zone")
    return instant


_ROUTES: dict[str, tuple[str, Callable[[Controlled, Answer], Answer]]] = {
    "people": ("GET", _people),
    "token": ("POST", _token),
    "reset": ("POST", _reset),
    "clock": ("POST", _clock),
    "delay": ("POST", _delay),
    "answer": ("POST", _answer),
}
