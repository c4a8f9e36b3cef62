"""What a profile has to prove its client by: a secret in the keyring, or a key in a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gpcli.auth.client_auth import KEY_METHOD, SECRET_METHODS, ClientAuth, ClientCredentials
from gpcli.auth.client_secret import secret_account
from gpcli.auth.session import StoredSession
from gpcli.auth.vault import Vault
from gpcli.config.profiles import Profile
from gpcli.errors import InputNeeded, NotSignedIn

if TYPE_CHECKING:
    from gpcli.auth.machine_key import MachineKey


@dataclass(frozen=True)
class ClientSource:
    """The secret and the key of a profile's client.

    `open_vault` returns the store of secrets; `resolve_path` gives the path of a file that a
    profile names; `now` gives Unix seconds.
    """

    profile: Profile
    open_vault: Callable[[], Vault]
    resolve_path: Callable[[str], Path]
    now: Callable[[], float]

    def read_credentials(self, given: str | None) -> ClientCredentials:
        """Return what a sign-in can prove the client by; `given` is a secret that is not kept yet.

        Raises: InputNeeded where the keyring has lost the secret, NoKeyring.
        """
        profile = self.profile
        secret = given or (self._load_secret(profile.client_id) if profile.client_secret else None)
        if profile.client_secret and secret is None:
            raise InputNeeded(
                f"The secret of the client '{profile.client_id}' is not in the keyring.",
                hint="gpcli login --client-secret asks for it; --client-secret-stdin reads it.",
            )
        return self._build_credentials(secret)

    def list_credentials(self) -> ClientCredentials:
        """Return what the profile says that there is; neither the keyring nor the key is read."""
        return self._build_credentials("?" if self.profile.client_secret else None)

    def _build_credentials(self, secret: str | None) -> ClientCredentials:
        profile = self.profile
        read_key = self._read_key if profile.key_file else None
        return ClientCredentials(
            profile.client_id, profile.client_auth, secret, read_key, profile.key_file or ""
        )

    def rebuild_auth(self, session: StoredSession) -> ClientAuth:
        """Return how the client of a session is proved, as when it began.

        Raises: NotSignedIn where the secret or the key is gone, ConfigError for a key that can't be
        used, NoKeyring.
        """
        client_id, method = session.client_id, session.client_auth
        if method in SECRET_METHODS:
            secret = self._load_secret(client_id)
            if secret is None:
                raise NotSignedIn(
                    f"The secret of the client '{client_id}' is gone from the keyring.",
                    hint="gpcli login --client-secret keeps it anew.",
                )
            return ClientAuth(client_id, method, secret)
        if method == KEY_METHOD:
            if not self.profile.key_file:
                raise NotSignedIn(
                    "The session was begun with a key, and the profile names none.",
                    hint="Name it with key_file in the profile, or gpcli login.",
                )
            return ClientAuth(client_id, method, key=self._read_key(), now=self.now)
        return ClientAuth(client_id)

    def _load_secret(self, client_id: str) -> str | None:
        """Return the secret of the client; that of another one is not sent in its name."""
        account = secret_account(self.profile.name, self.profile.portal)
        kept = self.open_vault().load_secret(account)
        return kept.secret if kept and kept.client_id == client_id else None

    def _read_key(self) -> MachineKey:
        from gpcli.auth.machine_key import read_machine_key  # noqa: PLC0415  (start-up: joserfc)

        return read_machine_key(self.resolve_path(str(self.profile.key_file)))
