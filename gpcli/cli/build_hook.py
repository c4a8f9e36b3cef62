"""The build backend's hook: a wheel has ready answers and manual pages, built from the commands."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMMANDS = {
    "ready answers": ("gpcli.cli.build_answers",),
    "manual pages": ("gpcli.cli.build_man_pages", "build/man"),
}
"""What is built, and the module that builds it, with its arguments."""


class CommandsBuildHook(BuildHookInterface):
    """Builds in the source tree what is made from the commands; `pyproject.toml` takes it in."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build each in a process of its own; end the build if that fails."""
        path = os.pathsep.join(filter(None, (self.root, os.environ.get("PYTHONPATH"))))
        for what, module in COMMANDS.items():
            built = subprocess.run(  # noqa: S603  (this interpreter, a module of this tree)
                (sys.executable, "-m", *module),
                cwd=self.root,
                env={**os.environ, "PYTHONPATH": path},
                capture_output=True,
                text=True,
                check=False,
            )
            if built.returncode != 0:
                *_, reason = built.stderr.splitlines() or [f"exit status {built.returncode}"]
                self.app.abort(f"The {what} of gpcli can't be built: {reason}")
