"""What gpcli talks about, in a patient's words: frozen records, no behaviour beyond naming.

Texts are the portal's own, verbatim; the writer sanitises them for people. Times are aware and
keep the portal's offset; `None` means that the record does not say.
"""
