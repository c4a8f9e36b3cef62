#!/usr/bin/env python3
"""For gpcli watch --exec: writes a line for what is new to the file that is named.

It gets one JSON object on its standard input: the schema is that of `gpcli help json watch`.
"""

import json
import sys
from pathlib import Path

event = json.load(sys.stdin)
words = [event["message"]]
for change in event["changes"] or ():  # null without --details
    words.append(f"{change['kind']} {change['change']}: {change['title']}")
with Path(sys.argv[1]).open("a", encoding="utf-8") as file:
    print(*words, sep=" ", file=file)
