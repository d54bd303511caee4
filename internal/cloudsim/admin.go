package cloudsim

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim/content"
)

// TokenFile is the file in a cloud's folder that holds the token of its admin API.
const TokenFile = "admin.token"

// Status is what the admin API's /status shows.
type Status struct {
	Endpoint string          `json:"endpoint"`
	Flavor   Flavor          `json:"flavor"`
	Fidelity Fidelity        `json:"fidelity"`
	Throttle int             `json:"throttle,omitempty"`
	Keys     map[string]Keys `json:"keys"` // by account
	// Administrator is the account whose keys a program that is asked for none uses: the first root administrator with keys.
	Administrator string            `json:"administrator"`
	Zone          string            `json:"zone"`
	PID           int               `json:"pid"`
	Dir           string            `json:"dir,omitempty"`
	Latency       Latency           `json:"latency"`
	Counts        map[string]int    `json:"counts"`
	Public        map[string]string `json:"public,omitempty"` // "address:port" → where to connect, for those that are mapped
}

// Keys are the credentials of a user.
type Keys struct {
	APIKey    string `json:"apikey"`
	SecretKey string `json:"secretkey"`
}

// Load asks for a CPU load of guests; the target is a machine or an autoscale group, by name or id.
type Load struct {
	VM      string  `json:"vm,omitempty"`
	Group   string  `json:"group,omitempty"`
	CPU     float64 `json:"cpu"`               // percent; below 0 ends the override
	Seconds int     `json:"seconds,omitempty"` // 0: until changed
}

func loadToken(dir string) (string, error) {
	if dir == "" {
		return newSecret(), nil
	}
	path := filepath.Join(dir, TokenFile)
	b, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the admin token: %w", err)
	}
	token := newSecret()
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("write the admin token: %w", err)
	}
	return token, nil
}

// newSecret is a random text as CloudStack makes its keys: 64 bytes, URL-safe base64.
func newSecret() string {
	var b [64]byte
	rand.Read(b[:]) //nolint:errcheck // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (c *Cloud) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { reply(w, c.Status()) })
	mux.HandleFunc("GET /audit", c.adminAudit)
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { reply(w, c.faults.all()) })
	mux.HandleFunc("POST /faults", c.adminAddFault)
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, r *http.Request) {
		reply(w, map[string]int{"removed": c.faults.remove(r.URL.Query().Get("id"))})
	})
	mux.HandleFunc("GET /clock", func(w http.ResponseWriter, _ *http.Request) { reply(w, c.clockStatus()) })
	mux.HandleFunc("POST /clock/advance", c.adminAdvance)
	mux.HandleFunc("GET /inventory", func(w http.ResponseWriter, _ *http.Request) { reply(w, c.Inventory()) })
	mux.HandleFunc("POST /ticket", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]string{"ticket": c.visitors.ticket()})
	})
	c.dashboard(mux)
	mux.HandleFunc("POST /load", c.adminLoad)
	mux.HandleFunc("POST /reset", c.adminReset)
	mux.HandleFunc("POST /stop", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]bool{"stopping": true})
		c.stopRequested()
	})
	return c.guard(mux)
}

// guard lets in only requests that know the token and were addressed to this machine (so no web page can reach it through
// a host name it controls).
func (c *Cloud) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		ip := net.ParseIP(host)
		if host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "this address is for the local machine only", http.StatusForbidden)
			return
		}
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if subtle.ConstantTimeCompare([]byte(token), []byte(c.token)) == 1 || c.visitors.admitted(r) {
			next.ServeHTTP(w, r)
			return
		}
		if r.URL.Path == "/" && c.visitors.enter(w, r) {
			return
		}
		http.Error(w, "the admin token is missing or wrong; the dashboard opens with the address that this command prints: moldctl cloud open", http.StatusUnauthorized)
	})
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	body, err := encode(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Write(body) //nolint:errcheck // a client that went away is no concern of the cloud's
}

// adminAudit answers the entries after ?since=N; with ?wait=SECONDS it waits until there are some.
func (c *Cloud) adminAudit(w http.ResponseWriter, r *http.Request) {
	since, err := strconv.ParseInt(valueOr(r.URL.Query().Get("since"), "0"), 10, 64)
	if err != nil {
		http.Error(w, "since: want a number", http.StatusBadRequest)
		return
	}
	wait, err := strconv.Atoi(valueOr(r.URL.Query().Get("wait"), "0"))
	if err != nil || wait < 0 {
		http.Error(w, "wait: want a number of seconds", http.StatusBadRequest)
		return
	}
	entries := c.auditSince(since)
	if len(entries) == 0 && wait > 0 {
		ctx, cancel := context.WithTimeout(r.Context(), time.Duration(wait)*time.Second)
		defer cancel()
		entries = c.waitAudit(ctx, since)
	}
	if entries == nil {
		entries = []AuditEntry{}
	}
	reply(w, entries)
}

func valueOr(v, def string) string {
	if v == "" {
		return def
	}
	return v
}

func (c *Cloud) adminAddFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	if !readJSON(w, r, &f) {
		return
	}
	added, err := c.AddFault(f)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	reply(w, added)
}

// ClockStatus is what the admin API's /clock shows.
type ClockStatus struct {
	Now    time.Time `json:"now"`
	Scale  float64   `json:"scale"`  // times faster than real time
	Manual bool      `json:"manual"` // it moves only when it is told to
}

func (c *Cloud) clockStatus() ClockStatus {
	s := ClockStatus{Now: c.clock.Now().UTC(), Scale: 1}
	switch clock := c.clock.(type) {
	case *ManualClock:
		s.Scale, s.Manual = 0, true
	case *systemClock:
		s.Scale = clock.scale
	}
	return s
}

// Advance moves the cloud's clock forward; what is due then happens.
func (c *Cloud) Advance(d time.Duration) error {
	clock, ok := c.clock.(steerable)
	if !ok {
		return errors.New("this cloud's clock cannot be moved")
	}
	if d < 0 || d > maxAdvance {
		return fmt.Errorf("advance by %s: want up to %s, and never back", d, maxAdvance)
	}
	clock.Advance(d)
	return nil
}

// maxAdvance keeps dates within what clients can read, whatever is asked for.
const maxAdvance = 366 * 24 * time.Hour

func (c *Cloud) adminAdvance(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Seconds float64 `json:"seconds"`
	}
	if !readJSON(w, r, &body) {
		return
	}
	if !(body.Seconds >= 0 && body.Seconds <= maxAdvance.Seconds()) {
		http.Error(w, fmt.Sprintf("seconds: want 0 to %.0f", maxAdvance.Seconds()), http.StatusBadRequest)
		return
	}
	if err := c.Advance(time.Duration(body.Seconds * float64(time.Second))); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	reply(w, c.clockStatus())
}

// adminReset starts anew; a content file that is named replaces the content the cloud has started with.
func (c *Cloud) adminReset(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Content string `json:"content"`
	}
	if r.ContentLength != 0 && !readJSON(w, r, &body) {
		return
	}
	if body.Content != "" {
		if _, err := content.Load(body.Content); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		c.opts.Content, c.opts.ContentFile, c.opts.Zone = nil, body.Content, ""
		c.mu.Unlock()
	}
	if err := c.Reset(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	reply(w, map[string]bool{"reset": true})
}

func (c *Cloud) adminLoad(w http.ResponseWriter, r *http.Request) {
	var l Load
	if !readJSON(w, r, &l) {
		return
	}
	n, err := c.SetLoad(l)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	reply(w, map[string]int{"machines": n})
}

func readJSON(w http.ResponseWriter, r *http.Request, into any) bool {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		http.Error(w, "cannot read the request: "+err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}
