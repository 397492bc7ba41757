# Sourced by trial: what is trained, and by which method. Every key that can change bits is drawn here.
# shellcheck shell=bash disable=SC2034,SC2154

# Whether the method keeps a memory that only the worker has; a worker that is replaced gets it as it was at the last
# checkpoint, so that bits may differ then.
memory=no

# A compressor for a contractive slot, or for an unbiased one, as TOML in $compressor.
draw_contractive() {
  one_of topk topk topk blocks randk permk bernoulli sign threshold rankk exact_rankk cast natural scaled compose identity
  case $value in
    topk) compressor='{plugin="topk",fraction=0.2}' ;;
    blocks) compressor='{plugin="topk",k=2,per="block",block_size=7}' ;;
    randk) compressor='{plugin="randk",fraction=0.3,scaled=false}' ;;
    permk) compressor='{plugin="permk",scaled=false}' ;;
    bernoulli) compressor='{plugin="bernoulli",p=0.4,scaled=false}' ;;
    sign) compressor='{plugin="sign"}' ;;
    threshold) one_of rms max absolute && compressor="{plugin=\"threshold\",rule=\"$value\",tau=0.3}" ;;
    rankk) compressor='{plugin="rankk",k=1}' memory=yes ;;
    exact_rankk) compressor='{plugin="rankk",k=1,exact=true}' memory=yes ;;
    cast) one_of f32 bf16 f16 && compressor="{plugin=\"cast\",to=\"$value\"}" ;;
    natural) compressor='{plugin="scaled",compressor={plugin="natural"}}' ;;
    scaled) draw_unbiased && compressor="{plugin=\"scaled\",compressor=$compressor}" ;;
    compose) compressor='{plugin="compose",selector={plugin="topk",fraction=0.3},values={plugin="cast",to="bf16"}}' ;;
    identity) compressor='{plugin="identity"}' ;;
  esac
}

draw_unbiased() {
  one_of randk randk permk bernoulli natural dithering natural_dithering terngrad cast compose
  case $value in
    randk) compressor='{plugin="randk",fraction=0.4}' ;;
    permk) compressor='{plugin="permk"}' ;;
    bernoulli) compressor='{plugin="bernoulli",p=0.6}' ;;
    natural | terngrad) compressor="{plugin=\"$value\"}" ;;
    dithering | natural_dithering) compressor="{plugin=\"$value\",levels=4,norm=\"inf\"}" ;;
    cast) compressor='{plugin="cast",to="bf16",rounding="stochastic"}' ;;
    compose) compressor='{plugin="compose",selector={plugin="randk",fraction=0.5},values={plugin="natural"}}' ;;
  esac
}

mechanisms=(gd dcgd ef14 ef21 ef21+ lag clag adacgd 3pcv1 3pcv2 3pcv3 3pcv4 3pcv5 marina diana)

# draw_mechanism NAME [KEYS]: the table of a mechanism, in $mechanism, with more keys in it.
draw_mechanism() {
  local id=$1 keys="plugin=\"$1\"${2:-}" first
  case $id in
    lag | clag | adacgd) one_of 0.5 2.0 && keys+=",zeta=$value" ;;
    3pcv5 | marina) one_of 0.1 0.3 && keys+=",p=$value" ;;
    ef14) memory=yes ;;
  esac
  case $id in
    ef14 | ef21 | ef21+ | clag | 3pcv1 | 3pcv2 | 3pcv3 | 3pcv4 | 3pcv5) draw_contractive && keys+=",compressor=$compressor" ;;
    adacgd) draw_contractive && keys+=",level=[{plugin=\"topk\",k=1},$compressor]" ;;
    dcgd) draw_unbiased && keys+=",compressor=$compressor" ;;
  esac
  case $id in
    3pcv2 | marina | diana) draw_unbiased && keys+=",unbiased=$compressor" ;;
    3pcv4) draw_contractive && keys+=",inner=$compressor" ;;
    3pcv3) one_of lag ef21 clag 3pcv1 3pcv2 marina && draw_mechanism "$value" && keys+=",inner=$mechanism" ;;
  esac
  mechanism="{$keys}"
}

draw_problem() {
  local split
  one_of quadratic quadratic quadratic logreg leastsquares softmax
  problem=$value
  # Whose workers need each other in every round, as those of a graph do.
  if [ "$graph" = yes ] && in_a_hundred 30; then
    settings+=('problem={plugin="gcn",nodes=60,words=20,hidden=4,train=15}')
    what+=" gcn"
    return
  fi
  if [ "$problem" = quadratic ]; then
    settings+=('problem={plugin="quadratic",dim=50,s=0.5,lambda=0.3}')
    return
  fi
  one_of order shuffled label dirichlet replicated
  split=$value
  settings+=("problem={plugin=\"$problem\",data=\"$expected/data.svm\",split=\"$split\",lambda=0.1}")
  what+=" $problem/$split"
  if in_a_hundred 50; then
    one_of 2 8
    settings+=("workers.batch=$value")
    what+=" batch=$value"
  fi
}

# Step sizes with which every mechanism converges, also from a sum that lacks a worker for a while.
draw_optimizer() {
  local keys="" schedule step
  one_of gd gd gd gd heavy-ball nesterov adam adagrad
  optimizer=$value
  case $optimizer in
    gd) step=0.1 ;;
    heavy-ball | nesterov) step=0.03 keys=,momentum=0.7 ;;
    adam) step=0.05 ;;
    adagrad) step=0.5 ;;
  esac
  one_of constant constant constant constant warmup inverse-sqrt step cosine
  schedule=$value
  case $schedule in
    constant) ;;
    warmup) keys+=,warmup=20 ;;
    step) keys+=',schedule="step",decay_every=60' ;;
    *) keys+=",schedule=\"$schedule\"" ;;
  esac
  settings+=("optimizer={plugin=\"$optimizer\",stepsize=$step$keys}")
  [ "$optimizer$schedule" = gdconstant ] || what+=" $optimizer/$schedule"
  # Its step sizes depend on run.rounds, so that such a run cannot go on beyond its end.
  extendable=yes
  [ "$schedule" != cosine ] || extendable=no
}

# A graph on the workers in place of a server, and a method of peers.
draw_graph() {
  local topology weights
  one_of ring exponential random complete
  topology=$value
  one_of doubly doubly out-degree
  weights=$value
  one_of push-sum push-diging push-pull atc
  optimizer=$value
  settings+=("topology={plugin=\"$topology\",weights=\"$weights\"}")
  settings+=("optimizer={plugin=\"$optimizer\",stepsize=0.03,consensus=0.1}")
  what+=" $topology/$weights/$optimizer"
  extendable=yes
}

# What goes down: steps to replay, x itself, or what a mechanism makes of x or of g.
draw_downlink() {
  local of mechanism
  one_of steps steps steps x model gradient
  of=$value
  [ "$of/$optimizer" != gradient/adam ] || of=model
  [ "$of" = steps ] || what+=" down=$of"
  case $of in
    x) settings+=("downlink.replay=false") ;;
    model | gradient)
      one_of ef21 clag 3pcv1
      mechanism=$value
      settings+=("downlink={plugin=\"$mechanism\",of=\"$of\",compressor={plugin=\"topk\",fraction=0.5}}")
      ;;
  esac
}

# What takes the mean's place. Mechanisms that lend have no rows for it, and a bound is about the mean.
draw_rule() {
  ! in_a_hundred 85 || return 0
  [[ "$method" != diana && "$method" != 3pcv3 && "${settings[*]}" != *bound* ]] || return 0
  one_of median trimmed-mean geometric-median
  settings+=("aggregation={rule=\"$value\"}")
  what+=" $value"
}

# The run in $settings, a "key=value" each: all that the bits of x depend on but for its faults.
draw_training() {
  local keys=""
  one_of 1 3 3 3 3 20
  n=$value
  one_of f64 f64 f32
  dtype=$value
  one_of "${mechanisms[@]}"
  method=$value
  settings=("run.rounds=$rounds" "workers.count=$n" "run.dtype=$dtype" "run.seed=$((10#$seed % 1000 + 1))")
  what="n=$n $method $dtype"
  if in_a_hundred 15; then
    keys+=,momentum=0.5 memory=yes
    what+=" momentum"
  fi
  one_of gradient gradient gradient zero compressed
  keys+=",init=\"$value\""
  [ "$value" = gradient ] || what+=" $value"
  draw_mechanism "$method" "$keys"
  settings+=("mechanism=$mechanism")
  one_of 1 5 5 25
  evaluate_every=$value
  settings+=("run.evaluate_every=$evaluate_every")
  graph=no
  ! in_a_hundred 20 || graph=yes
  one_of 1 1 1 0.9 0.5
  participation=$value
  [ "$graph" = no ] || participation=1
  settings+=("workers.participation=$participation")
  [ "$participation" = 1 ] || what+=" participation=$participation"
  draw_problem
  if [ "$graph" = yes ]; then
    draw_graph
    return
  fi
  draw_optimizer
  one_of exact exact exact measured bound
  case $value in
    measured) settings+=("run.measure=true") ;;
    bound) settings+=('run.evaluate="bound"') && what+=" bound" ;;
  esac
  draw_downlink
  draw_rule
}
