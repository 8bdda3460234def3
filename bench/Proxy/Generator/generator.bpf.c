// Makes packets inside the kernel, and counts and drops them where they arrive.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "generator.h"

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct plan);
} plans SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} arrivals SEC(".maps");

// Every header byte is written anew: frames are recycled with whatever the path left in them.
SEC("xdp") int generate(struct xdp_md *context) {
  void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
  struct iphdr *ip = data + sizeof(struct ethhdr);
  struct udphdr *udp = (void *)(ip + 1);
  if ((void *)(udp + 1) > end) return XDP_DROP;
  __u32 zero = 0;
  struct plan *plan = bpf_map_lookup_elem(&plans, &zero);
  if (!plan) return XDP_DROP;
  __builtin_memcpy(data, plan->headers, 42);
  __u32 flow = plan->first_flow + plan->sent++ % plan->flows;
  ip->saddr = bpf_htonl(CLIENTS | (flow & 0x3fff));
  ip->daddr = bpf_htonl(plan->destination + flow % plan->destinations);
  udp->source = bpf_htons(1024 + (flow >> 14) % 60000);
  __u16 *words = (void *)ip;
  __u32 sum = 0;
#pragma unroll
  for (int i = 0; i < 10; i++) sum += words[i];
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  ip->check = ~sum;
  return bpf_redirect(plan->interface, 0);
}

SEC("tc") int arrive(struct __sk_buff *packet) {
  struct iphdr *ip = (void *)(long)packet->data + sizeof(struct ethhdr);
  if ((void *)(ip + 1) > (void *)(long)packet->data_end || ip->protocol != 17) return TC_ACT_OK;
  __u32 zero = 0;
  __u64 *count = bpf_map_lookup_elem(&arrivals, &zero);
  if (count) *count += 1;
  return TC_ACT_SHOT;
}

char _license[] SEC("license") = "GPL";
