"""Serve the FHIR endpoint as a Flask blueprint.

Source: FHIR R4, http.html.
"""

import sqlite3
from collections.abc import Callable, Mapping

from flask import Blueprint, Request, Response, current_app, request
from werkzeug.exceptions import HTTPException

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.fhir.capability_statement import capability_statement
from gpcli.sandbox.fhir.dispatch import InteractionRequest, perform_bundle, perform_interaction
from gpcli.sandbox.fhir.http_messages import (
    build_binary_response,
    build_error_response,
    build_response,
    decode_body,
    is_raw_binary_requested,
    parse_query_string,
    read_conditions,
    read_preference,
    require_form_body,
    require_json_accepted,
    require_json_body,
)
from gpcli.sandbox.fhir.interactions import InteractionResult
from gpcli.sandbox.fhir.operation_outcome import FhirError
from gpcli.sandbox.fhir.request_context import (
    AccessRights,
    FindAccessRights,
    RequestContext,
    ServerContext,
)
from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery.simulator import SurgerySimulator

MAX_BODY_BYTES = 16_000_000
"""The largest request body in bytes: a message with its attachments in base64."""

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_WITH_BODY = ("POST", "PUT")
_RETURNED_IN_FULL = ("/_search", "/$book", "/$find", "/$hold")
"""Paths of POST requests to which `Prefer: return` does not apply."""
_HTTP_CODES = {413: "too-long", 500: "exception"}


def fhir_blueprint(
    *,
    store: Store,
    clock: Clock,
    find_access_rights: FindAccessRights,
    surgery: SurgerySimulator,
    fhir_base: Callable[[], str],
    oauth_uris: Callable[[], Mapping[str, str]] = dict,
    booking: str = "post",
) -> Blueprint:
    """Return the FHIR endpoint, to be mounted at `fhir_base()` (no trailing slash).

    `oauth_uris` returns the OAuth endpoints by their names in the CapabilityStatement. `booking` is
    one of `request_context.BOOKING_MODES`. All but `metadata` answers 401 without a token.
    """
    server = ServerContext(store, clock, surgery, fhir_base, booking)
    endpoint = Blueprint("fhir", __name__)

    @endpoint.before_request
    def answer_due() -> None:
        request.max_content_length = MAX_BODY_BYTES
        surgery.answer_due()

    @endpoint.get("/metadata")
    def metadata() -> Response:
        require_json_accepted(request, parse_query_string(request.query_string))
        statement = capability_statement(fhir_base(), clock.now(), oauth_uris(), booking)
        return build_response(InteractionResult(200, statement), fhir_base())

    @endpoint.route("/", defaults={"path": ""}, methods=_METHODS, strict_slashes=False)
    @endpoint.route("/<path:path>", methods=_METHODS)
    def interact(path: str) -> Response:
        rights = _authenticate(request, find_access_rights)
        return _respond(RequestContext(server, rights, _is_handling_strict()), path.rstrip("/"))

    endpoint.after_request(_echo_request_id)
    endpoint.register_error_handler(FhirError, build_error_response)
    endpoint.register_error_handler(HTTPException, _http_error_response)
    endpoint.register_error_handler(sqlite3.OperationalError, _busy_response)
    return endpoint


def _is_handling_strict() -> bool:
    return read_preference(request, "handling") == "strict"


def _authenticate(request_: Request, find_access_rights: FindAccessRights) -> AccessRights:
    scheme, _, token = request_.headers.get("Authorization", "").partition(" ")
    if scheme.casefold() != "bearer" or not token.strip():
        raise _unauthorized("Bearer")
    rights = find_access_rights(token.strip())
    if rights is None:
        raise _unauthorized('Bearer error="invalid_token"')
    return rights


def _unauthorized(challenge: str) -> FhirError:
    text = "You are not signed in, or no longer. Please sign in."
    return FhirError(401, "login", text, headers={"WWW-Authenticate": challenge})


def _respond(context: RequestContext, path: str) -> Response:
    query = parse_query_string(request.query_string)
    if is_raw_binary_requested(request, path, query):
        return build_binary_response(
            perform_interaction(context, _interaction_request(path, query))
        )
    require_json_accepted(request, query)
    return_preference = read_preference(request, "return")
    if not path and request.method == "POST":
        require_json_body(request)
        response_bundle = perform_bundle(
            context, decode_body(request.get_data(), "Bundle"), return_preference
        )
        return build_response(InteractionResult(200, response_bundle), context.base)
    result = perform_interaction(context, _interaction_request(path, query))
    is_write = request.method in _WITH_BODY and not path.endswith(_RETURNED_IN_FULL)
    return build_response(result, context.base, return_preference if is_write else "")


def _interaction_request(path: str, query: list[tuple[str, str]]) -> InteractionRequest:
    conditions = read_conditions(request)
    if request.method not in _WITH_BODY:
        return InteractionRequest(request.method, path, query, conditions=conditions)
    if path.endswith("/_search"):
        require_form_body(request)
        return InteractionRequest(
            request.method, path, query + parse_query_string(request.get_data())
        )
    require_json_body(request)
    return InteractionRequest(
        request.method, path, query, decode_body(request.get_data()), conditions
    )


def _echo_request_id(response: Response) -> Response:
    if "X-Request-ID" in request.headers:
        response.headers["X-Request-ID"] = request.headers["X-Request-ID"]
    return response


def _http_error_response(error: HTTPException) -> Response:
    status = error.code or 500
    text = error.description or "The request can't be carried out."
    return build_error_response(FhirError(status, _HTTP_CODES.get(status, "processing"), text))


def _busy_response(error: sqlite3.OperationalError) -> Response:
    current_app.logger.error("the portal's record can't be used")
    text = "The portal is busy. Please try again."
    return build_error_response(FhirError(503, "transient", text, headers={"Retry-After": "1"}))
