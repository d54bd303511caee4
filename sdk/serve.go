package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/moldctl/moldctl/sdk/wire"
)

// parentCheck is how often a plugin looks whether its host is alive, where the
// kernel does not end it with the host.
const parentCheck = time.Second

// Serve runs a plugin process until the host ends it. It never returns
// normally: a mistake in the plugin is told on stderr and ends the process
// with status 1.
func Serve(p Plugin) {
	if err := ServeContext(context.Background(), p); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// ServeContext is Serve for a program that has its own way to end: it returns
// when the context ends, the host ends the plugin, or the host is gone. The
// program ends then, and with it what is under way.
func ServeContext(ctx context.Context, p Plugin) error {
	server, err := NewServer(p)
	if err != nil {
		return fmt.Errorf("plugin cannot be served:\n%w", err)
	}
	if os.Getenv(wire.Handshake.MagicCookieKey) != wire.Handshake.MagicCookieValue {
		return errors.New("this program is a plugin of moldctl: moldctl starts it when a stack needs it")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go watchParent(ctx, os.Getppid(), os.Getppid, cancel)
	done := make(chan struct{})
	go func() {
		defer close(done)
		plugin.Serve(&plugin.ServeConfig{
			HandshakeConfig: wire.Handshake,
			Plugins:         wire.ServerPlugins(server),
			Logger:          hclog.New(&hclog.LoggerOptions{Output: io.Discard}),
			GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
				return grpc.NewServer(append(opts, wire.ServerOptions()...)...)
			},
		})
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// watchParent cancels when the process has got another parent: the host has
// died. Reading stdin would tell as well, but stdin is the user's.
func watchParent(ctx context.Context, host int, parent func() int, cancel func()) {
	tick := time.NewTicker(parentCheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if parent() != host {
				cancel()
				return
			}
		}
	}
}
