"""What is seen on the way to the portal."""

from __future__ import annotations

import httpx
import pytest

from gpcli.errors import BadResponse, Unreachable
from gpcli.model.account import Verdict
from gpcli.troubleshoot import computer_checks
from tests.troubleshoot.conftest import MACHINE

STATEMENT = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}


def respond_with(**headers):
    return lambda _: httpx.Response(200, headers=headers, json=STATEMENT)


def test_through_a_proxy_the_proxy_looks_the_name_up(context):
    here = context(respond_with(), **MACHINE, HTTPS_PROXY="http://me:secret@proxy.example:3128")
    assert computer_checks.check_proxy(here).seen == "proxy.example:3128"
    assert (
        computer_checks.check_name_lookup(here).seen == "not checked: the proxy looks the name up"
    )
    assert computer_checks.check_connection(here).seen == "portal.example answers at port 443"
    assert computer_checks.check_certificate(here).seen == "that of portal.example is trusted"


@pytest.mark.parametrize("name", ["HTTP_PROXY", "all_proxy"])
def test_a_proxy_that_gpcli_does_not_use_is_mentioned(context, name):
    here = context(respond_with(), **MACHINE, **{name: "http://proxy.example"})
    assert computer_checks.check_proxy(here).seen == f"none; {name} is not used"


def test_no_proxy_goes_around_it(context):
    variables = {"HTTPS_PROXY": "http://proxy.example", "NO_PROXY": "portal.example"}
    assert (
        computer_checks.check_proxy(context(respond_with(), **MACHINE, **variables)).seen == "none"
    )


def test_only_the_step_that_failed_fails(context):
    def refused(request):
        raise httpx.ConnectError("no") from ConnectionRefusedError(111, "refused")

    here = context(refused, **{**MACHINE, "GPCLI_PORTAL": "https://portal.example"})
    here.app_context.options.timeout = 0.1
    assert computer_checks.check_proxy(here).status is Verdict.OK
    assert computer_checks.check_name_lookup(here).status is Verdict.OK
    with pytest.raises(Unreachable):
        computer_checks.check_connection(here)


@pytest.mark.parametrize(
    "date",
    [
        "Mon, 01 Mar 2027 08:00:00 GMT",
        "Mon, 01 Mar 2027 07:59:01 GMT",
        "Mon, 01 Mar 2027 09:00:30 +0100",
        "Mon, 01 Mar 2027 08:00:00 -0000",
    ],
)
def test_a_clock_that_agrees_to_the_minute_is_fine(context, date):
    assert (
        computer_checks.check_clock(context(respond_with(Date=date), **MACHINE)).status
        is Verdict.OK
    )


@pytest.mark.parametrize(
    ("date", "seen"),
    [
        ("Mon, 01 Mar 2027 07:58:50 GMT", "1 minute ahead of the portal's"),
        ("Mon, 01 Mar 2027 07:58:00 GMT", "2 minutes ahead of the portal's"),
        ("Mon, 01 Mar 2027 08:58:00 GMT", "58 minutes behind the portal's"),
        ("Mon, 01 Mar 2027 03:00:00 GMT", "5 hours ahead of the portal's"),
        ("Mon, 01 Mar 2021 08:00:00 GMT", "2191 days ahead of the portal's"),
    ],
)
def test_a_clock_that_differs_is_told_with_by_how_much(context, date, seen):
    result = computer_checks.check_clock(context(respond_with(Date=date), **MACHINE))
    assert (result.status, result.cause, result.seen) == (Verdict.WARNING, "clock", seen)


@pytest.mark.parametrize("date", ["", "yesterday", "99"])
def test_a_portal_that_tells_no_usable_time_is_not_compared(context, date):
    result = computer_checks.check_clock(context(respond_with(Date=date), **MACHINE))
    assert result.seen == "not checked: the portal does not tell the time"


def test_a_sandbox_has_a_clock_of_its_own(context):
    here = context(respond_with(), **{**MACHINE, "GPCLI_ENVIRONMENT": "sandbox"})
    assert computer_checks.check_clock(here).status is Verdict.SKIPPED


def test_the_portals_own_words_are_left_out_of_a_refusal(context):
    said = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": "Ada is unwell"}]}
    here = context(lambda _: httpx.Response(500, json=said), **MACHINE)
    with pytest.raises(Exception, match="fault") as failed:
        computer_checks.check_portal(here)
    assert "Ada" not in failed.value.message


def test_what_is_no_statement_is_no_portal(context):
    with pytest.raises(BadResponse):
        computer_checks.check_portal(context(lambda _: httpx.Response(200, json={}), **MACHINE))
