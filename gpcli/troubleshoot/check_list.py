"""The list of checks, in the order in which a command depends on them."""

from __future__ import annotations

from collections.abc import Sequence

from gpcli.errors import GpcliError, list_coded_errors
from gpcli.model.account import Finding, Verdict
from gpcli.troubleshoot import computer_checks, sign_in_checks
from gpcli.troubleshoot.check import Check

CHECKS = (
    Check("variables", computer_checks.check_variables),
    Check("configuration", computer_checks.check_configuration),
    Check("profile", computer_checks.check_profile, ("configuration",)),
    Check("production-guard", computer_checks.check_production_guard, ("profile",)),
    Check("folders", computer_checks.check_folders),
    Check("keyring", computer_checks.check_keyring),
    Check("browser", computer_checks.check_browser),
    Check("proxy", computer_checks.check_proxy, ("variables", "production-guard")),
    Check("name-lookup", computer_checks.check_name_lookup, ("proxy",)),
    Check("connection", computer_checks.check_connection, ("name-lookup",)),
    Check("certificate", computer_checks.check_certificate, ("connection",)),
    Check("portal", computer_checks.check_portal, ("certificate",)),
    Check("clock", computer_checks.check_clock, ("certificate",)),
    Check("smart-configuration", sign_in_checks.check_smart_configuration, ("portal",)),
    Check("sign-in-options", sign_in_checks.check_sign_in_options, ("smart-configuration",)),
    Check("session", sign_in_checks.check_session, ("variables", "production-guard", "keyring")),
    Check("access", sign_in_checks.check_access, ("portal", "session")),
    Check("scopes", sign_in_checks.check_scopes, ("session",)),
    Check("portal-support", sign_in_checks.check_portal_support, ("portal",)),
    Check("consent", sign_in_checks.check_consent, ("access",)),
)
"""Every check, in order; the names are interface."""


def build_error(findings: Sequence[Finding]) -> GpcliError | None:
    """Return the error with which the command ends, of the type that the first failed check names.

    `None` = no check failed.
    """
    failed = [finding for finding in findings if finding.status is Verdict.FAILED]
    if not failed:
        return None
    kinds = {kind.code: kind for kind in list_coded_errors()}
    names = ", ".join(finding.name for finding in failed)
    kind = kinds.get(failed[0].cause or "", GpcliError)
    return kind(
        f"{len(failed)} of {len(findings)} checks failed: {names}.",
        hint=_HINT if failed[1:] else "",
    )


_HINT = "Begin with the first: the others may follow from it."
