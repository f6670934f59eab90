"""What both Python programs share: commands come as JSON lines on stdin, events go as JSON lines to stdout."""

import asyncio
import base64
import json
import sys

LONGEST_LINE = 8 * 1024 * 1024


def say(event, **more):
    """Tells an event to whoever drives this program."""
    print(json.dumps({"event": event, **more}), flush=True)


def packed(data):
    """Text or bytes, as they go over stdin and stdout."""
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def text_of(packed_text):
    """The text of what came over stdin."""
    return base64.b64decode(packed_text).decode()


async def obey(peer):
    """Calls the method of `peer` that each command names, one after the other, until stdin ends."""
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        command = json.loads(line)
        await getattr(peer, command.pop("do"))(**command)
