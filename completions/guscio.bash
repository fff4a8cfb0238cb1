# SPDX-License-Identifier: Apache-2.0
# Made by completions/generate from the option tables.
_guscio() {
	local cur prev words cword
	_init_completion 2>/dev/null || {
		cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
		words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
	}
	if [ "$cword" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "run create start stop restart kill rm ps logs exec shell attach wait rename top cp events diff commit port pull images rmi push tag inspect history save load import export login logout prune df purge container image system volume secret network boot stats pause unpause update generate spec unshare doctor --help --version" -- "$cur")
		return
	fi
	case $prev in
	--cgroupns) mapfile -t COMPREPLY < <(compgen -W "private host" -- "$cur"); return ;;
	--cgroups) mapfile -t COMPREPLY < <(compgen -W "auto enabled disabled split" -- "$cur"); return ;;
	--format) mapfile -t COMPREPLY < <(compgen -W "table json" -- "$cur"); return ;;
	--ipc) mapfile -t COMPREPLY < <(compgen -W "private host" -- "$cur"); return ;;
	--log-driver) mapfile -t COMPREPLY < <(compgen -W "json-file journald none passthrough" -- "$cur"); return ;;
	--net) mapfile -t COMPREPLY < <(compgen -W "slirp none host" -- "$cur"); return ;;
	--network) mapfile -t COMPREPLY < <(compgen -W "slirp none host" -- "$cur"); return ;;
	--pid) mapfile -t COMPREPLY < <(compgen -W "private host" -- "$cur"); return ;;
	--sdnotify) mapfile -t COMPREPLY < <(compgen -W "container conmon healthy ignore" -- "$cur"); return ;;
	--security-opt) mapfile -t COMPREPLY < <(compgen -W "seccomp=unconfined no-new-privileges unmask=ALL" -- "$cur"); return ;;
	--time) mapfile -t COMPREPLY < <(compgen -W "private host" -- "$cur"); return ;;
	--userns) mapfile -t COMPREPLY < <(compgen -W "auto keep-id single" -- "$cur"); return ;;
	--uts) mapfile -t COMPREPLY < <(compgen -W "private host" -- "$cur"); return ;;
	--volume | --env-file | --bundle | --device | -v | -b) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
	esac
	local options=
	case ${words[1]} in
	run) options="--additional-store --add-host --annotation --authfile --boottime --bundle --cap-add --cap-drop --cert-dir --cgroup-conf --cgroup-parent --cgroupns --cgroups --cidfile --cpu-shares --cpu-weight --cpus --cpuset-cpus --cpuset-mems --creds --detach --detach-keys --device --device-read-bps --device-read-iops --device-write-bps --device-write-iops --dns --dns-option --dns-search --domainname --entrypoint --env --env-file --explain --expose --fd --gidmap --group-add --health-cmd --health-interval --health-retries --health-start-period --health-timeout --hostname --init --interactive --io-weight --ip --ip6 --ipc --label --label-file --limit-mode --log-driver --log-opt --mac-address --memory --memory-high --memory-reservation --memory-swap --monotonic --mount --name --nest --network --network-alias --net --no-healthcheck --no-init --oom-group --oom-score-adj --overlay --pid --pidfile --pids-limit --platform --preserve-fds --publish --publish-all --pull --quiet --read-only --rm --replace --restart --sdnotify --secret --security-opt --shm-size --stop-signal --stop-timeout --storage --sysctl --systemd --time --timeout --tls-verify --tmpfs --trace-start --tty --uidmap --ulimit --umask --user --userns --uts --volume --volumes-from --workdir --help" ;;
	create) options="--additional-store --add-host --annotation --authfile --boottime --bundle --cap-add --cap-drop --cert-dir --cgroup-conf --cgroup-parent --cgroupns --cgroups --cidfile --cpu-shares --cpu-weight --cpus --cpuset-cpus --cpuset-mems --creds --detach --detach-keys --device --device-read-bps --device-read-iops --device-write-bps --device-write-iops --dns --dns-option --dns-search --domainname --entrypoint --env --env-file --explain --expose --fd --gidmap --group-add --health-cmd --health-interval --health-retries --health-start-period --health-timeout --hostname --init --interactive --io-weight --ip --ip6 --ipc --label --label-file --limit-mode --log-driver --log-opt --mac-address --memory --memory-high --memory-reservation --memory-swap --monotonic --mount --name --nest --network --network-alias --net --no-healthcheck --no-init --oom-group --oom-score-adj --overlay --pid --pidfile --pids-limit --platform --preserve-fds --publish --publish-all --pull --quiet --read-only --rm --replace --restart --sdnotify --secret --security-opt --shm-size --stop-signal --stop-timeout --storage --sysctl --systemd --time --timeout --tls-verify --tmpfs --trace-start --tty --uidmap --ulimit --umask --user --userns --uts --volume --volumes-from --workdir --help" ;;
	start) options="--attach --detach-keys --interactive --sdnotify --help" ;;
	stop) options="--all --latest --time --help" ;;
	restart) options="--time --help" ;;
	kill) options="--all --latest --signal --help" ;;
	rm) options="--all --latest --force --time --volumes --help" ;;
	ps) options="--all --filter --format --last --latest --noheading --no-trunc --quiet --size --help" ;;
	logs) options="--follow --since --tail --timestamps --until --help" ;;
	exec) options="--detach --env --env-file --interactive --privileged --tty --user --workdir --help" ;;
	shell) options="--tty --user --help" ;;
	attach) options="--detach-keys --no-stdin --sig-proxy --help" ;;
	wait) options="--latest --help" ;;
	rename) options=" --help" ;;
	top) options="--format --help" ;;
	cp) options="--archive --follow-link --help" ;;
	events) options="--filter --format --since --until --help" ;;
	diff) options=" --help" ;;
	commit) options="--change --message --storage --help" ;;
	port) options="--add --format --rm --help" ;;
	pull) options="--storage --additional-store --authfile --cert-dir --creds --tls-verify --platform --quiet --userns --help" ;;
	images) options="--storage --additional-store --all --digests --filter --format --noheading --no-trunc --quiet --help" ;;
	rmi) options="--storage --additional-store --all --force --help" ;;
	push) options="--storage --additional-store --authfile --cert-dir --creds --tls-verify --quiet --help" ;;
	tag) options="--storage --additional-store --help" ;;
	inspect) options="--storage --additional-store --format --size --type --help" ;;
	history) options="--storage --additional-store --format --noheading --no-trunc --help" ;;
	save) options="--storage --additional-store --format --output --help" ;;
	load) options="--storage --additional-store --input --quiet --help" ;;
	import) options="--storage --additional-store --change --message --help" ;;
	export) options="--storage --additional-store --output --userns --help" ;;
	login) options="--authfile --cert-dir --password --password-stdin --tls-verify --username --help" ;;
	logout) options="--authfile --help" ;;
	prune) options="--storage --additional-store --all --force --help" ;;
	df) options="--storage --additional-store --format --verbose --help" ;;
	purge) options="--storage --additional-store --force --help" ;;
	container) options="--force --help" ;;
	image) options=" --help" ;;
	system) options="--storage --additional-store --all --force --volumes --help" ;;
	volume) options="--label --format --filter --noheading --quiet --all --force --help" ;;
	secret) options="--driver --env --label --replace --format --showsecret --filter --noheading --quiet --all --ignore --help" ;;
	network) options="--driver --gateway --ignore --internal --ipv6 --label --opt --subnet --format --filter --noheading --no-trunc --quiet --force --help" ;;
	boot) options="--additional-store --add-host --annotation --authfile --boottime --bundle --cap-add --cap-drop --cert-dir --cgroup-conf --cgroup-parent --cgroupns --cgroups --cidfile --cpu-shares --cpu-weight --cpus --cpuset-cpus --cpuset-mems --creds --detach --detach-keys --device --device-read-bps --device-read-iops --device-write-bps --device-write-iops --dns --dns-option --dns-search --domainname --entrypoint --env --env-file --explain --expose --fd --gidmap --group-add --health-cmd --health-interval --health-retries --health-start-period --health-timeout --hostname --init --interactive --io-weight --ip --ip6 --ipc --label --label-file --limit-mode --log-driver --log-opt --mac-address --memory --memory-high --memory-reservation --memory-swap --monotonic --mount --name --nest --network --network-alias --net --no-healthcheck --no-init --oom-group --oom-score-adj --overlay --pid --pidfile --pids-limit --platform --preserve-fds --publish --publish-all --pull --quiet --read-only --rm --replace --restart --sdnotify --secret --security-opt --shm-size --stop-signal --stop-timeout --storage --sysctl --systemd --time --timeout --tls-verify --tmpfs --trace-start --tty --uidmap --ulimit --umask --user --userns --uts --volume --volumes-from --workdir --help" ;;
	stats) options="--format --no-stream --help" ;;
	pause) options=" --help" ;;
	unpause) options=" --help" ;;
	update) options="--cgroup-conf --cpu-shares --cpu-weight --cpus --cpuset-cpus --cpuset-mems --device-read-bps --device-read-iops --device-write-bps --device-write-iops --io-weight --memory --memory-high --memory-reservation --memory-swap --pids-limit --help" ;;
	generate) options="--disable --dryrun --enable --after --container-prefix --files --format --name --new --no-header --requires --restart-policy --restart-sec --separator --start-timeout --stop-timeout --wants --help" ;;
	spec) options="--additional-store --add-host --annotation --authfile --boottime --bundle --cap-add --cap-drop --cert-dir --cgroup-conf --cgroup-parent --cgroupns --cgroups --cidfile --cpu-shares --cpu-weight --cpus --cpuset-cpus --cpuset-mems --creds --detach --detach-keys --device --device-read-bps --device-read-iops --device-write-bps --device-write-iops --dns --dns-option --dns-search --domainname --entrypoint --env --env-file --explain --expose --fd --gidmap --group-add --health-cmd --health-interval --health-retries --health-start-period --health-timeout --hostname --init --interactive --io-weight --ip --ip6 --ipc --label --label-file --limit-mode --log-driver --log-opt --mac-address --memory --memory-high --memory-reservation --memory-swap --monotonic --mount --name --nest --network --network-alias --net --no-healthcheck --no-init --oom-group --oom-score-adj --overlay --pid --pidfile --pids-limit --platform --preserve-fds --publish --publish-all --pull --quiet --read-only --rm --replace --restart --sdnotify --secret --security-opt --shm-size --stop-signal --stop-timeout --storage --sysctl --systemd --time --timeout --tls-verify --tmpfs --trace-start --tty --uidmap --ulimit --umask --user --userns --uts --volume --volumes-from --workdir --help" ;;
	unshare) options="--userns --help" ;;
	doctor) options="--format --help" ;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
	else
		mapfile -t COMPREPLY < <(compgen -W "@host" -- "$cur"; compgen -f -- "$cur")
	fi
}
complete -F _guscio guscio
