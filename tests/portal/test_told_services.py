"""Whether a portal tells which services its GPs offer, and for how long that is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gpcli.fhir.bundle import Bundle, read_bundle
from gpcli.model.service import ServiceName
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.portal_profile import PortalProfile
from gpcli.portal.search import FhirSearch
from gpcli.portal.told_services import GUIDE, ToldServicesCache
from tests.portal.builders import a_searchset, a_service, an_outcome, concept
from tests.portal.scripted import ALL_ON, NOTHING, NOW, Reply, Server, client_to

SERVICE_TYPE = "http://terminology.hl7.org/CodeSystem/service-type"
MAP = {f"{SERVICE_TYPE}|57": ("booking", "flu-vaccination")}
STANDARD = a_service(type=[concept("57", SERVICE_TYPE)])
FOREIGN = a_service(type=[concept("124", SERVICE_TYPE)])
ALL = frozenset(ServiceName)
MAPPED = frozenset({ServiceName.BOOKING, ServiceName.FLU_VACCINATION})


def gps(*services: dict) -> Bundle:
    return read_bundle(a_searchset(included=list(services)))


def a_cache(
    server: Server,
    cache: Path,
    *,
    code_map: dict | None = None,
    listed: bool | None = None,
    guides: tuple[str, ...] = (),
    now: datetime = NOW,
) -> ToldServicesCache:
    stated = Capabilities(True, (), (), (), ALL_ON.searches, implementation_guides=guides)
    profile = PortalProfile(code_map or {}, "proposed", "Europe/Oslo", services_listed=listed)
    return ToldServicesCache(
        FhirSearch(client_to(server), lambda: stated), profile, cache, lambda: now
    )


@pytest.mark.parametrize(
    ("listed", "guides", "told"),
    [(True, (), ALL), (None, (GUIDE,), ALL), (False, (GUIDE,), frozenset())],
    ids=["the profile", "the guide", "the profile before the guide"],
)
def test_the_profile_or_the_guide_say_so_without_a_request(
    server: Server, tmp_path: Path, listed: bool | None, guides: tuple[str, ...], told: frozenset
):
    found = a_cache(server, tmp_path, listed=listed, guides=guides).fetch(gps())
    assert (found.services, found.by_own_codes) == (told, bool(told))
    assert server.requests == []


def test_a_gps_own_service_in_our_codes_says_so_without_a_request(server: Server, tmp_path: Path):
    assert a_cache(server, tmp_path).fetch(gps(a_service())) == (ALL, True)
    assert server.requests == []


@pytest.mark.parametrize(
    ("there", "code_map", "told"),
    [
        ([a_service()], {}, (ALL, True)),
        ([FOREIGN], {}, (frozenset(), False)),
        ([], {}, (frozenset(), False)),
        ([STANDARD], {}, (frozenset(), False)),
        ([STANDARD], MAP, (MAPPED, False)),
        ([STANDARD, a_service("contact")], MAP, (ALL, True)),
    ],
    ids=["our codes", "others", "none", "not mapped", "mapped", "both"],
)
def test_anybodys_service_in_a_known_code_says_so(
    server: Server, tmp_path: Path, there: list, code_map: dict, told: tuple
):
    server.on("GET HealthcareService", a_searchset(*there))
    assert a_cache(server, tmp_path, code_map=code_map).fetch(gps()) == told
    assert len(server.requests) == 1


def test_it_is_asked_for_once_and_kept_as_long_as_the_capabilities(server: Server, tmp_path: Path):
    server.on("GET HealthcareService", a_searchset(a_service()))
    for hours in (0, 1, 23):
        later = NOW + timedelta(hours=hours)
        assert a_cache(server, tmp_path, now=later).fetch(gps()).services == ALL
    assert len(server.requests) == 1
    a_cache(server, tmp_path, now=NOW + timedelta(hours=25)).fetch(gps())
    a_cache(server, tmp_path, code_map=MAP).fetch(gps())
    assert len(server.requests) == 3


@pytest.mark.parametrize("kept", ["", "[]", '{"at": "x", "codes": "own"}', '{"at": 1, "codes": 2}'])
def test_a_broken_cache_counts_as_none(server: Server, tmp_path: Path, kept: str):
    server.on("GET HealthcareService", NOTHING)
    a_cache(server, tmp_path).fetch(gps())
    for path in tmp_path.iterdir():
        path.write_text(kept)
    assert a_cache(server, tmp_path).fetch(gps()).services == frozenset()
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_portal_that_does_not_show_services_tells_of_none(
    server: Server, tmp_path: Path, status: int
):
    server.on("GET HealthcareService", Reply(an_outcome(), status))
    assert a_cache(server, tmp_path).fetch(gps()).services == frozenset()
