"""The checks in order: what a command meets first comes first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpcli.errors import GpcliError
from gpcli.model.finding import Finding, Verdict
from gpcli.troubleshoot import machine_checks, network_checks, sign_in_checks
from gpcli.troubleshoot.check import Check

CHECKS = (
    Check("variables", machine_checks.variables),
    Check("configuration", machine_checks.configuration),
    Check("profile", machine_checks.profile, ("configuration",)),
    Check("production-guard", machine_checks.production_guard, ("profile",)),
    Check("folders", machine_checks.folders),
    Check("keyring", machine_checks.keyring),
    Check("browser", machine_checks.browser),
    Check("proxy", network_checks.proxy, ("variables", "production-guard")),
    Check("name-lookup", network_checks.name_lookup, ("proxy",)),
    Check("connection", network_checks.connection, ("name-lookup",)),
    Check("certificate", network_checks.certificate, ("connection",)),
    Check("portal", network_checks.portal, ("certificate",)),
    Check("clock", network_checks.clock, ("certificate",)),
    Check("smart-configuration", sign_in_checks.smart_configuration, ("portal",)),
    Check("sign-in-options", sign_in_checks.sign_in_options, ("smart-configuration",)),
    Check("session", sign_in_checks.session, ("variables", "production-guard", "keyring")),
    Check("access", sign_in_checks.access, ("portal", "session")),
    Check("scopes", sign_in_checks.scopes, ("session",)),
    Check("portal-support", sign_in_checks.portal_support, ("portal",)),
    Check("consent", sign_in_checks.consent, ("access",)),
)
"""Every check; names are interface."""


def failure(findings: Sequence[Finding]) -> GpcliError | None:
    """The error to end with: of the kind of the first check that failed, `None` if none did."""
    failed = [finding for finding in findings if finding.status is Verdict.FAILED]
    if not failed:
        return None
    kinds = {kind.code: kind for kind in _kinds(GpcliError)}
    names = ", ".join(finding.name for finding in failed)
    kind = kinds.get(failed[0].cause or "", GpcliError)
    return kind(
        f"{len(failed)} of {len(findings)} checks failed: {names}.",
        hint=_HINT if failed[1:] else "",
    )


_HINT = "Begin with the first: the others may follow from it."


def _kinds(kind: type[GpcliError]) -> Iterator[type[GpcliError]]:
    """The errors that have a word of their own; those of other modules share it."""
    if "code" in vars(kind):
        yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)
