"""What proves or protects a connection is refused where it is empty, before the portal is asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

NOBODY = "https://127.0.0.1:1/fhir"
"""Where nobody listens: asking there ends with 6."""


@dataclass(frozen=True)
class Place:
    """Where an empty text can stand: in a file that the profile or a variable names, in a variable
    itself, or on standard input."""

    error: str
    line: str = "gpcli login"
    key: str | None = None
    file_variable: str | None = None
    variable: str | None = None
    env: dict[str, str] = field(default_factory=dict)


MACHINE = {"GPCLI_PORTAL": NOBODY, "GPCLI_PATIENT": "p1"}
PLACES = {
    "key_file": Place("config", "gpcli gp", "key_file", env={"GPCLI_PATIENT": "p1"}),
    "ca_file": Place("config", key="ca_file"),
    "SSL_CERT_FILE": Place("config", file_variable="SSL_CERT_FILE"),
    "--client-secret-stdin": Place("usage", "gpcli login --client-secret-stdin"),
    "secret of a new profile": Place(
        "usage", f"gpcli profile add y {NOBODY} --environment staging --client-secret-stdin"
    ),
    "GPCLI_TOKEN": Place("config", "gpcli gp", variable="GPCLI_TOKEN", env=MACHINE),
    "GPCLI_TOKEN_COMMAND": Place("config", "gpcli gp", variable="GPCLI_TOKEN_COMMAND", env=MACHINE),
}


@pytest.mark.parametrize("empty", ["", "\n", " \n"], ids=["empty", "line end", "blank"])
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_an_empty_key_secret_or_certificate_is_refused(shell, tmp_path, place, empty):
    named = tmp_path / "named"
    named.write_text(empty)
    named.chmod(0o600)
    key = f'{place.key} = "{named}"\n' if place.key else ""
    (tmp_path / "config.toml").write_text(
        f'[profiles.x]\nportal = "{NOBODY}"\nenvironment = "staging"\n{key}'
    )
    variables = {place.file_variable: str(named), place.variable: empty, **place.env}
    env = {name: text for name, text in variables.items() if name}

    ending = replace(shell.with_env(**env), typing=empty)(f"{place.line} --json")

    assert ending.refused == (2, place.error, "")
    assert shell.vault._secrets == {}
