# Sourced by trial: what must be so whatever has happened.
# shellcheck shell=bash disable=SC2034,SC2154

# Round, f and norms of every line, in full precision.
trajectory() { sed -E 's/,"uplink_floats_per_worker".*//' "$1/metrics.jsonl"; }
hash_of() { sed -nE 's/.*"x_hash": *"([0-9a-f]+)".*/\1/p' "$1/summary.json"; }
rounds_of() { sed -E 's/^\{"round":([0-9]+),.*/\1/' "$1/metrics.jsonl"; }

# The undisturbed run of the same method in one process, as $reference.
make_reference() {
  local options
  reference=$folder/reference
  as_options "${settings[@]}"
  start inproc run "$folder/run.toml" --out "$reference" "${options[@]}"
  finish 0
}

# A run that has ended well, or was asked to end while all were there, can go on from its end.
look_for_checkpoint() {
  local i=$1
  [ "$code" -eq 0 ] || { [ "$code" -eq 130 ] && [[ ${phase_strikes[i]} != *$'\n'?* ]] && [[ ${phase_injections[i]} != *kind=* ]] && [ -s "$run/metrics.jsonl" ]; } || return 0
  compgen -G "$run/checkpoint/*.ckpt" >/dev/null || wrong+="; no checkpoint after exit code $code"
  [ -z "$wrong" ]
}

look_at_results() {
  local trace
  cmp -s <(rounds_of "$run") <(rounds_of "$reference") || wrong+="; metrics.jsonl has other rounds than that of the undisturbed run"
  ! grep -qE 'Sanitizer|runtime error:|terminate called' "$folder"/err* || wrong+="; $(grep -hE 'Sanitizer|runtime error:|terminate called' "$folder"/err* | head -n 1)"
  if [ "$exact" = yes ]; then look_at_bits; else look_at_convergence; fi
  for trace in "${traces[@]}"; do
    grep -q "$trace" "$run/log.txt" || wrong+="; log.txt does not mention $trace, so the fault did not happen"
  done
  look_at_workers
}

look_at_bits() {
  [ "$(hash_of "$run")" = "$(hash_of "$reference")" ] ||
    wrong+="; x_hash $(hash_of "$run"), expected $(hash_of "$reference")"
  cmp -s <(trajectory "$run") <(trajectory "$reference") || wrong+="; metrics.jsonl differs from that of the undisturbed run"
}

# Workers that were started by hand have ended because the run was over, or they left, or were killed.
look_at_workers() {
  local codes
  [ "$by" = serve ] || return 0
  codes=$(sort -un "$folder"/codes-* | grep -vE '^(0|4|129|130|137|143)$' | tr '\n' ' ' || true)
  [ -z "$codes" ] || wrong+="; a worker ended with code ${codes% }: $(grep -h threepc "$folder"/err-* | tail -n 1 | cut -c -300)"
}

# When everybody is back, the run converges, and going on from its last checkpoint gives the same bits every time.
look_at_convergence() {
  go_on a inproc || return 0
  converges "$folder/a" || return 0
  # Who joins late does so when it can.
  [ "$start" -eq "$n" ] || return 0
  go_on b "$again" || return 0
  [ "$(hash_of "$folder/a")" = "$(hash_of "$folder/b")" ] ||
    wrong+="; two that went on from one checkpoint have x_hash $(hash_of "$folder/a") and, over $again, $(hash_of "$folder/b")"
  cmp -s <(trajectory "$folder/a") <(trajectory "$folder/b") || wrong+="; two that went on from one checkpoint have other metrics.jsonl"
}

# go_on NAME TRANSPORT: the run for another hundred rounds, in a folder of its own; undisturbed.
go_on() {
  local more=$((rounds + 100)) options
  cp -r "$run" "$folder/$1"
  if [ "$extendable" = no ]; then
    more=$rounds
    before_last "$folder/$1"
  fi
  as_options "run.rounds=$more" 'faults={on_worker_loss="wait"}'
  start "$2" run --resume "$folder/$1" "${options[@]}"
  finish 0
}

# Makes a run one that died after the checkpoint before its last, if it has two.
before_last() {
  local files=("$1"/checkpoint/*.ckpt)
  rm "$1/summary.json"
  [ ${#files[@]} -lt 2 ] || rm "${files[-1]}"
}

# The gradient of f ends well below where it began, or below where that of the undisturbed run wandered. What has the bits
# of the undisturbed run goes where the method goes.
converges() {
  local verdict
  [ "$(hash_of "$run")" != "$(hash_of "$reference")" ] || return 0
  verdict=$(awk -F '"grad_norm":' '
    { split($2, part, ","); value = part[1]; file = FNR == 1 ? file + 1 : file }
    file == 1 { count = FNR; norms[FNR] = value }
    file == 2 { last = value }
    END {
      for (i = int(count / 2) + 1; i <= count; ++i) if (norms[i] > largest) largest = norms[i]
      bound = norms[1] / 5 > 3 * largest ? norms[1] / 5 : 3 * largest
      if (last == "null" || last == "" || last + 0 > bound) printf "grad_norm %s at the end, expected at most %g", last, bound
    }' "$reference/metrics.jsonl" "$1/metrics.jsonl")
  [ -z "$verdict" ] || wrong+="; $verdict"
  [ -z "$verdict" ]
}
