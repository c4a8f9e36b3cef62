"""What can be done with a thread that one has read."""

from dataclasses import replace

import pytest

from gpcli.care.follow_up import list_follow_ups
from gpcli.model.thread import Attachment, Conversation
from tests.care.messages import a_message, a_thread

PHOTO = Attachment("m-1.1", "rash.jpg", "image/jpeg", 12, source="Binary/b-1")
WITHDRAWN = replace(PHOTO, status="entered-in-error")


@pytest.mark.parametrize(
    ("status", "unread", "attachments", "keys"),
    [
        ("in-progress", True, (PHOTO,), "rmsq"),
        ("in-progress", False, (), "rq"),
        ("in-progress", None, (), "rmq"),
        ("stopped", False, (PHOTO,), "sq"),
        ("stopped", True, (WITHDRAWN,), "mq"),
        ("stopped", False, (), ""),
        ("entered-in-error", False, (), ""),
    ],
)
def test_only_what_can_be_done_is_listed(status, unread, attachments, keys):
    message = a_message("m-1", unread=unread, attachments=attachments)
    found = list_follow_ups(Conversation(a_thread("t-1", status=status), (message,)))
    assert "".join(found) == keys
