"""A WebSocket client and server on Python's Tornado."""

import asyncio
import base64
import logging

from commands import obey, packed, say, text_of
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketHandler, websocket_connect

# What it logs when a connection is lost says no more than the event does.
logging.disable()


def say_message(data):
    say("text" if isinstance(data, str) else "binary", data=packed(data))


def say_closed(socket):
    say("close", code=socket.close_code or 1006, reason=packed(socket.close_reason or ""))


class Peer:
    """One connection at a time."""

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
            say("refused", said=str(error))
            return
        say("open", protocol=self.socket.selected_subprotocol or "")
        self.reading = asyncio.create_task(self.read(self.socket))

    async def read(self, socket):
        while (data := await socket.read_message()) is not None:
            say_message(data)
        say_closed(socket)

    async def listen(self, protocols, compression):
        peer = self

        class Handler(WebSocketHandler):
            def check_origin(self, origin):
                return True

            def select_subprotocol(self, subprotocols):
                return next((one for one in protocols if one in subprotocols), None)

            def get_compression_options(self):
                return {} if compression else None

            def open(self):
                peer.socket = self
                say("open", protocol=self.selected_subprotocol or "")

            def on_message(self, data):
                say_message(data)

            def on_close(self):
                say_closed(self)

        if self.server:
            self.server.stop()
        [listener] = bind_sockets(0, "127.0.0.1")
        self.server = HTTPServer(Application([("/ws", Handler)]))
        self.server.add_socket(listener)
        say("listening", port=listener.getsockname()[1])

    async def text(self, data):
        await self.socket.write_message(text_of(data))

    async def binary(self, data):
        await self.socket.write_message(base64.b64decode(data), binary=True)

    async def ping(self):
        # Its client has no public way to send one.
        if isinstance(self.socket, WebSocketHandler):
            self.socket.ping()
        else:
            self.socket.protocol.write_ping(b"")

    async def close(self, code, reason):
        self.socket.close(code, text_of(reason))


asyncio.run(obey(Peer()))
