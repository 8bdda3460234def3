# The article on nodes that forward as its own do, sourced by ./demo.sh ipvs: virtual servers of IPVS, and at its end the article's own proof.
chapter "0. A cluster without a load balancer: three nodes that forward by IPVS"
up="portolan lab up --name $lab --proxy ipvs --without-portolan"
if run "$up"; then
  export KUBECONFIG; KUBECONFIG=$(portolan lab kubeconfig --name "$lab")
  . eng/demo-ipvs-cluster.sh
  exit
fi
grep -q -- --vm <<<"$output" || fail "the lab did not come up"
note "so in the machine that it speaks of; what follows is said there, by an emulated processor"
export PORTOLAN_VM_CACHE=${PORTOLAN_VM_CACHE:-$PWD/artifacts/vm}
printf '\n%s$ %s --vm -- eng/demo-ipvs-cluster.sh%s\n' "$bold" "$up" "$plain"
$up --vm -- env LAB="$lab" KUBECTL="${KUBECTL:-}" PATIENCE=10 STARTED="$started" bash eng/demo-ipvs-cluster.sh
