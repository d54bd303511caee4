package endtoend_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/sdk/apitable"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// unproven are parameters of changes that we send although they are in no
// exchange of testdata/accepted.txt, and why that is right.
var unproven = map[string]string{
	"createNetwork externalid":                "measured, also for ordinary users: listNetworks shows it again",
	"createVMSnapshot description":            "only a text beside the name; the table has it",
	"deleteAffinityGroup id":                  "either id or name; the table has both",
	"deleteTemplate forced":                   "measured: machines that still use the template do not hold it up",
	"deleteUserData id":                       "the only parameter it needs",
	"resizeVolume shrinkok":                   "asked for by the server's refusal to make a disk smaller",
	"deployVirtualMachine ipaddress":          "the address in the default network; iptonetworklist is for several",
	"updatePortForwardingRule privateport":    "the table has it; the answer shows it as a string",
	"updatePortForwardingRule privateendport": "the same as privateport unless the rule is for a range",
}

// TestRequests makes, changes and removes an object of every bundled type, and
// looks at each request with the eyes of a real server.
func TestRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newTap(t, w.cloud.Endpoint())
	w.endpoint = p.URL
	table, err := apitable.Load()
	if err != nil {
		t.Fatal(err)
	}
	before := w.inventory()
	var all []request
	for _, step := range []struct{ name, file, action string }{
		{"create", "everything.hcl", "apply"},
		{"no change", "everything.hcl", "plan"},
		{"update", "everything-changed.hcl", "apply"},
		{"no further change", "everything-changed.hcl", "plan"},
		{"destroy", "everything-changed.hcl", "destroy"},
	} {
		text, err := os.ReadFile("testdata/" + step.file)
		if err != nil {
			t.Fatal(err)
		}
		w.write(string(text))
		out := w.must(step.action)
		if step.action == "plan" && len(out.Steps) != 0 {
			t.Errorf("%s: the plan is not empty: %v", step.name, out.Steps)
		}
		sent := p.taken(t)
		var wrong []string
		for _, r := range sent {
			for _, fault := range faults(table, r) {
				wrong = append(wrong, r.Command+": "+fault)
			}
		}
		slices.Sort(wrong)
		for _, fault := range slices.Compact(wrong) {
			t.Errorf("%s: %s", step.name, fault)
		}
		all = append(all, sent...)
	}
	for _, name := range unseen(t, all) {
		if unproven[name] == "" {
			t.Errorf("no real server was seen to accept %s", name)
		}
	}
	if diff := cmp.Diff(before, w.inventory()); diff != "" {
		t.Errorf("left over (-before +after):\n%s", diff)
	}
}

// TestRequestsCoverEveryType sees to it that a new type finds its way into the
// stacks of TestRequests.
func TestRequestsCoverEveryType(t *testing.T) {
	t.Parallel()
	text := stacksOfRequests(t)
	for name, p := range bundled() {
		spec, diags := pluginspec.Parse(name, p.Spec)
		if diags.HasErrors() {
			t.Fatalf("%s: %v", name, diags)
		}
		for _, typ := range spec.Types {
			// The declarative ones are in TestExampleRequests otherwise; a listing has no request worth a look.
			if typ.Create != nil && typ.Create.Handler && !strings.Contains(text, `resource "`+typ.Name+`"`) {
				t.Errorf("no resource %q in the stacks", typ.Name)
			}
		}
	}
}
