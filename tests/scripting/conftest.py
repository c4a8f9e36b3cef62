"""A portal for scripts, and people to connect as."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import gpcli
from gpcli.sandbox.server import Sandbox

Connect = Callable[..., AbstractContextManager[gpcli.PatientPortal]]


@pytest.fixture(scope="session")
def started() -> Iterator[Sandbox]:
    """Tests take `sandbox`, which is as it was at the start."""
    with Sandbox(seed=1) as running:
        yield running


@pytest.fixture
def sandbox(started: Sandbox) -> Iterator[Sandbox]:
    yield started
    started.reset()


@pytest.fixture
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of configuration and state; no variable of gpcli's is set but its name.

    It is no CI run.
    """
    monkeypatch.delenv("CI", raising=False)
    for name in ("PORTAL", "TOKEN", "PATIENT", "ENVIRONMENT", "FHIR_USER", "PROFILE", "AS"):
        monkeypatch.delenv(f"GPCLI_{name}", raising=False)
    monkeypatch.setenv("GPCLI_CONFIG_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def connect_as(sandbox: Sandbox, own_files: Path) -> Connect:
    """`connect_as("ada")` connects by arguments alone."""

    def connect(person: str, **others: Any) -> AbstractContextManager[gpcli.PatientPortal]:
        token = sandbox.issue_token(person)
        return gpcli.connect(
            url=sandbox.fhir_base,
            token=token.access_token,
            patient=token.patient,
            fhir_user=token.fhir_user,
            **({"environment": "sandbox"} | others),
        )

    return connect


@pytest.fixture
def ada(connect_as: Connect) -> Iterator[gpcli.PatientPortal]:
    with connect_as("ada") as portal:
        yield portal
