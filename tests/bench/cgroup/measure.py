# SPDX-License-Identifier: Apache-2.0
"""measure ROUNDS [guscio|crun|podman...] - in the lab: starts with and without a memory limit, ms, medians"""
import os
import subprocess
import sys
import time

ROUNDS = int(sys.argv[1])
HOME = os.environ["HOME"]
ROOT = HOME + "/bench-root"
GUSCIO = os.environ["BUILD"] + "/guscio"


def sh(text):
    subprocess.run(["sh", "-c", text], check=True)


def bundle(name, limited):
    path = HOME + "/" + name
    os.makedirs(path, exist_ok=True)
    sh(f"cd {path} && rm -f config.json && crun spec --rootless")
    with open(path + "/config.json") as f:
        text = f.read()
    text = text.replace('"terminal": true', '"terminal": false').replace('"path": "rootfs"', f'"path": "{ROOT}"')
    text = text.replace('"sh"', '"/bin/true"')
    if limited:
        head = '"resources": {'
        assert head in text or '"linux": {' in text
        if head in text:
            text = text.replace(head, head + '"memory": {"limit": 67108864},' , 1).replace(",}", "}")
        else:
            text = text.replace('"linux": {', '"linux": {"resources": {"memory": {"limit": 67108864}},', 1)
    with open(path + "/config.json", "w") as f:
        f.write(text)
    return path


def once(command):
    begin = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    took = (time.perf_counter() - begin) * 1000
    if done.returncode:
        print("# failed:", command, done.stdout.decode()[-400:], flush=True)
        return None
    return took


sh(f"mkdir -p {ROOT}/bin && cp /bin/busybox {ROOT}/bin/ && ln -sf busybox {ROOT}/bin/true")
free, limited = bundle("bench-free", False), bundle("bench-limited", True)
count = 0


def crun(manager, path):
    global count
    count += 1
    return ["crun", manager, "run", "-b", path, f"bench{count}"]


podman = ["podman", "--cgroup-manager=systemd", "run", "--rm", "--network=none", "--log-driver=none"]
JOBS = {
    "guscio": lambda: [GUSCIO, "run", "--network", "none", ROOT, "/bin/true"],
    "guscio -m 64m": lambda: [GUSCIO, "run", "--network", "none", "-m", "64m", ROOT, "/bin/true"],
    "crun": lambda: crun("--cgroup-manager=disabled", free),
    "crun --systemd-cgroup, memory.limit": lambda: crun("--cgroup-manager=systemd", limited),
    "podman --cgroups=disabled": lambda: [*podman, "--cgroups=disabled", "--rootfs", ROOT, "/bin/true"],
    "podman -m 64m": lambda: [*podman, "-m", "64m", "--rootfs", ROOT, "/bin/true"],
}
JOBS = {name: job for name, job in JOBS.items() if len(sys.argv) < 3 or name.split()[0] in sys.argv[2:]}
times = {name: [] for name in JOBS}
for turn in range(ROUNDS + 1):
    for name, command in JOBS.items():
        if name.startswith("podman") and turn > max(2, ROUNDS // 3):
            continue
        took = once(command())
        # The first round fills caches.
        if turn and took is not None:
            times[name].append(took)
medians = {name: sorted(t)[len(t) // 2] for name, t in times.items() if t}
for name, value in medians.items():
    print(f"{value:9.0f} ms  {name} (of {len(times[name])})")
names = list(JOBS)
for plain, limit in zip(names[::2], names[1::2]):
    if plain in medians and limit in medians:
        print(f"{medians[limit] - medians[plain]:9.0f} ms  what the limit adds to {plain}")
