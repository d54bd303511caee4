package plan

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// ApplyConfig returns a Config for carrying the plan out. It knows the values
// of everything that the plan leaves as it is; the rest is set as steps end.
func (p *Plan) ApplyConfig() *Config {
	fresh := p.Config.Fresh()
	pending := map[string]bool{}
	for _, s := range p.Steps {
		switch s.Action {
		case Create, Update, Read:
			pending[s.Key.Addr] = true
		}
	}
	p.Config.mu.Lock()
	defer p.Config.mu.Unlock()
	for block, instances := range p.Config.values {
		fresh.Expanded(block)
		for key, v := range instances {
			if inst := block.Instance(key); !pending[inst.String()] {
				fresh.Set(inst, v)
			}
		}
	}
	return fresh
}

// Configured tells whether everything the configuration says was known when
// the plan was made: what is unknown then is the cloud's to decide.
func (s *Step) Configured() bool {
	for _, a := range s.Type.Attributes {
		if a.Computed && !a.Optional {
			continue
		}
		// Optional and computed: unknown because the configuration is, or
		// because it is silent; only evaluating again tells.
		if !child(s.Planned, a.Name, a.Type).IsWhollyKnown() {
			return false
		}
	}
	for _, b := range s.Type.Blocks {
		if !child(s.Planned, b.Name, cty.DynamicPseudoType).IsWhollyKnown() {
			return false
		}
	}
	return true
}

// Exists is what the step starts from: nothing when it creates, also when it
// makes the successor of an object.
func (s *Step) Exists() cty.Value {
	if s.Action == Create && s.Replacing {
		return cty.NullVal(s.Type.ImpliedType())
	}
	return s.Prior
}

// Anew is the step that makes the object from nothing, whatever there was.
func (s *Step) Anew() *Step {
	fresh := *s
	fresh.Action, fresh.Prior, fresh.Object = Create, cty.NullVal(s.Type.ImpliedType()), nil
	for _, a := range s.Type.Attributes {
		if a.Computed && !a.Optional {
			fresh.Planned = with(fresh.Planned, a.Name, cty.UnknownVal(a.Type))
		}
	}
	return &fresh
}

// Complete puts the configuration as it is known now into what was planned.
// It lists the attributes in which that departs from the plan.
func (s *Step) Complete(config cty.Value) (cty.Value, []string) {
	proposed := propose(s.Type.Attributes, s.Type.Blocks, s.Exists(), config)
	var departures []string
	for _, a := range s.Type.Attributes {
		was, now := child(s.Planned, a.Name, a.Type), child(proposed, a.Name, a.Type)
		if !was.IsWhollyKnown() {
			if given := child(config, a.Name, a.Type); a.Computed && given.IsNull() {
				proposed = with(proposed, a.Name, was)
			}
			continue
		}
		if a.Computed && child(config, a.Name, a.Type).IsNull() {
			proposed = with(proposed, a.Name, was)
			continue
		}
		if !same(a, was, now) {
			departures = append(departures, a.Name)
		}
	}
	return proposed, departures
}

// Departures lists the attributes that the configuration sets and that came
// out otherwise.
func (s *Step) Departures(planned, got cty.Value) []string {
	var out []string
	for _, c := range compare(s.Type.Attributes, s.Type.Blocks, "", got, planned) {
		plain, _ := c.After.UnmarkDeep()
		if !plain.IsNull() && plain.IsWhollyKnown() {
			out = append(out, c.Path)
		}
	}
	return out
}

// Respell puts the names that the user wrote back where a plugin answers with
// the ids they were resolved to.
func (s *Step) Respell(planned, got cty.Value) cty.Value {
	known := make(map[string]state.Lookup, len(s.Lookups))
	for path, f := range s.Lookups {
		known[path] = state.Lookup{ID: f.ID, Name: f.Name}
	}
	plain, _ := planned.UnmarkDeep()
	got, _ = respell(s.Type, known, plain, got)
	return got
}

// MarkAs marks v as sensitive where planned is, and where the schema says so.
func MarkAs(t *pluginspec.Type, v, planned cty.Value) cty.Value {
	_, marks := planned.UnmarkDeepWithPaths()
	var paths []string
	for _, m := range marks {
		paths = append(paths, pluginspec.FormatPath(m.Path))
	}
	return MarkPaths(v, append(paths, schemaSecrets(t)...))
}

// EncodeOutput writes an output's value for the state.
func EncodeOutput(name string, v cty.Value, sensitive bool) (state.Output, error) {
	plain, _ := v.UnmarkDeep()
	ty, err := ctyjson.MarshalType(plain.Type())
	if err != nil {
		return state.Output{}, fmt.Errorf("encode the type: %w", err)
	}
	data, err := ctyjson.Marshal(plain, plain.Type())
	if err != nil {
		return state.Output{}, fmt.Errorf("encode the value: %w", err)
	}
	return state.Output{Name: name, Value: data, Type: ty, Sensitive: sensitive}, nil
}

// DecodeOutput reads an output's value from the state.
func DecodeOutput(o state.Output) (cty.Value, error) {
	ty, err := ctyjson.UnmarshalType(o.Type)
	if err != nil {
		return cty.NilVal, fmt.Errorf("read output %s: %w", o.Name, err)
	}
	v, err := ctyjson.Unmarshal(o.Value, ty)
	if err != nil {
		return cty.NilVal, fmt.Errorf("read output %s: %w", o.Name, err)
	}
	return v, nil
}
