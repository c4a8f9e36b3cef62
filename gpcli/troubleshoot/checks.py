"""The checks in order: what a command meets first comes first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpcli.errors import GpcliError
from gpcli.model.finding import Finding, Verdict
from gpcli.troubleshoot import machine, rights, sign_in, way
from gpcli.troubleshoot.check import Check

CHECKS = (
    Check("variables", machine.variables),
    Check("configuration", machine.configuration),
    Check("profile", machine.profile, ("configuration",)),
    Check("production-guard", machine.production_guard, ("profile",)),
    Check("folders", machine.folders),
    Check("keyring", machine.keyring),
    Check("browser", machine.browser),
    Check("proxy", way.proxy, ("variables", "production-guard")),
    Check("name-lookup", way.name_lookup, ("proxy",)),
    Check("connection", way.connection, ("name-lookup",)),
    Check("certificate", way.certificate, ("connection",)),
    Check("portal", way.portal, ("certificate",)),
    Check("clock", way.clock, ("certificate",)),
    Check("smart-configuration", sign_in.smart_configuration, ("portal",)),
    Check("sign-in-options", sign_in.sign_in_options, ("smart-configuration",)),
    Check("session", sign_in.session, ("variables", "production-guard", "keyring")),
    Check("access", sign_in.access, ("portal", "session")),
    Check("scopes", rights.scopes, ("session",)),
    Check("portal-support", rights.portal_support, ("portal",)),
    Check("consent", rights.consent, ("access",)),
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
