"""What the portal says about itself (SMART App Launch 2.2 section 7, RFC 8414)."""

from typing import Any

from gpcli.sandbox.smart.clients import GRANT_TYPES
from gpcli.sandbox.smart.keys import SIGNING_ALGORITHM
from gpcli.sandbox.smart.machines import ALGORITHMS, CLIENT_CREDENTIALS, METHOD
from gpcli.sandbox.smart.scopes import IDENTITY, OFFLINE

CAPABILITIES = (
    "launch-standalone",
    "client-public",
    "client-confidential-asymmetric",
    "context-standalone-patient",
    "permission-patient",
    "permission-v1",
    "permission-v2",
    "permission-offline",
    "sso-openid-connect",
    "authorize-post",
)
SCOPES = (
    *IDENTITY,
    OFFLINE,
    "patient/*.rs",
    "patient/*.cruds",
    "patient/*.read",
    "patient/*.write",
    "system/*.rs",
    "system/*.cruds",
    "system/*.read",
    "system/*.write",
)


def endpoints(issuer: str) -> dict[str, str]:
    """The OAuth endpoints, as a CapabilityStatement names them."""
    return {
        "authorize": f"{issuer}/authorize",
        "token": f"{issuer}/token",
        "revoke": f"{issuer}/revoke",
    }


def configuration(issuer: str) -> dict[str, Any]:
    """The document at `.well-known/smart-configuration` and `openid-configuration`."""
    return {
        "issuer": issuer,
        "jwks_uri": f"{issuer}/jwks",
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "revocation_endpoint": f"{issuer}/revoke",
        "device_authorization_endpoint": f"{issuer}/device_authorization",
        "grant_types_supported": [*GRANT_TYPES, CLIENT_CREDENTIALS],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "scopes_supported": list(SCOPES),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", METHOD],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": ["none"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [SIGNING_ALGORITHM],
        "acr_values_supported": ["idporten-loa-high"],
        "authorization_response_iss_parameter_supported": True,
        "capabilities": list(CAPABILITIES),
    }
