"""What asks a portal on this machine over plain HTTP."""

import ssl
from typing import Any

import httpx

NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody. A client without it reads all certificates first, in vain where nothing is TLS."""


class PlainTransport(httpx.HTTPTransport):
    """Carries requests over plain HTTP."""

    def __init__(self, **options: Any) -> None:
        super().__init__(verify=NO_CERTIFICATES, **options)
