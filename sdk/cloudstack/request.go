package cloudstack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	maxQuery  = 1800     // longer requests go as a form: servers and proxies cut long addresses
	maxAnswer = 64 << 20 // no answer of the API is near this
	// skewed is how much the known difference of the clocks must change for a refused signature to be worth another try: one that
	// expires with a lease is good for seconds only.
	skewed = time.Second
)

// do sends one request, once, and returns what is inside the only top key of the answer.
func (c *cloud) do(ctx context.Context, command string, params Params, post bool) (Object, error) {
	if c.carrier != nil {
		return c.carry(ctx, command, params, post)
	}
	kind, err := c.kind(ctx)
	if err != nil {
		var t *transportError
		if errors.As(err, &t) {
			t.sent = false // only the probe may have been: the request itself was not
		}
		return nil, err
	}
	before := c.offset.Load()
	out, err := c.exchange(ctx, command, params, post, kind)
	if CodeOf(err) == http.StatusUnauthorized && (time.Duration(c.offset.Load()-before)).Abs() > skewed {
		// The clocks differ by more than signatures allow for; the answer has told by how much.
		out, err = c.exchange(ctx, command, params, post, kind)
	}
	var refused *Error
	if errors.As(err, &refused) && refused.HTTP == http.StatusUnauthorized {
		refused.Note = fmt.Sprintf("signed with %s as the configured key; the cloud answers the same for a wrong key, a wrong secret, a wrong signature kind, "+
			"an expired signature and a command it does not have", strings.ToUpper(string(kind)))
	}
	return out, err
}

// kind is the signature kind to use, found out by a harmless call when it is not known.
func (c *cloud) kind(ctx context.Context) (Signature, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.signature != SignatureAuto {
		return c.signature, nil
	}
	// The first answer tells the server's clock, so a second round helps when the clocks differ.
	var answer Object
	var err error
	for range 2 {
		before := c.offset.Load()
		for _, try := range []Signature{SignatureSHA1, SignatureSHA256} {
			answer, err = c.exchange(ctx, "listCapabilities", nil, false, try)
			if CodeOf(err) != http.StatusUnauthorized {
				if err == nil {
					c.signature, c.caps = try, answer.Map("capability")
				}
				return try, err
			}
		}
		if time.Duration(c.offset.Load()-before).Abs() <= skewed {
			break
		}
	}
	var refused *Error
	if errors.As(err, &refused) {
		refused.Note = "tried SHA1 (CloudStack) and SHA256 (Mold) signatures: are the API key and the secret key right, and is the user enabled?"
	}
	return "", err
}

// exchange is one HTTP request and its answer.
func (c *cloud) exchange(ctx context.Context, command string, params Params, post bool, kind Signature) (Object, error) {
	if err := c.limit.acquire(ctx); err != nil {
		return nil, err
	}
	var end outcomeOf
	defer func() { c.limit.release(end) }()

	ctx, cancel := context.WithTimeout(ctx, c.settings.Timeout)
	defer cancel()
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	began := time.Now()
	req, err := c.newRequest(ctx, c.signedQuery(command, c.withProject(params), kind, began), post)
	if err != nil {
		return nil, fmt.Errorf("%s: build the request for %s: %w", command, c.endpoint.Host, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		// A transport of a test does not trace connections, and then it must be assumed that the request was sent.
		return nil, newTransportError(command, c.endpoint.Host, sent.Load() || c.settings.Transport != nil && !refusedDial(err), err)
	}
	defer resp.Body.Close()
	c.learnClock(resp.Header, began)
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, newTransportError(command, c.endpoint.Host, true, err)
	}
	c.answered.Store(true)
	out, err := c.decode(command, resp, body)
	if end.busy = busy(err); end.busy {
		end.rest = noteRest(resp.Header, err)
	}
	return out, err
}

func (c *cloud) newRequest(ctx context.Context, query string, post bool) (*http.Request, error) {
	u := *c.endpoint
	if post || len(query) > maxQuery {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(query))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return req, nil
	}
	u.RawQuery = query
	return http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
}

// withProject adds the configured project: commands that do not take one ignore it.
func (c *cloud) withProject(params Params) Params {
	if c.settings.Project == "" {
		return params
	}
	if _, given := params["projectid"]; given {
		return params
	}
	out := Params{"projectid": c.settings.Project}
	for k, v := range params {
		out[k] = v
	}
	return out
}

// learnClock compares the Date of an answer with the middle of the request.
func (c *cloud) learnClock(header http.Header, began time.Time) {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return
	}
	middle := began.Add(time.Since(began) / 2)
	offset := date.Sub(middle)
	// The header has whole seconds: a difference below two says nothing.
	if offset.Abs() < 2*time.Second {
		offset = 0
	}
	c.offset.Store(int64(offset))
}

// decode takes the answer apart, or says plainly why it is not one of the API.
func (c *cloud) decode(command string, resp *http.Response, body []byte) (Object, error) {
	strange := func(said string) error {
		kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		if err != nil {
			kind = resp.Header.Get("Content-Type")
		}
		return &formatError{command: command, where: safeEndpoint(c.endpoint.String()), status: resp.StatusCode, kind: kind, said: c.scrub(said)}
	}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		to, err := url.Parse(resp.Header.Get("Location"))
		if err != nil || to.Host == "" {
			return nil, strange("answers with a redirect, not with the CloudStack API: is the path /client/api right?")
		}
		return nil, strange(fmt.Sprintf("redirects to %s: use that address as the endpoint", safeEndpoint(to.String())))
	}
	if resp.StatusCode >= 500 && !isJSON(body) {
		return nil, strange("is in trouble, or what stands before it is; ask its operator, and try again later")
	}
	var top map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&top); err != nil {
		switch text := bytes.ToLower(bytes.TrimSpace(body)); {
		case len(text) == 0:
			return nil, strange("gives an empty answer, not the CloudStack API: is the path /client/api right?")
		case bytes.HasPrefix(text, []byte("<!doctype")), bytes.HasPrefix(text, []byte("<html")), strings.Contains(resp.Header.Get("Content-Type"), "html"):
			return nil, strange("answers HTML, not the CloudStack API: is the path /client/api right?")
		case bytes.HasPrefix(text, []byte("<")):
			return nil, strange("answers XML where JSON was asked for: is this the CloudStack API?")
		}
		return nil, strange("answers something that is not JSON: is this the CloudStack API?")
	}
	return c.open(command, resp.StatusCode, top, strange)
}

// isJSON says whether a body may be an answer of the API, even a bad one.
func isJSON(body []byte) bool {
	text := bytes.TrimSpace(body)
	return len(text) > 0 && text[0] == '{'
}

// open finds the error in an answer, or else the content of its only key.
func (c *cloud) open(command string, status int, top Object, strange func(string) error) (Object, error) {
	inner, wrapped := top, false
	if len(top) == 1 {
		for key := range top {
			if m := top.Map(key); m != nil {
				inner, wrapped = m, true
			}
		}
	}
	if code := inner.Int("errorcode"); code != 0 {
		e := &Error{Command: command, HTTP: status, Code: code, CSCode: inner.Int("cserrorcode"), Text: c.scrub(inner.Str("errortext"))}
		for _, u := range inner.List("uuidList") {
			e.UUIDs = append(e.UUIDs, u.Str("uuid"))
		}
		return nil, e
	}
	if status != http.StatusOK {
		return nil, strange("refuses without an error of the CloudStack API: is the path /client/api right?")
	}
	if !wrapped {
		return nil, strange("answers JSON that is not the CloudStack API's")
	}
	return inner, nil
}

// scrub removes our secrets from a text that came from outside, in case something echoes a request.
func (c *cloud) scrub(text string) string {
	for _, secret := range []string{c.secretKey(), c.apiKey()} {
		text = strings.ReplaceAll(text, secret, "(hidden)")
		text = strings.ReplaceAll(text, encode(secret), "(hidden)")
	}
	if i := strings.Index(strings.ToLower(text), "signature="); i >= 0 {
		rest := text[i+len("signature="):]
		end := strings.IndexAny(rest, "& \"'\n")
		if end < 0 {
			end = len(rest)
		}
		text = text[:i] + "signature=(hidden)" + rest[end:]
	}
	return text
}
