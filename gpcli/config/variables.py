"""Reading gpcli's own environment variables: what surrounds a value does not count.

Nothing is imported: help and completion, which have to be fast, use it.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def find_variable(env: "Mapping[str, str]", name: str) -> str:
    """Return a variable's value without the spaces and line ends around it; empty = it has none.

    A file of variables, in YAML or for `--env-file`, often ends in a line end of its own.
    """
    return env.get(name, "").strip()
