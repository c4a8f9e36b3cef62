"""Check contexts: a computer by its variables, and a portal by its answers."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest

from gpcli.app_context import AppContext
from gpcli.auth.vault import MemoryVault
from gpcli.cli.troubleshoot_command import _choose_person, _open_client
from gpcli.config.settings import Options
from gpcli.troubleshoot.diagnosis import CheckContext

NOW = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
MACHINE = {
    "GPCLI_PORTAL": "https://portal.example/fhir/R4",
    "GPCLI_ENVIRONMENT": "staging",
    "GPCLI_TOKEN": "canary",
    "GPCLI_PATIENT": "ada-7",
}


@pytest.fixture
def context(tmp_path):
    """`context(answer, platform, **variables)`; without `answer` nothing may be asked."""
    opened = []

    def build(
        answer: Callable[[httpx.Request], httpx.Response] | None = None,
        platform: str = "linux",
        **variables: str,
    ) -> CheckContext:
        env = {"GPCLI_CONFIG_DIR": str(tmp_path), "PATH": "/usr/bin:/bin", **variables}
        app_context = AppContext(
            Options(no_input=True),
            env,
            *(io.StringIO() for _ in range(3)),
            now=lambda: NOW,
            vault=MemoryVault(),
            transport=httpx.MockTransport(answer or forbidden),
        )
        opened.append(app_context)
        return CheckContext(
            app_context,
            choose_person=lambda: _choose_person(app_context),
            open_client=lambda spent: _open_client(app_context, spent),
            variables=("GPCLI_PROFILE", "GPCLI_PORTAL"),
            platform=platform,
        )

    yield build
    for app_context in opened:
        app_context.close()


def forbidden(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.url} was asked for")
