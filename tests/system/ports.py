#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ports.py - both ends of the tests of published ports: ports.py MODE [ARGUMENTS]"""
import hashlib
import os
import random
import resource
import select
import socket
import struct
import sys
import threading
import time

V4, V6 = socket.AF_INET, socket.AF_INET6


def listen(family, address, port, kind=socket.SOCK_STREAM):
    s = socket.socket(family, kind)
    if family == V6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port))
    if kind == socket.SOCK_STREAM:
        s.listen(4096)
    return s


def name(peer):
    return f"{peer[0]} {peer[1]}"


def talk(c, peer):
    """The peer's address as a line, then everything back until it has ended."""
    c.sendall(name(peer).encode() + b"\n")
    while True:
        data = c.recv(1 << 16)
        if not data:
            break
        c.sendall(data)
    c.close()


def serve(*what):
    """serve 4:80 6:80 u4:53 …: TCP and UDP, until killed"""
    sockets = {}
    for word in what:
        is_udp = word[0] == "u"
        family, port = word[1:].split(":") if is_udp else word.split(":")
        kind = socket.SOCK_DGRAM if is_udp else socket.SOCK_STREAM
        s = listen(V6 if family == "6" else V4, "", int(port), kind)
        sockets[s] = is_udp
    print("up", flush=True)
    while True:
        for s in select.select(list(sockets), [], [])[0]:
            if sockets[s]:
                data, peer = s.recvfrom(65536)
                s.sendto(name(peer).encode() + b" " + data, peer)
            else:
                c, peer = s.accept()
                threading.Thread(target=talk, args=(c, peer), daemon=True).start()


def connect(address, port, kind=socket.SOCK_STREAM):
    s = socket.socket(V6 if ":" in address else V4, kind)
    s.settimeout(20)
    s.connect((address, int(port)))
    return s


def echo_datagrams(port):
    sockets = [listen(family, "", int(port), socket.SOCK_DGRAM) for family in (V4, V6)]
    print("up", flush=True)
    while True:
        for s in select.select(sockets, [], [])[0]:
            data, peer = s.recvfrom(65536)
            s.sendto(data, peer)


def large(address, port):
    """The largest that UDP has: 65535 bytes less its headers, of IPv4 those of IP too."""
    s = connect(address, port, socket.SOCK_DGRAM)
    for size in (1, 1473, 32768, 65000, 65507 if ":" not in address else 65527):
        data = os.urandom(size)
        s.send(data)
        assert s.recv(65536) == data, f"a datagram of {size} bytes"
    print("whole")


def who(address, port, kind="tcp"):
    """Prints how the server sees us, and how we are called really."""
    if kind == "tcp":
        s = connect(address, port)
        print(s.makefile().readline().strip(), "|", name(s.getsockname()))
    else:
        s = connect(address, port, socket.SOCK_DGRAM)
        s.send(b"x")
        print(s.recv(999).decode()[:-2], "|", name(s.getsockname()))


def echo(address, port, megabytes):
    """Everything comes back, and the end after we have ended."""
    s = connect(address, port)
    f = s.makefile("rb")
    f.readline()
    block = os.urandom(1 << 20)
    sent, got = hashlib.sha256(), hashlib.sha256()

    def send():
        for _ in range(int(megabytes)):
            s.sendall(block)
            sent.update(block)
        s.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    while True:
        data = f.read(1 << 18)
        if not data:
            break
        got.update(data)
    sender.join()
    assert sent.digest() == got.digest(), "other bytes came back"
    print("same")


def many(address, port, n):
    """All open at once, each is answered."""
    sockets = [connect(address, port) for _ in range(int(n))]
    for i, s in enumerate(sockets):
        s.sendall(b"%d\n" % i)
    for i, s in enumerate(sockets):
        f = s.makefile()
        f.readline()
        assert f.readline() == f"{i}\n"
    print("all")


def crowd(address, port, n):
    """More at once than there is room for: each waits, none for another one's end."""
    served = []

    def one():
        s = connect(address, port)
        if s.makefile().readline():
            time.sleep(0.05)
            served.append(1)
        s.close()

    threads = [threading.Thread(target=one) for _ in range(int(n))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print(len(served), "were served")


def flood(address, port, n):
    sockets = [connect(address, port, socket.SOCK_DGRAM) for _ in range(int(n))]
    for s in sockets + sockets[:1]:
        s.send(b"x")
        assert s.recv(99).endswith(b" x")
    print(n, "were answered, and the first one again")


def initiative(address, port):
    """A server that answers, and then speaks to another port of the same peer."""
    s = listen(V4, "", 53, socket.SOCK_DGRAM)
    print("up", flush=True)
    data, peer = s.recvfrom(99)
    s.sendto(b"answer", peer)
    s.sendto(b"initiative", (address, int(port)))
    time.sleep(1)


def expect_initiative(address, port, own_port):
    a = socket.socket(V4, socket.SOCK_DGRAM)
    b = listen(V4, "", int(own_port), socket.SOCK_DGRAM)
    a.settimeout(5), b.settimeout(5)
    a.sendto(b"x", (address, int(port)))
    print(a.recv(99).decode(), b.recv(99).decode())


def limits(*ports):
    """Answers with the soft limit of open files."""
    sockets = [listen(V4, "", int(p)) for p in ports]
    print("up", flush=True)
    while True:
        for s in select.select(sockets, [], [])[0]:
            c, _ = s.accept()
            c.sendall(b"%d\n" % resource.getrlimit(resource.RLIMIT_NOFILE)[0])
            c.close()


def unruly():
    """A server that ends connections in all ways there are."""
    s = listen(V4, "", 80)
    print("up", flush=True)

    def treat(c):
        way = random.random()
        try:
            if way < 0.1:
                c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif way < 0.2:
                c.sendall(bytes(300000))
            else:
                if way < 0.3:
                    c.shutdown(socket.SHUT_WR)
                while data := c.recv(1 << 16):
                    if way >= 0.3:
                        c.sendall(data)
        except OSError:
            pass
        c.close()

    while True:
        threading.Thread(target=treat, args=(s.accept()[0],), daemon=True).start()


def misbehave(address, port, seconds):
    """Thirty callers at once that do the same; every kind has to get through."""
    end = time.time() + float(seconds)
    done = set()

    def send(s, n):
        try:
            for _ in range(n):
                s.sendall(bytes(100000))
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def call(seed):
        r = random.Random(seed)
        # A busy machine gets the time that every kind takes.
        while time.time() < end or (len(done) < 6 and time.time() < end + 20):
            kind = r.choice(("whole", "reset", "half", "deaf", "nothing", "reset in the middle"))
            try:
                s = connect(address, port)
                s.settimeout(5)
                sender = threading.Thread(target=send, args=(s, r.randrange(20)))
                if kind in ("whole", "deaf", "reset in the middle"):
                    sender.start()
                if kind == "half":
                    s.shutdown(socket.SHUT_WR)
                n = 0
                while kind in ("whole", "half", "reset in the middle"):
                    data = s.recv(1 << 16)
                    n += len(data)
                    if not data or (kind == "reset in the middle" and n > 300000):
                        break
                if kind.startswith("reset") or (kind == "deaf" and r.random() < 0.5):
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.close()
                done.add(kind)
            except TimeoutError:
                raise
            except OSError:  # a reset comes as ENOTCONN too
                pass

    callers = [threading.Thread(target=call, args=(i,)) for i in range(30)]
    for c in callers:
        c.start()
    for c in callers:
        c.join()
    print(len(done), "kinds")


def reset():
    """A server that breaks off: first with words, then without."""
    s = listen(V4, "", 80)
    print("up", flush=True)
    while True:
        c, _ = s.accept()
        c.sendall(b"last words")
        c.recv(1)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()


def meet_reset(address, port):
    s = connect(address, port)
    assert s.recv(99) == b"last words"
    s.send(b"x")
    try:
        print("end" if s.recv(99) == b"" else "data")
    except ConnectionResetError:
        print("reset")


def break_off(address, port):
    """The server must hear of it: it is the only one, and waits for the end of each."""
    s = connect(address, port)
    s.makefile().readline()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def hear_reset():
    s = listen(V4, "", 80)
    print("up", flush=True)
    c, _ = s.accept()
    c.sendall(b"hello\n")
    try:
        print("end" if c.recv(1) == b"" else "data", flush=True)
    except ConnectionResetError:
        print("reset", flush=True)


def slow(address, port):
    """A reader that does not read: what is under way stays bounded."""
    s = connect(address, port)
    s.makefile().readline()
    s.setblocking(False)
    sent = 0
    end = time.time() + 2
    while time.time() < end:
        try:
            sent += s.send(bytes(1 << 16))
        except BlockingIOError:
            time.sleep(0.05)
    print(sent >> 20)


def last_words():
    """Ends with much still to be read by the other side."""
    s = listen(V4, "", 80)
    print("up", flush=True)
    c, _ = s.accept()
    c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 21)
    c.sendall(bytes(1 << 20))
    os._exit(0)


def count(address, port, after="0"):
    s = connect(address, port)
    time.sleep(float(after))
    n = 0
    while True:
        data = s.recv(1 << 16)
        if not data:
            break
        n += len(data)
    print(n)


def hold(kind, *words):
    """Opens a socket as descriptor 3 and becomes a program with it."""
    s = listen(V4, "127.0.0.1", 0, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    print(s.getsockname()[1], flush=True)
    if s.fileno() != 3:
        os.dup2(s.fileno(), 3)
    os.set_inheritable(3, True)
    os.execvp(words[0], words)


def own_flows(address, port):
    """From one peer port to two published ports, and from two peers to one."""
    a = socket.socket(V4, socket.SOCK_DGRAM)
    b = socket.socket(V4, socket.SOCK_DGRAM)
    a.settimeout(5), b.settimeout(5)
    seen = set()
    for s, p in ((a, int(port)), (a, int(port) + 1), (b, int(port))):
        s.sendto(b"%d" % p, (address, p))
        data, peer = s.recvfrom(999)
        assert data.split()[2] == b"%d" % p and peer[1] == p, (data, peer)
        seen.add(tuple(data.split()[:2]))
    assert len(seen) == 3, seen
    print("three")


MODES = {f.__name__.replace("_", "-"): f for f in (
    serve, who, echo, many, reset, meet_reset, break_off, hear_reset, slow, last_words, count, hold,
    own_flows, crowd, flood,
    initiative, expect_initiative, limits, unruly, echo_datagrams, large,
    misbehave)}
MODES[sys.argv[1]](*sys.argv[2:])
