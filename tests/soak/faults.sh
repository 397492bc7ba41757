# Sourced by trial: how the run is started, and what happens to it. A trial has up to three phases; each but the last
# ends the server, and the next goes on from where it was. What a phase needs lies in arrays, by its number.
# shellcheck shell=bash disable=SC2034,SC2154

# Whether the bits of x must be those of the undisturbed run in one process.
exact=yes
# Whether a fault is noticed by its silence alone; then [transport] timeout is as short as a loaded machine allows.
silences=no
# What log.txt must say, so that a fault that did not happen does not count.
traces=()

phase_transport=() phase_policy=() phase_deadline=() phase_injections=() phase_strikes=() phase_codes=() phase_rounds=()
phase_patience=() phase_restarts=() phase_supervised=()

# Whether workers of a run over that transport can come back; where they cannot, the loss of one ends the run.
rejoins() { [[ $1 != inproc && $1 != mpi ]]; }

# A round of the run, in $round: the first and the last more often than others.
draw_round() {
  one_of 0 1 "$last" other other other other other other
  [ "$value" != other ] || between 2 $((last - 1))
  round=$value
}

# A moment within the run, in $moment, in milliseconds after it has begun to exist.
draw_moment() {
  between 0 $((150 + rounds * pace + 20 * n))
  moment=$value
}

# Some workers, as "0,2" in $who: one, several or all.
draw_who() {
  local worker
  one_of one one one several all
  case $value in
    one)
      between 0 $((n - 1))
      who=$value
      ;;
    several)
      who=""
      for ((worker = 0; worker < n; ++worker)); do ! in_a_hundred 50 || who+=,$worker; done
      who=${who:-,0}
      who=${who#,}
      ;;
    all) who=$(seq -s , 0 $((n - 1))) ;;
  esac
}

# ---- what a fault does to the promise of equal bits

# A worker is lost in phase I. With "stop" the run ends, and goes on with everybody's state of the same round.
loses() {
  if ! stays "$1"; then
    phase_codes[$1]+=" 4"
  elif [ "$graph" = no ] && { [ "$memory" = yes ] || [ "${phase_policy[$1]}" = lazy ]; }; then
    exact=no
  fi
}

# A worker leaves for good in phase I: the mean is over the others.
leaves() {
  if stays "$1"; then exact=no; else phase_codes[$1]+=" 4"; fi
}

# Whether phase I survives the loss of a worker.
stays() { rejoins "${phase_transport[$1]}" && [ "${phase_policy[$1]}" != stop ]; }

# ---- faults of workers

# A fault that a worker of phase I causes itself.
draw_injection() {
  local i=$1 kinds=(delay delay duplicate pause) worker when kind seconds=1e-1 trace
  # Only a phase that may end can lose a worker for whom it would not wait, and threads are not killed or stopped alone.
  if [ "${phase_transport[i]}" = inproc ]; then
    kinds=(delay duplicate)
    ((i == final)) || kinds+=(drop corrupt)
  elif stays "$i" || ((i < final)); then
    kinds+=(kill kill kill kill drop corrupt corrupt stop)
  fi
  between 0 $((n - 1))
  worker=$value
  one_of receive send
  when=$value
  one_of "${kinds[@]}"
  kind=$value
  draw_round
  trace="worker $worker"
  case $kind in
    stop) silences=yes && seconds=$((timeout_of_silence + 1)) && loses "$i" ;;
    drop) silences=yes && loses "$i" ;;
    kill | corrupt) loses "$i" ;;
    pause) kind=stop trace="" ;;
    *) trace="" ;;
  esac
  # Members of an MPI job die together.
  if [ "$kind/${phase_transport[i]}" = kill/mpi ]; then phase_codes[i]+=" 137"; fi
  # What happens after the last update, or to an update that says the same again, may be seen by nobody.
  [ "$when" = receive ] || trace=""
  phase_injections[i]+=",{kind=\"$kind\",worker=$worker,round=$round,when=\"$when\",seconds=$seconds}"
  what+=" $kind($worker@$round,$when)"
  # Who does not take part in a round has no faults in it, and of several faults one may prevent another.
  [ -z "$trace" ] || [ "$participation" != 1 ] || [ "$final" -gt 0 ] || [ -n "${phase_strikes[i]}" ] || [ "$start" -ne "$n" ] ||
    [ "${phase_deadline[i]}" != none ] || [[ ${phase_policy[i]} != wait && ${#traces[@]} -gt 0 ]] || traces+=("$trace")
}

# A signal from outside, to one, several or all workers of phase I.
draw_worker_strike() {
  local i=$1 signals=(INT HUP PAUSE) signal
  [ "$by" = run ] || signals=(PAUSE)
  if stays "$i" || ((i < final)); then signals+=(KILL KILL KILL TERM STOP); fi
  # Those that a person started are asked to leave by any of these.
  if [ "$by" = serve ] && { stays "$i" || ((i < final)); }; then signals+=(INT HUP); fi
  draw_who
  draw_moment
  one_of "${signals[@]}"
  signal=$value
  # A graph ends without one of its workers.
  if [ "$graph" = yes ] && [[ $signal = TERM || ( $by = serve && ( $signal = INT || $signal = HUP ) ) ]]; then signal=PAUSE; fi
  # When all that `run` has started have left, it has nobody to wait for.
  if [ "$signal/$by" = TERM/run ] && { [ -n "${leavers[i]:-}" ] || [[ $who = *,* ]] || [ "$n" -eq 1 ]; }; then signal=KILL; fi
  case $signal in
    KILL) loses "$i" ;;
    STOP) silences=yes && loses "$i" ;;
    TERM) leavers[i]=$who && leaves "$i" ;;
    INT | HUP) [ "$by" = run ] || leaves "$i" ;;
  esac
  # Members of an MPI job leave signals to the server, and die together.
  if [ "${phase_transport[i]}" = mpi ] && [[ $signal = KILL || $signal = STOP ]]; then phase_codes[i]+=" 137 4 1"; fi
  add_strike "$i" "$signal" "$who"
  ! in_a_hundred 15 || [[ $signal != KILL ]] || { between 20 300 && moment=$((moment + value)) && add_strike "$i" "$signal" "$who"; }
}

# add_strike I SIGNAL WHO: at $moment. STOP is SIGSTOP for longer than the time-out, PAUSE for a moment.
add_strike() {
  local length=150
  [ "$2" != STOP ] || length=$((1000 * timeout_of_silence + 1000))
  phase_strikes[$1]+="$moment $2 $3 $length"$'\n'
  what+=" $2($3@${moment}ms)"
}

# The server, or everybody, stops for a moment, as when a laptop is closed; or for so long that workers give it up.
draw_server_stop() {
  local i=$1 signal=PAUSE who
  one_of server server everybody
  who=$value
  if [ "$who" = server ] && rejoins "${phase_transport[i]}" && { stays "$i" || ((i < final)); } && in_a_hundred 50; then
    signal=STOP silences=yes
    loses "$i"
  fi
  draw_moment
  add_strike "$i" "$signal" "$who"
}

draw_worker_faults() {
  local i=$1 j count
  ! in_a_hundred 10 || draw_server_stop "$i"
  one_of 0 1 1 2
  count=$value
  for ((j = 0; j < count; ++j)); do
    # Threads have no process of their own.
    if [ "${phase_transport[i]}" != inproc ] && in_a_hundred 50; then draw_worker_strike "$i"; else draw_injection "$i"; fi
  done
}

# ---- ends of the server

# How phase I ends, if it is not the last.
draw_end() {
  local i=$1 kinds=(receive receive send KILL KILL INT TERM HUP twice)
  [ "$extendable" = no ] || [ "$i" -gt 0 ] || kinds+=(short short)
  [ "${phase_transport[i]}" != mpi ] || kinds=(receive send KILL INT TERM HUP twice launcher)
  [ "${phase_transport[i]}" = inproc ] || kinds+=(everybody terminal)
  ! rejoins "${phase_transport[i]}" || [ "$by" = serve ] || kinds+=(gone gone)
  # Whom a signal to all asks to leave ends a graph by another code than the server that it asks too.
  if [ "$graph" = yes ] && [ "${phase_transport[i]}" != mpi ]; then kinds=(receive send KILL INT TERM HUP twice); fi
  one_of "${kinds[@]}"
  local kind=$value
  case $kind in
    receive | send)
      draw_round
      phase_injections[i]+=",{kind=\"kill\",worker=-1,round=$round,when=\"$kind\"}"
      phase_codes[i]+=" 137"
      what+=" server-kill($round,$kind)"
      ;;
    KILL | INT | TERM | HUP)
      draw_moment
      add_strike "$i" "$kind" server
      if [ "$kind" = KILL ]; then phase_codes[i]+=" 137"; else phase_codes[i]+=" 130"; fi
      ;;
    twice)
      draw_moment
      one_of INT TERM
      local signal=$value
      add_strike "$i" "$signal" server
      between 0 60
      moment=$((moment + value))
      add_strike "$i" "$signal" server
      phase_codes[i]+=" 130"
      ;;
    launcher)
      draw_moment
      one_of INT TERM KILL
      add_strike "$i" "$value" launcher
      # Open MPI 4.1's may crash when it is asked while it is ending the job.
      phase_codes[i]+=" 130 137 143 1 139"
      ;;
    everybody)
      draw_moment
      add_strike "$i" TERM everybody
      phase_codes[i]+=" 130"
      # Some have left, and others have not, when the checkpoint is written; an MPI job leaves signals to the server.
      [ "${phase_transport[i]}" = mpi ] || exact=no
      ;;
    terminal)
      draw_moment
      one_of INT HUP
      add_strike "$i" "$value" everybody
      phase_codes[i]+=" 130"
      # Workers that `run` has started leave it to the server.
      [ "$by" = run ] || exact=no
      ;;
    gone)
      phase_restarts[i]=0 phase_patience[i]=1
      draw_moment
      one_of KILL KILL TERM
      add_strike "$i" "$value" "$(seq -s , 0 $((n - 1)))"
      phase_codes[i]+=" 4"
      if [ "$value" = TERM ]; then leaves "$i"; else loses "$i"; fi
      ;;
    short)
      phase_rounds[i]=100
      what+=" end(100)"
      ;;
  esac
}

# ---- phases

draw_phase() {
  local i=$1
  [ "$i" -eq 0 ] || what+=" |"
  phase_injections[i]="" phase_strikes[i]="" phase_codes[i]=0 phase_rounds[i]=$rounds phase_patience[i]=40 phase_restarts[i]=50
  if [ "$i" -eq 0 ]; then
    phase_transport[i]=$transport
  else
    phase_transport[i]=${phase_transport[i - 1]}
    if [ "$by" = run ] && in_a_hundred 40; then
      one_of "${transports[@]}"
      phase_transport[i]=$value
      what+=" ->$value"
    fi
  fi
  one_of wait wait wait lazy lazy stop
  phase_policy[i]=$value
  [ "$graph/$value" != yes/lazy ] || phase_policy[i]=wait
  what+=" ${phase_policy[i]}"
  phase_supervised[i]=no
  # A finished run is nothing to a supervisor.
  if [ "$i" -gt 0 ] && [ "${phase_rounds[i - 1]}" -eq "$rounds" ] && in_a_hundred 25; then
    phase_supervised[i]=yes
    what+=" supervised"
  fi
  phase_deadline[i]=none
  if [ "$graph" = no ] && in_a_hundred 12; then
    phase_deadline[i]=0.03 exact=no
    what+=" deadline"
  fi
  draw_worker_faults "$i"
  [ "$i" -eq "$final" ] || draw_end "$i"
}

# The whole plan. A trial in which nothing happens is none.
draw_faults() {
  local i
  one_of "${transports[@]}"
  transport=$value
  by=run
  if rejoins "$transport" && [ "$n" -lt 20 ] && in_a_hundred 30; then by=serve; fi
  one_of 2 3 4
  pace=$value
  timeout_of_silence=$((n == 20 ? 8 : 3))
  start=$n
  if [ "$graph" = no ] && [ "$n" -gt 1 ] && in_a_hundred 12; then
    between 1 $((n - 1))
    start=$value exact=no
  fi
  one_of 1 7 25 seconds
  every=$value
  one_of 0 0 1 1 1 2
  final=$value
  # Where the loss of a worker ends the run, there is more to see when it goes on.
  if [ "$final" -eq 0 ] && ! rejoins "$transport"; then final=1; fi
  leavers=()
  what="$transport $by $what"
  [ "$start" -eq "$n" ] || what+=" start=$start"
  what+=" every=$every:"
  for ((i = 0; i <= final; ++i)); do draw_phase "$i"; done
  if [ "$final" -eq 0 ] && [ -z "${phase_injections[0]}${phase_strikes[0]}" ]; then
    draw_worker_strike 0
  fi
  one_of "${transports[@]}"
  again=$value
  one_of 1 2
  threads=$value
}

# One more phase, in which nothing happens.
add_calm_phase() {
  local i=${#phase_transport[@]}
  phase_transport[i]=${phase_transport[i - 1]} phase_policy[i]=wait phase_deadline[i]=none phase_injections[i]=""
  phase_strikes[i]="" phase_codes[i]=0 phase_rounds[i]=$rounds phase_patience[i]=40 phase_restarts[i]=50
  phase_supervised[i]=no
  final=$i
}
