package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// candidate is a value to try: an expression, and what it needs beside it.
type candidate struct {
	expression string
	beside     []string
}

// tries is how many values are tried until one is accepted.
const tries = 4

// candidates are values for an attribute other than the one it has.
func (r *run) candidates(ctx context.Context, s *scene, a *pluginspec.Attribute, now cty.Value) ([]candidate, error) {
	hints := r.w.hints.Types[s.typ.Name]
	if why := hints.Skip[a.Name]; why != "" {
		return nil, skipf("%s: %s", HintsFile, why)
	}
	var out []candidate
	for _, text := range hints.Values[a.Name] {
		out = append(out, candidate{expression: text})
	}
	if len(out) > 0 {
		return other(out, now), nil
	}
	if address, ok := s.refers(written(s.text, a.Name)); ok {
		return []candidate{s.another(address, written(s.text, a.Name))}, nil
	}
	if a.Lookup != "" {
		return r.names(ctx, a, now)
	}
	if refersToObject(a) {
		return nil, skipf("it names another object; give values in %s", HintsFile)
	}
	rng := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // values to try
	for range tries {
		if text, ok := invent(a, rng); ok {
			out = append(out, candidate{expression: text})
		}
	}
	if out = other(out, now); len(out) == 0 {
		return nil, skipf("no other value can be made up; give some in %s", HintsFile)
	}
	return out, nil
}

// other leaves out what equals the value there is.
func other(list []candidate, now cty.Value) []candidate {
	return slices.DeleteFunc(list, func(c candidate) bool {
		v, ok := constant(c.expression)
		return ok && now != cty.NilVal && fmt.Sprintf("%#v", v) == fmt.Sprintf("%#v", now)
	})
}

// refers tells which needed object an expression names.
func (s *scene) refers(expression string) (string, bool) {
	for _, address := range s.needed {
		if address != "" && !strings.HasPrefix(address, "data.") && mentions(expression, address) {
			return address, true
		}
	}
	return "", false
}

// another names a second object instead of the one that an expression names.
func (s *scene) another(address, expression string) candidate {
	const suffix = "_other"
	i := slices.Index(s.needed, address)
	return candidate{
		expression: reference(address).ReplaceAllString(expression, address+suffix),
		beside:     []string{renamed(s.needs[i], suffix)},
	}
}

// refersToObject tells whether an attribute takes the id of another object.
func refersToObject(a *pluginspec.Attribute) bool {
	last := a.ParamNames()[0]
	return (strings.HasSuffix(last, "id") || strings.HasSuffix(last, "ids") || strings.Contains(a.ExampleText, ".id")) &&
		a.Format == "" || strings.HasPrefix(a.Doc, "Id of") || strings.HasPrefix(a.Doc, "Ids of") || strings.HasPrefix(a.Doc, "Names of")
}

// names asks which objects a lookup may find, and returns those that are not
// the one it has.
func (r *run) names(ctx context.Context, a *pluginspec.Attribute, now cty.Value) ([]candidate, error) {
	query, err := json.Marshal(map[string]string{})
	if err != nil {
		return nil, err
	}
	found, _, err := r.Host.Find(ctx, &wire.FindRequest{Type: a.Lookup, Query: query})
	if err != nil {
		return nil, err
	}
	var out []candidate
	for _, f := range found {
		same := now != cty.NilVal && !now.IsNull() && now.Type() == cty.String && slices.Contains([]string{f.GetId(), f.GetName(), f.GetDisplay()}, now.AsString())
		if !same && len(out) < tries {
			out = append(out, candidate{expression: fmt.Sprintf("%q", f.GetId())})
		}
	}
	if len(out) == 0 {
		return nil, skipf("the cloud has no other %s", a.Lookup)
	}
	return out, nil
}

// invent makes up a value that keeps the limits of an attribute; false when
// its limits do not say enough.
func invent(a *pluginspec.Attribute, rng *rand.Rand) (string, bool) {
	ty := a.Type
	switch {
	case ty.IsListType() || ty.IsSetType():
		item, ok := scalar(a, ty.ElementType(), rng)
		return "[" + item + "]", ok
	case ty.IsMapType():
		item, ok := scalar(a, ty.ElementType(), rng)
		return fmt.Sprintf("{ k%d = %s }", rng.IntN(1000), item), ok
	}
	return scalar(a, ty, rng)
}

func scalar(a *pluginspec.Attribute, ty cty.Type, rng *rand.Rand) (string, bool) {
	switch ty {
	case cty.Bool:
		return fmt.Sprint(rng.IntN(2) == 0), true
	case cty.Number:
		low, high := 1, 100
		if a.Min != nil {
			low = int(*a.Min)
			high = low + 100
		}
		if a.Max != nil {
			high = int(*a.Max)
		}
		if a.Format == "port" {
			low, high = max(low, 1024), 65535
		}
		return fmt.Sprint(low + rng.IntN(max(high-low, 0)+1)), true
	case cty.String:
		text, ok := word(a, rng)
		return fmt.Sprintf("%q", text), ok
	}
	return "", false
}

// word makes up a text.
func word(a *pluginspec.Attribute, rng *rand.Rand) (string, bool) {
	if len(a.Values) > 0 {
		return a.Values[rng.IntN(len(a.Values))], true
	}
	n := rng.IntN(200)
	switch a.Format {
	case "":
	case "ipv4":
		return fmt.Sprintf("10.1.1.%d", 20+n), true
	case "cidr":
		return fmt.Sprintf("10.1.1.%d/32", n), true
	case "port":
		return fmt.Sprint(10000 + n), true
	case "port_range":
		first := 10000 + 10*rng.IntN(3000) // so that two seldom overlap
		return fmt.Sprintf("%d-%d", first, first+rng.IntN(10)), true
	case "duration":
		return fmt.Sprintf("%ds", 10+n), true
	case "url":
		return fmt.Sprintf("http://example.com/%d", n), true
	case "json":
		return fmt.Sprintf(`{"n":%d}`, n), true
	case "mac":
		return fmt.Sprintf("02:00:00:00:00:%02x", n), true
	default:
		return "", false
	}
	text := fmt.Sprintf("text-%d", rng.IntN(1_000_000))
	if a.MaxLength != nil && *a.MaxLength < len(text) {
		text = text[len(text)-*a.MaxLength:]
	}
	if (a.Name == "description" || a.Name == "display_name") && rng.IntN(3) == 0 && a.Pattern == "" && (a.MaxLength == nil || *a.MaxLength > 40) {
		text += " with spaces, ünïcode & <signs>"
	}
	return text, a.Pattern == "" || a.Name == "name"
}
