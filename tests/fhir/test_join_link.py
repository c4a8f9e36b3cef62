"""Where a video consultation is held: as the surgery wrote it."""

from __future__ import annotations

import pytest

from gpcli.fhir.element import Malformed
from gpcli.fhir.scheduling import read_appointment
from gpcli.model.appointment import Appointment
from tests.portal.builders import a_bundle, an_appointment

VIRTUAL = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"
ROOM = "https://video.example/room/1"


def read(appointment: dict) -> Appointment:
    bundle = a_bundle(appointment)
    return read_appointment(bundle.matches[0], bundle, {}, {}, "Europe/Oslo")


def virtual(*parts: dict, url: str = VIRTUAL) -> dict:
    return {"url": url, "extension": list(parts)}


@pytest.mark.parametrize(
    ("parts", "join_url"),
    [
        ([{"url": "addressUrl", "valueUrl": ROOM}], ROOM),
        ([{"url": "addressUrl", "valueUri": ROOM}], ROOM),
        ([{"url": "address", "valueString": ROOM}], ROOM),
        ([{"url": "address[x]", "valueUrl": ROOM}], ROOM),
        ([{"url": "channelType", "valueCoding": {}}, {"url": "address", "valueUrl": ROOM}], ROOM),
        ([{"url": "address"}, {"url": "addressUrl", "valueUrl": ROOM}], ROOM),
        ([{"url": "addressUrl", "valueUrl": "javascript:alert(1)"}], "javascript:alert(1)"),
        ([{"url": "additionalInfo", "valueUrl": ROOM}], None),
        ([], None),
    ],
)
def test_a_video_consultation_has_the_link_that_the_surgery_wrote(
    parts: list[dict], join_url: str | None
):
    assert read(an_appointment(extension=[virtual(*parts)])).join_url == join_url


def test_a_link_in_another_extension_is_no_place_to_meet():
    other = virtual({"url": "addressUrl", "valueUrl": ROOM}, url="urn:other")
    assert read(an_appointment(extension=[other])).join_url is None


@pytest.mark.parametrize("broken", [{"valueUrl": 1}, {"valueUrl": [ROOM]}, {"valueString": {}}])
def test_a_broken_link_is_malformed(broken: dict):
    with pytest.raises(Malformed, match="value"):
        read(an_appointment(extension=[virtual({"url": "addressUrl", **broken})]))
