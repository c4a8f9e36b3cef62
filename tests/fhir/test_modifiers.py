"""What changes the meaning of a record is heeded: R4's modifier elements, extensions, rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gpcli.fhir.bundle import read_bundle
from gpcli.fhir.element import read_resource
from gpcli.fhir.healthcare_service import read_offers
from gpcli.fhir.modifiers import AS_WRITTEN, DECIDING_CODES, NotUnderstood, describe_unknown_codes
from gpcli.model.service import Surgery
from gpcli.portal.mapping import RecordMapper
from gpcli.portal.portal_profile import PortalProfile
from tests.fhir.r4_modifiers import MODIFIERS, READ_TYPES
from tests.portal.builders import a_searchset, a_service

NOW = datetime(2027, 3, 1, 8, tzinfo=ZoneInfo("Europe/Oslo"))
EXTENSION = {"modifierExtension": [{"url": "urn:x:not", "valueBoolean": True}]}
RULES = {"implicitRules": "urn:x:rules"}
DEEP = {
    "at the top": EXTENSION,
    "in a part": {"part": [{"deeper": EXTENSION}]},
    "in what it contains": {
        "contained": [{"resourceType": "Organization", "id": "1", **EXTENSION}]
    },
    "in rules": RULES,
}
KEPT_APART = {"OperationOutcome"}
"""What is no record in a bundle, but says how the search went."""

CODED = {name for name in MODIFIERS if isinstance(MODIFIERS[name].usual, str)}
"""The modifier elements of resources and datatypes that are codes, as their values show."""
IN_PARTS = {
    *("Address.use", "ContactPoint.use", "HumanName.use", "Identifier.use"),
    "Patient.link",
}
"""Those of them that spoil no record: a part with another code is read as one without."""


@pytest.mark.parametrize("name", MODIFIERS)
def test_a_modifier_element_changes_what_is_read(name: str):
    modifier = MODIFIERS[name]
    assert modifier.read(modifier.usual) != modifier.read(modifier.other)


def test_every_modifier_that_is_a_code_is_understood_by_its_codes_alone():
    assert CODED - IN_PARTS | {"Slot.status"} == set(DECIDING_CODES)
    for name in CODED - IN_PARTS:
        assert {MODIFIERS[name].usual, MODIFIERS[name].other} < DECIDING_CODES[name]


NOT_UNDERSTOOD = [
    (kind, more) for kind in READ_TYPES if kind not in KEPT_APART for more in DEEP.values()
] + [
    (kind, {element: "no-such-code"})
    for kind, _, element in (name.partition(".") for name in DECIDING_CODES)
    if f"{kind}.{element}" not in AS_WRITTEN
]


@pytest.mark.parametrize(("kind", "more"), NOT_UNDERSTOOD)
def test_a_record_with_an_unknown_modifier_is_left_out_and_named(kind: str, more: dict[str, Any]):
    record: dict[str, Any] = {"resourceType": kind, "id": "1", **more}
    included = read_bundle(a_searchset(included=[record]), [])
    assert included.get(f"{kind}/1") is None
    assert len(included.flaws) == 1
    assert included.flaws[0].startswith(f"{kind}/1 ")
    mapper = RecordMapper(
        "1", PortalProfile({}, "proposed", "Europe/Oslo"), [], set(), now=lambda: NOW
    )
    with pytest.raises(NotUnderstood):
        mapper.is_own(read_bundle(a_searchset(record), []).matches[0])


@pytest.mark.parametrize("kind", [each.partition(".")[0] for each in sorted(AS_WRITTEN)])
def test_a_visit_a_message_or_an_answer_of_an_unknown_status_is_kept_and_named(kind: str):
    record = {"resourceType": kind, "id": "1", "status": "no-such-code"}
    bundle = read_bundle(a_searchset(included=[record]), [])
    assert (bundle.get(f"{kind}/1") is not None, bundle.flaws) == (True, [])
    assert list(describe_unknown_codes(bundle.resources[f"{kind}/1"])) == [
        f"{kind}/1 has a status that R4 does not have: 'no-such-code'."
    ]
    usual = MODIFIERS[f"{kind}.status"].usual
    assert not list(describe_unknown_codes(read_resource(record | {"status": usual}, [])))


@pytest.mark.parametrize("place", DEEP)
def test_a_service_that_was_searched_for_by_itself_is_no_exception(place: str):
    service = read_resource(a_service(**DEEP[place]), [])
    with pytest.raises(NotUnderstood):
        read_offers(service, Surgery("1", None, None), {}, NOW)


@pytest.mark.parametrize("empty", [{"modifierExtension": []}, {"implicitRules": None}])
@pytest.mark.parametrize("kind", [each for each in READ_TYPES if each not in KEPT_APART])
def test_a_record_without_such_a_modifier_is_kept(kind: str, empty: dict):
    bundle = read_bundle(a_searchset(included=[{"resourceType": kind, "id": "1", **empty}]), [])
    assert (bundle.get(f"{kind}/1") is not None, bundle.flaws) == (True, [])
