# The article's second mode, sourced by ./demo.sh bgp: the router knows the ways to an address, and sends each flow one of them.
chapter "0. A cluster with a router beside it that speaks BGP"
run "portolan lab up --name $lab --protocol bgp" || fail "the lab did not come up"
export KUBECONFIG; KUBECONFIG=$(portolan lab kubeconfig --name "$lab")
run "kubectl get nodes"
count 3 ' Ready '

chapter "1. What the installation made: a router to speak with, how fast to notice that it is gone, and what to announce"
run "kubectl get bgppeers,bfdprofiles,bgpadvertisements,ipaddresspools -n metallb-system"
shows '^bgppeer.metallb.io/peer-192-168-100-1 +192\.168\.100\.1 +64512 +default'
shows '^bgpadvertisement.metallb.io/default '

chapter "2. Every node has a session with the router"
until_true 20 "[ \$(portolan lab exec --name $lab router -- birdc -s /run/portolan/lab/$lab/bird.ctl show protocols | grep -c Established) = 3 ]" || true
run "portolan lab exec --name $lab router -- birdc -s /run/portolan/lab/$lab/bird.ctl show protocols"
count 3 ' BGP .* Established'
run "kubectl exec -n metallb-system ds/speaker -c speaker -- portolan get bgp" || fail "no session"
shows '^peer-192-168-100-1 +192\.168\.100\.1 +64512 +Established '

chapter "3. A Service of type LoadBalancer gets an address that is on no network of the lab"
run "kubectl create -f examples/article/" || fail "create failed"
until_true 20 "[ \$(kubectl get po -l app=web | grep -c ' 1/1 .*Running') = 3 ]" || fail "the three pods are not Running"
run "kubectl get svc myweb-svc-lb"
shows '^myweb-svc-lb +LoadBalancer +10\.233\.[0-9.]+ +192\.168\.150\.240 +80:31313/TCP '

chapter "4. The router knows three ways to it"
run "portolan lab exec --name $lab router -- ip route show 192.168.150.240"
count 3 'nexthop via 192\.168\.100\.10[012] dev eth0'
run "kubectl get servicebgpstatuses -n metallb-system"
count 3 ' node[123] +myweb-svc-lb '

chapter "5. It answers, through the router"
run "portolan lab exec --name $lab client -- curl -s 192.168.150.240" || fail "no answer"
shows '^Hello World!$'
run "portolan lab exec --name $lab client -- sh -c 'for i in \$(seq 30); do curl -s 192.168.150.240 | tail -n 1; done' | sort | uniq -c"
count 3 ' myweb-rs-[a-z0-9]{5}$'

chapter "6. Each node serves its own pods only: no node passes on what another one should have been sent"
run "kubectl patch svc myweb-svc-lb -p '{\"spec\":{\"externalTrafficPolicy\":\"Local\"}}'" || fail "patch failed"
until_true 5 "on_client curl -s -m 1 192.168.150.240"
run "portolan lab exec --name $lab router -- ip route show 192.168.150.240"
count 3 'nexthop via 192\.168\.100\.10[012] dev eth0'

chapter "7. A node dies"
note "BFD says so to the router after three packets that do not come, 50 ms apart; the client asks 20 times a second meanwhile"
ask_all_the_time 192.168.150.240
run "portolan lab kill --name $lab node2" || fail "the node did not die"
longest_gap
run "portolan lab exec --name $lab router -- ip route show 192.168.150.240"
count 2 'nexthop via 192\.168\.100\.10[02] dev eth0'

chapter "8. It comes back"
run "portolan lab start --name $lab node2" || fail "the node did not start"
until_true 30 "[ \$(portolan lab exec --name $lab router -- ip route show 192.168.150.240 | grep -c nexthop) = 3 ]" || true
run "portolan lab exec --name $lab router -- ip route show 192.168.150.240"
count 3 'nexthop via 192\.168\.100\.10[012] dev eth0'
all_held "a node"
