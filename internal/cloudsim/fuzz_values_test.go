package cloudsim

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/moldctl/moldctl/internal/cloudsim/apitable"
)

// values makes up what a fuzzer sends.
type values struct {
	random  *rand.Rand
	ids     map[string]bool     // of whatever there is, and of what was seen in answers
	list    []string            // the same in order
	byTable map[string][]string // of what there was in the beginning
}

var uuidInText = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// learn takes up the ids of an answer.
func (v *values) learn(raw string) {
	for _, id := range uuidInText.FindAllString(raw, 20) {
		v.take(id)
	}
}

func (v *values) take(id string) {
	if !v.known(id) {
		v.ids[id] = true
		v.list = append(v.list, id)
	}
}

func (v *values) known(id string) bool { return v.ids[id] }

func (v *values) pick(from []string) string { return from[v.random.IntN(len(from))] }

// id is the id of anything; mostly of something that a parameter may name, if its kind is known.
func (v *values) id(param string, kinds map[string]kind) string {
	k, ok := kinds[param]
	if !ok {
		k, _ = kindOfParam(param)
	}
	if fit := v.byTable[string(k)]; len(fit) > 0 && v.random.IntN(8) > 0 {
		return v.pick(fit)
	}
	return v.pick(v.list)
}

// spelled is a parameter's name as a careless caller writes it: case does not matter.
func (v *values) spelled(name string) string {
	if v.random.IntN(20) == 0 {
		return strings.ToUpper(name)
	}
	return name
}

// of is a value for a parameter: rarely right, mostly of a wrong type, size, encoding or kind.
func (v *values) of(p apitable.Param, kinds map[string]kind) string {
	switch n := v.random.IntN(10); {
	case n < 6:
		return v.fitting(p, kinds)
	case n < 7:
		return v.pick(oddities)
	case n < 8:
		return v.sized(p)
	case n < 9:
		return v.pick(v.list)
	}
	return v.pick(words)
}

// fitting has the parameter's type, at least.
func (v *values) fitting(p apitable.Param, kinds map[string]kind) string {
	switch p.Type {
	case apitable.Integer, apitable.Short, apitable.Long:
		return v.pick([]string{"0", "1", "-1", "80", "443", "65535", "65536", "2147483647", "-2147483648", strconv.Itoa(v.random.IntN(1000))})
	case apitable.Boolean:
		return v.pick([]string{"true", "false", "TRUE", "yes", "1", "maybe"})
	case apitable.UUID:
		return v.id(p.Name, kinds)
	case apitable.Date:
		return v.pick([]string{"2026-01-01", "1970-01-01 00:00:00", "9999-12-31", "2026-01-01T00:00:00+0000", "0001-01-01"})
	case apitable.List:
		return v.pick([]string{v.id(p.Name, kinds), v.id(p.Name, kinds) + "," + v.pick(v.list), "tcp", "10.0.0.0/8", "a,b", strings.Repeat("x,", 100)})
	}
	return v.pick(words)
}

// sized is around the greatest length, or far beyond it; also in characters of several bytes.
func (v *values) sized(p apitable.Param) string {
	n := v.pick([]string{"a", "é", "한", "😀", " ", "0", "\"", "<"})
	if v.random.IntN(50) == 0 {
		return strings.Repeat(n, 70_000)
	}
	return strings.Repeat(n, min(max(p.Length-1+v.random.IntN(3), 0), 2000))
}

// odd adds what no command knows, and maps in all their forms.
func (v *values) odd(form url.Values) {
	if v.random.IntN(4) > 0 {
		return
	}
	field := v.pick([]string{"tags", "details", "nosuch", "iptonetworklist", "rules", "usage", "params"})
	form.Set(field+v.pick([]string{"[0].key", "[0].a.b", "[99999999999].k", "[-1].k", "[0]", "[", "[]", "[x].y", "[0][1].k", "[0].k[", ".k", ""}), v.pick(words))
	if v.random.IntN(2) == 0 {
		form.Set("listall", "true")
	}
}

// words are values that one or another parameter takes.
var words = []string{"x", "web", "tcp", "udp", "icmp", "all", "80", "10.1.1.1", "10.1.1.0/24", "0.0.0.0/0", "255.255.255.0", "fd00::/64", "Admin", "User",
	"roundrobin", "source", "LbCookie", "self", "featured", "executable", "KVM", "Advanced", "Guest", "Isolated", "Shared", "allow", "deny", "scaleup", "GT",
	"http://127.0.0.1:1/image.qcow2", "https://[::1", "ftp://", "vlan://300", "300-400", "100", "true", "UserVm", "Network", "0 3 * * *", "UTC", "Asia/Seoul",
	"HOURLY", "5", "Zone", "admin", "user", "ROOT", "admin@example.com", "password", "IyEvYmluL3NoCg==", "ssh-rsa AAAA x", "start", "QCOW2", "vpn", "Egress"}

// oddities are values of wrong types and encodings.
var oddities = []string{"", " ", "abc", "-1", "1.5", "1e3", "0x10", "NaN", "99999999999999999999", "-9223372036854775809", "9223372036854775807", "null", "{}",
	"[]", `{"a":1}`, "\xff\xfe", "\xc0\x80", "\xed\xa0\x80", "ünïcode", "안녕", "😀", "\u202eabc", "a\u0301", "\ufeff", "\x00", "\x01", "\x7f", "a\tb", "a\r\nb: c",
	"%zz", "%00", "%252e", "a&b=c", "a+b", "'; drop table vm; --", "<script>", "]]>", "../../../../etc/passwd", "/dev/zero", "$(reboot)", "`id`", ",", ",,,", "a,,b",
	"10.1.1.256", "10.1.1.0/33", "1.2.3", "::", "0.0.0.0/0,300.1.1.1/8", "99:99:99:99:99:99", "2026-13-45", "65536-1", "5-", "-5", "-", "*", "****", "* * * * * *",
	"@", "[", "\\", "//", "=", "H4sIAAAAAAAA", "====", "-----BEGIN CERTIFICATE-----", noUUID, strings.ToUpper(noUUID), "none", "undefined", "٣"}

var wholeNumber = regexp.MustCompile(`^\s*[+-]?[0-9]+\s*$`)

// invalid says what the API table has against a call; "" if it has nothing. It is written from the table's side and knows nothing of how
// the cloud checks; where that takes more than the table, it is silent.
func invalid(cmd *apitable.Command, kinds map[string]kind, form url.Values, known func(string) bool) string {
	sent := make(map[string]string)
	for name, v := range form {
		sent[lowerName(name)] = v[0]
		if strings.ContainsFunc(v[0], func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' || r == 0x7f }) {
			return "a control character is in " + name
		}
	}
	for _, p := range cmd.Params {
		v, given := sent[p.Name]
		_, spoken := kinds[p.Name]
		switch {
		case p.Required && p.Type != apitable.Map && !given:
			return p.Name + " is missing"
		case v == "":
			continue
		case slices.Contains([]apitable.Type{apitable.Integer, apitable.Short, apitable.Long}, p.Type):
			bits := 64
			if p.Type != apitable.Long {
				bits = 32
			}
			if _, err := strconv.ParseInt(strings.TrimPrefix(strings.TrimSpace(v), "+"), 10, bits); err != nil || !wholeNumber.MatchString(v) {
				return fmt.Sprintf("%s is no number of %d bits", p.Name, bits)
			}
		case p.Type == apitable.String && len([]rune(v)) > p.Length:
			return p.Name + " is too long"
		case p.Type == apitable.UUID && !spoken && !known(v) && !wholeNumber.MatchString(v) && v != "-1":
			return p.Name + " names nothing"
		}
	}
	return ""
}
