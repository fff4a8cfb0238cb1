#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# data.bats - what containers are given and what they leave: secrets, volumes, archives, events

load helpers

teardown() {
	remove_containers
	remove_all
}

# Detached, with one id; 3 belongs to bats.
run_d() {
	"$GUSCIO" run -d --userns=single --network=none "$@" 3>&-
}

@test "secret: create, ls, inspect, exists, rm, as podman's" {
	run -0 "$GUSCIO" secret create --label team=a pw - < <(printf s3cret)
	[ "${#output}" -eq 25 ]
	id=$output
	TOKEN=t0ken run -0 "$GUSCIO" secret create --env=true token TOKEN
	run -125 "$GUSCIO" secret create --env token NOT_SET_ANYWHERE
	assert_one_line
	run -0 "$GUSCIO" secret ls
	[[ ${lines[0]} == ID*NAME*DRIVER*CREATED*UPDATED ]]
	[[ ${lines[1]} == "$id"*pw*file*"ago"*"ago" ]]
	[ "$("$GUSCIO" secret ls -q --filter name=pw)" = "$id" ]
	[ "$("$GUSCIO" secret ls --format '{{.Name}}' --filter id="${id:0:8}")" = pw ]
	run -0 "$GUSCIO" secret inspect "${id:0:8}"
	[[ $output == *'"team": "a"'* && $output != *s3cret* ]]
	[ "$("$GUSCIO" secret inspect --showsecret --format '{{.SecretData}}' pw)" = s3cret ]
	[ "$(stat -c %a "$XDG_DATA_HOME/guscio/secrets/pw")" = 600 ]
	[ "$(stat -c %a "$XDG_DATA_HOME/guscio/secrets")" = 700 ]
	run -125 "$GUSCIO" secret create pw /etc/passwd
	assert_one_line
	[[ $output == *"--replace"* ]]
	run -0 "$GUSCIO" secret create --replace pw /etc/passwd
	[ "$output" != "$id" ]
	[ "$("$GUSCIO" secret inspect --showsecret --format '{{.SecretData}}' pw)" = "$(cat /etc/passwd)" ]
	run -0 "$GUSCIO" secret exists pw
	run -1 "$GUSCIO" secret exists nonsuch
	[ -z "$output" ]
	for bad in a/b -x "a b" a,b a=b ""; do run -125 "$GUSCIO" secret create -- "$bad" /etc/passwd; done
	run -125 "$GUSCIO" secret create empty /dev/null
	run -125 "$GUSCIO" secret create large - < <(head -c 512000 /dev/zero)
	[[ $output == *"511999"* ]]
	run -0 "$GUSCIO" secret create large - < <(head -c 511999 /dev/zero)
	run -125 "$GUSCIO" secret rm nonsuch
	assert_one_line
	run -0 "$GUSCIO" secret rm --ignore nonsuch token
	run -0 "$GUSCIO" secret rm --all
	[ -z "$("$GUSCIO" secret ls -q)" ]
}

@test "run --secret: a read-only file in memory, or a variable; in no document and no list" {
	printf 'open sesame' | "$GUSCIO" secret create pw -
	printf 'a\0b' | "$GUSCIO" secret create binary -
	run -0 run_one --secret pw "$root" sh -c 'cat /run/secrets/pw; echo; ls -ln /run/secrets/pw; echo x >/run/secrets/pw || echo read-only'
	[ "${lines[0]}" = "open sesame" ]
	[[ ${lines[1]} == -r--r--r--* ]]
	[[ $output == *"Read-only file system"*read-only ]]
	# Only an empty place to mount on is left in a directory that is entered in place.
	[ ! -s "$root/run/secrets/pw" ]
	run -0 "$GUSCIO" run --network=none --secret source=pw,target=key,uid=1000,gid=5,mode=0400 --secret pw,type=env,target=PW \
		--secret pw,target=/etc/my/key --read-only --tmpfs /run --tmpfs /etc/my "$root" \
		sh -c 'stat -c %u:%g:%a /run/secrets/key; echo $PW; cat /etc/my/key'
	[ "${lines[0]}" = 1000:5:400 ]
	[ "${lines[1]}" = "open sesame" ]
	[ "${lines[2]}" = "open sesame" ]
	run -0 run_one --secret pw,type=env "$root" sh -c 'echo $pw'
	[ "$output" = "open sesame" ]
	run -0 bash -c "'$GUSCIO' run --userns=single --secret binary '$root' cat /run/secrets/binary | od -An -c"
	[[ $output == *'a  \0   b'* ]]
	for bad in nonsuch pw,type=file pw,uid=x pw,mode=999 pw,type=env,mode=0400 pw,wrong=1 pw,target=/ type=env \
		binary,type=env; do
		run -125 run_one --secret "$bad" "$root" true
		assert_one_line
	done
	run -125 "$GUSCIO" run --userns=single --secret pw,uid=77 "$root" true
	[[ $output == *mapped* ]]
	run -0 "$GUSCIO" spec --secret pw,type=env "$root" true
	[[ $output == *'"guscio.secret.0": "pw,type=env,target=pw"'* && $output != *sesame* ]]
	run -0 run_one --explain --secret pw --secret pw,type=env "$root" true
	[[ $output == *"/run/secrets/pw"* && $output != *sesame* ]]
}

@test "secrets of a container that stays: kept with it, seen by exec, gone with it" {
	printf 'open sesame' | "$GUSCIO" secret create pw -
	run_d --name box --secret pw --secret pw,type=env,target=PW "$root" sh -c 'cat /run/secrets/pw; echo " $PW"; exec sleep 100'
	for _ in $(seq 100); do [ -n "$("$GUSCIO" logs box)" ] && break; sleep 0.05; done
	[ "$("$GUSCIO" logs box)" = "open sesame open sesame" ]
	run -0 "$GUSCIO" exec box sh -c 'echo "$PW $(cat /run/secrets/pw)"'
	[ "$output" = "open sesame open sesame" ]
	run -0 "$GUSCIO" inspect box
	[[ $output != *sesame* ]]
	[ "$("$GUSCIO" inspect --format '{{json .Config.Secrets}}' box | tr -d ' ')" = '[{"Name":"pw","Type":"mount","Target":"/run/secrets/pw","UID":0,"GID":0,"Mode":292},{"Name":"pw","Type":"env","Target":"PW","UID":0,"GID":0,"Mode":0}]' ]
	id=$("$GUSCIO" inspect --format '{{.Id}}' box)
	! grep -l sesame "$XDG_DATA_HOME/guscio/containers/$id/config.json" "$XDG_DATA_HOME/guscio/containers/$id/state"
	[ "$(find "$XDG_DATA_HOME/guscio/containers/$id" -name 'secret.*' -perm 600 | wc -l)" -eq 2 ]
	# It was given them: what becomes of the secret is nothing to it.
	"$GUSCIO" secret rm pw
	printf 'other' | "$GUSCIO" secret create pw -
	"$GUSCIO" restart -t 0 box
	for _ in $(seq 100); do [ "$("$GUSCIO" logs box | wc -l)" -eq 2 ] && break; sleep 0.05; done
	[ "$("$GUSCIO" logs box | tail -n 1)" = "open sesame open sesame" ]
	"$GUSCIO" rm -f box
	! grep -r sesame "$XDG_DATA_HOME/guscio" "$XDG_RUNTIME_DIR"
	run -125 run_d --name box --secret nonsuch "$root" true
	[ -z "$(ls "$XDG_DATA_HOME/guscio/containers" | grep -v names)" ]
}

@test "cp -: archives out and in, docker's rules, running and not" {
	mkdir -p "$work/more/d/sub"
	echo one >"$work/more/d/one"
	echo two >"$work/more/d/sub/two"
	ln -s one "$work/more/d/link"
	"$GUSCIO" run -d --network=none --name c --overlay "$root" sh -c 'mkdir /to /out; echo s >/out/s; chown 7:8 /out/s; ln /out/s /out/hard
		ln -s /out /l; touch /ready; exec sleep 100' 3>&-
	for _ in $(seq 100); do "$GUSCIO" exec c test -e /ready && break; sleep 0.05; done
	for state in running stopped; do
		tar -C "$work/more" --owner=1234 --group=5 -czf - d | "$GUSCIO" cp - c:/to
		"$GUSCIO" cp c:/to/d - | tar -tvf - --numeric-owner >"$work/list"
		grep -qE '^drwx.* 1234/5 .* d/$' "$work/list" && grep -qE '^-rw.* 1234/5 .* d/sub/two$' "$work/list" &&
			grep -q 'd/link -> one' "$work/list"
		# The content only, the link, and what it leads to.
		[ "$("$GUSCIO" cp c:/to/d/. - | tar -tf - | sort | tr '\n' ' ')" = "./ ./link ./one ./sub/ ./sub/two " ]
		[ "$("$GUSCIO" cp c:/l - | tar -tvf - | grep -c '^l.* l -> /out$')" = 1 ]
		[ "$("$GUSCIO" cp -L c:/l - | tar -tf - | sort | tr '\n' ' ')" = "l/ l/hard l/s " ]
		[ "$("$GUSCIO" cp c:/out/s - | tar -xOf -)" = s ]
		[[ $("$GUSCIO" cp c:/out - | tar -tvf - --numeric-owner | grep 's$') == *" 7/8 "* ]]
		# From container to container, through a pipe; in one that does not run they would wait for ever.
		if [ $state = running ]; then
			"$GUSCIO" cp c:/out/. - | "$GUSCIO" cp - c:/to
		else
			id=$("$GUSCIO" inspect --format '{{.Id}}' c)
			run -125 flock "$XDG_DATA_HOME/guscio/containers/$id" "$GUSCIO" cp c:/out -
			[[ $output == *"not both"* ]]
		fi
		[ "$("$GUSCIO" cp c:/to/hard - | tar -xOf -)" = s ]
		run -125 bash -c "'$GUSCIO' cp c:/nonsuch - | cat; exit \${PIPESTATUS[0]}"
		assert_one_line
		run -125 bash -c "tar -C '$work/more' -cf - d | '$GUSCIO' cp - c:/etc/passwd"
		assert_one_line
		[[ $output == *"no directory"* ]]
		run -125 bash -c "tar -C '$work/more' -cf - d | '$GUSCIO' cp - c:/nonsuch"
		run -125 bash -c "echo rubbish rubbish | '$GUSCIO' cp - c:/to"
		assert_one_line
		# A directory does not become a file, nor a file a directory.
		mkdir -p "$work/more/x/$state" && echo file >"$work/more/x/d" && mkdir -p "$work/more/y/hard"
		run -125 bash -c "tar -C '$work/more/x' -cf - d | '$GUSCIO' cp - c:/to"
		[[ $output == *"cannot become a file"* ]]
		run -125 bash -c "tar -C '$work/more/y' -cf - hard | '$GUSCIO' cp - c:/to"
		[[ $output == *"no directory"* ]]
		[ $state = stopped ] || "$GUSCIO" stop -t 0 c
	done
	"$GUSCIO" start c
	# What is mounted on is written to; what the archive says of the directory itself is not taken.
	printf '10.0.0.1 there\n' >"$work/more/hosts" && chmod 700 "$work/more"
	tar -C "$work/more" -cf - ./ --exclude=./d --exclude=./x --exclude=./y | "$GUSCIO" cp - c:/etc
	[ "$("$GUSCIO" exec c cat /etc/hosts)" = "10.0.0.1 there" ]
	[ "$("$GUSCIO" exec c stat -c %a /etc)" = 755 ]
}

@test "cp -: an archive and a container that mean harm" {
	run_d --name c --overlay "$root" sh -c 'mkdir -p /to/in; ln -s / /to/up; ln -s ../../../.. /to/far; touch /ready; exec sleep 100'
	for _ in $(seq 100); do "$GUSCIO" exec c test -e /ready && break; sleep 0.05; done
	mkdir "$work/more" && cd "$work/more"
	python3 - <<'PY'
import io, tarfile
def make(name, *entries):
    with tarfile.open(name, "w") as t:
        for n, kind, link, data in entries:
            i = tarfile.TarInfo(n); i.type = kind; i.linkname = link; i.size = len(data); i.mode = 0o4755
            t.addfile(i, io.BytesIO(data))
make("climb.tar", ("../../escaped", tarfile.REGTYPE, "", b"x"))
make("link.tar", ("up/escaped", tarfile.REGTYPE, "", b"x"), ("far/escaped2", tarfile.REGTYPE, "", b"x"))
make("hard.tar", ("h", tarfile.LNKTYPE, "../../../../etc/passwd", b""))
make("device.tar", ("file", tarfile.REGTYPE, "", b"x"), ("null", tarfile.CHRTYPE, "", b""), ("pipe", tarfile.FIFOTYPE, "", b""))
make("wh.tar", (".wh.in", tarfile.REGTYPE, "", b"x"))
PY
	run -125 bash -c "'$GUSCIO' cp - c:/to/in <climb.tar"
	assert_one_line
	run -125 bash -c "'$GUSCIO' cp - c:/to/in <hard.tar"
	# Links lead around in the directory that is copied to, and no further.
	run -0 bash -c "'$GUSCIO' cp - c:/to <link.tar"
	[ "$("$GUSCIO" exec c cat /to/escaped /to/escaped2)" = xx ]
	[ ! -e /escaped ] && [ ! -e "$work/escaped" ] && [ ! -e /escaped2 ]
	run -0 bash -c "'$GUSCIO' cp - c:/to/in <device.tar"
	[[ $output == *"2 devices and pipes were left out"* ]]
	# No layer: such a name is a name.
	run -0 bash -c "'$GUSCIO' cp - c:/to <wh.tar"
	"$GUSCIO" exec c test -d /to/in
	"$GUSCIO" exec c test -f /to/.wh.in
	head -c 3000000 /dev/zero >big && tar -czf bomb.tar.gz big
	run -125 env GUSCIO_UNPACK_SIZE=1m bash -c "'$GUSCIO' cp - c:/to/in <bomb.tar.gz"
	assert_one_line
	# Directories that turn into links while they are written to.
	"$GUSCIO" exec -d c sh -c 'while :; do mv /to/in /to/in2; ln -s /etc /to/in; rm /to/in; mv /to/in2 /to/in; done'
	mkdir in && for i in $(seq 50); do echo x >"in/f$i"; done
	tar -cf in.tar in
	for _ in 1 2 3 4 5; do "$GUSCIO" cp - c:/to <in.tar || true; "$GUSCIO" cp c:/to - >/dev/null || true; done
	"$GUSCIO" rm -f c
	[ ! -e /etc/f1 ]
}

# An image my/db whose volume /db has content, of other owners where there are ids for that.
make_db_image() {
	mkdir -p "$root/db/sub" "$root/empty"
	echo first >"$root/db/file" && echo second >"$root/db/sub/other" && ln -s file "$root/db/link"
	chmod 700 "$root/db" && chmod 4755 "$root/db/file"
	tar -C "$root" --owner=0 --group=0 --exclude=./db/sub -cf "$work/image.tar" .
	tar -C "$root" --owner=33 --group=34 -rf "$work/image.tar" ./db/sub
	"$GUSCIO" import -c 'VOLUME /db' -c 'VOLUME /empty' "$work/image.tar" my/db
}

nothing_of_volumes() {
	[ -z "$(ls -A "$XDG_DATA_HOME/guscio/volumes" 2>/dev/null)" ] || { ls -lAR "$XDG_DATA_HOME/guscio/volumes"; false; }
}

@test "an empty volume is filled from the image, once; owners, modes and links are kept" {
	make_db_image
	show='stat -c "%u:%g %a %n" /v /v/file /v/sub; readlink /v/link; cat /v/sub/other'
	for kind in "-v data:/db" "--mount type=volume,source=more,target=/db"; do
		# shellcheck disable=SC2086
		run -0 "$GUSCIO" run --network=none $kind my/db sh -c 'stat -c %a /db/file; echo mine >/db/file; mv /db/sub /db/moved'
		[ "$output" = 4755 ]
	done
	run -0 "$GUSCIO" run --network=none -v data:/v my/db sh -c "mv /v/moved /v/sub; $show"
	[ "$output" = $'0:0 700 /v\n0:0 755 /v/file\n33:34 755 /v/sub\nfile\nsecond' ]
	# It has content now, which stays; one that is not to be filled is not.
	run -0 "$GUSCIO" run --network=none -v data:/db my/db cat /db/file
	[ "$output" = mine ]
	run -0 "$GUSCIO" run --network=none -v bare:/db:nocopy my/db ls -A /db
	[ -z "$output" ]
	run -0 "$GUSCIO" run --network=none --mount type=volume,source=bare,target=/db,volume-nocopy my/db ls -A /db
	[ -z "$output" ]
	run -125 "$GUSCIO" run --network=none -v "$work:/db:nocopy" my/db true
	assert_one_line
	# Where the image has nothing, or no directory, nothing is copied; through a link it is.
	run -0 "$GUSCIO" run --network=none -v new:/nowhere/at/all -v bare:/db:copy my/db sh -c 'ls -A /nowhere/at/all; cat /db/file'
	[ "$output" = first ]
	run -0 "$GUSCIO" run --network=none -v dir:/db "$root" cat /db/file
	[ "$output" = first ]
}

@test "volumes without a name: of -v and of the image, on disk, gone with rm -v and --rm only" {
	make_db_image
	"$GUSCIO" run -d --network=none --name a -v /own my/db sh -c 'echo x >/own/x; echo y >>/db/file; exec sleep 100' 3>&-
	[ "$("$GUSCIO" volume ls -q | wc -l)" -eq 3 ]
	[ "$("$GUSCIO" volume ls -q --filter dangling=true | wc -l)" -eq 0 ]
	[ "$("$GUSCIO" inspect a | jq -r '.[0].Mounts | map(.Type + " " + .Destination) | sort | join(",")')" = "volume /db,volume /empty,volume /own" ]
	[ "$("$GUSCIO" inspect a | jq -r '.[0].HostConfig.Binds | length')" = 0 ]
	name=$("$GUSCIO" inspect a | jq -r '.[0].Mounts[] | select(.Destination == "/db").Name')
	[ "${#name}" -eq 64 ]
	[ "$("$GUSCIO" volume inspect "$name" | jq -c '.[0].Labels')" = '{"com.docker.volume.anonymous":""}' ]
	for _ in $(seq 100); do [ "$("$GUSCIO" exec a tail -n 1 /db/file)" = y ] && break; sleep 0.05; done
	# They outlive a stop, another container can have them, and none goes while one has it.
	"$GUSCIO" restart -t 0 a
	for _ in $(seq 100); do [ "$("$GUSCIO" exec a grep -c y /db/file)" = 2 ] && break; sleep 0.05; done
	run -0 "$GUSCIO" create --network=none --name b --volumes-from a "$root" true
	"$GUSCIO" rm -fv a
	[ "$("$GUSCIO" volume ls -q | wc -l)" -eq 3 ]
	"$GUSCIO" rm -v b
	nothing_of_volumes
	# Without -v they stay, and prune takes them, but none that has a name.
	"$GUSCIO" run -d --network=none --name a -v named:/named my/db true 3>&-
	"$GUSCIO" wait a && "$GUSCIO" rm a
	[ "$("$GUSCIO" volume ls -q --filter dangling=true | wc -l)" -eq 3 ]
	run -0 "$GUSCIO" volume prune -f
	[ "$("$GUSCIO" volume ls -q)" = named ]
	"$GUSCIO" volume rm named
	# --rm, detached and in the foreground, and a start that fails.
	id=$("$GUSCIO" run -d --rm --network=none my/db true 3>&-)
	for _ in $(seq 100); do "$GUSCIO" inspect "$id" >/dev/null 2>&1 || break; sleep 0.05; done
	for _ in $(seq 100); do [ -z "$(ls -A "$XDG_DATA_HOME/guscio/volumes")" ] && break; sleep 0.05; done
	nothing_of_volumes
	run -0 "$GUSCIO" run --network=none --read-only -v /more my/db sh -c 'cat /db/file; echo x >/db/x; echo x >/more/x; chown 5:5 /more/x; df /more | tail -n 1'
	[[ ${lines[0]} == first ]]
	nothing_of_volumes
	run -0 "$GUSCIO" run --network=none my/db sh -c 'cat /db/file; touch /empty/x'
	run -127 "$GUSCIO" run -d --rm --network=none -v /more my/db nonsuch 3>&-
	run -127 "$GUSCIO" run --network=none -v /more my/db nonsuch
	run -125 "$GUSCIO" run --network=none -v /more --sysctl kernel.nonsense=1 my/db true
	nothing_of_volumes
	# In a document it is a directory in memory.
	[ "$("$GUSCIO" spec -v /more "$root" | jq -r '.mounts[] | select(.destination == "/more").type')" = tmpfs ]
	nothing_of_volumes
}

@test "volumes: a fill that is killed leaves nothing or all; two at once fill once" {
	make_db_image
	for place in copy:file fill:copied; do
		run ! env GUSCIO_FAULT=$place "$GUSCIO" run --network=none -v data:/db my/db true
		[ -z "$(ls -A "$XDG_DATA_HOME/guscio/volumes/data/_data")" ]
	done
	run -0 "$GUSCIO" run --network=none -v data:/db my/db cat /db/file /db/sub/other
	[ "$output" = $'first\nsecond' ]
	[ ! -e "$XDG_DATA_HOME/guscio/volumes/data/_data.new" ]
	# Each adds a line to what was there: if one came into another's fill a line would be lost.
	for i in 1 2 3 4 5 6; do
		"$GUSCIO" run --network=none -v many:/db my/db sh -c "cat /db/file /db/sub/other && echo $i >>/db/file" >"$work/out$i" 2>&1 3>&- &
	done
	wait
	for i in 1 2 3 4 5 6; do grep -q first "$work/out$i" && grep -q second "$work/out$i" || { cat "$work/out$i"; false; }; done
	[ "$("$GUSCIO" run --network=none -v many:/db my/db sh -c 'sort /db/file | tr "\n" " "')" = "1 2 3 4 5 6 first " ]
	# One that somebody has is not filled under his feet.
	"$GUSCIO" run -d --network=none --name user -v used:/x "$root" sleep 100 3>&-
	run -0 "$GUSCIO" run --network=none -v used:/db my/db ls -A /db
	[ -z "$output" ]
	"$GUSCIO" exec user touch /x/there
	[ "$("$GUSCIO" run --network=none -v used:/db my/db ls -A /db)" = there ]
}

@test "system df and prune: images, containers and volumes, also of subordinate ids" {
	run -0 "$GUSCIO" system df
	[[ ${lines[0]} == TYPE*TOTAL*ACTIVE*SIZE*RECLAIMABLE ]]
	[[ ${lines[1]} == Images*0*0*"0 B"*"0 B" && ${lines[2]} == Containers*0* && ${lines[3]} == "Local Volumes"*0* ]]
	make_db_image
	tar -C "$root" -cf "$work/other.tar" ./etc && "$GUSCIO" import "$work/other.tar" other/image
	"$GUSCIO" run -d --network=none --name c -v data:/data my/db sh -c 'dd if=/dev/zero of=/data/f bs=1000 count=500 2>/dev/null
		chown -R 5:5 /data; chmod 700 /data; dd if=/dev/zero of=/changed bs=1000 count=300 2>/dev/null; touch /ready; sleep 100' 3>&-
	for _ in $(seq 100); do "$GUSCIO" exec c test -e /ready && break; sleep 0.05; done
	"$GUSCIO" volume create idle
	get() { "$GUSCIO" system df --format json | jq -r ".[] | select(.Type == \"$1\") | .$2"; }
	[ "$(get Images TotalCount)/$(get Images Active)" = 2/1 ]
	[ "$(get Images ReclaimableBytes)" -gt 0 ] && [ "$(get Images ReclaimableBytes)" -lt 100000 ]
	[ "$(get Images SizeBytes)" -gt 1000000 ]
	[ "$(get Containers TotalCount)/$(get Containers Active)/$(get Containers ReclaimableBytes)" = 1/1/0 ]
	[ "$(get Containers SizeBytes)" -ge 300000 ] && [ "$(get Containers SizeBytes)" -lt 400000 ]
	# Two of the image, one with a name and one that nobody has.
	[ "$(get "Local Volumes" TotalCount)/$(get "Local Volumes" Active)" = 4/3 ]
	[ "$(get "Local Volumes" SizeBytes)" -ge 500000 ] && [ "$(get "Local Volumes" SizeBytes)" -lt 510000 ]
	[ "$(get "Local Volumes" Reclaimable)" = "0 B (0%)" ]
	run -0 "$GUSCIO" system df -v
	[[ $output == *"Images space usage:"*my/db*"Containers space usage:"*my/db*"Local Volumes space usage:"*data* ]]
	[ "$("$GUSCIO" system df -v --format json | jq -r '.Volumes[] | select(.VolumeName == "data").InUse')" = true ]
	run -125 "$GUSCIO" system prune </dev/null
	assert_one_line
	# What is in use stays, whatever is asked for.
	run -0 "$GUSCIO" system prune -af --volumes
	[[ $output == *"Total reclaimed space: "* && $output == *other/image* ]]
	[ "$(get Images TotalCount)/$(get Containers TotalCount)/$(get "Local Volumes" TotalCount)" = 1/1/4 ]
	"$GUSCIO" stop -t 0 c
	[ "$(get Containers ReclaimableBytes)" = "$(get Containers SizeBytes)" ]
	[ "$(get Images Active)" = 1 ]
	before=$("$GUSCIO" system df --format json | jq 'map(.SizeBytes) | add')
	run -0 "$GUSCIO" system prune -af --volumes
	[ "$before" -gt 1000000 ]
	[ "$("$GUSCIO" volume ls -q | tr '\n' ' ')" = "data idle " ]
	[ "$(get Images TotalCount)/$(get Containers TotalCount)" = 0/0 ]
	[[ $output == *"Total reclaimed space: "*MB ]]
	"$GUSCIO" secret create pw /etc/passwd
	"$GUSCIO" system reset -f
	[ -z "$(ls -A "$XDG_DATA_HOME/guscio" 2>/dev/null)" ]
}

# Names that no id begins with: a filter takes either.
@test "events: what happened before, of all kinds, by time and by filter; docker's fields" {
	begin=$(date +%s)
	"$GUSCIO" volume create v
	run_d --name one -v v:/v -l team=a -l "odd key=b c=d" "$root" sh -c 'sleep 0.2; exit 5'
	"$GUSCIO" wait one
	"$GUSCIO" rename one two && "$GUSCIO" restart -t 0 two && "$GUSCIO" wait two && "$GUSCIO" rm two && "$GUSCIO" volume rm v
	"$GUSCIO" network create net && "$GUSCIO" network rm net
	run_d --name k "$root" sleep 100
	run -3 "$GUSCIO" exec k sh -c "exit 3"
	"$GUSCIO" kill k && "$GUSCIO" wait k && "$GUSCIO" rm k
	tar -C "$root" -cf "$work/i.tar" ./etc && "$GUSCIO" import "$work/i.tar" a:1 && "$GUSCIO" tag a:1 b:1 && "$GUSCIO" rmi b:1
	now() { "$GUSCIO" events --since "$begin" --until 0s "$@"; }
	[ "$(now --filter container=two --filter container=one --format '{{.Action}}' | tr '\n' ' ')" = "create start die rename start restart die destroy " ] ||
		{ now; false; }
	[ "$(now --filter container=k --format '{{.Action}}' | tr '\n' ' ')" = "create start exec_create: sh -c exit 3 exec_start: sh -c exit 3 exec_die kill die stop destroy " ] || { now; false; }
	[ "$(now --filter type=volume --format '{{.Action}} {{.Actor.ID}}' | tr '\n' ',')" = "create v,destroy v," ]
	[ "$(now --filter type=network --format '{{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.type}}' | tr '\n' ',')" = "create net bridge,destroy net bridge," ]
	[ "$(now --filter network=net | wc -l)" -eq 2 ]
	[ "$(now --filter event=exec_start --format '{{.Action}} {{.Actor.Attributes.name}}')" = "exec_start: sh -c exit 3 k" ]
	[ "$(now --filter event=exec_die --format '{{.Actor.Attributes.exitCode}}')" = 3 ]
	[ "$(now --filter type=image --format '{{.Action}}' | tr '\n' ' ')" = "tag untag " ]
	[ "$(now --filter event=die --filter label=team=a --format '{{.Actor.Attributes.exitCode}}' | tr '\n' ' ')" = "5 5 " ]
	[ -z "$(now --filter label=team=b)" ]
	run -0 now --filter event=die --filter container=one --format json
	[ "$(jq -r '[.Type, .status, .from, .scope, .Actor.Attributes.name, .Actor.Attributes["odd key"]] | join("|")' <<<"$output")" = "container|die|$root|local|one|b c=d" ]
	[ "$(jq '.id == .Actor.ID and (.time | type) == "number"' <<<"$output")" = true ]
	[[ $(now --filter event=die --filter container=one) == 20*Z" container die "*" (exitCode=5, image=$root, name=one, odd key=b c=d, team=a)" ]]
	# A line that was torn is passed over, and swallows no other.
	printf '1234 container di' >>"$XDG_DATA_HOME/guscio/events/log"
	"$GUSCIO" volume create w
	[ "$(now --filter volume=w --format '{{.Action}}')" = create ]
	[ -z "$("$GUSCIO" events --since "$begin" --until 1h)" ]
	run -125 "$GUSCIO" events --since yesterday
	assert_one_line
	# In the foreground nothing is written.
	size=$(stat -c %s "$XDG_DATA_HOME/guscio/events/log")
	run -0 run_one "$root" true
	[ "$(stat -c %s "$XDG_DATA_HOME/guscio/events/log")" = "$size" ]
}

@test "events: the log is bounded; who follows sees every event across its rotation" {
	"$GUSCIO" volume create first
	"$GUSCIO" events --filter type=volume --format '{{.Action}} {{.Actor.ID}}' >"$work/seen" 3>&- &
	follower=$!
	sleep 0.5
	# Two full logs: the first event is in neither then.
	for n in 1 2; do
		"$GUSCIO" volume create "before$n"
		head -c 1100000 /dev/zero | tr '\0' 'x' | fold -w 200 >>"$XDG_DATA_HOME/guscio/events/log"
		echo >>"$XDG_DATA_HOME/guscio/events/log"
		for i in 1 2 3 4; do "$GUSCIO" volume create "v$n$i" & done
		wait $(jobs -p | grep -v "^$follower$")
	done
	for _ in $(seq 100); do [ "$(wc -l <"$work/seen")" -eq 10 ] && break; sleep 0.05; done
	kill $follower
	[ "$(sort "$work/seen" | tr '\n' ' ')" = "create before1 create before2 create v11 create v12 create v13 create v14 create v21 create v22 create v23 create v24 " ]
	[ "$(ls "$XDG_DATA_HOME/guscio/events")" = $'log\nlog.1' ]
	[ "$(cat "$XDG_DATA_HOME/guscio/events/"* | wc -c)" -lt 2400000 ]
	run -0 "$GUSCIO" events --since 1h --until 0s --format '{{.Actor.ID}}'
	[[ $output != *first* && $output == *v24* ]]
}

@test "inspect: what tools ask docker for: ports, networks, limits, mounts" {
	"$GUSCIO" run -d --userns=single --name i -p 127.0.0.1:0:80 -p 18999:53/udp --dns 9.9.9.9 --add-host a:10.0.0.1 --tmpfs /t \
		-v v:/v -v "$root:/mnt:ro" --memory 64m --cpus 1.5 --pids-limit 50 "$root" sleep 100 3>&-
	run -0 "$GUSCIO" inspect i
	jq -e '.[0].HostConfig | .PortBindings == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}], "53/udp": [{"HostIp": "", "HostPort": "18999"}]}
		and .Dns == ["9.9.9.9"] and .ExtraHosts == ["a:10.0.0.1"] and (.Tmpfs | has("/t")) and .Memory == 67108864
		and .NanoCpus == 1500000000 and .PidsLimit == 50 and .NetworkMode == "slirp" and (.Binds | sort) == (["v:/v", $mnt] | sort)' \
		--arg mnt "$root:/mnt:ro" <<<"$output"
	jq -e '.[0].NetworkSettings | .IPAddress == "10.0.2.100" and .Networks.slirp.IPAddress == .IPAddress and .Gateway == "10.0.2.2"
		and (.Ports["80/tcp"][0].HostPort | tonumber) > 0 and .Ports["53/udp"][0].HostPort == "18999"' <<<"$output"
	jq -e '.[0] | .Config.ExposedPorts == {"80/tcp": {}, "53/udp": {}} and (.Mounts | map(.Type) | sort) == ["bind", "volume"]' <<<"$output"
	[ "$("$GUSCIO" inspect --format '{{.State.Status}} {{.HostConfig.NetworkMode}} {{json .Config.ExposedPorts}}' i)" = 'running slirp {"80/tcp":{},"53/udp":{}}' ]
	[ "$("$GUSCIO" inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}} {{(index (index .NetworkSettings.Ports "53/udp") 0).HostPort}}' i)" = "10.0.2.100 18999" ]
	[ "$("$GUSCIO" inspect -f '{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}{{range .Mounts}} {{.Destination}}{{end}}' i)" = "none /v /mnt" ]
	[ "$("$GUSCIO" ps --format '{{if eq .State "running"}}{{.Names}}{{end}}')" = i ]
	[ "$("$GUSCIO" ps --format '{{.LocalVolumes}} {{.Mounts}}')" = "1 v,$root" ]
	run -125 "$GUSCIO" inspect -f '{{range .Mounts}}' i
	assert_one_line
	"$GUSCIO" stop -t 0 i
	run -0 "$GUSCIO" inspect i
	jq -e '.[0] | .NetworkSettings.Ports == {} and .NetworkSettings.IPAddress == "" and (.HostConfig.PortBindings | length) == 2' <<<"$output"
}
