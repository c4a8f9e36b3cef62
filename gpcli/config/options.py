"""The options that every command takes, wherever they stand on the line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Options:
    """What the command line asked for; `None` and `False` mean that it did not say.

    `fields` is empty for `--fields ''`, which asks for the names of the columns. `timeout` is in
    seconds. `accept_fee` is an amount or `any`. `yes`, `dry_run`, `accept_fee` and `request_id`
    belong to commands that send; `sends` says whether the command that runs is one. `diagnoses`
    is for `troubleshoot`: wrong environment variables don't keep it from starting.
    """

    json: bool = False
    ndjson: bool = False
    plain: bool = False
    fields: tuple[str, ...] | None = None
    profile: str | None = None
    as_: str | None = None
    gp: str | None = None
    timeout: float | None = None
    no_input: bool = False
    debug: bool = False
    yes: bool = False
    dry_run: bool = False
    accept_fee: str | None = None
    request_id: str | None = None
    sends: bool = False
    diagnoses: bool = False
