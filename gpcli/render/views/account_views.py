"""Portals and who is signed in there."""

from __future__ import annotations

from gpcli.model.account import KnownPortal, SignedOut, SignInState, SignInSummary
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, View, record_view
from gpcli.render.views.wording import acting_name, acting_words

PORTALS: View[KnownPortal] = record_view(
    KnownPortal,
    "profiles",
    (
        Column("profile", "Profile", lambda one: one.profile),
        Column("portal", "Portal", lambda one: one.portal),
        Column("environment", "Environment", lambda one: one.environment),
        Column("default", "Default", lambda one: one.default),
        Column("people", "Signed in", lambda one: one.people),
    ),
)


def _unattended(one: SignInState | SignInSummary, time_format: TimeFormat) -> str:
    if one.until is None and isinstance(one, SignInState) and one.machine and one.renews:
        return "as long as the portal lets the machine in"
    if one.until is None:
        return "as long as the portal renews the session" if one.renews else "not known"
    return f"until {time_format.time(one.until, str(one.until.tzinfo))}"


SIGN_INS: View[SignInState] = record_view(
    SignInState,
    "whoami",
    (
        Column("patient", "Patient", lambda one: one.patient.name),
        Column("acting_user", "Acting user", acting_name, acting_words),
        Column("profile", "Profile", lambda one: one.profile),
        Column("portal", "Portal", lambda one: one.portal),
        Column("environment", "Environment", lambda one: one.environment),
        Column("consent", "Consent", lambda one: one.consent and one.consent.value),
        Column("until", "Works unattended", lambda one: one.until, _unattended),
        Column("renews", "Renews itself", lambda one: one.renews, in_table=False),
        Column("machine", "Machine", lambda one: one.machine, lambda one, _: one.machine or ""),
    ),
)

SIGNED_IN: View[SignInSummary] = record_view(
    SignInSummary,
    "login",
    (
        Column("patient", "Patient", lambda one: one.patient.name),
        Column("acting_user", "Acting user", acting_name, acting_words),
        Column("profile", "Profile", lambda one: one.profile),
        Column("environment", "Environment", lambda one: one.environment),
        Column(
            "gp", "GP", lambda one: tuple(each.label for each in one.surgeries), inside="surgeries"
        ),
        Column("offered", "Offers online", lambda one: one.offered),
        Column("until", "Works unattended", lambda one: one.until, _unattended),
    ),
)

SIGNED_OUT: View[SignedOut] = record_view(
    SignedOut,
    "logout",
    (
        Column("patient", "Signed out", lambda one: one.patient),
        Column("profile", "Profile", lambda one: one.profile),
        Column("revoked", "Ended at the portal", lambda one: one.revoked),
    ),
)
