package pluginspec

import (
	"testing"

	"github.com/zclconf/go-cty/cty"
)

func TestEqual(t *testing.T) {
	t.Parallel()
	str := cty.StringVal
	list := func(words ...string) cty.Value {
		out := make([]cty.Value, len(words))
		for i, w := range words {
			out[i] = str(w)
		}
		return cty.ListVal(out)
	}
	tests := map[string]struct {
		rule string
		x, y cty.Value
		want bool
	}{
		"same":                      {"", str("a"), str("a"), true},
		"different":                 {"", str("a"), str("A"), false},
		"null and empty text":       {"", cty.NullVal(cty.String), str(""), true},
		"null and empty list":       {"", cty.NullVal(cty.List(cty.String)), cty.ListValEmpty(cty.String), true},
		"empty and something":       {"", str(""), str("a"), false},
		"false is not null":         {"", cty.False, cty.NullVal(cty.Bool), false},
		"not known yet":             {"", cty.UnknownVal(cty.String), str("a"), false},
		"both not known yet":        {"", cty.UnknownVal(cty.String), cty.UnknownVal(cty.String), false},
		"marks":                     {"", str("a").Mark("sensitive"), str("a"), true},
		"case":                      {"case", str("TCP"), str("tcp"), true},
		"case in a list":            {"case", list("TCP", "udp"), list("tcp", "UDP"), true},
		"case, order matters":       {"case", list("a", "b"), list("b", "a"), false},
		"space":                     {"space", str(" a  b\n"), str("a b"), true},
		"space, words differ":       {"space", str("ab"), str("a b"), false},
		"cidr, host bits":           {"cidr", str("10.1.1.7/24"), str("10.1.1.0/24"), true},
		"cidr, address":             {"cidr", str("10.1.1.7"), str("10.1.1.7/32"), true},
		"cidr, other length":        {"cidr", str("10.1.1.0/24"), str("10.1.1.0/25"), false},
		"cidr, no network":          {"cidr", str("x"), str("y"), false},
		"cidr in sets":              {"cidr", cty.SetVal([]cty.Value{str("10.0.0.1/8"), str("::1")}), cty.SetVal([]cty.Value{str("::1/128"), str("10.0.0.0/8")}), true},
		"cidr in sets, one missing": {"cidr", cty.SetVal([]cty.Value{str("10.0.0.1/8")}), cty.SetVal([]cty.Value{str("11.0.0.0/8")}), false},
		"json":                      {"json", str(`{"a": 1, "b": [2]}`), str(`{"b":[2],"a":1}`), true},
		"json, other":               {"json", str(`{"a": 1}`), str(`{"a": 2}`), false},
		"json, none":                {"json", str(`{`), str(`{ `), false},
		"set of a list":             {"set", list("b", "a", "a"), list("a", "b"), true},
		"set of a text and a list":  {"set", str("a,b"), list("b", "a"), true},
		"set, other":                {"set", str("a,b"), str("a,c"), false},
		"map, element by element":   {"case", cty.MapVal(map[string]cty.Value{"k": str("A")}), cty.MapVal(map[string]cty.Value{"k": str("a")}), true},
		"map, other key":            {"case", cty.MapVal(map[string]cty.Value{"k": str("A")}), cty.MapVal(map[string]cty.Value{"l": str("a")}), false},
		"unlike types do not panic": {"case", str("a"), cty.True, false},
	}
	formats := map[string]struct {
		rule string
		x, y cty.Value
		want bool
	}{
		"a range of one port":     {"port_range", str("80"), str("80-80"), true},
		"a longer range":          {"port_range", str("80"), str("80-81"), false},
		"one time in other units": {"duration", str("1m"), str("60s"), true},
		"another time":            {"duration", str("1m"), str("61s"), false},
		"no time":                 {"duration", str("soon"), str("later"), false},
		"ipv6":                    {"ipv6", str("2001:DB8::1"), str("2001:db8:0::1"), true},
		"other ipv6":              {"ipv6", str("2001:db8::1"), str("2001:db8::2"), false},
		"mac":                     {"mac", str("02:00:4C:5F:00:0A"), str("02-00-4c-5f-00-0a"), true},
		"other mac":               {"mac", str("02:00:4c:5f:00:0a"), str("02:00:4c:5f:00:0b"), false},
		"uuid":                    {"uuid", str("6F5A4C9E-3c5b-4b7e-9a41-0c2d3e4f5a6b"), str("6f5a4c9e-3c5b-4b7e-9a41-0c2d3e4f5a6b"), true},
		"json by its format":      {"json", str(`{"a": 1}`), str(`{"a":1}`), true},
		"host bits may count":     {"cidr", str("10.1.1.7/24"), str("10.1.1.0/24"), false},
		"in sets":                 {"port_range", cty.SetVal([]cty.Value{str("80"), str("81-90")}), cty.SetVal([]cty.Value{str("80-80"), str("81-90")}), true},
	}
	for name, tt := range formats {
		t.Run("format: "+name, func(t *testing.T) {
			t.Parallel()
			if got := Equal(&Attribute{Format: tt.rule}, tt.x, tt.y); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &Attribute{Equal: tt.rule}
			if got := Equal(a, tt.x, tt.y); got != tt.want {
				t.Errorf("got %t", got)
			}
			if got := Equal(a, tt.y, tt.x); got != tt.want {
				t.Errorf("turned round: got %t", got)
			}
		})
	}
}
