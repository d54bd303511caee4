package pluginspec_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// TestKeys checks that the parser's own account of the format knows how each
// key is read.
func TestKeys(t *testing.T) {
	t.Parallel()
	keys := pluginspec.Keys()
	var unread []string
	for _, what := range slices.Sorted(maps.Keys(keys)) {
		for _, name := range slices.Sorted(maps.Keys(keys[what])) {
			if keys[what][name].Kind == "" {
				unread = append(unread, what+": "+name)
			}
		}
	}
	// These hold mappings or anything at all; the schema says so by itself.
	want := []string{
		"a block: attributes", "a block: blocks", "a block: children",
		"a call: body", "a call: headers", "a call: join", "a call: needs_state", "a call: paging", "a call: params", "a call: query", "a call: wait",
		"a plugin.yaml: config", "a plugin.yaml: http", "a plugin.yaml: steps", "a plugin.yaml: types",
		"a step: attributes",
		"a type: actions", "a type: attributes", "a type: blocks", "a type: create", "a type: delete", "a type: find", "a type: identity", "a type: plan", "a type: prune",
		"a type: read", "a type: renamed", "a type: requires", "a type: update", "a verb: calls", "an action: arguments", "an action: call", "an attribute: assign", "an attribute: default", "an attribute: example",
		"assign: add", "assign: list", "assign: remove",
		"auth: basic", "auth: header", "auth: query", "children: create", "children: delete", "children: list", "children: order", "children: update",
		"http: auth", "http: errors", "http: headers", "http: paging", "http: tls",
	}
	if diff := cmp.Diff(want, unread); diff != "" {
		t.Errorf("keys without a kind (-want +got):\n%s", diff)
	}
	if got := keys["an attribute"]["equal"].Words; !slices.Equal(got, []string{"case", "cidr", "json", "set", "space"}) {
		t.Errorf("equal may be %v", got)
	}
	if got := keys["a plugin.yaml"]["needs"]; got.Kind != "texts" || !slices.Equal(got.Words, []string{"cloud"}) {
		t.Errorf("needs is %+v", got)
	}
}
