"""gpcli as a process, with programs around it that note what they were given."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
PATIENCE = 60.0
"""Seconds after which a process that does not end is ended."""

_SPY = """#!{python} -S
import json, os, sys, urllib.request
with open({notes!r}, "a") as notes:
    notes.write(json.dumps([sys.argv, dict(os.environ)]) + "\\n")
role = os.path.basename(sys.argv[0])
if role == "editor":
    with open(sys.argv[-1], "r+") as message:
        former = message.read()
        message.seek(0)
        message.write(open({written!r}).read() + "\\n" + former)
elif role == "browser" and sys.argv[-1].startswith("http://127.0.0.1"):
    urllib.request.build_opener(urllib.request.ProxyHandler({{}})).open(sys.argv[-1], timeout=10)
elif role == "token":
    sys.stdout.write(open({token!r} + os.environ["SPY_PERSON"]).read())
"""

_KEYRING = '''
import hashlib, os, pathlib, tempfile
class PasswordStoreBackend:
    """Stands in for `pass`: items are files."""
    def _path(self, service, username):
        name = hashlib.sha256(f"{{service}} {{username}}".encode()).hexdigest()
        return pathlib.Path({vault!r}) / name
    def get_password(self, service, username):
        path = self._path(service, username)
        return path.read_text() if path.exists() else None
    def set_password(self, service, username, password):
        descriptor, draft = tempfile.mkstemp(dir={vault!r})
        with os.fdopen(descriptor, "w") as stream:
            stream.write(password)
        os.replace(draft, self._path(service, username))
    def delete_password(self, service, username):
        self._path(service, username).unlink()
'''


@dataclass(frozen=True)
class Desk:
    """A person's computer: `home` is all that gpcli may write to, `place` is around it.

    In `place` are the programs that note what they are given, the stand-in for a keyring, and the
    files that the person has.
    """

    place: Path
    _seen: dict[Path, tuple[int, int, int]] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The directory of everything that gpcli can write to by itself."""
        return self.place / "home"

    @property
    def browser(self) -> Path:
        """The program that opens pages."""
        return self.place / "programs" / "browser"

    @property
    def message(self) -> Path:
        """The file of what the person has written."""
        return self.place / "written.txt"

    def build(self, written: str) -> None:
        """Make directories and programs; `written` is what the person writes in an editor."""
        for name in ("home/tmp", "home/run", "programs", "vault", "shim", "saved"):
            (self.place / name).mkdir(mode=0o700, parents=True)
        self.message.write_text(written, encoding="utf-8")
        spy = _SPY.format(
            python=sys.executable,
            notes=str(self.place / "notes"),
            written=str(self.message),
            token=str(self.place / "token-"),
        )
        for role in ("editor", "browser", "token"):
            program = self.place / "programs" / role
            program.write_text(spy, encoding="utf-8")
            program.chmod(0o700)
        keyring = _KEYRING.format(vault=str(self.place / "vault"))
        (self.place / "shim" / "keyring_pass.py").write_text(keyring, encoding="utf-8")

    def build_env(self, **more: str) -> dict[str, str]:
        """Return the variables of the person's processes."""
        return {
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
            "PYTHONPATH": os.pathsep.join((str(self.place / "shim"), str(ROOT))),
            "PYTHON_KEYRING_BACKEND": "keyring_pass.PasswordStoreBackend",
            "HOME": str(self.home),
            "TMPDIR": str(self.home / "tmp"),
            "XDG_RUNTIME_DIR": str(self.home / "run"),
            "EDITOR": str(self.place / "programs" / "editor"),
            "BROWSER": str(self.browser),
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            **more,
        }

    def read_notes(self) -> list[tuple[list[str], dict[str, str]]]:
        """Return the arguments and variables of each program that gpcli started."""
        notes = self.place / "notes"
        lines = notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []
        return [(argv, env) for argv, env in map(json.loads, lines)]

    def read_changed_files(self) -> Iterator[tuple[Path, bytes]]:
        """Yield each new or changed file in the home, with its name and content as bytes."""
        for path in sorted(self.home.rglob("*")):
            with suppress(OSError):  # it may have been deleted meanwhile
                status = path.lstat()
                state = (status.st_ino, status.st_size, status.st_mtime_ns)
                if stat.S_ISREG(status.st_mode) and self._seen.get(path) != state:
                    self._seen[path] = state
                    yield path, f"{path}\n".encode() + path.read_bytes()


@dataclass(frozen=True)
class Ended:
    """How a process ended: its status, and what it wrote to both streams."""

    status: int
    stdout: bytes
    stderr: bytes


def run_piped(
    argv: Sequence[str],
    env: Mapping[str, str],
    *,
    typed: bytes = b"",
    meanwhile: Callable[[subprocess.Popen[bytes]], None] = lambda process: None,
) -> Ended:
    """Run gpcli with pipes; `meanwhile` is called while it runs."""
    process = _start(argv, env, subprocess.PIPE, subprocess.PIPE, subprocess.PIPE)
    overdue = threading.Timer(PATIENCE, process.kill)
    overdue.start()
    disturbing = threading.Thread(target=meanwhile, args=(process,))
    disturbing.start()
    try:
        stdout, stderr = process.communicate(typed)
    finally:
        overdue.cancel()
        disturbing.join()
    return Ended(process.returncode, stdout, stderr)


def run_at_terminal(
    argv: Sequence[str], env: Mapping[str, str], typed: bytes, *, after: bytes = b""
) -> Ended:
    """Run gpcli at a terminal, with another one for standard error, to tell them apart.

    `typed` is typed once `after` stands on standard error.
    """
    (ours, theirs), (ours_too, theirs_too) = pty.openpty(), pty.openpty()
    process = _start(argv, env, theirs, theirs, theirs_too)
    os.close(theirs)
    os.close(theirs_too)
    overdue = threading.Timer(PATIENCE, process.kill)
    overdue.start()
    read = {ours: bytearray(), ours_too: bytearray()}
    readers = [threading.Thread(target=_read_terminal, args=pair) for pair in read.items()]
    for reader in readers:
        reader.start()
    wait_until(lambda: after in read[ours_too] or process.poll() is not None)
    with suppress(OSError):  # it may have ended
        os.write(ours, typed)
    try:
        status = process.wait()
        for reader in readers:
            reader.join()
    finally:
        overdue.cancel()
    os.close(ours)
    os.close(ours_too)
    return Ended(status, bytes(read[ours]), bytes(read[ours_too]))


def _start(
    argv: Sequence[str], env: Mapping[str, str], stdin: int, stdout: int, stderr: int
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "gpcli", *argv],
        env=env,
        cwd=env["HOME"],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )


def _read_terminal(descriptor: int, read: bytearray) -> None:
    with suppress(OSError):  # how the other end's closing shows
        while piece := os.read(descriptor, 65536):
            read += piece


class ProcessWatch:
    """Looks at the arguments of all processes, and at the variables of those that gpcli started."""

    def __init__(self) -> None:
        self.lines: set[bytes] = set()
        self.variables: set[bytes] = set()
        self._ended = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Look every 50 ms while the body runs."""
        thread = threading.Thread(target=self._look_until_ended, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _look_until_ended(self) -> None:
        while not self._ended.wait(0.05):
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    self._look_at(process)

    def _look_at(self, process: Path) -> None:
        line = (process / "cmdline").read_bytes()
        self.lines.add(line)
        parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        of_parent = Path(f"/proc/{parent}/cmdline").read_bytes()
        if b"-m\0gpcli\0" in of_parent and b"-m\0gpcli\0" not in line:
            self.variables.add((process / "environ").read_bytes())


def read_core_limit(pid: int) -> str:
    """Return the largest core dump that a process may leave behind, as the kernel writes it."""
    for line in Path(f"/proc/{pid}/limits").read_text(encoding="utf-8").splitlines():
        if line.startswith("Max core file size"):
            return line.split()[4]
    return "?"


def wait_until(is_so: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until `is_so`, or until `seconds` have passed."""
    ends = time.monotonic() + seconds
    while not is_so() and time.monotonic() < ends:
        time.sleep(0.01)
