"""For a timer in the evening: prints the appointments of tomorrow."""

import sys
from datetime import datetime, timedelta

import gpcli


def main(now: datetime) -> int:
    """Print a line for each; the exit code is 0, or 4 where somebody has to sign in again."""
    try:
        with gpcli.connect() as portal:
            appointments = portal.fetch_appointments()
    except gpcli.SignInError:
        print("Sign in again: gpcli login")
        return 4
    tomorrow = (now + timedelta(days=1)).date()
    for each in appointments:
        if each.status == "booked" and each.start and each.start.date() == tomorrow:
            print(f"{each.start:%H:%M} {each.practitioner}")
    return 0


if __name__ == "__main__":
    sys.exit(main(datetime.now().astimezone()))
