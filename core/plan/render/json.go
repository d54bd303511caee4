package render

import (
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/plan"
)

// Document is the JSON form of a plan. Fields are only ever added to it.
type Document struct {
	Format  int    `json:"format"` // 1
	Stack   string `json:"stack"`
	Destroy bool   `json:"destroy,omitempty"`
	// RefreshOnly: only the state changes, by what is in Drift.
	RefreshOnly bool `json:"refresh_only,omitempty"`
	// Partial: the plan does not look at the whole stack.
	Partial  bool           `json:"partial,omitempty"`
	Changed  bool           `json:"changed"`
	Changes  []ObjectChange `json:"changes"`
	Outputs  []OutputChange `json:"outputs"`
	Drift    []Drift        `json:"drift"`
	Recovery []string       `json:"recovery"`
	Moves    []Move         `json:"moves"`
	Summary  map[string]int `json:"summary"`
}

// ObjectChange is the change of one object.
type ObjectChange struct {
	Address    string            `json:"address"`
	Type       string            `json:"type"`
	Action     Kind              `json:"action"`
	Reason     string            `json:"reason,omitempty"`
	ID         string            `json:"id,omitempty"`
	Deposed    string            `json:"deposed,omitempty"`
	Attributes []AttributeChange `json:"attributes"`
	Planned    json.RawMessage   `json:"planned,omitempty"` // of a create or replace
	Imported   bool              `json:"imported,omitempty"`
}

// Move is an object that has another address from now on.
type Move struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// AttributeChange is one attribute that differs. A value known after apply is
// null and named in Unknown.
type AttributeChange struct {
	Path    string          `json:"path"`
	Before  json.RawMessage `json:"before"`
	After   json.RawMessage `json:"after"`
	Unknown bool            `json:"known_after_apply,omitempty"`
	Replace bool            `json:"forces_replacement,omitempty"`
}

// OutputChange is one output that differs.
type OutputChange struct {
	Name    string          `json:"name"`
	Before  json.RawMessage `json:"before"`
	After   json.RawMessage `json:"after"`
	Unknown bool            `json:"known_after_apply,omitempty"`
}

// Drift is what changed outside moldctl.
type Drift struct {
	Address string          `json:"address"`
	Gone    bool            `json:"gone,omitempty"`
	Path    string          `json:"path,omitempty"`
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
}

// JSON returns the JSON form of a plan.
func JSON(p *plan.Plan) (Document, error) {
	s := p.Summary()
	d := Document{
		Format: 1, Stack: p.Stack, Destroy: p.Destroy, RefreshOnly: p.RefreshOnly, Partial: p.Partial, Changed: p.Changed(),
		Changes: []ObjectChange{}, Outputs: []OutputChange{}, Drift: []Drift{}, Recovery: append([]string{}, p.Recovery...),
		Moves:   []Move{},
		Summary: map[string]int{"import": s.Import, "move": s.Move, "create": s.Create, "update": s.Update, "replace": s.Replace, "delete": s.Delete, "read": s.Read, "forget": s.Forget},
	}
	for _, m := range p.Moves {
		d.Moves = append(d.Moves, Move{m.From, m.To})
	}
	for _, item := range Items(p) {
		change, err := objectChange(item)
		if err != nil {
			return d, fmt.Errorf("show %s as JSON: %w", item.Step.Key.Addr, err)
		}
		d.Changes = append(d.Changes, change)
	}
	for _, o := range p.Outputs {
		if !o.Changed() {
			continue
		}
		before, after, unknown, err := pair(OutputValue(o.Before, o.Sensitive), OutputValue(o.After, o.Sensitive))
		if err != nil {
			return d, fmt.Errorf("show output %s as JSON: %w", o.Name, err)
		}
		d.Outputs = append(d.Outputs, OutputChange{o.Name, before, after, unknown})
	}
	for _, drift := range p.Drift {
		one := Drift{Address: drift.Addr, Gone: drift.Gone, Path: drift.Path}
		if !drift.Gone {
			var err error
			if one.Before, one.After, _, err = pair(drift.Before, drift.After); err != nil {
				return d, fmt.Errorf("show drift of %s as JSON: %w", drift.Addr, err)
			}
		}
		d.Drift = append(d.Drift, one)
	}
	return d, nil
}

func objectChange(item Item) (ObjectChange, error) {
	s := item.Step
	c := ObjectChange{
		Address: s.Instance.String(), Action: item.Kind, Reason: s.Reason, Deposed: s.Key.Deposed, Attributes: []AttributeChange{},
		Type: s.Instance.Resource.Type, Imported: s.Import,
	}
	switch {
	case s.Object != nil:
		c.ID = s.Object.ID
	case item.Gone != nil && item.Gone.Object != nil:
		c.ID = item.Gone.Object.ID
	}
	for _, change := range s.Changes {
		before, after, unknown, err := pair(change.Before, change.After)
		if err != nil {
			return c, err
		}
		c.Attributes = append(c.Attributes, AttributeChange{change.Path, before, after, unknown, change.Replace})
	}
	if item.Kind == Create || item.Kind == Replace {
		var err error
		if c.Planned, _, err = jsonValue(s.Planned); err != nil {
			return c, err
		}
	}
	return c, nil
}

func pair(before, after cty.Value) (x, y json.RawMessage, unknown bool, err error) {
	if x, _, err = jsonValue(before); err != nil {
		return nil, nil, false, err
	}
	y, unknown, err = jsonValue(after)
	return x, y, unknown, err
}

// jsonValue writes a value with sensitive parts redacted and what is known
// after apply as null; it tells whether there was any such part.
func jsonValue(v cty.Value) (json.RawMessage, bool, error) {
	if v == cty.NilVal {
		return json.RawMessage("null"), false, nil
	}
	shown := eval.Redact(v)
	unknown := !shown.IsWhollyKnown()
	known, err := cty.Transform(shown, func(_ cty.Path, v cty.Value) (cty.Value, error) {
		if !v.IsKnown() || v.IsNull() {
			return cty.NullVal(cty.String), nil // null of an open type would be written with its type
		}
		return v, nil
	})
	if err != nil {
		return nil, unknown, err
	}
	text, err := ctyjson.Marshal(known, known.Type())
	return text, unknown, err
}

// JSONValue writes a value with sensitive parts as "(sensitive)" and what is
// known after apply as null.
func JSONValue(v cty.Value) (json.RawMessage, error) {
	text, _, err := jsonValue(v)
	return text, err
}
