"""What faults do to a request before the portal gets it.

Each effect returns a deed, which is done if the rule is drawn; None = it does nothing here.
"""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from werkzeug.wrappers import Response

from gpcli.sandbox.faults.exchange import Exchange, Target, relative_path
from gpcli.sandbox.faults.rules import FaultSpec
from gpcli.sandbox.fhir.elements import Resource, all_references, id_of
from gpcli.sandbox.fhir.held_times import release_slot
from gpcli.sandbox.fhir.http_messages import build_error_response
from gpcli.sandbox.fhir.operation_outcome import FhirError
from gpcli.sandbox.smart.authorization_server import SmartServer
from gpcli.sandbox.smart.grant_store import Approval
from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery.appointment_answers import store_slot_status

Deed = Callable[[], None]

HTML = b"""<!DOCTYPE html><html lang="en"><title>Welcome</title>
<h1>Welcome to the guest network</h1><p>Please accept the terms to continue.</p></html>"""
_ISSUE_CODES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    409: "conflict",
    410: "deleted",
    412: "conflict",
    422: "business-rule",
    429: "throttled",
}
_OAUTH_ERRORS = {400: "invalid_grant", 401: "invalid_client", 403: "access_denied"}
_SERVER_ERRORS = 500
_OPEN_TOKEN_LIFE = timedelta(minutes=1)


class FaultyPortal(Protocol):
    """The portal, as faults reach into it."""

    @property
    def store(self) -> Store:
        """The resource store."""

    @property
    def smart(self) -> SmartServer:
        """The authorization server."""

    def pause(self, length: timedelta) -> None:
        """Wait.

        Raises:
            ConnectionLost: The portal stops.
        """

    def do_later(self, exchange: Exchange, delay: timedelta) -> None:
        """Carry out a request when the portal's clock is `delay` further."""


@dataclass(frozen=True)
class Case:
    """A rule that matches a target of a request."""

    portal: FaultyPortal
    exchange: Exchange
    target: Target
    spec: FaultSpec


def _delay(case: Case) -> Deed:
    return lambda: case.portal.pause(case.spec.length)


def _lose_request(case: Case) -> Deed:
    return partial(setattr, case.exchange, "is_lost", True)


def _answer_instead(case: Case) -> Deed:
    return partial(setattr, case.exchange, "answer", _build_error(case))


def _build_error(case: Case) -> Response:
    """Return the answer with the status of the rule, in the words of the endpoint."""
    error = _fhir_error(case)
    _, is_fhir = relative_path(case.exchange.request.path)
    if is_fhir:
        return build_error_response(error)
    is_server = error.status >= _SERVER_ERRORS
    word = _OAUTH_ERRORS.get(error.status, "server_error" if is_server else "invalid_request")
    document = {"error": word, "error_description": error.text}
    body = json.dumps(document)
    return Response(body, error.status, error.headers, content_type="application/json")


def _fhir_error(case: Case) -> FhirError:
    status, options = case.spec.number, case.spec.options
    default = "transient" if status >= _SERVER_ERRORS else "processing"
    headers = {"Retry-After": options["retry-after"]} if "retry-after" in options else {}
    return FhirError(
        status,
        _ISSUE_CODES.get(status, default),
        f"The portal answers {status}, as a rule for faults wants it.",
        reason=options.get("problem", ""),
        headers=headers,
    )


def _answer_html(case: Case) -> Deed:
    return partial(setattr, case.exchange, "answer", Response(HTML, mimetype="text/html"))


def _refuse(case: Case) -> Deed:
    position, bundle = case.target.position, case.exchange.bundle
    if position is None or bundle is None or bundle.get("type") != "batch":
        return _answer_instead(case)
    return lambda: case.exchange.refused.update({position: _fhir_error(case)})


def _expire_token(case: Case) -> Deed | None:
    grants, token = case.portal.smart.grants, case.exchange.bearer_token
    if grants.find_access_rights(token) is None:
        return None
    return lambda: grants.revoke_token(token)


def _revoke_session(case: Case) -> Deed | None:
    grants = case.portal.smart.grants
    token = case.exchange.bearer_token or case.exchange.request.form.get("refresh_token", "")
    if grants.find_token(token) is None:
        return None
    return lambda: grants.revoke_session(token)


def _accept_any_token(case: Case) -> Deed | None:
    _, is_fhir = relative_path(case.exchange.request.path)
    if (
        not is_fhir
        or case.portal.smart.grants.find_access_rights(case.exchange.bearer_token) is not None
    ):
        return None

    def accept() -> None:
        grants = case.portal.smart.grants
        everything = Approval("fault", "", "", "", "system/*.cruds", grants.now())
        case.exchange.token = secrets.token_urlsafe(36)
        grants.store_access_token(case.exchange.token, everything, _OPEN_TOKEN_LIFE)

    return accept


def _take_slot(case: Case) -> Deed | None:
    return _set_slots(case, from_free=True, status="busy")


def _give_slot_again(case: Case) -> Deed | None:
    return _set_slots(case, from_free=False, status="free")


def _set_slots(case: Case, *, from_free: bool, status: str) -> Deed | None:
    """Change the Slots that are to be booked; only those that are free, or those that are not."""
    store = case.portal.store
    wanted = [
        reference
        for reference in _booked_slots(case)
        if ((store.get("Slot", id_of(reference)) or {}).get("status") == "free") is from_free
        and store.get("Slot", id_of(reference)) is not None
    ]
    if not wanted:
        return None

    def change() -> None:
        for reference in wanted:
            store_slot_status(store, reference, status)
            release_slot(store, reference)
            _forget_version(case.exchange, reference, is_kept=from_free)

    return change


def _forget_version(exchange: Exchange, reference: str, *, is_kept: bool) -> None:
    """Drop `ifMatch` of an update of this Slot, so that a taken one can be taken again."""
    for target in exchange.targets:
        if target.path == reference and not is_kept:
            target.conditions.pop("ifMatch", None)


def _booked_slots(case: Case) -> list[str]:
    """Return the references of the Slots that the target books, each once."""
    if case.target.interaction == "update":
        named = [case.target.path]
    else:
        base = f"{case.portal.smart.fhir_base()}/"
        references = all_references(case.target.resource)
        named = [str(each["reference"]).removeprefix(base) for each in references]
    return list(dict.fromkeys(each for each in named if each.startswith("Slot/")))


def _ignore_parameter(case: Case) -> Deed | None:
    kept = [
        (name, value)
        for name, value in case.target.query
        if name.partition(":")[0] != case.spec.value
    ]
    is_same = kept == case.target.query
    return None if is_same else partial(setattr, case.target, "query", kept)


def _ignore_condition(condition: str) -> Callable[[Case], Deed | None]:
    def effect(case: Case) -> Deed | None:
        if condition not in case.target.conditions:
            return None
        return partial(case.target.conditions.__delitem__, condition)

    return effect


def _lose_identifier(case: Case) -> Deed | None:
    if case.target.interaction not in ("create", "operation"):
        return None
    changed = deepcopy(case.target.resource)
    found = [each for each in _created_resources(changed) if "identifier" in each]
    for each in found:
        del each["identifier"]
    return partial(setattr, case.target, "resource", changed) if found else None


def _created_resources(resource: Any) -> Iterator[Resource]:
    """Yield the resource, or those among the Parameters of an operation."""
    if not isinstance(resource, dict):
        return
    yield resource
    for parameter in resource.get("parameter", ()):
        if isinstance(parameter, dict) and isinstance(parameter.get("resource"), dict):
            yield parameter["resource"]


def _leave_unsaved(case: Case) -> Deed:
    return partial(setattr, case.exchange, "is_unsaved", True)


def _commit_late(case: Case) -> Deed:
    def postpone() -> None:
        case.portal.do_later(case.exchange, case.spec.length)
        case.exchange.is_lost = True

    return postpone


REQUEST_EFFECTS: Mapping[str, Callable[[Case], Deed | None]] = {
    "delay": _delay,
    "lost-request": _lose_request,
    "status": _answer_instead,
    "html": _answer_html,
    "refuse": _refuse,
    "expired-token": _expire_token,
    "revoked-session": _revoke_session,
    "any-token": _accept_any_token,
    "slot-taken": _take_slot,
    "double-booking": _give_slot_again,
    "ignored-parameter": _ignore_parameter,
    "ignored-if-none-exist": _ignore_condition("ifNoneExist"),
    "ignored-if-match": _ignore_condition("ifMatch"),
    "lost-identifier": _lose_identifier,
    "unsaved": _leave_unsaved,
    "late-commit": _commit_late,
}
"""By the name of the kind."""
