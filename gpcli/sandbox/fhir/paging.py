"""Pages that stay what they were: the matches of a search, kept until they have been read."""

import json
from typing import NamedTuple

from gpcli.sandbox.fhir.dates import microseconds
from gpcli.sandbox.fhir.desk import Desk
from gpcli.sandbox.fhir.outcome import Problem, bad_request
from gpcli.sandbox.fhir.query import Pairs, Query

CURSOR = "_cursor"
"""The one parameter of a `next` link: which kept search, and from which match on."""

_PAGES_LAST = 3_600_000_000  # microseconds: an hour


class Kept(NamedTuple):
    """A search that was kept: what was asked, the matches' row ids, and where to go on."""

    pairs: Pairs
    rids: list[int]
    token: str
    start: int


def keep(desk: Desk, query: Query, rids: list[int]) -> str:
    """Keep the matches for the pages to come; returns the token that finds them."""
    token = desk.store.new_id()
    now = microseconds(desk.portal.clock.now())
    asked, found = json.dumps(query.honoured), json.dumps(rids)
    with desk.store.transaction():
        desk.store.execute("DELETE FROM page WHERE made < ?", (now - _PAGES_LAST,))
        desk.store.execute(
            "INSERT INTO page VALUES (?, ?, ?, ?, ?, ?)",
            (token, now, desk.grant.patient, query.type, asked, found),
        )
    return token


def recall(desk: Desk, type_: str, cursor: str) -> Kept:
    """The search that the caller's cursor goes on with; raises Problem 400, or 410 if too old."""
    token, _, written = cursor.rpartition(".")
    if not written.isascii() or not written.isdigit():
        raise bad_request("That is no page of a search here.", "value")
    found = desk.store.execute(
        "SELECT query, rids FROM page WHERE token = ? AND patient = ? AND type = ?",
        (token, desk.grant.patient, type_),
    )
    if not found:
        raise Problem(410, "expired", "This page of the search has expired: search again.")
    asked, rids = (json.loads(column) for column in found[0])
    return Kept([(name, value) for name, value in asked], rids, token, int(written))


def cursor_url(desk: Desk, type_: str, token: str, start: int) -> str:
    """The address of the page that begins with the match number `start` (from 0)."""
    return f"{desk.base}/{type_}?{CURSOR}={token}.{start}"
