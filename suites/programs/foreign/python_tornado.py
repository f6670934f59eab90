"""A WebSocket client and server on Python's Tornado."""

import asyncio
import base64
import logging

from commands import decode_text, encode, report, run_commands
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect

# Tornado logs lost connections, which the close event reports anyway.
logging.disable()


def report_message(data):
    report("text" if isinstance(data, str) else "binary", data=encode(data))


def report_close(socket):
    report("close", code=socket.close_code or 1006, reason=encode(socket.close_reason or ""))


class Peer:
    """A client and a server that share one connection at a time."""

    def __init__(self):
        self.socket = None
        self.server = None
        self.reading = None

    async def connect(self, url, protocols, compression):
        try:
            self.socket = await websocket_connect(
                url,
                subprotocols=protocols or None,
                compression_options={} if compression else None,
            )
        except Exception as error:
            report("refused", error=str(error))
            return
        report("open", protocol=self.socket.selected_subprotocol or "")
        self.reading = asyncio.create_task(self.read(self.socket))

    async def read(self, socket):
        while (data := await socket.read_message()) is not None:
            report_message(data)
        report_close(socket)

    async def listen(self, protocols, compression):
        peer = self

        class Handler(WebSocketHandler):
            def check_origin(self, origin):
                return True

            def select_subprotocol(self, subprotocols):
                return next((name for name in protocols if name in subprotocols), None)

            def get_compression_options(self):
                return {} if compression else None

            def open(self):
                peer.socket = self
                report("open", protocol=self.selected_subprotocol or "")

            def on_message(self, data):
                report_message(data)

            def on_close(self):
                report_close(self)

        if self.server:
            self.server.stop()
        [listener] = bind_sockets(0, "127.0.0.1")
        self.server = HTTPServer(Application([("/ws", Handler)]))
        self.server.add_socket(listener)
        report("listening", port=listener.getsockname()[1])

    async def text(self, data):
        await self.socket.write_message(decode_text(data))

    async def binary(self, data):
        await self.socket.write_message(base64.b64decode(data), binary=True)

    async def ping(self):
        # The client has no public method for that.
        if isinstance(self.socket, WebSocketHandler):
            self.socket.ping()
        else:
            self.socket.protocol.write_ping(b"")

    async def close(self, code, reason):
        self.socket.close(code, decode_text(reason))


asyncio.run(run_commands(Peer()))
