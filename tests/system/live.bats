#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# live.bats - containers that stay: detached, looked at, entered, stopped, kept

load helpers

teardown() {
	remove_containers
	remove_all
}

# Detached, with one id, which is all that most tests need; 3 belongs to bats.
run_d() {
	"$GUSCIO" run -d --userns=single --network=none "$@" 3>&-
}

state_of() { # name, field
	"$GUSCIO" ps -a --no-trunc --filter "name=$1" --format "{{.$2}}"
}

monitor_of() {
	pgrep -u "$(id -u)" -f "^guscio-monitor $1 $XDG_DATA_HOME"
}

# One that has just been started may be the starter still.
its_monitor() {
	soon monitor_of "$1" >/dev/null
	monitor_of "$1"
}

nothing_of_a_container() {
	[ -z "$(ls "$XDG_DATA_HOME/guscio/containers" | grep -v names)" ] &&
		[ -z "$(ls "$XDG_DATA_HOME/guscio/containers/names")" ]
}

@test "run -d prints the id and returns; ps shows it; stop and rm end it" {
	run -0 run_d --name web "$root" sleep 100
	[ "${#output}" -eq 64 ]
	id=$output
	run -0 "$GUSCIO" ps
	[[ ${lines[0]} == "CONTAINER ID "*IMAGE*COMMAND*CREATED*STATUS*PORTS*NAMES ]]
	[[ ${lines[1]} == "${id:0:12}"*'"sleep 100"'*Up*web ]]
	[ "$("$GUSCIO" ps -q)" = "${id:0:12}" ]
	run -0 "$GUSCIO" stop web
	[ "$output" = web ]
	[ -z "$("$GUSCIO" ps -q)" ]
	[[ $(state_of web Status) == "Exited (143) "* ]]
	run -0 "$GUSCIO" stop web
	run -0 "$GUSCIO" rm "${id:0:6}"
	nothing_of_a_container
	! pgrep -f "guscio-monitor web $XDG_DATA_HOME"
	assert_nothing_left
}

@test "the start fails: docker's exit codes, the container stays unless --rm" {
	run -127 run_d --name bad "$root" nonsuch
	assert_one_line
	[ "$(state_of bad State)" = created ]
	run -126 run_d --rm "$root" /etc/passwd
	assert_one_line
	"$GUSCIO" rm bad
	nothing_of_a_container
	[ -z "$(find "$XDG_RUNTIME_DIR/guscio" -mindepth 1 -maxdepth 1 -type d ! -name names)" ]
}

@test "names: one holder, also against the foreground; unknown and ambiguous ones" {
	run_d --name a "$root" sleep 100
	run -125 run_d --name a "$root" true
	assert_one_line
	[[ $output == *"the name 'a' is in use"* ]]
	run -125 run_one --name a "$root" true
	assert_one_line
	run -125 "$GUSCIO" stop nobody
	assert_one_line
	[[ $output == *"no container 'nobody'"* ]]
	run -125 "$GUSCIO" rm a
	[[ $output == *"it runs"* ]]
	run -0 "$GUSCIO" rm -f nobody
	"$GUSCIO" rename a b
	run_d --name a "$root" sleep 100
	run -125 "$GUSCIO" rename a b
	assert_one_line
	run_d --replace --name a "$root" sleep 99
	[ "$(state_of a Command)" = '"sleep 99"' ]
	[ "$("$GUSCIO" ps -aq | wc -l)" -eq 2 ]
	run -125 "$GUSCIO" exec nobody true
	for i in $(seq 17); do "$GUSCIO" create --userns=single "$root" true; done
	for c in 0 1 2 3 4 5 6 7 8 9; do
		if [ "$("$GUSCIO" ps -aq --filter "id=$c" | wc -l)" -gt 1 ]; then
			run -125 "$GUSCIO" start "$c"
			assert_one_line
			[[ $output == *"the beginning of"* ]]
		fi
	done
}

@test "logs: both streams, tail, timestamps, since; follow ends with the container" {
	run_d --name l "$root" sh -c 'for i in 1 2 3; do echo $i; done; echo bad >&2; sleep 1; echo last'
	run -0 --separate-stderr "$GUSCIO" logs -f l
	[ "${lines[*]}" = "1 2 3 last" ]
	[ "$stderr" = bad ]
	run -0 --separate-stderr "$GUSCIO" logs --tail 2 l
	[ "$output" = last ] && [ "$stderr" = bad ]
	run -0 --separate-stderr "$GUSCIO" logs -t l
	[[ ${lines[0]} =~ ^20[0-9][0-9]-[0-9-]+T[0-9:]+\.[0-9]{9}Z\ 1$ ]]
	run -0 --separate-stderr "$GUSCIO" logs --since 1h --until 2099-01-01 l
	[ "${#lines[@]}" -eq 4 ]
	run -0 --separate-stderr "$GUSCIO" logs --since 2099-01-01 l
	[ -z "$output$stderr" ]
	run -125 "$GUSCIO" logs --since never l
	assert_one_line
	python3 -c 'import json,sys
for line in open(sys.argv[1]): assert set(json.loads(line)) == {"log","stream","time"}' \
		"$XDG_DATA_HOME"/guscio/containers/*/container.log
}

@test "logs: lines of any length and any bytes come back as they were" {
	head -c 200000 /dev/urandom >"$root/bytes"
	head -c 100000 /dev/zero | tr '\0' x >>"$root/bytes"
	printf '\n"\\\t\r\001\377\303\nend without a newline' >>"$root/bytes"
	run_d --name l "$root" cat /bytes
	"$GUSCIO" wait l
	"$GUSCIO" logs l >"$work/out"
	cmp "$root/bytes" "$work/out"
	python3 -c 'import json,sys
for line in open(sys.argv[1], encoding="utf-8"): json.loads(line)' \
		"$XDG_DATA_HOME"/guscio/containers/*/container.log
}

@test "logs: rotation by size and count; a follower sees every line" {
	run_d --name l --log-opt max-size=100k --log-opt max-file=30 "$root" \
		sh -c 'sleep 0.3; i=0; while [ $i -lt 9000 ]; do echo "line $i"; i=$((i+1)); done'
	"$GUSCIO" logs -f l >"$work/followed"
	seq -f 'line %.0f' 0 8999 | cmp - "$work/followed"
	"$GUSCIO" logs l | cmp - "$work/followed"
	[ "$("$GUSCIO" logs --tail 5000 l | head -n 1)" = "line 4000" ]
	[ "$(ls "$XDG_DATA_HOME"/guscio/containers/*/container.log.* | wc -l)" -gt 3 ]
	run_d --name few --log-opt max-size=20k --log-opt max-file=2 "$root" \
		sh -c 'i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done'
	"$GUSCIO" wait few
	[ "$(ls "$XDG_DATA_HOME/guscio/containers/$("$GUSCIO" ps -aq --no-trunc --filter name=few)" | grep -c container.log)" -eq 2 ]
	[ "$("$GUSCIO" logs few | tail -n 1)" = "line 2999" ]
}

# Between a reader's calls everything may happen: each look at a name waits here.
@test "logs: a reader that is slow loses nothing of files that move on meanwhile" {
	run_d --name l --log-opt max-size=20k --log-opt max-file=60 "$root" \
		sh -c 'i=0; while [ $i -lt 4000 ]; do echo "line $i"; i=$((i+1)); [ $((i % 50)) -gt 0 ] || sleep 0.02; done'
	slow=(strace -f -o /dev/null -e trace=openat,newfstatat -e inject=openat,newfstatat:delay_enter=20000:when=20+)
	"${slow[@]}" "$GUSCIO" logs l >"$work/begun"
	"${slow[@]}" "$GUSCIO" logs -f l >"$work/followed"
	seq -f 'line %.0f' 0 3999 | cmp - "$work/followed"
	[ -s "$work/begun" ]
	head -n "$(wc -l <"$work/begun")" "$work/followed" | cmp - "$work/begun"
}

@test "--log-driver none and passthrough; what is not known is refused" {
	run_d --name n --log-driver none "$root" echo quiet
	"$GUSCIO" wait n
	run -125 "$GUSCIO" logs n
	assert_one_line
	run -0 run_d --log-driver passthrough "$root" sh -c 'echo loud >&2; sleep 0.2'
	[[ $output == *loud* ]]
	run -125 run_d --log-driver syslog "$root" true
	assert_one_line
	run -125 run_d --log-opt tag=x "$root" true
	assert_one_line
}

@test "wait prints exit codes, also of a container that removes itself" {
	run_d --name a "$root" sh -c 'sleep 0.3; exit 7'
	run_d --name brief --rm "$root" sh -c 'sleep 0.5; exit 9'
	run -0 "$GUSCIO" wait a brief
	[ "${lines[*]}" = "7 9" ]
	run -0 "$GUSCIO" wait a
	[ "$output" = 7 ]
	soon sh -c "! '$GUSCIO' wait brief"
}

@test "a program that ignores SIGTERM is killed after its time; kill sends any signal" {
	run_d --name deaf --stop-timeout 1 "$root" sh -c 'trap "" TERM; echo up; while :; do sleep 1; done'
	soon sh -c "'$GUSCIO' logs deaf | grep -q up"
	run -0 "$GUSCIO" stop deaf
	[[ $(state_of deaf Status) == "Exited (137) "* ]]
	run_d --name k "$root" sh -c 'trap "echo got; exit 5" USR1; echo up; while :; do sleep 0.1; done'
	soon sh -c "'$GUSCIO' logs k | grep -q up"
	run -0 "$GUSCIO" kill -s USR1 k
	run -0 "$GUSCIO" wait k
	[ "$output" = 5 ]
	run -125 "$GUSCIO" kill k
	assert_one_line
	run -125 "$GUSCIO" kill -s NONSENSE k
	assert_one_line
}

@test "start and restart bring a container back with what it has changed" {
	"$GUSCIO" create --network=none --name c --overlay "$root" sh -c 'echo x >>/kept; wc -l </kept'
	[[ $(state_of c Status) == Created ]]
	run -0 "$GUSCIO" start -a c
	[ "$output" = 1 ]
	run -0 "$GUSCIO" start -a c
	[ "$output" = 2 ]
	[ ! -e "$root/kept" ]
	"$GUSCIO" rm c
	nothing_of_a_container
	run_d --name r "$root" sleep 100
	before=$(state_of r Pid)
	run -0 "$GUSCIO" restart -t 1 r
	[ "$(state_of r State)" = running ]
	[ "$before" != "$(state_of r Pid)" ]
	run -0 "$GUSCIO" start r
	[ "$output" = r ]
}

@test "restarted again and again: its changes are free for it each time" {
	run_d --name c --overlay "$root" sleep 100
	for _ in $(seq 25); do run -0 "$GUSCIO" restart -t 0 c; done
}

@test "everything that was asked for is there again after a stop" {
	mkdir "$work/more"
	echo there >"$work/more/file"
	cd "$work"
	"$GUSCIO" create --network=none --name c -v ./more:/mnt:ro -e A=b --env 'C=d e' -w /etc -u 1000 --hostname h \
		--add-host x:10.9.8.7 --cap-drop all --ulimit nofile=77 --read-only --tmpfs /tmp \
		--device /dev/null --group-add project --stop-timeout 3 --security-opt no-new-privileges \
		--sysctl net.ipv4.ip_default_ttl=77 "$root" sh -c 'id; pwd; cat /mnt/file; echo $A $C; hostname
			grep 10.9 /etc/hosts; ulimit -n; grep -E "CapBnd|NoNewPrivs|^Seccomp:" /proc/self/status; touch /x
			cat /proc/sys/net/ipv4/ip_default_ttl; touch /tmp/y && echo y'
	cd /
	first=$("$GUSCIO" start -a c 2>&1) || true
	second=$("$GUSCIO" start -a c 2>&1) || true
	# Two streams: their order is nobody's.
	[ "$(sort <<<"$first")" = "$(sort <<<"$second")" ] || { echo "$first"; echo "$second"; false; }
	[[ $first == *"uid=1000(alice)"*project*/etc*there*"b d e"*h*10.9.8.7*77*"CapBnd:"*0000000000000000*"NoNewPrivs:"*1*"Seccomp:"*2*77*y* ]]
	[[ $first == *"Read-only"* ]]
}

@test "exec: namespaces, user, capabilities, filter and environment are the container's" {
	run_d --name c -e A=b --cap-drop all --security-opt no-new-privileges --hostname h "$root" sleep 100
	run -0 "$GUSCIO" exec c sh -c 'hostname; echo $A; id -u; echo $container'
	[ "${lines[*]}" = "h b 0 guscio" ]
	pid=$(state_of c Pid)
	for ns in user mnt pid uts ipc net cgroup; do
		[ "$(readlink /proc/$pid/ns/$ns)" = "$("$GUSCIO" exec c readlink /proc/self/ns/$ns)" ]
	done
	of='grep -E ^(CapBnd|CapEff|NoNewPrivs|Seccomp): /proc/self/status'
	[ "$("$GUSCIO" exec c $of)" = "$(sed -nE '/^(CapBnd|CapEff|NoNewPrivs|Seccomp):/p' /proc/"$(pgrep -P "$pid")"/status)" ]
	run -125 "$GUSCIO" exec -u alice c true
	[[ $output == *"not mapped"* ]]
	run -3 "$GUSCIO" exec c sh -c 'exit 3'
	run -127 "$GUSCIO" exec c nonsuch
	assert_one_line
	run -125 "$GUSCIO" exec -w /nowhere c true
	assert_one_line
	run -125 "$GUSCIO" exec --privileged c true
	assert_one_line
	run -0 sh -c "echo typed | '$GUSCIO' exec -i c cat"
	[ "$output" = typed ]
	run -0 "$GUSCIO" exec c cat
	[ -z "$output" ]
	"$GUSCIO" stop -t 1 c
	run -125 "$GUSCIO" exec c true
	assert_one_line
}

@test "exec with the whole map: users, and keep-id's caller" {
	"$GUSCIO" run -d --name c "$root" sleep 100 3>&-
	run -0 "$GUSCIO" exec -u alice:project -w /etc -e X=y c sh -c 'id; pwd; echo $X'
	[[ ${lines[0]} == "uid=1000(alice) gid=2000(project)"* ]]
	[ "${lines[1]} ${lines[2]}" = "/etc y" ]
	"$GUSCIO" run -d --name k --userns=keep-id "$root" sleep 100 3>&-
	[ "$("$GUSCIO" exec k id -u)" = "$(id -u)" ]
	[ "$("$GUSCIO" exec -u 0 k id -u)" = 0 ]
}

@test "exec -t has a terminal; -d does not wait; a killed exec takes its program with it" {
	run_d --name c "$root" sleep 100
	run -0 python3 -c 'import pty,sys,os
out=b""
def read(fd):
    global out
    got=os.read(fd,4096); out+=got; return got
os.environ["TERM"]="vt100"
status=pty.spawn(sys.argv[1:], read)
assert b"/dev/pts/0" in out and b"vt100" in out, out
sys.exit(os.waitstatus_to_exitcode(status))' "$GUSCIO" exec -it c sh -c 'tty; echo $TERM'
	run -0 "$GUSCIO" exec -d c sh -c 'sleep 0.2; touch /made; sleep 50'
	soon test -e "$root/made"
	"$GUSCIO" exec c sleep 77 3>&- &
	pid=$!
	soon sh -c "'$GUSCIO' exec c ps | grep -q 'sleep 77'"
	kill -KILL $pid
	soon sh -c "! '$GUSCIO' exec c ps | grep -q 'sleep 77'"
	# One that is stopped by its terminal does not hold up the container's end.
	"$GUSCIO" exec c sleep 77 3>&- &
	pid=$!
	soon sh -c "'$GUSCIO' exec c ps | grep -q 'sleep 77'"
	kill -STOP $pid
	run -0 timeout 8 "$GUSCIO" stop -t 1 c
	kill -KILL $pid
}

@test "attach and start -a: output, input, exit code, detach keys" {
	"$GUSCIO" create --network=none --name c -i --userns=single "$root" sh -c 'read x; echo "got $x"; exit 4'
	run -4 sh -c "echo word | '$GUSCIO' start -ai c"
	[ "$output" = "got word" ]
	run_d --name t -it "$root" sh -c 'while read x; do echo "<$x>"; done'
	run -0 python3 - "$GUSCIO" <<-'EOF'
	import os, pty, sys, time
	pid, fd = pty.fork()
	if pid == 0:
	    os.execv(sys.argv[1], [sys.argv[1], "attach", "t"])
	time.sleep(0.4)
	os.write(fd, b"hello\r")
	time.sleep(0.4)
	os.write(fd, b"\x10\x11")
	out = b""
	try:
	    while got := os.read(fd, 4096):
	        out += got
	except OSError:
	    pass
	assert b"<hello>" in out, out
	sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	EOF
	[ "$(state_of t State)" = running ]
	run -0 "$GUSCIO" logs t
	[[ $output == *"<hello>"* ]]
	run -125 "$GUSCIO" attach c
	assert_one_line
}

@test "run --rm=false in the foreground: output and exit code, and it stays" {
	run -5 --separate-stderr "$GUSCIO" run --rm=false --network=none --userns=single --name f "$root" sh -c 'echo out; echo err >&2; exit 5'
	[ "$output" = out ]
	[ "$stderr" = err ]
	[[ $(state_of f Status) == "Exited (5) "* ]]
	run -0 sh -c "echo in | '$GUSCIO' run -i --rm=false --network=none --userns=single '$root' cat"
	[ "$output" = in ]
	run -0 sh -c "'$GUSCIO' run --rm=false --network=none --userns=single '$root' sh -c 'i=0; while [ \$i -lt 20000 ]; do echo line\$i; i=\$((i+1)); done' | tail -n 1"
	[ "$output" = line19999 ]
}

@test "restart policies: always comes back until it is stopped, on-failure counts" {
	run_d --name a --restart always "$root" sh -c 'echo up; exit 0'
	soon sh -c "[ \$('$GUSCIO' logs a | grep -c up) -ge 3 ]"
	run -0 "$GUSCIO" stop a
	[ "$(state_of a State)" = exited ]
	n=$("$GUSCIO" logs a | grep -c up)
	sleep 1
	[ "$("$GUSCIO" logs a | grep -c up)" = "$n" ]
	! monitor_of a
	run_d --name b --restart on-failure:2 "$root" sh -c 'echo up; exit 3'
	soon sh -c "[ \$('$GUSCIO' logs b | grep -c up) -eq 3 ] && [ \"\$('$GUSCIO' ps -a --filter name=b --format '{{.State}}')\" = exited ]"
	[[ $(state_of b Status) == "Exited (3) "* ]]
	[ "$(state_of b Restarts)" = 2 ]
	run_d --name c --restart on-failure "$root" true
	soon sh -c "[ \"\$('$GUSCIO' ps -a --filter name=c --format '{{.State}}')\" = exited ]"
	run -125 run_d --rm --restart always "$root" true
	assert_one_line
	run -125 run_d --restart sometimes "$root" true
	assert_one_line
}

@test "a killed program comes back under its policy; kill and rm -f mean it" {
	run_d --name a --restart always "$root" sleep 100
	pid=$(state_of a Pid)
	kill -KILL "$pid"
	soon sh -c "p=\$('$GUSCIO' ps --filter name=a --format '{{.Pid}}'); [ \"\${p:-0}\" -gt 0 ] && [ \"\$p\" != $pid ]"
	run -0 "$GUSCIO" kill a
	run -0 "$GUSCIO" wait a
	sleep 0.5
	[ "$(state_of a State)" = exited ]
	run_d --name b --restart always "$root" false
	sleep 0.3
	run -0 "$GUSCIO" rm -f b
	! monitor_of b
}

@test "health: starting, healthy, unhealthy" {
	run_d --name h --health-cmd 'test -e /well' --health-interval 200ms --health-retries 2 "$root" sleep 100
	[[ $(state_of h Status) == *"(health: starting)" ]]
	touch "$root/well"
	soon sh -c "'$GUSCIO' ps --filter health=healthy -q | grep -q ."
	rm "$root/well"
	soon sh -c "'$GUSCIO' ps | grep -q '(unhealthy)'"
}

@test "ps: filters, formats, labels" {
	run_d --name one -l a=b -l c "$root" sleep 100
	"$GUSCIO" create --network=none --name two --label a=x --userns=single "$root" true
	[ "$("$GUSCIO" ps -a --filter label=a --format '{{.Names}}' | sort | tr '\n' ' ')" = "one two " ]
	[ "$("$GUSCIO" ps -a --filter label=a=b --format '{{.Names}}')" = one ]
	[ "$("$GUSCIO" ps -a --filter label=a --filter label=c --format '{{.Names}}')" = one ]
	[ "$("$GUSCIO" ps --filter status=created --format '{{.Names}}')" = two ]
	[ "$("$GUSCIO" ps -a --filter status=created --filter status=running -q | wc -l)" = 2 ]
	[ "$("$GUSCIO" ps -l --format '{{.Names}}')" = two ]
	[ "$("$GUSCIO" ps -a --filter before=two --format '{{.Names}}')" = one ]
	"$GUSCIO" ps -a --format json | python3 -c 'import json,sys; assert len(json.load(sys.stdin)) == 2'
	run -125 "$GUSCIO" ps --filter colour=red
	assert_one_line
}

@test "a monitor that is killed leaves a container that can be seen, entered, stopped and removed" {
	run_d --name m "$root" sleep 100
	kill -KILL "$(its_monitor m)"
	run -0 --separate-stderr "$GUSCIO" exec m echo in
	[ "$output" = in ]
	[[ $stderr == "guscio: note: the monitor of container 'm' was killed: another one has taken its place" ]]
	[[ $(state_of m Status) == "Up "* ]]
	run -0 "$GUSCIO" stop -t 2 m
	[ "$(state_of m State)" = exited ]
	run -0 "$GUSCIO" start m
	kill -KILL "$(its_monitor m)"
	pid=$(state_of m Pid)
	run -0 "$GUSCIO" rm -f m
	soon test ! -e "/proc/$pid"
	nothing_of_a_container
}

@test "a monitor that is killed: the next command starts another, nothing of the log is lost, the policy holds" {
	run_d --name m --restart on-failure:1 --overlay "$root" sh -c 'i=0; while [ ! -e /stop ]; do i=$((i+1)); echo line $i; echo bad $i >&2
		sleep 0.02; done; echo last $i; exit 3'
	soon sh -c "'$GUSCIO' logs m 2>/dev/null | grep -q 'line 5'"
	for round in 1 2; do
		before=$(its_monitor m)
		kill -KILL "$before"
		soon test ! -e "/proc/$before"
		# Nobody reads, and the program lives on.
		sleep 0.5
		case $round in 1) "$GUSCIO" ps ;; 2) "$GUSCIO" logs m ;; esac >/dev/null 2>"$work/note"
		grep -q "another one has taken its place" "$work/note"
		soon monitor_of m
		[ "$(its_monitor m)" != "$before" ]
	done
	[ "$("$GUSCIO" ps 2>&1 >/dev/null | wc -l)" -eq 0 ]
	run -125 run_one --name m --network=none "$root" true
	"$GUSCIO" exec m touch /stop
	run -0 "$GUSCIO" wait m
	[ "$output" = 3 ] || [ "$output" = 255 ]
	soon sh -c "[ \"\$('$GUSCIO' ps -a --format '{{.State}}')\" = exited ]"
	"$GUSCIO" logs m 2>"$work/bad" >"$work/log"
	last=$(grep -m 1 last "$work/log" | cut -d' ' -f2)
	seq -f 'line %.0f' "$last" | cmp - <(grep -m "$last" line "$work/log")
	seq -f 'bad %.0f' "$last" | cmp - <(head -n "$last" "$work/bad")
	[ "$(state_of m Restarts)" = 1 ]
	"$GUSCIO" rm m
	nothing_of_a_container
	assert_nothing_left
	# A terminal goes with the monitor: its program is told, as by a line that was cut.
	run_d --name t -t "$root" sh -c 'trap "exit 9" HUP; echo up; while :; do sleep 0.1; done'
	soon sh -c "'$GUSCIO' logs t | grep -q up"
	kill -KILL "$(its_monitor t)"
	soon sh -c "[ \"\$('$GUSCIO' ps -a --filter name=t --format '{{.State}}' 2>/dev/null)\" = exited ]"
}

@test "two commands meet a container without a monitor: one new monitor" {
	run_d --name m "$root" sleep 100
	kill -KILL "$(its_monitor m)"
	for i in 1 2 3 4 5 6; do "$GUSCIO" ps -a >/dev/null 2>&1 3>&- & done
	wait
	soon monitor_of m
	[ "$(monitor_of m | wc -l)" -eq 1 ]
	run -0 "$GUSCIO" rm -f m
	nothing_of_a_container
	! monitor_of m
	# A program with a subordinate id.
	"$GUSCIO" run -d --network=none -u alice --name a "$root" sh -c 'i=0; while :; do i=$((i+1)); echo line $i; sleep 0.05; done' 3>&-
	soon sh -c "'$GUSCIO' logs a | grep -q 'line 2'"
	kill -KILL "$(its_monitor a)"
	sleep 0.3
	"$GUSCIO" ps >/dev/null 2>&1
	last=$("$GUSCIO" logs --tail 1 a | cut -d' ' -f2)
	soon sh -c "'$GUSCIO' logs a | grep -q 'line $((last + 5))'"
	"$GUSCIO" logs a | head -n "$((last + 5))" | cmp - <(seq -f 'line %.0f' "$((last + 5))")
}

@test "a killed init, a lost runtime directory, a reboot, a spoilt record" {
	run_d --name i "$root" sleep 100
	kill -KILL "$(state_of i Pid)"
	soon sh -c "'$GUSCIO' ps -a | grep -q 'Exited (137)'"
	run_d --name r "$root" sleep 100
	rm -rf "$XDG_RUNTIME_DIR/guscio"
	run -0 "$GUSCIO" logs r
	run -0 "$GUSCIO" exec r true
	run -0 "$GUSCIO" stop -t 2 r
	run -0 "$GUSCIO" start r
	record=$(ls -d "$XDG_DATA_HOME/guscio/containers/$("$GUSCIO" ps -q --no-trunc --filter name=r)")/state
	pid=$(state_of r Pid)
	kill -KILL "$(its_monitor r)" "$pid"
	soon test ! -e "/proc/$pid"
	[[ $(state_of r Status) == "Exited (255) "* ]]
	# As after a reboot: the boot id is another one, the pid may be anybody's.
	sed -i -e "s/^phase .*/phase running/; s/^boot .*/boot other/; s/^pid .*/pid $$/" "$record"
	[[ $(state_of r State) == exited ]]
	run -0 "$GUSCIO" start r
	"$GUSCIO" stop -t 1 r
	printf 'guscio-container 99\nname r\n' >"$record"
	run -0 "$GUSCIO" ps -a
	[[ $output == *"a newer guscio has written container"*"of version 99"* ]]
	# Not ours to judge, still less to remove.
	for command in "start r" "rm r" "rm -f r" "exec r true" "logs r" "rename r s" "purge --force"; do
		run -125 "$GUSCIO" $command
		assert_one_line
		[ "$(cat "$record")" = $'guscio-container 99\nname r' ]
	done
	for rubbish in "" "guscio-container 0" "guscio-container x" $'guscio-container 1\nphase odd' "GIF89a" \
		$'guscio-container 1\nname a/b' $'guscio-container 1\nstop-signal 99' $'guscio-container 1\npid -3'; do
		printf '%s\n' "$rubbish" >"$record"
		run -0 "$GUSCIO" ps -a
		[[ $output == *"is spoilt"* ]] || { echo "$rubbish: $output"; false; }
		run -125 "$GUSCIO" start r
		assert_one_line
	done
	run -0 "$GUSCIO" rm -f r
	run -0 "$GUSCIO" ps -a
	[[ $output != *spoilt* ]]
}

@test "a record of an older guscio, with fewer lines and some that mean nothing any more, is read and kept" {
	"$GUSCIO" create --network=none --userns=single --name old --restart on-failure:2 "$root" sh -c 'exit 4' >/dev/null
	record=$(ls -d "$XDG_DATA_HOME"/guscio/containers/*/state)
	grep -E '^(guscio-container|name|image|command|phase|created|restart) ' "$record" >"$work/older"
	printf 'colour blue\nno-value\n\n' >>"$work/older"
	cp "$work/older" "$record"
	[ "$(state_of old State)" = created ]
	run -0 "$GUSCIO" start old
	soon sh -c "[ \"\$('$GUSCIO' ps -a --format '{{.State}} {{.ExitCode}} {{.Restarts}}')\" = 'exited 4 2' ]"
	run -0 "$GUSCIO" rm old
}

@test "an image stays while a container has it; stop and start keep its changes" {
	tar -C "$root" -cf "$work/image.tar" .
	"$GUSCIO" import "$work/image.tar" my/image:1
	"$GUSCIO" run -d --name c my/image:1 sh -c 'echo x >>/kept; chown 5:5 /kept; mkdir -p /d/e; chown -R 7:7 /d; touch /d/e/f; sleep 100' 3>&-
	soon sh -c "'$GUSCIO' exec c test -e /d/e/f"
	[ "$(state_of c Image)" = my/image:1 ]
	"$GUSCIO" stop -t 1 c
	run -125 "$GUSCIO" rmi my/image:1
	assert_one_line
	[[ $output == *"a container has it"* ]]
	"$GUSCIO" prune -af
	run -0 "$GUSCIO" start c
	soon sh -c "[ \"\$('$GUSCIO' exec c cat /kept | wc -l)\" = 2 ]"
	run -0 "$GUSCIO" rm -f c
	nothing_of_a_container
	run -0 "$GUSCIO" rmi my/image:1
}

@test "--cidfile and --pidfile, in front and behind" {
	id=$(run_d --cidfile "$work/cid" --pidfile "$work/pid" --name p "$root" sleep 100)
	[ "$(cat "$work/cid")" = "$id" ]
	[ "$(cat "$work/pid")" = "$(state_of p Pid)" ]
	run -125 run_d --cidfile "$work/cid" "$root" true
	assert_one_line
	[ "$("$GUSCIO" ps -aq | wc -l)" -eq 1 ]
	run -0 run_one --cidfile "$work/cid2" --pidfile "$work/pid2" "$root" true
	[ -s "$work/cid2" ] && [ -s "$work/pid2" ]
}

@test "rm -f of a container that another one removes meanwhile" {
	command -v strace >/dev/null || skip "strace is not installed"
	run_d --name a "$root" sleep 100
	# It has seen the container run when it waits for its lock.
	strace -o "$work/calls" -e trace=flock -e inject=flock:delay_enter=700000 "$GUSCIO" rm -f a >"$work/first" 2>&1 &
	first=$!
	sleep 0.3
	run -0 "$GUSCIO" rm -f a
	wait $first
	[ "$(cat "$work/first")" = a ]
	[ -s "$work/calls" ]
	nothing_of_a_container
}

@test "two rm -f at once, and many containers at once" {
	run_d --name a "$root" sleep 100
	"$GUSCIO" rm -f a >/dev/null &
	first=$!
	"$GUSCIO" rm -f a
	wait $first
	nothing_of_a_container
	for i in 1 2 3 4; do
		(for k in 1 2 3 4 5 6; do
			run_d --name "c$i$k" "$root" sleep 100 && "$GUSCIO" stop -t 1 "c$i$k" && "$GUSCIO" start "c$i$k" &&
				"$GUSCIO" exec "c$i$k" true && "$GUSCIO" rm -f "c$i$k" || exit 1
		done) >/dev/null &
		pids="$pids $!"
	done
	for pid in $pids; do wait "$pid"; done
	nothing_of_a_container
	assert_nothing_left
	! monitor_of '.*'
}

@test "a full disk under the log: the container runs on" {
	mkdir "$work/more"
	run -0 "$GUSCIO" unshare sh -c "mount -t tmpfs -o size=300k none '$work/more' && export XDG_DATA_HOME='$work/more' XDG_RUNTIME_DIR='$work/more/run' &&
		mkdir -m 700 '$work/more/run' && '$GUSCIO' run -d --name f --userns=single '$root' sh -c 'i=0; while [ \$i -lt 20000 ]; do echo some line \$i; i=\$((i+1)); done; exit 6' >/dev/null 3>&- &&
		'$GUSCIO' wait f && '$GUSCIO' logs f | head -n 1"
	[ "${lines[*]}" = "6 some line 0" ] || { echo "$output"; false; }
}

@test "container prune, container ls, purge" {
	run_d --name up "$root" sleep 100
	"$GUSCIO" create --network=none --name down --userns=single "$root" true
	run -125 "$GUSCIO" container prune
	run -0 "$GUSCIO" container prune -f
	[ "$("$GUSCIO" container ls -a --format '{{.Names}}')" = up ]
	run -0 "$GUSCIO" purge -f
	[ -z "$("$GUSCIO" ps -aq)" ]
	! monitor_of up
}

@test "output of a hostile kind: a fork bomb ends with stop, a flood does not fill memory" {
	run_d --name b --ulimit nproc=200 "$root" sh -c 'f() { f | f & }; f; sleep 100' || true
	sleep 0.5
	run -0 timeout 20 "$GUSCIO" rm -f b
	run_d --name b --pids-limit 50 "$root" sh -c 'f() { f | f & }; f; sleep 100' || true
	sleep 0.5
	[ "$("$GUSCIO" top --format '{{.PID}}' b 2>/dev/null | wc -l)" -le 55 ]
	run -0 timeout 20 "$GUSCIO" rm -f b
	run_d --name y --log-opt max-size=1m "$root" sh -c 'while :; do cat /bin/busybox; done'
	sleep 1
	rss=$(sed -nE 's/^RssAnon:[^0-9]*([0-9]+).*/\1/p' "/proc/$(its_monitor y)/status")
	[ "$rss" -lt 1000 ]
	run -0 timeout 10 "$GUSCIO" stop -t 1 y
}

@test "inspect: docker's document of a container, images as before; top" {
	id=$(run_d --name i -l a=b -e X=y -v "$root:/mnt:ro" --restart on-failure:3 "$root" sleep 99)
	"$GUSCIO" inspect i | python3 -c 'import json,sys
c, = json.load(sys.stdin)
assert c["Id"] == sys.argv[1] and c["Name"] == "/i" and c["Path"] == "sleep" and c["Args"] == ["99"]
assert c["State"]["Running"] is True and c["State"]["Pid"] > 1 and c["State"]["Status"] == "running"
assert c["Config"]["Labels"] == {"a": "b"} and "X=y" in c["Config"]["Env"], c
assert c["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
m, = c["Mounts"]
assert m["Destination"] == "/mnt" and m["RW"] is False' "$id"
	[ "$("$GUSCIO" inspect -f '{{.State.Status}} {{.Config.Cmd}}' i)" = "running [sleep 99]" ]
	[ "$("$GUSCIO" container inspect --format '{{.Config.Labels}}' i)" = "map[a:b]" ]
	run -125 "$GUSCIO" inspect nonsuch
	assert_one_line
	run -125 "$GUSCIO" inspect --type image i
	assert_one_line
	run -0 "$GUSCIO" top i
	[[ ${lines[0]} == "UID "*"PID "*"CMD" ]]
	[[ $output == *"guscio-init"*"sleep 99"* ]]
	[[ $output != *guscio-monitor* ]]
	[ "$("$GUSCIO" top --format '{{.CMD}}' i | tail -n 1)" = "sleep 99" ]
}

@test "volumes: made by use or by name, shared, kept, removed when nobody has them" {
	run -0 "$GUSCIO" volume create -l a=b data
	[ "$output" = data ]
	"$GUSCIO" run --userns=single --network=none -v data:/mnt "$root" sh -c 'echo kept >/mnt/file'
	id=$(run_d --name v -v data:/mnt:ro -v other:/other "$root" sleep 100)
	run -0 "$GUSCIO" exec v cat /mnt/file
	[ "$output" = kept ]
	run -1 "$GUSCIO" exec v touch /mnt/x
	[ "$("$GUSCIO" volume ls -q | tr '\n' ' ')" = "data other " ]
	[ "$(cat "$("$GUSCIO" volume inspect --format '{{.Mountpoint}}' data)/file")" = kept ]
	[ "$("$GUSCIO" volume ls --filter label=a=b -q)" = data ]
	[ "$("$GUSCIO" ps --filter volume=data --format '{{.Mounts}}')" = data,other ]
	run -0 "$GUSCIO" run --userns=single --network=none --volumes-from v:ro "$root" cat /mnt/file
	[ "$output" = kept ]
	run -1 "$GUSCIO" run --userns=single --network=none --volumes-from v:ro "$root" touch /other/x
	run -125 "$GUSCIO" volume rm data
	assert_one_line
	"$GUSCIO" rm -f v
	run -125 "$GUSCIO" volume prune
	run -0 "$GUSCIO" volume rm data
	run -0 "$GUSCIO" volume prune -f
	[ "$("$GUSCIO" volume ls -q)" = other ]
	run -0 "$GUSCIO" volume prune -af
	[ -z "$("$GUSCIO" volume ls -q)" ]
	run -125 "$GUSCIO" volume rm data
	assert_one_line
	run -0 "$GUSCIO" volume rm -f data
	run -125 "$GUSCIO" volume create a/b
	assert_one_line
	run -125 run_d -v a/b:/mnt "$root" true
	assert_one_line
	"$GUSCIO" run --userns=single --network=none --mount type=volume,source=m,target=/m "$root" true
	"$GUSCIO" run --userns=single --network=none -v m:/m "$root" sleep 3 3>&- &
	sleep 0.5
	run -125 "$GUSCIO" volume rm m
	[[ $output == *"a container has it"* ]]
	kill $!
}

@test "cp: both ways, docker's rules, running and not; never out of the root" {
	mkdir -p "$work/more/d/sub"
	echo one >"$work/more/file"
	echo two >"$work/more/d/sub/two"
	ln -s /etc/passwd "$work/more/d/link"
	chmod 4755 "$work/more/file"
	run_d --name c --overlay "$root" sh -c 'mkdir /out; echo secret >/out/s; ln -s / /out/up; ln -s /out/s /l; sleep 100'
	soon sh -c "'$GUSCIO' exec c test -L /l"
	for state in running stopped; do
		run -0 "$GUSCIO" cp "$work/more/file" c:/copied
		run -0 "$GUSCIO" cp "$work/more/file" c:/etc
		run -0 "$GUSCIO" cp "$work/more/d" c:/whole
		run -0 "$GUSCIO" cp "$work/more/d" c:/etc/
		run -0 "$GUSCIO" cp "$work/more/d/." c:/etc
		mkdir "$work/$state"
		run -0 "$GUSCIO" cp c:/copied "$work/$state/copied"
		run -0 "$GUSCIO" cp c:/etc/file "$work/$state"
		run -0 "$GUSCIO" cp c:/whole "$work/$state/whole"
		run -0 "$GUSCIO" cp c:/etc/d/sub/two "$work/$state/three"
		run -0 "$GUSCIO" cp c:/etc/sub/. "$work/$state"
		run -0 "$GUSCIO" cp c:/l "$work/$state/l"
		run -0 "$GUSCIO" cp -L c:/l "$work/$state/followed"
		[ "$(cat "$work/$state/copied" "$work/$state/file")" = $'one\none' ]
		[ "$(cat "$work/$state/whole/sub/two" "$work/$state/three" "$work/$state/two")" = $'two\ntwo\ntwo' ]
		[ "$(readlink "$work/$state/whole/link")" = /etc/passwd ]
		[ "$(readlink "$work/$state/l")" = /out/s ]
		[ "$(cat "$work/$state/followed")" = secret ]
		[ "$(stat -c %a "$work/$state/copied")" = 755 ]
		# A link to the root is the container's root.
		run -0 "$GUSCIO" cp "$work/more/file" c:/out/up/through
		run -0 "$GUSCIO" cp c:/through "$work/$state/through"
		[ ! -e /through ]
		run -125 "$GUSCIO" cp c:/nonsuch "$work/$state"
		assert_one_line
		run -125 "$GUSCIO" cp "$work/more/d" c:/copied
		assert_one_line
		run -125 "$GUSCIO" cp "$work/more/file" c:/nowhere/file
		assert_one_line
		run -125 "$GUSCIO" cp "$work/nonsuch" c:/
		assert_one_line
		[ $state = stopped ] || "$GUSCIO" stop -t 1 c
	done
	[ "$("$GUSCIO" start c && "$GUSCIO" exec c stat -c '%u %a' /copied)" = $'c\n0 4755' ]
	run -125 "$GUSCIO" cp c:/a c:/b
	assert_one_line
	run -125 "$GUSCIO" cp "$work/more/file/" c:/slash
	assert_one_line
	[ ! -e "$root/copied" ]
}

@test "diff, export and commit: what a container has become, running and not" {
	mkdir -p "$root/dir" && echo old >"$root/old" && echo gone >"$root/gone"
	long=$(printf 'l%.0s' $(seq 120))
	run_d --name c --overlay -e A=b -w /dir "$root" sh -c "echo new >/new; echo more >>/old; rm /gone; ln /new /hard
		ln -s /nowhere /soft; mkdir /$long; touch /$long/$long; mkfifo /fifo; sleep 100"
	soon "$GUSCIO" exec c test -e /$long/$long
	for state in running stopped; do
		run -0 "$GUSCIO" diff c
		for line in "A /new" "C /old" "D /gone" "A /hard" "A /soft" "A /$long/$long"; do
			grep -qx "$line" <<<"$output" || { echo "$line is not in $output"; false; }
		done
		[[ $output != *"/bin"* ]]
		run -0 "$GUSCIO" export -o "$work/c.tar" c
		tar -tvf "$work/c.tar" >"$work/list"
		grep -q ' old$' "$work/list" && grep -q " $long/$long\$" "$work/list" && grep -q 'soft -> /nowhere' "$work/list"
		grep -qE '(new link to hard|hard link to new)$' "$work/list"
		! grep -q 'gone' "$work/list"
		! grep -qE ' proc/.+' "$work/list"
		[ "$(tar -xOf "$work/c.tar" old)" = $'old\nmore' ]
		run -0 "$GUSCIO" commit -m why -c 'LABEL x=y' c my/$state:1
		[ "$("$GUSCIO" run --userns=single --network=none my/$state:1 sh -c 'cat /new /old; pwd; echo $A')" = $'new\nold\nmore\n/dir\nb' ]
		[ "$("$GUSCIO" inspect --format '{{.Config.Labels}}' my/$state:1)" = "map[x:y]" ]
		[ $state = stopped ] || "$GUSCIO" stop -t 1 c
	done
	"$GUSCIO" create --network=none --userns=single --name plain "$root" true
	"$GUSCIO" start -a plain
	run -125 "$GUSCIO" diff plain
	assert_one_line
	run -125 "$GUSCIO" commit nonsuch
	assert_one_line
}

@test "events: from create to destroy" {
	run_d --name before "$root" sleep 100
	"$GUSCIO" events >"$work/events" 3>&- &
	pid=$!
	"$GUSCIO" events --filter event=die --format '{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}' >"$work/dies" 3>&- &
	other=$!
	sleep 0.5
	run_d --name e "$root" sh -c 'sleep 0.3; exit 5'
	"$GUSCIO" wait e
	"$GUSCIO" rename e f
	"$GUSCIO" rm f
	"$GUSCIO" stop -t 1 before
	soon grep -q 'container stop' "$work/events"
	kill $pid $other
	[ "$(grep -oE 'container [a-z]+' "$work/events" | cut -d' ' -f2 | tr '\n' ' ')" = "create start die rename destroy die stop " ]
	grep -qE '^20[0-9-]+T[0-9:.]+Z container die [0-9a-f]{64} \(exitCode=5, image=.*, name=e\)$' "$work/events"
	[ "$(cat "$work/dies")" = $'die e 5\ndie before 143' ]
	run -125 "$GUSCIO" events --filter colour=red
	assert_one_line
}
