"""The surgery's side of the portal: it confirms bookings and answers enquiries, in its own time."""

from gpcli.sandbox.surgery.side import SurgerySide

__all__ = ["SurgerySide"]
