"""A WebSocket client and server on Python's websockets."""

import asyncio
import base64

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from commands import decode_text, encode, report, run_commands


def compression_options(compression):
    """Returns options for `connect`; `compression` is a bool or a list of permessage-deflate offers."""
    if isinstance(compression, list):
        offers = [ClientPerMessageDeflateFactory(**offer) for offer in compression]
        return {"compression": None, "extensions": offers}
    return {"compression": "deflate" if compression else None}


class Peer:
    """A client and a server that share one connection at a time."""

    def __init__(self):
        self.socket = None
        self.server = None
        self.reading = None

    async def connect(self, url, protocols, compression):
        try:
            socket = await websockets.connect(
                url,
                subprotocols=protocols or None,
                **compression_options(compression),
            )
        except Exception as error:
            report("refused", error=str(error))
            return
        self.reading = asyncio.create_task(self.read(socket))

    async def listen(self, protocols, compression):
        if self.server:
            self.server.close()
        self.server = await websockets.serve(
            self.read,
            "127.0.0.1",
            0,
            subprotocols=protocols or None,
            compression="deflate" if compression else None,
        )
        report("listening", port=self.server.sockets[0].getsockname()[1])

    async def read(self, socket):
        self.socket = socket
        report("open", protocol=socket.subprotocol or "")
        try:
            async for data in socket:
                report("text" if isinstance(data, str) else "binary", data=encode(data))
        except websockets.ConnectionClosedError:
            pass
        await socket.wait_closed()
        report("close", code=socket.close_code, reason=encode(socket.close_reason or ""))

    async def text(self, data):
        await self.socket.send(decode_text(data))

    async def binary(self, data):
        await self.socket.send(base64.b64decode(data))

    async def fragments(self, parts):
        await self.socket.send([decode_text(part) for part in parts])

    async def ping(self):
        await self.socket.ping()

    async def close(self, code, reason):
        await self.socket.close(code, decode_text(reason))


asyncio.run(run_commands(Peer()))
