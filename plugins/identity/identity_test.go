package identity_test

import (
	"testing"

	"github.com/moldctl/moldctl/plugins/identity"
	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/apitable"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

func spec(t *testing.T) *pluginspec.Plugin {
	t.Helper()
	p, diags := pluginspec.Parse("plugin.yaml", identity.Plugin.Spec)
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	return p
}

func TestServes(t *testing.T) {
	t.Parallel()
	if _, err := sdk.NewServer(identity.Plugin); err != nil {
		t.Fatal(err)
	}
}

// TestFitsTheAPI checks every command, parameter and field against the API's
// own table, and that everything is documented.
func TestFitsTheAPI(t *testing.T) {
	t.Parallel()
	table, err := apitable.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range pluginspec.Lint(spec(t), table) {
		t.Error(d)
	}
}
