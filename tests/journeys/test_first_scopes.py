"""Portals that know scopes of the first version alone: `.read` and `.write`."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpcli.config.profiles import SCOPES
from gpcli.sandbox.server import Sandbox
from tests.journeys.shell import Shell


def profile(home: Path, portal: Sandbox, scopes: str = SCOPES) -> None:
    (home / "config.toml").write_text(
        f'[profiles.first]\nportal = "{portal.fhir_base}"\nenvironment = "sandbox"\n'
        f'scopes_version = "1"\nscopes = "{scopes}"\n',
        encoding="utf-8",
    )


def offered(shell: Shell) -> dict[str, str]:
    return {one["service"]: one["status"] for one in shell.json("gpcli services")}


def test_everything_that_gpcli_uses_is_granted_in_words(shell, live, tmp_path):
    profile(tmp_path, live)

    summary = shell.json("gpcli login --hint ada")

    [kept] = shell.vault._items.values()
    assert "patient/Task.read patient/Task.write" in kept.scope
    assert {scope.rpartition(".")[2] for scope in kept.scope.split() if "/" in scope} == {
        "read",
        "write",
        "launch/patient",
    }
    assert (len(summary["offered"]), summary["renews"]) == (7, True)


def test_what_was_granted_in_words_can_be_done(shell, live, tmp_path):
    profile(tmp_path, live)
    shell("gpcli login --hint ada")

    booked = shell.json("gpcli book --first --another --yes")

    assert live.store.get("Appointment", booked["id"]) is not None


@pytest.mark.parametrize(
    ("scopes", "open_services"),
    [
        ("patient/*.rs", set()),
        ("patient/*.rs patient/Communication.cu", {"contact", "e-consultation"}),
        ("patient/*.cruds", None),
        ("patient/*.*", None),
    ],
)
def test_what_was_granted_in_words_decides_what_is_offered(
    shell, live, tmp_path, scopes, open_services
):
    profile(tmp_path, live, f"openid fhirUser launch/patient offline_access {scopes}")
    shell("gpcli login --hint ada")

    states = offered(shell)

    possible = {service for service, status in states.items() if status != "not_permitted"}
    assert possible == (set(states) if open_services is None else open_services)
