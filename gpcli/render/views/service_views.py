"""Services, GPs and consent."""

from __future__ import annotations

from gpcli.model.receipt import ConsentReceipt
from gpcli.model.service import Consent, OpeningHours, Service, Standing, Surgery
from gpcli.render.times import TimeFormat
from gpcli.render.view import Column, View, record_view
from gpcli.render.views.wording import price_cell, price_words, sending_columns

_WORDS = {
    Standing.OFFERED: "yes",
    Standing.NOT_OFFERED: "no",
    Standing.OFF_FOR_NOW: "off for now",
    Standing.CONSENT_NEEDED: "needs consent",
    Standing.NOT_PERMITTED: "not permitted",
}
_STYLES = {Standing.OFFERED: "green", Standing.NOT_OFFERED: "dim"}


def _price(row: Service, time_format: TimeFormat) -> str:
    return "" if row.status is Standing.NOT_OFFERED else price_words(row.price)


def _reason(row: Service, time_format: TimeFormat) -> str:
    """The reason where the status does not say it all."""
    return "" if row.status is Standing.NOT_OFFERED else row.reason or ""


def services_view(*, several_gps: bool) -> View[Service]:
    """The services; the GP stands in the table only where there are several."""
    return record_view(
        Service,
        "services",
        (
            Column("service", "Service", lambda row: row.service.value),
            Column(
                "status",
                "Offered",
                lambda row: row.status.value,
                lambda row, _: _WORDS[row.status],
                style=lambda row: _STYLES.get(row.status, "yellow"),
            ),
            Column(
                "gp",
                "GP",
                lambda row: row.surgery.gp or row.surgery.name,
                in_table=several_gps,
                inside="surgery",
            ),
            Column("price", "Price", lambda row: price_cell(row.price), _price),
            Column("answer_time", "Answer", lambda row: row.answer_time),
            Column("command", "Command", lambda row: row.command),
            Column("reason", "Why not", lambda row: row.reason, _reason),
            Column("off_from", "Off from", lambda row: row.off_from, in_table=False),
            Column("off_until", "Off until", lambda row: row.off_until, in_table=False),
            Column("channels", "Ways", lambda row: row.channels, in_table=False),
        ),
    )


WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def hours_words(line: OpeningHours) -> str:
    """`mon–fri 08:00–15:00`: three days or more in a row are joined."""
    days = "–".join(_ends(line.days)) if _in_a_row(line.days) else ", ".join(line.days)
    return f"{days} {line.opens}–{line.closes}" if line.opens and line.closes else days


def _in_a_row(days: tuple[str, ...]) -> bool:
    return len(days) > 2 and "".join(days) in "".join(WEEK)


def _ends(days: tuple[str, ...]) -> tuple[str, str]:
    return days[0], days[-1]


def _hours(surgery: Surgery) -> tuple[str, ...]:
    return tuple(hours_words(line) for line in surgery.hours)


SURGERIES: View[Surgery] = record_view(
    Surgery,
    "gp",
    (
        Column("id", "ID", lambda one: one.id, in_table=False),
        Column("gp", "GP", lambda one: one.gp),
        Column("name", "Surgery", lambda one: one.name),
        Column("phones", "Phone", lambda one: one.phones),
        Column("addresses", "Address", lambda one: one.addresses),
        Column("hours", "Open", _hours),
        Column("websites", "Website", lambda one: one.websites),
        Column("emails", "E-mail", lambda one: one.emails),
    ),
    blocks=True,
)

CONSENTS: View[Consent] = record_view(
    Consent,
    "consents",
    (
        Column("id", "ID", lambda one: one.id),
        Column("level", "Level", lambda one: one.level),
        Column("status", "Status", lambda one: one.status),
        Column("since", "Since", lambda one: one.since),
    ),
)

CONSENT_RECEIPT: View[ConsentReceipt] = record_view(
    ConsentReceipt,
    "consent-receipt",
    (
        Column("id", "ID", lambda one: one.id),
        Column("level", "Level", lambda one: one.level),
        Column("status", "Status", lambda one: one.status),
        Column("since", "Since", lambda one: one.since, in_table=False),
        *sending_columns(ConsentReceipt),
    ),
)
