package declarative_test

import (
	"testing"
	"testing/synctest"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/cloudstack/apifake"
	"github.com/moldctl/moldctl/sdk/declarative"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

const ranges = `
plugin: ranges
version: 1.0.0
protocol: 1
summary: Ranges of addresses.
transport: cloudstack
types:
  range:
    summary: A range.
    attributes:
      id: {type: string, computed: true, doc: The id.}
      pod: {type: string, required: true, lookup: pod, param: podid, doc: The pod.}
      start: {type: string, required: true, param: startip, field: firstip, doc: The first address.}
    create: {call: createRange, result: range}
    read: {call: listRanges, result: range}
    delete: {call: deleteRange}
    identity: {natural: [pod, start]}
`

// TestNaturalAttributes loses the answer to a create whose identity names
// attributes: they are compared with the fields that show them, and what was
// looked up by the id that was sent.
func TestNaturalAttributes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		listed []apifake.Object
		id     string
		sent   int
	}{
		"made":             {[]apifake.Object{{"id": "other", "podid": "p-2", "firstip": "10.0.0.1"}, {"id": "it", "podid": "p-1", "firstip": "10.0.0.1"}}, "it", 1},
		"somebody's in it": {[]apifake.Object{{"id": "other", "podid": "p-1", "firstip": "10.0.0.9"}}, "", 3},
		"nothing was made": {nil, "", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api := apifake.New()
				api.Always("createRange", apifake.Refuse(530, "no answer"))
				api.Always("listRanges", apifake.List("range", tc.listed...))
				client, err := api.Client()
				if err != nil {
					t.Fatal(err)
				}
				spec, diags := pluginspec.Parse("ranges.yaml", []byte(ranges))
				if diags.HasErrors() {
					t.Fatal(diags)
				}
				typ := spec.Types["range"]
				made := declarative.New(spec).Create(t.Context(), declarative.Request{
					Type: typ, Cloud: client, Identity: me, Operation: "op",
					Planned: planned(typ, map[string]cty.Value{"pod": text("pod one"), "start": text("10.0.0.1")}),
					Lookups: map[string]cloudstack.Object{"pod": {"id": "p-1", "name": "pod one"}},
				})
				id := ""
				if made.Value != cty.NilVal {
					id = show(made.Value)["id"]
				}
				if id != tc.id {
					t.Errorf("found %q, want %q: %s", id, tc.id, details(made.Problems))
				}
				if sent := len(api.Keys()); sent != tc.sent {
					t.Errorf("createRange was announced %d times, want %d", sent, tc.sent)
				}
			})
		})
	}
}
