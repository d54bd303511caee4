package declarative_test

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/declarative"
)

const balancing = "../../plugins/lb/plugin.yaml"

// rule scripts a load balancer rule with machines behind it.
func (f *fake) rule(members ...string) *fake {
	var mu sync.Mutex
	f.answer["listLoadBalancerRuleInstances"] = func(url.Values) string {
		mu.Lock()
		defer mu.Unlock()
		if len(members) == 0 {
			return `{}`
		}
		return `{"count": 1, "loadbalancerruleinstance": [{"id": "` + strings.Join(members, `"}, {"id": "`) + `"}]}`
	}
	change := func(command string, do func(ids []string)) {
		f.async(command, "", `{"success": true}`)
		answer := f.answer[command]
		f.answer[command] = func(form url.Values) string {
			mu.Lock()
			do(strings.Split(form.Get("virtualmachineids"), ","))
			mu.Unlock()
			return answer(form)
		}
	}
	change("assignToLoadBalancerRule", func(ids []string) { members = append(members, ids...) })
	change("removeFromLoadBalancerRule", func(ids []string) {
		members = slices.DeleteFunc(members, func(m string) bool { return slices.Contains(ids, m) })
	})
	return f.on("listLoadBalancerRules", `{"count": 1, "loadbalancerrule": [{"id": "rule-1"}]}`)
}

func TestAssociations(t *testing.T) {
	t.Parallel()
	const list = "listLoadBalancerRuleInstances id=rule-1"
	add := func(ids string) string { return "assignToLoadBalancerRule id=rule-1 virtualmachineids=" + ids }
	remove := func(ids string) string { return "removeFromLoadBalancerRule id=rule-1 virtualmachineids=" + ids }
	tests := map[string]struct {
		there       []string // behind the rule
		prior, want []string // of the stack; a nil prior creates, a nil want deletes
		exclusive   bool
		batch       int
		interrupted bool
		sent        []string
	}{
		"created":                     {want: []string{"b", "a"}, sent: []string{list, add("a,b")}},
		"created in batches":          {want: []string{"a", "b", "c"}, batch: 2, sent: []string{list, add("a,b"), add("c")}},
		"there already":               {there: []string{"a"}, want: []string{"a", "b"}, sent: []string{list, add("b")}},
		"one comes and one goes":      {there: []string{"a", "b"}, prior: []string{"a", "b"}, want: []string{"b", "c"}, sent: []string{list, add("c"), remove("a")}},
		"another's stays":             {there: []string{"a", "x"}, prior: []string{"a"}, want: []string{"b"}, sent: []string{list, add("b"), remove("a")}},
		"another's goes":              {there: []string{"a", "x"}, prior: []string{"a"}, want: []string{"a"}, exclusive: true, sent: []string{list, remove("x")}},
		"nothing changed":             {there: []string{"a"}, prior: []string{"a"}, want: []string{"a"}},
		"gone already":                {there: []string{"b"}, prior: []string{"a", "b"}, want: []string{"b"}, sent: []string{list}},
		"deleted":                     {there: []string{"a", "x"}, prior: []string{"a"}, sent: []string{list, remove("a")}},
		"interrupted before the last": {there: []string{"a"}, want: []string{"a", "b"}, interrupted: true, sent: []string{list, add("b")}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t).rule(test.there...)
			spec := plugin(t, balancing)
			typ := spec.Types["load_balancer_members"]
			if test.batch > 0 {
				typ.Attr("instances").Assign.Batch = test.batch
			}
			value := func(ids []string) cty.Value {
				if ids == nil {
					return cty.NullVal(typ.ImpliedType())
				}
				return planned(typ, map[string]cty.Value{"id": text("rule-1"), "rule": text("rule-1"), "instances": texts(ids...), "exclusive": cty.BoolVal(test.exclusive)})
			}
			req := declarative.Request{Type: typ, Cloud: f.client(), Identity: me, Prior: value(test.prior), Planned: value(test.want)}
			if test.interrupted {
				req.Resume = map[string]cloudstack.Settled{"add:instances[a]": {Key: "add:instances[a]", Status: cloudstack.Adopted, ID: "a"}}
			}
			rt := declarative.New(spec)
			var got declarative.Result
			want := declarative.OK
			switch {
			case test.want == nil:
				got, want = rt.Delete(t.Context(), req), declarative.Gone
			case test.prior == nil:
				got = rt.Create(t.Context(), req)
			default:
				got = rt.Update(t.Context(), req)
			}
			if got.Status != want || len(got.Problems) > 0 {
				t.Errorf("status %v: %s", got.Status, details(got.Problems))
			}
			sent := slices.DeleteFunc(f.requests(), func(s string) bool { return strings.HasPrefix(s, "listLoadBalancerRules ") })
			if diff := cmp.Diff(test.sent, sent); diff != "" && (len(test.sent) > 0 || len(sent) > 0) {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			if test.want != nil {
				if diff := cmp.Diff(show(value(test.want))["instances"], show(got.Value)["instances"]); diff != "" {
					t.Errorf("value (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// What is read is what the stack speaks of; an import takes all there is.
func TestReadAssociations(t *testing.T) {
	t.Parallel()
	f := newFake(t).rule("a", "x")
	spec := plugin(t, balancing)
	typ := spec.Types["load_balancer_members"]
	prior := func(exclusive bool) cty.Value {
		return planned(typ, map[string]cty.Value{"id": text("rule-1"), "rule": text("rule-1"), "instances": texts("a", "b"), "exclusive": cty.BoolVal(exclusive)})
	}
	results, err := declarative.New(spec).Read(t.Context(), declarative.ReadRequest{Type: typ, Cloud: f.client(), Identity: me, Items: []declarative.ReadItem{
		{Ref: "ours", ID: "rule-1", Prior: prior(false)}, {Ref: "all", ID: "rule-1", Prior: prior(true)}, {Ref: "imported", ID: "rule-1"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range results {
		got[r.Ref] = show(r.Value)["instances"]
	}
	if diff := cmp.Diff(map[string]string{"ours": "a", "all": "a,x", "imported": "a,x"}, got); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}

// A refused call leaves the elements that are there, so that the next plan shows
// just the missing ones.
func TestRefusedAssociation(t *testing.T) {
	t.Parallel()
	f := newFake(t).rule("a").async("assignToLoadBalancerRule", "", `{"errorcode": 431, "errortext": "Invalid instance id specified"}`)
	spec := plugin(t, balancing)
	typ := spec.Types["load_balancer_members"]
	got := declarative.New(spec).Create(t.Context(), declarative.Request{
		Type: typ, Cloud: f.client(), Identity: me,
		Planned: planned(typ, map[string]cty.Value{"rule": text("rule-1"), "instances": texts("a", "b"), "exclusive": cty.False}),
	})
	if got.Status != declarative.Partial || show(got.Value)["instances"] != "a" || !strings.Contains(details(got.Problems), "Invalid instance id") {
		t.Errorf("status %v, instances %s: %s", got.Status, show(got.Value)["instances"], details(got.Problems))
	}
}
