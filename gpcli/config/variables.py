"""Reading gpcli's own environment variables: what surrounds a value does not count.

Nothing is imported: help and completion, which have to be fast, use it.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


NOTIFY_BEARER = "GPCLI_NOTIFY_TOKEN"
"""The variable with the token for where a watch sends what it tells."""

SECRETS = ("GPCLI_TOKEN", NOTIFY_BEARER)
"""Variables that other programs do not get."""


def without_secrets(env: "Mapping[str, str]") -> "dict[str, str]":
    """Return the environment for a program of the person's."""
    return {name: value for name, value in env.items() if name not in SECRETS}


def find_variable(env: "Mapping[str, str]", name: str) -> str:
    """Return a variable's value without the spaces and line ends around it; empty = it has none.

    A file of variables, in YAML or for `--env-file`, often ends in a line end of its own.
    """
    return env.get(name, "").strip()
