package conformance_test

import (
	"context"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/wire"
)

// inside serves a plugin in this process, over a connection in memory: most of
// what a test of a plugin costs is starting it.
func inside(p sdk.Plugin) func() (wire.PluginClient, func()) {
	return func() (wire.PluginClient, func()) {
		service, err := sdk.NewServer(p)
		if err != nil {
			panic(err) // of a bundled plugin, which its own tests load
		}
		listener := bufconn.Listen(1 << 20)
		server := grpc.NewServer(wire.ServerOptions()...)
		wire.RegisterPluginServer(server, service)
		go func() { _ = server.Serve(listener) }() // until it is stopped, which is no error
		conn, err := grpc.NewClient("passthrough:///inside", append(wire.DialOptions(),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
			grpc.WithTransportCredentials(insecure.NewCredentials()))...)
		if err != nil {
			panic(err) // the address is a constant
		}
		return wire.NewPluginClient(conn), func() {
			_ = conn.Close() // whoever hangs up has no more use for it
			server.Stop()
		}
	}
}
