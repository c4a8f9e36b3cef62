"""What portals have told, kept in the cache directory with the time at which they told it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gpcli.config.private_files import read_private_file, write_private_file


class CachedJson:
    """One JSON object in the directory `cache`, in a file of its own for each `kind` and `key`.

    The key, such as a portal's URL, is only in the file's name, as a hash. Reading and writing
    raise ConfigError for a file that is not gpcli's own.
    """

    def __init__(self, cache: Path, kind: str, key: str) -> None:
        digest = hashlib.sha256(key.encode()).hexdigest()[:16]
        self._path = cache / f"{kind}-{digest}.json"

    def read(self, now: float) -> tuple[dict[str, Any], float] | None:
        """Return the object and its age in seconds; `None` for no file, or a broken one.

        `now` is a POSIX timestamp. The age is negative where the clock was set back since.
        """
        try:
            cached = json.loads(read_private_file(self._path))
            return dict(cached), now - cached["at"]
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            return None

    def write(self, values: Mapping[str, Any], now: float) -> None:
        """Keep an object as it was told at `now`; where that is impossible, nothing is kept.

        Numbers of the type Decimal become texts.
        """
        with suppress(OSError):
            write_private_file(self._path, json.dumps({**values, "at": now}, default=str))

    def delete(self) -> None:
        """Delete the file; where that is impossible, it is used until it is too old."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
