#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Images with real peers: docker's registry with TLS and passwords, skopeo, umoci, buildah, podman.

load helpers

setup_file() {
	local tool
	for tool in docker-registry skopeo umoci htpasswd openssl jq; do
		command -v $tool >/dev/null || skip "$tool is not installed"
	done
	export PLACE
	PLACE=$(mktemp -d "${TMPDIR:-/tmp}/guscio-registry.XXXXXX")
	make_registry "$PLACE"
	make_images "$PLACE"
}

teardown_file() {
	[ -z "$PLACE" ] || kill "$(cat "$PLACE/pid")"
	"${BUILD:-$BATS_TEST_DIRNAME/../../build}/guscio" unshare rm -rf "$PLACE" 2>/dev/null || rm -rf "$PLACE"
}

make_registry() {
	mkdir "$1/certs"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1/key.pem" -out "$1/certs/ca.crt" -days 2 \
		-subj /CN=guscio-test -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
	htpasswd -Bbn user secret >"$1/htpasswd" 2>/dev/null
	for _ in 1 2 3 4 5; do
		AT=127.0.0.1:$((20000 + RANDOM % 20000))
		cat >"$1/config.yml" <<-END
			version: 0.1
			log: {level: error, accesslog: {disabled: true}}
			storage: {filesystem: {rootdirectory: $1/data}, delete: {enabled: true}}
			auth: {htpasswd: {realm: guscio, path: $1/htpasswd}}
			http: {addr: $AT, tls: {certificate: $1/certs/ca.crt, key: $1/key.pem}}
		END
		docker-registry serve "$1/config.yml" >"$1/log" 2>&1 3>&- &
		echo $! >"$1/pid"
		for _ in $(seq 50); do
			curl -sk "https://$AT/v2/" >/dev/null && break 2
			kill -0 "$(cat "$1/pid")" 2>/dev/null || break
			sleep 0.1
		done
	done
	export AT
}

# Three layers: busybox, something changed and removed, something more; by umoci.
make_images() {
	mkdir -p "$1/l1/bin" "$1/l1/etc" "$1/l1/dir" "$1/l2/dir" "$1/l3/srv"
	cp "$(command -v busybox)" "$1/l1/bin/busybox"
	for applet in sh cat ls echo id stat true env; do ln -s busybox "$1/l1/bin/$applet"; done
	echo root:x:0:0::/root:/bin/sh >"$1/l1/etc/passwd"
	echo old >"$1/l1/dir/changed"
	echo x >"$1/l1/dir/removed"
	echo new >"$1/l2/dir/changed"
	: >"$1/l2/dir/.wh.removed"
	head -c 300000 /dev/urandom >"$1/l3/srv/random"
	chmod 4755 "$1/l3/srv/random"
	umoci init --layout "$1/oci"
	umoci new --image "$1/oci:three"
	for layer in l1 l2 l3; do
		tar -C "$1/$layer" --owner=0 --group=0 -cf "$1/$layer.tar" .
		umoci raw add-layer --image "$1/oci:three" "$1/$layer.tar"
	done
	umoci config --image "$1/oci:three" --config.cmd cat --config.cmd /dir/changed --config.env FROM=umoci
	skopeo copy -q --dest-creds user:secret --dest-tls-verify=false "oci:$1/oci:three" "docker://$AT/team/three:1"
	skopeo copy -q --dest-creds user:secret --dest-tls-verify=false --format v2s2 "oci:$1/oci:three" "docker://$AT/team/three:docker"
	skopeo copy -q --dest-creds user:secret --dest-tls-verify=false --dest-compress-format zstd "oci:$1/oci:three" "docker://$AT/team/three:zstd"
}

remote() { # command, arguments
	local command=$1
	shift
	"$GUSCIO" "$command" --cert-dir "$PLACE/certs" --creds user:secret "$@"
}

@test "pull over TLS with a password; what is wrong with either is said" {
	run -125 "$GUSCIO" pull -q "$AT/team/three:1"
	assert_one_line
	[[ $output == *certificate* && $output == *certs.d* ]]
	run -125 "$GUSCIO" pull -q --cert-dir "$PLACE/certs" "$AT/team/three:1"
	assert_one_line
	[[ $output == *"guscio login"* ]]
	run -125 "$GUSCIO" pull -q --cert-dir "$PLACE/certs" --creds user:wrong "$AT/team/three:1"
	assert_one_line
	run -0 remote pull -q "$AT/team/three:1"
	run -0 "$GUSCIO" run "$AT/team/three:1"
	[ "$output" = new ]
	run -0 "$GUSCIO" run "$AT/team/three:1" ls /dir
	[ "$output" = changed ]
	run -0 "$GUSCIO" pull -q --tls-verify=false --creds user:secret "$AT/team/three:1"
}

@test "login is tried, kept where podman finds it, and forgotten by logout" {
	export HOME=$work
	run -125 sh -c "echo wrong | '$GUSCIO' login --cert-dir '$PLACE/certs' -u user --password-stdin $AT"
	assert_one_line
	run -0 sh -c "echo secret | '$GUSCIO' login --cert-dir '$PLACE/certs' -u user --password-stdin $AT"
	[ "$(stat -c %a "$XDG_RUNTIME_DIR/containers/auth.json")" = 600 ]
	run -0 "$GUSCIO" pull -q --cert-dir "$PLACE/certs" "$AT/team/three:1"
	run -0 skopeo inspect --cert-dir "$PLACE/certs" "docker://$AT/team/three:1"
	run -0 "$GUSCIO" logout "$AT"
	run -125 "$GUSCIO" pull -q --cert-dir "$PLACE/certs" "$AT/team/three:1"
	run -125 "$GUSCIO" logout "$AT"
	# What skopeo kept serves us, and docker's helpers are asked.
	skopeo login --cert-dir "$PLACE/certs" -u user -p secret "$AT"
	run -0 "$GUSCIO" pull -q --cert-dir "$PLACE/certs" "$AT/team/three:1"
	"$GUSCIO" logout "$AT"
	mkdir -p "$work/bin" "$work/.docker"
	printf '#!/bin/sh\ncat >/dev/null\necho "{\\"Username\\":\\"user\\",\\"Secret\\":\\"secret\\"}"\n' >"$work/bin/docker-credential-mine"
	chmod +x "$work/bin/docker-credential-mine"
	echo "{\"credHelpers\":{\"$AT\":\"mine\"}}" >"$work/.docker/config.json"
	PATH=$work/bin:$PATH run -0 "$GUSCIO" pull -q --cert-dir "$PLACE/certs" "$AT/team/three:1"
}

@test "certificates in certs.d, and registries.conf: other places, mirrors, blocked ones" {
	export HOME=$work
	mkdir -p "$work/.config/containers/certs.d/$AT"
	cp "$PLACE/certs/ca.crt" "$work/.config/containers/certs.d/$AT/"
	run -0 "$GUSCIO" pull -q --creds user:secret "$AT/team/three:1"
	cat >"$work/.config/containers/registries.conf" <<-END
		unqualified-search-registries = ["a.example",
		  "b.example"] # not ours
		[[registry]]
		prefix = "alias.example/team"
		location = "$AT/team"
		[[registry]]
		location = "docker.io"
		[[registry.mirror]]
		location = "127.0.0.1:1"
		[[registry.mirror]]
		location = "$AT"
		[[registry]]
		prefix = "*.bad.example"
		blocked = true
	END
	run -0 "$GUSCIO" pull -q --creds user:secret alias.example/team/three:1
	run -0 "$GUSCIO" pull -q --creds user:secret team/three:1
	run -0 "$GUSCIO" run --pull=never docker.io/team/three:1
	run -125 "$GUSCIO" pull -q x.bad.example/a
	assert_one_line
	[[ $output == *blocks* ]]
	echo 'prefix = "no end' >"$work/.config/containers/registries.conf"
	run -125 "$GUSCIO" pull -q team/three:1
	assert_one_line
	[[ $output == *"line 1"* ]]
}

@test "docker's manifests and zstd layers are the same image" {
	for tag in 1 docker zstd; do
		run -0 remote pull -q "$AT/team/three:$tag"
		run -0 "$GUSCIO" run "$AT/team/three:$tag"
		[ "$output" = new ]
	done
	# By diff id the layers are the same directories.
	[ "$(find "$XDG_DATA_HOME/guscio/layers" -mindepth 2 -maxdepth 2 | wc -l)" -eq 3 ]
}

@test "push gives back the same bytes" {
	run -0 remote pull -q "$AT/team/three:1"
	run -0 remote push -q "$AT/team/three:1" "$AT/mine/copy:2"
	for tag in team/three:1 mine/copy:2; do
		skopeo inspect --raw --cert-dir "$PLACE/certs" --creds user:secret "docker://$AT/$tag" >"$work/${tag%%/*}"
	done
	cmp "$work/team" "$work/mine"
	run -0 skopeo copy -q --src-cert-dir "$PLACE/certs" --src-creds user:secret "docker://$AT/mine/copy:2" "dir:$work/dir"
	run -125 "$GUSCIO" push -q --cert-dir "$PLACE/certs" "$AT/team/three:1" "$AT/mine/copy:3"
	assert_one_line
	run -125 remote push -q nothing:1
	assert_one_line
}

@test "save: docker-archive, oci-archive and oci-dir are read by skopeo and by us" {
	run -0 remote pull -q "$AT/team/three:1"
	digest=$("$GUSCIO" inspect --format '{{.Digest}}' "$AT/team/three:1")
	"$GUSCIO" save -o "$work/a.tar" "$AT/team/three:1"
	"$GUSCIO" save --format oci-archive "$AT/team/three:1" >"$work/b.tar"
	"$GUSCIO" save --format oci-dir -o "$work/c" "$AT/team/three:1"
	run -0 skopeo inspect "docker-archive:$work/a.tar"
	for form in "oci-archive:$work/a.tar" "oci-archive:$work/b.tar" "oci:$work/c"; do
		run -0 skopeo inspect --format '{{.Digest}}' "$form"
		[ "$output" = "$digest" ]
	done
	"$GUSCIO" purge -f
	for form in "$work/a.tar" "$work/b.tar" "$work/c"; do
		run -0 "$GUSCIO" load -q -i "$form"
		[ "$output" = "Loaded image: $AT/team/three:1" ]
		run -0 "$GUSCIO" inspect --format '{{.Digest}}' "$AT/team/three:1"
		[ "$output" = "$digest" ]
		run -0 "$GUSCIO" run "$AT/team/three:1"
		[ "$output" = new ]
		"$GUSCIO" purge -f
	done
	run -0 sh -c "gzip <'$work/b.tar' | '$GUSCIO' load -q"
	run -125 "$GUSCIO" save "$AT/team/three:1" --format shoe
	assert_one_line
	run -125 sh -c "'$GUSCIO' save '$AT/team/three:1' >/dev/full"
	assert_one_line
}

@test "load: what skopeo, umoci and podman write" {
	skopeo copy -q "oci:$PLACE/oci:three" "docker-archive:$work/d.tar:example.org/from/skopeo:1"
	skopeo copy -q "oci:$PLACE/oci:three" "oci-archive:$work/o.tar:three"
	run -0 "$GUSCIO" load -q -i "$work/d.tar"
	[ "$output" = "Loaded image: example.org/from/skopeo:1" ]
	run -0 "$GUSCIO" run example.org/from/skopeo:1
	[ "$output" = new ]
	run -0 "$GUSCIO" load -q "$work/o.tar"
	id=${output##* }
	run -0 "$GUSCIO" load -q "$PLACE/oci"
	run -0 "$GUSCIO" run "${id:7:12}"
	[ "$output" = new ]
	# What we keep is a layout that others read in place.
	run -0 skopeo inspect "oci:$XDG_DATA_HOME/guscio/images:example.org/from/skopeo:1"
}

@test "load: nothing, half, wrong digests, links out" {
	echo nothing >"$work/n"
	run -125 "$GUSCIO" load -i "$work/n"
	assert_one_line
	tar -C "$PLACE/oci" -cf "$work/o.tar" .
	head -c 100000 "$work/o.tar" >"$work/half"
	run -125 "$GUSCIO" load -q -i "$work/half"
	assert_one_line
	cp -r "$PLACE/oci" "$work/spoilt"
	chmod -R u+w "$work/spoilt"
	big=$(find "$work/spoilt/blobs" -type f -size +200k | head -1)
	printf x | dd of="$big" bs=1 seek=9 conv=notrunc 2>/dev/null
	run -125 "$GUSCIO" load -q -i "$work/spoilt"
	assert_one_line
	[[ $output == *digest* ]]
	[ -z "$(find "$XDG_DATA_HOME/guscio/images/blobs" -name "$(basename "$big")*")" ]
	rm "$work/spoilt/index.json"
	ln -s /etc/passwd "$work/spoilt/index.json"
	run -125 "$GUSCIO" load -q -i "$work/spoilt"
	run -125 "$GUSCIO" load -i "$work/missing"
	assert_one_line
}

@test "import a tarball, with changes; export it again" {
	run -0 "$GUSCIO" import -c 'CMD ["/bin/echo","imported"]' -c ENV=X=y -m why "$PLACE/l1.tar" my/own:1
	run -0 "$GUSCIO" run my/own:1
	[ "$output" = imported ]
	run -0 sh -c "gzip <'$PLACE/l1.tar' | '$GUSCIO' import - my/own:2"
	run -0 "$GUSCIO" history --format '{{.Comment}}' my/own:1
	[ "$output" = why ]
	run -0 "$GUSCIO" export my/own:1 -o "$work/out.tar"
	for form in "$PLACE/l1.tar" "$work/out.tar"; do
		tar --numeric-owner -tvf "$form" | sed 's#\./##' | awk '{print $1, $2, $3, $6, $7, $8}' | sort >"$form.list"
	done
	diff "$PLACE/l1.tar.list" "$work/out.tar.list"
	# A terminal is not told what to do by an image.
	"$GUSCIO" import -m $'\033[31mred' "$PLACE/l1.tar" my/red:1
	for format in '' "--format={{.Comment}}" "--format=json"; do
		run -0 script -qec "$GUSCIO history $format my/red:1" /dev/null
		[[ $output == *red* && $output != *$'\033'* ]]
	done
	run -125 "$GUSCIO" import -c 'SHOE x' "$PLACE/l1.tar"
	assert_one_line
	run -125 sh -c "xz -0 <'$PLACE/l1.tar' | '$GUSCIO' import -"
	[[ $output == *"xz -dc"* ]]
}

@test "export with one id says what export with a range says" {
	run -0 remote pull -q "$AT/team/three:1"
	run -0 "$GUSCIO" export "$AT/team/three:1" -o "$work/range.tar"
	run -0 remote pull -q --storage "$work/more/s" --userns=single "$AT/team/three:1"
	run -0 "$GUSCIO" export --storage "$work/more/s" --userns=single "$AT/team/three:1" -o "$work/single.tar"
	[ -z "$(find "$work/more/s" ! -user "$(id -u)")" ]
	for form in range single; do tar --numeric-owner -tvf "$work/$form.tar" >"$work/$form.list"; done
	diff "$work/range.list" "$work/single.list"
	grep -q '^-rwsr-xr-x.*srv/random' "$work/single.list"
}

@test "images, tag, rmi, history, inspect, prune, df: tables, templates, json" {
	run -0 "$GUSCIO" images
	[ "$output" = "REPOSITORY   TAG   IMAGE ID   CREATED   SIZE" ]
	run -0 remote pull -q "$AT/team/three:1"
	id=$output
	run -0 "$GUSCIO" tag "${id:0:12}" one two:2
	run -0 "$GUSCIO" images -q --no-trunc
	[ "${lines[2]}" = "sha256:$id" ]
	run -0 "$GUSCIO" images --format '{{.Repository}}:{{.Tag}}' two
	[ "$output" = docker.io/library/two:2 ]
	run -0 "$GUSCIO" images --format json
	[ "$(jq -r '.[0].ID' <<<"$output")" = "${id:0:12}" ]
	run -0 "$GUSCIO" image ls --format 'table {{.Tag}}' --filter reference=three
	[ "$output" = "TAG
1" ]
	run -125 "$GUSCIO" images --format '{{.Shoe}}'
	assert_one_line
	run -125 "$GUSCIO" images --filter shoe=1
	assert_one_line
	run -0 "$GUSCIO" inspect --format '{{.Config.Cmd}} {{.RootFS.Type}}' one
	[ "$output" = "[cat /dir/changed] layers" ]
	run -0 "$GUSCIO" images --digests --filter reference=three
	[[ $output == *DIGEST*sha256:* ]]
	run -0 "$GUSCIO" inspect --format '{{json .Config.Env}}' one
	[[ $output == *FROM=umoci* ]]
	run -0 "$GUSCIO" image inspect two:2
	[ "$(jq -r '.[0].RepoTags | length' <<<"$output")" = 3 ]
	run -125 "$GUSCIO" rmi "${id:0:12}"
	[[ $output == *"3 names"* ]]
	run -0 "$GUSCIO" rmi one two:2
	run -0 "$GUSCIO" system df
	[[ ${lines[1]} == Images*1* ]]
	run -0 "$GUSCIO" rmi "$AT/team/three:1"
	[[ $output == *Untagged* && $output == *Deleted* ]]
	run -125 "$GUSCIO" rmi one
	assert_one_line
	run -0 "$GUSCIO" rmi -f one
	"$GUSCIO" import "$PLACE/l1.tar" a:1
	"$GUSCIO" import "$PLACE/l1.tar"
	run -0 "$GUSCIO" rmi --all
	run -0 "$GUSCIO" images -q
	[ -z "$output" ]
	run -0 "$GUSCIO" system prune -f
	[ "$(find "$XDG_DATA_HOME/guscio/images/blobs" -type f | wc -l)" -eq 0 ]
	run -125 "$GUSCIO" image shoe
	assert_one_line
}

@test "progress: bars on a terminal, lines elsewhere, nothing with -q" {
	run -0 --separate-stderr remote pull "$AT/team/three:1"
	[[ $stderr == *"layer "*done* ]]
	"$GUSCIO" purge -f
	run -0 --separate-stderr remote pull -q "$AT/team/three:1"
	[ -z "$stderr" ]
	"$GUSCIO" purge -f
	run -0 script -qec "$GUSCIO pull --cert-dir $PLACE/certs --creds user:secret $AT/team/three:1" /dev/null
	[[ $output == *"[=="*"/"*"done"* ]]
}

@test "podman reads what guscio saves and pushes" {
	command -v podman >/dev/null || skip "podman is not installed"
	export HOME=$work
	podman="podman --root $work/more/podman --runroot $work/runtime/podman --cgroup-manager=cgroupfs --events-backend=none"
	run -0 remote pull -q "$AT/team/three:1"
	"$GUSCIO" save -o "$work/a.tar" "$AT/team/three:1"
	run $podman info
	[ "$status" -eq 0 ] || skip "podman does not work here"
	run -0 $podman load -q -i "$work/a.tar"
	run -0 remote push -q "$AT/team/three:1" "$AT/for/podman:1"
	run -0 $podman pull -q --cert-dir "$PLACE/certs" --creds user:secret "$AT/for/podman:1"
	$podman save -q -o "$work/p.tar" "$AT/for/podman:1"
	"$GUSCIO" purge -f
	run -0 "$GUSCIO" load -q -i "$work/p.tar"
	run -0 "$GUSCIO" run "$AT/for/podman:1"
	[ "$output" = new ]
	$podman rmi -af >/dev/null 2>&1 || true
}

@test "an image that buildah made" {
	command -v buildah >/dev/null || skip "buildah is not installed"
	export HOME=$work
	buildah="buildah --root $work/more/buildah --runroot $work/runtime/buildah --storage-driver vfs"
	container=$($buildah from scratch) || skip "buildah does not work here"
	$buildah add -q "$container" "$PLACE/l1.tar" /
	$buildah config --cmd "cat /etc/passwd" --env BY=buildah --user 0 "$container"
	$buildah commit -q --disable-compression=false "$container" "oci-archive:$work/b.tar:built"
	$buildah rm "$container" >/dev/null
	run -0 "$GUSCIO" load -q "$work/b.tar"
	id=${output##* }
	run -0 "$GUSCIO" run "${id:7:12}"
	[ "$output" = root:x:0:0::/root:/bin/sh ]
	run -0 "$GUSCIO" inspect --format '{{.Config.Env}}' "${id:7:12}"
	[[ $output == *BY=buildah* ]]
}

@test "a Debian with python3, in layers that remove and replace" {
	command -v mmdebstrap >/dev/null || skip "mmdebstrap is not installed"
	mmdebstrap --variant=minbase --include=python3-minimal bookworm "$work/debian.tar" 2>"$work/log" ||
		skip "Debian's packages cannot be had here: $(grep '^E:' "$work/log" | head -n 1 | sed 's#https*://[^ ]*##g')"
	mkdir -p "$work/above/usr/share/doc" "$work/above/usr/bin" "$work/above/opt"
	: >"$work/above/usr/share/doc/.wh..wh..opq"
	: >"$work/above/usr/bin/.wh.perl"
	echo 'print(6 * 7, open("/etc/debian_version").read()[:2])' >"$work/above/opt/answer.py"
	tar -C "$work/above" --owner=0 --group=0 -cf "$work/above.tar" .
	umoci init --layout "$work/oci"
	umoci new --image "$work/oci:debian"
	umoci raw add-layer --image "$work/oci:debian" "$work/debian.tar"
	umoci raw add-layer --image "$work/oci:debian" "$work/above.tar"
	umoci config --image "$work/oci:debian" --config.entrypoint python3 --config.cmd /opt/answer.py
	skopeo copy -q --dest-creds user:secret --dest-cert-dir "$PLACE/certs" "oci:$work/oci:debian" "docker://$AT/debian/python:12"
	run -0 remote pull -q "$AT/debian/python:12"
	run -0 "$GUSCIO" run "$AT/debian/python:12"
	[ "$output" = "42 12" ]
	run -0 "$GUSCIO" run --entrypoint /bin/sh "$AT/debian/python:12" -c 'ls /usr/share/doc; test -e /usr/bin/perl || echo no perl'
	[ "$output" = "no perl" ]
	# Owners other than root, and setuid, are right with a range of ids.
	run -0 "$GUSCIO" run --entrypoint stat "$AT/debian/python:12" -c '%a %G' /etc/shadow /usr/bin/passwd
	[ "${lines[0]}" = "640 shadow" ]
	[ "${lines[1]}" = "4755 root" ]
}
