"""Signing out at the portal (RFC 7009)."""

from __future__ import annotations

from gpcli import errors
from gpcli.auth.session import SignedIn
from gpcli.net.door import Door
from gpcli.net.trouble import BadAnswer


def revoke(door: Door, session: SignedIn) -> bool:
    """Revoke the session's refresh token, or its access token if it has none.

    Returns whether the portal did it. Never raises for the portal's or the network's sake:
    signing out always goes on.
    """
    if session.revocation_endpoint is None:
        return False
    refresh = session.refresh_token is not None
    form = {
        "token": session.refresh_token or session.access_token,
        "token_type_hint": "refresh_token" if refresh else "access_token",
        "client_id": session.client_id,
    }
    try:
        return door.post_form(session.revocation_endpoint, form).status == 200
    except BadAnswer as answered:  # only the status counts (RFC 7009, 2.2)
        return answered.status == 200
    except errors.GpcliError:
        return False
