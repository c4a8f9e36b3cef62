"""Consent: what it opens, and what ends with it."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.needs("Consent:create", "Consent:update", "Consent:search-type")

LINE = {
    "grant": "gpcli consent grant --yes",
    "withdraw": "gpcli consent withdraw --confirm withdraw",
}


def active(visit):
    found = visit.found("Consent", patient=f"Patient/{visit.patient.id}", status="active")
    return [each["policyRule"]["coding"][0]["code"] for each in found]


def test_the_consent_that_was_given_is_shown(visit):
    [there] = visit.portal.fetch_consent_state().consents

    assert (there.id, there.level, there.status) == (
        f"consent-{visit.patient.number}",
        "full-access",
        "active",
    )


def test_withdrawn_consent_is_inactive_and_booking_needs_it(visit):
    visit.shell.json(LINE["withdraw"])

    assert active(visit) == []
    assert visit.shell("gpcli book --first --yes --json").refused == (5, "consent_needed", "")


def test_consent_can_be_given_again(visit):
    visit.shell.json(LINE["withdraw"])

    given = visit.shell.json(LINE["grant"])

    assert given["changed"]
    assert active(visit) == ["full-access"]
