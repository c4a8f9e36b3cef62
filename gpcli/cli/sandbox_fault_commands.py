"""`sandbox fault`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from gpcli.cli.global_options import get_context
from gpcli.cli.sandbox_control import Name, call_control, is_serving
from gpcli.cli.served_sandboxes import find_served
from gpcli.errors import InvalidUsage
from gpcli.render.views.account_views import FAULTS, SandboxFault
from gpcli.sandbox.control import ControlClient
from gpcli.sandbox.faults.book import FaultRule
from gpcli.sandbox.faults.rules import InvalidRule, parse_rule

_LIST_HINT = "gpcli sandbox fault list shows the rules in force, and their ids."


def check_rules(rules: Sequence[str] | None) -> Sequence[str]:
    """Return the rules of `--fault`; raise InvalidUsage for the first text that is none."""
    for rule in rules or ():
        try:
            parse_rule(rule)
        except InvalidRule as wrong:
            listed = f"Allowed there: {', '.join(wrong.choices)}. " if wrong.choices else ""
            raise InvalidUsage(
                wrong.sentence, hint=f"{listed}gpcli help faults explains rules."
            ) from wrong
    return rules or ()


def add(
    ctx: typer.Context,
    rules: Annotated[
        list[str],
        typer.Argument(metavar="RULE", help="Such as 'POST Appointment: lost-reply once'"),
    ],
    name: Name = None,
) -> None:
    """Make the served portal go wrong from now on, by rules (gpcli help faults)."""
    context = get_context(ctx)
    if context.output.answer_field_query(FAULTS):
        return
    check_rules(rules)
    served = find_served(context.state_dir, name, is_serving)
    added = call_control(served, lambda control: [control.add_fault(each) for each in rules])
    context.output.show_list(FAULTS, [_build_fault(each) for each in added])


def list_faults(ctx: typer.Context, name: Name = None) -> None:
    """List the fault rules in force at the served portal, and how often each was met."""
    context = get_context(ctx)
    if context.output.answer_field_query(FAULTS):
        return
    served = find_served(context.state_dir, name, is_serving)
    faults = call_control(served, lambda control: control.fetch_faults())
    context.output.show_list(FAULTS, [_build_fault(each) for each in faults])
    if not faults:
        context.output.notice("Nothing goes wrong on purpose: no fault rules are in force.")


def clear(
    ctx: typer.Context,
    faults: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]", help="Which rules; else all of them")
    ] = None,
    name: Name = None,
) -> None:
    """Take fault rules out of force, or all of them; the answer is what was taken out."""
    context = get_context(ctx)
    if context.output.answer_field_query(FAULTS):
        return
    if not all(each.strip() for each in faults or ()):
        raise InvalidUsage("ID is empty.")
    served = find_served(context.state_dir, name, is_serving)
    cleared = call_control(served, lambda control: _clear(control, faults or ()), _LIST_HINT)
    context.output.show_list(FAULTS, [_build_fault(each) for each in cleared])
    if not cleared:
        context.output.notice("No fault rules were in force.")


def _clear(control: ControlClient, ids: Sequence[str]) -> list[FaultRule]:
    """Take out the rules of these ids, or all; none, if one of them is not there."""
    if not ids:
        return control.clear_faults()
    there = {each.id for each in control.fetch_faults()}
    ordered = sorted(dict.fromkeys(ids), key=there.__contains__)  # what is not there is refused
    return [rule for each in ordered for rule in control.clear_faults(each)]


def _build_fault(fault: FaultRule) -> SandboxFault:
    return SandboxFault(fault.id, fault.rule, fault.used, fault.left)
