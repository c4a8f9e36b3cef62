"""Signing in with SMART App Launch, access tokens, and the session in the keyring."""
