"""What stands in a plan before something is sent."""

from datetime import datetime

from gpcli.model.appointment import Window
from gpcli.model.money import Price

PlanValue = str | datetime | Window | Price | None
"""Words, or facts that the writer puts into words."""
