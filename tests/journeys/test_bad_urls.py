"""What is no web address, wherever one can stand: it is refused saying why, or left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gpcli.auth.vault import MemoryVault
from tests.bad_urls import NO_HOSTS
from tests.journeys.reported_practice import (
    appointment,
    message,
    practice,
    prescription,
    renewal,
    schedule,
    shell_with,
    slot,
)
from tests.journeys.shell import Shell

HOSTS = {why: host for host, why in NO_HOSTS.items()}
"""A host for each reason; tests/test_web_url.py has them all."""

URLS = [(f"https://{host}/fhir", why) for why, host in HOSTS.items()]
ENDPOINTS = (
    *("authorization_endpoint", "token_endpoint", "revocation_endpoint", "jwks_uri"),
    *("device_authorization_endpoint", "pushed_authorization_request_endpoint"),
)
READS = (
    *("whoami", "gp", "services", "slots", "appointments list --all", "messages list"),
    *("messages show c1", "messages save c1", "rx list", "rx requests", "flu"),
    *("appointments show a1", "appointments export", "econsult join a1", "consent show"),
)
VIRTUAL_SERVICE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"
bad_urls = pytest.mark.parametrize(("url", "why"), URLS, ids=list(map(ascii, HOSTS.values())))


@pytest.fixture
def nobody(tmp_path) -> Shell:
    """A shell without any portal."""
    env = {"GPCLI_CONFIG_DIR": str(tmp_path)}
    return Shell(env, lambda: datetime.now(UTC), vault=MemoryVault())


@pytest.mark.parametrize("line", ["login {}", "profile add home {} --environment staging"])
@bad_urls
def test_a_portal_that_is_typed_is_refused_as_a_setting(nobody, line, url, why):
    ending = nobody(["gpcli", *(word.format(url) for word in line.split()), "--json"])
    assert ending.refused == (2, "config", "")
    assert why in ending.error["message"]


@bad_urls
def test_a_portal_in_the_environment_is_refused_as_a_setting(nobody, url, why):
    shell = nobody.with_env(GPCLI_PORTAL=url, GPCLI_TOKEN="t0ken", GPCLI_PATIENT="p1")
    for command in ("whoami", "messages list"):
        ending = shell(f"gpcli {command} --json")
        assert ending.refused == (2, "config", "")
        assert why in ending.error["message"]


@bad_urls
def test_a_portal_in_the_file_of_profiles_is_refused_as_a_setting(nobody, tmp_path, url, why):
    text = f'[profiles.home]\nportal = "{url}"\nenvironment = "staging"\n'
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    for command in ("profile list", "whoami", "messages list"):
        ending = nobody(f"gpcli {command} --json")
        assert ending.refused == (2, "config", "")
        assert why in ending.error["message"]


@pytest.mark.parametrize("scheme", ["", "http://", "https://"])
@bad_urls
def test_a_proxy_is_refused_as_a_setting(nobody, scheme, url, why):
    shell = nobody.with_env(
        GPCLI_PORTAL="https://portal.example/fhir",
        GPCLI_TOKEN="t0ken",
        GPCLI_PATIENT="p1",
        HTTPS_PROXY=url.replace("https://", scheme),
    )
    ending = shell("gpcli messages list --json")
    assert ending.refused == (2, "config", "")
    assert why in ending.error["message"]


@pytest.mark.parametrize("key", ENDPOINTS)
@pytest.mark.parametrize("prefix", ["https:", ""])
@bad_urls
def test_an_address_of_the_sign_in_is_no_answer_of_a_portal(portal, login, key, prefix, url, why):
    portal.smart = {key: url.replace("https:", prefix)}
    ending = login()
    assert ending.refused == (1, "bad_response", "")
    assert f"has a {key} that is not an https address" in ending.error["message"]


@bad_urls
def test_an_issuer_is_compared_and_not_requested(portal, login, url, why):
    portal.smart = {"issuer": url}
    assert login().refused == (4, "sign_in_refused", "")


@pytest.mark.parametrize("key", ["verification_uri", "verification_uri_complete"])
@bad_urls
def test_a_page_for_another_device_is_no_answer_of_a_portal(portal, login, key, url, why):
    portal.smart = {"device_authorization_endpoint": f"{portal.address}/device"}
    device = {"device_code": "d", "user_code": "AB12", "verification_uri": portal.address, key: url}
    portal.records = {"/device": (200, device)}
    ending = login("--device")
    assert ending.refused == (1, "bad_response", "")
    assert why in ending.error["message"]


@bad_urls
def test_a_link_to_a_next_page_is_not_followed_and_the_list_is_said_to_be_short(tmp_path, url, why):
    def add_link(kind: str, asked: Any, searchset: dict[str, Any]) -> dict[str, Any]:
        return {**searchset, "link": [{"relation": "next", "url": url}]}

    ending = shell_with(tmp_path, appointment(), page=add_link)("gpcli appointments list --all")
    assert (ending.code, len(ending.rows)) == (8, 1)
    assert f"A link {why}; it was not followed." in ending.err


def joinable(url: str) -> dict[str, Any]:
    """A video consultation at this URL."""
    address = {"url": "addressUrl", "valueUrl": url}
    service = {"url": VIRTUAL_SERVICE, "extension": [address]}
    return appointment(extension=[service], start="2027-03-01T08:00:00Z")


@bad_urls
def test_a_link_to_join_is_shown_and_not_opened(tmp_path, url, why):
    shell = shell_with(tmp_path, joinable(url))
    assert shell.json("gpcli appointments show a1")["join_url"] == url
    assert "URL" not in shell("gpcli appointments export --all --details").out
    ending = replace(shell, browse=lambda link: False)("gpcli econsult join a1 --json")
    assert ending.refused == (1, "bad_response", "")


@bad_urls
def test_a_link_to_an_attachment_is_not_followed(tmp_path, url, why):
    attached = message(payload=[{"contentAttachment": {"url": url, "title": "x.pdf"}}])
    ending = shell_with(tmp_path, attached)(
        ["gpcli", "messages", "save", "c1", "--to", f"{tmp_path}"]
    )
    assert ending.code == 1
    assert ending.err.startswith(f"gpcli: A link {why}; it was not followed.")


def led_astray(value: Any, base: str) -> Any:
    """The same with every reference as one to another server, as are the URLs of entries."""
    if isinstance(value, list):
        return [led_astray(each, base) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: f"{base}/{each}" if name == "reference" else led_astray(each, base)
        for name, each in value.items()
    }


@pytest.mark.parametrize("line", READS)
@bad_urls
def test_a_reference_leads_nowhere(tmp_path, line, url, why):
    records = [
        *practice(),
        *(slot(), schedule(), joinable(url), message(), prescription(), renewal()),
    ]
    shell = shell_with(tmp_path, *led_astray(records, url))
    ending = shell(["gpcli", *line.split()])
    assert ending.code in {0, 1, 3, 5, 7, 8}
