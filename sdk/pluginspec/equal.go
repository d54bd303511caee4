package pluginspec

import (
	"encoding/json"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
)

// Equal tells whether two values of an attribute mean the same to the cloud.
// Null, an empty text and an empty collection are one: the cloud does not tell
// them apart. `equal:` widens it further; without it, what the format writes in
// two ways is the same (80 and 80-80, 60s and 1m). Marks are ignored; a value that is
// not yet known equals nothing.
func Equal(a *Attribute, x, y cty.Value) bool {
	x, _ = x.UnmarkDeep()
	y, _ = y.UnmarkDeep()
	if !x.IsWhollyKnown() || !y.IsWhollyKnown() {
		return false
	}
	if isEmpty(x) || isEmpty(y) {
		return isEmpty(x) && isEmpty(y)
	}
	rule := a.Equal
	if rule == "" && a.Format != "cidr" { // whose host bits may mean something
		rule = a.Format
	}
	return x.RawEquals(y) || equalAs(rule, x, y)
}

func isEmpty(v cty.Value) bool {
	switch {
	case v.IsNull():
		return true
	case v.Type() == cty.String:
		return v.AsString() == ""
	case v.Type().IsObjectType():
		return false
	}
	return v.CanIterateElements() && v.LengthInt() == 0
}

// equalAs compares by the rule; lists and maps are compared element by
// element, but for the rule set.
func equalAs(rule string, x, y cty.Value) bool {
	if rule == "set" {
		return slices.Equal(members(x), members(y))
	}
	if x.Type() == cty.String && y.Type() == cty.String {
		return sameText(rule, x.AsString(), y.AsString())
	}
	if !x.CanIterateElements() || !y.CanIterateElements() || x.LengthInt() != y.LengthInt() {
		return x.RawEquals(y)
	}
	if x.Type().IsSetType() {
		return equalSets(rule, x.AsValueSlice(), y.AsValueSlice())
	}
	for xs, ys := x.ElementIterator(), y.ElementIterator(); xs.Next() && ys.Next(); {
		xk, xv := xs.Element()
		yk, yv := ys.Element()
		if !xk.RawEquals(yk) || (!xv.RawEquals(yv) && !equalAs(rule, xv, yv)) {
			return false
		}
	}
	return true
}

func equalSets(rule string, xs, ys []cty.Value) bool {
	rest := slices.Clone(ys)
	for _, x := range xs {
		i := slices.IndexFunc(rest, func(y cty.Value) bool { return x.RawEquals(y) || equalAs(rule, x, y) })
		if i < 0 {
			return false
		}
		rest = slices.Delete(rest, i, i+1)
	}
	return true
}

func sameText(rule, x, y string) bool {
	switch rule {
	case "case":
		return strings.EqualFold(x, y)
	case "space":
		return slices.Equal(strings.Fields(x), strings.Fields(y))
	case "cidr":
		px, okx := network(x)
		py, oky := network(y)
		return okx && oky && px == py
	case "json":
		var vx, vy any
		return json.Unmarshal([]byte(x), &vx) == nil && json.Unmarshal([]byte(y), &vy) == nil && reflect.DeepEqual(vx, vy)
	case "port_range":
		return wholeRange(x) == wholeRange(y)
	case "duration":
		dx, errx := time.ParseDuration(x)
		dy, erry := time.ParseDuration(y)
		return errx == nil && erry == nil && dx == dy
	case "ipv6":
		ax, errx := netip.ParseAddr(x)
		ay, erry := netip.ParseAddr(y)
		return errx == nil && erry == nil && ax == ay
	case "mac":
		mx, errx := net.ParseMAC(x)
		my, erry := net.ParseMAC(y)
		return errx == nil && erry == nil && mx.String() == my.String()
	case "uuid":
		return strings.EqualFold(x, y)
	}
	return x == y
}

// wholeRange writes a range of one port as a range.
func wholeRange(text string) string {
	if strings.Contains(text, "-") {
		return text
	}
	return text + "-" + text
}

// network reads a network without its host bits; an address is a network of
// one.
func network(text string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

// members are the elements of a collection, or the words of a text separated
// by commas or blanks, in order and each once.
func members(v cty.Value) []string {
	var out []string
	switch {
	case v.Type() == cty.String:
		out = strings.FieldsFunc(v.AsString(), func(r rune) bool { return r == ',' || r == ' ' })
	case v.CanIterateElements():
		for _, item := range v.AsValueSlice() {
			if item.Type().IsPrimitiveType() && !item.IsNull() {
				out = append(out, scalarText(item))
				continue
			}
			out = append(out, item.GoString())
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
