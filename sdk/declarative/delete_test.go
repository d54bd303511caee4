package declarative_test

import (
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack/apifake"
	"github.com/moldctl/moldctl/sdk/declarative"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// TestDeleteWaitsForExpunge deletes a network in which machines were, as a user
// who may not expunge them.
func TestDeleteWaitsForExpunge(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		expunged   time.Duration // when the cloud lets the network go
		mayOneself bool
		machines   []apifake.Object
		status     declarative.Status
		least      time.Duration
		most       time.Duration
	}{
		"expunged soon":           {25 * time.Second, false, nil, declarative.Gone, 25 * time.Second, 40 * time.Second},
		"still listed":            {25 * time.Second, false, []apifake.Object{{"id": "vm-1", "state": "Destroyed"}}, declarative.Gone, 25 * time.Second, 40 * time.Second},
		"expunged tomorrow":       {24 * time.Hour, false, nil, declarative.Partial, time.Minute, 80 * time.Second},
		"a machine is in use":     {24 * time.Hour, false, []apifake.Object{{"id": "vm-1", "state": "Running"}}, declarative.OK, 0, 10 * time.Second},
		"who may expunge is told": {24 * time.Hour, true, nil, declarative.OK, 0, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				api := apifake.New()
				api.Always("listNetworks", apifake.List("network", apifake.Object{"id": "net-1", "name": "n1", "state": "Implemented"}))
				api.Always("listVirtualMachines", apifake.List("virtualmachine", tc.machines...))
				api.On("deleteNetwork", func(url.Values) apifake.Answer {
					if time.Since(began) < tc.expunged {
						return apifake.Fail("", 530, "Failed to delete network")
					}
					return apifake.Done()
				})
				client, err := api.Client()
				if err != nil {
					t.Fatal(err)
				}
				who := me
				who.MayExpunge = tc.mayOneself
				spec := plugin(t, network)
				typ := spec.Types["network"]
				got := declarative.New(spec).Delete(t.Context(), declarative.Request{
					Type: typ, Cloud: client, Identity: who, Prior: planned(typ, map[string]cty.Value{"id": text("net-1"), "name": text("n1")}),
				})
				if got.Status != tc.status {
					t.Errorf("status %v, want %v: %s", got.Status, tc.status, details(got.Problems))
				}
				if took := time.Since(began); took < tc.least || took > tc.most {
					t.Errorf("took %s, want %s to %s", took, tc.least, tc.most)
				}
				hint := strings.Contains(details(got.Problems), "may not expunge")
				if waits := tc.status == declarative.Partial; waits && (len(got.Problems) != 1 || !got.Problems[0].Warning) {
					t.Errorf("a delete that waits says %+v", got.Problems)
				}
				if want := tc.status != declarative.Gone && !tc.mayOneself; hint != want {
					t.Errorf("hint %t, want %t: %s", hint, want, details(got.Problems))
				}
			})
		})
	}
}

// TestDeleteWaitsUntilGone deletes over an API that says it will, and takes its
// time.
func TestDeleteWaitsUntilGone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		wait   string
		lasts  time.Duration
		status declarative.Status
		says   string
		least  time.Duration
	}{
		"gone after a while": {"{every: 1s}", 5 * time.Second, declarative.Gone, "", 5 * time.Second},
		"gone at once":       {"{every: 1s}", 0, declarative.Gone, "", 0},
		"never gone":         {"{every: 1s, timeout: 10s}", time.Hour, declarative.Partial, "wait until it is gone", 10 * time.Second},
		"not waited for":     {"", time.Hour, declarative.Gone, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				api := apifake.New()
				api.Always("deleteWidget", apifake.Done())
				api.On("listWidgets", func(url.Values) apifake.Answer {
					if time.Since(began) < tc.lasts {
						return apifake.List("widget", apifake.Object{"id": "w", "name": "n", "state": "Deleting"})
					}
					return apifake.List("widget")
				})
				client, err := api.Client()
				if err != nil {
					t.Fatal(err)
				}
				source := strings.Replace(widgets, "{call: deleteWidget}", "{call: deleteWidget, wait: "+tc.wait+"}", 1)
				if tc.wait == "" {
					source = widgets
				}
				spec, diags := pluginspec.Parse("widgets.yaml", []byte(source))
				if diags.HasErrors() {
					t.Fatal(diags)
				}
				typ := spec.Types["widget"]
				got := declarative.New(spec).Delete(t.Context(), declarative.Request{
					Type: typ, Cloud: client, Identity: me, Prior: planned(typ, map[string]cty.Value{
						"id": text("w"), "name": text("n"), "lid": cty.NullVal(typ.ImpliedType().AttributeType("lid")),
						"part": cty.ListValEmpty(typ.ImpliedType().AttributeType("part").ElementType()),
					}),
				})
				if got.Status != tc.status || !strings.Contains(details(got.Problems), tc.says) {
					t.Errorf("status %v, want %v: %s", got.Status, tc.status, details(got.Problems))
				}
				if took := time.Since(began); took < tc.least || took > tc.least+2*time.Second {
					t.Errorf("took %s, want %s", took, tc.least)
				}
			})
		})
	}
}
