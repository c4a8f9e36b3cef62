"""The GitHub Action: its steps as GitHub's runner takes them, on a clean HOME."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
import yaml
from joserfc.jwk import ECKey, RSAKey

from gpcli.sandbox.server import Sandbox
from tests.journeys.process import minimal_env
from tests.journeys.test_smoke_writing import alive, wait_for_something_alive
from tests.real.action_runner import Job
from tests.real.building import ROOT

KEYS = {
    "EC": ECKey.generate_key("P-384", {"kid": "night", "use": "sig"}, private=True),
    "RSA": RSAKey.generate_key(2048, {"kid": "night", "use": "sig"}, private=True),
}
HOSTILE = "$(touch pwned) `touch pwned` '\"; touch pwned #\n::set-output name=x::y\nfailed=0"
FEW = {"checks": "patient,gp,threads"}


STEP = ROOT / ".github" / "action" / "smoke.py"


def step_env(place: Path, given: dict[str, str], **more: str) -> dict[str, str]:
    """The variables of the action's second step alone, with the gpcli of this environment."""
    inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    env = {
        f"GPCLI_INPUT_{name.upper().replace('-', '_')}": given.get(name, each.get("default"))
        for name, each in inputs.items()
    }
    runner = {"RUNNER_TEMP": str(place), "GITHUB_OUTPUT": str(place / "outputs")}
    return minimal_env(place, **env, **runner, **more)


@pytest.fixture
def job(start_job, tmp_path, runner_temp) -> Job:
    return start_job(tmp_path, runner_temp)


def read_everything(*places: Path) -> bytes:
    """All that a job left on its disk, apart from what was installed."""
    files = (path for place in places for path in place.rglob("*") if path.is_file())
    return b"".join(path.read_bytes() for path in files if "gpcli-venv" not in path.parts)


def read_junit(path: Path, name: str) -> list[Xml.Element]:
    return Xml.fromstring(path.read_bytes()).findall(f".//{name}")  # noqa: S314 - our own report


def annotations(ending) -> list[str]:
    """The errors that GitHub shows above a job's log and at its commit, as they read there."""
    told = re.findall("^::error title=gpcli smoke::(.*)$", ending.log, re.MULTILINE)
    return [text.replace("%0A", "\n").replace("%25", "%") for text in told]


def connect(sandbox: Sandbox) -> dict[str, str]:
    return {"portal": sandbox.fhir_base, "environment": "sandbox", "patient": "ada"}


def test_with_a_token_it_leaves_reports_a_summary_and_counts_and_no_token(job, action):
    with Sandbox() as sandbox:
        token = sandbox.issue_token("ada").access_token
        config = '[smoke]\nother_patient = "bo"\n'

        ending = job.use(
            action, {**connect(sandbox), "token": token, "config": config, "write": "reversible"}
        )

    assert ending.code == 0, ending.log
    report = json.loads((job.workspace / "gpcli-smoke.json").read_text())
    cases = read_junit(job.workspace / "gpcli-smoke.xml", "testcase")
    counted = {name: int(ending.outputs[name]) for name in ("passed", "failed", "skipped")}
    assert (report["profile"], report["write"], report["left"]) == ("smoke", "reversible", [])
    assert len(cases) == len(report["checks"]) == sum(counted.values())
    assert counted["failed"] == 0 < counted["passed"]
    assert "::error" not in ending.log
    assert ending.outputs["exit-code"] == "0"
    assert (ending.outputs["report"], ending.outputs["junit"]) == (
        "gpcli-smoke.json",
        "gpcli-smoke.xml",
    )
    assert "# gpcli smoke" in ending.summary
    assert "ok       patient: " in ending.log
    kept = read_everything(job.home, job.workspace, job.temporary)
    assert token not in ending.log
    assert token.encode() not in kept
    assert not (job.temporary / "gpcli-smoke").exists()


@pytest.mark.parametrize("form", ["JWK", "PEM"])
@pytest.mark.parametrize("kind", KEYS)
def test_with_backend_services_no_key_is_left_or_shown(job, action, tmp_path, kind, form):
    key = KEYS[kind]
    public = tmp_path / "public.jwk"
    public.write_text(json.dumps(key.as_dict(private=False)))
    secret = json.dumps(key.as_dict(private=True), indent=1)
    if form == "PEM":
        secret = key.as_pem(private=True).decode()
    with Sandbox(machine=public) as sandbox:
        client = {"client-id": "my-machine", "key": secret, "key-id": "night"}

        ending = job.use(action, {**connect(sandbox), **client, **FEW})

    assert ending.code == 0, ending.log
    assert ending.outputs["passed"] == "5"
    private = str(key.as_dict(private=True)["d"])
    kept = read_everything(job.home, job.workspace, job.temporary).decode(errors="replace")
    for hidden in (private, *(line for line in secret.splitlines() if len(line) > 20)):
        assert hidden not in ending.log
        assert hidden not in kept


def test_a_portal_that_fails_ends_the_step_with_11_and_has_a_report_and_what_is_new(job, action):
    with Sandbox() as sandbox:
        given = {**connect(sandbox), "token": sandbox.issue_token("ada").access_token, **FEW}
        before = job.use(action, {**given, "compare": "gpcli-smoke.json"})
        sandbox.add_fault("GET Communication: other-patient")

        ending = job.use(action, {**given, "compare": "gpcli-smoke.json", "junit": "a/b.xml"})

    assert before.code == 0, before.log
    assert "::notice title=gpcli smoke::There is no earlier report" in before.log
    assert (ending.code, ending.outputs["exit-code"]) == (11, "11"), ending.log
    assert (ending.outputs["failed"], ending.outputs["junit"]) == ("1", "a/b.xml")
    changes = json.loads((job.workspace / "gpcli-smoke.json").read_text())["changes"]
    assert changes == [{"check": "threads", "before": "ok", "now": "failed"}]
    [failure] = read_junit(job.workspace / "a" / "b.xml", "failure")
    assert failure.attrib["message"] in ending.log
    assert "threads" in ending.summary
    assert annotations(ending) == ["1 of 5 checks failed: threads."]


def test_a_portal_that_takes_no_token_ends_the_step_with_4_and_names_the_input(job, action):
    with Sandbox() as sandbox:
        ending = job.use(action, {**connect(sandbox), "token": "a-token-of-yesterday"})

    said = "The portal does not accept the token that is in the input token."
    assert (ending.code, ending.outputs["exit-code"]) == (4, "4"), ending.log
    assert "yesterday" not in ending.log
    assert annotations(ending) == [said]
    shown = [ending.log, ending.summary, *map(Path.read_text, job.workspace.glob("gpcli-smoke.*"))]
    assert len(shown) == 4
    assert all(said in each and "command prints" not in each for each in shown)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"environment": "test"}, "the input environment: 'test' is not one of"),
        ({"config": "[smoke]\nnope = 1"}, "the input config: smoke: 'nope' is not one of"),
        ({"parallel": "x%0Ay"}, "--parallel: 'x%0Ay' is not a whole number."),
        ({"token": "", "client-id": "x", "key": "{"}, "the input key is not a key"),
        ({"token": "", "token-command": "a '"}, "the input token-command is not a command"),
        ({"checks": "write"}, "--checks write: all of that writes"),
    ],
)
def test_what_gpcli_says_is_wrong_is_an_annotation_and_nothing_earlier_is_an_output(
    job, action, given, told
):
    (job.workspace / "gpcli-smoke.xml").write_text("of yesterday")
    (job.workspace / "gpcli-smoke.json").write_text("of yesterday")
    there = {"portal": "http://127.0.0.1:9/fhir", "environment": "sandbox", "patient": "ada"}

    ending = job.use(action, {**there, "token": "a-token-of-today", **given})

    assert (ending.code, ending.outputs["exit-code"]) == (2, "2"), ending.log
    [annotation] = annotations(ending)
    assert annotation.startswith(told)
    assert ending.outputs["report"] == ending.outputs["passed"] == ""
    assert (job.workspace / "gpcli-smoke.json").read_text() == ""
    assert "yesterday" not in (job.workspace / "gpcli-smoke.xml").read_text()


@pytest.mark.parametrize("name", ["junit", "report"])
@pytest.mark.parametrize("path", ["/proc/x/y", "taken/y", "", "."])
def test_a_report_that_cannot_be_written_is_said_by_its_input_before_anything_is_asked(
    job, action, name, path
):
    (job.workspace / "taken").touch()

    ending = job.use(action, {"sandbox": "ada", name: path})

    assert (ending.code, ending.outputs["exit-code"]) == (2, "2"), ending.log
    [annotation] = annotations(ending)
    assert annotation.startswith(f"{name}: a report can't be written to '{path}': ")


def test_two_reports_in_one_file_are_refused(job, action):
    ending = job.use(action, {"sandbox": "ada", "junit": "./x", "report": "x"})

    assert (ending.code, ending.outputs["exit-code"]) == (2, "2")
    assert annotations(ending) == [
        "junit and report name the same file: each needs one of its own."
    ]


@pytest.mark.parametrize("name", ["junit", "report"])
def test_a_disk_that_is_full_ends_a_run_that_passed_with_1_and_names_the_input(job, action, name):
    with Sandbox() as sandbox:
        token = sandbox.issue_token("ada").access_token

        ending = job.use(action, {**connect(sandbox), "token": token, **FEW, name: "/dev/full"})

    assert (ending.code, ending.outputs["exit-code"]) == (1, "1"), ending.log
    assert annotations(ending) == [
        f"{name}: a report can't be written to '/dev/full': No space left on device."
    ]


def test_a_summary_that_cannot_be_written_is_a_warning_that_names_its_variable(tmp_path):
    with Sandbox() as sandbox:
        given = {**connect(sandbox), "token": sandbox.issue_token("ada").access_token, **FEW}

        done = subprocess.run(
            [sys.executable, STEP],
            env=step_env(tmp_path, given, GITHUB_STEP_SUMMARY="/dev/full"),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stdout + done.stderr
    told = "GITHUB_STEP_SUMMARY: a report can't be written to '/dev/full': No space left on device."
    assert f"::warning title=gpcli smoke::{told}\n" in done.stdout


def test_an_empty_report_of_a_run_that_checked_nothing_is_not_compared_with(job, action):
    (job.workspace / "earlier.json").touch()
    with Sandbox() as sandbox:
        token = sandbox.issue_token("ada").access_token

        ending = job.use(
            action, {**connect(sandbox), "token": token, **FEW, "compare": "earlier.json"}
        )

    assert ending.code == 0, ending.log
    assert "::notice title=gpcli smoke::There is no earlier report" in ending.log


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("portal", 2),
        ("environment", 2),
        ("patient", 11),
        ("fhir-user", 0),
        ("token", 2),
        ("token-command", 2),
        ("config", 2),
        ("checks", 2),
        ("write", 2),
        ("expect", 2),
        ("wait-ready", 2),
        ("parallel", 2),
        ("compare", 0),
        ("junit", 0),
        ("report", 0),
    ],
)
def test_an_input_is_data_whatever_stands_in_it(job, action, name, code):
    with Sandbox() as sandbox:
        token = (
            {} if name == "token-command" else {"token": sandbox.issue_token("ada").access_token}
        )

        ending = job.use(action, {**connect(sandbox), **token, **FEW, name: HOSTILE})

    assert ending.code == code, ending.log
    assert ending.outputs["exit-code"] == str(code)
    assert ending.outputs["failed"] != "0" or code == 0
    assert not list(job.workspace.rglob("pwned"))
    if name in {"junit", "report"}:
        assert ending.outputs[name] == HOSTILE
        assert (job.workspace / HOSTILE).is_file()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, "Which portal? Give portal, or sandbox: ada"),
        ({"token": "x"}, "token is given without portal"),
        ({"portal": "https://x.example/", "patient": "1"}, "one of token, token-command, or key"),
        ({"portal": "https://x.example/", "token": "x"}, "portal needs patient"),
        ({"config": "a = 1"}, "config is given without portal"),
        ({"environment": "production"}, "environment is given without portal"),
        ({"sandbox": "ada", "config": "a = 1"}, "leave out config"),
        ({"sandbox": "ada", "environment": "staging"}, "leave out environment"),
        ({"sandbox": "ada", "key-id": "x"}, "leave out key-id"),
        (
            {"portal": "https://x.example/", "patient": "1", "token": "x", "key-id": "x"},
            "key-id is given without key",
        ),
        ({"portal": "https://x.example/", "patient": "1", "token": "x y"}, "token is no access"),
        (
            {"portal": "https://x.example/", "patient": "1", "key": "-----BEGIN", "client-id": "x"},
            "needs key-id",
        ),
        (
            {"portal": "https://x.example/", "patient": "1", "token": "x", "config": "portal = 1"},
            "config has portal, which is an input of its own",
        ),
    ],
)
def test_inputs_that_do_not_fit_together_end_with_2_and_say_what_to_give(
    job, action, given, reason
):
    ending = job.use(action, given)

    assert ending.code == 2
    assert reason in ending.log


def test_a_production_portal_is_refused_until_the_job_allows_it(job, action):
    given = {"portal": "https://127.0.0.1:9/fhir", "environment": "production", "patient": "1"}

    refused = job.use(action, {**given, "token": "a-token-of-somebody"})
    job.env["GPCLI_ALLOW_PRODUCTION"] = "smoke"
    allowed = job.use(action, {**given, "token": "a-token-of-somebody"})
    writing = job.use(action, {**given, "token": "a-token-of-somebody", "write": "reversible"})

    assert [each.code for each in (refused, allowed, writing)] == [5, 6, 5]


def test_the_variables_of_an_earlier_step_name_the_portal(job, action):
    with Sandbox() as sandbox:
        job.env |= {
            "GPCLI_PORTAL": sandbox.fhir_base,
            "GPCLI_ENVIRONMENT": "sandbox",
            "GPCLI_PATIENT": "ada",
            "GPCLI_TOKEN": sandbox.issue_token("ada").access_token,
        }

        ending = job.use(action, FEW)

    assert (ending.code, ending.outputs["passed"]) == (0, "5"), ending.log


def test_the_sandbox_needs_no_secrets(start_job, action, tmp_path):
    job = start_job(tmp_path / "job", tmp_path)

    ending = job.use(action, {"sandbox": "ada", **FEW})
    mixed = job.use(action, {"sandbox": "ada", "portal": "https://x.example/"})

    assert (ending.code, ending.outputs["passed"]) == (0, "5"), ending.log
    assert mixed.code == 2
    assert "leave out portal" in mixed.log


def test_a_step_that_is_cancelled_takes_its_errands_back_and_removes_the_key(tmp_path):
    key = tmp_path / "key.jwk"
    key.write_text(json.dumps(KEYS["EC"].as_dict(private=True)))
    client = {"client-id": "my-machine", "key": key.read_text()}
    with Sandbox(machine=key, delay=timedelta(days=1)) as sandbox:
        sandbox.add_fault("PUT Appointment/*: delay=200ms")
        given = {**connect(sandbox), **client, "write": "reversible", "checks": "write"}
        step = subprocess.Popen(
            [sys.executable, STEP],
            env=step_env(tmp_path, given),
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for_something_alive(sandbox)
        step.send_signal(signal.SIGINT)

        assert step.wait(60) == 130
        assert alive(sandbox) == []
    assert not (tmp_path / "gpcli-smoke").exists()
    assert "\n130\n" in (tmp_path / "outputs").read_text()


@pytest.mark.parametrize("version", ["1.0 @ https://x.example/evil.whl", "-r x", "1\n2"])
def test_a_version_that_is_none_is_not_installed(tmp_path, action, version):
    ending = Job(tmp_path / "job", tmp_path).use(action, {"version": version})

    assert ending.code == 2
    assert "The input version is not a version" in ending.log
