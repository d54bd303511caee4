package cloudsim

import (
	"encoding/binary"
	"net/netip"
)

// maskText is a prefix length as a netmask.
func maskText(bits int) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], ^uint32(0)<<(32-bits))
	return netip.AddrFrom4(b).String()
}

// maskBits is a netmask as a prefix length; ok is false if it is none.
func maskBits(mask string) (bits int, ok bool) {
	a, err := netip.ParseAddr(mask)
	if err != nil || !a.Is4() {
		return 0, false
	}
	b := a.As4()
	v := binary.BigEndian.Uint32(b[:])
	for bits < 32 && v&(1<<(31-bits)) != 0 {
		bits++
	}
	return bits, bits > 0 && maskText(bits) == mask
}

// lastOf is the broadcast address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	v := binary.BigEndian.Uint32(b[:]) | ^uint32(0)>>p.Bits()
	binary.BigEndian.PutUint32(b[:], v)
	return netip.AddrFrom4(b)
}

// private reports whether a guest CIDR is one of RFC 1918 or RFC 6598.
func private(p netip.Prefix) bool {
	for _, s := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"} {
		if within(p, netip.MustParsePrefix(s)) {
			return true
		}
	}
	return false
}

// within reports whether inner lies in outer.
func within(inner, outer netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// overlap reports whether any of the CIDRs of one list overlaps one of the other. An unreadable CIDR overlaps nothing.
func overlap(a, b []string) bool {
	for _, x := range a {
		px, err := netip.ParsePrefix(x)
		if err != nil {
			continue
		}
		for _, y := range b {
			py, err := netip.ParsePrefix(y)
			if err == nil && px.Overlaps(py) {
				return true
			}
		}
	}
	return false
}

// validCIDR reports whether a text is an IPv4 or IPv6 prefix.
func validCIDR(s string) bool {
	_, err := netip.ParsePrefix(s)
	return err == nil
}
