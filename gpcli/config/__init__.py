"""Paths, profiles, settings, and gpcli's own files: the offer index and the read marks."""
