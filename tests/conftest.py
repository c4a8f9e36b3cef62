"""What every test stands on."""

from hypothesis import settings

settings.register_profile("gpcli", deadline=None)  # a busy machine is no failure
settings.load_profile("gpcli")
