"""The one writer of everything that a person or a script sees, and the one that asks."""
