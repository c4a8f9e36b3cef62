"""The addresses of the SMART side."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError
from flask import Blueprint, g, jsonify, render_template, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from gpcli.sandbox.cards import PersonCard
from gpcli.sandbox.smart.metadata import configuration
from gpcli.sandbox.smart.provider import SmartServer
from gpcli.sandbox.smart.signin import SignIn

STYLE = Markup(  # noqa: S704 - our own file
    (Path(__file__).parent / "pages" / "style.css").read_text(encoding="utf-8")
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
SAFETY_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def smart_blueprint(
    server: SmartServer,
    cards: Callable[[], Sequence[PersonCard]],
    *,
    auto_sign_in: bool = False,
) -> Blueprint:
    """Every route of the SMART side: metadata, endpoints for apps, pages for people."""
    routes = Blueprint("smart", __name__, template_folder="pages")
    _add_metadata(routes, server)
    _add_endpoints(routes, server)
    _add_pages(routes, SignIn(server, cards, auto_sign_in=auto_sign_in), cards)
    return routes


def _add_metadata(routes: Blueprint, server: SmartServer) -> None:
    def metadata() -> Response:
        return _cacheable(configuration(server.issuer()))

    def jwks() -> Response:
        return _cacheable(server.keys.as_dict(private=False))

    routes.add_url_rule("/fhir/R4/.well-known/smart-configuration", "smart", metadata)
    routes.add_url_rule("/.well-known/smart-configuration", "smart_root", metadata)
    routes.add_url_rule("/.well-known/openid-configuration", "openid", metadata)
    routes.add_url_rule("/jwks", "jwks", jwks)


def _cacheable(document: Any) -> Response:
    response = jsonify(document)
    response.headers["Cache-Control"] = "public, max-age=3600"
    response.add_etag()
    return response.make_conditional(request)


def _add_endpoints(routes: Blueprint, server: SmartServer) -> None:
    def token() -> Response:
        if "grant_type" not in request.form:
            refusal: Response = server.handle_error_response(
                None, InvalidRequestError("Missing 'grant_type' in request.")
            )
            return refusal
        answer: Response = server.create_token_response()
        return answer

    def revoke() -> Response:
        answer: Response = server.create_endpoint_response("revocation")
        return answer

    def device_authorization() -> Response:
        answer: Response = server.create_endpoint_response("device_authorization")
        return answer

    routes.add_url_rule("/token", "token", token, methods=["POST"])
    routes.add_url_rule("/revoke", "revoke", revoke, methods=["POST"])
    routes.add_url_rule(
        "/device_authorization", "device_authorization", device_authorization, methods=["POST"]
    )


def _add_pages(
    routes: Blueprint, sign_in: SignIn, cards: Callable[[], Sequence[PersonCard]]
) -> None:
    def index() -> str:
        return render_template("index.html", cards=cards())

    routes.add_url_rule("/", "index", index)
    routes.add_url_rule("/authorize", "authorize", sign_in.authorize, methods=["GET", "POST"])
    routes.add_url_rule("/device", "device", sign_in.device, methods=["GET", "POST"])
    routes.add_url_rule("/sign-in", "sign_in", sign_in.step, methods=["POST"])
    routes.app_context_processor(lambda: {"style": STYLE})
    routes.after_request(_protect)


def _protect(response: Response) -> Response:
    response.headers.extend(SAFETY_HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Content-Security-Policy"] = _policy(g.get("form_target", ""))
    return response


def _policy(form_target: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src 'sha256-{_STYLE_HASH}'",
            f"form-action 'self' {form_target}".rstrip(),
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )
