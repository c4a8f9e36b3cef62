"""Which appointment is meant by `next`, a day, or words of what it is about or of how it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import TypeVar

from gpcli.care.appointments import (
    COMING_APPOINTMENT,
    ChoicePrompt,
    find_next_visit,
    is_any,
    require_all_appointments,
)
from gpcli.care.confirmation import Asker
from gpcli.care.date_words import (
    day_offsets,
    find_words,
    list_weekdays,
    match_name,
    month_offsets,
    week_offsets,
)
from gpcli.care.dates import NOT_A_DAY, parse_day
from gpcli.care.portal_protocol import Portal
from gpcli.care.selection import Naming, act_on_meant, choose_fitting, find_fitting
from gpcli.errors import InvalidUsage, NotAllowed, NotFound
from gpcli.folding import split_wanted
from gpcli.model.appointment import Appointment
from gpcli.model.day_names import format_day

Result = TypeVar("Result")


@dataclass(frozen=True)
class AppointmentFinder:
    """What is needed to find the appointment that a text stands for.

    `prompt` tells which are offered: they come before the others. With `looks_back`, those of the
    past are looked through where nothing else fits. `earlier` returns the id that an earlier try of
    the same request was about, `None` = there was none, or it is not known: a repeat is about the
    same one, whatever the words stand for now.
    """

    portal: Portal
    now: datetime
    asker: Asker
    label: Callable[[Appointment], str]
    prompt: ChoicePrompt = COMING_APPOINTMENT
    looks_back: bool = False
    earlier: Callable[[], str | None] = lambda: None

    def act(self, text: str, act: Callable[[str], Result]) -> Result:
        """Return what `act` gives for the appointment that `text` stands for.

        Raises: as `act_on_meant`; NotFound where no visit is booked that could be the next, or
        which says where `text` was looked for; InvalidUsage for what is written like a day and is
        none.
        """
        misses: list[NotFound] = []

        def find(text: str) -> str | None:
            found = self.find(text)
            misses.extend(self._explain_none(text) if found is None else ())
            return found

        try:
            return act_on_meant(text, act, find, is_word=is_word(text), is_absent=self._is_absent)
        except NotFound as error:
            raise misses[0] if misses else error from None

    def _explain_none(self, text: str) -> Iterator[NotFound]:
        """Yield the error for a day or a name that nothing fits; none for what looks like an id."""
        if self.prompt.is_kind is not is_any:  # what is in writing may have such a name too
            return
        which = "visit" if self.looks_back else "coming visit"
        hint = "gpcli appointments list shows yours."
        day, _ = _read_day(text, self.now.date())
        if day:
            yield NotFound(f"No {which} is on {format_day(day)}.", hint=hint)
        elif split_wanted(text) and not re.search(r"\d", text, re.ASCII):
            yield NotFound(
                f"No {which} has '{text}' in its subject, its reason, its service, its way or the "
                "name of whom it is with.",
                hint=hint,
            )

    def find(self, text: str) -> str | None:
        """Return the id of the appointment that is meant; `None` = nothing fits.

        Raises: as `act`, and InputNeeded where several fit and nobody can be asked.
        """
        if earlier := self.earlier():
            return earlier
        coming = self.portal.fetch_appointments(self.now.date())
        if _simplify(text) in find_words("next_"):
            return self._find_next(coming)
        day, why = _read_day(text, self.now.date())
        found = self._find_fitting(text, day, coming)
        if not found and self.looks_back:
            found = self._find_fitting(text, day, self.portal.fetch_appointments(None))
        if not found:
            require_all_appointments(self.portal)
            if why:
                raise why
        if len(found) > 1:
            return choose_fitting(text, found, self._naming, self.asker)
        return str(found[0].id) if found else None

    def _is_absent(self, identity: str) -> bool:
        """Return whether the portal has no appointment with this id, as far as it shows them."""
        try:
            self.portal.fetch_appointment(identity)
        except (NotFound, NotAllowed) as error:
            return isinstance(error, NotFound)
        return False

    def _find_next(self, coming: list[Appointment]) -> str:
        """Return the id of the next visit; raise NotFound."""
        named = [each for each in coming if self.prompt.is_kind(each)]
        visit = find_next_visit(named, self.now)
        if visit is None:
            require_all_appointments(self.portal)
            raise NotFound("No visit is booked.", hint="gpcli appointments list shows what waits.")
        return str(visit.id)

    def _find_fitting(
        self, text: str, day: date | None, appointments: Sequence[Appointment]
    ) -> list[Appointment]:
        """Return what is on that day, or fits by id or name."""
        named = [each for each in appointments if self.prompt.is_kind(each)]
        offered = [each for each in named if self._is_offered(each)]
        tiers = offered, [each for each in named if each not in offered]
        by_name = find_fitting(text, tiers, self._naming)
        if any(each.id == text for each in by_name) or day is None:
            return by_name
        for tier in tiers:
            on_day = [each for each in tier if self._is_on(each, day)]
            if found := [each for each in tier if each in on_day or each in by_name]:
                return found
        return []

    def _is_offered(self, appointment: Appointment) -> bool:
        return not appointment.is_over and self.prompt.accepts(appointment, self.now)

    def _is_on(self, appointment: Appointment, day: date) -> bool:
        """Return whether it begins on that day, in the surgery's zone."""
        start = appointment.start
        return start is not None and start.astimezone(self.now.tzinfo).date() == day

    @property
    def _naming(self) -> Naming[Appointment]:
        return Naming("visits", partial(_list_names), self.label)


def is_word(text: str) -> bool:
    """Return whether it is a word for a day, or for what is next: it is not tried as an id."""
    word = _simplify(text)
    is_next = word in find_words("next_")
    is_weekday = word.isalpha() and match_name(word, list_weekdays()) is not None
    return is_next or word in day_offsets() or is_weekday


def _simplify(text: str) -> str:
    return " ".join(text.lower().split())


def _read_day(text: str, today: date) -> tuple[date | None, InvalidUsage | None]:
    """Return the day that a text stands for, or why it stands for none, if it is meant as one.

    A week or a month is no day.
    """
    if _simplify(text.replace("-", " ")) in week_offsets() | month_offsets():
        return None, None
    try:
        return parse_day(text, today, "The day"), None
    except InvalidUsage as error:
        is_meant = not error.message.endswith(NOT_A_DAY)
        return None, error if is_meant else None


def _list_names(appointment: Appointment) -> tuple[str | None, ...]:
    return (
        appointment.subject,
        appointment.reason,
        appointment.service,
        appointment.channel,
        appointment.practitioner,
    )
