"""`api`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated

import typer

from gpcli.app_context import AppContext
from gpcli.care.raw_request import METHODS, build_request, propose_raw_write
from gpcli.cli.global_options import CommandRun, find_write_flags
from gpcli.cli.read_text import STDIN, read_bytes, read_given_file
from gpcli.cli.result_output import REPEATED_NOTICE, format_dry_run
from gpcli.config.settings import word_format
from gpcli.errors import GpcliError, InputNeeded, InvalidUsage, Partial
from gpcli.model.raw_exchange import RawAnswer, RawRequest
from gpcli.portal.raw_requests import fetch_answer, fetch_answer_pages, prepare_request

MAX_BYTES = 10 * 1024 * 1024
"""The most that a request may carry."""

MAX_ARRAY_BYTES = 32 * 1024 * 1024
"""The most that the pages of a search may have together, to be written as one array."""

NOT_MODIFIED = 304
"""The status of a conditional read of what has not changed since (R4 3.1.0.1.1)."""

PATIENCE = 30.0
"""Seconds to wait for data of a pipe, unless `--timeout` says otherwise."""

FirstWord = Annotated[
    str | None,
    typer.Argument(metavar="[METHOD]", help=f"{', '.join(METHODS)}; without it GET"),
]
SecondWord = Annotated[
    str | None,
    typer.Argument(metavar="PATH", help="Below the portal's FHIR base: Patient/ID; / is the base"),
]
Method = Annotated[str | None, typer.Option("--method", "-X", metavar="METHOD", help="The method")]
Fields = Annotated[
    list[str] | None,
    typer.Option(
        "--field",
        "-f",
        metavar="NAME=VALUE",
        help="A parameter of the query, or of a search by POST; else a text in a JSON body",
    ),
]
Headers = Annotated[
    list[str] | None,
    typer.Option("--header", "-H", metavar="HEADER", help="A header: 'Name: value'"),
]
Input = Annotated[
    str | None,
    typer.Option(
        "--input",
        metavar="FILE",
        help="The body, sent as it is, a form without its line end; - is standard input",
    ),
]
Include = Annotated[
    bool, typer.Option("--include", "-i", help="Write status and headers before the body")
]
Paginate = Annotated[
    bool, typer.Option("--paginate", help="Fetch all pages of a search: an array of Bundles")
]
Foreign = Annotated[
    list[str] | None,
    typer.Option("--jq", "-q", "--template", "-t", "-F", metavar="TEXT", hidden=True),
]
"""Options that other programs for one request have (`gh api`)."""


def api(
    ctx: typer.Context,
    first: FirstWord = None,
    second: SecondWord = None,
    method: Method = None,
    fields: Fields = None,
    headers: Headers = None,
    body: Input = None,
    include: Include = False,
    paginate: Paginate = False,
    foreign: Foreign = None,
) -> None:
    """Send one FHIR request."""
    run: CommandRun = ctx.obj
    _check_formats(run)
    if foreign:
        raise InvalidUsage("gpcli api has no --jq, --template and -F.", hint=_JQ_HINT)
    verb, path = _find_method(first, second, method)
    content = None if body is None else _read_input(run.context, body)
    request = build_request(verb, path, fields=fields or (), headers=headers or (), body=content)
    _check_options(run, request, include=include, paginate=paginate)
    run.options.sends = request.is_write
    request = prepare_request(request, run.context.profile.portal)
    if request.is_write:
        _send(run.context, request, include=include)
    elif paginate:
        pages = fetch_answer_pages(run.context.client, request)
        _show(run.context, lambda: _show_pages(run.context, pages), include=False)
    else:
        _show(run.context, lambda: fetch_answer(run.context.client, request), include=include)


_JQ_HINT = (
    "jq selects what is wanted of an answer, and makes a body: gpcli api … | jq .id; "
    "jq -n '{…}' | gpcli api POST … --input -"
)


def _check_formats(run: CommandRun) -> None:
    for name in ("plain", "table", "fields", "gp"):
        if getattr(run.options, name) not in {None, False}:
            raise InvalidUsage(
                f"The answer is what the portal sends: {word_format(name)} has no meaning here.",
                hint=_JQ_HINT,
            )


def _find_method(first: str | None, second: str | None, method: str | None) -> tuple[str, str]:
    """Return the method and the path of a line, whose words are `METHOD PATH` or `PATH`."""
    if first is None:
        raise InputNeeded("gpcli api needs a PATH.", hint="For example: gpcli api Patient/ID")
    verb = first.upper()
    if second is None and verb in METHODS:
        raise InputNeeded(f"gpcli api {verb} needs a PATH.", hint="/ is the FHIR base itself.")
    if second is None:
        return (method or "GET").upper(), first
    if method is not None:
        raise InvalidUsage("The method is there twice: as a word, and with --method.")
    return verb, second


def _read_input(context: AppContext, name: str) -> bytes:
    if name == STDIN:
        if context.output.terminal.stdin_tty:
            context.output.notice(
                "Write the body, and end with Ctrl-D on a line of its own.", needed=True
            )
        content = read_bytes(context.claim_stdin(), "read", MAX_BYTES + 1)
    else:
        patience = PATIENCE if context.options.timeout is None else context.options.timeout
        content = read_given_file("--input", name, patience, MAX_BYTES + 1)
    context.restart_deadlines()
    if len(content) > MAX_BYTES:
        raise InvalidUsage(f"--input has more than {MAX_BYTES:,} bytes.")
    return content


def _check_options(run: CommandRun, request: RawRequest, *, include: bool, paginate: bool) -> None:
    """Raise InvalidUsage for options that mean nothing for a request."""
    if paginate and (request.is_write or request.method == "HEAD"):
        raise InvalidUsage("--paginate is for searches: with GET, or POST to …/_search.")
    if paginate and include:
        raise InvalidUsage("--paginate and --include can't be used together.")
    if paginate and request.is_conditional_read:
        raise InvalidUsage("--paginate fetches every page: If-None-Match and its like are for one.")
    if request.is_write and run.options.accept_fee:
        raise InvalidUsage("--accept-fee has no meaning here: gpcli does not know what it costs.")
    if not request.is_write and (wrong := find_write_flags(run.options)):
        raise InvalidUsage(
            f"{wrong[0]} is for requests that may change something; "
            f"{request.method} {'to _search ' if request.is_search else ''}does not."
        )


def _send(context: AppContext, request: RawRequest, *, include: bool) -> None:
    """Send a request that may change something, once the person has agreed."""
    request_id = context.sending.intent("api")
    writes = context.portal.raw_writes
    decision = propose_raw_write(
        context.portal,
        request,
        patient=context.identity.patient,
        is_sent=writes.is_sent(request, request_id),
        send=lambda: writes.send(request, request_id),
    )
    if context.options.dry_run:
        plan = context.sending.confirm_and_send(decision).plan
        context.output.notice(format_dry_run(plan), needed=True, plan_id=plan.id if plan else None)
        return
    answer = _show(
        context, lambda: context.sending.confirm_and_send(decision).record, include=include
    )
    if answer:
        context.output.notice(f"The portal answered {answer.status} {answer.reason}.")
    else:
        _show_former(context, writes.find_target(request, request_id), include=include)


def _show_former(context: AppContext, target: str | None, *, include: bool) -> None:
    """Show the record `target` (`Type/id`) as it is now, which was made or changed before.

    Where it is not known (`None`) or can't be read, say so.
    """
    if target is None:
        context.output.notice(f"{REPEATED_NOTICE} What the portal answered then is not kept.")
        return
    try:
        answer = fetch_answer(context.client, RawRequest("GET", target))
    except GpcliError as error:
        context.output.notice(
            f"{REPEATED_NOTICE} {target} can't be read: {error.message} gpcli api {target} tries "
            "again."
        )
        return
    _show_answer(context, answer, include=include)
    context.output.notice(f"{REPEATED_NOTICE} Here is {target} as it is now.")


def _show(
    context: AppContext, fetch: Callable[[], RawAnswer | None], *, include: bool
) -> RawAnswer | None:
    """Show and return what `fetch` returns, or the answer that an error of it has."""
    try:
        answer = fetch()
    except GpcliError as error:
        for each in error.results:
            if isinstance(each, RawAnswer):
                _show_answer(context, each, include=include)
        raise
    if answer:
        _show_answer(context, answer, include=include)
        if answer.status == NOT_MODIFIED:
            context.output.notice("Not modified: the portal has nothing newer, and sent no body.")
    return answer


def _show_answer(context: AppContext, answer: RawAnswer, *, include: bool) -> None:
    if include:
        context.output.show_head(answer.status, answer.reason, answer.headers)
    context.output.show_body(answer.body, is_json=answer.is_json)


def _show_pages(context: AppContext, pages: Iterator[RawAnswer]) -> None:
    """Show pages as they come, one a line; without NDJSON as one array, which is whole or absent.

    An array is written as well where the portal has more than gpcli fetches.
    """
    if context.options.ndjson:
        for page in pages:
            _show_answer(context, page, include=False)
        return
    bodies, partial = _collect(pages)
    array = b"[" + b",\n".join(bodies) + b"]\n"
    context.output.show_body(array, is_json=True)
    if partial:
        raise partial


def _collect(pages: Iterator[RawAnswer]) -> tuple[list[bytes], Partial | None]:
    """Return the bodies of pages, and the error after the last of them; `None` = these are all."""
    bodies: list[bytes] = []
    try:
        for page in pages:
            bodies.append(page.body.removeprefix(b"\xef\xbb\xbf").strip())
            if sum(map(len, bodies)) > MAX_ARRAY_BYTES:
                raise InvalidUsage(
                    f"The pages have more than {MAX_ARRAY_BYTES:,} bytes together.",
                    hint="--ndjson writes each as it comes.",
                )
    except Partial as error:
        return bodies, error
    return bodies, None
