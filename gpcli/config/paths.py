"""Directories for configuration, state and cache, by the XDG Base Directory specification.

`GPCLI_CONFIG_DIR` puts all three below one directory. Little is imported: shell completion and
help read the offer index through this module.
"""

import os

from gpcli.config.variables import find_variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


OUTBOX, SANDBOXES = "outbox", "sandboxes"
"""The directories of lines that went out, and of sandboxes that are served, in that of the state.
"""

_XDG_DIRS = {
    "config": ("XDG_CONFIG_HOME", ".config", "APPDATA"),
    "state": ("XDG_STATE_HOME", ".local/state", "LOCALAPPDATA"),
    "cache": ("XDG_CACHE_HOME", ".cache", "LOCALAPPDATA"),
}


def config_dir(env: "Mapping[str, str]") -> str:
    """Return the directory of `config.toml`."""
    return find_variable(env, "GPCLI_CONFIG_DIR") or _find_xdg_dir("config", env)


def state_dir(env: "Mapping[str, str]") -> str:
    """Return the directory of the journal, the offer index, listed ids, marks, plans and drafts."""
    return _find_below_root("state", env) or _find_xdg_dir("state", env)


def cache_dir(env: "Mapping[str, str]") -> str:
    """Return the directory of what can be fetched again: SMART configurations, capabilities."""
    return _find_below_root("cache", env) or _find_xdg_dir("cache", env)


def index_path(env: "Mapping[str, str]") -> str:
    """Return the path of the offer index, which help and completion read."""
    return os.path.join(state_dir(env), "index")  # noqa: PTH118  (pathlib doubles start-up)


def listed_path(env: "Mapping[str, str]") -> str:
    """Return the path of the ids that lists have shown, which completion reads."""
    return os.path.join(state_dir(env), "listed")  # noqa: PTH118  (as above)


def outbox_path(env: "Mapping[str, str]") -> str:
    """Return the directory of the lines that went out and are not known to be done."""
    return os.path.join(state_dir(env), OUTBOX)  # noqa: PTH118  (as above)


def sandboxes_path(env: "Mapping[str, str]") -> str:
    """Return the directory in which the sandboxes announce themselves that are served here."""
    return os.path.join(state_dir(env), SANDBOXES)  # noqa: PTH118  (as above)


def _find_below_root(kind: str, env: "Mapping[str, str]") -> str | None:
    root = find_variable(env, "GPCLI_CONFIG_DIR")
    return os.path.join(root, kind) if root else None  # noqa: PTH118  (as above)


def _find_xdg_dir(kind: str, env: "Mapping[str, str]") -> str:
    variable, below_home, windows = _XDG_DIRS[kind]
    if os.name == "nt":
        return os.path.join(env.get(windows) or "", "gpcli", kind)  # noqa: PTH118  (as above)
    directory = env.get(variable, "")
    if directory.startswith("/"):  # the specification ignores relative ones
        return f"{directory}/gpcli"
    home = env.get("HOME") or os.path.expanduser("~")  # noqa: PTH111  (as above)
    return f"{home}/{below_home}/gpcli"
