"""Serve the SMART endpoints: metadata, token endpoints and sign-in pages."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError
from flask import Blueprint, g, jsonify, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from gpcli.sandbox.accounts import Account
from gpcli.sandbox.smart.authorization_server import SmartServer
from gpcli.sandbox.smart.clients import (
    ASSERTION_ALGORITHMS,
    CLIENT_CREDENTIALS,
    GRANT_TYPES,
    PRIVATE_KEY_JWT,
)
from gpcli.sandbox.smart.grant_types import SIGNING_ALGORITHM
from gpcli.sandbox.smart.scopes import IDENTITY_SCOPES, OFFLINE_ACCESS, SCOPE_CATEGORIES
from gpcli.sandbox.smart.sign_in import SignIn

CAPABILITIES = (
    "launch-standalone",
    "client-public",
    "client-confidential-asymmetric",
    "context-standalone-patient",
    "permission-patient",
    "permission-v1",
    "permission-v2",
    "permission-offline",
    "sso-openid-connect",
    "authorize-post",
)
_TYPES = sorted({name for category in SCOPE_CATEGORIES for name in category.types})
_PERMISSIONS = ("r", "rs", "crus", "cruds", "read", "write")
SUPPORTED_SCOPES = (
    *IDENTITY_SCOPES,
    OFFLINE_ACCESS,
    *(f"patient/{name}.{permission}" for name in _TYPES for permission in _PERMISSIONS),
    *(f"system/{name}.{permission}" for name in _TYPES for permission in _PERMISSIONS),
    "patient/*.rs",
    "patient/*.cruds",
    "patient/*.read",
    "patient/*.write",
    "system/*.rs",
    "system/*.cruds",
    "system/*.read",
    "system/*.write",
)
_STYLE = Markup(  # noqa: S704 - our own file
    (Path(__file__).parent / "pages" / "style.css").read_text(encoding="utf-8")
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def oauth_uris(issuer: str) -> dict[str, str]:
    """Return the OAuth endpoints, by their names in the CapabilityStatement."""
    return {
        "authorize": f"{issuer}/authorize",
        "token": f"{issuer}/token",
        "revoke": f"{issuer}/revoke",
    }


def smart_configuration(issuer: str) -> dict[str, Any]:
    """Return the document at `.well-known/smart-configuration` and `openid-configuration`.

    Source: SMART App Launch 2.2 section 7; RFC 8414.
    """
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks",
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "revocation_endpoint": f"{issuer}/revoke",
        "device_authorization_endpoint": f"{issuer}/device_authorization",
        "grant_types_supported": [*GRANT_TYPES, CLIENT_CREDENTIALS],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "scopes_supported": list(SUPPORTED_SCOPES),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", PRIVATE_KEY_JWT],
        "token_endpoint_auth_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": ["none"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [SIGNING_ALGORITHM],
        "acr_values_supported": ["idporten-loa-high"],
        "authorization_response_iss_parameter_supported": True,
        "capabilities": list(CAPABILITIES),
    }


def smart_blueprint(
    server: SmartServer,
    accounts: Callable[[], Sequence[Account]],
    *,
    auto_sign_in: bool = False,
) -> Blueprint:
    """Return the SMART routes: metadata, endpoints for apps, pages for people."""
    routes = Blueprint("smart", __name__, template_folder="pages")
    _add_metadata(routes, server)
    _add_endpoints(routes, server)
    _add_pages(routes, SignIn(server, accounts, auto_sign_in=auto_sign_in), accounts)
    return routes


def _add_metadata(routes: Blueprint, server: SmartServer) -> None:
    def metadata() -> Response:
        return _cacheable_response(smart_configuration(server.issuer()))

    def jwks() -> Response:
        return _cacheable_response(server.keys.as_dict(private=False))

    routes.add_url_rule("/fhir/R4/.well-known/smart-configuration", "smart", metadata)
    routes.add_url_rule("/.well-known/smart-configuration", "smart_root", metadata)
    routes.add_url_rule("/.well-known/openid-configuration", "openid", metadata)
    routes.add_url_rule("/jwks", "jwks", jwks)


def _cacheable_response(document: Any) -> Response:
    response = jsonify(document)
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.add_etag()
    return response.make_conditional(request)


def _add_endpoints(routes: Blueprint, server: SmartServer) -> None:
    def token() -> Response:
        if "grant_type" not in request.form:
            error_response: Response = server.handle_error_response(
                None, InvalidRequestError("Missing 'grant_type' in request.")
            )
            return error_response
        response: Response = server.create_token_response()
        return response

    def revoke() -> Response:
        response: Response = server.create_endpoint_response("revocation")
        return response

    def device_authorization() -> Response:
        response: Response = server.create_endpoint_response("device_authorization")
        return response

    routes.add_url_rule("/token", "token", token, methods=["POST"])
    routes.add_url_rule("/revoke", "revoke", revoke, methods=["POST"])
    routes.add_url_rule(
        "/device_authorization", "device_authorization", device_authorization, methods=["POST"]
    )


def _add_pages(
    routes: Blueprint, sign_in: SignIn, accounts: Callable[[], Sequence[Account]]
) -> None:
    def index() -> str:
        return render_template("index.html", accounts=accounts())

    routes.add_url_rule("/", "index", index)
    routes.add_url_rule("/authorize", "authorize", sign_in.authorize, methods=["GET", "POST"])
    routes.add_url_rule("/device", "device", sign_in.device, methods=["GET", "POST"])
    routes.add_url_rule("/sign-in", "sign_in", sign_in.submit, methods=["POST"])
    routes.app_context_processor(lambda: {"style": _STYLE})
    routes.after_request(_add_page_headers)


def _add_page_headers(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Content-Security-Policy"] = _content_security_policy(
        g.get("form_action_source", "")
    )
    return response


def _content_security_policy(form_action_source: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src 'sha256-{_STYLE_HASH}'",
            f"form-action 'self' {form_action_source}".rstrip(),
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )
