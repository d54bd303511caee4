package cloudstack

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Carrier sends requests to an API of another kind. What this package knows of journals, recovery, permits and patience serves such an
// API too: there is one way to change something, whatever it is changed in.
type Carrier interface {
	// Carry sends one request, once. change says that it may change something: then an error must tell whether it was carried out (see
	// Unanswered, Trouble and Error). An answer to a change holds the object it made or changed under the key that the Mutation names,
	// with its id under "id"; an answer to a listing holds all its objects under the key that List is given.
	Carry(ctx context.Context, command string, params Params, change bool) (Object, error)
	// Endpoint is the address of the API without anything secret.
	Endpoint() string
	// Close drops idle connections.
	Close()
}

// Over returns a client that speaks to another API through a carrier. Of the settings the limits and times count.
func Over(carrier Carrier, s Settings) *Client {
	if s.Timeout <= 0 {
		s.Timeout = 60 * time.Second
	}
	if s.MaxRequests <= 0 {
		s.MaxRequests = 20
	}
	switch {
	case s.SettleTime == 0:
		s.SettleTime = s.Timeout + 10*time.Second
	case s.SettleTime < 0:
		s.SettleTime = 0
	}
	s.APIKey, s.SecretKey, s.Endpoint = "", "", carrier.Endpoint()
	none := func() string { return "" }
	return &Client{cloud: &cloud{
		settings: s, apiKey: none, secretKey: none, carrier: carrier,
		http: &http.Client{}, limit: newLimiter(s.MaxRequests),
		permits: &permits{held: map[string]*permit{}}, pace: &pace{seen: map[string]time.Duration{}},
	}}
}

// carry is do for a client over a carrier.
func (c *cloud) carry(ctx context.Context, command string, params Params, change bool) (Object, error) {
	if err := c.limit.acquire(ctx); err != nil {
		return nil, err
	}
	var end outcomeOf
	defer func() { c.limit.release(end) }()
	ctx, cancel := context.WithTimeout(ctx, c.settings.Timeout)
	defer cancel()
	out, err := c.carrier.Carry(ctx, command, params, change)
	var t *transportError
	if !errors.As(err, &t) {
		c.answered.Store(true)
	}
	end.busy = busy(err)
	return out, err
}

// Unanswered is the error of a carrier whose request got no answer. sent says that the request, or a part of it, may have arrived.
func Unanswered(command, host string, sent bool, err error) error {
	return newTransportError(command, host, sent, err)
}

// Trouble is the error of a carrier whose request was answered by something that does not say what became of it: a proxy, a crash. With
// the status 429 or 503 the request was refused for load before anybody looked at it.
func Trouble(command, where string, status int, kind, said string) error {
	return &formatError{command: command, where: where, status: status, kind: kind, said: said}
}

// Transport makes the HTTP transport that the settings ask for: certificates, connections, patience.
func Transport(s Settings) (http.RoundTripper, error) { return newTransport(s) }
