package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
)

// Status is what a running cloud says of itself.
type Status struct {
	Endpoint string            `json:"endpoint"`
	Zone     string            `json:"zone"`
	PID      int               `json:"pid"`
	Flavor   string            `json:"flavor"`
	Fidelity string            `json:"fidelity"`
	Throttle int               `json:"throttle,omitempty"`
	Latency  string            `json:"latency"`
	Counts   map[string]int    `json:"counts"`
	Public   map[string]string `json:"public"` // "address:port" → where to connect instead
}

// Load asks for a CPU load of machines.
type Load struct {
	VM      string  `json:"vm,omitempty"`
	Group   string  `json:"group,omitempty"`
	CPU     float64 `json:"cpu"` // percent; below 0 ends the override
	Seconds int     `json:"seconds,omitempty"`
}

// Status asks the cloud about itself. ErrNotRunning means that nothing answers.
func (p Process) Status(ctx context.Context) (Status, error) {
	var s Status
	err := p.ask(ctx, http.MethodGet, "/status", nil, &s)
	return s, err
}

// Reset throws everything in the cloud away; a content file that is named
// replaces the start content. The cloud makes fresh keys then, which are
// announced anew.
func (p Process) Reset(ctx context.Context, content string) error {
	if err := p.ask(ctx, http.MethodPost, "/reset", map[string]string{"content": content}, nil); err != nil {
		return err
	}
	var fresh struct {
		Keys map[string]struct {
			APIKey    string `json:"apikey"`
			SecretKey string `json:"secretkey"`
		} `json:"keys"`
		Administrator string `json:"administrator"`
	}
	if err := p.ask(ctx, http.MethodGet, "/status", nil, &fresh); err != nil {
		return err
	}
	if fresh.Administrator != "" {
		p.Account = fresh.Administrator
	}
	keys, ok := fresh.Keys[p.Account]
	if !ok {
		return fmt.Errorf("the embedded cloud has no account %q after its reset", p.Account)
	}
	p.APIKey, p.SecretKey = keys.APIKey, keys.SecretKey
	return Announce(p.dir, p)
}

// SetLoad overrides the load of machines and returns how many it reaches.
func (p Process) SetLoad(ctx context.Context, l Load) (int, error) {
	var reached struct{ Machines int }
	err := p.ask(ctx, http.MethodPost, "/load", l, &reached)
	return reached.Machines, err
}

// Audit returns the mutating calls so far, as the cloud writes them.
func (p Process) Audit(ctx context.Context) ([]json.RawMessage, error) {
	var entries []json.RawMessage
	err := p.ask(ctx, http.MethodGet, "/audit", nil, &entries)
	return entries, err
}

// ask makes one request of the admin API.
func (p Process) ask(ctx context.Context, method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, p.Admin+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+p.Token)
	transport := &http.Transport{} // no proxy: the cloud is on this machine
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if gone(err) {
		return ErrNotRunning
	}
	if err != nil {
		return fmt.Errorf("ask the embedded cloud: %w", err)
	}
	defer answer.Body.Close()
	text, err = io.ReadAll(io.LimitReader(answer.Body, 64<<20))
	switch {
	case gone(err):
		return ErrNotRunning
	case err != nil:
		return fmt.Errorf("ask the embedded cloud: %w", err)
	case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusNotFound:
		// Another program serves where the cloud did before it was killed.
		return ErrNotRunning
	case answer.StatusCode != http.StatusOK:
		return fmt.Errorf("the embedded cloud answers: %s", strings.TrimSpace(string(text)))
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return ErrNotRunning // likewise: this is not our cloud
	}
	return nil
}

// gone tells whether a request failed because nobody serves, or no longer.
func gone(err error) bool {
	for _, sign := range []error{syscall.ECONNREFUSED, syscall.ECONNRESET, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, sign) {
			return true
		}
	}
	return false
}
