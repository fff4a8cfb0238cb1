#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# life.bats - terminals, signals, kills, many at once, containers inside containers

load helpers

on_terminal() { # rows, columns, command...
	python3 - "$@" <<-'EOF'
	import fcntl, os, pty, struct, sys, termios
	rows, columns, words = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
	pid, fd = pty.fork()
	if pid == 0:
	    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
	    os.execvp(words[0], words)
	out = b""
	try:
	    while True:
	        got = os.read(fd, 4096)
	        if not got:
	            break
	        out += got
	except OSError:
	    pass
	sys.stdout.buffer.write(out.replace(b"\r", b""))
	sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	EOF
}

@test "-t: the container's own terminal, with the caller's size at the first instruction" {
	for try in 1 2 3 4 5 6 7 8 9 10; do
		run -0 on_terminal 33 101 "$GUSCIO" run --userns=single -it "$root" stty size
		[ "$output" = "33 101" ]
	done
	run -0 on_terminal 24 80 "$GUSCIO" run --userns=single -it "$root" sh -c 'tty; test -c /dev/console && echo console'
	[ "${lines[*]}" = "/dev/pts/0 console" ]
	run -9 on_terminal 24 80 "$GUSCIO" run --userns=single -it "$root" sh -c 'exit 9'
}

@test "-t: the terminal's mode comes back, also after kill -9" {
	before='import os,pty,subprocess,sys,termios,time,signal
m,s=pty.openpty()
was=termios.tcgetattr(s)
p=subprocess.Popen(sys.argv[2:],stdin=s,stdout=s,stderr=s,start_new_session=True)
time.sleep(0.6)
assert termios.tcgetattr(s)!=was, "not raw"
p.send_signal(getattr(signal,sys.argv[1]))
p.wait()
time.sleep(0.4)
sys.exit(0 if termios.tcgetattr(s)==was else 1)'
	for signal in SIGTERM SIGKILL SIGINT; do
		run -0 python3 -c "$before" $signal "$GUSCIO" run --userns=single -it "$root" sh -c 'trap "exit 3" TERM INT; sleep 9 & wait'
	done
}

@test "every signal that can be caught reaches the program" {
	python3 - "$GUSCIO" "$root" <<-'EOF'
	import signal, subprocess, sys, time
	guscio, root = sys.argv[1:]
	names = "HUP INT QUIT ILL TRAP ABRT BUS FPE USR1 SEGV USR2 ALRM TERM STKFLT XCPU XFSZ VTALRM PROF IO PWR SYS".split()
	for name in names:
	    number = getattr(signal, "SIG" + name, None)
	    if number is None:
	        continue
	    script = f"trap 'echo got; exit 42' {int(number)}; echo ready; while :; do sleep 0.05; done"
	    p = subprocess.Popen([guscio, "run", "--userns=single", root, "sh", "-c", script],
	                         stdout=subprocess.PIPE, text=True)
	    assert p.stdout.readline() == "ready\n"
	    p.send_signal(number)
	    out, _ = p.communicate(timeout=10)
	    assert (out, p.returncode) == ("got\n", 42), (name, out, p.returncode)
	EOF
}

@test "Ctrl-Z stops guscio and the program, fg continues both" {
	python3 - "$GUSCIO" "$root" <<-'EOF'
	import os, signal, subprocess, sys, time
	guscio, root = sys.argv[1:]
	p = subprocess.Popen([guscio, "run", "--userns=single", root, "sh", "-c",
	                      "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done"],
	                     stdout=subprocess.PIPE, start_new_session=True)
	p.stdout.readline()
	p.send_signal(signal.SIGTSTP)
	pid, status = os.waitpid(p.pid, os.WUNTRACED)
	assert os.WIFSTOPPED(status)
	os.set_blocking(p.stdout.fileno(), False)
	time.sleep(0.3); p.stdout.read()
	time.sleep(0.3)
	assert not p.stdout.read(), "the program ran on"
	p.send_signal(signal.SIGCONT)
	time.sleep(0.3)
	assert p.stdout.read(), "the program did not go on"
	p.send_signal(signal.SIGTERM)
	p.wait(timeout=10)
	EOF
}

@test "a program starts with no signal blocked, also after a tarball was unpacked" {
	run -0 run_one "$root" grep SigBlk /proc/self/status
	[[ $output == *0000000000000000 ]]
	tar -C "$root" -czf "$work/fresh.tgz" .
	for try in first second; do
		run -0 run_one "$work/fresh.tgz" grep SigBlk /proc/self/status
		[[ $output == *0000000000000000 ]]
	done
}

@test "Ctrl-C while a tarball is unpacked: gone at once, and the next run repairs" {
	head -c 300000000 /dev/urandom >"$work/random"
	tar -C "$work" -cf "$work/big.tar" random
	rm "$work/random"
	python3 - "$GUSCIO" "$work/big.tar" <<-'EOF'
	import os, signal, subprocess, sys, time
	p = subprocess.Popen([sys.argv[1], "run", "--userns=single", sys.argv[2], "true"],
	                     start_new_session=True, stderr=subprocess.PIPE)
	time.sleep(0.25)
	os.killpg(p.pid, signal.SIGINT)
	p.wait(timeout=3)
	assert p.returncode != 0
	EOF
	run -127 run_one "$work/big.tar" true
	run -127 run_one "$work/big.tar" true
	[ -z "$(find "$work/cache" -name 'new.*')" ]
}

@test "the starter killed: the container ends, the next start clears up" {
	"$GUSCIO" run --userns=single --name doomed "$root" sleep 77 &
	local starter=$!
	sleep 0.4
	pgrep -u "$(id -u)" -f 'sleep 77' >/dev/null
	kill -9 $starter
	wait $starter || true
	sleep 0.3
	! pgrep -u "$(id -u)" -fx 'sleep 77'
	run -0 run_one --name doomed "$root" true
	sleep 2.5
	run -0 run_one "$root" true
	assert_nothing_left
}

@test "orphans end with the program; zombies are reaped meanwhile" {
	run -0 run_one "$root" sh -c '(sleep 78 &) ; (true &) ; sleep 0.2; ps -o stat | grep -c Z; true'
	[ "${lines[0]}" = 0 ]
	! pgrep -u "$(id -u)" -fx 'sleep 78'
	run -0 run_one --pid=host "$root" sh -c '(sleep 79 &) ; true'
	sleep 0.2
	! pgrep -u "$(id -u)" -fx 'sleep 79'
}

@test "fifty at once, all right and nothing left" {
	local pids=() failed=0
	for i in $(seq 50); do
		run_one --name "many$i" "$root" sh -c "exit $((i % 7))" &
		pids+=($!)
	done
	for i in $(seq 50); do
		wait "${pids[$((i - 1))]}" || [ $? -eq $((i % 7)) ] || failed=1
	done
	[ $failed -eq 0 ]
	assert_nothing_left
}

@test "--nest: guscio in guscio in guscio, and bwrap inside" {
	local build
	build=$(cd "${GUSCIO%/*}" && pwd)
	inner="$build/guscio run --userns=single @host id -u"
	middle="$build/guscio run --nest -v $build:$build @host $inner"
	run -0 "$GUSCIO" run --nest -v "$build:$build" @host sh -c "$middle"
	[ "$output" = 0 ]
	run -0 "$GUSCIO" run --nest -v "$build:$build" @host "$build/guscio" run @host sh -c 'wc -l < /proc/self/uid_map; chown 5 /tmp'
	if command -v bwrap >/dev/null; then
		run -0 "$GUSCIO" run --nest @host bwrap --unshare-all --ro-bind / / --proc /proc --dev /dev id -u
		[ "$output" = 0 ]
	fi
	run ! "$GUSCIO" run @host unshare -r true
}

@test "newuidmap with file capabilities instead of setuid" {
	[ -d /var/tmp/guscio-filecaps ] || skip "only ./check as root can make such a copy"
	PATH=/var/tmp/guscio-filecaps:$PATH run -0 "$GUSCIO" run "$root" cat /proc/self/uid_map
	[ "${#lines[@]}" -ge 2 ]
	PATH=/var/tmp/guscio-filecaps:$PATH run -0 "$GUSCIO" doctor
	[[ $output == *"/var/tmp/guscio-filecaps/newuidmap"* ]]
}

@test "guscio spec prints what --bundle runs" {
	mkdir "$work/bundle"
	"$GUSCIO" spec --userns=single -e A=b -w /etc --ulimit nofile=77 "$root" sh -c 'echo $A; pwd; ulimit -n' >"$work/bundle/config.json"
	run -0 "$GUSCIO" run --bundle "$work/bundle"
	[ "${lines[*]}" = "b /etc 77" ]
	if command -v python3 >/dev/null; then
		python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); assert d["process"]["cwd"]=="/etc"' "$work/bundle/config.json"
	fi
}

@test "doctor: a table and json, with the mending command" {
	run -0 "$GUSCIO" doctor
	[[ $output == *"containers run here"* ]]
	run -0 bash -c "'$GUSCIO' doctor --format json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))'"
	[ "$output" -ge 10 ]
	run -125 "$GUSCIO" doctor --format xml
	assert_one_line
}

@test "every command has --help" {
	for command in run spec unshare doctor; do
		run -0 "$GUSCIO" $command --help
		[[ $output == "usage: guscio $command"* ]]
	done
	run -0 "$GUSCIO" --version
	[[ $output == guscio\ * ]]
	run bash -c "'$GUSCIO' --help >/dev/full"
	[ "$status" -eq 125 ]
}
