"""Every command of gpcli as data: where it stands, what it starts, and where its code is.

Help, completion, hiding and the command tree read these rows; adding a row adds a command.
Nothing is imported for a row until the command runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpcli.cli.row import Group, Registry
from gpcli.cli.rows import account, care, tools
from gpcli.cli.rows.account import ACCOUNT
from gpcli.cli.rows.care import CARE
from gpcli.cli.rows.tools import TOOLS

if TYPE_CHECKING:
    from gpcli.model.service import ServiceName

SECTIONS = (ACCOUNT, CARE, TOOLS)
"""The sections of the root help, in order."""

GROUPS = (
    Group("consent", ACCOUNT, "Your consent to Full Access", aliases=("consents",)),
    Group("profile", ACCOUNT, "The portals that this machine knows", aliases=("portal", "config")),
    Group(
        "econsult",
        CARE,
        "E-consultations with your GP, in writing, by phone or by video",
        aliases=("econsultation", "e-consult", "consultation"),
    ),
    Group(
        "messages",
        CARE,
        "What you and the surgery have written",
        aliases=("message", "inbox", "mail"),
    ),
    Group(
        "rx",
        CARE,
        "Your prescriptions, what is left of them, and renewing them",
        aliases=("prescriptions", "prescription", "medicines", "meds"),
    ),
    Group(
        "appointments",
        CARE,
        "What is booked, what waits for the surgery, what is past",
        aliases=("appointment", "bookings", "calendar"),
    ),
    Group("sandbox", TOOLS, "A GP portal on this machine, with known people"),
)

REGISTRY = Registry(GROUPS, (*account.ROWS, *care.ROWS, *tools.ROWS))
"""The commands of this release."""


def starts() -> dict[str, tuple[ServiceName, ...]]:
    """The commands that start a service, and the services that each can start."""
    from gpcli.model.service import ServiceName  # noqa: PLC0415  (most commands do without it)

    return {row.path: tuple(map(ServiceName, row.services)) for row in REGISTRY.starting()}
