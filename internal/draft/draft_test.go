package draft_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/moldctl/moldctl/internal/draft"
	"github.com/moldctl/moldctl/sdk/apitable"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// TestDraftsAreSound drafts a type from every command there is: what comes out
// parses and passes the lint, but for the examples, which are the author's.
func TestDraftsAreSound(t *testing.T) {
	t.Parallel()
	table, err := apitable.Load()
	if err != nil {
		t.Fatal(err)
	}
	var drafted []string
	for _, command := range table.Names() {
		text, err := draft.Plugin(table, "acme_thing", command)
		if err != nil {
			continue
		}
		drafted = append(drafted, command)
		spec, diags := pluginspec.Parse("plugin.yaml", text)
		if !diags.HasErrors() {
			diags = append(diags, pluginspec.Lint(spec, table)...)
			diags = slices.DeleteFunc(diags, func(d *hcl.Diagnostic) bool { return d.Summary == "Missing example" })
		}
		if len(diags) > 0 {
			t.Errorf("%s: %v\n%s", command, diags, text)
		}
	}
	for _, must := range []string{"createAffinityGroup", "createNetwork", "createNetworkACL", "createVPC", "deployVirtualMachine", "createVolume", "createFirewallRule"} {
		if !slices.Contains(drafted, must) {
			t.Errorf("nothing is drafted from %s", must)
		}
	}
	if len(drafted) < 60 {
		t.Errorf("only %d commands are drafted from: %s", len(drafted), strings.Join(drafted, " "))
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	table, err := apitable.Load()
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct{ typ, command, want string }{
		"unknown command": {"acme_group", "createAffinityGrupp", "no command"},
		"not a maker":     {"acme_group", "listZones", "does not make an object"},
		"no prefix":       {"group", "createAffinityGroup", "no underscore"},
		"nothing deletes": {"acme_tag", "createConsoleEndpoint", "takes away"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := draft.Plugin(table, tt.typ, tt.command)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
