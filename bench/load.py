"""How much load gpcli's users put on a portal, beside Locust's own: `python bench/load.py`.

Each runs for a minute with a master and two workers on loopback against one sandbox in a process of
its own. The exit status is 1 where a request or an errand failed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.journeys.process import gpcli, minimal_env
from tests.real.locusts import Ending, run_distributed

USERS = ROOT / "bench" / "load_users.py"
ROUTE = "/Immunization"

ROUNDS = {
    "Locust's HttpUser": ("Plain",),
    "Locust's FastHttpUser": ("PlainFast",),
    "gpcli, the same request": ("Vaccinations",),
    "gpcli, all errands, writing": ("Errands", "--gpcli-write"),
}
"""What is measured, in the table's order: the class of the users, and options."""


def main() -> int:
    """Run each round, print the table, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long each round takes")
    parser.add_argument("--users", type=int, default=10, help="in each round")
    chosen = parser.parse_args()
    has_failed = False
    print("| users | requests/s | of them the one compared | median ms | errands/s | failures |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as place, serve(Path(place)) as env:
        people = Path(place) / "people.ndjson"
        for title, (name, *options) in ROUNDS.items():
            if options:
                options.append(f"--gpcli-people-file={people}")
            ending = run_distributed(
                USERS,
                f"--users={chosen.users}",
                f"--spawn-rate={chosen.users}",
                f"--run-time={chosen.seconds}s",
                *options,
                name,
                env=env,
                place=Path(place),
            )
            if ending.code or not ending.stats:
                has_failed = True
                print(ending.log, file=sys.stderr)
            print(format_row(title, ending, chosen.seconds), flush=True)
    return int(has_failed)


@contextmanager
def serve(place: Path) -> Iterator[Mapping[str, str]]:
    """Serve a sandbox in a process; give Ada's variables, with a file of three people beside."""
    env = minimal_env(place)
    process = subprocess.Popen(
        [sys.executable, "-m", "gpcli", "sandbox", "serve", "--delay", "1d"],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a pipe that nobody reads would stop it when it is full
    )
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        process.stdout.readline()  # its address: it is there
        lines = [
            json.loads(gpcli("sandbox", "env", who, "--ndjson", env=env).out)
            for who in ("ada", "guro", "hans")
        ]
        with (place / "people.ndjson").open("w", encoding="utf-8") as stream:
            stream.writelines(f"{json.dumps(each)}\n" for each in lines)
        yield {**env, **lines[0]}
    finally:
        process.terminate()
        process.communicate()


def format_row(title: str, ending: Ending, seconds: int) -> str:
    """Return the row of a round."""
    errands = [each for each in ending.stats if each["method"] == "errand"]
    requests = [each for each in ending.stats if each["method"] != "errand"]
    compared = ending.named(ROUTE, "GET")
    cells = (
        title,
        f"{sum(each['num_requests'] for each in requests) / seconds:.0f}",
        f"{sum(each['num_requests'] for each in compared) / seconds:.0f}",
        f"{_find_median(compared[0]['response_times'])}" if compared else "",
        f"{sum(each['num_requests'] for each in errands) / seconds:.1f}" if errands else "",
        f"{sum(each['num_failures'] for each in ending.stats)}",
    )
    return f"| {' | '.join(cells)} |"


def _find_median(times: Mapping[str, int]) -> str:
    """Return the middle of Locust's rounded times: milliseconds -> how often."""
    passed, half = 0, sum(times.values()) / 2
    for time, number in sorted(times.items(), key=lambda each: float(each[0])):
        passed += number
        if passed >= half:
            return f"{float(time):.0f}"
    return ""


if __name__ == "__main__":
    raise SystemExit(main())
