"""What may be wrong with this computer, the way to the portal, the portal and the sign-in.

Each check is a row of `checks.CHECKS`; none opens a browser, asks a person or changes anything
but an item of no meaning that comes into the keyring and goes again. The session is used as by
every command, and so renewed when that is due.
"""
