"""Arguments and options that several commands share, and the wishes that they express."""

from __future__ import annotations

from typing import Annotated

import typer

From = Annotated[
    str | None, typer.Option("--from", metavar="DAY", help="First day: 2026-12-01, today, +7d")
]
To = Annotated[
    str | None, typer.Option("--to", metavar="DAY", help="Last day, inclusive; 28 days by default")
]
Between = Annotated[
    str | None, typer.Option("--between", metavar="HH:MM-HH:MM", help="Hours, such as 08:00-10:00")
]
Weekday = Annotated[
    list[str] | None,
    typer.Option("--weekday", metavar="DAYS", help="mon, tue …; repeatable or comma-separated"),
]
With = Annotated[
    str | None, typer.Option("--with", metavar="NAME", help="Part of the doctor's or nurse's name")
]
Via = Annotated[
    str | None, typer.Option("--via", metavar="WAY", help="in-person, phone (or audio), video")
]
Notice = Annotated[
    str, typer.Option("--notice", metavar="TIME", help="--first takes nothing that starts sooner")
]
Limit = Annotated[
    int | None, typer.Option("--limit", min=1, metavar="N", help="At most so many times")
]
Reason = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="What it is about, for the surgery")
]
First = Annotated[bool, typer.Option("--first", help="Take the first time that fits")]
Another = Annotated[bool, typer.Option("--another", help="Even with a coming booking for the same")]
