package plane

import (
	"context"
	"net"
	"net/netip"
	"slices"

	"github.com/moldctl/moldctl/internal/cloudsim/lb"
)

// Dial opens a connection to a port of a machine for a client that comes from an address.
type Dial func(ctx context.Context, port uint16, from netip.Addr) (net.Conn, error)

// State is everything that ought to be reachable.
type State struct {
	Addresses []Address
}

// Address is one public address with what is set up on it.
type Address struct {
	IP         netip.Addr
	Unfiltered bool      // of a VPC: there are no firewall rules, everything set up is open
	Openings   []Opening // ingress firewall rules for TCP
	Forwards   []Forward
	StaticNAT  *StaticNAT
	Rules      []lb.Rule
}

// Opening lets clients through to a range of ports.
type Opening struct {
	From, To uint16
	Sources  []netip.Prefix // empty admits everybody
}

// wideRange is the number of ports above which a forward has listeners only where they are of use.
const wideRange = 64

// Forward sends a range of public ports to as many private ones of one machine. Of a wide range only
// those ports get a listener whose private port the machine listens on.
type Forward struct {
	From, To, Private uint16
	Sources           []netip.Prefix // empty admits everybody
	Listening         func() []uint16
	Dial              Dial
}

// private lists the private ports that need a listener.
func (f Forward) private() []uint16 {
	n := int(f.To) - int(f.From) + 1
	var all []uint16
	if n > wideRange {
		for _, port := range f.Listening() {
			if port >= f.Private && int(port)-int(f.Private) < n {
				all = append(all, port)
			}
		}
		return all
	}
	for i := range n {
		all = append(all, f.Private+uint16(i))
	}
	return all
}

// StaticNAT sends every open port to one machine. Of a wide opening only those ports get a listener
// that the machine listens on.
type StaticNAT struct {
	Listening func() []uint16
	Dial      Dial
}

// ports lists the ports that need a listener, given what the firewall opens.
func (s StaticNAT) ports(a Address) []uint16 {
	var all []uint16
	if a.Unfiltered {
		return s.Listening()
	}
	for _, o := range a.Openings {
		if o.wide() {
			all = append(all, s.Listening()...) // those outside the opening are not open
			continue
		}
		for i := range int(o.To) - int(o.From) + 1 {
			all = append(all, o.From+uint16(i))
		}
	}
	return all
}

func (o Opening) wide() bool { return int(o.To)-int(o.From) >= wideRange }

// FollowsMachines tells whether the listeners depend on what machines listen on just now: then Apply
// must be called again from time to time.
func (s State) FollowsMachines() bool {
	return slices.ContainsFunc(s.Addresses, func(a Address) bool {
		return a.StaticNAT != nil && (a.Unfiltered || slices.ContainsFunc(a.Openings, Opening.wide)) ||
			slices.ContainsFunc(a.Forwards, func(f Forward) bool { return int(f.To)-int(f.From) >= wideRange })
	})
}

// service is what one port serves and whom.
type service struct {
	kind     string
	openings []Opening      // of the firewall, for this port; ignored if unfiltered
	open     bool           // unfiltered
	sources  []netip.Prefix // of the forward
	dial     Dial
	port     uint16 // private
	rule     *lb.Rule
	balancer *lb.Balancer
}

// admits tells whether firewall and forward let a client in; a balancer checks its own list.
func (s *service) admits(from netip.Addr) bool {
	return (s.open || slices.ContainsFunc(s.openings, func(o Opening) bool { return within(o.Sources, from) })) &&
		within(s.sources, from)
}

func within(sources []netip.Prefix, from netip.Addr) bool {
	return len(sources) == 0 || slices.ContainsFunc(sources, func(p netip.Prefix) bool { return p.Contains(from) })
}

// services lists what listens where. A port without an opening is left out; where several things claim
// a port (the API forbids it) the load balancer wins over the forward, the forward over static NAT.
func (s State) services() map[netip.AddrPort]service {
	all := map[netip.AddrPort]service{}
	for _, a := range s.Addresses {
		add := func(port uint16, entry service) {
			at := netip.AddrPortFrom(a.IP, port)
			if _, taken := all[at]; taken {
				return
			}
			entry.open = a.Unfiltered
			for _, o := range a.Openings {
				if o.From <= port && port <= o.To {
					entry.openings = append(entry.openings, o)
				}
			}
			if entry.open || len(entry.openings) > 0 {
				all[at] = entry
			}
		}
		for _, r := range a.Rules {
			add(r.Public.Port(), service{kind: "load balancer", rule: &r})
		}
		for _, f := range a.Forwards {
			for _, port := range f.private() {
				add(f.From+port-f.Private, service{kind: "port forward", sources: f.Sources, dial: f.Dial, port: port})
			}
		}
		if a.StaticNAT != nil {
			for _, port := range a.StaticNAT.ports(a) {
				add(port, service{kind: "static nat", dial: a.StaticNAT.Dial, port: port})
			}
		}
	}
	return all
}
