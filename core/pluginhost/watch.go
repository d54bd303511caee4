package pluginhost

import (
	"context"
	"fmt"
	"time"

	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc/codes"
	health "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

const (
	// patience is how long a plugin may be silent. Its process answers in
	// microseconds, whatever its handlers wait for; only one that is stopped,
	// or has run wild, does not.
	patience = 20 * time.Second
	// signsOfLife is how often it is asked in that time. More than once, so that
	// a host that was asleep does not take its own sleep for the plugin's.
	signsOfLife = 4
)

// watch asks the process for a sign of life again and again, and kills it when
// none came for too long: whoever waits for it is told instead of waiting for
// ever. It ends with the process.
func (p *process) watch(client *plugin.GRPCClient) {
	defer close(p.watched)
	limit := p.host.opts.Patience
	if limit <= 0 {
		limit = patience
	}
	asker := health.NewHealthClient(client.Conn)
	each := time.NewTimer(limit / signsOfLife)
	defer each.Stop()
	for missed := 0; missed < signsOfLife; {
		select {
		case <-each.C:
		case <-p.reaped:
			return
		}
		if alive(asker, limit/signsOfLife) {
			missed = 0
			each.Reset(limit / signsOfLife)
			continue
		}
		missed++
		each.Reset(0)
	}
	p.mu.Lock()
	p.silent = fmt.Errorf("it gave no sign of life for %s and was ended", limit)
	p.mu.Unlock()
	// A plugin that has ended by itself meanwhile needs no killing.
	_ = p.cmd.Process.Kill()
}

// alive waits for one sign of life. A connection that is gone is no silence:
// those who call over it are told at once.
func alive(asker health.HealthClient, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	_, err := asker.Check(ctx, &health.HealthCheckRequest{Service: plugin.GRPCServiceName})
	return status.Code(err) != codes.DeadlineExceeded
}
