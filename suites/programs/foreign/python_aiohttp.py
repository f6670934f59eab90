"""A WebSocket client and server on Python's aiohttp."""

import asyncio
import base64

from aiohttp import ClientSession, WSMsgType, web

from commands import decode_text, encode, report, run_commands


class Peer:
    """A client and a server that share one connection at a time."""

    def __init__(self):
        self.socket = None
        self.runner = None
        self.session = None
        self.receiving = None
        self.closed = None

    async def connect(self, url, protocols, compression):
        self.session = self.session or ClientSession()
        try:
            socket = await self.session.ws_connect(
                url, protocols=protocols, compress=15 if compression else 0
            )
        except Exception as error:
            report("refused", error=str(error))
            return
        self.attach(socket, socket.protocol)

    async def listen(self, protocols, compression):
        async def accept(request):
            socket = web.WebSocketResponse(protocols=protocols, compress=compression)
            await socket.prepare(request)
            self.attach(socket, socket.ws_protocol)
            await self.closed.wait()
            return socket

        if self.runner:
            await self.runner.cleanup()
        app = web.Application()
        app.router.add_get("/ws", accept)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        report("listening", port=self.runner.addresses[0][1])

    def attach(self, socket, protocol):
        self.socket = socket
        self.closed = asyncio.Event()
        report("open", protocol=protocol or "")
        self.receiving = asyncio.create_task(self.receive(socket))

    async def receive(self, socket):
        reason = ""
        while True:
            message = await socket.receive()
            if message.type == WSMsgType.TEXT:
                report("text", data=encode(message.data))
            elif message.type == WSMsgType.BINARY:
                report("binary", data=encode(message.data))
            elif message.type == WSMsgType.CLOSE:
                reason = message.extra or ""
            else:
                break
        self.report_close(socket.close_code, reason)

    def report_close(self, code, reason):
        report("close", code=code, reason=encode(reason))
        self.closed.set()

    async def text(self, data):
        await self.socket.send_str(decode_text(data))

    async def binary(self, data):
        await self.socket.send_bytes(base64.b64decode(data))

    async def ping(self):
        await self.socket.ping()

    async def close(self, code, reason):
        # aiohttp waits for the peer's Close only if no other task is receiving.
        self.receiving.cancel()
        await asyncio.wait([self.receiving])
        await self.socket.close(code=code, message=base64.b64decode(reason))
        self.report_close(self.socket.close_code, "")


asyncio.run(run_commands(Peer()))
