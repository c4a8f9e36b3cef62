"""`gpcli troubleshoot` on the command line: its row, its help, and the time that it has."""

from __future__ import annotations

import io
from dataclasses import replace

import httpx
import pytest

from gpcli.app_context import AppContext
from gpcli.cli.answer_table import PAGES
from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.run import run_command_line
from gpcli.cli.troubleshoot_command import _build_check_context, _open_client
from gpcli.config.settings import Options
from gpcli.model.account import OwnCause
from gpcli.render.terminal import Terminal


@pytest.fixture
def context(tmp_path):
    env = {
        "GPCLI_CONFIG_DIR": str(tmp_path),
        "GPCLI_PORTAL": "https://portal.example",
        "GPCLI_ENVIRONMENT": "staging",
        "GPCLI_TOKEN": "canary",
        "GPCLI_PATIENT": "ada-7",
        "HOME": "/home/someone",
    }
    streams = [io.StringIO() for _ in range(3)]
    transport = httpx.MockTransport(lambda _: httpx.Response(404))
    made = AppContext(Options(timeout=20.0), env, *streams, transport=transport)
    yield made
    made.close()


def test_the_help_explains_every_cause_that_is_no_word_of_an_error():
    page = " ".join(PAGES["troubleshoot"].split())
    assert [cause for cause in OwnCause if f"{cause} (" not in page] == []


def test_the_words_that_people_try_lead_to_it():
    row = REGISTRY.find_command("troubleshoot")
    assert {"diagnose", "check"} <= set(row.aliases)
    assert (row.services, row.writes) == ((), False)


@pytest.mark.parametrize(
    ("spent", "left"), [(0.0, 20.0), (5.00113, 15.0), (19.5, 1.0), (60.0, 1.0)]
)
def test_the_network_gets_the_time_that_is_left(context, spent, left):
    assert _open_client(context, spent).deadline.seconds == left


def test_nobody_may_be_asked_while_it_runs_not_even_by_the_keyring(context):
    made = []

    def at_a_terminal(options, env, *streams):
        shown = Terminal(stdin_tty=True, stdout_tty=True, stderr_tty=True)
        made.append(AppContext(options, context.env, *streams, terminal=shown))
        return made[0]

    streams = [io.StringIO() for _ in range(3)]
    line = ["troubleshoot", "--profile", "none"]
    assert run_command_line(line, context.env, *streams, at_a_terminal) == 3
    assert made[0].ask.can_ask is False


def test_a_limit_below_a_second_is_kept(context):
    context.options = replace(context.options, timeout=0.2)
    assert _open_client(context, 0.0).deadline.seconds == 0.2


def test_the_context_hides_what_the_variables_hold(context):
    context = _build_check_context(context)
    assert context.redact("canary ada-7 /home/someone/x") == "[hidden] [hidden] ~/x"
    assert context.credential_source == "GPCLI_TOKEN"


def test_the_portal_is_asked_once_for_all_the_checks_of_the_way(context):
    context = _build_check_context(context)
    assert context.first_response is context.first_response
    assert context.first_response.status == 404
