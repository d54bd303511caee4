// Package cloudstack is the one way to call the API of Apache CloudStack or ABLESTACK Mold.
//
// Reads go through Read and List, every change through Call, which announces the change to a Journal before it is sent and
// reports the id and job it started before it waits for them. So whatever dies, the next run knows which calls were under way and
// Settle finds out what became of each. The package signs requests, waits for jobs, repeats only what is safe to repeat, limits how
// much it asks at once, and never shows a key, a signature or a signed address.
//
// It must not import anything of ours: it knows the cloud, not plugins, stacks or state.
package cloudstack

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// Signature names the hash that signs requests. CloudStack uses SHA1, Mold SHA256; Auto finds out with one harmless call.
type Signature string

// The signature kinds a cloud may want.
const (
	SignatureAuto   Signature = "auto"
	SignatureSHA1   Signature = "sha1"
	SignatureSHA256 Signature = "sha256"
)

// Settings say where a cloud is and how to speak to it. The zero value of everything but Endpoint and the keys is usable.
type Settings struct {
	Endpoint  string // address of the API, for example https://cloud.example.com/client/api
	APIKey    string
	SecretKey string
	Signature Signature // SignatureAuto when empty

	Zone    string // name or id; when empty the only or else the first usable zone
	Project string // project id added to calls that take one; empty for none

	CACert   string // PEM text, or the path of a PEM file, of an authority to trust besides the system's
	Insecure bool   // do not verify the server's certificate

	Timeout     time.Duration // of one request; 60 s when zero
	MaxRequests int           // requests in flight at most; 20 when zero
	// Share, when set, is this process's part of them: others ask the same cloud, and somebody else says how much each may.
	Share *Share
	// SettleTime is how long after an unanswered call the cloud may still carry it out. Zero means Timeout + 10 s; a negative value
	// means none, as on the embedded cloud, which answers or forgets.
	SettleTime time.Duration

	// Lease, when set, says until when the caller may act (local clock): signatures expire then, so a process that slept past its
	// lease cannot change anything afterwards.
	Lease func() time.Time

	// Known is what another client of the same keys found out about this cloud; what it leaves empty is asked for when it is needed.
	Known Knowledge

	// Transport replaces the HTTP transport, for tests.
	Transport http.RoundTripper
}

// String names the endpoint only: settings hold keys.
func (s Settings) String() string { return "cloud at " + safeEndpoint(s.Endpoint) }

// GoString is String, so that %#v shows no key either.
func (s Settings) GoString() string { return s.String() }

// Client speaks to one cloud. It is safe for concurrent use; clients made by With share connections, limits and what was learned.
type Client struct {
	*cloud
	journal Journal
	resumed *resumed
}

// cloud is what all clients of one endpoint share.
type cloud struct {
	settings Settings // without the keys
	// The keys are behind functions, so that no way of printing a client shows them.
	apiKey, secretKey func() string
	endpoint          *url.URL
	http              *http.Client
	carrier           Carrier // nil: CloudStack itself
	limit             turnstile
	permits           *permits
	pace              *pace

	answered atomic.Bool  // the endpoint has answered at least once
	offset   atomic.Int64 // server clock minus ours, nanoseconds

	mu        sync.Mutex // guards what follows
	signature Signature  // the kind in use; SignatureAuto until it is known
	zone      Object
	caps      Object
}

// New checks the settings and returns a client. It sends nothing: the first call finds out whether the cloud can be reached.
func New(s Settings) (*Client, error) {
	endpoint, err := parseEndpoint(s.Endpoint)
	if err != nil {
		return nil, err
	}
	if s.APIKey == "" || s.SecretKey == "" {
		return nil, fmt.Errorf("cloud at %s: the API key and the secret key are both needed", safeEndpoint(s.Endpoint))
	}
	switch s.Signature {
	case "":
		s.Signature = SignatureAuto
	case SignatureAuto, SignatureSHA1, SignatureSHA256:
	default:
		return nil, fmt.Errorf("signature %q: use auto, sha1 (CloudStack) or sha256 (Mold)", s.Signature)
	}
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
	transport := s.Transport
	if transport == nil {
		if transport, err = newTransport(s); err != nil {
			return nil, err
		}
	}
	apiKey, secretKey := s.APIKey, s.SecretKey
	s.APIKey, s.SecretKey, s.Endpoint = "", "", endpoint.String()
	c := &cloud{
		settings:  s,
		apiKey:    func() string { return apiKey },
		secretKey: func() string { return secretKey },
		endpoint:  endpoint,
		// A redirect is reported, not followed: a signed request must not be sent to an address nobody configured.
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
		limit:     s.turnstile(),
		permits:   &permits{held: map[string]*permit{}},
		pace:      &pace{seen: map[string]time.Duration{}},
		signature: s.Signature,
	}
	c.know(s.Known)
	return &Client{cloud: c}, nil
}

// turnstile bounds the requests of a client.
func (s Settings) turnstile() turnstile {
	if s.Share != nil {
		return s.Share
	}
	return newLimiter(s.MaxRequests)
}

// With returns a client that announces its changes to j, and that answers a Call whose key was settled as adopted with the object
// found instead of making it a second time.
func (c *Client) With(j Journal, settled ...Settled) *Client {
	return &Client{cloud: c.cloud, journal: j, resumed: newResumed(settled)}
}

// String names the endpoint only.
func (c *Client) String() string { return c.settings.String() }

// GoString is String.
func (c *Client) GoString() string { return c.String() }

// Endpoint is the address of the API without anything secret.
func (c *Client) Endpoint() string { return safeEndpoint(c.settings.Endpoint) }

// Project is the project calls are made in, empty for none.
func (c *Client) Project() string { return c.settings.Project }

// Now is the server's time as far as it is known: ours, corrected by the Date header of its last answer.
func (c *Client) Now() time.Time { return time.Now().Add(c.Offset()) }

// Offset is how far the server's clock is ahead of ours, zero until it has answered.
func (c *Client) Offset() time.Duration { return time.Duration(c.offset.Load()) }

// Close drops idle connections.
func (c *Client) Close() {
	c.http.CloseIdleConnections()
	if c.carrier != nil {
		c.carrier.Close()
	}
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
