"""Serve SMART App Launch 2.2: authorization, tokens, signing keys and the sign-in pages."""
