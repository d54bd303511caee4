package cloudsim

import (
	"context"
	"fmt"
	"net"
	"net/http"
)

// serveIntegration opens the API without signatures, if it was asked for. Whoever reaches it acts as the system's own account,
// as on a server whose integration.api.port is set.
func (c *Cloud) serveIntegration(ctx context.Context) error {
	if c.opts.Integration == "" {
		return nil
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", c.opts.Integration)
	if err != nil {
		return fmt.Errorf("listen for the API without signatures: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/client/api", c.answerUnsigned)
	c.openAddr, c.integrated = listener.Addr().String(), newServer(mux)
	c.serving.Go(func() { c.logServe(c.integrated.Serve(listener)) })
	return nil
}

func (c *Cloud) closeIntegration() {
	if c.integrated != nil {
		c.integrated.Close()
	}
}

// IntegrationEndpoint is the URL of the API without signatures, "" if it is not open.
func (c *Cloud) IntegrationEndpoint() string {
	if c.openAddr == "" {
		return ""
	}
	return "http://" + c.openAddr + "/client/api"
}

func (c *Cloud) answerUnsigned(w http.ResponseWriter, r *http.Request) {
	req, err := readRequest(r)
	if err != nil {
		http.Error(w, "cannot read the request: "+err.Error(), http.StatusBadRequest)
		return
	}
	c.write(w, req, c.unsigned(r.Context(), req))
}

func (c *Cloud) unsigned(ctx context.Context, req request) answer {
	c.gate.RLock()
	defer c.gate.RUnlock()
	const envelope = "errorresponse"
	if req.name == "" {
		return refuse(envelope, Fail(432, csServer, "Invalid request, no command sent"))
	}
	if c.table[req.name] == nil {
		return refuse(envelope, Fail(432, csServer, "Unknown API command: %s", req.name))
	}
	c.mu.Lock()
	account, found := c.store.Accounts.Find(func(a Account) bool { return a.Name == systemAccount })
	user, has := c.store.Users.Find(func(u User) bool { return u.AccountID == account.ID })
	c.mu.Unlock()
	if !found || !has {
		return refuse(envelope, Internal("the system's account is gone"))
	}
	return c.run(ctx, req, Caller{User: user, Account: account}, nil)
}

// systemAccount is the account that owns what the installation brings along, and in whose name unsigned calls are made.
const systemAccount = "system"
