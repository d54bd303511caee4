package render_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/core/plan/render"
	"github.com/moldctl/moldctl/core/spec/addr"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func step(action plan.Action, typ, name string, change func(*plan.Step)) *plan.Step {
	instance := addr.Instance{Resource: addr.Resource{Mode: addr.Managed, Type: typ, Name: name}}
	s := &plan.Step{Action: action, Instance: instance, Key: state.Key{Addr: instance.String()}}
	if change != nil {
		change(s)
	}
	return s
}

func object(attrs map[string]cty.Value) cty.Value { return cty.ObjectVal(attrs) }

func pipeline(digest string, contents ...string) cty.Value {
	var steps []cty.Value
	for _, c := range contents {
		steps = append(steps, object(map[string]cty.Value{"kind": cty.StringVal("file"), "name": cty.StringVal("index"), "content": cty.StringVal(c)}))
	}
	return object(map[string]cty.Value{"name": cty.StringVal("httpd"), "digest": cty.StringVal(digest), "steps": cty.TupleVal(steps)})
}

var secret = cty.StringVal("hunter2").Mark(eval.Sensitive)

// everything is a plan with one of each kind of change.
func everything() *plan.Plan {
	whole := object(map[string]cty.Value{
		"name": cty.StringVal("web"), "id": cty.UnknownVal(cty.String), "cidr": cty.UnknownVal(cty.String),
		"ports": cty.ListVal([]cty.Value{cty.NumberIntVal(80), cty.NumberIntVal(443)}), "password": secret, "absent": cty.NullVal(cty.String),
		"none": cty.ListValEmpty(cty.String), "pipeline": pipeline("abc", "one"),
		"script": cty.StringVal("#!/bin/sh\necho \"hello\"\n"), "escape": cty.StringVal("\x1b[31mred\t"),
		"rule": cty.TupleVal([]cty.Value{
			object(map[string]cty.Value{"protocol": cty.StringVal("tcp"), "ports": cty.StringVal("80-90"), "cidrs": cty.TupleVal([]cty.Value{cty.StringVal("10.0.0.0/8"), cty.StringVal("192.168.0.0/16")})}),
			object(map[string]cty.Value{"protocol": cty.StringVal("all"), "id": cty.UnknownVal(cty.String)}),
		}),
	})
	text := "a\nb\nc\nd\ne\nf\ng\nh\n"
	return &plan.Plan{
		Stack:    "web",
		Recovery: []string{"image.web: create was interrupted; its machine is taken over"},
		Drift: []plan.Drift{
			{Addr: "network.old", Gone: true},
			{Addr: "network.web", Path: "description", Before: cty.StringVal("mine"), After: cty.StringVal("theirs")},
		},
		Moves: []plan.Move{{From: "network.was", To: "network.is"}, {From: "network.longer[0]", To: `network.other["k"]`}},
		Steps: []*plan.Step{
			step(plan.NoOp, "network", "same", nil),
			step(plan.NoOp, "network", "taken", func(s *plan.Step) {
				s.Import, s.Object, s.Planned = true, &state.Object{ID: "55"}, object(map[string]cty.Value{"name": cty.StringVal("taken")})
			}),
			step(plan.Update, "network", "bent", func(s *plan.Step) {
				s.Import, s.Object, s.Reason = true, &state.Object{ID: "56"}, "name changed"
				s.Changes = []plan.Change{{Path: "name", Before: cty.StringVal("x"), After: cty.StringVal("bent")}}
			}),
			step(plan.Create, "network", "web", func(s *plan.Step) { s.Planned = whole }),
			step(plan.Update, "image", "web", func(s *plan.Step) {
				s.Reason = "pipeline, config, count, open changed"
				s.Type = &pluginspec.Type{Attributes: []*pluginspec.Attribute{{Name: "version", Computed: true}, {Name: "id", Computed: true, Optional: true}}}
				s.Changes = []plan.Change{
					{Path: "pipeline", Before: pipeline("abc", "one\ntwo\n"), After: pipeline("def", "one\n2\n")},
					{Path: "config", Before: cty.StringVal(text), After: cty.StringVal(strings.Replace(text, "e\n", "", 1))},
					{Path: "count", Before: cty.NumberIntVal(2), After: cty.NumberIntVal(3)},
					{Path: "password", Before: secret, After: cty.StringVal("other").Mark(eval.Sensitive)},
					{Path: "id", Before: cty.StringVal("1"), After: cty.UnknownVal(cty.String)},
					{Path: "version", Before: cty.NumberIntVal(1), After: cty.UnknownVal(cty.Number)},
					{Path: "tags", Before: cty.NullVal(cty.Map(cty.String)), After: cty.MapVal(map[string]cty.Value{"a b": cty.StringVal("x")})},
				}
			}),
			step(plan.Delete, "instance", "app", func(s *plan.Step) { s.Replacing, s.Object = true, &state.Object{ID: "77"} }),
			step(plan.Create, "instance", "app", func(s *plan.Step) {
				s.Replacing, s.Reason, s.Planned = true, "template changed: forces replacement", whole
				s.Changes = []plan.Change{
					{Path: "template", Before: cty.StringVal("a"), After: cty.StringVal("b"), Replace: true},
					{Path: "root.size", Before: cty.NumberIntVal(10), After: cty.NumberIntVal(20)},
				}
			}),
			step(plan.Create, "instance", "swap", func(s *plan.Step) {
				s.Replacing, s.Depose, s.Reason, s.Planned = true, true, "the last attempt left it unusable", object(map[string]cty.Value{"name": cty.StringVal("swap")})
			}),
			step(plan.Delete, "network", "old", func(s *plan.Step) {
				s.Reason, s.Object = "no longer in the stack", &state.Object{ID: "88"}
				s.Key.Deposed = "1"
			}),
			step(plan.Prune, "image", "web", func(s *plan.Step) { s.Reason = "older versions go when nothing uses them" }),
			step(plan.Forget, "network", "kept", func(s *plan.Step) { s.Object = &state.Object{ID: "99"} }),
			step(plan.Read, "zone", "z", func(s *plan.Step) { s.Planned = object(map[string]cty.Value{"name": cty.UnknownVal(cty.String)}) }),
		},
		Outputs: []plan.Output{
			{Name: "url", Before: cty.NilVal, After: cty.UnknownVal(cty.String)},
			{Name: "key", Before: cty.StringVal("hunter2"), After: cty.StringVal("hunter3"), Sensitive: true},
			{Name: "gone", Before: cty.StringVal("x"), After: cty.NilVal},
			{Name: "same", Before: cty.StringVal("x"), After: cty.StringVal("x")},
		},
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
	if strings.Contains(got, "hunter") {
		t.Errorf("%s tells a secret", name)
	}
	if strings.Contains(got, "\x1b[31mred") {
		t.Errorf("%s lets control characters of a value through", name)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	golden(t, "plan.txt", render.Text(everything(), render.Options{}))
	colored := render.Text(everything(), render.Options{Color: true})
	plain := strings.NewReplacer("\x1b[32m", "", "\x1b[33m", "", "\x1b[31m", "", "\x1b[2m", "", "\x1b[1m", "", "\x1b[0m", "").Replace(colored)
	if plain != render.Text(everything(), render.Options{}) || plain == colored {
		t.Error("colours change more than colours")
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	document, err := render.JSON(everything())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "plan.json", string(text)+"\n")
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	golden(t, "plan.md", render.Markdown(everything()))
}

// TestMarkdownIsCut checks that a plan of any size fits into a comment, and that
// it says how much is missing.
func TestMarkdownIsCut(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{Stack: "big"}
	for i := range 10_000 {
		p.Steps = append(p.Steps, step(plan.Create, "network", fmt.Sprintf("n%d", i), func(s *plan.Step) {
			s.Planned = object(map[string]cty.Value{"name": cty.StringVal("```a name")})
		}))
	}
	text := render.Markdown(p)
	shown := strings.Count(text, "+ network.n")
	if n := utf8.RuneCountInString(text); n > render.MarkdownLimit || shown < 500 {
		t.Errorf("%d characters, %d shown", n, shown)
	}
	if want := fmt.Sprintf("_%d more changes are not shown here", 10_000-shown); !strings.Contains(text, want) || !strings.Contains(text, fmt.Sprintf("To create (%d of 10000)", shown)) {
		t.Errorf("it does not say what is missing: %s", text[len(text)-300:])
	}
	if strings.Contains(text, "\n```a") || !strings.Contains(text, "````diff") {
		t.Error("a value ends the fence")
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	output := []plan.Output{{Name: "a", Before: cty.NilVal, After: cty.True}}
	tests := map[string]struct {
		plan plan.Plan
		want string
	}{
		"nothing":      {plan.Plan{Steps: []*plan.Step{step(plan.NoOp, "a", "b", nil)}}, "Nothing to do: everything is as the stack says."},
		"nothing left": {plan.Plan{Destroy: true}, "Nothing to delete: the stack has no objects."},
		"outputs only": {plan.Plan{Outputs: output}, "Plan: only outputs change."},
		"clean up":     {plan.Plan{Steps: []*plan.Step{step(plan.Prune, "a", "b", nil)}}, "Plan: 1 to clean up."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := render.Summary(&test.plan); got != test.want {
				t.Errorf("Summary = %q, want %q", got, test.want)
			}
		})
	}
}

func TestLongTextsAreNotComparedForEver(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("line\n", 100_000)
	p := &plan.Plan{Steps: []*plan.Step{step(plan.Update, "a", "b", func(s *plan.Step) {
		s.Changes = []plan.Change{{Path: "text", Before: cty.StringVal(long), After: cty.StringVal(long + "more\n")}}
	})}}
	text := render.Text(p, render.Options{})
	if !strings.Contains(text, "- 100000 lines") || !strings.Contains(text, "+ 100001 lines") {
		t.Errorf("got %.300s", text)
	}
}
