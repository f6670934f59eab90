"""A WebSocket client and server on Python's aiohttp."""

import asyncio
import base64

from aiohttp import ClientSession, WSMsgType, web

from commands import obey, packed, say, text_of


class Peer:
    """One connection at a time."""

    def __init__(self):
        self.socket = None
        self.runner = None
        self.session = None
        self.receiving = None
        self.ended = None

    async def connect(self, url, protocols, compression):
        self.session = self.session or ClientSession()
        try:
            socket = await self.session.ws_connect(
                url, protocols=protocols, compress=15 if compression else 0
            )
        except Exception as error:
            say("refused", said=str(error))
            return
        self.begin(socket, socket.protocol)

    async def listen(self, protocols, compression):
        async def accept(request):
            socket = web.WebSocketResponse(protocols=protocols, compress=compression)
            await socket.prepare(request)
            self.begin(socket, socket.ws_protocol)
            await self.ended.wait()
            return socket

        if self.runner:
            await self.runner.cleanup()
        app = web.Application()
        app.router.add_get("/ws", accept)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        say("listening", port=self.runner.addresses[0][1])

    def begin(self, socket, protocol):
        self.socket = socket
        self.ended = asyncio.Event()
        say("open", protocol=protocol or "")
        self.receiving = asyncio.create_task(self.receive(socket))

    async def receive(self, socket):
        reason = ""
        while True:
            message = await socket.receive()
            if message.type == WSMsgType.TEXT:
                say("text", data=packed(message.data))
            elif message.type == WSMsgType.BINARY:
                say("binary", data=packed(message.data))
            elif message.type == WSMsgType.CLOSE:
                reason = message.extra or ""
            else:
                break
        self.end(socket.close_code, reason)

    def end(self, code, reason):
        say("close", code=code, reason=packed(reason))
        self.ended.set()

    async def text(self, data):
        await self.socket.send_str(text_of(data))

    async def binary(self, data):
        await self.socket.send_bytes(base64.b64decode(data))

    async def ping(self):
        await self.socket.ping()

    async def close(self, code, reason):
        # Who closes reads the answer: where somebody else receives meanwhile, aiohttp does not wait for it.
        self.receiving.cancel()
        await asyncio.wait([self.receiving])
        await self.socket.close(code=code, message=base64.b64decode(reason))
        self.end(self.socket.close_code, "")


asyncio.run(obey(Peer()))
