"""
A link between two network namespaces, whose packets pass through here: `lossy_link.py`, run in the first of them, makes two TUN devices,
`link0` and `link1`; the second is to be moved into the other namespace. It says `ready`, then obeys a line each on its input:
`cut` (drops everything from now on), `mend`, `weather DELAY_MS LOSS REORDER` (each packet is late by so much, lost with the one
probability, and overtaken by those behind it with the other). Each order is answered with `done`.
"""
import fcntl
import heapq
import os
import random
import select
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


def say(word):
    print(word, flush=True)


def deliver(tun, packet):
    try:
        os.write(tun, packet)
    except OSError:
        pass  # The device is down, or gone: the packet is lost, as on any link.


first, second = open_tun("link0"), open_tun("link1")
other = {first: second, second: first}
is_cut, delay_s, loss, reorder = False, 0.0, 0.0, 0.0
late = []
order_of_arrival = 0
orders = b""
say("ready")

while True:
    wait_s = None if not late else max(0.0, late[0][0] - time.monotonic())
    readable, _, _ = select.select([first, second, sys.stdin.buffer], [], [], wait_s)
    now = time.monotonic()
    while late and late[0][0] <= now:
        _, _, tun, packet = heapq.heappop(late)
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
                order_of_arrival += 1
                heapq.heappush(late, (due, order_of_arrival, other[source], packet))
            continue
        part = os.read(sys.stdin.fileno(), 4_096)
        if part == b"":
            sys.exit()
        orders += part
        *whole, orders = orders.split(b"\n")
        for order in whole:
            word, *numbers = order.decode().split()
            if word == "weather":
                delay_s, loss, reorder = float(numbers[0]) / 1_000, float(numbers[1]), float(numbers[2])
            else:
                is_cut = word == "cut"
            say("done")
