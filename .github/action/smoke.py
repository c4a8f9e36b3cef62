"""The step of action.yml that runs `gpcli smoke`, with the Python that gpcli is installed for.

It reads the inputs from `GPCLI_INPUT_*`, and ends with the exit code of `gpcli smoke`, or 2 where
the inputs don't fit together; what is not 0 has an annotation that says why. Outputs: exit-code,
report, junit, passed, warnings, failed, skipped; what there is not is empty.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import tomlkit
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

PROFILE = "smoke"
"""The name of the profile that is made of the inputs."""

_INPUT = "GPCLI_INPUT_"
_TOKEN = "GPCLI_ACTION_TOKEN"  # noqa: S105 - the name of a variable
_SUMMARY = "GITHUB_STEP_SUMMARY"
_CONNECTION = (
    *("PORTAL", "ENVIRONMENT", "PATIENT", "FHIR_USER", "TOKEN", "TOKEN_COMMAND"),
    *("CLIENT_ID", "KEY", "KEY_ID", "CONFIG"),
)
_PROFILE_KEYS = ("portal", "environment", "client_id", "key_file", "token_command")
_REPORTS = {"JUNIT": "junit.xml", "REPORT": "report.json", _SUMMARY: "summary.md"}
_ERROR = "gpcli: "
_CHECK_COLUMNS = 4  # of a plain line: name, status, milliseconds, what was seen
_SECRET_MEMBERS = ("d", "p", "q", "dp", "dq", "qi")
_SHORTEST_SECRET = 12  # what is shorter would be masked in other words too
_FAILURE, _INVALID_USAGE = 1, 2


class WrongInput(Exception):
    """Inputs that don't fit together; the message says what to do."""


class RunDirectory:
    """The directory of a run, with its profile and its key; nothing of it stays behind."""

    def __init__(self, inputs: Mapping[str, str], directory: Path) -> None:
        self._inputs = inputs
        self._directory = directory

    def __enter__(self) -> Path:
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(mode=0o700)
        return self._directory

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._directory)

    def build_env(self) -> dict[str, str]:
        """Return the variables for gpcli, and write the files that they point to.

        Raises: WrongInput.
        """
        inputs = self._inputs
        given = [name for name in _CONNECTION if inputs[name]]
        env = {name: text for name, text in os.environ.items() if not name.startswith(_INPUT)}
        if _SUMMARY in env:
            env[_SUMMARY] = str(self._directory / _REPORTS[_SUMMARY])
        if inputs["SANDBOX"] and given:
            raise WrongInput(
                f"sandbox is a portal of its own, with its own people: leave out {_word(given[0])}."
            )
        if inputs["SANDBOX"]:
            return {**_without_connection(env), "GPCLI_CONFIG_DIR": str(self._directory)}
        if not inputs["PORTAL"]:
            return self._check_given_env(env, given)
        self._write_profile(self._build_profile())
        env = _without_connection(env) | {
            "GPCLI_CONFIG_DIR": str(self._directory),
            "GPCLI_PROFILE": PROFILE,
            "GPCLI_PATIENT": inputs["PATIENT"],
        }
        optional = {"GPCLI_FHIR_USER": inputs["FHIR_USER"], _TOKEN: inputs["TOKEN"]}
        return env | {name: text for name, text in optional.items() if text}

    def _check_given_env(self, env: dict[str, str], given: list[str]) -> dict[str, str]:
        if given:
            raise WrongInput(f"{_word(given[0])} is given without portal: for which one is it?")
        if not env.get("GPCLI_PORTAL"):
            raise WrongInput("Which portal? Give portal, or sandbox: ada to try the action.")
        return env

    def _build_profile(self) -> dict[str, Any]:
        inputs = self._inputs
        ways = [name for name in ("TOKEN", "TOKEN_COMMAND", "KEY") if inputs[name]]
        if len(ways) != 1:
            raise WrongInput("portal needs one of token, token-command, or key with client-id.")
        if not inputs["PATIENT"]:
            raise WrongInput("portal needs patient: the id of a test patient at the portal.")
        if bool(inputs["KEY"]) is not bool(inputs["CLIENT_ID"]):
            raise WrongInput("key and client-id are needed together.")
        if inputs["KEY_ID"] and not inputs["KEY"]:
            raise WrongInput("key-id is given without key.")
        if re.search(r"\s", inputs["TOKEN"].strip()):
            raise WrongInput("token is no access token: it has a space or a line break in it.")
        profile = self._parse_config()
        profile |= {"portal": inputs["PORTAL"], "environment": inputs["ENVIRONMENT"] or "staging"}
        if inputs["KEY"]:
            key = _convert_key(inputs["KEY"], inputs["KEY_ID"])
            self._write_private("key.jwk", key)
            return profile | {"client_id": inputs["CLIENT_ID"], "key_file": "key.jwk"}
        return profile | {"token_command": inputs["TOKEN_COMMAND"] or f"printenv {_TOKEN}"}

    def _parse_config(self) -> dict[str, Any]:
        try:
            keys = tomllib.loads(self._inputs["CONFIG"])
        except tomllib.TOMLDecodeError as error:
            raise WrongInput(f"config is not TOML: {error}.") from None
        taken = [key for key in _PROFILE_KEYS if key in keys]
        if taken:
            raise WrongInput(f"config has {taken[0]}, which is an input of its own.")
        return keys

    def _write_profile(self, profile: dict[str, Any]) -> None:
        self._write_private("config.toml", tomlkit.dumps({"profiles": {PROFILE: profile}}))

    def _write_private(self, name: str, text: str) -> None:
        descriptor = os.open(self._directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)


def _without_connection(env: Mapping[str, str]) -> dict[str, str]:
    """Return `env` without what names another portal or person; the guard's variable stays."""
    kept = ("GPCLI_ALLOW_PRODUCTION", "GPCLI_DEBUG")
    return {
        name: text for name, text in env.items() if name in kept or not name.startswith("GPCLI_")
    }


def _word(name: str) -> str:
    return name.lower().replace("_", "-")


def _convert_key(text: str, kid: str) -> str:
    """Return a key as gpcli reads it: JSON as it is, PEM as the JWK named `kid`."""
    if not text.lstrip().startswith("-----BEGIN"):
        return text
    if not kid:
        raise WrongInput("A key that is PEM needs key-id, the kid under which the portal knows it.")
    for kind in (ECKey, RSAKey):
        try:
            key = kind.import_key(text.strip().encode(), {"kid": kid})
            return json.dumps(key.as_dict(private=True))
        except (JoseError, ValueError, TypeError):
            continue
    raise WrongInput("key is neither a JWK nor an unencrypted EC or RSA key in PEM.")


def list_secrets(inputs: Mapping[str, str]) -> Iterator[str]:
    """Yield what the runner must keep out of its log, a line each."""
    yield from map(str.strip, inputs["TOKEN"].splitlines())
    yield from inputs["KEY"].splitlines()
    try:
        document = json.loads(inputs["KEY"])
        keys = document.get("keys", [document])
        yield from (str(key[name]) for key in keys for name in _SECRET_MEMBERS if name in key)
    except (ValueError, AttributeError, TypeError, RecursionError):
        return  # no JWK: gpcli says so, or it is PEM


def build_line(inputs: Mapping[str, str], place: Path) -> list[str]:
    """Return the line of `gpcli smoke`; raise WrongInput for a word that `write` can't have."""
    gpcli = str(Path(sys.executable).parent / "gpcli")
    if inputs["WRITE"] not in {"none", "reversible", "all"}:
        raise WrongInput("write must be none, reversible or all.")
    files = [f"--{name.lower()}={place / _REPORTS[name]}" for name in ("JUNIT", "REPORT")]
    line = [gpcli, "smoke", *files]
    if inputs["WRITE"] != "none":
        line.append(f"--write={inputs['WRITE']}")
    for name in ("CHECKS", "EXPECT", "WAIT_READY", "PARALLEL", "COMPARE"):
        if inputs[name]:
            line.append(f"--{_word(name)}={inputs[name]}")
    if inputs["SANDBOX"]:
        return [gpcli, "sandbox", "run", f"--as={inputs['SANDBOX']}", "--", *line]
    return line


def build_wording(inputs: Mapping[str, str], place: Path) -> Callable[[str], str]:
    """Return what puts the inputs in the place of the files and the words that gpcli knows."""
    token = "token" if inputs["TOKEN"] else "token-command"
    names = {"key_file": "key", "token_command": token, "client_id": "client-id"}
    verb = "is in" if inputs["TOKEN"] else "is printed by"
    texts = {
        "token that token_command prints": f"token that {verb} the input {token}",
        "command in token_command": f"command in the input {token}",
        "token_command is not": f"the input {token} is not",
        "key_file names": "it must be",
        str(place / "key.jwk"): "the input key",
        str(place / "config.toml"): "the profile of the inputs",
    }
    if inputs["TOKEN"]:
        texts["Its command must print a token"] = "It must be a token"

    def name_input(found: re.Match[str]) -> str:
        key = found[1].replace("\\", "")
        is_input = key in _PROFILE_KEYS
        return f"the input {names.get(key, key)}" if is_input else f"the input config: {key}"

    def word(text: str) -> str:
        for escape in ("", "\\"):  # Markdown has it before each _
            config = str(place / "config.toml").replace("_", f"{escape}_")
            text = re.sub(
                rf"{re.escape(config)}: profiles\.{PROFILE}\.([\w.\\]+)", name_input, text
            )
            for theirs, ours in texts.items():
                text = text.replace(theirs.replace("_", f"{escape}_"), ours)
        return text

    return word


def run_gpcli(
    line: list[str], env: Mapping[str, str], word: Callable[[str], str]
) -> tuple[int, str]:
    """Run gpcli, log what it says, and return its exit code and its error.

    What stops this step stops gpcli, which cleans up.
    """
    process = subprocess.Popen(
        line,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: process.send_signal(received))
    error = ""
    for each in process.stdout or ():
        told = word(each.rstrip("\n"))
        say(_lay_out(told))
        error = told.removeprefix(_ERROR) if told.startswith(_ERROR) else error
    code = process.wait()
    code = code if code >= 0 else 128 - code
    return code, error or f"gpcli smoke ended with exit code {code}."


def _lay_out(line: str) -> str:
    """Return a line of the log for one of gpcli: of a check how it ended, its name, what it saw."""
    cells = line.split("\t")
    if len(cells) < _CHECK_COLUMNS:
        return line
    name, status, _, seen = cells[:_CHECK_COLUMNS]
    return f"{status:<8} {name}: {seen}"


def say(text: str) -> None:
    """Write a line to the job's log."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def say_command(command: str, text: str) -> None:
    """Write a workflow command to the job's log, with `text` as its data."""
    for character, escaped in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        text = text.replace(character, escaped)
    say(f"::{command}::{text}")


def set_outputs(outputs: Mapping[str, object]) -> None:
    """Set the step's outputs, whatever is in them."""
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as stream:
        for name, value in outputs.items():
            end = secrets.token_hex(16)
            stream.write(f"{name}<<{end}\n{value}\n{end}\n")


def require_writable(inputs: Mapping[str, str]) -> None:
    """Make the directories of the reports; raise WrongInput where one can't be written."""
    for name in ("JUNIT", "REPORT"):
        try:
            path = Path(inputs[name])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.open("ab").close()
        except OSError as error:
            raise WrongInput(_word_refusal(name, inputs[name], error)) from None
    if os.path.realpath(inputs["JUNIT"]) == os.path.realpath(inputs["REPORT"]):
        raise WrongInput("junit and report name the same file: each needs one of its own.")


def _word_refusal(name: str, path: str, error: OSError) -> str:
    asker = name if name == _SUMMARY else _word(name)
    return f"{asker}: a report can't be written to '{path}': {error.strerror}."


def publish_reports(place: Path, inputs: Mapping[str, str], word: Callable[[str], str]) -> bool:
    """Put the reports in their places, count the checks, and return whether all could be written.

    What gpcli did not write is empty, whatever an earlier run has left there.
    """
    targets = {name: inputs.get(name) or os.environ.get(name) for name in _REPORTS}
    refused = []
    for name, target in targets.items():
        source = place / _REPORTS[name]
        text = word(source.read_text(encoding="utf-8")) if source.exists() else ""
        try:
            if target:
                mode = "a" if name == _SUMMARY else "w"
                with Path(target).open(mode, encoding="utf-8") as stream:
                    stream.write(text)
        except OSError as error:
            level = "warning" if name == _SUMMARY else "error"
            refused.append((level, _word_refusal(name, str(target), error)))
            continue
        if text and name != _SUMMARY:
            set_outputs({_word(name): target})
        if text and name == "REPORT":
            set_outputs(count_checks(text))
    for level, message in refused:
        say_command(f"{level} title=gpcli smoke", message)
    return not any(level == "error" for level, _ in refused)


def count_checks(report: str) -> dict[str, int]:
    """Return the outputs that count the checks of a report in JSON."""
    counts = Counter(check["status"] for check in json.loads(report)["checks"])
    return {
        "passed": counts["ok"] + counts["warning"],
        "warnings": counts["warning"],
        "failed": counts["failed"],
        "skipped": counts["skipped"],
    }


def has_report(path: Path) -> bool:
    """Return whether there is an earlier report; a run that checked nothing leaves an empty one."""
    return path.is_file() and path.stat().st_size > 0


def check_portal(inputs: dict[str, str], directory: Path) -> int:
    """Run `gpcli smoke` as the inputs say and return its exit code; raise WrongInput."""
    if inputs["COMPARE"] and not has_report(Path(inputs["COMPARE"])):
        say_command("notice title=gpcli smoke", "There is no earlier report to compare with.")
        inputs["COMPARE"] = ""
    run, word = RunDirectory(inputs, directory), build_wording(inputs, directory)
    with run as place:
        line, env = build_line(inputs, place), run.build_env()
        require_writable(inputs)
        quiet = secrets.token_hex(16)
        say(f"::stop-commands::{quiet}")  # what a portal says is no command of the workflow
        try:
            code, error = run_gpcli(line, env, word)
        finally:
            say(f"::{quiet}::")
        if code:
            say_command("error title=gpcli smoke", error)
        is_published = publish_reports(place, inputs, word)
    return code if is_published else code or _FAILURE


def main() -> int:
    """Mask the secrets, run gpcli, and return the exit code of the step."""
    inputs = {
        name.removeprefix(_INPUT): text
        for name, text in os.environ.items()
        if name.startswith(_INPUT)
    }
    for secret in list_secrets(inputs):
        if len(secret) >= _SHORTEST_SECRET:
            say_command("add-mask", secret)
    try:
        code = check_portal(inputs, Path(os.environ["RUNNER_TEMP"]) / "gpcli-smoke")
    except WrongInput as error:
        say_command("error title=gpcli smoke", str(error))
        code = _INVALID_USAGE
    set_outputs({"exit-code": code})
    return code


if __name__ == "__main__":
    sys.exit(main())
