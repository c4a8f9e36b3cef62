"""The write-ahead record of every write: what was about to leave is on disk before it leaves.

One JSON line per event, appended and fsynced. It holds no health data: what was sent stands in
it only as a keyed hash, and the account as a hash.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from gpcli.errors import ConfigTrouble

State = Literal["sending", "done", "refused", "not_sent", "unknown"]


@dataclass(frozen=True)
class Entry:
    """One write. `kind` is `create` or `update`; `target` what an update changes (`Type/id`)."""

    intent: UUID
    kind: str
    profile: str
    account: str
    resource_type: str
    target: str | None
    digest: str
    state: State
    at: str


class Journal:
    """The journal in one state directory, shared by all processes of this user."""

    def __init__(self, directory: Path, profile: str, account: str) -> None:
        self._path = directory / "journal.jsonl"
        self._key_path = directory / "journal.key"
        self._profile = profile
        self._account = account

    def begin(self, intent: UUID, resource: Mapping[str, Any], target: str | None, at: str) -> None:
        """Note a write before it leaves; raises ConfigTrouble when that is impossible."""
        content = json.dumps(resource, sort_keys=True, default=str).encode()
        self._append(
            {
                "intent": str(intent),
                "kind": "update" if target else "create",
                "profile": self._profile,
                "account": self._account,
                "resource_type": resource["resourceType"],
                "target": target,
                "digest": hmac.new(self._key(), content, hashlib.sha256).hexdigest(),
                "state": "sending",
                "at": at,
            }
        )

    def end(self, intent: UUID, state: State, at: str) -> None:
        """Note how a write ended."""
        self._append({"intent": str(intent), "state": state, "at": at})

    def entries(self) -> list[Entry]:
        """All writes with their last known state, oldest first."""
        written: dict[str, dict[str, Any]] = {}
        for line in self._lines():
            written.setdefault(line["intent"], {}).update(line)
        whole = [fields for fields in written.values() if "kind" in fields]
        return [Entry(**{**fields, "intent": UUID(fields["intent"])}) for fields in whole]

    def _lines(self) -> list[dict[str, Any]]:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    def _append(self, event: Mapping[str, Any]) -> None:
        line = json.dumps(event, separators=(",", ":")).encode() + b"\n"
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, line)
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as trouble:
            raise ConfigTrouble(
                f"The journal {self._path} can't be written: {trouble.strerror}. "
                "Nothing was sent: gpcli sends nothing that it could lose track of.",
                hint="Make the directory writable, or set GPCLI_CONFIG_DIR.",
            ) from trouble

    def _key(self) -> bytes:
        if not self._key_path.exists():
            self._make_key()
        return self._key_path.read_bytes()

    def _make_key(self) -> None:
        """Whole or not at all, and only once: other processes may be at it too."""
        self._key_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._key_path.with_name(f".journal.key.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(secrets.token_bytes(32))
        try:
            os.link(draft, self._key_path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
