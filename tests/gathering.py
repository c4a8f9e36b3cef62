"""What the processes of a test run find out, gathered in the one that sums it up.

With `-n`, the workers of xdist collect and run the tests, and another process writes the summary.
"""

from __future__ import annotations

from typing import Any

import pytest

_KEPT = pytest.StashKey[dict[str, dict[str, Any]]]()
_SENT = "gathered"


def gathered(config: pytest.Config, name: str) -> dict[str, Any]:
    """What has been found out under `name`, to be added to: strings, numbers, lists, dictionaries.

    A worker sends it at its end.
    """
    sent = getattr(config, "workeroutput", {})
    kept: dict[str, dict[str, Any]] = config.stash.setdefault(_KEPT, sent.setdefault(_SENT, {}))
    return kept.setdefault(name, {})


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker sent; one that crashed sent nothing."""
    for name, found in getattr(node, "workeroutput", {}).get(_SENT, {}).items():
        gathered(node.config, name).update(found)
