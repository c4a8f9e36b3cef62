"""Runs the steps of a composite action as GitHub's runner does, on a clean HOME."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{ *([\w.-]+) *\}\}")
_FILES = ("GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY")
_ESCAPES = (("%0A", "\n"), ("%0D", "\r"), ("%25", "%"))


@dataclass
class Ending:
    """How an action ended: the exit code of the first step that failed, or 0.

    `log` is what the job's log shows: secrets that were masked are ***.
    """

    code: int = 0
    log: str = ""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)


class Job:
    """A job on a runner: a clean HOME, a workspace, and what the runner sets for its steps."""

    def __init__(self, place: Path, temporary: Path) -> None:
        self.home, self.workspace, self.temporary = place / "home", place / "work", temporary
        for directory in (self.home, self.workspace):
            directory.mkdir(parents=True)
        kept = {name: text for name, text in os.environ.items() if re.match("PIP_|SSL_|LANG", name)}
        self.env = {
            **kept,
            "HOME": str(self.home),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(temporary),
        }

    def use(self, action: Path, given: Mapping[str, str]) -> Ending:
        """Run the steps of the action in the directory `action`, with the inputs `given`."""
        document = yaml.safe_load((action / "action.yml").read_text(encoding="utf-8"))
        assert given.keys() <= document["inputs"].keys()
        inputs = {name: str(each.get("default", "")) for name, each in document["inputs"].items()}
        values = {f"inputs.{name}": text for name, text in (inputs | given).items()}
        ending = Ending()
        for step in document["runs"]["steps"]:
            if ending.code == 0 or step.get("if") == "always()":
                self._run(step, action, values, ending)
        ending.outputs = {
            name: _fill(each["value"], values) for name, each in document["outputs"].items()
        }
        return ending

    def _run(self, step: Mapping[str, Any], action: Path, values: dict, ending: Ending) -> None:
        assert (step["shell"], "${{" in step["run"]) == ("bash", False)
        files = {name: self.temporary / name.lower() for name in _FILES}
        for path in files.values():
            path.write_text("")
        env = {name: _fill(text, values) for name, text in step.get("env", {}).items()}
        script = self.temporary / "step.sh"
        script.write_text(step["run"], encoding="utf-8")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script],
            cwd=self.workspace,
            env=self.env
            | {name: str(path) for name, path in files.items()}
            | {"GITHUB_ACTION_PATH": str(action)}
            | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        ending.code = ending.code or done.returncode
        ending.log += _mask(done.stdout)
        ending.summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        outputs = _read_outputs(files["GITHUB_OUTPUT"].read_text(encoding="utf-8"))
        values |= {f"steps.{step.get('id')}.outputs.{name}": each for name, each in outputs.items()}
        for path in (script, *files.values()):
            path.unlink()


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _EXPRESSION.sub(lambda found: values.get(found[1], ""), text)


def _mask(log: str) -> str:
    """What the runner shows of what a step wrote: no value that it was told to mask."""
    masks = []
    for line in log.splitlines():
        if line.startswith("::add-mask::"):
            value = line.removeprefix("::add-mask::")
            for escaped, character in _ESCAPES:
                value = value.replace(escaped, character)
            masks.append(value)
    for value in masks:
        log = log.replace(value, "***")
    return log


def _read_outputs(text: str) -> dict[str, str]:
    """Outputs in the runner's two forms: `name=value`, and lines up to a word of their own."""
    outputs, lines = {}, iter(text.split("\n"))
    for line in lines:
        name, separator, end = line.partition("<<")
        if separator:
            outputs[name] = "\n".join(iter(lambda: next(lines), end))
        elif line:
            name, _, outputs[name] = line.partition("=")
    return outputs
