"""The one way to write: journal, send, look, settle; each type of write is data for it."""
