# SPDX-License-Identifier: Apache-2.0
"""console - talk to a system on its console: console [TEXT-TO-WAIT-FOR TEXT-TO-TYPE]... -- COMMAND

Waits for each text in turn and types the answer; an answer "@SIGNAL" sends that signal to COMMAND.
Prints what it saw, then "status N". Gives up after $SECONDS_LEFT (120)."""
import os
import select
import signal
import subprocess
import sys
import time

split = sys.argv.index("--")
words, command = sys.argv[1:split], sys.argv[split + 1:]
end = time.monotonic() + int(os.environ.get("SECONDS_LEFT", "120"))
child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
seen, waiting = b"", list(zip(words[::2], words[1::2]))
while True:
    ready, _, _ = select.select([child.stdout], [], [], 1)
    data = os.read(child.stdout.fileno(), 65536) if ready else b""
    if ready and not data:
        break
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    seen += data
    if waiting and waiting[0][0].encode() in seen:
        text, answer = waiting.pop(0)
        seen = seen[seen.index(text.encode()) + len(text):]
        time.sleep(0.5)
        if answer.startswith("@"):
            child.send_signal(getattr(signal, answer[1:]))
        else:
            child.stdin.write(answer.encode() + b"\n")
            child.stdin.flush()
    if time.monotonic() > end:
        print("\nconsole: gave up waiting for", waiting[:1], flush=True)
        child.kill()
        break
print("status", child.wait())
