package wire

import (
	"context"

	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
)

// PluginName is the name under which a process serves the Plugin service.
const PluginName = "moldctl"

// MaxMessage bounds one message in bytes. It is far above what real stacks
// need: a value this large is a mistake, and saying so beats running out of
// memory.
const MaxMessage = 64 << 20

// Handshake is how host and plugin recognise each other. It is no secret: it
// keeps people from starting a plugin by hand and wondering.
var Handshake = plugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "MOLDCTL_PLUGIN",
	MagicCookieValue: "moldctl.plugin.v1",
}

// ClientPlugins is what the host hands to go-plugin; dispensing PluginName
// yields a PluginClient.
func ClientPlugins() plugin.PluginSet { return plugin.PluginSet{PluginName: &glue{}} }

// ServerPlugins is what a plugin process hands to go-plugin.
func ServerPlugins(server PluginServer) plugin.PluginSet {
	return plugin.PluginSet{PluginName: &glue{server: server}}
}

// DialOptions are the host's options of the connection.
func DialOptions() []grpc.DialOption {
	return []grpc.DialOption{grpc.WithDefaultCallOptions(
		grpc.MaxCallRecvMsgSize(MaxMessage), grpc.MaxCallSendMsgSize(MaxMessage))}
}

// ServerOptions are the plugin's options of the connection.
func ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{grpc.MaxRecvMsgSize(MaxMessage), grpc.MaxSendMsgSize(MaxMessage)}
}

// glue ties the generated service to go-plugin.
type glue struct {
	plugin.NetRPCUnsupportedPlugin
	server PluginServer
}

// GRPCServer registers the service in a plugin process.
func (g *glue) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	RegisterPluginServer(s, g.server)
	return nil
}

// GRPCClient returns the host's client.
func (g *glue) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return NewPluginClient(conn), nil
}
