"""What is new in a report since an earlier one of `gpcli smoke`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gpcli.errors import InvalidUsage
from gpcli.model.account import Verdict
from gpcli.model.smoke import REPORT_FORMAT, Change, CheckReport
from gpcli.smoke.check import SmokeCheck
from gpcli.smoke.record_checks import SERVICE
from gpcli.smoke.runner import CHECKS, SERVICE_COVERAGE

_HINT = "gpcli smoke --report FILE writes one."


def parse_report(content: bytes, name: str) -> Mapping[str, Verdict]:
    """Return how each check of a report came out, by its name; `name` is that of the file.

    Raises: InvalidUsage for what is no report, or one of another form.
    """
    if not content.strip():
        raise InvalidUsage(
            f"--compare: '{name}' is empty: the run that was to write it checked nothing.",
            hint=_HINT,
        )
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


def select_comparable(
    before: Mapping[str, Verdict], chosen: Sequence[SmokeCheck]
) -> dict[str, Verdict]:
    """Return what an earlier report has of the checks `chosen` now, and of those that are gone."""
    unchosen = {each.name for each in CHECKS} - {each.name for each in chosen}
    if not any(SERVICE in each.tags for each in chosen):
        unchosen.add(SERVICE_COVERAGE)
    return {name: status for name, status in before.items() if name not in unchosen}


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
