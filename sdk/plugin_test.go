package sdk

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/moldctl/moldctl/sdk/wire"
)

// onlyRead has one verb of many.
type onlyRead struct{}

func (onlyRead) Read(_ context.Context, _ *Request, prior netS) (netS, error) { return prior, nil }

func TestNewServerRefuses(t *testing.T) {
	t.Parallel()
	type lacking struct {
		ID string `mold:"id"`
	}
	tests := map[string]struct {
		plugin Plugin
		want   []string
	}{
		"no handler": {Plugin{Spec: []byte(netSpec)}, []string{
			`type net: plugin.yaml says that code serves "create", but there is no handler for the type`,
			`code serves "find"`,
		}},
		"verbs missing": {Plugin{Spec: []byte(netSpec), Handlers: Handlers{"net": Handle[netS](onlyRead{})}}, []string{
			`plugin.yaml says that code serves "create", but the handler has no method Create`,
			`has no method Prune`,
		}},
		"struct does not fit": {Plugin{Spec: []byte(netSpec), Handlers: Handlers{"net": Handle[lacking](onlyRead{})}}, []string{
			"type net: struct lacking has no field tagged `mold:\"cidr\"`",
		}},
		"handler of no type": {Plugin{Spec: []byte(netSpec), Handlers: Handlers{"net": Handle[netS](netHandler{}), "nte": Handle[netS](netHandler{})}}, []string{
			`there is a handler for the type "nte", which plugin.yaml does not have`,
		}},
		"empty handler": {Plugin{Spec: []byte(netSpec), Handlers: Handlers{"net": {}}}, []string{"make it with sdk.Handle"}},
		"wrong yaml":    {Plugin{Spec: []byte("plugin: x\nversion: 1\n")}, []string{"plugin.yaml:2,10-11: Invalid version", "serves nothing"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := NewServer(tt.plugin)
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v\nwant %q", err, want)
				}
			}
		})
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	client, _ := connect(t, netHandler{})
	reply, err := client.Describe(t.Context(), &wire.DescribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if string(reply.GetPluginYaml()) != netSpec || strings.Join(reply.GetHandlers(), " ") != "net.create net.read net.update net.delete net.prune net.plan net.check net.find" {
		t.Errorf("reply: %v", reply)
	}
}

func TestServeContextExplainsItself(t *testing.T) {
	t.Parallel()
	if os.Getenv(wire.Handshake.MagicCookieKey) != "" {
		t.Skip("the tests themselves run as a plugin")
	}
	err := ServeContext(t.Context(), Plugin{Spec: []byte(netSpec), Handlers: Handlers{"net": Handle[netS](netHandler{})}})
	if err == nil || !strings.Contains(err.Error(), "is a plugin of moldctl") {
		t.Errorf("got %v", err)
	}
}

func TestWatchParent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		gone := false
		watchParent(t.Context(), 7, func() int {
			if looks++; looks < 3 {
				return 7
			}
			return 1
		}, func() { gone = true })
		if !gone || looks != 3 {
			t.Errorf("after %d looks: gone %t", looks, gone)
		}
	})
}
