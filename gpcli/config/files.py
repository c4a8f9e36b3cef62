"""Writing private files: whole or not at all, readable by their owner only."""

import os
import tempfile
from pathlib import Path


def private_dir(path: Path) -> Path:
    """Make `path` (mode 0700) with its parents, and return it; one that is there stays as it is."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Replace `path` (mode 0600) atomically; after a crash it holds the old text or the new."""
    private_dir(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
