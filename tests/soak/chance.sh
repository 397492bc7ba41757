# Sourced by trial: drawing. The same number and seed give the same trial, whatever the machine does meanwhile, so
# everything is drawn before anything runs.
# shellcheck shell=bash disable=SC2034,SC2154

random="" drawn=0

# between FROM TO: a whole number, in $value.
between() {
  local digest
  if [ "$drawn" -ge ${#random} ]; then
    digest=$(printf '%s/%s/%s' "$seed" "$number" "$drawn" | sha512sum)
    random+=${digest%% *}
  fi
  value=$(($1 + 16#${random:drawn:4} % ($2 - $1 + 1)))
  drawn=$((drawn + 4))
}

# one_of WORD...: one of the words, in $value.
one_of() {
  between 1 $#
  value=${!value}
}

# in_a_hundred TIMES: whether it happens.
in_a_hundred() {
  between 1 100
  [ "$value" -le "$1" ]
}
