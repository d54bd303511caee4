package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/plan/render"
	"github.com/moldctl/moldctl/core/state"
)

type outputCommand struct {
	Name string `arg:"" optional:"" help:"Show only this output."`
	Raw  bool   `help:"Write the value of one output as it is, sensitive or not, for use in scripts."`
	Path string `short:"C" default:"." placeholder:"PATH" help:"Stack file or folder."`
	JSON bool   `name:"json" help:"Write JSON for programs. A sensitive output is shown only when it is named."`
}

// Run shows the outputs of the last apply. It does not need the cloud.
func (c *outputCommand) Run(ctx context.Context, io streams) (err error) {
	if c.Raw && c.Name == "" {
		return errors.New("--raw needs the name of an output")
	}
	s, err := open(ctx, io, stackFlags{Path: c.Path, JSON: c.JSON}, need{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	snap, err := s.Session().Snapshot(ctx)
	if err != nil {
		return err
	}
	list, err := readOutputs(snap)
	if err != nil {
		return err
	}
	if c.Name != "" {
		one, ok := list[c.Name]
		if !ok {
			return fmt.Errorf("there is no output %q.%s", c.Name, known(c.Name, slices.Collect(maps.Keys(list))))
		}
		return c.one(io, c.Name, one)
	}
	if c.JSON {
		return writeJSON(io.out, list.json(false))
	}
	if len(list) == 0 {
		fmt.Fprintln(io.err, "The stack has no outputs yet. They are stored by apply.")
	}
	_, err = fmt.Fprint(io.out, list.text())
	return err
}

func (c *outputCommand) one(io streams, name string, v cty.Value) error {
	switch {
	case c.Raw:
		plain, _ := v.UnmarkDeep()
		if plain.IsNull() || !plain.Type().IsPrimitiveType() {
			return fmt.Errorf("output %q is no text, number or truth value; use --json", name)
		}
		text := render.Value(plain)
		if plain.Type() == cty.String {
			text = plain.AsString()
		}
		_, err := fmt.Fprint(io.out, text)
		return err
	case c.JSON:
		return writeJSON(io.out, outputs{name: v}.json(true)[name])
	}
	_, err := fmt.Fprintln(io.out, render.Value(v))
	return err
}

// known suggests names for one that is not there.
func known(name string, names []string) string {
	if hint := diag.DidYouMean(name, names); hint != "" {
		return hint
	}
	if len(names) == 0 {
		return " There is none."
	}
	return " There are: " + diag.List(names) + "."
}

// outputs are the values of outputs by name; sensitive ones are marked.
type outputs map[string]cty.Value

func readOutputs(snap *state.Snapshot) (outputs, error) {
	list := outputs{}
	for name, o := range snap.Outputs {
		ty, err := ctyjson.UnmarshalType(o.Type)
		if err != nil {
			return nil, fmt.Errorf("read output %s: %w", name, err)
		}
		v, err := ctyjson.Unmarshal(o.Value, ty)
		if err != nil {
			return nil, fmt.Errorf("read output %s: %w", name, err)
		}
		list[name] = render.OutputValue(v, o.Sensitive)
	}
	return list, nil
}

// text lists the outputs for people.
func (o outputs) text() string {
	longest := 0
	for name := range o {
		longest = max(longest, len(name))
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(o)) {
		fmt.Fprintf(&b, "  %-*s = %s\n", longest, name, strings.ReplaceAll(render.Value(o[name]), "\n", "\n  "))
	}
	return b.String()
}

// json lists the outputs for programs; sensitive ones only if asked for.
func (o outputs) json(sensitive bool) map[string]any {
	list := map[string]any{}
	for name, v := range o {
		if eval.IsSensitive(v) && !sensitive {
			list[name] = eval.Redacted
			continue
		}
		plain, _ := v.UnmarkDeep()
		list[name] = ctyjson.SimpleJSONValue{Value: plain}
	}
	return list
}

// plain is the text of an output that is no secret, else "".
func (o outputs) plain(name string) string {
	v := o[name]
	if v.IsMarked() || v.IsNull() || v.Type() != cty.String {
		return ""
	}
	return v.AsString()
}
