"""`sandbox`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from gpcli.app_context import AppContext
from gpcli.care.dates import parse_duration
from gpcli.cli.global_options import get_context
from gpcli.cli.sandbox_control import Name, call_control, is_serving
from gpcli.cli.sandbox_env import (
    BookingWay,
    Shell,
    build_variables,
    format_exports,
    format_mask,
    require_extra,
    run_in_sandbox,
)
from gpcli.cli.sandbox_fault_commands import check_rules
from gpcli.cli.served_sandboxes import (
    DEFAULT_NAME,
    ServedSandbox,
    announce,
    check_name,
    find_served,
    list_served,
)
from gpcli.cli.value_parsers import choice, whole_number
from gpcli.config.settings import MAX_CLOCK_OFFSET
from gpcli.errors import GpcliError, InvalidUsage, NotFound
from gpcli.render.views.account_views import (
    ANSWERS,
    PEOPLE,
    SANDBOXES,
    VARIABLES,
    Answer,
    RunningSandbox,
    SandboxPerson,
    SandboxVariables,
)
from gpcli.sandbox.accounts import Account, UnknownPerson
from gpcli.sandbox.control import AccessToken
from gpcli.sandbox.surgery.answer import AnsweredRequest

if TYPE_CHECKING:
    from gpcli.sandbox.server import Sandbox


Returned = TypeVar("Returned")

FHIR_PATH = "/fhir/R4"
"""Where the portal is, below a sandbox's address."""

Person = Annotated[
    str | None,
    typer.Option(
        "--as", metavar="PERSON", help="Who is signed in; else the first of gpcli sandbox people"
    ),
]
Clock = Annotated[
    str | None,
    typer.Option(
        "--clock",
        metavar="TIME",
        help="The portal's present at the start: 2027-03-01T09:00:00+01:00",
    ),
]
Delay = Annotated[
    str, typer.Option("--delay", metavar="TIME", help="How long the surgery takes to answer")
]
People = Annotated[
    Path | None, typer.Option("--people", metavar="FILE", help="Other people: gpcli help sandbox")
]
Seed = Annotated[
    int | None,
    typer.Option(
        "--seed", parser=whole_number(), metavar="N", help="Makes new ids and drawn faults repeat"
    ),
]

Faults = Annotated[
    list[str] | None,
    typer.Option("--fault", metavar="RULE", help="Make it go wrong: gpcli help faults; repeatable"),
]
Machine = Annotated[
    Path | None,
    typer.Option("--machine", metavar="FILE", help="The key (JWK) of a machine to let in"),
]
State = Annotated[
    Path | None, typer.Option("--state", metavar="DIR", help="Keep the portal's state here")
]
NewName = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="What the other commands call it; default, default-2 … if not given",
    ),
]
Booking = Annotated[
    BookingWay,
    typer.Option(
        "--booking",
        parser=choice(BookingWay),
        metavar="WAY",
        help="How times are taken: post, operation or transaction",
    ),
]


def run(
    ctx: typer.Context,
    command: Annotated[
        list[str], typer.Argument(metavar="-- CMD…", help="The command and its arguments")
    ],
    person: Person = None,
    acting_for: Annotated[
        str | None, typer.Option("--for", metavar="CHILD", help="Whom the person acts for")
    ] = None,
    clock: Clock = None,
    delay: Delay = "0s",
    people: People = None,
    seed: Seed = None,
    booking: Booking = BookingWay.POST,
    fault: Faults = None,
    must_fire: Annotated[
        bool,
        typer.Option("--fault-must-fire", help="Exit 3 if CMD succeeds and a fault was not met"),
    ] = False,
) -> None:
    """Run a command against a portal of its own, and pass on its exit status."""
    context = get_context(ctx)
    settings: dict[str, Any] = {"booking": str(booking), "faults": check_rules(fault)}
    with start_sandbox(clock, delay, people, seed, **settings) as sandbox:
        values = _sign_in(sandbox, person, acting_for, people)
        if clock:
            values["GPCLI_CLOCK_OFFSET"] = _format_offset(sandbox.now() - context.clock())
        served = _build_served(context, sandbox, "run")
        status = run_in_sandbox(command, context.env, values, served, umask=context.former_umask)
        unused = sandbox.unused_faults()
    if must_fire and unused and status == 0:
        raise NotFound(
            f"No request met the fault: {'; '.join(unused)}.",
            hint="gpcli sandbox fault list shows, inside the command, what was met.",
        )
    raise typer.Exit(status)


def _sign_in(
    sandbox: Sandbox, person: str | None, acting_for: str | None, file: Path | None
) -> dict[str, str]:
    """Return the variables of a person, None = the first; `file` is where the people are from."""
    accounts = sandbox.people()
    who = accounts[0].key if person is None else person
    token = _translate_errors(lambda: sandbox.issue_token(who, acting_for), file)
    return build_token_variables(sandbox.url, token, accounts)


def _format_offset(ahead: timedelta) -> str:
    if abs(ahead) > MAX_CLOCK_OFFSET:
        raise InvalidUsage(
            "--clock is more than a hundred years from now: no gpcli in CMD could follow.",
            hint="gpcli sandbox serve takes it, for other programs.",
        )
    return str(round(ahead.total_seconds()))


def serve(
    ctx: typer.Context,
    port: Annotated[
        int,
        typer.Option("--port", parser=whole_number(0, 65535), metavar="N", help="0 = any free one"),
    ] = 0,
    auto_sign_in: Annotated[
        bool, typer.Option("--auto-sign-in", help="The page answers at once for login --hint WHO")
    ] = False,
    clock: Clock = None,
    delay: Delay = "20s",
    people: People = None,
    seed: Seed = None,
    booking: Booking = BookingWay.POST,
    fault: Faults = None,
    machine: Machine = None,
    state: State = None,
    name: NewName = None,
) -> None:
    """Serve a portal until Ctrl-C; gpcli sandbox env points a shell at it."""
    context = get_context(ctx)
    check_name(name)
    settings: dict[str, Any] = {
        "port": port,
        "auto_sign_in": auto_sign_in,
        "state": state,
        "booking": str(booking),
        "faults": check_rules(fault),
        "machine": machine,
    }
    with (
        start_sandbox(clock, delay, people, seed, **settings) as sandbox,
        _announce(context, sandbox, name) as served,
    ):
        _show_word(context, sandbox.fhir_base)
        named = "" if served.name == DEFAULT_NAME else f" --name {served.name}"
        shell_line = f"gpcli sandbox env {sandbox.people()[0].key}{named}"
        context.output.notice(f"Serving until Ctrl-C. In another shell: {shell_line}")
        context.stdout.flush()
        sandbox.serve_forever()


def env(
    ctx: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="gpcli sandbox people")],
    acting_for: Annotated[
        str | None, typer.Option("--as", "--for", metavar="CHILD", help="Whom the person acts for")
    ] = None,
    shell: Annotated[
        Shell | None,
        typer.Option(
            "--shell",
            parser=choice(Shell),
            metavar="SHELL",
            help="bash, fish, powershell or github (default: bash)",
        ),
    ] = None,
    name: Name = None,
) -> None:
    """Print what points a shell at the served portal; the token lives for 8 hours."""
    context = get_context(ctx)
    is_record = context.output.is_json or context.options.fields is not None
    if is_record and shell:
        raise InvalidUsage("--shell is for lines that a shell reads: not with --json or --fields.")
    if context.output.answer_field_query(VARIABLES):
        return
    served = find_served(context.state_dir, name, is_serving)
    token = call_control(served, lambda control: control.fetch_token(person, acting_for))
    accounts = call_control(served, lambda control: control.fetch_people())
    values = build_token_variables(served.url, token, accounts)
    if is_record:
        context.output.show_item(VARIABLES, SandboxVariables(**values))
        return
    if shell is Shell.GITHUB:
        context.output.notice(format_mask(token.access_token), whole=True)
    for line in format_exports(shell or Shell.BASH, values):
        context.output.show_value(line)


def list_sandboxes(ctx: typer.Context) -> None:
    """List the sandboxes that are served on this machine, the newest first."""
    context = get_context(ctx)
    served = list_served(context.state_dir, is_serving)
    context.output.show_list(SANDBOXES, [_build_running(each) for each in served])
    if not served:
        context.output.notice("None is being served: gpcli sandbox serve starts one.")


def people(
    ctx: typer.Context,
    people: People = None,
    show_file: Annotated[
        bool, typer.Option("--show-file", help="Print the file of the built-in people instead")
    ] = False,
    name: Name = None,
) -> None:
    """List the people who can sign in."""
    context = get_context(ctx)
    if len([each for each in (people, name, show_file or None) if each is not None]) > 1:
        raise InvalidUsage("--people, --show-file and --name: give one of them.")
    if show_file:
        _show_people_file(context)
        return
    accounts = _find_accounts(context, people, name)
    context.output.show_list(PEOPLE, [_build_person(account) for account in accounts])


def _show_people_file(context: AppContext) -> None:
    if context.output.is_json or context.options.fields is not None:
        raise InvalidUsage("--show-file prints YAML: not with --json or --fields.")
    with require_extra("sandbox"):
        from gpcli.sandbox.people.people_file import (  # noqa: PLC0415  (optional: an extra)
            read_built_in_text,
        )
    for line in read_built_in_text().splitlines():
        context.output.show_value(line)


def _find_accounts(context: AppContext, people: Path | None, name: str | None) -> Sequence[Account]:
    """Return the accounts of a file; else those of a served sandbox, or the built-in ones."""
    with require_extra("sandbox"):
        from gpcli.sandbox.people.people_file import (  # noqa: PLC0415  (optional: an extra)
            built_in,
            read_people,
        )
    if people is not None:
        return _translate_errors(lambda: read_people(people)).accounts
    try:
        served = find_served(context.state_dir, name, is_serving)
        return call_control(served, lambda control: control.fetch_people())
    except GpcliError:
        if name is not None:
            raise
    return built_in().accounts


def reset(ctx: typer.Context, name: Name = None) -> None:
    """Make everything at the served portal as it was at the start."""
    context = get_context(ctx)
    served = find_served(context.state_dir, name, is_serving)
    call_control(served, lambda control: control.reset())
    context.output.notice("Everything is as it was at the start.")


def advance(
    ctx: typer.Context,
    time: Annotated[str, typer.Argument(metavar="TIME", help="90s, 10m, 2h or 1d")],
    name: Name = None,
) -> None:
    """Move the served portal's clock forward; the surgery answers what falls due."""
    context = get_context(ctx)
    forward = parse_duration(time, "TIME")
    served = find_served(context.state_dir, name, is_serving)
    present = call_control(served, lambda control: control.advance(forward))
    _show_word(context, present.isoformat())


def answer(
    ctx: typer.Context,
    wanted: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="What to answer; else all that waits")
    ] = None,
    decline: Annotated[
        bool, typer.Option("--decline", help="Say no: declined, rejected, not renewed")
    ] = False,
    text: Annotated[
        str | None, typer.Option("--text", metavar="TEXT", help="The surgery's words")
    ] = None,
    name: Name = None,
) -> None:
    """Let the served portal's surgery answer what waits now, not when it is due."""
    context = get_context(ctx)
    if context.output.answer_field_query(ANSWERS):
        return
    for given, value in (("ID", wanted), ("--text", text)):
        if value is not None and not value.strip():
            raise InvalidUsage(f"{given} is empty.")
    answers = call_control(
        find_served(context.state_dir, name, is_serving),
        lambda control: control.answer(wanted, decline=decline, text=text),
        hint="Without an id, all that waits is answered.",
    )
    context.output.show_list(ANSWERS, [_build_answer(answer) for answer in answers])
    if not answers:
        context.output.notice("Nothing waits for an answer.")


def _show_word(context: AppContext, word: str) -> None:
    """Write a bare word, in JSON as a string."""
    if context.output.is_json:
        context.output.show_json(word)
    else:
        context.output.show_value(word)


@contextmanager
def start_sandbox(
    clock: str | None,
    delay: str,
    people: Path | None,
    seed: int | None,
    *,
    prefix: str = "--",
    **settings: Any,
) -> Iterator[Sandbox]:
    """Run a sandbox while the body runs; the arguments are the options of that name.

    `prefix` is what stands before the names of options in the words of errors.

    Raises: ConfigError without the extra, InvalidUsage, NotFound for a file that does not exist.
    """
    with require_extra("sandbox"):
        from gpcli.sandbox.server import (  # noqa: PLC0415  (optional: an extra)
            PortUnavailable,
            Sandbox,
        )
    start = _parse_instant(clock, f"{prefix}clock") if clock else None
    answer_delay = parse_duration(delay, f"{prefix}delay")
    server = _translate_errors(
        lambda: Sandbox(clock=start, delay=answer_delay, people=people, seed=seed, **settings)
    )
    try:
        with server as sandbox:
            yield sandbox
    except PortUnavailable as taken:
        raise InvalidUsage(
            f"The sandbox can't be served: {taken.strerror}.",
            hint="--port N chooses another one; without it, any free one is taken.",
        ) from taken


def _parse_instant(text: str, option: str = "--clock") -> datetime:
    """Parse the value of `option`; raise InvalidUsage if it is no time with an offset."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or not text.isascii():
        raise InvalidUsage(
            f"{option} '{text}' is not a time with its zone.",
            hint="Write 2027-03-01T09:00:00+01:00.",
        )
    return instant


def _translate_errors(call: Callable[[], Returned], people: Path | None = None) -> Returned:
    """Return what a call into the sandbox returns; raise NotFound, InvalidUsage for its errors.

    Others, such as a file that may not be read, are the system's. `people` is the file of whom it
    is about, None = the built-in ones.
    """
    try:
        return call()
    except UnknownPerson as unknown:
        file = "" if people is None else f" --people {shlex.quote(str(people))}"
        raise NotFound(str(unknown), hint=f"gpcli sandbox people{file} lists them.") from unknown
    except FileNotFoundError as missing:
        raise NotFound(f"There is no file '{missing.filename}'.") from missing
    except ValueError as wrong:
        ending = "" if str(wrong).endswith("?") else "."
        raise InvalidUsage(f"The sandbox can't be made so: {wrong}{ending}") from wrong


def _announce(
    context: AppContext, sandbox: Sandbox, name: str | None
) -> AbstractContextManager[ServedSandbox]:
    served = _build_served(context, sandbox, name or DEFAULT_NAME)
    return announce(context.state_dir, served, is_serving, is_named=name is not None)


def _build_served(context: AppContext, sandbox: Sandbox, name: str) -> ServedSandbox:
    started = context.clock().timestamp()
    return ServedSandbox(name, sandbox.url, sandbox.control_token, started, os.getpid())


def _build_running(served: ServedSandbox) -> RunningSandbox:
    started = datetime.fromtimestamp(served.started).astimezone()
    return RunningSandbox(served.name, f"{served.url}{FHIR_PATH}", started, served.pid)


def build_token_variables(
    url: str, token: AccessToken, accounts: Iterable[Account]
) -> dict[str, str]:
    """Return the variables for the sandbox at `url`, whose people are `accounts`."""
    family = {token.patient, token.fhir_user.partition("/")[2]}
    others = (each.patient for each in accounts if not family & _list_patients(each))
    return build_variables(
        f"{url}{FHIR_PATH}",
        token.access_token,
        token.patient,
        token.fhir_user,
        next(others, None),
    )


def _list_patients(account: Account) -> set[str]:
    return {account.patient, *(child.patient for child in account.acts_for)}


def _build_person(account: Account) -> SandboxPerson:
    acts_for = tuple(child.key for child in account.acts_for)
    return SandboxPerson(account.key, account.name, account.description, acts_for)


def _build_answer(answered: AnsweredRequest) -> Answer:
    return Answer(answered.reference.partition("/")[2], answered.kind, answered.outcome)
