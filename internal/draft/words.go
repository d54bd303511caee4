package draft

import (
	"math"
	"strings"
	"unicode"
)

// words are those that parameters are made of: physicalnetworkid is physical,
// network, id. They come from the commands, whose names have capitals.
type words map[string]bool

// more are words that no command has.
const more = `acl vpc ssh lb nic gpu vpn asn bgp iso id ids ip ipv4 ipv6 ip6 name display text type max min size count start end port ports cidr cidrs list
mac public private protocol password user key keys domain account project zone cpu memory number speed limit rate data disk
root host guest enabled enable offering details state order url path format mode is for has dns dns1 dns2 gateway netmask
traffic source destination dest icmp code action reason interval max members duration cooldown quiet time description storage
vlan mtu level scope role permission rule rules method secret access address vm os hypervisor arch algorithm schedule timezone
service services provider capability availability bytes iops read write tag tags shared dynamic scaling external default on only
use file class version template compute instance first last login email local global service fqdn`

func newWords(commands []string) words {
	w := words{}
	for _, word := range strings.Fields(more) {
		w[word] = true
	}
	for _, command := range commands {
		start := 0
		for i, r := range command {
			if i > 0 && unicode.IsUpper(r) {
				w.add(command[start:i])
				start = i
			}
		}
		w.add(command[start:])
	}
	return w
}

func (w words) add(word string) {
	word = strings.ToLower(word)
	if len(word) < 4 { // OS, VPC and the like fall apart into letters
		return
	}
	w[word] = true
	w[strings.TrimSuffix(word, "s")] = true
}

// split puts underscores between the fewest words that make up a name; what is
// not made of known words stays whole.
func (w words) split(name string) string {
	best := make([]int, len(name)+1)
	from := make([]int, len(name)+1)
	for end := 1; end <= len(name); end++ {
		best[end] = math.MaxInt
		for start := range end {
			if best[start] < math.MaxInt && w[name[start:end]] && best[start]+1 < best[end] {
				best[end], from[end] = best[start]+1, start
			}
		}
	}
	if best[len(name)] == math.MaxInt {
		return name
	}
	var parts []string
	for end := len(name); end > 0; end = from[end] {
		parts = append([]string{name[from[end]:end]}, parts...)
	}
	return strings.Join(parts, "_")
}
