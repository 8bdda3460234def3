// generator CLIENT-NS CLIENT-IF NODE-NS NODE-IF DESTINATION DESTINATIONS PORT FLOWS PACKETS PAIRS TABLE PEER-TABLE SINK-NS SINK-IF
//
// Prints, PAIRS times, the CPU time of a packet in nanoseconds with TABLE and with PEER-TABLE: of 60-byte UDP packets that leave CLIENT-IF, pass
// through whatever the node does with them, and are counted and dropped at SINK-IF. BPF_PROG_TEST_RUN with live frames makes them inside the
// kernel, and their whole path runs in this process's own softirqs, so its CPU time is theirs, and the figure holds on a machine that has other
// things to do. Of the two nftables tables of family ip one sleeps while the other is measured, by PACKETS packets; which is first alternates.
// FLOWS below 65536: they are known. Above: every packet is a flow's first, and the node forgets its flows before each measurement.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/netlink.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "generator.h"

static void fail(const char *what) { perror(what); exit(1); }

static struct bpf_test_run_opts *run;
static int generate, arrivals, connections, tables;
static int every_flow_is_new;

static void enter(const char *name) {
  char path[256];
  snprintf(path, sizeof path, "/run/netns/%s", name);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || setns(file, CLONE_NEWNET)) fail(path);
  close(file);
}

static unsigned interface_index(const char *name) {
  unsigned index = if_nametoindex(name);
  if (!index) fail(name);
  return index;
}

// A veth takes redirected frames only while it has a receive queue of its own, which generic receive offload gives it.
static void receive_redirected(const char *name) {
  int any = socket(AF_INET, SOCK_DGRAM, 0);
  struct ethtool_value on = { ETHTOOL_SGRO, 1 };
  struct ifreq request = { .ifr_data = (void *)&on };
  strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (any < 0 || ioctl(any, SIOCETHTOOL, &request)) fail("generic receive offload");
  close(any);
}

static int netfilter(void) {
  int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (netlink < 0) fail("netlink");
  return netlink;
}

static void await(int netlink, int answers) {
  char answer[1024];
  for (int i = 0; i < answers; i++) {
    struct nlmsghdr *header = (void *)answer;
    if (recv(netlink, answer, sizeof answer, 0) < 0) fail("netlink");
    struct nlmsgerr *error = NLMSG_DATA(header);
    if (header->nlmsg_type == NLMSG_ERROR && error->error) { errno = -error->error; fail("the kernel refused"); }
  }
}

static void forget_flows(int netlink) {
  struct { struct nlmsghdr header; struct nfgenmsg family; } request = {
    { sizeof request, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, NLM_F_REQUEST | NLM_F_ACK, 1, 0 }, { AF_INET, NFNETLINK_V0, 0 } };
  if (send(netlink, &request, sizeof request, 0) < 0) fail("netlink");
  await(netlink, 1);
}

static char *put(char *at, int type, int flags, int family, int resource, const char *table, unsigned table_flags) {
  struct nlmsghdr *header = (void *)at;
  *header = (struct nlmsghdr){ .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = 1 };
  struct nfgenmsg *message = NLMSG_DATA(header);
  *message = (struct nfgenmsg){ family, NFNETLINK_V0, htons(resource) };
  char *next = (char *)(message + 1);
  if (table) {
    struct nlattr *name = (void *)next;
    *name = (struct nlattr){ NLA_HDRLEN + strlen(table) + 1, NFTA_TABLE_NAME };
    strcpy((char *)name + NLA_HDRLEN, table);
    struct nlattr *flag = (void *)(next + NLA_ALIGN(name->nla_len));
    *flag = (struct nlattr){ NLA_HDRLEN + 4, NFTA_TABLE_FLAGS };
    *(unsigned *)((char *)flag + NLA_HDRLEN) = htonl(table_flags);
    next = (char *)flag + NLA_HDRLEN + 4;
  }
  header->nlmsg_len = next - at;
  return next;
}

static void wake(int netlink, const char *awake, const char *asleep) {
  char batch[1024] = { 0 };
  char *at = put(batch, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, NULL, 0);
  at = put(at, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE, NLM_F_ACK, AF_INET, 0, asleep, NFT_TABLE_F_DORMANT);
  at = put(at, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE, NLM_F_ACK, AF_INET, 0, awake, 0);
  at = put(at, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, NULL, 0);
  if (send(netlink, batch, at - batch, 0) < 0) fail("netlink");
  await(netlink, 2);
}

static double used_nanoseconds(void) {
  struct timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return used.tv_sec * 1e9 + used.tv_nsec;
}

static unsigned long long arrived(int map) {
  unsigned long long counts[1024] = { 0 }, sum = 0;
  unsigned zero = 0;
  bpf_map_lookup_elem(map, &zero, counts);
  for (int i = 0; i < 1024; i++) sum += counts[i];
  return sum;
}

static void send_packets(long count) {
  run->repeat = count;
  if (bpf_prog_test_run_opts(generate, run)) fail("test run");
}

// Where the softirqs became another thread's work, packets are lost or their time is not ours: once more.
static double measure(const char *table, const char *other, unsigned packets) {
  wake(tables, table, other);
  unsigned long long here = 0;
  for (int attempt = 0; attempt < 100; attempt++) {
    if (every_flow_is_new) forget_flows(connections);
    send_packets(256);
    usleep(1000);
    unsigned long long arrived_before = arrived(arrivals);
    double used = used_nanoseconds();
    send_packets(packets);
    used = used_nanoseconds() - used;
    here = arrived(arrivals) - arrived_before;
    if (here == packets) return used / packets;
    usleep(10000);
  }
  fprintf(stderr, "with table %s %llu of %u packets arrived\n", table, here, packets);
  exit(1);
}

int main(int count, char **words) {
  if (count != 15) { fprintf(stderr, "the first lines of generator.c say how to call this\n"); return 2; }
  const char *client_ns = words[1], *client_if = words[2], *node_ns = words[3], *node_if = words[4], *table = words[11], *peer = words[12], *sink_ns = words[13], *sink_if = words[14];
  char object_path[4096];
  ssize_t length = readlink("/proc/self/exe", object_path, sizeof object_path - 16);
  if (length < 0) fail("/proc/self/exe");
  object_path[length] = 0;
  strcpy(strrchr(object_path, '/') + 1, "generator.bpf.o");
  struct bpf_object *object = bpf_object__open(object_path);
  if (!object || bpf_object__load(object)) fail(object_path);
  int plans = bpf_object__find_map_fd_by_name(object, "plans");
  arrivals = bpf_object__find_map_fd_by_name(object, "arrivals");
  generate = bpf_program__fd(bpf_object__find_program_by_name(object, "generate"));

  enter(sink_ns);
  LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = interface_index(sink_if), .attach_point = BPF_TC_INGRESS);
  LIBBPF_OPTS(bpf_tc_opts, filter, .prog_fd = bpf_program__fd(bpf_object__find_program_by_name(object, "arrive")), .handle = 1, .priority = 1, .flags = BPF_TC_F_REPLACE);
  bpf_tc_hook_create(&hook);
  if (bpf_tc_attach(&hook, &filter)) fail("tc");
  enter(node_ns);
  receive_redirected(node_if);
  connections = netfilter();
  tables = netfilter();
  forget_flows(connections);
  struct ifreq node_mac = { 0 };
  strncpy(node_mac.ifr_name, node_if, IFNAMSIZ - 1);
  int any = socket(AF_INET, SOCK_DGRAM, 0);
  if (ioctl(any, SIOCGIFHWADDR, &node_mac)) fail(node_if);
  close(any);

  enter(client_ns);
  struct plan plan = { .interface = interface_index(client_if), .flows = strtoul(words[8], 0, 0), .destinations = strtoul(words[6], 0, 0) };
  every_flow_is_new = plan.flows > 65536;
  struct in_addr destination;
  if (!inet_aton(words[5], &destination)) fail(words[5]);
  plan.destination = ntohl(destination.s_addr);
  const unsigned char rest[] = { 2, 0, 0, 0, 0, 9, 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17 };
  unsigned short port = htons(atoi(words[7]));
  memcpy(plan.headers, node_mac.ifr_hwaddr.sa_data, 6);
  memcpy(plan.headers + 6, rest, sizeof rest);
  memcpy(plan.headers + 36, &port, 2);
  plan.headers[39] = 26; // UDP length: 8 + 18
  unsigned zero = 0;
  bpf_map_update_elem(plans, &zero, &plan, 0);
  unsigned char packet[60] = { 0 };
  memcpy(packet, plan.headers, 42);
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof packet, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = 64);
  run = &options;
  unsigned packets = atoi(words[9]);
  struct sched_param first_of_all = { 1 };
  sched_setscheduler(0, SCHED_FIFO, &first_of_all);
  for (int i = 0, pairs = atoi(words[10]); i < pairs; i++) {
    double peers, ours;
    if (i % 2) peers = measure(peer, table, packets);
    ours = measure(table, peer, packets);
    if (i % 2 == 0) peers = measure(peer, table, packets);
    printf("%.1f %.1f\n", ours, peers);
  }

  enter(sink_ns);
  LIBBPF_OPTS(bpf_tc_hook, all, .ifindex = hook.ifindex, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
  bpf_tc_hook_destroy(&all);
  return 0;
}
