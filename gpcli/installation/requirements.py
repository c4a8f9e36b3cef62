"""Whether the packages that gpcli needs are here, in the versions that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from typing import NamedTuple

from gpcli.errors import ConfigError
from gpcli.installation.install_line import DISTRIBUTION, word_install_hint


class Unmet(NamedTuple):
    """A requirement that is not met; `installed` is a version, `None` = there is none."""

    name: str
    versions: str
    installed: str | None

    def __str__(self) -> str:
        needed = f"{self.name} {self.versions}".strip()
        if self.installed is None:
            return f"{needed}, which is not installed"
        return f"{needed}, and {self.installed} is installed"


def find_requirement_error(extra: str = "") -> ConfigError | None:
    """Return an error that names what gpcli, with `extra`, needs and has not; `None` = nothing.

    That is also the answer where it can't be told, since the metadata can't be read.
    """
    try:
        unmet = list(_iterate_unmet(extra))
    except Exception:  # whatever is wrong with metadata, another error is being reported
        return None
    if not unmet:
        return None
    return ConfigError(
        f"gpcli needs {'; '.join(map(str, unmet))}.", hint=word_install_hint(extra=extra)
    )


def _iterate_unmet(extra: str) -> Iterator[Unmet]:
    """Yield what is not met of the requirements of gpcli, and of its `extra`.

    A package of the extra that is not there at all is no fault: perhaps none of them is wanted.
    """
    requires = metadata.requires(DISTRIBUTION) or ()
    try:
        from packaging.requirements import Requirement  # noqa: PLC0415  (start-up: only failures)
    except ModuleNotFoundError:
        yield Unmet("packaging", "", None)
        return
    for requirement in map(Requirement, requires):
        marker = requirement.marker
        is_needed = marker is None or marker.evaluate({"extra": ""})
        if not is_needed and not (marker and marker.evaluate({"extra": extra})):
            continue
        installed = _find_version(requirement.name)
        if installed is None and not is_needed:
            continue
        if installed is None or not requirement.specifier.contains(installed, prereleases=True):
            yield Unmet(requirement.name, str(requirement.specifier), installed)


def _find_version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
