"""The build backend's hook, which builds the ready answers for a wheel or an editable install."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMMAND = (sys.executable, "-m", "gpcli.cli.build_answers")


class AnswersBuildHook(BuildHookInterface):
    """Builds `gpcli/cli/answer_table.py` in the source tree; `pyproject.toml` takes it in."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the table in a process of its own; end the build if that fails."""
        path = os.pathsep.join(filter(None, (self.root, os.environ.get("PYTHONPATH"))))
        built = subprocess.run(  # noqa: S603  (this interpreter, a module of this tree)
            COMMAND,
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        if built.returncode != 0:
            *_, reason = built.stderr.splitlines() or [f"exit status {built.returncode}"]
            self.app.abort(f"The ready answers of gpcli can't be built: {reason}")
