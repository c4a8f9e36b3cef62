"""The lines of the contract (docs/portal.md) that a portal has to keep, or should.

A line is the first cell of a row there. What a portal *may* do is no duty, so it is not here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gpcli.errors import SignInError, Unavailable, Unexpected, UsageError, list_coded_errors
from gpcli.model.account import Verdict
from gpcli.model.smoke import CheckReport, ContractLine, Coverage, Proof

CONFIGURATION = "SMART configuration"
SIGN_IN = "Sign-in"
THIS_PORTAL_ALONE = "Tokens for this portal alone"
PATIENT = "The patient"
CLOCK_AND_KEYS = "A true clock, and keys that can be fetched"
TOKENS_END = "Tokens that end"

CAPABILITIES = "CapabilityStatement"
GP_RECORDS = "Patient, PractitionerRole, Practitioner, Organization, Location"
READ_APPOINTMENT = "Appointment, to be read"
READ_COMMUNICATION = "Communication, to be read"
PRESCRIPTIONS = "MedicationRequest, Medication"
OTHERS = "Another patient's records"
OUTCOME = "OperationOutcome"

SLOTS = "Slot, Schedule"
WRITE_APPOINTMENT = "Appointment, to be written"
IDENTIFIER = "Search by `identifier`"
ONE_PATIENT = "A time is for one patient"
WRITE_COMMUNICATION = "Communication, to be written"
TASK = "Task"

SERVICES = "HealthcareService"
CONSENT = "Consent levels"
PRICES = "Prices"

BATCH = "`batch` at the base"
TRANSACTION = "`transaction` at the base, whole or not at all"
PAGES = "`next` links (relative ones are resolved by RFC 3986), and a true `total`"
CONDITIONAL = "`conditionalCreate` on Appointment, Communication, Task and Consent"
RECEIVED = "`update` on Communication, for `received`"
DISPENSES = "MedicationDispense, found by `_revinclude=MedicationDispense:prescription`"
FILES = "Binary, DocumentReference"
VERSIONS = "ETag, `If-Match`"
ANSWERS = "AppointmentResponse, found by `_revinclude=AppointmentResponse:appointment`"
IMMUNIZATIONS = "Immunization, whose vaccine has a code of ATC or CVX, or influenza in its name"
REFRESH = (
    "refresh tokens (`offline_access`) that are replaced when used, with 30 s of grace for the "
    "last one"
)
REVOCATION = "revocation (RFC 7009) of refresh tokens"

CONTRACT: Mapping[str, Sequence[str]] = {
    "Sign-in": (
        CONFIGURATION,
        SIGN_IN,
        THIS_PORTAL_ALONE,
        PATIENT,
        CLOCK_AND_KEYS,
        TOKENS_END,
    ),
    "Reads": (
        CAPABILITIES,
        GP_RECORDS,
        READ_APPOINTMENT,
        READ_COMMUNICATION,
        PRESCRIPTIONS,
        OTHERS,
        OUTCOME,
    ),
    "Writes by the standards": (
        SLOTS,
        WRITE_APPOINTMENT,
        IDENTIFIER,
        ONE_PATIENT,
        WRITE_COMMUNICATION,
        TASK,
    ),
    "The whole service list": (SERVICES, CONSENT, PRICES),
    "Should": (
        BATCH,
        TRANSACTION,
        PAGES,
        CONDITIONAL,
        RECEIVED,
        DISPENSES,
        FILES,
        VERSIONS,
        ANSWERS,
        IMMUNIZATIONS,
        REFRESH,
        REVOCATION,
    ),
}
"""Heading -> the lines below it, in the order of the document."""

NEVER_TRIED: Mapping[str, str] = {
    SIGN_IN: "it needs a person at the sign-in page",
    REVOCATION: "it would end the session",
    TRANSACTION: "a part that fails would have to be sent",
}
"""Line -> why no check is about it."""


_NO_VERDICT = frozenset(
    each.code
    for each in list_coded_errors()
    if issubclass(each, SignInError | Unavailable | UsageError | Unexpected)
)
"""Causes of failures that say nothing of the portal: it was not asked, or did not answer."""


def build_coverage(reports: Sequence[CheckReport]) -> Coverage:
    """Return what the checks of a run say of each line of the contract."""
    lines = tuple(_judge_lines(reports))
    states = [line.status for line in lines]
    proved, failed = states.count("proved"), states.count("failed")
    return Coverage(proved, failed, len(lines) - proved - failed, lines)


def _judge_lines(reports: Sequence[CheckReport]) -> Iterator[ContractLine]:
    for section, lines in CONTRACT.items():
        for line in lines:
            about = [report for report in reports if line in report.proves]
            made = [report for report in about if _is_verdict(report)]
            status: Proof = "proved" if made else "not_tried"
            if any(report.has_failed for report in made):
                status = "failed"
            why = None if made else _find_reason(line, about)
            yield ContractLine(section, line, status, tuple(each.name for each in made), why)


def _is_verdict(report: CheckReport) -> bool:
    return report.status is not Verdict.SKIPPED and report.cause not in _NO_VERDICT


def _find_reason(line: str, about: Sequence[CheckReport]) -> str:
    """Return why none of the checks of a line says something of it."""
    unchosen = NEVER_TRIED.get(line, "its checks were not chosen")
    return about[0].seen if about else unchosen
