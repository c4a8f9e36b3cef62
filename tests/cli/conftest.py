"""Runs a line against the fake commands."""

import io
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from gpcli.cli.app import run
from gpcli.cli.run import run_command_line
from tests.cli.fake_commands import REGISTRY


class FakeSession:
    """Notes which command ran and with which options."""

    def __init__(self, options, env, stdin, stdout, stderr):
        self.options = options
        self.stdout = stdout
        self.seen = []
        self.closed = False
        self.state_dir = Path("/nonexistent")
        self.clock = lambda: datetime.now(UTC)
        self.sending = SimpleNamespace(
            request=None, request_id=None, sent_request_id=None, pending_request_id=None
        )

    def close(self):
        self.closed = True


class Line:
    """A line that can be run; `context` is the session of the last run, `None` if none was made."""

    def __init__(self):
        self.context = None

    def run(self, *argv):
        """What the command saw and the options; raises what the command line raises."""
        streams = [io.StringIO() for _ in range(3)]
        run(argv, {}, *streams, self._make, registry=REGISTRY)
        return self.context

    def end(self, *argv, env=None):
        """Exit code, stdout and stderr of a whole run."""
        stdin, stdout, stderr = (io.StringIO() for _ in range(3))
        code = run_command_line(
            argv, env or {}, stdin, stdout, stderr, self._make, registry=REGISTRY
        )
        return SimpleNamespace(code=code, out=stdout.getvalue(), err=stderr.getvalue())

    def _make(self, *given):
        self.context = FakeSession(*given)
        return self.context


@pytest.fixture
def line() -> Line:
    return Line()
