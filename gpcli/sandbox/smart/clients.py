"""The apps that the portal knows: public clients on a loopback redirect (RFC 8252 section 7.3)."""

import re
from dataclasses import dataclass

from authlib.oauth2.rfc6749 import ClientMixin

from gpcli.sandbox.smart.scopes import recognised

LOOPBACK_REDIRECT = re.compile(r"http://(?:127\.0\.0\.1|\[::1\])(?::(?P<port>\d{1,5}))?/callback")
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
GRANT_TYPES = ("authorization_code", "refresh_token", DEVICE_CODE)


@dataclass(frozen=True)
class Client(ClientMixin):  # type: ignore[misc] # Authlib ships no types
    """A public client, in the words that Authlib asks for."""

    client_id: str
    name: str

    def get_client_id(self) -> str:
        """The client's identifier."""
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        """None: a redirect URI is always required, since its port is never known beforehand."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """What of `scope` this portal knows; None (`invalid_scope`) if it knows nothing of it."""
        return " ".join(recognised(scope or "")) or None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether `redirect_uri` is a loopback literal, any port, with exactly our path."""
        match = LOOPBACK_REDIRECT.fullmatch(redirect_uri)
        return match is not None and 0 < int(match["port"] or 80) < 65536

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether `method` is `none`, the only way at every `endpoint`."""
        return method == "none"

    def check_response_type(self, response_type: str) -> bool:
        """Whether `response_type` is `code`."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether this client may use `grant_type` at the token endpoint."""
        return grant_type in GRANT_TYPES


CLIENTS = {
    client.client_id: client
    for client in (Client("gpcli", "gpcli"), Client("my-script", "A script of yours"))
}
"""Every client by its id; nobody registers here."""
