# The walkthrough of ./demo.sh ipvs from the cluster on; where that is in a virtual machine, so is this, as a program of its own.
[ -n "${work:-}" ] || . eng/walkthrough.sh
run "kubectl get nodes"
count 3 ' Ready '

. eng/demo-article.sh

chapter "6. The table a packet meets: the kernel's virtual servers, by the article's own command"
run "portolan lab exec --name $lab node1 -- ipvsadm -ln" || fail "ipvsadm failed"
shows '^IP Virtual Server version '
cluster_ip=$(kubectl get svc myweb-svc-lb -o 'jsonpath={.spec.clusterIP}')
# The node's port answers at each of the node's own addresses; those of Services are on kube-ipvs0.
own=$(portolan lab exec --name "$lab" node1 -- ip -o -4 addr show | awk '$2 != "lo" && $2 != "kube-ipvs0" { sub("/.*", "", $4); print $4 ":31313" }' | sort -u)
[ "$(wc -l <<<"$own")" -ge 3 ] || fail "node1 has less than three addresses: $own"
for front in 192.168.100.240:80 "$cluster_ip:80" $own; do
  shows "^TCP +$front rr\$"
  [ "$(awk -v front="$front" '$1 == "TCP" && $2 == front {on=1; next} /^[A-Z]/ {on=0} on && $1 == "->" && $2 ~ /:8080$/ && $3 == "Masq" && $4 == 1' <<<"$output" | wc -l)" = 3 ] ||
    fail "$front has not three real servers"
done

chapter "7. Portolan says the same of it"
without_connections() { sed -E 's/^(  -> [^ ]+:[0-9]+ +[A-Z][a-z]+ +[0-9]+) .*/\1/'; }
without_connections <<<"$output" >"$work/ipvsadm"
run "portolan lab exec --name $lab node1 -- portolan get virtual-servers -n" || fail "it does not"
without_connections <<<"$output" >"$work/portolan"
diff "$work/ipvsadm" "$work/portolan" || fail "the two tables are different"
note "the same to the letter; connections come and go, and their two columns were not compared"
all_held
