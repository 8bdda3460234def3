# What the article does with a cluster that has no load balancer yet, sourced by the walkthroughs that make one.
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
set timeout [expr {30 * $env(PATIENCE)}]
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
