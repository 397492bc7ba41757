# Sourced by trial: starting the program, striking it, and going on after it has ended.
# shellcheck shell=bash disable=SC2034,SC2154

# Seconds after which a phase is said to hang; every wait in it has a shorter deadline.
limit=60
port=$((20000 + number % 10000))
marks=""
export THREEPC_TOKEN=soak-soak-soak-soak-soak-soak-soak-soak

# nap SECONDS, without a process for it.
exec {never}<> <(:)
nap() { read -r -t "$1" -u "$never" || true; }
milliseconds() { now=${EPOCHREALTIME/[.,]/} && now=$((now / 1000)); }
# mark WHAT: when it was, in seconds, for whoever wonders why a trial took so long.
mark() {
  milliseconds
  marks+=" $1@$((now / 1000 % 1000))"
}
# Whether a process is there and has not ended; one that has may wait for the shell to look.
runs() {
  local state=""
  { read -r _ _ state _ <"/proc/$1/stat"; } 2>/dev/null || return 1
  [ "$state" != Z ]
}

# transport_table NAME: what [transport] is to be; "tls" is tcp with certificates.
transport_table() {
  local certificates=$expected/certificates
  case $1 in
    tls) echo "{plugin=\"tcp\",timeout=$timeout,ca=\"$certificates/ca.pem\",certificate=\"$certificates/server.pem\",key=\"$certificates/server.key\"}" ;;
    *) echo "{plugin=\"$1\",timeout=$timeout}" ;;
  esac
}

# Where a server that is started by hand is found.
address() { if [ "$transport" = shm ]; then echo "soak-$number"; else echo "127.0.0.1:$port"; fi; }

# start NAME COMMAND...: the program over that transport, in the background, as $started.
start() {
  local name=$1 launcher=()
  shift
  # Slots are counted by mpirun, and a container may forbid what its fastest copies need.
  [ "$name" != mpi ] || launcher=(env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe
    --mca btl_vader_single_copy_mechanism none -n $((n + 1)))
  # A shell's background jobs ignore SIGINT unless told otherwise.
  env --default-signal=INT TMPDIR="$folder/tmp" THREEPC_SOAK="$folder" "${launcher[@]}" "$program" "$@" --quiet --set "transport=$(transport_table "$name")" \
    </dev/null >>"$folder/out" 2>>"$folder/err" &
  started=$!
}

# finish CODE...: waits for the program, whose exit code must be one of these; it is then $code.
finish() {
  local allowed begun
  milliseconds
  begun=$now
  while runs "$started"; do
    nap 0.02
    milliseconds
    if [ $((now - begun)) -gt $((1000 * limit)) ]; then
      wrong+="; still running after $limit s, see $folder/hung"
      describe_processes >"$folder/hung" 2>&1
      kill_all
      return 1
    fi
  done
  code=0
  wait "$started" 2>/dev/null || code=$?
  for allowed in "$@"; do [ "$code" -ne "$allowed" ] || return 0; done
  wrong+="; exit code $code, expected $*: $(tail -n 1 "$folder/err" | cut -c -300)"
  return 1
}

# What those that are left do, for whoever wonders why they hang.
describe_processes() {
  local process
  for process in $(processes_left); do
    process=${process%/environ}
    tr '\0' ' ' <"$process/cmdline" | cut -c -300
    grep -E '^(State|SigPnd|ShdPnd|SigBlk|SigCgt)' "$process/status"
    grep -H . "$process"/task/*/{wchan,stack} 2>/dev/null
    ! command -v gdb >/dev/null || timeout 20 gdb -batch -p "${process#/proc/}" -ex 'thread apply all bt 20' 2>/dev/null
  done || true
}

kill_all() {
  local process
  for process in $(processes_left); do
    process=${process#/proc/}
    kill -KILL "${process%/environ}" 2>/dev/null || true
  done
}

# ---- phases

# The overrides of phase I beyond the settings, in $overrides. Every round takes a while, so that there are moments
# between start and end at which a signal can come, and time for those that were lost to come back.
overrides_of() {
  local i=$1 pauses="" round deadline="" checkpoint="{every_rounds=$every}"
  if [ -n "${phase_injections[i]}${phase_strikes[i]}" ]; then
    for ((round = 1; round < rounds; ++round)); do pauses+=",{kind=\"delay\",worker=-1,round=$round,seconds=${pace}e-3}"; done
  fi
  pauses+=${phase_injections[i]}
  [ "${phase_deadline[i]}" = none ] || deadline=",round_deadline=${phase_deadline[i]}"
  [ "$every" != seconds ] || checkpoint='{every_seconds=0.05}'
  overrides=("run.rounds=${phase_rounds[i]}" "workers.threads=$threads" "checkpoint=$checkpoint"
    "faults={on_worker_loss=\"${phase_policy[i]}\",patience=${phase_patience[i]},restarts=${phase_restarts[i]}$deadline,inject=[${pauses#,}]}")
}

# as_options NAME=VALUE...: --set for each, in $options.
as_options() {
  local item
  options=()
  for item in "$@"; do options+=(--set "$item"); done
}

# Starts phase I: the run, or going on with it, or beginning anew if it has no checkpoint yet. A supervisor leaves that to
# the program.
start_phase() {
  local i=$1 command=(run) at=${phase_transport[$1]} saved=no overrides options
  overrides_of "$i"
  [ "$by" = run ] || command=(serve --listen "$(address)")
  [ "$by" = run ] || provide_workers "$i"
  ! compgen -G "$run/checkpoint/*.ckpt" >/dev/null || saved=yes
  [ "$i" -eq 0 ] || [ "$saved" = yes ] || notes+=" anew"
  [ "$i" -eq 0 ] || carry_faults "$i"
  if [ "$i" -gt 0 ] && [ "$saved/${phase_supervised[i]}" = yes/no ]; then
    as_options "${overrides[@]}"
    start "$at" "${command[@]}" --resume "$run" "${options[@]}"
    return
  fi
  as_options "${settings[@]}" "${overrides[@]}"
  if [ "${phase_supervised[i]}" = yes ]; then
    options+=(--resume-or-start)
  elif [ "$i" -gt 0 ]; then
    options+=(--force)
  fi
  start "$at" "${command[@]}" "$folder/run.toml" --out "$run" "${options[@]}"
}

# Workers that were started by hand still have the faults of the phases before that have not happened.
carry_faults() {
  [[ "$by/${phase_injections[*]:0:$1}" != serve/*kind=* ]] || loses "$1"
}

# Whether the program may have ended as it did because a worker was struck before it took part in a round.
struck_early() {
  [ "$code" -eq 4 ] && [ -n "${phase_strikes[$1]}" ] || return 1
  ! grep '^threepc:' "$folder/err" | tail -n 1 | grep '^threepc: round [0-9]' |
    grep -qvE "in place of the (greeting|problem's facts)|waiting for (the greeting|the problem's facts|its word that it has its state)"
}

# The phases one after the other.
play() {
  local i allowed unhandled
  for ((i = 0; i <= final; ++i)); do
    [ "$i" -eq 0 ] || notes+="$([ "${phase_rounds[i - 1]}" -eq "$rounds" ] && echo " resumed" || echo " extended")"
    unhandled=()
    start_phase "$i"
    [ -z "${phase_strikes[i]}" ] || strike_all "$i"
    read -ra allowed <<<"${phase_codes[i]}"
    [ -z "${phase_strikes[i]}" ] || allowed+=(4 "${unhandled[@]}")
    finish "${allowed[@]}" || return 0
    if [ "$code" -eq 4 ] && [[ " ${phase_codes[i]} " != *" 4 "* ]] && ! struck_early "$i"; then
      wrong+="; exit code 4, expected ${phase_codes[i]}: $(tail -n 1 "$folder/err" | cut -c -300)"
      return 0
    fi
    mark "phase-$i"
    look_for_checkpoint "$i" || return 0
    [ "${phase_transport[i]}" != mpi ] || look_for_processes
    if [ "$code" -ne 0 ]; then
      [ "$i" -lt "$final" ] || add_calm_phase
    elif [ "${phase_rounds[i]}" -eq "$rounds" ]; then
      [ "$i" -eq "$final" ] || notes+=" over-before"
      break
    fi
  done
}

# ---- workers that were started by hand, and are started again when they have ended

# The options of all workers from now on.
provide_workers() {
  local worker options
  as_options "${settings[@]}" "transport=$(transport_table "$transport")" "faults={inject=[${phase_injections[$1]#,}]}"
  # At once: a worker that is started meanwhile has all of the old options, or all of the new ones.
  printf '%s\0' "${options[@]}" >"$folder/work.next"
  mv "$folder/work.next" "$folder/work"
  [ "$1" -eq 0 ] || return 0
  for ((worker = 0; worker < n; ++worker)); do keep_working "$worker" & done
}

keep_working() {
  local options code
  trap - EXIT
  until [ -e "$folder/over" ]; do
    mapfile -d '' -t options <"$folder/work"
    env --default-signal=INT TMPDIR="$folder/tmp" THREEPC_SOAK="$folder" "$program" work "$folder/run.toml" --rank "$1" --connect "$(address)" --retry 30 \
      "${options[@]}" </dev/null >>"$folder/out" 2>>"$folder/err-$1" &
    echo $! >"$folder/worker-$1"
    code=0
    wait $! || code=$?
    echo "$code" >>"$folder/codes-$1"
    nap 0.1
  done
}

# After the end of the run those that missed it would go on trying.
dismiss_workers() {
  local worker round
  [ "$by" = serve ] || return 0
  touch "$folder/over"
  for ((round = 0; round < 100; ++round)); do
    [ -n "$(jobs -r)" ] || break
    if [ $round -ge 20 ]; then
      for ((worker = 0; worker < n; ++worker)); do kill -TERM "$(<"$folder/worker-$worker")" 2>/dev/null || true; done
    fi
    nap 0.1
  done
  [ -z "$(jobs -r)" ] || wrong+="; workers that were started by hand do not end"
}

# ---- signals from outside

# processes_of WHO: in $found, those of server, launcher, everybody or some workers, as far as they are there.
processes_of() {
  local who=$1 worker
  found=()
  case $who in
    launcher) found=("$started") ;;
    server) found_server ;;
    everybody)
      found_server
      for ((worker = 0; worker < n; ++worker)); do found_worker "$worker"; done
      ;;
    *) for worker in ${who//,/ }; do found_worker "$worker"; done ;;
  esac
}

found_server() { if [ "$at" = mpi ]; then found_child environ OMPI_COMM_WORLD_RANK=0; else found+=("$started"); fi; }

found_worker() {
  if [ "$at" = mpi ]; then
    found_child environ "OMPI_COMM_WORLD_RANK=$(($1 + 1))"
  elif [ "$by" = serve ]; then
    [ ! -s "$folder/worker-$1" ] || found+=("$(<"$folder/worker-$1")")
  else
    found_child cmdline --rank "$1"
  fi
}

# found_child FILE WORD [NEXT]: a child of the program whose file in /proc has that word (and the next after it).
found_child() {
  local child children=() words i
  read -ra children <"/proc/$started/task/$started/children" || true
  for child in "${children[@]}"; do
    mapfile -d '' -t words <"/proc/$child/$1" || continue
    for ((i = 0; i < ${#words[@]}; ++i)); do
      [ "${words[i]}" != "$2" ] || [ "${words[i + 1]:-}" != "${3:-${words[i + 1]:-}}" ] || found+=("$child")
    done
  done 2>/dev/null
}

# All signals of phase I, by time, counted from when the run has begun to exist.
strike_all() {
  local at=${phase_transport[$1]} begun moment signal who length stopped=() found
  until [ -s "$run/config.toml" ] || ! runs "$started"; do nap 0.01; done
  milliseconds
  begun=$now
  while read -r moment signal who length; do
    while runs "$started" && milliseconds && [ $((now - begun)) -lt "$moment" ]; do nap 0.005; done
    if [ "$signal" = CONT ]; then
      [ ${#stopped[@]} -eq 0 ] || kill -CONT "${stopped[@]}" 2>/dev/null || true
    elif runs "$started"; then
      processes_of "$who"
      look_for_handlers "$signal"
      # Members of an MPI job that just end take a mpirun with them that may crash.
      if [ "$at" = mpi ] && [ "$who" != launcher ] && [ ${#unhandled[@]} -gt 0 ]; then found=(); fi
      [ "$signal" != STOP ] || stopped+=("${found[@]}")
      [ ${#found[@]} -eq 0 ] || kill -"$signal" "${found[@]}" 2>/dev/null || true
      [ ${#found[@]} -gt 0 ] || notes+=" missed"
    else
      notes+=" missed"
    fi
  done < <(events_of "$1" | sort -n -s -k 1,1)
}

# Before it handles signals, and after the end of the run, a process just ends by one; $unhandled is how.
look_for_handlers() {
  local process line caught number
  case $1 in
    HUP) number=1 ;;
    INT) number=2 ;;
    TERM) number=15 ;;
    *) return 0 ;;
  esac
  for process in "${found[@]}"; do
    while read -r line caught; do
      [ "$line" != SigCgt: ] || ((16#$caught >> (number - 1) & 1)) || unhandled+=($((128 + number)))
    done <"/proc/$process/status" || true
  done 2>/dev/null
}

# A stop is an event, and so is its end.
events_of() {
  local moment signal who length
  while read -r moment signal who length; do
    case $signal in
      "") ;;
      STOP | PAUSE)
        echo "$moment STOP $who"
        echo "$((moment + length)) CONT $who"
        ;;
      *) echo "$moment $signal $who" ;;
    esac
  done <<<"${phase_strikes[$1]}"
}
