"""Portals and who is signed in there."""

from __future__ import annotations

from gpcli.model.account import KnownPortal, SignedOut, SignInState, SignInSummary
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, View, dataclass_view
from gpcli.render.views.wording import acting_name, format_acting_user

PORTALS: View[KnownPortal] = dataclass_view(
    KnownPortal,
    "profiles",
    (
        Column("profile", "Profile", lambda portal: portal.profile),
        Column("portal", "Portal", lambda portal: portal.portal),
        Column("environment", "Environment", lambda portal: portal.environment),
        Column("default", "Default", lambda portal: portal.default),
        Column("people", "Signed in", lambda portal: portal.people),
    ),
)


def _format_unattended(sign_in: SignInState | SignInSummary, time_format: TimeFormat) -> str:
    if (
        sign_in.until is None
        and isinstance(sign_in, SignInState)
        and sign_in.machine
        and sign_in.renews
    ):
        return "as long as the portal lets the machine in"
    if sign_in.until is None:
        return "as long as the portal renews the session" if sign_in.renews else "not known"
    return f"until {time_format.time(sign_in.until, str(sign_in.until.tzinfo))}"


SIGN_INS: View[SignInState] = dataclass_view(
    SignInState,
    "whoami",
    (
        Column("patient", "Patient", lambda state: state.patient.name),
        Column("acting_user", "Acting user", acting_name, format_acting_user),
        Column("profile", "Profile", lambda state: state.profile),
        Column("portal", "Portal", lambda state: state.portal),
        Column("environment", "Environment", lambda state: state.environment),
        Column("consent", "Consent", lambda state: state.consent and state.consent.value),
        Column("until", "Works unattended", lambda state: state.until, _format_unattended),
        Column("renews", "Renews itself", lambda state: state.renews, in_table=False),
        Column(
            "machine", "Machine", lambda state: state.machine, lambda state, _: state.machine or ""
        ),
    ),
)

SIGNED_IN: View[SignInSummary] = dataclass_view(
    SignInSummary,
    "login",
    (
        Column("patient", "Patient", lambda summary: summary.patient.name),
        Column("acting_user", "Acting user", acting_name, format_acting_user),
        Column("profile", "Profile", lambda summary: summary.profile),
        Column("environment", "Environment", lambda summary: summary.environment),
        Column(
            "gp",
            "GP",
            lambda summary: tuple(surgery.label for surgery in summary.surgeries),
            json_path="surgeries",
        ),
        Column("offered", "Offers online", lambda summary: summary.offered),
        Column("until", "Works unattended", lambda summary: summary.until, _format_unattended),
    ),
)

SIGNED_OUT: View[SignedOut] = dataclass_view(
    SignedOut,
    "logout",
    (
        Column("patient", "Signed out", lambda account: account.patient),
        Column("profile", "Profile", lambda account: account.profile),
        Column("revoked", "Ended at the portal", lambda account: account.revoked),
    ),
)
