# SPDX-License-Identifier: Apache-2.0
"""ready - a service that needs a while to be ready, says when, and lives on"""
import os
import socket
import time

with open("/kept/started", "a", encoding="utf-8") as f:
    f.write(f"{int(time.time())}\n")
print("it is up")
time.sleep(1.2)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
    s.sendto(b"READY=1\nSTATUS=well", os.environ["NOTIFY_SOCKET"])
while True:
    time.sleep(1)
