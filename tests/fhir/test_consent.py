"""Consents: their levels, and what granting and withdrawing write."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from gpcli.fhir.element import Malformed, read_resource
from gpcli.fhir.healthcare_service import (
    is_in_force,
    read_consent,
    write_consent_grant,
    write_consent_withdrawal,
)
from gpcli.model.service import Consent, ConsentLevel, highest_level
from tests.portal.builders import LEVEL, a_consent, concept

INTENT = UUID("4b5f9a52-5f0c-4f0e-9b6a-6a3f5f2a7c11")


def test_a_consent_has_its_level_status_and_date_as_written():
    assert read_consent(read_resource(a_consent(status="inactive"))) == Consent(
        "consent-full-access", "full-access", "inactive", "2027-01-04T09:00:00+01:00"
    )


@pytest.mark.parametrize(
    ("rule", "level"),
    [
        (concept("basic-plus", LEVEL), "basic-plus"),
        (concept("gold", LEVEL), "gold"),
        (concept("full-access", "urn:other"), None),
        ({"text": "Research registry"}, "Research registry"),
        (None, None),
    ],
)
def test_a_level_counts_only_in_our_system(rule: dict | None, level: str | None):
    assert read_consent(read_resource(a_consent(policyRule=rule))).level == level


@pytest.mark.parametrize(
    ("held", "highest"),
    [
        ((), ConsentLevel.BASIC),
        (("basic-plus", "basic"), ConsentLevel.BASIC_PLUS),
        (("full-access", "basic"), ConsentLevel.FULL_ACCESS),
        (("gold",), ConsentLevel.BASIC),
    ],
)
def test_the_highest_level_held_counts(held: tuple[str, ...], highest: ConsentLevel):
    assert highest_level(read_consent(read_resource(a_consent(level))) for level in held) is highest


@pytest.mark.parametrize("broken", [{"status": None}, {"id": 1}, {"policyRule": "full-access"}])
def test_a_broken_consent_is_malformed(broken: dict):
    with pytest.raises(Malformed):
        read_consent(read_resource(a_consent() | broken))


def test_granting_writes_an_active_permit_for_full_access():
    now = datetime(2027, 3, 1, 8, 0, 0, 5, tzinfo=ZoneInfo("Europe/Oslo"))
    written = write_consent_grant("kari", INTENT, now)
    scope, category = (written[name] for name in ("scope", "category"))
    assert read_consent(read_resource({**written, "id": "1"})) == Consent(
        "1", "full-access", "active", "2027-03-01T08:00:00+01:00"
    )
    assert scope["coding"][0]["code"] == "patient-privacy"
    assert category[0]["coding"][0]["code"] == "INFA"
    assert written["patient"] == {"reference": "Patient/kari"}
    assert written["identifier"] == [{"system": "urn:ietf:rfc:3986", "value": INTENT.urn}]
    assert written["provision"] == {"type": "permit"}


def test_withdrawing_changes_the_status_and_nothing_else():
    record = a_consent(extension=[{"url": "urn:x"}], unheardOf={"a": [1]})
    assert write_consent_withdrawal(read_resource(record)) == record | {"status": "inactive"}


NOW = datetime(2027, 3, 1, 8, tzinfo=ZoneInfo("Europe/Oslo"))
SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"


@pytest.mark.parametrize(
    ("more", "counts"),
    [
        ({}, True),
        ({"status": "inactive"}, False),
        ({"status": "proposed"}, False),
        ({"scope": concept("patient-privacy", SCOPE)}, True),
        ({"scope": concept("research", SCOPE)}, False),
        ({"scope": concept("patient-privacy", "urn:other")}, False),
        ({"scope": {"text": "Treatment"}}, False),
        ({"provision": {"type": "permit"}}, True),
        ({"provision": {"type": "deny"}}, False),
        ({"provision": {"period": {"start": "2027", "end": "2027-03-01"}}}, True),
        ({"provision": {"period": {"end": "2027-02-28"}}}, False),
        ({"provision": {"period": {"start": "2027-03-02"}}}, False),
    ],
)
def test_a_consent_counts_while_it_is_active_about_privacy_and_permits(more: dict, counts: bool):
    assert is_in_force(read_resource(a_consent(**more), []), NOW) is counts


@pytest.mark.parametrize(
    "broken",
    [
        {"status": 1},
        {"scope": "patient-privacy"},
        {"provision": {"type": 1}},
        {"provision": {"period": {"end": "x"}}},
    ],
)
def test_what_decides_whether_a_consent_counts_is_read_strictly(broken: dict):
    with pytest.raises(Malformed):
        is_in_force(read_resource(a_consent(**broken), []), NOW)
