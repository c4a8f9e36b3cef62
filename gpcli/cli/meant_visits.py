"""Acting on the visit or the free time that an argument stands for: by its id, a day, a name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from gpcli.app_context import AppContext
from gpcli.care.appointments import COMING_APPOINTMENT, ChoicePrompt, choose_appointment
from gpcli.care.selection import act_on_meant
from gpcli.care.slots import SlotSearch, find_slot
from gpcli.cli.noted_ids import note_id
from gpcli.model.appointment import Appointment
from gpcli.model.service import ServiceName
from gpcli.outbox import find_own_target
from gpcli.render.views.appointment_views import appointment_label, slot_label

Result = TypeVar("Result")

AppointmentChooser = Callable[..., str]
"""A function that is called as `choose_appointment`."""


def act_on_appointment(
    context: AppContext,
    text: str | None,
    act: Callable[[str], Result],
    *,
    choose: AppointmentChooser = choose_appointment,
    prompt: ChoicePrompt = COMING_APPOINTMENT,
    looks_back: bool = False,
    flag: str | None = None,
) -> Result:
    """Return what `act` gives for the id of the appointment that `text` stands for.

    `None` = the person picks one, as `choose` asks. `prompt` and `looks_back` are as for
    AppointmentFinder; `flag` is the option that has the text, `None` = it is an argument.
    Raises: as AppointmentFinder, and what `act` raises.
    """
    from gpcli.care.appointment_names import (  # noqa: PLC0415  (start-up: lists need no names)
        AppointmentFinder,
    )

    now = context.now()
    act = note_id(context, text, act, flag)

    def label(candidate: Appointment) -> str:
        return appointment_label(candidate, context.output.time_format)

    if text is None or not text.strip():
        return act(choose(context.portal, text, now, context.ask, label))
    earlier = partial(find_own_target, context, "Appointment")
    finder = AppointmentFinder(
        context.portal, now, context.ask, label, prompt, looks_back=looks_back, earlier=earlier
    )
    return finder.act(text, act)


def act_on_slot(
    context: AppContext,
    text: str | None,
    act: Callable[[str | None], Result],
    name: ServiceName,
    search: SlotSearch,
) -> Result:
    """Return what `act` gives for the id of the free time that `text` is, or begins.

    `None` stays: no time was named. `name` and `search` are whose times are looked through.
    """
    if text is None or not text.strip():
        return act(text)

    def find(beginning: str) -> str | None:
        return find_slot(
            context.portal,
            beginning,
            name,
            search,
            context.options.gp,
            context.ask,
            lambda slot: slot_label(slot, context.output.time_format),
        )

    return act_on_meant(text, note_id(context, text, act), find)
