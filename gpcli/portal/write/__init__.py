"""One way to write: journal, send, look, settle; each kind of write is data for it."""
