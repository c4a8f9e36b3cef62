"""The portal's SMART App Launch 2.2 side: authorization, tokens, keys and the sign-in page."""
