package pluginspec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"go.yaml.in/yaml/v4"
)

// actions reads what can be done with an object, by name.
func (s *source) actions(n *yaml.Node) map[string]*Action {
	out := map[string]*Action{}
	s.entries(n, "actions", func(key, value *yaml.Node) {
		a := &Action{Name: key.Value, Range: s.rangeOf(key)}
		s.named(key, "action", simpleName)
		ok := s.mapping(value, "an action", fields{
			"doc":       func(_, v *yaml.Node) { a.Doc, _ = s.str(v) },
			"call":      func(_, v *yaml.Node) { a.Call = s.call(v, nil) },
			"arguments": func(_, v *yaml.Node) { a.Arguments = s.attributes(v) },
		})
		if ok {
			s.need(value, "call", a.Call != nil, `"call" is missing: the call that carries the action out.`)
		}
		if a.Call == nil {
			return
		}
		out[a.Name] = a
	})
	return out
}

// Parse turns arguments as a user writes them into a value: an object of all
// arguments, null where nothing was given.
func (a *Action) Parse(given map[string]string) (cty.Value, error) {
	attrs := map[string]cty.Value{}
	var names []string
	for _, arg := range a.Arguments {
		names = append(names, arg.Name)
		text, ok := given[arg.Name]
		if !ok {
			if arg.Required {
				return cty.NilVal, fmt.Errorf("the action %s needs the argument %q: %s", a.Name, arg.Name, arg.Doc)
			}
			attrs[arg.Name] = cty.NullVal(arg.Type)
			continue
		}
		v, err := convert.Convert(cty.StringVal(text), arg.Type)
		if err != nil {
			return cty.NilVal, fmt.Errorf("argument %q of the action %s: %q is no %s", arg.Name, a.Name, text, arg.Type.FriendlyName())
		}
		attrs[arg.Name] = v
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(names, name) {
			return cty.NilVal, fmt.Errorf("the action %s has no argument %q.%s", a.Name, name, didYouMean(name, names))
		}
	}
	v := cty.ObjectVal(attrs)
	if problems := validateObject(a.Arguments, nil, nil, v); len(problems) > 0 {
		return cty.NilVal, fmt.Errorf("the action %s: %s", a.Name, strings.TrimSpace(problems[0].Detail))
	}
	return v, nil
}
