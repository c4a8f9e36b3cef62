"""Locust as processes: one that does everything, or a master with workers, on loopback."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpcli.cli.sandbox_env import build_variables
from gpcli.sandbox.server import Sandbox

_PATIENCE = 120
"""Seconds after which a process that has not ended is killed, besides the time of the run."""


@dataclass(frozen=True)
class Ending:
    """How a run ended: `code` and `log` are those of the master, or of the only process.

    `workers` has what each worker printed, `codes` how each ended.
    """

    code: int
    log: str
    stats: list[dict[str, Any]]
    workers: tuple[str, ...] = ()
    codes: tuple[int, ...] = ()

    def made(self, name: str, method: str = "errand") -> int:
        """How often an errand, or a request, was made."""
        return sum(each["num_requests"] for each in self.named(name, method))

    def named(self, name: str, method: str = "errand") -> list[dict[str, Any]]:
        """The statistics of an errand, or of a request."""
        return [each for each in self.stats if (each["method"], each["name"]) == (method, name)]

    @property
    def failures(self) -> list[str]:
        """The names of what failed."""
        return [each["name"] for each in self.stats if each["num_failures"]]


def start_locust(
    locustfile: Path, *words: str, env: Mapping[str, str], log: Path
) -> subprocess.Popen[str]:
    """Locust without a web page, running; what it logs goes to the file `log`."""
    with log.open("w", encoding="utf-8") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "locust", "-f", str(locustfile), *words],
            env=env,
            cwd=env["HOME"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
        )


def run_alone(locustfile: Path, *words: str, env: Mapping[str, str], log: Path) -> Ending:
    """Locust in one process, from start to end."""
    process = start_locust(locustfile, *words, "--headless", "--json", env=env, log=log)
    out = _wait([process])[0]
    return Ending(process.returncode, log.read_text(encoding="utf-8"), _read_stats(out))


def run_distributed(
    locustfile: Path, *words: str, env: Mapping[str, str], place: Path, workers: int = 2
) -> Ending:
    """A master and `workers` on this machine, from start to end; `words` are for the master."""
    port = _find_free_port()
    host = "127.0.0.1"
    master = start_locust(
        locustfile,
        "--master",
        f"--master-bind-host={host}",
        f"--master-bind-port={port}",
        f"--expect-workers={workers}",
        "--expect-workers-max-wait=60",
        "--headless",
        "--json",
        *words,
        env=env,
        log=place / "master.log",
    )
    at_work = [
        start_locust(
            locustfile,
            "--worker",
            f"--master-host={host}",
            f"--master-port={port}",
            env=env,
            log=place / f"worker{number}.log",
        )
        for number in range(workers)
    ]
    out, *printed = _wait([master, *at_work])
    logs = [each.read_text(encoding="utf-8") for each in sorted(place.glob("*.log"))]
    codes = tuple(each.returncode for each in at_work)
    return Ending(master.returncode, "".join(logs), _read_stats(out), tuple(printed), codes)


def write_people(sandbox: Sandbox, file: Path, people: Sequence[str]) -> None:
    """Write the file of people: a line of variables for each, with a token."""
    with file.open("w", encoding="utf-8") as stream:
        for person in people:
            token = sandbox.issue_token(person)
            values = build_variables(
                sandbox.fhir_base, token.access_token, token.patient, token.fhir_user
            )
            stream.write(f"{json.dumps(values)}\n")


def _wait(processes: Sequence[subprocess.Popen[str]]) -> list[str]:
    """Return what each printed; those that don't end in time are killed."""
    try:
        return [each.communicate(timeout=_PATIENCE)[0] for each in processes]
    finally:
        for each in processes:
            if each.poll() is None:
                each.kill()
                each.communicate()


def _read_stats(out: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(out) if out.strip() else []
    return found


def _find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
