"""A patient signed in at a fake portal with quirks, and a profile for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gpcli.auth.people import account_id
from gpcli.auth.session import StoredSession
from gpcli.auth.vault import MemoryVault
from gpcli.config.offer_index import IndexedPerson, OfferIndex, profile_key
from gpcli.config.paths import index_path
from gpcli.config.profiles import SCOPES
from tests.contract.fake import BASE, TOKEN, Fake
from tests.contract.fake_quirks import Quirks
from tests.contract.practice import Resource
from tests.contract.world import Patient, shared
from tests.journeys.shell import Shell

NOW = datetime(2027, 3, 1, 7, tzinfo=UTC)
PATIENT = Patient(0, NOW)
PROFILE = f"""
[profiles.theirs]
portal = "{BASE}"
environment = "sandbox"
"""
LONG_AGO = NOW.timestamp() - 7200
SIGNED_IN = StoredSession(
    portal=BASE,
    client_id="gpcli",
    token_endpoint=TOKEN,
    revocation_endpoint=None,
    patient=PATIENT.id,
    fhir_user=f"Patient/{PATIENT.id}",
    patient_name=PATIENT.name,
    acting_name=PATIENT.name,
    scope=SCOPES,
    access_token="nobody",
    expires_at=LONG_AGO,
    refresh_token=PATIENT.id,
    refresh_expires_at=None,
    signed_in_at=LONG_AGO,
)
"""A session whose access token is no good any more: the first command refreshes it."""


@dataclass(frozen=True)
class DifferingPortal:
    """A shell in which Kari is signed in at a fake."""

    fake: Fake
    shell: Shell

    def created_records(self, kind: str) -> list[Resource]:
        """What the portal has of one type that gpcli made."""
        created = (one for one in self.fake.store.values() if one["resourceType"] == kind)
        return [one for one in created if one.get("identifier")]


Portal = Callable[..., DifferingPortal]


def portal_in(
    home: Path,
    quirks: Quirks | None = None,
    profile: str = "",
    world: Callable[[Resource], Resource] = dict,
) -> DifferingPortal:
    """A fake with these quirks, and lines in its profile; the configuration is in `home`.

    `world` makes of each record what this portal has in its place.
    """
    (home / "config.toml").write_text(PROFILE + profile, encoding="utf-8")
    fake = Fake(quirks)
    fake.fill(map(world, (*shared(), *PATIENT.resources())))
    env = {"GPCLI_CONFIG_DIR": str(home), "GPCLI_PROFILE": "theirs"}
    shell = Shell(env, lambda: NOW, vault=_signed_in(env), transport=fake.transport)
    return DifferingPortal(fake, shell)


def _signed_in(env: dict[str, str]) -> MemoryVault:
    account = account_id("theirs", BASE, PATIENT.id, SIGNED_IN.fhir_user)
    person = IndexedPerson(account, PATIENT.id, PATIENT.name, LONG_AGO)
    index = OfferIndex(Path(index_path(env)))
    index.add_person(profile_key("theirs", BASE), person)
    vault = MemoryVault()
    vault.save(account, SIGNED_IN)
    return vault
