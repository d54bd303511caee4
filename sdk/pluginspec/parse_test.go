package pluginspec

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
)

// load parses a file of testdata that has no mistakes.
func load(t *testing.T, name string) *Plugin {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	p, diags := Parse(name, src)
	if len(diags) > 0 {
		t.Fatalf("parse %s: %v", name, diags.Errs())
	}
	return p
}

func TestParse(t *testing.T) {
	t.Parallel()
	p := load(t, "network.yaml")
	n := p.Types["network"]
	var order []string
	for path := range n.All() {
		order = append(order, path)
	}
	want := []string{
		"id", "name", "description", "zone", "offering", "external_id", "gateway", "state", "tags",
		"egress.protocol", "egress.ports", "egress.icmp_type", "egress.cidrs",
	}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("attributes in order (-want +got)\n%s", diff)
	}
	if got := n.Attr("offering").Default.Pick; !cmp.Equal(got, map[string]any{"guestiptype": "Isolated", "availability": "Required", "forvpc": false}) {
		t.Errorf("pick: %v", got)
	}
	if got := n.Attr("egress.cidrs").Default.Literal; !got.RawEquals(cty.SetVal([]cty.Value{cty.StringVal("0.0.0.0/0")})) {
		t.Errorf("literal default: %#v", got)
	}
	if got := p.Steps["file"].Attributes[3].Default.Literal; !got.RawEquals(cty.StringVal("0644")) {
		t.Errorf("a mode must stay as written, got %#v", got)
	}
	egress := n.BlockAt("egress")
	if egress.Nesting != Set || egress.Child.Delete.Command != "deleteEgressFirewallRule" || egress.Child.Update != nil {
		t.Errorf("egress: %+v", egress)
	}
	if !n.Read.Batch || n.Read.Calls[0].Result != "network" || n.Update.Calls[0].Key != "updateNetwork" {
		t.Errorf("verbs: %+v %+v", n.Read, n.Update)
	}
	if !n.IsResource() || !n.IsData() || n.Plugin != "network" || n.Schema != 1 {
		t.Errorf("type: %+v", n)
	}
}
