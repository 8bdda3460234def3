#!/usr/bin/env bash
# The article, from first command to last, on this machine: a LoadBalancer Service that stays <pending>, gets an address, answers from
# three pods, and keeps answering when a node dies. Every command is printed before its output; what it prints is checked.
# Cleans up after itself.   ./demo.sh        KUBECTL=/path/to/kubectl ./demo.sh        LAB=name ./demo.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. eng/setup.sh
need build lab demo
eng/publish.sh || exit 1

bin=$PWD/artifacts/bin
lab=${LAB:-demo}
work=$(mktemp -d)
export PATH=$bin:$PATH
if [ -n "${KUBECTL:-}" ]; then ln -s "$(readlink -f "$KUBECTL")" "$work/kubectl"; PATH=$work:$PATH; fi
started=$(date +%s%3N)

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
  local end=$((SECONDS + $1)); until eval "$2" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; sleep 0.2; done
}
on_client() { portolan lab exec --name "$lab" client -- "$@"; }

chapter "0. A cluster without a load balancer: three nodes on one machine"
run "portolan lab up --name $lab --without-portolan" || fail "the lab did not come up"
export KUBECONFIG; KUBECONFIG=$(portolan lab kubeconfig --name "$lab")
run "kubectl get nodes"
count 3 ' Ready '

chapter "1. A Service of type LoadBalancer stays <pending>"
run "kubectl create -f examples/article/" || fail "create failed"
run "kubectl get svc"
shows '^kubernetes +ClusterIP +10\.233\.0\.1 +<none> +443/TCP '
shows '^myweb-svc-lb +LoadBalancer +10\.233\.[0-9.]+ +<pending> +80:31313/TCP '

chapter "2. Portolan is installed"
run "portolan install --protocol layer2 --pool 192.168.100.240-192.168.100.249" || fail "install failed"
run "kubectl get ns"
shows '^metallb-system +Active '
run "kubectl get po -n metallb-system -o wide"
count 1 '^controller-[a-z0-9]+-[a-z0-9]{5} +1/1 +Running '
count 3 '^speaker-[a-z0-9]{5} +2/2 +Running +.* 192\.168\.100\.10[012] +node[123] '
run "kubectl get ds -n metallb-system"
shows '^speaker +3 +3 +3 +3 +3 +kubernetes\.io/os=linux '

chapter "3. The Service has an address"
until_true 10 "kubectl get svc myweb-svc-lb | grep -q 192.168.100.240" || true
run "kubectl get svc"
shows '^myweb-svc-lb +LoadBalancer +10\.233\.[0-9.]+ +192\.168\.100\.240 +80:31313/TCP '

chapter "4. It answers from outside"
until_true 15 "[ \$(kubectl get po -l app=web | grep -c ' 1/1 .*Running') = 3 ]" || fail "the three pods are not Running"
until_true 5 "on_client curl -s -m 1 192.168.100.240"
run "portolan lab exec --name $lab client -- curl -s 192.168.100.240" || fail "no answer"
shows '^Hello World!$'
shows '^myweb-rs-[a-z0-9]{5}$'
run "portolan lab exec --name $lab client -- sh -c 'for i in \$(seq 30); do curl -s 192.168.100.240 | tail -n 1; done' | sort | uniq -c"
count 3 ' myweb-rs-[a-z0-9]{5}$'

chapter "5. So do the node ports, and the name inside a pod"
for n in 0 1 2; do
  run "portolan lab exec --name $lab client -- curl -s 192.168.100.10$n:31313" || fail "no answer"
  shows '^Hello World!$'
done
cat >"$work/nettool" <<'EXPECT'
set timeout 30
proc wait_for {pattern code} {
  expect {
    -re $pattern {}
    timeout { exit $code }
    eof { exit $code }
  }
}
spawn -noecho sh -c "exec kubectl run nettool -it --image ghcr.io/c1t1d0s7/network-multitool --rm"
wait_for "/ # $" 3
send "curl -s myweb-svc-lb\r"
wait_for "Hello World!\r\nmyweb-rs-\[a-z0-9\]+\r\n/ # $" 4
send "exit\r"
expect eof
catch wait result
exit [lindex $result 3]
EXPECT
printf '\n%s$ kubectl run nettool -it --image ghcr.io/c1t1d0s7/network-multitool --rm%s\n' "$bold" "$plain"
output=$(expect -f "$work/nettool" 2>&1) || { printf '%s\n' "$output"; fail "the terminal ended with $?"; }
printf '%s\n' "$output"
shows "If you don't see a command prompt, try pressing enter\."
shows 'Hello World!'
shows 'pod "nettool" deleted'
until_true 10 "! kubectl get po nettool" || fail "the pod nettool is still there"

chapter "6. The table a packet meets, read back from the kernel"
run "portolan lab exec --name $lab node1 -- portolan get virtual-servers -n"
cluster_ip=$(kubectl get svc myweb-svc-lb -o 'jsonpath={.spec.clusterIP}')
for front in 192.168.100.240:80 "$cluster_ip:80" 192.168.100.100:31313 169.254.25.10:31313 '10\.233\.[0-9]+\.[0-9]+:31313'; do
  shows "^TCP +$front random\$"
  [ "$(awk -v front="^TCP +$front random" '$0 ~ front {on=1; next} /^[A-Z]/ {on=0} on && /Masq +1 /' <<<"$output" | wc -l)" = 3 ] || fail "$front has not three real servers"
done

chapter "7. The article's accident: two nodes cannot pull the speaker's image"
run "portolan lab image rm portolan --name $lab --node node1 --node node2" || fail "the image was not removed"
run "kubectl delete po -n metallb-system -l component=speaker --field-selector spec.nodeName!=node3 --wait=false" || fail "the speakers were not deleted"
until_true 25 "[ \$(kubectl get po -n metallb-system | grep -c 'speaker-.* ImagePullBackOff') = 2 ]" || true
run "kubectl get po -n metallb-system"
count 2 '^speaker-[a-z0-9]{5} +0/2 +ImagePullBackOff '
count 1 '^speaker-[a-z0-9]{5} +2/2 +Running '
run "kubectl get ds -n metallb-system"
shows '^speaker +3 +3 +1 +3 +1 +kubernetes\.io/os=linux '
until_true 10 "on_client curl -s -m 1 192.168.100.240"
run "portolan lab exec --name $lab client -- curl -s -m 2 192.168.100.240" || fail "the address does not answer"
shows '^Hello World!$'
run "portolan lab image add portolan --name $lab --node node1 --node node2" || fail "the image did not come back"
run "kubectl delete po -n metallb-system -l component=speaker --field-selector spec.nodeName!=node3 --wait=false" || fail "the speakers were not deleted"
until_true 25 "[ \$(kubectl get po -n metallb-system -l component=speaker | grep -c ' 2/2 .*Running') = 3 ]" || fail "the speakers did not come back"

chapter "8. The announcing node dies"
announcer() { kubectl get servicel2statuses -n metallb-system -o 'jsonpath={.items[?(@.status.serviceName=="myweb-svc-lb")].status.node}' 2>/dev/null; }
until_true 10 "[ -n \"\$(announcer)\" ]" || fail "nobody says it announces the address"
sleep 1 # a node that came back may just be taking the address over
run "kubectl get servicel2statuses -n metallb-system"
victim=$(announcer)
note "$victim announces 192.168.100.240; the client asks for it 20 times a second meanwhile"
on_client sh -c '
  for i in $(seq 200); do
    if curl -s -o /dev/null -m 0.2 --connect-timeout 0.2 192.168.100.240; then echo "ok $(date +%s%3N)"; else echo "no $(date +%s%3N)"; fi
    [ -e '"$work"'/stop ] && exit 0
    sleep 0.05
  done' >"$work/answers" &
asking=$!
sleep 1
run "portolan lab kill --name $lab $victim" || fail "the node did not die"
until_true 12 "[ \"\$(tail -n 20 $work/answers | grep -c ^ok)\" = 20 ] && grep -q ^no $work/answers" || true
sleep 1; touch "$work/stop"; wait "$asking"
gap=$(awk '$1 == "ok" { if (failed && last) { g = $2 - last; if (g > worst) worst = g }; last = $2; failed = 0 } $1 == "no" { failed = 1 } END { print worst + 0 }' "$work/answers")
tail -n 1 "$work/answers" | grep -q ^ok || fail "the address does not answer any more"
note "the longest time between two answers was $gap ms"
until_true 10 "[ \"\$(announcer)\" != $victim ] && [ -n \"\$(announcer)\" ]" || true
# Until the cluster notices that the node is gone its pod is one of three that may be chosen.
until_true 30 "on_client sh -c 'for i in \$(seq 15); do curl -s -o /dev/null -m 1 192.168.100.240 || exit 1; done'" || fail "connections still go to the dead node's pod"
run "kubectl get servicel2statuses -n metallb-system"
run "portolan lab exec --name $lab client -- curl -s -m 2 192.168.100.240" || fail "no answer"
shows '^Hello World!$'

printf '\n%sAll of it held, in %s s.%s The address was away for %s ms when its node died.\n' "$bold" "$(( ($(date +%s%3N) - started) / 1000 ))" "$plain" "$gap"
