"""Options of `login` and `profile add` for gpcli as a client: its name, scopes and secret."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated

import typer

from gpcli.app_context import AppContext
from gpcli.auth.client_secret import MAX_LENGTH, parse_secret
from gpcli.config.index_format import FROM_ENVIRONMENT
from gpcli.config.profile_keys import KEPT_IN_KEYRING
from gpcli.config.profiles import SCOPES, Profile
from gpcli.errors import InvalidUsage

ClientId = Annotated[
    str | None,
    typer.Option("--client-id", metavar="ID", help="Who gpcli is to the portal; kept"),
]
Scopes = Annotated[
    str | None,
    typer.Option(
        "--scopes", metavar="SCOPES", help="What to ask for, as written; kept. '' = the usual"
    ),
]
AskSecret = Annotated[
    bool,
    typer.Option("--client-secret", help="Ask for the client's secret; kept in the keyring"),
]
SecretFromStdin = Annotated[
    bool,
    typer.Option("--client-secret-stdin", help="Read the client's secret from standard input"),
]

_FLAG = "--client-secret-stdin"


@dataclass(frozen=True)
class ClientOptions:
    """What the command line says of the client; None = nothing. `scopes` "" = the default ones."""

    client_id: str | None
    scopes: str | None
    secret: str | None = field(repr=False)

    def apply_to(self, profile: Profile) -> Profile:
        """Return the profile as the command line wants it.

        The secret of another client is not this one's: without a new one it has none.
        Raises: InvalidUsage.
        """
        if self.client_id is not None and self.client_id != profile.client_id:
            client_id = _require_text(self.client_id, "--client-id")
            profile = replace(profile, client_id=client_id, client_secret=None)
        if self.scopes is not None:
            profile = replace(profile, scopes=" ".join(self.scopes.split()) or SCOPES)
        if self.secret is not None:
            profile = replace(profile, client_secret=KEPT_IN_KEYRING)
        return profile


def read_client_options(
    context: AppContext,
    client_id: str | None,
    scopes: str | None,
    *,
    ask_secret: bool,
    from_stdin: bool,
) -> ClientOptions:
    """Return the options, with the secret that is typed or piped.

    Raises: InvalidUsage, InputNeeded where nobody can be asked for the secret.
    """
    if ask_secret and from_stdin:
        raise InvalidUsage("--client-secret and --client-secret-stdin can't both be given.")
    secret = None
    if from_stdin:
        secret = parse_secret(context.claim_stdin().read(MAX_LENGTH + 2))
    elif ask_secret:
        secret = parse_secret(context.ask.ask_secret("Client secret", flag=_FLAG))
    return ClientOptions(client_id, scopes, secret)


def change_client(context: AppContext, client_options: ClientOptions) -> list[str]:
    """Have this run use the profile as the command line wants it; nothing is written yet.

    Return sentences on what changes in a profile that there is already.
    Raises: InvalidUsage.
    """
    profile = context.profile
    changed = client_options.apply_to(profile)
    if changed == profile and client_options.secret is None:
        return []
    if profile.name == FROM_ENVIRONMENT and client_options.secret is not None:
        raise InvalidUsage(
            "A secret is kept for a profile, and GPCLI_PORTAL is none.",
            hint="gpcli profile add NAME PORTAL-URL makes one.",
        )
    is_known = profile.name in context.config.profiles
    context.use_settings(replace(context.settings, profile=changed))
    return _describe_changes(profile, changed) if is_known else []


def _describe_changes(before: Profile, after: Profile) -> list[str]:
    name = f"The profile '{after.name}'"
    sentences = []
    if before.client_id != after.client_id:
        sentences.append(
            f"{name} has client_id '{after.client_id}' now; before, it was '{before.client_id}'."
        )
    if before.client_secret and not after.client_secret:
        sentences.append(f"{name} has no client secret any more: it was that of the other client.")
    if before.scopes != after.scopes:
        asks = "scopes of its own" if after.has_own_scopes else "the usual scopes"
        sentences.append(f"{name} asks for {asks} now.")
    return sentences


def _require_text(text: str, flag: str) -> str:
    if text.strip() and text.isprintable():
        return text
    raise InvalidUsage(f"{flag} needs a value that is not empty.")
