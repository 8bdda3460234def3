// What the generator's program and its kernel part agree on.
#define CLIENTS 0x0a090000 // clients are 10.9.0.0 to 10.9.63.255

struct plan {
  unsigned interface;    // redirected to this one: what its peer receives
  unsigned flows;        // then the first again
  unsigned first_flow;
  unsigned destination;  // the first one's address, host order
  unsigned destinations; // addresses from there on; flows take them in turn
  unsigned unused;
  unsigned long long sent;
  unsigned char headers[48]; // Ethernet, IPv4, UDP
};
