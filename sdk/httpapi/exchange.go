package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

const (
	maxAnswer = 64 << 20         // no answer of an API for people is near this
	maxPause  = 30 * time.Second // the longest Retry-After that is waited for
)

// address is where a request goes, without the query of authentication.
func (a *api) address(r Request) *url.URL {
	u := *a.base
	path := strings.TrimRight(u.EscapedPath(), "/") + "/" + strings.TrimLeft(r.Path, "/")
	u.RawPath = path
	if plain, err := url.PathUnescape(path); err == nil {
		u.Path = plain
	}
	u.RawQuery = r.Query.Encode()
	return &u
}

// exchange is one HTTP request and its answer, decoded.
func (a *api) exchange(ctx context.Context, command string, r Request, at *url.URL) (any, http.Header, error) {
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	req, err := a.newRequest(ctx, r, at)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: build the request for %s: %w", command, a.base.Host, err)
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, nil, cloudstack.Unanswered(command, a.base.Host, sent.Load() || a.settings.Transport != nil, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, nil, cloudstack.Unanswered(command, a.base.Host, true, err)
	}
	if err := a.refused(ctx, command, r, resp, body); err != nil {
		return nil, nil, err
	}
	var answer any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&answer); err != nil {
		if !r.List {
			return nil, resp.Header, nil // it was done, whatever it says
		}
		return nil, nil, a.trouble(command, r, resp, "answers something that is not JSON: is the endpoint right?")
	}
	return answer, resp.Header, nil
}

func (a *api) newRequest(ctx context.Context, r Request, at *url.URL) (*http.Request, error) {
	var body io.Reader
	if r.Body != nil {
		text, err := json.Marshal(r.Body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	u := *at
	if len(a.settings.Query) > 0 {
		query := u.Query()
		for name, v := range a.settings.Query {
			query.Set(name, v)
		}
		u.RawQuery = query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, u.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "moldctl")
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, headers := range []map[string]string{a.settings.Headers, r.Headers} {
		for name, v := range headers {
			req.Header.Set(name, v)
		}
	}
	if a.settings.User != "" {
		req.SetBasicAuth(a.settings.User, a.settings.Password)
	}
	if a.settings.Idempotency != "" && r.Token != "" {
		req.Header.Set(a.settings.Idempotency, r.Token)
	}
	return req, nil
}

// refused reads the answer's status: nil when the request was carried out.
func (a *api) refused(ctx context.Context, command string, r Request, resp *http.Response, body []byte) error {
	status := resp.StatusCode
	said := a.message(body, r)
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return a.refusal(command, status, said, "it redirects to "+plainAddress(resp.Header.Get("Location"))+": use that address in the plugin's configuration")
	case a.settings.busy(status):
		// Whoever asks for a pause gets it, here; then the client tries again.
		pause(ctx, resp.Header)
		return cloudstack.Trouble(command, a.Endpoint(), http.StatusTooManyRequests, kind(resp), orWords(said, fmt.Sprintf("is busy (%d)", status)))
	case a.gone(status):
		if r.List {
			return fmt.Errorf("%s: %w", command, cloudstack.ErrGone)
		}
		return a.refusal(command, status, said, "there is no such object, or the credentials do not show it")
	case status == http.StatusConflict || slices.Contains(a.settings.Conflict, status):
		return a.refusal(command, status, said, "if such an object exists already, import it, or choose another name")
	case status == http.StatusUnauthorized:
		return a.refusal(command, status, said, "are the credentials in the plugin's configuration right?")
	case status == http.StatusForbidden:
		return a.refusal(command, status, said, "the credentials do not allow this")
	case status >= 500:
		return a.trouble(command, r, resp, orWords(said, "is in trouble"))
	}
	return a.refusal(command, status, said, "")
}

func orWords(said, otherwise string) string {
	if said == "" {
		return otherwise
	}
	return "says: " + said
}

func (s Settings) busy(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable || slices.Contains(s.Retry, status)
}

func (a *api) refusal(command string, status int, said, note string) error {
	if said == "" {
		said = "the API gives no reason: " + http.StatusText(status)
	}
	return &cloudstack.Error{Command: command, HTTP: status, Code: status, Text: said, Note: note}
}

func (a *api) trouble(command string, r Request, resp *http.Response, said string) error {
	return cloudstack.Trouble(command, a.Endpoint(), resp.StatusCode, kind(resp), a.scrub(said, r))
}

func kind(resp *http.Response) string {
	name, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		return resp.Header.Get("Content-Type")
	}
	return name
}

// usual are the places where APIs put their text for people.
var usual = []string{"error.message", "message", "error_description", "detail", "error", "errors", "title", "reason"}

// message is the text for people in a refusal.
func (a *api) message(body []byte, r Request) string {
	var answer any
	if err := json.Unmarshal(body, &answer); err != nil {
		return ""
	}
	places := usual
	if a.settings.Message != "" {
		places = append([]string{a.settings.Message}, usual...)
	}
	for _, place := range places {
		if text := words(Dig(answer, place)); text != "" {
			return a.scrub(text, r)
		}
	}
	return ""
}

// words is a message as one line: a text, or the texts of a list or object.
func words(v any) string {
	switch v := v.(type) {
	case string:
		return strings.Join(strings.Fields(v), " ")
	case []any:
		var parts []string
		for _, item := range v {
			if text := words(item); text != "" {
				parts = append(parts, text)
			}
		}
		return strings.Join(parts, "; ")
	case map[string]any:
		if text := words(v["message"]); text != "" {
			return text
		}
		text, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(text)
	}
	return ""
}

// scrub removes secrets from a text that came from outside.
func (a *api) scrub(text string, r Request) string {
	for _, secret := range slices.Concat(a.settings.Secrets, r.Hide) {
		if len(secret) < 3 {
			continue
		}
		text = strings.ReplaceAll(text, secret, "(sensitive)")
		text = strings.ReplaceAll(text, url.QueryEscape(secret), "(sensitive)")
	}
	const most = 500
	if len(text) > most {
		text = text[:most] + "…"
	}
	return text
}

// pause waits as long as Retry-After says, or until ctx ends.
func pause(ctx context.Context, header http.Header) {
	text := header.Get("Retry-After")
	var d time.Duration
	if seconds, err := strconv.Atoi(text); err == nil {
		d = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(text); err == nil {
		d = time.Until(date)
	}
	if d = min(d, maxPause); d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
