"""A machine at oidc-provider, which is certified, and a token command that is a shell script."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import ECKey, RSAKey

from gpcli.sandbox.server import Sandbox
from tests.contract.places import Place, Provider, medplum_behind
from tests.contract.programs import node

ROOT = Path(__file__).parents[2]
KEYS = {
    "ES384": ECKey.generate_key("P-384", {"kid": "night", "use": "sig"}, private=True),
    "RS384": RSAKey.generate_key(2048, {"kid": "day", "use": "sig"}, private=True),
}
STRANGER = ECKey.generate_key("P-384", {"kid": "night"}, private=True)
SCRIPT = """\
#!/bin/sh
# prints the token of the moment
echo run >> "$HOME/runs"
[ -z "$GPCLI_TOKEN" ] || exit 9
cat "$HOME/token"
echo new-token-follows >&2
cat "$HOME/next" > "$HOME/token"
"""


@dataclass(frozen=True)
class Ran:
    """How a process of gpcli ended."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> dict[str, str]:
        return json.loads(self.err.splitlines()[-1])["error"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Medplum's router, behind a gateway for machines that oidc-provider lets in."""
    jwks = tmp_path_factory.mktemp("keys") / "jwks.json"
    known = [key.as_dict(private=False) for key in KEYS.values()]
    jwks.write_text(json.dumps({"keys": known}), encoding="utf-8")
    with node("machines.mjs", str(jwks)) as program:
        provider = Provider(program.wait_for(r"^(http://127\.0\.0\.1:\d+)"), program)
        with medplum_behind(provider, "machines") as found:
            yield found


@pytest.fixture
def gpcli(tmp_path: Path) -> Callable[..., Ran]:
    """`gpcli("services", GPCLI_PATIENT="7")` runs a process whose configuration is `tmp_path`."""

    def run(*words: str, **env: str) -> Ran:
        given = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "error",
            "GPCLI_CONFIG_DIR": str(tmp_path),
        }
        done = subprocess.run(
            [sys.executable, "-m", "gpcli", *words],
            env=given | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


def let_in(home: Path, base: str, key: ECKey | RSAKey, client: str = "night-job") -> None:
    """Write a profile, and the key that it names."""
    path = home / "machine.jwk"
    path.write_text(json.dumps(key.as_dict(private=True)), encoding="utf-8")
    path.chmod(0o600)
    (home / "config.toml").write_text(
        f'[profiles.night]\nportal = "{base}"\nenvironment = "sandbox"\n'
        f'client_id = "{client}"\nkey_file = "machine.jwk"\n',
        encoding="utf-8",
    )


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_machine_reads_and_writes_with_tokens_of_a_certified_provider(
    place, gpcli, tmp_path, algorithm
):
    patient = place.somebody()
    let_in(tmp_path, place.base, KEYS[algorithm])

    ran = {
        line: gpcli(*line.split(), "--json", GPCLI_PATIENT=patient.id)
        for line in (
            "services",
            "gp",
            "whoami",
            "appointments list",
            "messages list",
            "rx list",
            f"rx renew rx-used-up-{patient.number} --yes",
        )
    }

    assert {line: one.code for line, one in ran.items()} == dict.fromkeys(ran, 0), ran
    assert json.loads(ran["whoami"].out)["machine"] == "night-job"
    kept = b"".join(each.read_bytes() for each in tmp_path.rglob("*") if each.is_file())
    assert b"eyJ" not in kept  # how each token of the provider begins


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_token_that_ends_in_the_middle_of_a_command_is_replaced_and_nothing_is_sent_twice(
    place, gpcli, tmp_path, after
):
    patient = place.somebody()
    let_in(tmp_path, place.base, KEYS["ES384"])
    renewal = ("rx", "renew", f"rx-used-up-{patient.number}", "--yes")
    httpx.post(place.base.replace("/fhir", f"/spend/{after}"), trust_env=False)

    ran = gpcli(*renewal, "--json", "--debug", GPCLI_PATIENT=patient.id)

    assert ran.code == 0, ran
    asked = [line for line in ran.err.splitlines() if '"POST /token 200' in line]
    refused = [line for line in ran.err.splitlines() if " 401 " in line]
    assert (len(refused), len(asked)) == (1, 2), ran.err
    made = gpcli("rx", "requests", "--json", GPCLI_PATIENT=patient.id)
    assert len(json.loads(made.out)) == 2  # with the one that everybody has from the start


@pytest.mark.parametrize(
    ("key", "client"), [(STRANGER, "night-job"), (KEYS["ES384"], "somebody-else")]
)
def test_a_machine_that_the_provider_does_not_know_is_told_what_to_check(
    place, gpcli, tmp_path, key, client
):
    let_in(tmp_path, place.base, key, client)

    ran = gpcli("services", "--json", GPCLI_PATIENT="any")

    assert (ran.code, ran.out, ran.error["code"]) == (4, "", "sign_in_refused")
    assert ran.error["message"] == (
        "The portal did not let this machine in (invalid_client): client authentication failed."
    )
    assert "public key" in ran.error["hint"]


def test_a_shell_script_gives_the_token_and_runs_again_when_it_is_refused(gpcli, tmp_path):
    script = tmp_path / "token.sh"
    script.write_text(SCRIPT, encoding="utf-8")
    script.chmod(0o700)
    with Sandbox() as sandbox:
        token = sandbox.issue_token("ada").access_token
        (tmp_path / "token").write_text("one-that-has-ended\n", encoding="utf-8")
        (tmp_path / "next").write_text(f"{token}\n", encoding="utf-8")
        env = {
            "GPCLI_PORTAL": sandbox.fhir_base,
            "GPCLI_ENVIRONMENT": "sandbox",
            "GPCLI_PATIENT": "ada",
            "GPCLI_TOKEN_COMMAND": f"'{script}'",
        }

        ran = gpcli("services", "--json", "--debug", **env)

        assert ran.code == 0, ran
        assert (tmp_path / "runs").read_text().splitlines() == ["run", "run"]
        assert token not in ran.out + ran.err
        assert "new-token-follows" not in ran.err


def test_the_sandbox_lets_a_machine_in_that_it_was_given(gpcli, tmp_path):
    """As `gpcli help sandbox` shows it, with one file at both ends."""
    key = tmp_path / "machine.jwk"
    key.write_text(json.dumps(KEYS["ES384"].as_dict(private=True)), encoding="utf-8")
    with Sandbox(machine=key) as sandbox:
        let_in(tmp_path, sandbox.fhir_base, KEYS["ES384"], "my-machine")

        ran = gpcli("slots", "--limit", "1", "--json", GPCLI_PATIENT="ada")

        assert ran.code == 0, ran
        refused = httpx.get(f"{sandbox.fhir_base}/Patient/ada", trust_env=False)
        assert refused.status_code == 401
