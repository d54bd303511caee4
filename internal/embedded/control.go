package embedded

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Fault is a mishap on demand; the fields are those of the admin API's /faults.
type Fault struct {
	ID      string `json:"id,omitempty"`
	Command string `json:"command"`
	Nth     int    `json:"nth,omitempty"`
	Next    int    `json:"next,omitempty"`
	Every   int    `json:"every,omitempty"`
	Where   string `json:"where,omitempty"`
	Kind    string `json:"kind"`
	Status  int    `json:"status,omitempty"`
	DelayMS int    `json:"delay_ms,omitempty"`
	Code    int    `json:"code,omitempty"`
	Text    string `json:"text,omitempty"`
	Seen    int    `json:"seen"`
	Struck  int    `json:"struck"`
	Held    int    `json:"held"`
}

// Clock is where the cloud's clock stands.
type Clock struct {
	Now    time.Time `json:"now"`
	Scale  float64   `json:"scale"`
	Manual bool      `json:"manual"`
}

// AuditEntry is a changing call that the cloud was sent.
type AuditEntry struct {
	N         int64             `json:"n"`
	Created   time.Time         `json:"created"`
	Account   string            `json:"account"`
	Command   string            `json:"command"`
	Params    map[string]string `json:"params"`
	Status    int               `json:"status"`
	ErrorText string            `json:"errortext"`
	EntityID  string            `json:"entityid"`
	JobStatus int               `json:"jobstatus"`
	JobText   string            `json:"jobtext"`
	Lost      bool              `json:"lost"`
}

// AddFault arms a fault and returns it with its id.
func (p Process) AddFault(ctx context.Context, f Fault) (Fault, error) {
	err := p.ask(ctx, http.MethodPost, "/faults", f, &f)
	return f, err
}

// Faults are the armed faults.
func (p Process) Faults(ctx context.Context) ([]Fault, error) {
	var all []Fault
	err := p.ask(ctx, http.MethodGet, "/faults", nil, &all)
	return all, err
}

// ClearFaults disarms a fault, or all with "", and returns how many there were.
func (p Process) ClearFaults(ctx context.Context, id string) (int, error) {
	var done struct{ Removed int }
	err := p.ask(ctx, http.MethodDelete, "/faults?id="+url.QueryEscape(id), nil, &done)
	return done.Removed, err
}

// Clock asks for the cloud's time.
func (p Process) Clock(ctx context.Context) (Clock, error) {
	var c Clock
	err := p.ask(ctx, http.MethodGet, "/clock", nil, &c)
	return c, err
}

// Advance moves the cloud's clock forward.
func (p Process) Advance(ctx context.Context, d time.Duration) (Clock, error) {
	var c Clock
	err := p.ask(ctx, http.MethodPost, "/clock/advance", map[string]float64{"seconds": d.Seconds()}, &c)
	return c, err
}

// AuditSince returns the changing calls after number n, as the cloud writes them and to be read. It waits, at most that
// long, until there are some.
func (p Process) AuditSince(ctx context.Context, n int64, wait time.Duration) ([]json.RawMessage, []AuditEntry, error) {
	var raw []json.RawMessage
	if err := p.ask(ctx, http.MethodGet, fmt.Sprintf("/audit?since=%d&wait=%d", n, int(wait.Seconds())), nil, &raw); err != nil {
		return nil, nil, err
	}
	entries := make([]AuditEntry, len(raw))
	for i, text := range raw {
		if err := json.Unmarshal(text, &entries[i]); err != nil {
			return nil, nil, fmt.Errorf("read the embedded cloud's audit log: %w", err)
		}
	}
	return raw, entries, nil
}

// Dashboard returns the address of the page to look at the cloud with. It is good for one visit, soon; the browser that
// goes there is let in from then on.
func (p Process) Dashboard(ctx context.Context) (string, error) {
	var made struct{ Ticket string }
	if err := p.ask(ctx, http.MethodPost, "/ticket", struct{}{}, &made); err != nil {
		return "", err
	}
	return p.Admin + "/?ticket=" + url.QueryEscape(made.Ticket), nil
}
