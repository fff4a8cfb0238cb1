#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# data.bats - what containers are given and what they leave: secrets, volumes, archives, events

load helpers

teardown() {
	for id in $("$GUSCIO" ps -aq 2>/dev/null); do "$GUSCIO" rm -f "$id" >/dev/null 2>&1 || true; done
	"$GUSCIO" unshare rm -rf "$work/root" "$work/data" "$work/cache" "$work/more" 2>/dev/null || true
	chmod -R u+rwx "$work" 2>/dev/null || true
	rm -rf "$work"
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
