"""What a patient can decide and do.

Decisions only: the portal, the present and the person who answers questions are arguments. Nothing
here opens a socket, a file or a terminal.
"""
