#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Images from a registry that misbehaves on purpose (registry.py), and what is left afterwards.

load helpers

setup_file() {
	export PLACE
	PLACE=$(mktemp -d "${TMPDIR:-/tmp}/guscio-registry.XXXXXX")
	python3 "$BATS_TEST_DIRNAME/registry.py" "$PLACE/port" "$(command -v busybox)" 3>&- &
	echo $! >"$PLACE/pid"
	for _ in $(seq 100); do [ -s "$PLACE/port" ] && break; sleep 0.1; done
	export AT; AT=127.0.0.1:$(cat "$PLACE/port")
}

teardown_file() {
	kill "$(cat "$PLACE/pid")"
	rm -rf "$PLACE"
}

pull() {
	"$GUSCIO" pull -q "$@"
}

# Nothing that a failed pull began is named, and no unpacked directory stays.
assert_store_is_clean() {
	local data=$XDG_DATA_HOME/guscio
	[ -z "$(find "$data/layers" -mindepth 2 -maxdepth 2 2>/dev/null)" ] || { ls "$data"/layers/*; return 1; }
	! grep -q manifest.v1 "$data/images/index.json" 2>/dev/null
}

fails() { # repository, words that the error has
	run -125 "$GUSCIO" pull -q "$AT/$1:1"
	assert_one_line
	[[ $output == *"$2"* ]] || { echo "not said: $2: $output"; return 1; }
	assert_store_is_clean
}

@test "an image's config is applied, and the command line goes above it" {
	run -0 "$GUSCIO" run -q "$AT/good:1"
	[ "$output" = "image in /etc as 7" ]
	run -0 "$GUSCIO" run -e WHO=me -w / -u 0 "$AT/good:1"
	[ "$output" = "me in / as 0" ]
	run -0 "$GUSCIO" run "$AT/good:1" 'echo mine'
	[ "$output" = mine ]
	run -0 "$GUSCIO" run --entrypoint /bin/pwd "$AT/good:1"
	[ "$output" = /etc ]
	run -0 "$GUSCIO" spec "$AT/good:1"
	[ "$(jq -r '.annotations.a' <<<"$output")" = b ]
	[ "$(jq -r '.annotations["org.opencontainers.image.exposedPorts"]' <<<"$output")" = 80/tcp ]
	[ "$(jq -r '.annotations["guscio.stop-signal"]' <<<"$output")" = 2 ]
	# --read-only leaves the image's volumes writable.
	run -0 "$GUSCIO" run -u 0 --read-only "$AT/good:1" 'echo x >/data/y && ! echo x >/etc/y'
}

@test "changes in a container are lost, the image stays as it was" {
	run -0 "$GUSCIO" run -q -u 0 "$AT/good:1" 'echo x >/new; rm -r /etc; ls /new'
	run -0 "$GUSCIO" run -u 0 "$AT/good:1" 'ls /etc/passwd; ls /new || echo gone'
	[[ $output == *gone* ]]
	run -0 "$GUSCIO" run -u 0 --overlay=mine "$AT/good:1" 'echo x >/new'
	run -0 "$GUSCIO" run -u 0 --overlay=mine "$AT/good:1" 'cat /new'
	[ "$output" = x ]
}

@test "--pull: never, missing, newer, always; what is there is not transferred again" {
	run -125 "$GUSCIO" run --pull=never "$AT/again:1"
	[[ $output == *"there is no image"* ]]
	run -0 "$GUSCIO" run -q "$AT/again:1"
	: >"$PLACE/port.log"
	run -0 "$GUSCIO" run "$AT/again:1"
	[ ! -s "$PLACE/port.log" ]
	run -0 pull "$AT/again:1"
	grep -q manifests "$PLACE/port.log"
	! grep -q blobs "$PLACE/port.log"
	run -0 "$GUSCIO" run -q --pull=always "$AT/again:1"
	# Another image of the same layers: only its config comes.
	: >"$PLACE/port.log"
	run -0 pull "$AT/good:1"
	[ "$(grep -c blobs "$PLACE/port.log")" -eq 1 ]
	# Nobody answers: "newer" takes what is here.
	"$GUSCIO" tag "$AT/again:1" 127.0.0.1:1/again:1
	run -0 "$GUSCIO" run -q --pull=newer 127.0.0.1:1/again:1
	[[ $output == *again* && $output == *note* ]]
}

@test "whiteouts: files, directories, opaque ones, a name that its own layer has" {
	run -0 "$GUSCIO" run -q "$AT/whiteouts:1" sh -c 'echo /d/* /whole/* /tree/* /same; ls /file'  || true
	[ "${lines[0]}" = "/d/kept /whole/b /tree/new /same" ]
	[[ $output == *"No such file"* ]]
}

@test "names of any bytes, long ones, hard links, setuid, devices, attributes, times" {
	run -0 "$GUSCIO" run -q "$AT/odd:1" sh -c 'cat /caf*; cat "/ünï"; cat /long/n*/m*;
		[ "$(stat -c %i /hard)" = "$(stat -c %i /link)" ] && echo linked; stat -c "%a %u %g" /suid;
		stat -c %F /pipe; stat -c %Y /old; stat -c "%F %s" /null2'
	[ "$output" = "bytesutf8longlinked
4755 7 8
fifo
86400
regular empty file 0" ]
	# An attribute that overlayfs would believe is not the image's to give.
	run -0 find "$XDG_DATA_HOME/guscio/layers" -name attr
	[ "$(getfattr -d --absolute-names "$output" 2>/dev/null | grep -c overlay)" -eq 0 ]
	[ "$(getfattr -n user.color --only-values --absolute-names "$output")" = blue ]
}

@test "with one id: readable, and export gives owners, modes and devices back" {
	run -0 "$GUSCIO" run -q --userns=single "$AT/odd:1" stat -c '%a %u' /suid
	[ "${lines[-1]}" = "755 0" ]
	run -0 "$GUSCIO" export "$AT/odd:1" -o "$work/range.tar"
	# The other map's view is made from the blobs that are here, without the network.
	run -0 env GUSCIO_UNPACK_RATIO=1000 "$GUSCIO" unshare --userns=single true
	run -0 tar -tvf "$work/range.tar"
	[[ $output == *"-rwsr-xr-x 7/8"*suid* ]]
	[[ $output == *"crwxr-xr-x 0/0"*1,3*null2* ]]
	[[ $output == *"link link to hard"* || $output == *"hard link to link"* ]]
}

@test "plain layers, docker's types, forty layers, empty layers" {
	for name in plain docker empty; do
		run -0 "$GUSCIO" run -q "$AT/$name:1" echo works
		[ "$output" = works ]
	done
	run -0 "$GUSCIO" run -q "$AT/many:1" sh -c 'cat /l0 /l1 /l39'
	[ "$output" = 0139 ]
}

@test "an index: this machine's image, another with --platform, none with the list" {
	run -0 "$GUSCIO" run -q "$AT/multi:1" echo here
	# The one that is here is not the one that is asked for.
	run -125 "$GUSCIO" run --pull=never --platform linux/arm64 "$AT/multi:1" true
	assert_one_line
	[[ $output == *"for linux/arm64"* ]]
	run -0 "$GUSCIO" run --pull=never --platform linux/amd64 "$AT/multi:1" true
	run -0 pull --platform linux/arm64 "$AT/multi:1"
	run -0 "$GUSCIO" inspect --format '{{.RootFS.Type}}' "$AT/multi:1"
	"$GUSCIO" rmi "$AT/multi:1"
	run -125 pull "$AT/foreign:1"
	assert_one_line
	[[ $output == *"linux/arm64"*"plan9/mips"* ]]
	run -125 pull --platform linux/ "$AT/multi:1"
	assert_one_line
}

@test "wrong digests: of a layer, a config, a manifest, an unpacked layer" {
	fails badblob "digest"
	fails badconfig "config has the digest"
	fails baddiff "the config says"
	good=$(curl -s "http://$AT/v2/badmanifest/manifests/1" | sha256sum | cut -d' ' -f1)
	run -125 pull "$AT/badmanifest@sha256:$good"
	assert_one_line
	[[ $output == *"manifest has the digest"* ]]
}

@test "documents: huge, no JSON, old, no config, wrong types, counts, loops" {
	fails huge "larger than 4 MiB"
	fails nojson "no JSON"
	fails schema1 "schema 1"
	fails noconfig "config"
	fails badtype "application/x-shoe"
	fails layers "has 1 layers, the config 2"
	fails loop ""
	fails deep "without end"
}

@test "layers: truncated, garbage, a bomb, climbing, links out, missing links, owners" {
	fails truncated "truncated"
	fails garbage "corrupt"
	fails bomb "bomb"
	fails climb "climbs out"
	fails hardout "out of the root"
	fails hardmissing "not in the archive"
	fails owner 4000000000
	GUSCIO_UNPACK_ENTRIES=3 fails good "more than 3 entries"
	GUSCIO_UNPACK_SIZE=1k fails good "holds more than"
	# A link to a directory of the host leads nowhere inside.
	fails linkout "d"
	[ ! -e /tmp/escaped-guscio ]
}

@test "two entries that fight over a path: the last one wins, inside" {
	run ! "$GUSCIO" run -q "$AT/fight:1" sh -c 'cat /x /z/through; ls -d /x/y'
	[[ $output == lastx* && $output == *"ot a directory"* ]]
}

@test "401, 403, 404, 5xx are said with what to do" {
	fails s401 "guscio login"
	fails s403 "guscio login"
	fails s500 "500"
	[[ $output != *$'\x1b'* ]]
	fails nothere "check the spelling"
	run -125 "$GUSCIO" pull -q 127.0.0.1:1/x
	assert_one_line
	run -125 "$GUSCIO" run rootfs.tra.gz
	[[ $output == *"no file or directory here is called"* ]]
	# What is named on the command line has to be there.
	run -125 pull --authfile "$work/nothing" "$AT/good:1"
	assert_one_line
	run -125 pull --cert-dir "$work/nothing" "$AT/good:1"
	assert_one_line
	# Nobody can be asked: nothing is done.
	run -125 "$GUSCIO" purge </dev/null
	assert_one_line
	run -125 "$GUSCIO" pull -q BAD/Name
	assert_one_line
}

@test "429, 503, a connection that breaks, redirects: tried again until it works" {
	run -0 pull "$AT/s429:1"
	run -0 pull "$AT/sflaky:1"
	run -0 pull "$AT/scut:1"
	grep 'GET /v2/scut/blobs' "$PLACE/port.log" | grep -q bytes=
	run -0 pull "$AT/sredirect:1"
}

@test "a server that stalls, and sends the same bytes each time, is given up" {
	begin=$SECONDS
	GUSCIO_STALL_TIMEOUT=1 fails sstall "too slow"
	[ $((SECONDS - begin)) -lt 60 ]
	[ "$(grep -c 'GET /v2/sstall/blobs' "$PLACE/port.log")" -ge 3 ]
}

@test "Ctrl-C stops at once and leaves nothing; a killed pull goes on where it was" {
	# A shell lets its background jobs ignore SIGINT.
	env --default-signal=INT "$GUSCIO" pull -q "$AT/slow:1" 3>&- &
	pid=$!
	sleep 1
	kill -INT $pid
	wait $pid || status=$?
	[ "$status" -eq 130 ]
	assert_store_is_clean
	[ "$(find "$XDG_DATA_HOME" -name '*.part' | wc -l)" -ge 1 ]
	"$GUSCIO" pull -q "$AT/slow:1" 3>&- &
	pid=$!
	sleep 1
	kill -KILL $pid
	wait $pid || true
	for _ in $(seq 30); do pgrep -u "$(id -u)" -f "guscio-(fetch|unpack)" >/dev/null || break; sleep 0.1; done
	[ -z "$(pgrep -u "$(id -u)" -f "guscio-(fetch|unpack)" || true)" ]
	: >"$PLACE/port.log"
	run -0 pull "$AT/slow:1"
	grep -q 'bytes=' "$PLACE/port.log"
	run -0 "$GUSCIO" run "$AT/slow:1"
	# The directories that the killed one left are gone too.
	[ -z "$(find "$XDG_DATA_HOME/guscio/layers" -maxdepth 2 -name 'new.*')" ]
}

@test "a part that a crash spoilt is thrown away and fetched anew" {
	run -0 pull "$AT/good:1"
	id=$(jq -r '.layers[0].digest' "$XDG_DATA_HOME/guscio/images/blobs/sha256/$("$GUSCIO" inspect --format '{{.Digest}}' "$AT/good:1" | cut -d: -f2)" | cut -d: -f2)
	"$GUSCIO" rmi "$AT/good:1"
	head -c 5000 /dev/zero >"$XDG_DATA_HOME/guscio/images/blobs/sha256/$id.part"
	run -0 pull "$AT/good:1"
	run -0 "$GUSCIO" run "$AT/good:1"
	[ "$output" = "image in /etc as 7" ]
}

@test "a spoilt part that is found out while the rest still comes" {
	run -0 pull "$AT/slow:1"
	digest=$("$GUSCIO" inspect --format '{{.Digest}}' "$AT/slow:1")
	id=$(jq -r '.layers[0].digest' "$XDG_DATA_HOME/guscio/images/blobs/sha256/${digest#*:}")
	"$GUSCIO" rmi "$AT/slow:1"
	{ printf '\037\213\010\000'; head -c 5000 /dev/zero | tr '\0' '\377'; } >"$XDG_DATA_HOME/guscio/images/blobs/sha256/${id#*:}.part"
	run -0 pull "$AT/slow:1"
	run -0 "$GUSCIO" run "$AT/slow:1"
	# And bytes that are no layer are not kept for the next time.
	run -125 pull "$AT/truncated:1"
	[ -z "$(find "$XDG_DATA_HOME" -name '*.part')" ]
}

@test "an image that lost its name as its container started: the layers stay until the end" {
	run -0 pull "$AT/good:1"
	"$GUSCIO" run -u 0 "$AT/good:1" 'sleep 2; cat /etc/passwd' >"$work/out" 3>&- &
	pid=$!
	sleep 0.5
	echo '{"schemaVersion":2,"manifests":[]}' >"$XDG_DATA_HOME/guscio/images/index.json"
	run -0 "$GUSCIO" prune -f
	wait $pid
	grep -q bob "$work/out"
	run -0 "$GUSCIO" prune -f
	[ -z "$(find "$XDG_DATA_HOME/guscio/layers" -mindepth 2 -maxdepth 2)" ]
	[ -z "$(ls "$XDG_DATA_HOME/guscio/leases")" ]
}

@test "two pulls and an rmi of one image at the same time" {
	"$GUSCIO" pull -q "$AT/slow:1" >"$work/a" 2>&1 3>&- &
	a=$!
	"$GUSCIO" pull -q "$AT/slow:1" >"$work/b" 2>&1 3>&- &
	b=$!
	for _ in 1 2 3 4 5 6; do "$GUSCIO" rmi -f "$AT/slow:1" >/dev/null 2>&1 || true; sleep 0.3; done
	wait $a
	wait $b
	run -0 "$GUSCIO" run -q "$AT/slow:1"
	"$GUSCIO" rmi "$AT/slow:1"
	run -0 "$GUSCIO" prune -f
	[ -z "$(find "$XDG_DATA_HOME/guscio/layers" -mindepth 2 -maxdepth 2)" ]
	[ -z "$(ls "$XDG_DATA_HOME/guscio/images/blobs/sha256")" ]
}

@test "an image in use is not removed; a shared layer stays with the other image" {
	run -0 pull "$AT/good:1"
	run -0 pull "$AT/again:1"
	"$GUSCIO" run -u 0 "$AT/good:1" 'sleep 20' 3>&- &
	pid=$!
	sleep 0.5
	run -125 "$GUSCIO" rmi "$AT/good:1"
	assert_one_line
	[[ $output == *"a container has it"* ]]
	run -125 "$GUSCIO" purge --force
	kill -KILL $pid
	wait $pid || true
	for _ in $(seq 50); do "$GUSCIO" rmi "$AT/good:1" && break; sleep 0.1; done
	run -0 "$GUSCIO" run "$AT/again:1"
	[ "$output" = again ]
}

@test "a full disk is said, and nothing half made stays" {
	mkdir "$work/small"
	# Too small for the blob, and then for what is in it.
	for size in 600k 1600k; do
		run -0 "$GUSCIO" unshare sh -c "mount -t tmpfs -o size=$size none '$work/small' &&
			! '$GUSCIO' pull -q --storage '$work/small/s' '$AT/good:1' &&
			find '$work/small/s/layers' -mindepth 2; find '$work/small/s/images' -type f"
		[[ $output == *"disk is full"* ]]
		[[ $output != *.part* && $output != *new.* && $output != *index.json* ]]
	done
}

@test "purge leaves no file, whoever owns it" {
	run -0 pull "$AT/odd:1"
	[ -n "$(find "$XDG_DATA_HOME" ! -user "$(id -u)")" ]
	run -0 "$GUSCIO" purge --force
	[ ! -e "$XDG_DATA_HOME/guscio" ]
}

@test "the storage: --storage, the variable, and one of somebody else that is only read" {
	run -0 pull --storage "$work/more/shared" "$AT/good:1"
	[ ! -e "$XDG_DATA_HOME/guscio/images/index.json" ]
	run -0 env GUSCIO_STORAGE="$work/more/shared" "$GUSCIO" images -q
	[ ${#lines[@]} -eq 1 ]
	chmod -R a-w "$work/more/shared/images"
	run -0 "$GUSCIO" run --pull=never --additional-store "$work/more/shared" "$AT/good:1"
	[ "$output" = "image in /etc as 7" ]
	run -125 "$GUSCIO" rmi --additional-store "$work/more/shared" "$AT/good:1"
	[[ $output == *"additional storage"* ]]
	run -125 "$GUSCIO" images --additional-store "$work/nothing"
	assert_one_line
	# A map of another kind is a view of its own, made once, in the own storage.
	run -0 "$GUSCIO" run -q --userns=keep-id --pull=never --additional-store "$work/more/shared" "$AT/good:1" id
	chmod -R u+w "$work/more/shared"
}

@test "with --userns=keep-id and single the owners are right" {
	run -0 "$GUSCIO" run -q --userns=keep-id -u 0 "$AT/odd:1" stat -c %u:%g /suid /hard
	[ "$output" = "7:8
0:0" ]
	run -0 "$GUSCIO" run -q --userns=keep-id "$AT/odd:1" id -u
	[ "$output" = "$(id -u)" ]
}

@test "a home on the network keeps blobs only: layers are unpacked on this machine" {
	# The variable stands in for the probe; which file systems it finds is a unit test's.
	export GUSCIO_LOCAL_STORAGE=$work/more/local
	mkdir -p "$work/more"
	run -0 --separate-stderr "$GUSCIO" run -q "$AT/good:1"
	[ "$output" = "image in /etc as 7" ]
	[[ $stderr == *"layers"*"$work/more/local"* ]]
	# Said once.
	run -0 "$GUSCIO" run "$AT/good:1"
	[ "$output" = "image in /etc as 7" ]
	[ -z "$(ls "$XDG_DATA_HOME/guscio/layers")" ]
	[ -z "$(find "$XDG_DATA_HOME" ! -user "$(id -u)")" ]
	# Another machine of the cluster: the blobs are shared, the layers its own.
	: >"$PLACE/port.log"
	GUSCIO_LOCAL_STORAGE=$work/more/second run -0 "$GUSCIO" run -q --pull=never "$AT/good:1"
	[ ! -s "$PLACE/port.log" ]
	run -0 "$GUSCIO" purge -f
	[ -z "$(find "$work/more/local" -mindepth 1)" ]
}

@test "without overlays a container starts with a copy, and leaves none" {
	export GUSCIO_NO_OVERLAY=1
	run -0 --separate-stderr "$GUSCIO" run -q "$AT/whiteouts:1" sh -c 'echo /d/* /whole/* /tree/* /same; test -e /file || echo hidden'
	[[ $stderr == *note*copy* ]]
	[ "${lines[0]}" = "/d/kept /whole/b /tree/new /same" ]
	[ "${lines[1]}" = hidden ]
	# Said once.
	run -0 "$GUSCIO" run -q "$AT/odd:1" sh -c '[ "$(stat -c %i /hard)" = "$(stat -c %i /link)" ] && echo linked;
		stat -c "%a %u %g" /suid; stat -c %Y /old; echo x >/new; cat /caf*'
	[ "$output" = "linked
4755 7 8
86400
bytes" ]
	run -125 "$GUSCIO" run --overlay=x "$AT/odd:1"
	assert_one_line
	run -0 "$GUSCIO" run -q --userns=single "$AT/odd:1" id -u
	[ -z "$(find "$XDG_DATA_HOME/guscio/layers" -maxdepth 2 -name 'new.*')" ]
	# One that was killed leaves a copy, which the next command takes away.
	"$GUSCIO" run "$AT/odd:1" sleep 20 3>&- &
	pid=$!
	sleep 0.5
	[ -n "$(find "$XDG_DATA_HOME/guscio/layers" -maxdepth 2 -name 'new.*')" ]
	kill -KILL $pid
	wait $pid || true
	sleep 0.3
	run -0 "$GUSCIO" prune -f
	[ -z "$(find "$XDG_DATA_HOME/guscio/layers" -maxdepth 2 -name 'new.*')" ]
}

@test "in a unit that waits for its start, a pull asks for more time" {
	python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); s.settimeout(60)
print("ready", flush=True)
while True:
    print(s.recv(4096).decode(), flush=True)' "$work/notify" >"$work/said" 3>&- &
	listener=$!
	for _ in $(seq 100); do [ -S "$work/notify" ] && break; sleep 0.05; done
	NOTIFY_SOCKET=$work/notify run -0 "$GUSCIO" run -q --sdnotify=conmon "$AT/good:1"
	[ "$output" = "image in /etc as 7" ]
	for _ in $(seq 100); do grep -q READY=1 "$work/said" && break; sleep 0.05; done
	kill $listener
	[[ "$(cat "$work/said")" == *EXTEND_TIMEOUT_USEC=*READY=1* ]]
}
