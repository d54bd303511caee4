package pluginspec

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// format is one value of `format:`.
type format struct {
	ok   func(string) bool
	want string // completes "… is not "
}

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

var formats = map[string]format{
	"ipv4": {func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is4() }, "an IPv4 address such as 10.1.1.5"},
	"ipv6": {func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is6() }, "an IPv6 address such as 2001:db8::5"},
	"cidr": {func(s string) bool { _, err := netip.ParsePrefix(s); return err == nil }, "a network such as 10.1.1.0/24"},
	"mac":  {func(s string) bool { _, err := net.ParseMAC(s); return err == nil }, "a hardware address such as 02:00:4c:3f:00:01"},
	"port": {func(s string) bool { _, ok := port(s); return ok }, "a port between 1 and 65535"},
	"port_range": {func(s string) bool {
		from, to, found := strings.Cut(s, "-")
		low, ok := port(from)
		if !found || !ok {
			return ok
		}
		high, ok := port(to)
		return ok && low <= high
	}, "a port or a range of ports such as 80 or 8000-8100"},
	"url": {func(s string) bool {
		u, err := url.Parse(s)
		return err == nil && u.Scheme != "" && u.Host != ""
	}, "an address such as https://example.com/file"},
	"duration": {func(s string) bool { d, err := time.ParseDuration(s); return err == nil && d >= 0 }, "a duration such as 30s, 10m or 1h30m"},
	"base64":   {func(s string) bool { _, err := base64.StdEncoding.DecodeString(s); return err == nil }, "base64"},
	"json":     {func(s string) bool { return json.Valid([]byte(s)) }, "JSON"},
	"uuid":     {uuidForm.MatchString, "an id such as 6f5a4c9e-3c5b-4b7e-9a41-0c2d3e4f5a6b"},
}

func port(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 1 && n <= 65535
}
