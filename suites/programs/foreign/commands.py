"""The interface of the Python programs to a test: JSON lines, as in commands.mjs."""

import asyncio
import base64
import json
import sys

MAX_LINE_BYTES = 8 * 1024 * 1024


def report(event, **details):
    """Reports an event to the test."""
    print(json.dumps({"event": event, **details}), flush=True)


def encode(data):
    """Encodes text or bytes for an event."""
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def decode_text(data):
    """Decodes a text in a command."""
    return base64.b64decode(data).decode()


async def run_commands(peer):
    """Calls the method of `peer` that each command names, one after another, until stdin ends."""
    reader = asyncio.StreamReader(limit=MAX_LINE_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while line := await reader.readline():
        arguments = json.loads(line)
        await getattr(peer, arguments.pop("command"))(**arguments)
