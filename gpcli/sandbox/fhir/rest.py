"""The portal's FHIR endpoint as a Flask blueprint (FHIR R4, http.html)."""

import sqlite3
from collections.abc import Callable, Mapping

from flask import Blueprint, Request, Response, current_app, request
from werkzeug.exceptions import HTTPException

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.fhir import manners, raw
from gpcli.sandbox.fhir.access import Grant, GrantOf
from gpcli.sandbox.fhir.bundles import run_bundle
from gpcli.sandbox.fhir.capability import capability_statement
from gpcli.sandbox.fhir.decode import decode
from gpcli.sandbox.fhir.desk import Desk, Portal
from gpcli.sandbox.fhir.dispatch import Call, perform
from gpcli.sandbox.fhir.interactions import Answer
from gpcli.sandbox.fhir.outcome import Problem
from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery import SurgerySide

LARGEST_BODY = 16_000_000
"""The most bytes that a request body may have: a message with its attachments in base64."""

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_WITH_BODY = ("POST", "PUT")
_QUESTIONS = ("/_search", "/$book")
"""What is answered in full, whatever the client prefers to have returned of a write."""
_HTTP_CODES = {413: "too-long", 500: "exception"}


def fhir_blueprint(
    *,
    store: Store,
    clock: Clock,
    grant_of: GrantOf,
    surgery: SurgerySide,
    fhir_base: Callable[[], str],
    oauth_uris: Callable[[], Mapping[str, str]] = dict,
    booking: str = "post",
) -> Blueprint:
    """The FHIR endpoint, to be mounted where `fhir_base()` says (no slash at its end).

    `oauth_uris` names the endpoints for the CapabilityStatement's security extension: `authorize`,
    `token`, and `revoke`, `introspect`, `manage`, `register` if there are any; `booking` is one of
    `desk.WAYS_TO_BOOK`. Needs no token at `metadata`; all else is refused with 401 without one.
    """
    portal = Portal(store, clock, surgery, fhir_base, booking)
    endpoint = Blueprint("fhir", __name__)

    @endpoint.before_request
    def catch_up() -> None:
        request.max_content_length = LARGEST_BODY
        surgery.catch_up()

    @endpoint.get("/metadata")
    def metadata() -> Response:
        manners.require_json_accepted(request, manners.pairs(request.query_string))
        statement = capability_statement(fhir_base(), clock.now(), oauth_uris(), booking)
        return manners.respond(Answer(200, statement), fhir_base())

    @endpoint.route("/", defaults={"path": ""}, methods=_METHODS, strict_slashes=False)
    @endpoint.route("/<path:path>", methods=_METHODS)
    def interact(path: str) -> Response:
        return _interact(Desk(portal, _granted(request, grant_of), _is_strict()), path.rstrip("/"))

    endpoint.after_request(_echo_request_id)
    endpoint.register_error_handler(Problem, manners.refuse)
    endpoint.register_error_handler(HTTPException, _refuse_http)
    endpoint.register_error_handler(sqlite3.OperationalError, _refuse_busy)
    return endpoint


def _is_strict() -> bool:
    return manners.preference(request, "handling") == "strict"


def _granted(request_: Request, grant_of: GrantOf) -> Grant:
    scheme, _, token = request_.headers.get("Authorization", "").partition(" ")
    if scheme.casefold() != "bearer" or not token.strip():
        raise _sign_in("Bearer")
    grant = grant_of(token.strip())
    if grant is None:
        raise _sign_in('Bearer error="invalid_token"')
    return grant


def _sign_in(challenge: str) -> Problem:
    text = "You are not signed in, or no longer. Please sign in."
    return Problem(401, "login", text, headers={"WWW-Authenticate": challenge})


def _interact(desk: Desk, path: str) -> Response:
    query = manners.pairs(request.query_string)
    if raw.is_wanted(request, path, query):
        return raw.respond(perform(desk, _call(path, query)))
    manners.require_json_accepted(request, query)
    wanted = manners.preference(request, "return")
    if not path and request.method == "POST":
        manners.require_json_body(request)
        answered = run_bundle(desk, decode(request.get_data(), "Bundle"), wanted)
        return manners.respond(Answer(200, answered), desk.base)
    answer = perform(desk, _call(path, query))
    is_write = request.method in _WITH_BODY and not path.endswith(_QUESTIONS)
    return manners.respond(answer, desk.base, wanted if is_write else "")


def _call(path: str, query: list[tuple[str, str]]) -> Call:
    conditions = manners.conditions(request)
    if request.method not in _WITH_BODY:
        return Call(request.method, path, query, conditions=conditions)
    if path.endswith("/_search"):
        manners.require_form_body(request)
        return Call(request.method, path, query + manners.pairs(request.get_data()))
    manners.require_json_body(request)
    return Call(request.method, path, query, decode(request.get_data()), conditions)


def _echo_request_id(response: Response) -> Response:
    if "X-Request-ID" in request.headers:
        response.headers["X-Request-ID"] = request.headers["X-Request-ID"]
    return response


def _refuse_http(error: HTTPException) -> Response:
    status = error.code or 500
    text = error.description or "The request can't be carried out."
    return manners.refuse(Problem(status, _HTTP_CODES.get(status, "processing"), text))


def _refuse_busy(error: sqlite3.OperationalError) -> Response:
    current_app.logger.error("the portal's record can't be used")
    text = "The portal is busy. Please try again."
    return manners.refuse(Problem(503, "transient", text, headers={"Retry-After": "1"}))
