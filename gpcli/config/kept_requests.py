"""The command lines of requests that are under way, kept until it is known what became of them.

They hold what a person typed, in a file for each request that only they can read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

from gpcli.config.paths import OUTBOX
from gpcli.config.private_files import open_private_file, write_private_file
from gpcli.config.settings import Options
from gpcli.errors import ConfigError

KEPT_SECONDS = 30 * 24 * 3600.0
"""Seconds for which a line is kept at most."""


@dataclass(frozen=True)
class KeptRequest:
    """The command line of a request, without the program's name, and where it was typed.

    `draft` is the file with the text that was written for it; `None` = the line has or names it.
    `at` is when it was kept, in Unix seconds. `request_id` is what `--request-id` gave;
    `None` = nothing.
    """

    argv: tuple[str, ...]
    directory: str
    draft: str | None
    at: float
    request_id: str | None = None


class KeptRequests:
    """The lines kept in `directory`, which is `outbox` in the state directory `state`."""

    def __init__(self, state: Path) -> None:
        self.directory = state / OUTBOX

    def write(self, request: UUID, kept: KeptRequest) -> None:
        """Keep the line of a request; raise OSError, ConfigError."""
        write_private_file(self._path(request), json.dumps(asdict(kept)))

    def try_to_write(
        self, request: UUID, options: Options, drafts: Sequence[Path], at: float
    ) -> None:
        """Keep the line that `options` are of, with the first draft; where that fails it is not.

        The journal tells what became of the request, too.
        """
        draft = str(drafts[0]) if drafts else None
        with suppress(OSError, ConfigError):
            kept = KeptRequest(options.argv, str(Path.cwd()), draft, at, options.request_id)
            self.write(request, kept)

    def read(self, request: UUID) -> KeptRequest | None:
        """Return the line of a request; `None` if there is none that can be read."""
        try:
            with os.fdopen(open_private_file(self._path(request), os.O_RDONLY)) as stream:
                content = json.load(stream)
            draft, request_id = content["draft"], content.get("request_id")
            return KeptRequest(
                tuple(map(str, content["argv"])),
                str(content["directory"]),
                None if draft is None else str(draft),
                float(content["at"]),
                None if request_id is None else str(request_id),
            )
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None

    def list_requests(self) -> Iterator[UUID]:
        """Yield the ids of the requests whose lines are kept."""
        for path in self.directory.glob("*.json"):
            with suppress(ValueError):
                yield UUID(path.stem)

    def delete(self, request: UUID) -> None:
        """Forget the line of a request; where that is impossible it stays."""
        with suppress(OSError):
            self._path(request).unlink(missing_ok=True)

    def _path(self, request: UUID) -> Path:
        return self.directory / f"{request}.json"
