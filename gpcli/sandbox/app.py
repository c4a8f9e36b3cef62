"""The portal as one WSGI application: FHIR, SMART and the controls, for this machine only."""

import re
from collections.abc import Mapping

from flask import Blueprint, Flask, abort, request

_OUR_HOST = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?", re.IGNORECASE)
LARGEST_BODY = 32 * 1024 * 1024
"""Bytes of the largest request that is read."""


def create_app(blueprints: Mapping[str, Blueprint]) -> Flask:
    """The application made of `blueprints`, each by the path that it is under.

    It answers only to a loopback name. Any other `Host` is refused with 403: it is how a web
    site would reach this server by pointing its own name at 127.0.0.1 (DNS rebinding).
    """
    app = Flask("gpcli.sandbox", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined] # Flask's default provider has it
    app.before_request(_refuse_other_hosts)
    for path, blueprint in blueprints.items():
        app.register_blueprint(blueprint, url_prefix=path)
    return app


def _refuse_other_hosts() -> None:
    if not _OUR_HOST.fullmatch(request.headers.get("Host", "")):
        abort(403, "This server answers only to 127.0.0.1, localhost and [::1].")
