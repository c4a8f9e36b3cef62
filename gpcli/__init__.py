"""gpcli: a patient's command line to their GP's online services."""

__version__ = "0.1.0"
