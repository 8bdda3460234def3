#!/usr/bin/env bash
# The article, from first command to last, on this machine: a LoadBalancer Service that stays <pending>, gets an address, answers from
# three pods, and keeps answering when a node dies. Every command is printed before its output; what it prints is checked.
# Cleans up after itself.   ./demo.sh        KUBECTL=/path/to/kubectl ./demo.sh        LAB=name ./demo.sh
# ./demo.sh bgp plays the article's second mode: the same Service, announced to a router.
# ./demo.sh ipvs plays it on nodes that forward as the article's do, by IPVS: in a virtual machine where this kernel has none.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. eng/setup.sh
case ${1:-} in
  '') need build lab demo ;;
  bgp) need build lab demo router ;;
  ipvs) need build lab demo vm ;;
  *) echo "./demo.sh, ./demo.sh bgp, or ./demo.sh ipvs" >&2; exit 2 ;;
esac
eng/publish.sh || exit 1
. eng/walkthrough.sh
if [ -n "${1:-}" ]; then . "eng/demo-$1.sh"; exit; fi

chapter "0. A cluster without a load balancer: three nodes on one machine"
run "portolan lab up --name $lab --without-portolan" || fail "the lab did not come up"
export KUBECONFIG; KUBECONFIG=$(portolan lab kubeconfig --name "$lab")
run "kubectl get nodes"
count 3 ' Ready '

. eng/demo-article.sh

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
ask_all_the_time 192.168.100.240
run "portolan lab kill --name $lab $victim" || fail "the node did not die"
longest_gap
until_true 10 "[ \"\$(announcer)\" != $victim ] && [ -n \"\$(announcer)\" ]" || true
# Until the cluster notices that the node is gone its pod is one of three that may be chosen.
until_true 30 "on_client sh -c 'for i in \$(seq 15); do curl -s -o /dev/null -m 1 192.168.100.240 || exit 1; done'" || fail "connections still go to the dead node's pod"
run "kubectl get servicel2statuses -n metallb-system"
run "portolan lab exec --name $lab client -- curl -s -m 2 192.168.100.240" || fail "no answer"
shows '^Hello World!$'

all_held "its node"
