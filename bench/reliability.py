"""The figures of reliability as a Markdown table: `python bench/reliability.py [--quick]`.

The exit status is 1 where a figure does not hold.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.row import Measurement, Row, Scale
from gpcli import __version__

MEASUREMENTS = {
    "writes": "bench.writes",
    "kills": "bench.kills",
    "slot_race": "bench.slot_race",
    "refreshes": "bench.refreshes",
    "strings": "bench.strings",
    "responses": "bench.responses",
    "canaries": "bench.canaries",
    "second_origin": "bench.second_origin",
    "watch_kills": "bench.watch_kills",
    "idle_day": "bench.idle_day",
}
"""In the table's order: each NAME is `measure_NAME` of the module beside it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for, print the table, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller numbers: about 3 minutes")
    parser.add_argument("--only", action="append", choices=MEASUREMENTS, metavar="NAME",
                        help=f"one figure; may be repeated: {', '.join(MEASUREMENTS)}")  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the details there too")
    chosen = parser.parse_args(arguments)
    rows = [_measure(name, Scale(chosen.quick)) for name in chosen.only or MEASUREMENTS]
    print(_format_table(rows))
    if chosen.json is not None:
        written = {"heading": _describe_setting(), "rows": [asdict(row) for row in rows]}
        chosen.json.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    return 0 if all(row.holds for row in rows) else 1


def _measure(name: str, scale: Scale) -> Row:
    begun = time.monotonic()

    def report(line: str) -> None:
        print(f"{name} ({time.monotonic() - begun:.0f} s): {line}", file=sys.stderr, flush=True)

    report("begins")
    measure: Measurement = getattr(import_module(MEASUREMENTS[name]), f"measure_{name}")
    row = measure(scale, report)
    report(f"{'holds' if row.holds else 'DOES NOT HOLD'}: {row.measured}")
    if not row.holds:
        report(json.dumps(row.details, indent=2))
    return row


def _format_table(rows: Sequence[Row]) -> str:
    lines = [_describe_setting(), "", "| Figure | To reach | Measured | Rounds |"]
    lines.append("| --- | --- | --- | --- |")
    for row in rows:
        measured = row.measured if row.holds else f"**{row.measured}**"
        lines.append(f"| {row.figure} | {row.to_reach} | {measured} | {row.rounds} |")
    return "\n".join(lines)


def _describe_setting() -> str:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return f"gpcli {__version__}, {date.today():%Y-%m-%d}, {python}, {system}"


if __name__ == "__main__":
    sys.exit(main())
