"""Have the portal go wrong on purpose, by rules such as `POST Appointment: lost-reply once`.

A layer of its own around the portal, which knows nothing of it. `kinds` is the table of faults,
`rules` the grammar, `book` the rules in force; `front` applies them to each request, with
`request_effects` before the portal does it, and `answer_effects` after.
"""
