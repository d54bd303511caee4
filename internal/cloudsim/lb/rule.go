package lb

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Dial opens a connection to a member's private port.
type Dial func(ctx context.Context) (net.Conn, error)

// Server is one member of a rule.
type Server struct {
	// ID tells members apart for the caller, for instance the machine's id.
	ID string
	// Address is the member's private address and port; cookies carry it.
	Address netip.AddrPort
	// Dial reaches the member.
	Dial Dial
}

// cookie is the value by which a sticky client names the server.
func (s Server) cookie() string {
	return fmt.Sprintf("%s-%d", strings.ReplaceAll(s.Address.Addr().String(), ".", "_"), s.Address.Port())
}

// Stickiness is the policy of a rule; Params are as the API knows them, flags with any value.
type Stickiness struct {
	Method string // LbCookie or SourceBased; AppCookie is known and refused
	Params map[string]string
}

// Rule is the configuration of one balancer.
type Rule struct {
	Public      netip.AddrPort // the address clients of the cloud use; decides mode and cookie names
	Protocol    string         // tcp, tcp-proxy, ssl or empty (tcp)
	Algorithm   string         // roundrobin, leastconn, source
	Sources     []netip.Prefix // who may connect; empty admits everybody
	KeepAlive   bool           // the network offering's keepalive option
	Stickiness  *Stickiness
	Certificate *tls.Certificate // ends TLS here; only with protocol ssl
	Servers     []Server         // in the order they were assigned
}

// HTTP tells whether the rule is served request by request: port 80 without the keepalive option, a
// cookie, or TLS that ends here. The private port does not matter.
func (r Rule) HTTP() bool {
	return r.Public.Port() == 80 && !r.KeepAlive || r.sticksByCookie() || r.Certificate != nil
}

func (r Rule) sticksByCookie() bool {
	return r.Stickiness != nil && strings.EqualFold(r.Stickiness.Method, "LbCookie")
}

func (r Rule) sticksBySource() bool {
	return r.Stickiness != nil && strings.EqualFold(r.Stickiness.Method, "SourceBased")
}

// Validate says what haproxy would refuse in the configuration made from this rule; the API does not
// check all of it.
func (r Rule) Validate() error {
	switch r.Algorithm {
	case "roundrobin", "leastconn", "source":
	default:
		return fmt.Errorf("balance algorithm %q is not known: use roundrobin, leastconn or source", r.Algorithm)
	}
	if r.Stickiness != nil {
		if strings.EqualFold(r.Stickiness.Method, "AppCookie") {
			return fmt.Errorf("'appsession' is not supported anymore since HAProxy 1.6")
		}
		if !r.sticksByCookie() && !r.sticksBySource() {
			return fmt.Errorf("stickiness method %q is not known: use LbCookie or SourceBased", r.Stickiness.Method)
		}
		if r.sticksByCookie() {
			switch r.Stickiness.Params["mode"] {
			case "", "insert", "rewrite", "prefix":
			default:
				return fmt.Errorf("cookie mode %q is not known: use insert, rewrite or prefix", r.Stickiness.Params["mode"])
			}
		}
	}
	if r.KeepAlive && (r.sticksByCookie() || r.Certificate != nil) {
		return fmt.Errorf("option 'forceclose' is not supported any more since HAProxy 2.0")
	}
	return nil
}

// Equal tells whether two rules give the same configuration. Functions that dial are not compared: a
// member with the same id and address is the same member.
func (r Rule) Equal(o Rule) bool {
	return r.Public == o.Public && r.Protocol == o.Protocol && r.Algorithm == o.Algorithm &&
		r.KeepAlive == o.KeepAlive && sameCertificate(r.Certificate, o.Certificate) && slices.Equal(r.Sources, o.Sources) &&
		r.Stickiness.equal(o.Stickiness) &&
		slices.EqualFunc(r.Servers, o.Servers, func(a, b Server) bool { return a.ID == b.ID && a.Address == b.Address })
}

func sameCertificate(a, b *tls.Certificate) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.EqualFunc(a.Certificate, b.Certificate, bytes.Equal)
}

func (s *Stickiness) equal(o *Stickiness) bool {
	if s == nil || o == nil {
		return s == o
	}
	return s.Method == o.Method && maps.Equal(s.Params, o.Params)
}

func (r Rule) admits(client netip.Addr) bool {
	return len(r.Sources) == 0 ||
		slices.ContainsFunc(r.Sources, func(p netip.Prefix) bool { return p.Contains(client) })
}

// CookieName is the name of the rule's cookie when the policy names none: the hash is Java's of the
// public address and may be negative.
func (r Rule) CookieName() string {
	if r.Stickiness != nil && r.Stickiness.Params["cookie-name"] != "" {
		return r.Stickiness.Params["cookie-name"]
	}
	var hash int32
	for _, c := range r.Public.Addr().String() {
		hash = 31*hash + c
	}
	return fmt.Sprintf("lbcooki_%d_%d", hash, r.Public.Port())
}
