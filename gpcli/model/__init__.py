"""The records that gpcli works with: frozen dataclasses, with no behaviour beyond naming.

Texts are the portal's own, verbatim; the writer sanitises them for people. Times are aware and
keep the portal's offset; `None` means that the record does not say.
"""
