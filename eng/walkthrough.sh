# What the walkthroughs of demo.sh have in common: commands are printed before their output, and what they print is checked. Sourced, not run.
bin=$PWD/artifacts/bin
lab=${LAB:-demo}
work=$(mktemp -d)
export PATH=$bin:$PATH
if [ -n "${KUBECTL:-}" ]; then ln -s "$(readlink -f "$KUBECTL")" "$work/kubectl"; PATH=$work:$PATH; fi
started=${STARTED:-$(date +%s%3N)}
export PATIENCE=${PATIENCE:-1} # how many times as long as usual things may take

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'; else bold= dim= red= plain=; fi
chapter() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
note() { printf '%s# %s%s\n' "$dim" "$*" "$plain"; }
cleanup() { rm -rf "$work"; portolan lab down --name "$lab" >/dev/null 2>&1 || echo "the lab could not be taken down: portolan lab down --name $lab" >&2; }
trap cleanup EXIT
trap 'exit 130' INT TERM

output= # of the last command
run() { # COMMAND LINE: prints it, runs it, shows and keeps its output
  printf '\n%s$ %s%s\n' "$bold" "$1" "$plain"
  output=$(eval "$1" 2>&1); local code=$?
  [ -z "$output" ] || printf '%s\n' "$output"
  return $code
}
fail() { printf '\n%sThis is not what the walkthrough promises: %s%s\n' "$red" "$*" "$plain" >&2; exit 1; }
shows() { grep -Eq -- "$1" <<<"$output" || fail "no line matches $1"; }
count() { local n; n=$(grep -Ec -- "$2" <<<"$output"); [ "$n" = "$1" ] || fail "$n lines match $2, not $1"; }
until_true() { # SECONDS COMMAND LINE: quietly, until it succeeds
  local end=$((SECONDS + $1 * PATIENCE)); until eval "$2" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; sleep 0.2; done
}
on_client() { portolan lab exec --name "$lab" client -- "$@"; }
ask_all_the_time() { # ADDRESS: the client asks 20 times a second, until longest_gap
  on_client sh -c '
    for i in $(seq 400); do
      if curl -s -o /dev/null -m 0.2 --connect-timeout 0.2 '"$1"'; then echo "ok $(date +%s%3N)"; else echo "no $(date +%s%3N)"; fi
      [ -e '"$work"'/stop ] && exit 0
      sleep 0.05
    done' >"$work/answers" &
  asking=$!
  sleep 1
}
longest_gap() { # sets $gap: the longest time between two answers with a failure in between, in milliseconds
  until_true 12 "[ \"\$(tail -n 20 $work/answers | grep -c ^ok)\" = 20 ] && grep -q ^no $work/answers" || true
  sleep 1; touch "$work/stop"; wait "$asking"
  gap=$(awk '$1 == "ok" { if (failed && last) { g = $2 - last; if (g > worst) worst = g }; last = $2; failed = 0 } $1 == "no" { failed = 1 } END { print worst + 0 }' "$work/answers")
  tail -n 1 "$work/answers" | grep -q ^ok || fail "the address does not answer any more"
  if [ "$gap" = 0 ]; then note "none of the client's requests failed"; else note "the longest time between two answers was $gap ms"; fi
}
all_held() { # [WHO DIED]
  local away=
  if [ $# -gt 0 ]; then
    away=" The address was away for $gap ms when $1 died."
    [ "$gap" != 0 ] || away=" No request failed when $1 died."
  fi
  printf '\n%sAll of it held, in %s s.%s%s\n' "$bold" "$(( ($(date +%s%3N) - started) / 1000 ))" "$plain" "$away"
}
