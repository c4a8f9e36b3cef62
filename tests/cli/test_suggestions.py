"""Which command is proposed for a word that is none."""

import pytest

from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.suggestions import find_nearest

MEANINGS = [
    ("inbox", "messages list"),
    ("mail", "messages list"),
    ("unread", "messages list"),
    ("message", "messages list"),
    ("reply", "messages reply"),
    ("renew", "rx renew"),
    ("refill", "rx renew"),
    ("prescriptions", "rx list"),
    ("Prescription", "rx list"),
    ("medicine", "rx list"),
    ("meds", "rx list"),
    ("visits", "appointments list"),
    ("appointment", "appointments list"),
    ("calendar", "appointments list"),
    ("ical", "appointments export"),
    ("reschedule", "move"),
    ("reserve", "book"),
    ("times", "slots"),
    ("unbook", "cancel"),
    ("doctor", "gp"),
    ("phone", "gp"),
    ("question", "econsult start"),
    ("video", "econsult join"),
    ("reception", "contact"),
    ("vaccine", "flu"),
    ("upcoming", "next"),
    ("dashboard", "today"),
    ("prices", "services"),
    ("signin", "login"),
    ("me", "whoami"),
    ("settings", "profile"),
    ("pending", "outbox list"),
    ("remove", "profile remove"),
    ("man", "help"),
    ("time", "slots"),
    ("ledig", "slots"),
    ("timer", "appointments list"),
    ("bestill", "book"),
    ("avbestill", "cancel"),
    ("resept", "rx list"),
    ("forny", "rx renew"),
    ("melding", "messages list"),
    ("fastlege", "gp"),
    ("vaksine", "flu"),
    ("samtykke", "consent"),
    ("hjelp", "help"),
]
SPELLINGS = [
    ("slotz", "slots"),
    ("bok", "book"),
    ("canel", "cancel"),
    ("mesages", "messages"),
    ("appointmnts", "appointments"),
    ("perscriptions", "rx list"),
    ("whoam", "whoami"),
    ("mess", "messages"),
    ("trouble", "troubleshoot"),
    ("reseptr", "rx list"),
    ("withdaw", "rx withdraw"),
    ("xyzzy", None),
    ("a", None),
    ("", None),
    ("ø" * 5000, None),
]
INSIDE = [
    ("rx", "refill", "rx renew"),
    ("rx", "lst", "rx list"),
    ("rx", "shwo", "rx show"),
    ("profile", "lst", "profile list"),
    ("messages", "read", "messages show"),
    ("messages", "inbox", "messages list"),
    ("appointments", "cancel", "cancel"),
    ("appointments", "book", "book"),
    ("profile", "move", "move"),
    ("sandbox", "fautl", "sandbox fault"),
    ("", "fault", "sandbox fault"),
]


@pytest.mark.parametrize(("word", "path"), MEANINGS)
def test_a_word_is_understood_by_its_meaning(word, path):
    assert find_nearest(REGISTRY, "", word) == path


@pytest.mark.parametrize(("word", "path"), SPELLINGS)
def test_a_word_without_a_meaning_is_compared_by_its_spelling(word, path):
    assert find_nearest(REGISTRY, "", word) == path


@pytest.mark.parametrize(("group", "word", "path"), INSIDE)
def test_a_word_behind_a_group_may_be_meant_for_another(group, word, path):
    assert find_nearest(REGISTRY, group, word) == path


@pytest.mark.parametrize("word", sorted(each for row in REGISTRY.commands for each in row.aliases))
def test_every_word_that_is_known_for_a_command_leads_to_it_from_everywhere(word):
    [path] = [row.path for row in REGISTRY.commands if word in row.aliases]
    groups = ["", *(row.path for row in REGISTRY.groups)]
    names = {group: REGISTRY.list_names(group) for group in groups}

    assert {find_nearest(REGISTRY, each, word) for each in groups if word not in names[each]} == {
        path
    }


@pytest.mark.parametrize("path", [row.path for row in (*REGISTRY.commands, *REGISTRY.groups)])
def test_what_is_proposed_is_a_command_or_a_group(path):
    proposed = find_nearest(REGISTRY, "", path.split()[-1])

    assert REGISTRY.find_command(proposed) or REGISTRY.find_group(proposed)
