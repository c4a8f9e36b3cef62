"""Commands that do as little as a command can, for the tests of what is around them."""

from pathlib import Path
from typing import Annotated

import typer

from gpcli.cli.commands.specs import CommandSpec, GroupSpec, Registry
from gpcli.cli.global_options import get_context
from gpcli.cli.value_parsers import whole_number
from gpcli.errors import SlotTaken


def gp(ctx: typer.Context) -> None:
    get_context(ctx).seen.append("gp")


def slots(
    ctx: typer.Context,
    from_: Annotated[str, typer.Option("--from", metavar="DAY", help="First day.")] = "today",
    weekday: Annotated[list[str] | None, typer.Option(help="Only these days.")] = None,
    limit: Annotated[int, typer.Option(parser=whole_number(1), help="At most so many.")] = 20,
    port: Annotated[int, typer.Option(parser=whole_number(0, 65535), help="Where.")] = 0,
) -> None:
    get_context(ctx).seen.append(("slots", from_, weekday, limit, port))


def book(
    ctx: typer.Context,
    slot: Annotated[str, typer.Argument(help="The slot's id.")],
    message_file: Annotated[Path | None, typer.Option(help="What to tell the surgery.")] = None,
) -> None:
    get_context(ctx).seen.append(("book", slot))


def show(ctx: typer.Context, name: Annotated[str, typer.Argument(help="Which one.")]) -> None:
    get_context(ctx).seen.append(("show", name))


def list_profiles(ctx: typer.Context) -> None:
    get_context(ctx).seen.append("list")


def start(ctx: typer.Context) -> None:
    """Start nothing."""


def run(
    ctx: typer.Context,
    command: Annotated[list[str], typer.Argument(metavar="-- CMD…", help="What to run.")],
    as_: Annotated[str | None, typer.Option("--as", help="Who is signed in.")] = None,
) -> None:
    get_context(ctx).seen.append(("run", command, as_))


def ends(ctx: typer.Context, how: str) -> None:
    get_context(ctx)
    if how == "code-8":
        raise typer.Exit(8)
    raise ENDINGS[how]


ENDINGS = {
    "taken": SlotTaken("Somebody else has 'slot-1'.", hint="gpcli slots shows what is free."),
    "ctrl-c": KeyboardInterrupt(),
    "pipe": BrokenPipeError(),
    "bug": KeyError("Ada Nordmann has asthma"),
    "import": ImportError("cannot import name 'x' from 'y'", name="y"),
    "full": OSError(28, "No space left on device"),
    "file": PermissionError(13, "Permission denied", "/state/index"),
}


def _row(path: str, section: str, summary: str, function: str, **more: object) -> CommandSpec:
    return CommandSpec(path, section, summary, f"{__name__}:{function}", **more)


REGISTRY = Registry(
    groups=(
        GroupSpec("profile", "ACCOUNT", "Portals", aliases=("portal",)),
        GroupSpec("rx", "CARE", "Prescriptions"),
        GroupSpec("sandbox", "TOOLS", "A portal to try"),
    ),
    commands=(
        _row("profile list", "ACCOUNT", "List profiles", "list_profiles"),
        _row("profile show", "ACCOUNT", "Show a profile", "show"),
        _row("gp", "CARE", "Your GP", "gp", aliases=("doctor",)),
        _row("slots", "CARE", "Free times", "slots", services=("booking",)),
        _row(
            "book",
            "CARE",
            "Book a time",
            "book",
            services=("booking", "booking-enquiry"),
            writes=True,
            about="The surgery may have to confirm.\n\nUntil then it is only sent.",
            examples=(("By id", "gpcli book slot-1"),),
        ),
        _row("rx renew", "CARE", "Renew", "start", services=("prescription-renewal",), writes=True),
        _row("sandbox run", "TOOLS", "Run a command", "run"),
        _row("ends", "TOOLS", "End badly", "ends"),
        _row("absent", "TOOLS", "Has no module", "absent"),
    ),
)
