"""A shell script, as a process: it finds gpcli, a token and the portal in its variables."""

import subprocess
from pathlib import Path

import pytest

from gpcli.testing import GpcliRun, GpcliSandbox

SCRIPT = Path(__file__).parents[1] / "renew_low.sh"


def run(sandbox: GpcliSandbox) -> tuple[int, str]:
    """Exit code and output of the script, for whom the test's marker names."""
    ended = subprocess.run([SCRIPT], env=sandbox.env(), stdout=subprocess.PIPE, text=True)
    return ended.returncode, ended.stdout.strip()


def test_what_runs_low_is_asked_for(gpcli_sandbox: GpcliSandbox, gpcli_run: GpcliRun) -> None:
    code, said = run(gpcli_sandbox)

    assert (code, said.splitlines()[0]) == (0, "Asked for: Amlodipine 5 mg")
    requests = gpcli_run("rx", "requests").json
    assert "Amlodipine 5 mg" in [each["prescription"] for each in requests]


def test_a_second_run_asks_for_nothing_twice(
    gpcli_sandbox: GpcliSandbox, gpcli_run: GpcliRun
) -> None:
    run(gpcli_sandbox)
    before = gpcli_run("rx", "requests").json

    assert run(gpcli_sandbox)[0] == 0
    assert gpcli_run("rx", "requests").json == before


@pytest.mark.gpcli_person("bo")
def test_a_gp_who_does_not_renew_online(gpcli_sandbox: GpcliSandbox) -> None:
    assert run(gpcli_sandbox) == (5, "Not online at this GP: call the surgery")


def test_a_token_that_is_no_longer_good(gpcli_sandbox: GpcliSandbox) -> None:
    gpcli_sandbox.fault("* *: revoked-session")

    assert run(gpcli_sandbox) == (4, "Sign in again: gpcli login")


def test_what_may_have_been_sent_is_in_the_outbox(
    gpcli_sandbox: GpcliSandbox, gpcli_run: GpcliRun
) -> None:
    gpcli_sandbox.fault("POST Task: status=500")

    assert run(gpcli_sandbox) == (10, "It may have been sent: gpcli outbox settle")

    assert gpcli_sandbox.unused_faults == []
    assert gpcli_run("outbox", "list").json != []
