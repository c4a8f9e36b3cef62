"""Signing in with SMART App Launch, and keeping the session in the operating system's keyring."""
