"""The causes that checks give are words that the JSON Schema of a finding lists."""

import ast
from pathlib import Path

from gpcli.render.json_schema import find_schema
from gpcli.troubleshoot import diagnosis

CHECKS = Path(diagnosis.__file__).parent
FINDING = find_schema("troubleshoot")["$defs"]["Finding"]["properties"]
LISTED = FINDING["cause"]["anyOf"][0]["enum"]


def written_causes():
    """The cause that each call of `warning` and each CheckResult is given, as source."""
    for path in CHECKS.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
                at = {"warning": 1, "CheckResult": 2}.get(call.func.id, len(call.args))
                yield from call.args[at : at + 1]


def test_a_cause_that_is_written_out_is_listed():
    words = [each.value for each in written_causes() if isinstance(each, ast.Constant)]
    assert words
    assert set(words) <= set(LISTED)
