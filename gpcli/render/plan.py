"""What is about to be sent: shown before every write."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """One errand before it is sent.

    `action` is what will happen ("Book a time"); `rows` are label and value, in reading order;
    `environment` is the profile's (`production`, `staging`, `sandbox`), said unless production;
    `warnings` are what the person should weigh.
    """

    action: str
    rows: tuple[tuple[str, str], ...]
    environment: str
    warnings: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The action, marked with the environment unless it is the real one."""
        if self.environment == "production":
            return self.action
        return f"{self.action} [{self.environment}]"
