"""Scenes: a computer by its variables, and a portal by its answers."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest

from gpcli.app_context import AppContext
from gpcli.auth.vault import MemoryVault
from gpcli.cli.troubleshoot_command import _door, _person
from gpcli.config.options import Options
from gpcli.troubleshoot.check_context import CheckContext

NOW = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
MACHINE = {
    "GPCLI_PORTAL": "https://portal.example/fhir/R4",
    "GPCLI_ENVIRONMENT": "staging",
    "GPCLI_TOKEN": "canary",
    "GPCLI_PATIENT": "ada-7",
}


@pytest.fixture
def context(tmp_path):
    """`scene(answer, platform, **variables)`; without `answer` nothing may be asked."""
    opened = []

    def made(
        answer: Callable[[httpx.Request], httpx.Response] | None = None,
        platform: str = "linux",
        **variables: str,
    ) -> CheckContext:
        env = {"GPCLI_CONFIG_DIR": str(tmp_path), "PATH": "/usr/bin:/bin", **variables}
        session = AppContext(
            Options(no_input=True),
            env,
            *(io.StringIO() for _ in range(3)),
            now=lambda: NOW,
            vault=MemoryVault(),
            transport=httpx.MockTransport(answer or forbidden),
        )
        opened.append(session)
        return CheckContext(
            session,
            choose_person=lambda: _person(session),
            open_client=lambda spent: _door(session, spent),
            variables=("GPCLI_PROFILE", "GPCLI_PORTAL"),
            platform=platform,
        )

    yield made
    for session in opened:
        session.close()


def forbidden(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"{request.url} was asked for")
