#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""registry.py - a registry that misbehaves, one way a repository: registry.py PORT_FILE BUSYBOX

Speaks just enough of the distribution spec to be pulled from, over plain HTTP on
loopback. What each repository does wrong is its name; "good" does nothing wrong.
Requests are appended to PORT_FILE.log, one a line."""
import gzip
import hashlib
import http.server
import io
import json
import os
import socket
import sys
import tarfile
import threading
import time

PORT_FILE, BUSYBOX = sys.argv[1:3]
OCI = "application/vnd.oci.image."
BLOBS, MANIFESTS = {}, {}


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def keep(data):
    BLOBS[digest(data)] = data
    return digest(data)


def layer(*entries):
    """(name, type, content or link, attributes) to a tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, text, *more in entries:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.mode = 0o755
            for key, value in (more[0] if more else {}).items():
                setattr(info, key, value)
            if kind == tarfile.REGTYPE:
                data = text if isinstance(text, bytes) else text.encode()
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
            else:
                info.linkname = text
                tar.addfile(info)
    return out.getvalue()


def image(repository, *layers, tag="1", config=None, media=OCI + "layer.v1.tar+gzip", diff=None,
          packed=None):
    blobs = packed or [gzip.compress(data, 1, mtime=0) for data in layers]
    document = {"architecture": "amd64", "os": "linux", "config": config or {"Cmd": ["/bin/true"]},
                "rootfs": {"type": "layers", "diff_ids": diff or [digest(d) for d in layers]}}
    text = json.dumps(document).encode()
    manifest = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
                "config": {"mediaType": OCI + "config.v1+json", "digest": keep(text), "size": len(text)},
                "layers": [{"mediaType": media, "digest": keep(b), "size": len(b)} for b in blobs]}
    return name(repository, tag, json.dumps(manifest).encode(), manifest["mediaType"])


def name(repository, tag, text, kind):
    MANIFESTS[(repository, tag)] = MANIFESTS[(repository, digest(text))] = (text, kind)
    return text


with open(BUSYBOX, "rb") as f:
    BASE = layer(("bin", tarfile.DIRTYPE, ""), ("bin/busybox", tarfile.REGTYPE, f.read()),
                 *[("bin/" + a, tarfile.SYMTYPE, "busybox") for a in
                   "sh true cat ls stat echo id env pwd sleep find wc test readlink".split()],
                 ("etc", tarfile.DIRTYPE, ""), ("etc/passwd", tarfile.REGTYPE, "root:x:0:0::/root:/bin/sh\nbob:x:7:8::/b:/bin/sh\n"))
R, D, S, H = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


def index(repository, tag, *entries):
    text = json.dumps({"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": [
        {"mediaType": kind, "digest": digest(data), "size": len(data), "platform": platform}
        for data, kind, platform in entries]}).encode()
    return name(repository, tag, text, OCI + "index.v1+json")


def good_ones():
    image("good", BASE, config={"Entrypoint": ["/bin/sh", "-c"], "Cmd": ["echo $WHO in $PWD as $(id -u)"],
          "Env": ["WHO=image"], "WorkingDir": "/etc", "User": "bob", "Labels": {"a": "b"},
          "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/data": {}}, "StopSignal": "SIGINT"})
    image("again", BASE, config={"Cmd": ["/bin/echo", "again"]})
    below = layer(("d", D, ""), ("d/gone", R, "x"), ("d/kept", R, "x"), ("whole", D, ""), ("whole/a", R, "x"),
                  ("file", R, "low"), ("tree", D, ""), ("tree/x", R, "x"))
    above = layer(("d/.wh.gone", R, ""), ("whole/.wh..wh..opq", R, ""), ("whole/b", R, "y"), (".wh.file", R, ""),
                  (".wh.tree", R, ""), ("tree", D, ""), ("tree/new", R, "n"), ("same", R, "s"), (".wh.same", R, ""))
    image("whiteouts", BASE, below, above)
    image("odd", BASE, layer((b"caf\xe9 \xff".decode("utf-8", "surrogateescape"), R, "bytes"), ("ünï", R, "utf8"),
          ("long/" + "n" * 200 + "/" + "m" * 200, R, "long"), ("hard", R, "h"), ("link", H, "hard"),
          ("suid", R, "x", {"mode": 0o4755, "uid": 7, "gid": 8}), ("dev", D, ""),
          ("null2", tarfile.CHRTYPE, "", {"devmajor": 1, "devminor": 3}), ("pipe", tarfile.FIFOTYPE, ""),
          ("old", R, "t", {"mtime": 86400}),
          ("attr", R, "x", {"pax_headers": {"SCHILY.xattr.user.color": "blue", "SCHILY.xattr.user.overlay.opaque": "y"}})))
    image("plain", BASE, packed=[BASE], media=OCI + "layer.v1.tar")
    image("docker", BASE, media="application/vnd.docker.image.rootfs.diff.tar.gzip")
    image("many", BASE, *[layer((f"l{i}", R, str(i))) for i in range(40)])
    image("empty", BASE, layer(), layer())
    amd = image("multi", BASE, tag="amd")
    arm = image("multi", layer(("arm", R, "x")), tag="arm")
    kind = OCI + "manifest.v1+json"
    index("multi", "1", (arm, kind, {"os": "linux", "architecture": "arm64", "variant": "v8"}),
          (amd, kind, {"os": "linux", "architecture": "amd64"}))
    index("foreign", "1", (arm, kind, {"os": "linux", "architecture": "arm64"}), (arm, kind, {"os": "plan9", "architecture": "mips"}))
    MANIFESTS[("foreign", digest(arm))] = (arm, kind)
    image("slow", BASE, layer(("pad", R, bytes(range(256)) * 4000)), packed=[gzip.compress(BASE, 1, mtime=0), layer(("pad", R, bytes(range(256)) * 4000))])


def bad_ones():
    image("baddiff", BASE, diff=["sha256:" + "0" * 64])
    image("badblob", layer(("badblob", R, "x")))
    image("badconfig", layer(("badconfig", R, "x")))
    image("badmanifest", BASE)
    image("badtype", BASE, media="application/x-shoe")
    packed = gzip.compress(BASE, 1, mtime=0)
    image("truncated", BASE, packed=[packed[:-5000]])
    image("garbage", BASE, packed=[b"\x1f\x8bnothing of this is gzip" * 100])
    image("bomb", b"", packed=[gzip.compress(bytes(1 << 20), 9, mtime=0) * 3000], diff=["sha256:" + "1" * 64])
    image("climb", layer(("../../escaped", R, "x")))
    image("linkout", layer(("d", S, "/tmp"), ("d/escaped-guscio", R, "x")))
    image("hardout", layer(("h", H, "../../../../etc/passwd")))
    image("hardmissing", layer(("h", H, "nowhere")))
    image("fight", BASE, layer(("x", R, "file"), ("x", D, ""), ("x/y", R, "deep"), ("z", D, ""), ("x", S, "z"), ("x/through", R, "x"), ("x", R, "last")))
    image("owner", layer(("f", R, "x", {"uid": 4000000000})))
    image("layers", BASE, diff=[digest(BASE)] * 2)
    name("huge", "1", b"[" + b" " * (100 << 20) + b"]", OCI + "manifest.v1+json")
    name("nojson", "1", b"<html>hello</html>", OCI + "manifest.v1+json")
    name("schema1", "1", b'{"schemaVersion":1}', "application/vnd.docker.distribution.manifest.v1+json")
    name("noconfig", "1", json.dumps({"schemaVersion": 2, "layers": []}).encode(), OCI + "manifest.v1+json")
    itself = {"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": []}
    text = json.dumps({**itself, "manifests": [{"mediaType": itself["mediaType"], "digest": "sha256:" + "a" * 64,
                       "size": 3, "platform": {"os": "linux", "architecture": "amd64"}}]}).encode()
    name("loop", "1", text, itself["mediaType"])
    previous = image("deep", BASE, tag="0")
    for depth in range(6):
        previous = index("deep", "1" if depth == 5 else str(depth), (previous, itself["mediaType"], {"os": "linux", "architecture": "amd64"}))
    for status in ("401", "403", "429", "500", "flaky", "stall", "cut", "redirect", "escape"):
        image("s" + status, layer(("status", R, status)), tag="1")


COUNTS, LOCK = {}, threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        with LOCK, open(PORT_FILE + ".log", "a", encoding="utf-8") as f:
            f.write(f"{self.command} {getattr(self, 'path', '?')} {self.headers.get('Range', '') if hasattr(self, 'headers') else ''}\n")

    def answer(self, status, body=b"", headers=(), length=None):
        self.send_response(status)
        for key, value in headers:
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def times(self, key):
        with LOCK:
            COUNTS[key] = COUNTS.get(key, 0) + 1
            return COUNTS[key]

    def misbehave(self, repository, kind, body):
        """True when the answer was given here."""
        error = json.dumps({"errors": [{"code": "X", "message": "no \x1b[31mway"}]}).encode()
        if repository in ("s401", "s403", "s500"):
            self.answer(int(repository[1:]), error)
        elif repository == "s429" and self.times("s429") < 3:
            self.answer(429, error, [("Retry-After", "1")])
        elif repository == "sflaky" and self.times("sflaky" + self.path) < 3:
            self.answer(503, error)
        elif repository == "sstall" and kind == "blobs":
            self.answer(200, body[:10], length=len(body))
            self.wfile.flush()
            time.sleep(60)
        elif repository == "scut" and kind == "blobs" and self.times("scut" + self.path) == 1:
            self.answer(200, body[:len(body) // 2], length=len(body))
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif repository == "sredirect" and kind == "blobs":
            self.answer(307, b"", [("Location", "/elsewhere/" + self.path.rsplit("/", 1)[1])])
        else:
            return False
        return True

    def do_GET(self):
        parts = self.path.split("/")
        if self.path == "/v2/":
            return self.answer(200, b"{}")
        if parts[1] == "elsewhere":
            return self.answer(200, BLOBS[parts[2]])
        repository, kind, what = "/".join(parts[2:-2]), parts[-2], parts[-1]
        if kind == "manifests":
            body, media = MANIFESTS.get((repository, what), (None, None))
            if repository == "loop":
                body, media = MANIFESTS[("loop", "1")]
        else:
            body, media = BLOBS.get(what), "application/octet-stream"
        if body is None:
            return self.answer(404, b"{}")
        if self.misbehave(repository, kind, body):
            return None
        if repository in ("badblob", "badconfig") and kind == "blobs" and (repository == "badconfig") == (body[:1] == b"{"):
            # In gzip the tenth byte says which system packed it: the rest stays good.
            body = body[:9] + b"?" + body[10:]
        if repository == "badmanifest" and what.startswith("sha256:"):
            body += b" "
        asked = self.headers.get("Range") if kind == "blobs" else None
        begin = int(asked[6:].split("-")[0]) if asked else 0
        part = [("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")] if asked else [("Content-Type", media)]
        status, body = 206 if asked else 200, body[begin:]
        if repository == "slow" and kind == "blobs":
            self.answer(status, b"", part, length=len(body))
            for at in range(0, len(body), 20000):
                self.wfile.write(body[at:at + 20000])
                self.wfile.flush()
                time.sleep(0.1)
            return None
        return self.answer(status, body, part)

    do_HEAD = do_GET


good_ones()
bad_ones()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(PORT_FILE + ".new", "w", encoding="utf-8") as f:
    f.write(str(server.server_port))
os.rename(PORT_FILE + ".new", PORT_FILE)
server.serve_forever()
