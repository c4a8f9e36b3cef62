"""The shell line that installs something for this copy of gpcli, in the way this copy came.

A line for another way would change another Python, or be refused. Nothing is installed here.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import sysconfig
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

DISTRIBUTION = "gpcli-patient"
"""The name under which gpcli is installed; `gpcli` on the package index is another program."""

_UNREADABLE = (OSError, ValueError, LookupError, TypeError)
"""What reading a record that is not there, or not as expected, can raise."""

_HARMLESS_ON_WINDOWS = re.compile(r"[\w@%+=:,./\\-]+")


class Wanted(NamedTuple):
    """What an installer is asked for: a requirement, a path or an address."""

    text: str
    is_editable: bool = False

    def list_words(self, flag: str = "", editable_flag: str = "--editable") -> list[str]:
        """Return the words of a command line that ask for it."""
        return [word for word in (editable_flag if self.is_editable else flag, self.text) if word]


class PipxRecord(NamedTuple):
    """What pipx knows of an environment: whether it was made for gpcli, its suffix, the extras."""

    is_own: bool
    suffix: str
    extras: tuple[str, ...]


class Installation(NamedTuple):
    """Where a copy of gpcli is, and what is known of how it came there.

    `prefix` and `python` are those of its interpreter. `origin` is its direct_url.json (PEP 610);
    `None` = it came from a package index, or nothing is known. `is_managed` = it is in a Python
    into which only the system installs (PEP 668).
    """

    prefix: Path
    python: str
    origin: Mapping[str, Any] | None = None
    has_pip: bool = True
    is_managed: bool = False
    is_windows: bool = False

    def format_line(self, *, extra: str = "", package: str = "") -> str:
        """Return the line that installs `package`, or else gpcli again with `extra`.

        Installed again, gpcli gets what it needs in the versions that it needs.
        """
        commands = self._list_commands(extra, package)
        return " && ".join(" ".join(map(self._quote, words)) for words in commands)

    def _list_commands(self, extra: str, package: str) -> list[list[str]]:
        if pipx := _read_pipx_record(self.prefix):
            return [self._list_pipx_words(pipx, extra, package)]
        if receipt := _read_uv_receipt(self.prefix):
            return [self._list_uv_tool_words(receipt, extra, package)]
        wanted = Wanted(package) if package else self._find_own(extra)
        if self.is_managed:
            own = ["pipx", "install", *self._find_own(extra).list_words()]
            return [own, ["pipx", "inject", DISTRIBUTION, package]] if package else [own]
        if self.has_pip:
            return [[self.python, "-m", "pip", "install", *wanted.list_words()]]
        return [["uv", "pip", "install", "--python", self.python, *wanted.list_words()]]

    def _list_pipx_words(self, record: PipxRecord, extra: str, package: str) -> list[str]:
        """Install gpcli once more: pipx keeps what was injected, and remembers the extra."""
        own = self._find_own(extra, record.extras)
        if package or not record.is_own:
            words = [package] if package else own.list_words()
            return ["pipx", "inject", self.prefix.name, *words]
        suffix = ["--suffix", record.suffix] if record.suffix else []
        return ["pipx", "install", "--force", *suffix, *own.list_words()]

    def _list_uv_tool_words(
        self, receipt: Mapping[str, Any], extra: str, package: str
    ) -> list[str]:
        """Ask again for all that was asked for earlier, or uv would take it away."""
        asked = {name: _read_uv_requirement(entry) for name, entry in receipt.items()}
        if DISTRIBUTION in receipt or not package:
            recorded = receipt.get(DISTRIBUTION, {}).get("extras", ())
            asked[DISTRIBUTION] = self._find_own(extra, recorded)
        if package:
            asked[package] = Wanted(package)
        main, *others = asked.values()
        added = [word for each in others for word in each.list_words("--with", "--with-editable")]
        return ["uv", "tool", "install", *added, *main.list_words()]

    def _find_own(self, extra: str, recorded: Sequence[str] = ()) -> Wanted:
        """Return gpcli as it came, with `extra` and the extras that it was installed with."""
        extras = _format_extras(dict.fromkeys([*recorded, *filter(None, [extra])]))
        origin = self.origin or {}
        url = origin.get("url", "")
        if not url:
            return Wanted(DISTRIBUTION + extras)
        if urlsplit(url).scheme == "file":
            path = Path(url2pathname(urlsplit(url).path))
            if not path.exists():
                return Wanted(DISTRIBUTION + extras)
            return Wanted(f"{path}{extras}", bool(origin.get("dir_info", {}).get("editable")))
        if vcs := origin.get("vcs_info"):
            revision = vcs.get("requested_revision")
            url = f"{vcs['vcs']}+{url}" + (f"@{revision}" if revision else "")
        return Wanted(f"{DISTRIBUTION}{extras} @ {url}")

    def _quote(self, word: str) -> str:
        if not self.is_windows:
            return shlex.quote(word)
        return word if _HARMLESS_ON_WINDOWS.fullmatch(word) else f'"{word}"'


def find_installation() -> Installation:
    """Return how the gpcli of this process was installed."""
    marker = Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED"
    return Installation(
        prefix=Path(sys.prefix),
        python=sys.executable,
        origin=_read_origin(),
        has_pip=find_spec("pip") is not None,
        is_managed=sys.prefix == sys.base_prefix and marker.is_file(),
        is_windows=os.name == "nt",
    )


def word_install_hint(*, extra: str = "", package: str = "") -> str:
    """Return a hint with the line that installs `package`, or else gpcli again with `extra`.

    The line stands below the words, indented, so that it is written as it is.
    """
    installation = find_installation()
    line = installation.format_line(extra=extra, package=package)
    if installation.is_managed:
        return f"Only the system installs into this Python. A gpcli of its own:\n  {line}"
    return f"This installs what is needed:\n  {line}"


def _read_uv_requirement(entry: Mapping[str, Any]) -> Wanted:
    """Return what an entry of a uv receipt asks for."""
    extras = _format_extras(entry.get("extras", ()))
    if editable := entry.get("editable"):
        return Wanted(editable + extras, is_editable=True)
    if path := entry.get("path") or entry.get("directory"):
        return Wanted(path + extras)
    return Wanted(entry["name"] + extras + entry.get("specifier", ""))


def _format_extras(extras: Iterable[str]) -> str:
    names = ",".join(extras)
    return f"[{names}]" if names else ""


def _read_origin() -> Mapping[str, Any] | None:
    try:
        text = metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
        return json.loads(text) if text else None
    except (metadata.PackageNotFoundError, ValueError):
        return None


def _read_pipx_record(prefix: Path) -> PipxRecord | None:
    """Return what pipx knows of an environment of its own; `None` = it is not pipx's."""
    try:
        record = json.loads((prefix / "pipx_metadata.json").read_text(encoding="utf-8"))
        main = record["main_package"]
        extras = re.search(r"\[([^\[\]]*)\]$", main["package_or_url"])
        return PipxRecord(
            is_own=main["package"] == DISTRIBUTION,
            suffix=main.get("suffix", ""),
            extras=tuple(extras[1].split(",")) if extras else (),
        )
    except _UNREADABLE:
        return None


def _read_uv_receipt(prefix: Path) -> dict[str, Mapping[str, Any]] | None:
    """Return name -> what uv was asked for, the tool first; `None` = it is no tool of uv."""
    try:
        receipt = tomllib.loads((prefix / "uv-receipt.toml").read_text(encoding="utf-8"))
        return {entry["name"]: entry for entry in receipt["tool"]["requirements"]}
    except _UNREADABLE:
        return None
