"""A patient's GP and the surgery where they work."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OpeningHours:
    """One line of opening hours: `days` as `mon`…`sun`; no times = all day."""

    days: tuple[str, ...]
    opens: str | None
    closes: str | None


@dataclass(frozen=True)
class Surgery:
    """One GP at one surgery. `id` is stable at the portal; `gp` is the doctor's name."""

    id: str
    gp: str | None
    name: str | None
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    websites: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    hours: tuple[OpeningHours, ...] = ()

    @property
    def label(self) -> str:
        """The GP and the surgery in one phrase."""
        return ", ".join(part for part in (self.gp, self.name) if part) or self.id

    @property
    def phone(self) -> str | None:
        """The number to call, if the portal gives one."""
        return self.phones[0] if self.phones else None
