package pluginhost

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/moldctl/moldctl/sdk/wire"
)

// configuredPlugin remembers the last cloud it was handed.
type configuredPlugin struct {
	wire.PluginClient
	clouds []*wire.Cloud
}

func (p *configuredPlugin) Configure(_ context.Context, in *wire.ConfigureRequest, _ ...grpc.CallOption) (*wire.ConfigureReply, error) {
	p.clouds = append(p.clouds, in.GetCloud())
	return &wire.ConfigureReply{Identity: &wire.CloudIdentity{}}, nil
}

func TestBoundReachesRunningPlugins(t *testing.T) {
	t.Parallel()
	h, diags := New(Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	h.SetCloud(&wire.Cloud{Alias: "", ApiKey: "key"})
	h.SetCloud(&wire.Cloud{Alias: "other"})
	plugin := &configuredPlugin{}
	p := newProcess(h, Source{Name: "test"})
	p.rpc = plugin
	h.children["test"] = p
	first, second := time.Unix(1000, 0), time.Unix(2000, 0)
	h.Bound(first) // the plugin has no cloud yet, and hears of the bound with it
	if len(plugin.clouds) != 0 {
		t.Errorf("a plugin was told of clouds it does not have: %v", plugin.clouds)
	}
	if _, _, err := p.configure(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	h.Bound(second)
	if len(plugin.clouds) != 2 || plugin.clouds[0].GetExpiresUnix() != 1000 || plugin.clouds[1].GetExpiresUnix() != 2000 || plugin.clouds[1].GetApiKey() != "key" {
		t.Errorf("the plugin was told %v, want its cloud with the first and then with the second bound", plugin.clouds)
	}
	h.SetCloud(&wire.Cloud{Alias: "late"})
	if got := h.clouds["late"].GetExpiresUnix(); got != 2000 {
		t.Errorf("a cloud that came later is bound to %d, want 2000", got)
	}
}
