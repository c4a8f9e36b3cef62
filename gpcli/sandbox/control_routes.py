"""Serve the control interface: `/control/...`, JSON, with the control token as Bearer token."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any, NamedTuple, Protocol

from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from gpcli.sandbox.accounts import Account, UnknownPerson
from gpcli.sandbox.control import AccessToken
from gpcli.sandbox.faults.book import FaultRule, UnknownFaultRule
from gpcli.sandbox.faults.rules import InvalidRule
from gpcli.sandbox.surgery.answer import AnsweredRequest, NothingPending
from gpcli.sandbox.time_limits import InvalidTime


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
        """Move the clock by `step`, and return the new time.

        Raises:
            InvalidTime: It is too near the ends of the calendar.
        """

    def set_clock(self, instant: datetime) -> datetime:
        """Set the clock to `instant`, and return the new time.

        Raises:
            InvalidTime: It has no zone, or is too near the ends of the calendar.
        """

    def set_delay(self, delay: timedelta) -> None:
        """Set how long the surgery takes to answer.

        Raises:
            InvalidTime: It is negative, or too long.
        """

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
PREFIX = "/control"
"""Where the interface is, from the root of the portal's port."""


class Member(NamedTuple):
    """What a member of a body may be: `is_good` tells, in words it is `meaning`."""

    meaning: str
    is_good: Callable[[Any], bool]
    is_needed: bool = False


class Route(NamedTuple):
    """What a route does, and the members of the body that it takes."""

    handle: Callable[[ControllablePortal, Json], Json]
    members: Mapping[str, Member] = {}


def control_blueprint(portal: ControllablePortal, control_token: str) -> Blueprint:
    """Return the routes that control `portal` for holders of `control_token`.

    Every error below PREFIX is JSON, also that of a path that is no route.
    """
    routes = Blueprint("control", __name__)
    routes.before_request(lambda: _require_control_token(control_token))
    routes.app_errorhandler(HTTPException)(_word_error)
    for (method, path), route in ROUTES.items():
        name = f"{method} {path}"
        routes.add_url_rule(f"/{path}", name, _json_view(portal, route), methods=[method])
    return routes


def _require_control_token(control_token: str) -> None:
    authorization = request.headers.get("Authorization", "")
    if not secrets.compare_digest(authorization.encode(), f"Bearer {control_token}".encode()):
        abort(401, "the control token is missing or wrong")


def _word_error(error: HTTPException) -> Response | HTTPException:
    """Return an error as JSON if it is about this interface; else as it is."""
    if f"{request.path}/".startswith(f"{PREFIX}/"):
        answer = Response(json.dumps({"error": error.description}), error.code)
        answer.headers.extend(
            (name, value) for name, value in error.get_headers() if name == "Allow"
        )
        answer.content_type = "application/json"
        return answer
    return error


def _json_view(portal: ControllablePortal, route: Route) -> Callable[[], Any]:
    def view(**named: str) -> Any:
        body = _read_body(route.members) if request.method == "POST" else named
        try:
            return jsonify(route.handle(portal, body))
        except (InvalidRule, InvalidTime) as error:
            abort(400, str(error))
        except (UnknownPerson, NothingPending, UnknownFaultRule) as error:
            abort(404, str(error))

    return view


def _read_body(members: Mapping[str, Member]) -> Json:
    """Return the body of the request; refuse it if a member is wrong, missing or unknown."""
    if not request.is_json:
        abort(415, "send JSON, with the header Content-Type: application/json")
    try:
        body = json.loads(request.get_data())
    except (ValueError, RecursionError):
        abort(400, "the body is not JSON")
    if not isinstance(body, dict):
        abort(400, f"the body must be a JSON object, not {_word_kind(body)}")
    for name, member in members.items():
        if name not in body and member.is_needed:
            abort(400, f'"{name}" is missing: {member.meaning}')
    for name, value in body.items():
        _check_member(name, value, members)
    return body


def _check_member(name: str, value: Any, members: Mapping[str, Member]) -> None:
    if name not in members:
        close = get_close_matches(name, members, 1)
        known = f'did you mean "{close[0]}"?' if close else f"there is: {_list_names(members)}"
        abort(400, f'"{name}" is no member of this body; {known}')
    if not members[name].is_good(value):
        abort(400, f'"{name}" must be {members[name].meaning}, not {_word_kind(value)}')


def _list_names(members: Mapping[str, Member]) -> str:
    return ", ".join(f'"{each}"' for each in members) or "none"


def _word_kind(value: Any) -> str:
    """Return what a JSON value is; a short one as it is written."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    written = json.dumps(value)
    return written if len(written) <= _MOST_SHOWN else "a text so long"


def _is_wording(value: Any) -> bool:
    return value is None or (isinstance(value, str) and bool(value.strip()))


def _is_seconds(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= _MOST_SECONDS


def _is_instant(value: Any) -> bool:
    try:
        return isinstance(value, str) and value.isascii() and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _get_people(portal: ControllablePortal, body: Json) -> Json:
    return {"people": [asdict(account) for account in portal.people()]}


def _post_token(portal: ControllablePortal, body: Json) -> Json:
    token = portal.issue_token(body["person"], body.get("acting_for"))
    return {**asdict(token), "expires_at": token.expires_at.isoformat()}


def _post_reset(portal: ControllablePortal, body: Json) -> Json:
    portal.reset()
    return {}


def _post_clock(portal: ControllablePortal, body: Json) -> Json:
    if len(body) != 1:
        abort(400, 'give one of "advance_seconds" and "now"')
    if "now" in body:
        return {"now": portal.set_clock(datetime.fromisoformat(body["now"])).isoformat()}
    step = timedelta(seconds=body["advance_seconds"])
    return {"now": portal.advance(step).isoformat()}


def _post_delay(portal: ControllablePortal, body: Json) -> Json:
    portal.set_delay(timedelta(seconds=body["seconds"]))
    return {}


def _post_answer(portal: ControllablePortal, body: Json) -> Json:
    answers = portal.answer(
        body.get("wanted"), decline=body.get("decline", False), text=body.get("text")
    )
    return {"answered": [asdict(each) for each in answers]}


def _get_faults(portal: ControllablePortal, body: Json) -> Json:
    return {"faults": [asdict(each) for each in portal.faults]}


def _post_fault(portal: ControllablePortal, body: Json) -> Json:
    return asdict(portal.add_fault(body["rule"]))


def _delete_faults(portal: ControllablePortal, body: Json) -> Json:
    return {"cleared": [asdict(each) for each in portal.clear_faults(body.get("fault_id"))]}


_MOST_SHOWN = 60
"""The most characters of a wrong value that an error repeats."""
_MOST_SECONDS = 10**12
"""More than the clock's whole range, and less than what Python's times can't hold."""
_NAME = Member("a text", lambda value: isinstance(value, str), is_needed=True)
_NAME_OR_NULL = Member("a text or null", lambda value: value is None or isinstance(value, str))
_WORDS = Member("a text with something in it, or null", _is_wording)
_YES_OR_NO = Member("true or false", lambda value: isinstance(value, bool))
_SECONDS = Member(f"a number of seconds, {_MOST_SECONDS:.0e} at most", _is_seconds)
_INSTANT = Member("a time such as 2027-03-01T09:00:00+01:00", _is_instant)

ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "people"): Route(_get_people),
    ("POST", "token"): Route(_post_token, {"person": _NAME, "acting_for": _NAME_OR_NULL}),
    ("POST", "reset"): Route(_post_reset),
    ("POST", "clock"): Route(_post_clock, {"advance_seconds": _SECONDS, "now": _INSTANT}),
    ("POST", "delay"): Route(_post_delay, {"seconds": _SECONDS._replace(is_needed=True)}),
    ("POST", "answer"): Route(
        _post_answer, {"wanted": _WORDS, "decline": _YES_OR_NO, "text": _WORDS}
    ),
    ("GET", "faults"): Route(_get_faults),
    ("POST", "faults"): Route(_post_fault, {"rule": _NAME}),
    ("DELETE", "faults"): Route(_delete_faults),
    ("DELETE", "faults/<path:fault_id>"): Route(_delete_faults),
}
"""What is done, by method and path below PREFIX. Source: docs/sandbox.md, the control API."""
