"""What the fixtures of gpcli's pytest plugin give: docs/pytest.md.

Tests name these types: `def test_it(gpcli_run: GpcliRun) -> None`. Each is called as its fixture.
"""

from gpcli.testing.runs import GpcliResult, GpcliRun
from gpcli.testing.sandbox_handle import GpcliPortal, GpcliSandbox

__all__ = ["GpcliPortal", "GpcliResult", "GpcliRun", "GpcliSandbox"]
