"""Portals and who is signed in there."""

from __future__ import annotations

from gpcli.model.account import KnownPortal, SignedOut, SignInState, SignInSummary
from gpcli.render.record import record_of
from gpcli.render.times import Surroundings
from gpcli.render.view import Column, View
from gpcli.render.views.wording import acting_words

PORTALS: View[KnownPortal] = View(
    "profiles",
    (
        Column("profile", "Profile", lambda one: one.profile),
        Column("portal", "Portal", lambda one: one.portal),
        Column("environment", "Environment", lambda one: one.environment),
        Column("default", "Default", lambda one: one.default),
        Column("people", "Signed in", lambda one: one.people),
    ),
    record_of,
)


def _unattended(one: SignInState | SignInSummary, around: Surroundings) -> str:
    if one.until is None:
        return "as long as the portal renews the session" if one.renews else "not known"
    return f"until {one.until.astimezone(around.machine_zone):%a %d %b %Y %H:%M}"


SIGN_INS: View[SignInState] = View(
    "whoami",
    (
        Column("patient", "Patient", lambda one: one.patient.name),
        Column("acting_user", "Acting user", lambda one: one.acting_user.name, acting_words),
        Column("profile", "Profile", lambda one: one.profile),
        Column("portal", "Portal", lambda one: one.portal),
        Column("environment", "Environment", lambda one: one.environment),
        Column("consent", "Consent", lambda one: one.consent and one.consent.value),
        Column("until", "Works unattended", lambda one: one.until, _unattended),
        Column("renews", "Renews itself", lambda one: one.renews, in_table=False),
    ),
    record_of,
)

SIGNED_IN: View[SignInSummary] = View(
    "login",
    (
        Column("patient", "Patient", lambda one: one.patient.name),
        Column("acting_user", "Acting user", lambda one: one.acting_user.name, acting_words),
        Column("profile", "Profile", lambda one: one.profile),
        Column("environment", "Environment", lambda one: one.environment),
        Column("gp", "GP", lambda one: tuple(each.label for each in one.surgeries)),
        Column("offered", "Offers online", lambda one: one.offered),
        Column("until", "Works unattended", lambda one: one.until, _unattended),
    ),
    record_of,
    (
        "patient",
        "acting_user",
        "profile",
        "environment",
        "surgeries",
        "offered",
        "until",
        "renews",
    ),
)

SIGNED_OUT: View[SignedOut] = View(
    "logout",
    (
        Column("patient", "Signed out", lambda one: one.patient),
        Column("profile", "Profile", lambda one: one.profile),
        Column("revoked", "Ended at the portal", lambda one: one.revoked),
    ),
    record_of,
    ("profile", "patient", "revoked"),
)
