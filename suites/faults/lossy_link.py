"""
Forwards packets between two network namespaces, over a link that can be cut or impaired.

Run in the first namespace, it creates two TUN devices, `link0` and `link1`; the caller moves the second one
into the other namespace. It prints `ready`, then reads one command per line from its input, and answers each
with `done`:

    cut                             drops all packets from now on
    restore                         forwards packets again
    impair DELAY_MS LOSS REORDER    drops each packet with the probability LOSS, or delays it, by half as much
                                    again with the probability REORDER, so that others overtake it
"""
import fcntl
import heapq
import os
import random
import select
import signal
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN = 0x0001
IFF_NO_PI = 0x1000
MAX_PACKET = 65_536


def open_tun(name):
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    os.set_blocking(tun, False)
    return tun


def reply(word):
    print(word, flush=True)


def deliver(tun, packet):
    try:
        os.write(tun, packet)
    except OSError:
        pass  # The device is down, or gone: the packet is lost, as on any link.


signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends it without a traceback.
first, second = open_tun("link0"), open_tun("link1")
other = {first: second, second: first}
is_cut, delay_s, loss, reorder = False, 0.0, 0.0, 0.0
delayed = []
sequence_number = 0
unread = b""
reply("ready")

while True:
    wait_s = None if not delayed else max(0.0, delayed[0][0] - time.monotonic())
    readable, _, _ = select.select([first, second, sys.stdin.buffer], [], [], wait_s)
    now = time.monotonic()
    while delayed and delayed[0][0] <= now:
        _, _, tun, packet = heapq.heappop(delayed)
        deliver(tun, packet)
    for source in readable:
        if source in other:
            try:
                packet = os.read(source, MAX_PACKET)
            except OSError:
                continue
            if is_cut or random.random() < loss:
                continue
            due = now + delay_s * (1.5 if random.random() < reorder else 1.0)
            if due <= now:
                deliver(other[source], packet)
            else:
                sequence_number += 1
                heapq.heappush(delayed, (due, sequence_number, other[source], packet))
            continue
        chunk = os.read(sys.stdin.fileno(), 4_096)
        if chunk == b"":
            sys.exit()
        unread += chunk
        *lines, unread = unread.split(b"\n")
        for line in lines:
            command, *numbers = line.decode().split()
            if command == "impair":
                delay_s, loss, reorder = float(numbers[0]) / 1_000, float(numbers[1]), float(numbers[2])
            else:
                is_cut = command == "cut"
            reply("done")
