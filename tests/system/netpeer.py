#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""netpeer.py - the other ends that network tests need: resolvers, echoes, clients

usage: netpeer.py dns ADDRESS PORT ANSWER [ok|fail|silent|short|liar]   a resolver with one answer
       netpeer.py ask SERVER NAME [A|AAAA|TXT] [udp|tcp]           prints "RCODE ADDRESSES" or why not
       netpeer.py echo PORT                                        sums of what comes, by TCP and UDP
       netpeer.py exchange HOST PORT                               both ways, large, with a half-close
       netpeer.py talk HOST HOST6 PORT SECONDS                     question and answer in turns over both families
       netpeer.py many HOST PORT NUMBER                            so many connections at once
       netpeer.py connect HOST PORT                                prints what became of it, and when
       netpeer.py flood HOST NUMBER [PORT]                         so many SYNs by a raw socket
       netpeer.py deaf                                             listens on a port that it prints, and takes nobody
       netpeer.py junk NUMBER                                      so many malformed frames"""
import hashlib
import os
import random
import resource
import socket
import struct
import sys
import threading
import time

TYPES = {"A": 1, "AAAA": 28, "TXT": 16}


def end_of_question(message):
    at = 12
    while message[at]:
        at += message[at] + 1
    return at + 5


def answer(query, address, mode, is_tcp):
    end = end_of_question(query)
    question = query[4:6] + b"\0" * 6 + query[12:end]
    if mode == "fail":
        return query[:2] + b"\x81\x82" + question
    if mode == "short" and not is_tcp:
        return query[:2] + b"\x83\x80" + question
    if mode == "liar":  # another id than that of the question
        query = bytes([query[0] ^ 1]) + query[1:]
    count = 400 if is_tcp else 1
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(address)
    return (query[:2] + b"\x81\x80" + query[4:6] + struct.pack(">H", count) + b"\0" * 4 + query[12:end] +
            record * count)


def dns(host, port, address, mode="ok"):
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind((host, int(port)))
    listener = socket.create_server((host, int(port)))

    def streams():
        while True:
            stream, _ = listener.accept()
            with stream, stream.makefile("rb") as f:
                while len(size := f.read(2)) == 2:
                    reply = answer(f.read(struct.unpack(">H", size)[0]), address, mode, True)
                    stream.sendall(struct.pack(">H", len(reply)) + reply)
    threading.Thread(target=streams, daemon=True).start()
    print("up", flush=True)
    while True:
        query, peer = datagrams.recvfrom(4096)
        if mode != "silent":
            datagrams.sendto(answer(query, address, mode, False), peer)


def addresses(reply):
    at, found = end_of_question(reply), []
    for _ in range(struct.unpack(">H", reply[6:8])[0]):
        kind, size = struct.unpack(">H", reply[at + 2:at + 4])[0], struct.unpack(">H", reply[at + 10:at + 12])[0]
        family = socket.AF_INET if kind == 1 else socket.AF_INET6
        found.append(socket.inet_ntop(family, reply[at + 12:at + 12 + size]))
        at += 12 + size
    return found


def ask(server, name, kind="A", way="udp"):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    query = os.urandom(2) + b"\1\0\0\1\0\0\0\0\0\0" + labels + b"\0" + struct.pack(">HH", TYPES[kind], 1)
    begin = time.monotonic()
    try:
        if way == "tcp":
            with socket.create_connection((server, 53), 8) as s, s.makefile("rb") as f:
                s.sendall(struct.pack(">H", len(query)) + query)
                reply = f.read(struct.unpack(">H", f.read(2))[0])
        else:
            family = socket.AF_INET6 if ":" in server else socket.AF_INET
            s = socket.socket(family, socket.SOCK_DGRAM)
            s.settimeout(8)
            s.connect((server, 53))
            s.send(query)
            reply = s.recv(65535)
    except OSError as reason:
        print(f"none {reason}")
        return
    assert reply[:2] == query[:2] and reply[2] & 0x80
    took = time.monotonic() - begin
    speed = "at once" if took < 1.5 else f"after {took:.0f} s"
    found = addresses(reply)
    shown = found if len(found) < 5 else [found[0], f"x{len(found)}"]
    print(reply[3] & 15, *shown, *(["cut"] if reply[2] & 2 else []), speed, flush=True)


def echo(port):
    listener = socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True, backlog=2000)
    datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    datagrams.bind(("::", listener.getsockname()[1]))

    def one(stream):
        with stream:
            total, size, talks = hashlib.sha256(), 0, False
            while data := stream.recv(1 << 18):
                total.update(data)
                size += len(data)
                if size == 1:
                    talks = data == b"?"
                if size == 1 or talks:
                    stream.sendall(b"!")
            blob = os.urandom(1 << 20) * 4
            if size > 1 and not talks:
                stream.sendall(total.digest() + hashlib.sha256(blob).digest() + blob)

    def packets():
        while True:
            data, peer = datagrams.recvfrom(65536)
            datagrams.sendto(data, peer)
    threading.Thread(target=packets, daemon=True).start()
    print("up", listener.getsockname()[1], flush=True)
    while True:
        stream, _ = listener.accept()
        threading.Thread(target=one, args=(stream,), daemon=True).start()


def exchange(host, port):
    blob, back = os.urandom(1 << 20) * 4, b""
    with socket.create_connection((host, int(port)), 10) as s:
        s.sendall(blob)
        s.shutdown(socket.SHUT_WR)
        while data := s.recv(1 << 18):
            back += data
    assert back[:32] == hashlib.sha256(blob).digest(), "what was sent is not what came"
    assert back[32:64] == hashlib.sha256(back[64:]).digest() and len(back) == 64 + (4 << 20)
    datagrams = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.settimeout(5)
    datagrams.connect((host, int(port)))
    for size in (1, 1400, 1473, 9000, 65400 if ":" in host else 65507):
        data = os.urandom(size)
        datagrams.send(data)
        assert datagrams.recv(65536) == data, f"a datagram of {size} bytes"
    print("whole")


def talk(host, host6, port, seconds):
    """Prints how many turns there were, and the longest of them in seconds."""
    streams = [socket.create_connection((at, int(port)), 20) for at in (host, host6)]
    end, turns, longest = time.monotonic() + float(seconds), 0, 0
    while (begin := time.monotonic()) < end:
        for s in streams:
            s.sendall(b"?")
            assert s.recv(1) == b"!"
        turns, longest = turns + 1, max(longest, time.monotonic() - begin)
        time.sleep(0.02)
    print("talked", turns, f"{longest:.3f}")


def many(host, port, number):
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    streams = [socket.create_connection((host, int(port)), 10) for _ in range(int(number))]
    for s in streams:
        s.sendall(b"x")
    print(sum(s.recv(1) == b"!" for s in streams), flush=True)
    if len(sys.argv) > 5:
        time.sleep(float(sys.argv[5]))


def connect(host, port):
    begin = time.monotonic()
    try:
        socket.create_connection((host, int(port)), 5).close()
        result = "connected"
    except OSError as reason:
        result = os.strerror(reason.errno) if reason.errno else str(reason)
    print(result, "at once" if time.monotonic() - begin < 2.5 else "late")


MANY = 24 << 20  # more than all buffers on the way


def pattern(size):
    return bytes(range(251)) * (size // 251 + 1)


def moody(host="127.0.0.1"):
    """One at a time: w - reads late and counts, r - writes much, x - resets, y - says a word and resets, z - is to be reset."""
    listener = socket.create_server((host, 0))
    print(listener.getsockname()[1], flush=True)
    reset = struct.pack("ii", 1, 0)
    while True:
        s, _ = listener.accept()
        mood = s.recv(1)
        if mood == b"w":
            time.sleep(1)
            got = b""
            while data := s.recv(1 << 16):
                got += data
            s.sendall(b"%d %s" % (len(got), b"whole" if got == pattern(MANY)[:MANY] else b"broken"))
        elif mood == b"r":
            s.sendall(pattern(MANY)[:MANY])
        elif mood in (b"x", b"y"):
            if mood == b"y":
                s.sendall(b"word")
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        elif mood == b"z":
            try:
                result = b"ended" if s.recv(1) == b"" else b"more"
            except ConnectionResetError:
                result = b"reset"
            s.close()
            s, _ = listener.accept()
            s.sendall(result)
        s.close()


def moods(host, port):
    def ask(mood):
        s = socket.create_connection((host, int(port)), 20)
        s.sendall(mood)
        return s

    def rest(s):
        got = b""
        while data := s.recv(1 << 16):
            got += data
        return got
    with ask(b"w") as s:
        s.sendall(pattern(MANY)[:MANY])
        s.shutdown(socket.SHUT_WR)
        print("written:", rest(s).decode())
    with ask(b"r") as s:
        time.sleep(1)
        print("read:", "whole" if rest(s) == pattern(MANY)[:MANY] else "broken")
    for mood in (b"x", b"y"):
        with ask(mood) as s:
            word = s.recv(4) if mood == b"y" else b""
            try:
                print("after", word, "more" if s.recv(1) else "ended")
            except ConnectionResetError:
                print("after", word.decode() or "nothing", "reset")
    s = ask(b"z")
    time.sleep(0.2)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
    with socket.create_connection((host, int(port)), 20) as s:
        print("outside:", s.recv(10).decode())


def late(*seconds):
    """Takes a connection for each number, and reads only so many seconds later."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    for pause in seconds:
        s, _ = listener.accept()
        time.sleep(float(pause))
        got = 0
        try:
            while data := s.recv(1 << 16):
                got += len(data)
            result = "ended"
        except ConnectionResetError:
            result = "reset"
        print("all" if got == MANY else "part", result, flush=True)
        s.close()


def leave(host, port, patience=20):
    """Says much, and is gone before it was heard; also when it is not heard at all."""
    s = socket.create_connection((host, int(port)), 20)
    s.settimeout(float(patience))
    try:
        s.sendall(pattern(MANY)[:MANY])
    except TimeoutError:
        pass
    os._exit(0)


def deaf():
    s = socket.create_server(("127.0.0.1", 0), backlog=1)
    print(s.getsockname()[1], flush=True)
    time.sleep(600)


def junk(number):
    """Headers of every kind with lengths and offsets that lie, cut off anywhere; and noise."""
    random.seed(7)
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("eth0", 0))
    ethernet = b"\x52\x55\x0a\0\2\2" + s.getsockname()[4]
    v4, v6 = socket.inet_aton("10.0.2.2"), socket.inet_pton(socket.AF_INET6, "fd00::2")
    own4, own6 = socket.inet_aton("10.0.2.100"), socket.inet_pton(socket.AF_INET6, "fd00::100")

    def noise(most):
        return random.randbytes(random.randrange(most))
    for _ in range(int(number)):
        some16 = random.choice((0, 1, 20, 40, 1500, 65535, random.randrange(65536)))
        protocol = random.choice((0, 1, 6, 17, 44, 58, 59, random.randrange(256)))
        frame = random.choice((
            lambda: ethernet + b"\x08\0" + struct.pack(">BBHHHBBH", random.choice((0x45, 0x4f, 0x41, 0x65)), 0, some16,
                                                       1, random.randrange(65536), 64, protocol, 0) + own4 + v4 + noise(200),
            lambda: ethernet + b"\x86\xdd" + struct.pack(">IHBB", 6 << 28, some16, protocol, 255) + own6 + v6 + noise(200),
            lambda: ethernet + b"\x08\x06" + struct.pack(">HHBBH", 1, 0x800, 6, 4, random.randrange(4)) + noise(60),
            lambda: ethernet + noise(300),
            lambda: noise(100)))()
        try:
            s.send(frame if random.randrange(3) else frame[:random.randrange(len(frame) + 1)])
        except OSError:  # too short for a frame, or no room for a moment
            pass
    print("sent", flush=True)


def flood(host, number, port=0):
    """SYNs from ports and to ports that differ, as fast as they can be written."""
    source = socket.inet_aton("10.0.2.100")
    target = socket.inet_aton(host)
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for i in range(int(number)):
        tcp = struct.pack(">HHIIBBHHH", 1024 + i % 60000, int(port) or 1 + i // 60000 + i % 7, i, 0, 0x50, 2, 65535, 0, 0)
        pseudo = source + target + struct.pack(">BBH", 0, 6, len(tcp)) + tcp
        total = sum(struct.unpack(f">{len(pseudo) // 2}H", pseudo))
        total = (total & 0xffff) + (total >> 16)
        total = ~((total & 0xffff) + (total >> 16)) & 0xffff
        header = struct.pack(">BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + source + target
        try:
            raw.sendto(header + tcp[:16] + struct.pack(">H", total) + tcp[18:], (host, 0))
        except BlockingIOError:
            pass
    print("flooded", flush=True)
    if int(port):
        time.sleep(60)


if __name__ == "__main__":
    globals()[sys.argv[1]](*(sys.argv[2:5] if sys.argv[1] == "many" else sys.argv[2:]))
