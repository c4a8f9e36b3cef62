"""People who have yet to sign in, at providers that are as strict as a test wants them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx

from gpcli.auth.session import StoredSession
from gpcli.auth.vault import MemoryVault
from tests.contract.browser import as_person
from tests.contract.places import Place, Provider, medplum_behind, oidc_provider
from tests.contract.visit import now
from tests.contract.world import Patient
from tests.journeys.shell import Shell
from tests.loopback import NO_CERTIFICATES

IN_HALF_AN_HOUR = timedelta(minutes=30)
"""After the end of every access token."""
PROFILE = """
[profiles.theirs]
portal = "{portal}"
environment = "sandbox"
{more}
"""


def newcomer(place: Place, home: Path, more: str = "") -> tuple[Patient, Shell]:
    """Somebody who has yet to sign in, and whose browser does; `more` goes into the profile."""
    patient = place.somebody()
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(PROFILE.format(portal=place.base, more=more))
    env = {"GPCLI_CONFIG_DIR": str(home)}
    return patient, Shell(env, now, vault=MemoryVault(), browse=as_person(patient.id))


def read_session(shell: Shell) -> StoredSession:
    """The session in the keyring."""
    [session] = shell.vault._items.values()
    return session


def later(shell: Shell, after: timedelta = IN_HALF_AN_HOUR) -> Shell:
    """The same shell, whose clock is ahead: when its access token has run out, for example."""
    return shell.at(lambda: now() + after)


@contextmanager
def provider_with(*words: str) -> Iterator[tuple[Place, Provider]]:
    """A portal whose sign-in is another one, as `provider.mjs` says."""
    with oidc_provider(*words) as provider, medplum_behind(provider) as place:
        yield place, provider


def refresh(provider: Provider, token: str) -> httpx.Response:
    """What the provider answers to a refresh token."""
    form = {"grant_type": "refresh_token", "client_id": "gpcli", "refresh_token": token}
    return httpx.post(
        f"{provider.issuer}/token", data=form, trust_env=False, verify=NO_CERTIFICATES
    )
