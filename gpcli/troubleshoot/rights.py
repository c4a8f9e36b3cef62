"""Checks of what may be done: scopes, what the portal can do, consent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from gpcli.config.profiles import SCOPES
from gpcli.model.service import ConsentLevel, ServiceName, highest_level
from gpcli.portal import queries
from gpcli.portal.booking import OTHER_WAY
from gpcli.portal.capabilities import Capabilities, permitted
from gpcli.troubleshoot.check import Sight, doubtful, fine, not_checked
from gpcli.troubleshoot.scene import Scene
from gpcli.troubleshoot.sign_in import NOT_SUPPORTED, bundle_of, reader_for

SENT = ("Appointment", "Communication", "Task")
"""What gpcli creates, and wants to create once only."""

_TYPES = tuple(
    scope.partition("/")[2].partition(".")[0] for scope in SCOPES.split() if "/" in scope
)
_EVERYTHING = Capabilities(True, _TYPES, _TYPES, _TYPES, _TYPES, transaction=True)


def scopes(scene: Scene) -> Sight:
    """Whether the sign-in granted what the services need."""
    granted = scene.around.bearer.scope
    if granted is None:
        return not_checked(f"nothing tells what {scene.unattended or 'the sign-in'} allows")
    lost = _lost(permitted(granted, _EVERYTHING))
    if lost:
        cure = _SCOPES_OF_MACHINES if scene.unattended else _SCOPES
        return doubtful(f"the sign-in does not allow {lost}", "not_permitted", cure)
    return fine("enough for every service")


_SCOPES = (
    "gpcli login asks for them again; leave 'scopes' out of the profile, and if the portal still "
    "does not grant them, ask the people who run it."
)
_SCOPES_OF_MACHINES = (
    "Leave 'scopes' out of the profile; if the portal still does not grant them, ask the people "
    "who run it."
)


def portal_support(scene: Scene) -> Sight:
    """Whether the portal can do what the services need."""
    can = scene.capabilities
    lost = _lost(permitted(None, can))
    if lost:
        return doubtful(f"the portal can't do {lost}", NOT_SUPPORTED, _SUPPORT)
    way = scene.profile.booking
    if way in _OFFERED and not _OFFERED[way](can):
        seen = f"the profile books by {way}, which the portal does not offer"
        return doubtful(seen, NOT_SUPPORTED, OTHER_WAY)
    unsure = [kind for kind in SENT if kind not in can.conditional_creates]
    if unsure:
        seen = f"the portal does not recognise a repeated {', '.join(unsure)}"
        return doubtful(seen, NOT_SUPPORTED, _REPEATS)
    return fine("all that the services need")


_OFFERED: Mapping[str, Callable[[Capabilities], bool]] = {
    "operation": lambda can: can.book_operation,
    "transaction": lambda can: can.transaction,
}
"""The ways to book that a portal says it has."""

_SUPPORT = "Use the portal's own page, or the phone, for these; gpcli gp shows the numbers."
_REPEATS = (
    "If an answer is lost gpcli does not send again but ends with exit code 10: look at what is "
    "there before you repeat a command."
)


def consent(scene: Scene) -> Sight:
    """Whether the patient has consented to Full Access."""
    if "Consent" not in scene.capabilities.searches:
        return not_checked("the portal keeps no consent")
    patient = scene.around.identity.patient
    query = queries.consents(patient)
    bundle = bundle_of(scene.door.get(query.kind, query.params))
    level = highest_level(reader_for(scene, patient).consents(bundle))
    if level is ConsentLevel.FULL_ACCESS:
        return fine("Full Access")
    seen = f"{level.value}: the services need Full Access"
    return doubtful(seen, "consent_needed", "gpcli consent grant")


def _lost(there: Collection[ServiceName]) -> str:
    return ", ".join(name.value for name in ServiceName if name not in there)
