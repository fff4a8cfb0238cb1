# SPDX-License-Identifier: Apache-2.0
# Made by completions/generate from the option tables.
_guscio() {
	local cur prev words cword
	_init_completion 2>/dev/null || {
		cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
		words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
	}
	if [ "$cword" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "run spec unshare doctor --help --version" -- "$cur")
		return
	fi
	case $prev in
	--cgroupns) mapfile -t COMPREPLY < <(compgen -W "private host" -- "$cur"); return ;;
	--format) mapfile -t COMPREPLY < <(compgen -W "table json" -- "$cur"); return ;;
	--ipc) mapfile -t COMPREPLY < <(compgen -W "private host" -- "$cur"); return ;;
	--net) mapfile -t COMPREPLY < <(compgen -W "none host" -- "$cur"); return ;;
	--network) mapfile -t COMPREPLY < <(compgen -W "none host" -- "$cur"); return ;;
	--pid) mapfile -t COMPREPLY < <(compgen -W "private host" -- "$cur"); return ;;
	--security-opt) mapfile -t COMPREPLY < <(compgen -W "seccomp=unconfined no-new-privileges unmask=ALL" -- "$cur"); return ;;
	--time) mapfile -t COMPREPLY < <(compgen -W "private host" -- "$cur"); return ;;
	--userns) mapfile -t COMPREPLY < <(compgen -W "auto keep-id single" -- "$cur"); return ;;
	--uts) mapfile -t COMPREPLY < <(compgen -W "private host" -- "$cur"); return ;;
	--volume | --env-file | --bundle | --device | -v | -b) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
	esac
	local options=
	case ${words[1]} in
	run) options="--add-host --annotation --boottime --bundle --cap-add --cap-drop --cgroupns --device --domainname --entrypoint --env --env-file --explain --gidmap --group-add --hostname --init --interactive --ipc --monotonic --mount --name --nest --network --net --no-init --overlay --pid --preserve-fds --read-only --rm --security-opt --shm-size --stop-signal --stop-timeout --sysctl --time --timeout --tmpfs --trace-start --tty --uidmap --ulimit --umask --user --userns --uts --volume --workdir --help" ;;
	spec) options="--add-host --annotation --boottime --bundle --cap-add --cap-drop --cgroupns --device --domainname --entrypoint --env --env-file --explain --gidmap --group-add --hostname --init --interactive --ipc --monotonic --mount --name --nest --network --net --no-init --overlay --pid --preserve-fds --read-only --rm --security-opt --shm-size --stop-signal --stop-timeout --sysctl --time --timeout --tmpfs --trace-start --tty --uidmap --ulimit --umask --user --userns --uts --volume --workdir --help" ;;
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
