"""The report of `gpcli smoke` as JUnit XML, which CI servers read.

Source: the form that Jenkins' xUnit plugin publishes (junit-10.xsd).
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as Xml

from gpcli.errors import GpcliError
from gpcli.model.account import Verdict
from gpcli.model.smoke import CheckReport, SmokeReport
from gpcli.render.sanitise import safe_text

_SUITE = "gpcli smoke"
_NO_CHARACTER = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Source: XML 1.0, 2.2, Char."""


def format_junit(report: SmokeReport) -> bytes:
    """Return the document: one suite, a test case for each check; what was doubtful has passed."""
    suite = Xml.Element(
        "testsuite",
        name=_SUITE,
        tests=str(len(report.checks)),
        failures=str(report.count(Verdict.FAILED)),
        errors="0",
        skipped=str(report.count(Verdict.SKIPPED)),
        time=_format_seconds(report.ms),
        timestamp=report.started.replace(tzinfo=None).isoformat(timespec="seconds"),
    )
    properties = Xml.SubElement(suite, "properties")
    for name in ("gpcli", "portal", "profile", "environment", "write"):
        Xml.SubElement(properties, "property", name=name, value=_text(getattr(report, name)))
    for check in report.checks:
        _add_case(suite, check)
    return _format_document(suite)


def format_junit_error(error: GpcliError) -> bytes:
    """Return the document of a run that has no report: one case, with the error that ended it."""
    suite = Xml.Element(
        "testsuite", name=_SUITE, tests="1", failures="0", errors="1", skipped="0", time="0.000"
    )
    case = Xml.SubElement(suite, "testcase", classname="gpcli.smoke", name="run", time="0.000")
    told = Xml.SubElement(case, "error", message=_text(error.message), type=error.code)
    told.text = "\n".join(_text(each) for each in (error.message, error.hint) if each)
    return _format_document(suite)


def _format_document(suite: Xml.Element) -> bytes:
    root = Xml.Element("testsuites")
    root.append(suite)
    Xml.indent(root)
    document: bytes = Xml.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _add_case(suite: Xml.Element, check: CheckReport) -> None:
    case = Xml.SubElement(
        suite,
        "testcase",
        classname=f"gpcli.smoke.{check.tags[0]}",
        name=check.name,
        time=_format_seconds(check.ms),
    )
    if check.status is Verdict.SKIPPED:
        Xml.SubElement(case, "skipped", message=_text(check.seen))
    if check.has_failed:
        failure = Xml.SubElement(
            case, "failure", message=_text(check.seen), type=check.cause or "contract"
        )
        failure.text = "\n".join(_list_details(check))
    else:
        Xml.SubElement(case, "system-out").text = _text(f"{check.status.value}: {check.seen}")


def _list_details(check: CheckReport) -> list[str]:
    details = [check.seen, *(f"proves: {line}" for line in check.proves)]
    details += [f"X-Request-ID: {check.trace_id}"] if check.trace_id else []
    details += [f"answer: {check.excerpt}"] if check.excerpt else []
    return [_text(each) for each in details]


def _text(text: str) -> str:
    """Return text in which `\N{REPLACEMENT CHARACTER}` stands for what XML 1.0 can't hold."""
    return _NO_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", safe_text(text))


def _format_seconds(ms: int) -> str:
    return f"{ms / 1000:.3f}"
