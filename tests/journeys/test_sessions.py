"""Sessions: renewed, run out, ended, and kept in keyrings that do not always work."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from gpcli.auth.vault import MemoryVault
from gpcli.errors import NoKeyring
from tests.journeys.shell import CommandResult
from tests.loopback import NO_CERTIFICATES


def test_an_access_token_that_has_expired_is_renewed_behind_the_scenes(ada, live):
    [before] = ada.vault._items.values()
    live.advance(timedelta(hours=2))
    assert ada("gpcli services").code == 0
    [after] = ada.vault._items.values()
    assert after.access_token != before.access_token
    assert after.refresh_token != before.refresh_token


def test_a_session_that_has_run_out_says_so_and_is_forgotten(ada, live):
    live.advance(timedelta(days=60))
    assert ada("gpcli services --json").refused == (4, "expired", "")
    assert ada("gpcli services --json").refused == (4, "not_signed_in", "")


def test_signing_out_ends_the_session_at_the_portal_too(ada):
    [session] = ada.vault._items.values()
    assert ada.json("gpcli logout") == [
        {"profile": "127.0.0.1", "patient": "Ada Solberg", "revoked": True}
    ]
    refused = httpx.get(
        f"{session.portal}/Patient/ada",
        headers={"Authorization": f"Bearer {session.access_token}"},
        trust_env=False,
        verify=NO_CERTIFICATES,
    )
    assert refused.status_code == 401
    assert ada("gpcli gp --json").refused == (4, "not_signed_in", "")


def test_signing_everybody_out(ada):
    ada("gpcli login --hint bo")
    assert [one["patient"] for one in ada.json("gpcli logout --all")] == [
        "Bo Lindvik",
        "Ada Solberg",
    ]
    assert ada("gpcli whoami --all") == CommandResult(0, "", "Nobody is signed in.\n")


def test_signing_out_while_the_portal_is_down_forgets_all_the_same(ada, live):
    """The portal is gone: its sessions point to a port where nothing listens."""
    [(account, session)] = ada.vault._items.items()
    gone = replace(session, revocation_endpoint=f"{live.fhir_base}/gone")
    ada.vault.save(account, gone)
    ending = ada("gpcli logout --json")
    assert ending.json == [{"profile": "127.0.0.1", "patient": "Ada Solberg", "revoked": False}]
    assert "did not confirm the end of Ada Solberg's session" in ending.err
    assert ada.vault._items == {}


@pytest.mark.parametrize("line", ["gpcli logout", "gpcli logout --all"])
def test_signing_out_when_nobody_is_signed_in(ada, line):
    ada("gpcli logout")
    assert ada(f"{line} --json").refused == (4, "not_signed_in", "")


def test_a_token_among_the_variables_is_not_gpclis_to_end(world):
    assert world.shell("ada")("gpcli logout") == CommandResult(
        2,
        "",
        "gpcli: The token in GPCLI_TOKEN is not gpcli's to end.\n  Unset GPCLI_TOKEN.\n",
    )


class Locked(MemoryVault):
    """A keyring that nobody unlocks."""

    def probe(self):
        raise NoKeyring("The keyring is locked.", hint="Unlock it.")

    def load(self, account):
        raise NoKeyring("The keyring is locked.", hint="Unlock it.")


def test_a_locked_keyring_is_found_out_before_any_page_opens(shell, live):
    opened = []
    locked = replace(shell, vault=Locked(), browse=opened.append)
    ending = locked(f"gpcli login {live.fhir_base} --hint ada --json")
    assert ending.refused == (4, "no_keyring", "")
    assert opened == []


def test_a_keyring_that_was_locked_since_the_sign_in(ada):
    locked = replace(ada, vault=Locked())
    assert locked("gpcli gp") == CommandResult(
        4, "", "gpcli: The keyring is locked.\n  Unlock it.\n"
    )


def test_without_any_keyring_nothing_is_written_in_plain_text(shell, live, tmp_path):
    bare = replace(shell, vault=None).with_env(XDG_RUNTIME_DIR=str(tmp_path / "none"))
    ending = bare(f"gpcli login {live.fhir_base} --hint ada --json")
    assert ending.refused == (4, "no_keyring", "")
    assert list(tmp_path.iterdir()) == []


def test_a_session_that_is_gone_from_the_keyring(ada):
    ada.vault._items.clear()
    assert ada("gpcli gp --json").refused == (4, "not_signed_in", "")
