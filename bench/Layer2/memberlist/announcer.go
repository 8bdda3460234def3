// A minimal layer 2 announcer as MetalLB's speaker is one, to be measured beside: who is alive is hashicorp/memberlist's word, with
// its LAN profile; who announces an address is the living member with the smallest SHA-256 of "name#address"; the heir says so by
// gratuitous ARP, at once and then each 1.1 s for 5 s. No Kubernetes.
//
//	announcer NAME OWN-ADDRESS INTERFACE ADDRESS,... PEER,...
//
// It prints "members N" whenever their number changes.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/memberlist"
)

const port = 7947 // not memberlist's own: the speakers measured beside this use that one

const (
	etherTypeARP = 0x0806
	request      = 1
	reply        = 2
)

var broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

type announcer struct {
	name      string
	link      *net.Interface
	socket    int
	addresses []net.IP
	list      *memberlist.Memberlist
	changed   chan struct{}

	mutex sync.Mutex
	held  map[string]bool
}

func main() {
	if len(os.Args) != 6 {
		fail("usage: announcer NAME OWN-ADDRESS INTERFACE ADDRESS,... PEER,...")
	}
	link, err := net.InterfaceByName(os.Args[3])
	check(err)
	socket, err := syscall.Socket(syscall.AF_PACKET, syscall.SOCK_RAW, int(swap(etherTypeARP)))
	check(err)
	check(syscall.Bind(socket, &syscall.SockaddrLinklayer{Protocol: swap(etherTypeARP), Ifindex: link.Index}))

	a := &announcer{name: os.Args[1], link: link, socket: socket, changed: make(chan struct{}, 1), held: map[string]bool{}}
	for _, text := range strings.Split(os.Args[4], ",") {
		a.addresses = append(a.addresses, net.ParseIP(text).To4())
	}

	config := memberlist.DefaultLANConfig() // probe each second, 500 ms to answer, suspicion × 4
	config.Name = a.name
	config.BindAddr = os.Args[2]
	config.BindPort, config.AdvertisePort = port, port
	config.Events = a
	config.LogOutput = io.Discard
	a.list, err = memberlist.Create(config)
	check(err)
	a.join(strings.Split(os.Args[5], ","))
	go a.answer()
	a.elect()
}

// NotifyJoin, NotifyLeave and NotifyUpdate are called by memberlist under its own locks.
func (a *announcer) NotifyJoin(*memberlist.Node)   { a.wake() }
func (a *announcer) NotifyLeave(*memberlist.Node)  { a.wake() }
func (a *announcer) NotifyUpdate(*memberlist.Node) { a.wake() }

func (a *announcer) wake() {
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// The first time before anything is announced: one that thinks itself alone would take everything. Later each second until all are
// there, then each minute, as MetalLB does.
func (a *announcer) join(peers []string) {
	for i := range peers {
		peers[i] = fmt.Sprintf("%s:%d", peers[i], port)
	}
	a.list.Join(peers)
	go func() {
		for {
			if a.list.NumMembers() < len(peers) {
				time.Sleep(time.Second)
			} else {
				time.Sleep(time.Minute)
			}
			a.list.Join(peers)
		}
	}()
}

func (a *announcer) elect() {
	a.wake()
	known := 0
	for range a.changed {
		members := a.list.Members()
		if len(members) != known {
			known = len(members)
			fmt.Printf("members %d\n", known)
		}
		for _, address := range a.addresses {
			mine := winner(members, address) == a.name
			a.mutex.Lock()
			was := a.held[address.String()]
			a.held[address.String()] = mine
			a.mutex.Unlock()
			if mine && !was {
				go a.tell(address)
			}
		}
	}
}

func winner(members []*memberlist.Node, address net.IP) string {
	var name string
	var least []byte
	for _, member := range members {
		digest := sha256.Sum256([]byte(member.Name + "#" + address.String()))
		if least == nil || bytes.Compare(digest[:], least) < 0 {
			name, least = member.Name, digest[:]
		}
	}
	return name
}

func (a *announcer) holds(address net.IP) bool {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.held[address.String()]
}

func (a *announcer) tell(address net.IP) {
	for end := time.Now().Add(5 * time.Second); a.holds(address) && time.Now().Before(end); time.Sleep(1100 * time.Millisecond) {
		a.send(frame(broadcast, request, a.link.HardwareAddr, address, broadcast, address))
		a.send(frame(broadcast, reply, a.link.HardwareAddr, address, broadcast, address))
	}
}

func (a *announcer) answer() {
	buffer := make([]byte, 1514)
	for {
		length, _, err := syscall.Recvfrom(a.socket, buffer, 0)
		if err != nil {
			time.Sleep(100 * time.Millisecond) // the cable is out
			continue
		}
		if length < 42 || binary.BigEndian.Uint16(buffer[12:]) != etherTypeARP || binary.BigEndian.Uint16(buffer[20:]) != request {
			continue
		}
		asker, from := net.HardwareAddr(append([]byte{}, buffer[22:28]...)), net.IP(append([]byte{}, buffer[28:32]...))
		target := net.IP(append([]byte{}, buffer[38:42]...))
		if !from.Equal(target) && a.holds(target) {
			a.send(frame(asker, reply, a.link.HardwareAddr, target, asker, from))
		}
	}
}

func (a *announcer) send(bytes []byte) { syscall.Write(a.socket, bytes) }

func frame(to net.HardwareAddr, operation uint16, mac net.HardwareAddr, sender net.IP, targetMac net.HardwareAddr, target net.IP) []byte {
	bytes := append(append(append([]byte{}, to...), mac...), 0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, byte(operation))
	bytes = append(append(bytes, mac...), sender.To4()...)
	return append(append(bytes, targetMac...), target.To4()...)
}

func swap(value uint16) uint16 { return value<<8 | value>>8 }

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}
