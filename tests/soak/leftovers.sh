# Sourced by trial: what may be left behind: nothing.
# shellcheck shell=bash disable=SC2034,SC2154

# What a run directory may hold, as a pattern.
belongs='/(config\.toml|metrics\.jsonl|summary\.json|log\.txt|lock|checkpoint|checkpoint/(round-[0-9]{12}\.ckpt|x\.npy))$'

# A /tmp, a /dev/shm and a loopback of its own. The project may lie in /tmp itself.
separate() {
  local here
  exec {here}<.
  mount -t tmpfs none /tmp
  mount -t tmpfs none /dev/shm
  [[ $PWD/ != /tmp/* ]] || { mkdir -p "$PWD" && mount -c --bind "/proc/self/fd/$here" "$PWD" && cd "$PWD" || exit; }
  exec {here}<&-
  ip link set lo up
}

processes_left() { grep -lz "^THREEPC_SOAK=$folder\$" /proc/[0-9]*/environ 2>/dev/null || true; }

look_for_processes() {
  local i left
  # One who continues a stopped worker may outlive it by as long as the stop was to last.
  for ((i = 0; i < 150; ++i)); do
    [ -n "$(processes_left)" ] || return 0
    nap 0.1
  done
  for left in $(processes_left); do wrong+="; left behind: $(tr '\0' ' ' <"${left%/environ}/cmdline")"; done
}

look_for_files() {
  local file
  while read -r file; do wrong+="; left behind: $file"; done < <(
    # A mpirun that is killed leaves its own.
    find "$folder/tmp" -mindepth 1 ! -path "$folder/tmp/ompi.*"
    for file in "$run" "$folder/a" "$folder/b"; do [ ! -d "$file" ] || find "$file" -mindepth 1 | grep -vE "$belongs"; done
    # Here they are this trial's own.
    [ -z "${THREEPC_SOAK_ALONE:-}" ] || find /tmp /dev/shm -xdev ! -type d
  )
  [ -z "${THREEPC_SOAK_ALONE:-}" ] || while read -r file; do wrong+="; left behind: a socket, $file"; done < <(ss -Hltux; ss -Hlx)
}
