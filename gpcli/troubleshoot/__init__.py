"""Checks of this computer, the network, the portal and the sign-in.

Each check is an entry of COMPUTER_CHECKS or SIGN_IN_CHECKS. None opens a browser, asks a person or
changes anything, except that a test item is stored in the keyring and deleted again. The session is
used as by every command, and so renewed when that is due.
"""
