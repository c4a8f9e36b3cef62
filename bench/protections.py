"""Each protection is missed by a test: takes one away at a time and shows which test then fails.

`python bench/protections.py` works on a copy of the last commit. The exit status is 1 where a
protection could go without a test noticing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Protection(NamedTuple):
    """One protection: the line of a file that it is, what stands there without it, and a test."""

    name: str
    file: str
    line: str
    without: str
    test: str


PROTECTIONS = (
    Protection(
        "lock of a session",
        "gpcli/auth/bearer.py",
        "with session_lock(self._lock_dir, self._account, client.deadline.require_seconds_left()):",
        "if True:",
        "tests/auth/test_parallel_refresh.py::"
        "test_twenty_processes_at_expiry_make_exactly_one_token_request",
    ),
    Protection(
        "lock of a file",
        "gpcli/config/private_files.py",
        'with hold_lock(lock, f"is changing {path}", timeout):',
        "if True:",
        "tests/journeys/test_at_once.py::"
        "test_profiles_that_are_added_at_once_are_all_kept_and_one_is_the_default",
    ),
    Protection(
        "identifier of a write",
        "gpcli/portal/write/requests.py",
        'headers = {"If-None-Exist": build_condition(part.intent)} if conditional else {}',
        "headers = {}",
        "tests/portal/write/test_kernel_create.py::"
        "test_a_create_carries_its_identifier_three_times_and_is_read_back",
    ),
    Protection(
        "check of the origin",
        "gpcli/http/url_policy.py",
        "if _get_origin(url) != _get_origin(base_url):",
        "if False:",
        "tests/http/test_url_policy.py::test_a_link_that_leaves_the_base_is_refused",
    ),
    Protection(
        "sanitiser",
        "gpcli/render/sanitise.py",
        "return _IN_TEXT.sub(_escape, text)",
        "return text",
        "tests/render/test_hostile_texts.py",
    ),
    Protection(
        "deadline",
        "gpcli/http/deadline.py",
        "return self._end - self.clock()",
        "return self.seconds",
        "tests/http/test_deadline.py",
    ),
    Protection(
        "cap of an answer",
        "gpcli/http/decode.py",
        "if len(body) > max_bytes:",
        "if False:",
        "tests/http/test_decode_body.py::test_a_body_of_exactly_the_cap_is_read_and_one_byte_more_is_not",
    ),
    Protection(
        "reading back what was changed",
        "gpcli/portal/write/kernel.py",
        "if not seen.of(intent).matches:",
        "if False:",
        "tests/portal/write/test_kernel_update.py::"
        "test_a_portal_that_takes_the_update_and_keeps_the_record_as_it_was_is_a_conflict",
    ),
    Protection(
        "look after a lost answer",
        "gpcli/portal/write/kernel.py",
        "if seen and not absent:",
        "if True:",
        "tests/portal/write/test_kernel_create.py::"
        "test_what_is_not_found_after_a_lost_reply_is_unknown_not_failed",
    ),
    Protection(
        "journal",
        "gpcli/portal/write/kernel.py",
        "for part in () if journaled else request.parts:",
        "for part in ():",
        "tests/portal/write/test_kernel_create.py::"
        "test_the_journal_knows_of_the_write_before_it_leaves",
    ),
)


def main() -> int:
    """Take each protection away, print what failed, and return the exit status."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "gpcli"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(copy)], check=True)  # noqa: S607
        _run_python(copy, "gpcli.cli.build_answers")
        print("| Protection | Taken away in | Fails without it |\n| --- | --- | --- |")
        missed = [each.name for each in PROTECTIONS if not _is_missed(each, copy)]
    for name in missed:
        print(f"Nothing fails without the {name}.", file=sys.stderr)
    return 1 if missed else 0


def _is_missed(protection: Protection, copy: Path) -> bool:
    """Return whether the test passes with the protection and fails without it; print the row."""
    file = copy / protection.file
    whole = file.read_text(encoding="utf-8")
    if whole.count(protection.line) != 1:
        raise SystemExit(f"{protection.file} has not once: {protection.line}")
    passed = not list(_find_failures(protection.test, copy))
    file.write_text(whole.replace(protection.line, protection.without), encoding="utf-8")
    failed = list(_find_failures(protection.test, copy))
    file.write_text(whole, encoding="utf-8")
    first = failed[0].replace("::", " ") if failed else "nothing"
    print(f"| {protection.name} | `{protection.file}` | {len(failed)}: {first} |", flush=True)
    return passed and bool(failed)


def _find_failures(test: str, copy: Path) -> Iterator[str]:
    """Run a test in the copy, and yield the names of those that failed."""
    for line in _run_python(copy, "pytest", "-q", "-p", "no:cacheprovider", "-rfE", test):
        if line.startswith(("FAILED ", "ERROR ")):
            yield line.split(" ")[1]


def _run_python(copy: Path, *module: str) -> list[str]:
    """Run a module with the code in `copy`, and return the lines of its output."""
    env = {**os.environ, "PYTHONPATH": str(copy)}
    ended = subprocess.run(
        [sys.executable, "-m", *module],
        cwd=copy,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stdout.splitlines()


if __name__ == "__main__":
    sys.exit(main())
