// Package httpapi carries requests to any JSON API over HTTP, for plugins of
// transport http: it authenticates, follows pages, reads results and refusals,
// and never shows a secret. Journals, recovery and patience are those of
// sdk/cloudstack, whose Carrier it is.
//
// It knows no plugin.yaml and imports of this project only sdk/cloudstack.
package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// Settings say how an API is reached. The zero value of everything but
// Endpoint is usable.
type Settings struct {
	Endpoint string
	Headers  map[string]string // of every request, those of authentication too
	Query    map[string]string // of every request
	User     string            // basic authentication, with Password
	Password string

	Paging      Paging
	Message     string // where a refusal holds its text for people
	Gone        []int  // statuses beside 404 and 410
	Conflict    []int  // statuses beside 409
	Retry       []int  // statuses beside 429 and 503: nothing was done
	Idempotency string // header for the key of a change

	CACert      string
	Insecure    bool
	Timeout     time.Duration
	MaxRequests int
	SettleTime  time.Duration
	Secrets     []string // never shown
	// Transport replaces the HTTP transport, for tests.
	Transport http.RoundTripper
}

// String names the endpoint only: settings hold secrets.
func (s Settings) String() string { return "API at " + plainAddress(s.Endpoint) }

// GoString is String, so that %#v shows no secret either.
func (s Settings) GoString() string { return s.String() }

// Paging says how a listing is asked for in pieces. Style is page, offset,
// cursor, link, or none.
type Paging struct {
	Style string `json:"style"`
	Param string `json:"param,omitempty"`
	Size  string `json:"size,omitempty"`
	Limit int    `json:"limit,omitempty"`
	First int    `json:"first,omitempty"`
	Next  string `json:"next,omitempty"`
}

// api is the carrier.
type api struct {
	settings Settings
	base     *url.URL
	http     *http.Client
}

// New returns a client for an API. It sends nothing.
func New(s Settings) (*cloudstack.Client, error) {
	base, err := url.Parse(strings.TrimSpace(s.Endpoint))
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, fmt.Errorf("endpoint %q: give an http or https address, for example https://api.example.com/v1", plainAddress(s.Endpoint))
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("endpoint %s: give the address alone, without user, query and fragment", plainAddress(s.Endpoint))
	}
	limits := cloudstack.Settings{
		CACert: s.CACert, Insecure: s.Insecure, Timeout: s.Timeout, MaxRequests: s.MaxRequests, SettleTime: s.SettleTime,
	}
	if limits.Timeout <= 0 {
		limits.Timeout = time.Minute
	}
	if limits.MaxRequests <= 0 {
		limits.MaxRequests = 10
	}
	transport := s.Transport
	if transport == nil {
		if transport, err = cloudstack.Transport(limits); err != nil {
			return nil, err
		}
	}
	a := &api{settings: s, base: base, http: &http.Client{
		Transport: transport,
		// What carries credentials is not sent to an address nobody configured.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	return cloudstack.Over(a, limits), nil
}

// Endpoint is the address without anything secret.
func (a *api) Endpoint() string { return plainAddress(a.settings.Endpoint) }

// Close drops idle connections.
func (a *api) Close() { a.http.CloseIdleConnections() }

// plainAddress is an address with everything removed that could be secret.
func plainAddress(text string) string {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Host == "" {
		head, _, _ := strings.Cut(text, "?")
		if at := strings.LastIndex(head, "@"); at >= 0 {
			head = head[at+1:]
		}
		return head
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// Result keys of the answers that Carry gives: the object of a change, and the
// objects of a listing.
const (
	ObjectKey = "object"
	ItemsKey  = "items"
)

// Request is one request of an API. It travels as parameters, so that it can be
// kept in a journal and sent by another process.
type Request struct {
	Method  string
	Path    string // below the endpoint, escaped
	Query   url.Values
	Headers map[string]string
	Body    map[string]any // nil: none
	Result  string         // where the answer holds the object, or the objects
	ID      string         // field for the id that the address of a new object tells; "" = id
	With    map[string]any // fields that objects of the answer get where they lack them
	List    bool           // a read: the answer is objects
	Paging  *Paging        // of a listing; nil = that of the settings
	Token   string         // the same whenever the change is sent again
	Hide    []string       // never shown
}

// Params are the request as parameters.
func (r Request) Params() (cloudstack.Params, error) {
	p := cloudstack.Params{"method": r.Method, "path": r.Path}
	p.Set("query", r.Query.Encode()).Set("result", r.Result).Set("id", r.ID).Set("token", r.Token)
	if r.List {
		p["list"] = "true"
	}
	for name, v := range map[string]any{"headers": r.Headers, "body": r.Body, "paging": r.Paging, "with": r.With, "hide": r.Hide} {
		text, err := json.Marshal(v)
		if err != nil {
			return nil, fmt.Errorf("%s of %s %s: %w", name, r.Method, r.Path, err)
		}
		if string(text) != "null" {
			p[name] = string(text)
		}
	}
	return p, nil
}

// FromParams is the request that Params made.
func FromParams(p cloudstack.Params) (Request, error) {
	r := Request{Method: p["method"], Path: p["path"], Result: p["result"], ID: p["id"], Token: p["token"], List: p["list"] != ""}
	var err error
	if r.Query, err = url.ParseQuery(p["query"]); err != nil {
		return r, fmt.Errorf("query of %s %s: %w", r.Method, r.Path, err)
	}
	for name, into := range map[string]any{"headers": &r.Headers, "body": &r.Body, "paging": &r.Paging, "with": &r.With, "hide": &r.Hide} {
		if p[name] == "" {
			continue
		}
		if err := exact(p[name], into); err != nil {
			return r, fmt.Errorf("%s of %s %s: %w", name, r.Method, r.Path, err)
		}
	}
	return r, nil
}

// exact decodes JSON with its numbers kept as they are.
func exact(text string, into any) error {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return dec.Decode(into)
}

// Carry sends one request, or all pages of a listing.
func (a *api) Carry(ctx context.Context, command string, params cloudstack.Params, _ bool) (cloudstack.Object, error) {
	r, err := FromParams(params)
	if err != nil {
		return nil, err
	}
	if r.List {
		items, err := a.list(ctx, command, r)
		return cloudstack.Object{ItemsKey: items}, err
	}
	answer, header, err := a.exchange(ctx, command, r, a.address(r))
	if err != nil {
		return nil, err
	}
	object, _ := Dig(answer, r.Result).(map[string]any)
	if object == nil {
		object = map[string]any{}
	}
	r.complete(object)
	if id := fromLocation(header); id != "" && r.Method == http.MethodPost && Dig(object, r.idField()) == nil {
		Bury(object, r.idField(), id)
	}
	return cloudstack.Object{ObjectKey: object}, nil
}

// complete fills in the fields that an object lacks.
func (r Request) complete(object map[string]any) {
	for field, v := range r.With {
		if Dig(object, field) == nil {
			Bury(object, field, v)
		}
	}
}

func (r Request) idField() string {
	if r.ID == "" {
		return "id"
	}
	return r.ID
}

// fromLocation is the id in the address of a new object: its last part.
func fromLocation(header http.Header) string {
	u, err := url.Parse(header.Get("Location"))
	if err != nil || header.Get("Location") == "" {
		return ""
	}
	parts := strings.Split(strings.TrimRight(u.Path, "/"), "/")
	return parts[len(parts)-1]
}

// Dig follows a dotted path into JSON; "" is the value itself. Keys that hold
// dots themselves are found too: the longest key wins.
func Dig(v any, path string) any {
	if path == "" {
		return v
	}
	object, ok := v.(map[string]any)
	if !ok {
		if o, is := v.(cloudstack.Object); is {
			object, ok = o, true
		}
	}
	if !ok {
		return nil
	}
	if inner, ok := object[path]; ok {
		return inner
	}
	for i := len(path) - 1; i > 0; i-- {
		if path[i] != '.' {
			continue
		}
		if inner, ok := object[path[:i]]; ok {
			if found := Dig(inner, path[i+1:]); found != nil {
				return found
			}
		}
	}
	return nil
}

// Bury puts a value at a dotted path of a JSON object, making what lies
// between.
func Bury(object map[string]any, path string, v any) {
	head, rest, nested := strings.Cut(path, ".")
	if !nested {
		object[head] = v
		return
	}
	inner, ok := object[head].(map[string]any)
	if !ok {
		inner = map[string]any{}
		object[head] = inner
	}
	Bury(inner, rest, v)
}

// gone tells whether a status says that there is no such object.
func (a *api) gone(status int) bool {
	return status == http.StatusNotFound || status == http.StatusGone || slices.Contains(a.settings.Gone, status)
}
