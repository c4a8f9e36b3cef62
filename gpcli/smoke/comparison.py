"""What is new in a report since an earlier one of `gpcli smoke --json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gpcli.errors import InvalidUsage
from gpcli.model.account import Verdict
from gpcli.model.smoke import REPORT_FORMAT, Change, CheckReport

_HINT = "gpcli smoke --json > FILE writes one."


def parse_report(content: bytes, name: str) -> Mapping[str, Verdict]:
    """Return how each check of a report came out, by its name; `name` is that of the file.

    Raises: InvalidUsage for what is no report, or one of another form.
    """
    try:
        document: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InvalidUsage(f"--compare: '{name}' is not JSON: {error}.", hint=_HINT) from None
    if not isinstance(document, dict) or "report" not in document:
        raise InvalidUsage(f"--compare: '{name}' is no report of gpcli smoke.", hint=_HINT)
    if document["report"] is True or document["report"] != REPORT_FORMAT:
        raise InvalidUsage(
            f"--compare: '{name}' is a report of the form {document['report']!r}, and this gpcli "
            f"compares those of the form {REPORT_FORMAT}.",
            hint="Make the earlier report with this version.",
        )
    try:
        return {str(each["name"]): Verdict(each["status"]) for each in document["checks"]}
    except (KeyError, TypeError, ValueError):
        raise InvalidUsage(
            f"--compare: the checks in '{name}' can't be read.", hint=_HINT
        ) from None


def compare_reports(
    before: Mapping[str, Verdict], checks: Sequence[CheckReport]
) -> tuple[Change, ...]:
    """Return the checks that come out otherwise than before, and those that are new or gone."""
    now = {check.name: check.status for check in checks}
    names = dict.fromkeys((*now, *before))
    return tuple(
        Change(name, before.get(name), now.get(name))
        for name in names
        if before.get(name) != now.get(name)
    )
