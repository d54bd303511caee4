package declarative_test

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/declarative"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// TestThousandInThreeCalls refreshes a thousand objects of one type, children
// included.
func TestThousandInThreeCalls(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	networks(f, 1000)
	spec := plugin(t, network)
	req := declarative.ReadRequest{Type: spec.Types["network"], Cloud: f.client(), Identity: me}
	for i := range 1000 {
		id := fmt.Sprintf("net-%d", i)
		req.Items = append(req.Items, declarative.ReadItem{Ref: id, ID: id, Prior: planned(req.Type, nil)})
	}
	results, err := declarative.New(spec).Read(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if r.State != declarative.Present {
			t.Fatalf("%s is in state %v: %s", r.Ref, r.State, details(r.Problems))
		}
	}
	if sent := f.requests(); len(sent) > 3 || len(results) != 1000 {
		t.Errorf("%d objects took %d calls: %.300q", len(results), len(sent), sent)
	}
}

// TestChildrenAtOnce makes a hundred children of one object. The cloud answers
// none before eight are under way: one after the other would never end, and a
// hundred at once would be more than a cloud bears.
func TestChildrenAtOnce(t *testing.T) {
	t.Parallel()
	const children, together, most = 100, 8, 20
	src, err := os.ReadFile(network)
	if err != nil {
		t.Fatal(err)
	}
	// Rules of one network wait for one another, since the cloud lets them.
	free := strings.ReplaceAll(string(src), `, serial: "${self.id}"`, "")
	spec, diags := pluginspec.Parse(network, []byte(free))
	if diags.HasErrors() || free == string(src) {
		t.Fatal(diags)
	}
	typ := spec.Types["network"]
	f := newFake(t).
		on("createNetwork", `{"network": `+webNetwork+`}`).
		async("createTags", "", `{"success": true}`).
		on("listEgressFirewallRules", `{}`)
	var mu sync.Mutex // guards what follows
	under, highest, made := 0, 0, 0
	open := make(chan struct{})
	release := sync.OnceFunc(func() { close(open) })
	f.answer["createEgressFirewallRule"] = func(p url.Values) string {
		mu.Lock()
		under++
		made++
		highest = max(highest, under)
		if made == together {
			release()
		}
		mu.Unlock()
		select {
		case <-open:
		case <-time.After(10 * time.Second):
			t.Error("children are made one after the other")
			release()
		}
		mu.Lock()
		under--
		mu.Unlock()
		id := "rule-" + p.Get("startport")
		f.mu.Lock()
		defer f.mu.Unlock()
		f.jobs["job-"+id] = `{"firewallrule": {"id": "` + id + `"}}`
		return `{"id": "` + id + `", "jobid": "job-` + id + `"}`
	}
	rules := make([]cty.Value, children)
	for i := range rules {
		rules[i] = item(typ, "egress", map[string]cty.Value{"protocol": text("tcp"), "ports": text(fmt.Sprint(8000 + i)), "cidrs": texts("10.1.1.0/24")})
	}
	req := networkRequest(f, typ)
	attrs := req.Planned.AsValueMap()
	attrs["egress"] = cty.SetVal(rules)
	req.Planned = cty.ObjectVal(attrs)
	created := declarative.New(spec).Create(t.Context(), req)
	if created.Status != declarative.OK {
		t.Fatalf("status %v: %s", created.Status, details(created.Problems))
	}
	if made != children || highest > most {
		t.Errorf("%d of %d were made, %d of them at once", made, children, highest)
	}
}
