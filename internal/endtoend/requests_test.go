package endtoend_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/moldctl/moldctl/sdk/apitable"
)

// request is one call as it went over the wire.
type request struct {
	Command string
	Method  string
	Length  int // of the query or form
	Params  map[string]string
}

// tap stands between the program and the cloud and keeps every request.
type tap struct {
	*httptest.Server

	mu       sync.Mutex
	requests []request
	broken   []string
}

func newTap(t *testing.T, endpoint string) *tap {
	t.Helper()
	p := &tap{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := p.pass(w, r, endpoint); err != nil {
			p.mu.Lock()
			p.broken = append(p.broken, err.Error())
			p.mu.Unlock()
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

// pass hands one request on and its answer back.
func (p *tap) pass(w http.ResponseWriter, r *http.Request, endpoint string) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return fmt.Errorf("read a request: %w", err)
	}
	text := r.URL.RawQuery
	if r.Method == http.MethodPost {
		text = string(body)
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return fmt.Errorf("take a request apart: %w", err)
	}
	one := request{Command: values.Get("command"), Method: r.Method, Length: len(text), Params: map[string]string{}}
	for name, list := range values {
		if len(list) != 1 {
			return fmt.Errorf("%s: %s is sent %d times", one.Command, name, len(list))
		}
		one.Params[name] = list[0]
	}
	p.mu.Lock()
	p.requests = append(p.requests, one)
	p.mu.Unlock()
	target := endpoint
	if r.URL.RawQuery != "" {
		target += "?" + r.URL.RawQuery
	}
	onward, err := http.NewRequestWithContext(r.Context(), r.Method, target, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("hand a request on: %w", err)
	}
	onward.Header = r.Header.Clone()
	answer, err := http.DefaultTransport.RoundTrip(onward)
	if err != nil {
		return fmt.Errorf("hand a request on: %w", err)
	}
	defer answer.Body.Close()
	for name, list := range answer.Header {
		w.Header()[name] = list
	}
	w.WriteHeader(answer.StatusCode)
	if _, err := io.Copy(w, answer.Body); err != nil {
		return fmt.Errorf("hand an answer back: %w", err)
	}
	return nil
}

// taken returns what was sent since it was last asked.
func (p *tap) taken(t *testing.T) []request {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, text := range p.broken {
		t.Error(text)
	}
	out := p.requests
	p.requests = nil
	return out
}

// general are parameters of every call, which belong to no command.
var general = []string{"command", "response", "apikey", "signature", "signatureversion", "expires"}

var (
	paramShape = regexp.MustCompile(`^([a-z][a-z0-9]*)(?:\[([0-9]+)\]\.(.+))?$`)
	uuidShape  = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// faults lists what a real server would refuse in a request, or silently
// ignore: that is worse.
func faults(table *apitable.Table, r request) []string {
	command, known := table.Command(r.Command)
	if !known {
		return []string{"no such command"}
	}
	var out []string
	sent := map[string]bool{}
	for name, value := range r.Params {
		if slices.Contains(general, name) {
			continue
		}
		shape := paramShape.FindStringSubmatch(name)
		if shape == nil {
			out = append(out, fmt.Sprintf("%s is not how a parameter is named", name))
			continue
		}
		sent[shape[1]] = true
		param, ok := command.Param(shape[1])
		if !ok && (name == "page" || name == "pagesize") {
			continue // what does not page sends everything at once
		}
		if !ok {
			out = append(out, name+" is no parameter of it, and would be ignored")
			continue
		}
		if (param.Type == apitable.Map) != (shape[2] != "") {
			out = append(out, fmt.Sprintf("%s is a %s and not so written", name, param.Type))
			continue
		}
		if say := malformed(param, value); say != "" && param.Type != apitable.Map {
			out = append(out, fmt.Sprintf("%s=%q %s", name, value, say))
		}
	}
	for _, p := range command.Params {
		if p.Required && !sent[p.Name] {
			out = append(out, p.Name+" is required and missing")
		}
	}
	if r.Method == http.MethodGet && r.Length > 2000 {
		out = append(out, fmt.Sprintf("a query of %d characters, which servers and proxies cut", r.Length))
	}
	return append(out, unsaid(r)...)
}

// malformed says what is wrong with a value, empty when nothing is.
func malformed(p apitable.Param, value string) string {
	switch p.Type {
	case apitable.Boolean:
		if value != "true" && value != "false" {
			return "is no boolean, and would be taken for false"
		}
	case apitable.Integer, apitable.Long, apitable.Short:
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return "is no number"
		}
	case apitable.UUID:
		if !uuidShape.MatchString(value) {
			return "is no id"
		}
	case apitable.List:
		if slices.Contains(strings.Split(value, ","), "") && value != "" {
			return "has an empty item"
		}
	case apitable.String:
		if len(value) > p.Length {
			return fmt.Sprintf("is longer than %d", p.Length)
		}
	}
	return ""
}

// unsaid are what the table does not say.
func unsaid(r request) []string {
	var out []string
	need := func(name, value, why string) {
		if got, ok := r.Params[name]; !ok || value != "" && got != value {
			out = append(out, fmt.Sprintf("%s=%s is missing: %s", name, value, why))
		}
	}
	switch r.Command {
	case "createLoadBalancerRule":
		need("openfirewall", "false", "the server opens the firewall by itself")
		need("protocol", "", "a rule made without one can never be changed")
	case "updateLoadBalancerRule":
		need("protocol", "", "the update of a rule made without one fails after it was carried out")
	case "createPortForwardingRule":
		need("openfirewall", "false", "the server opens the firewall by itself")
	}
	if (r.Params["gateway"] == "") != (r.Params["netmask"] == "") && r.Command == "createNetwork" {
		out = append(out, "gateway or netmask alone, which is silently ignored")
	}
	if _, paged := r.Params["page"]; paged {
		need("pagesize", "", "page is refused without it")
	}
	return out
}

// accepted are the parameters that a real server was seen to accept, by
// command.
func accepted(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("testdata/accepted.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		out[words[0]] = words[1:]
	}
	return out
}

// unseen lists the parameters of changes that no real server was seen to
// accept, each once. Listings are left out: what they give is compared again
// with what was asked for.
func unseen(t *testing.T, requests []request) []string {
	t.Helper()
	seen := accepted(t)
	var out []string
	for _, r := range requests {
		if strings.HasPrefix(r.Command, "list") || r.Command == "queryAsyncJobResult" {
			continue
		}
		for name := range r.Params {
			shape := paramShape.FindStringSubmatch(name)
			if slices.Contains(general, name) || shape == nil {
				continue
			}
			plain := shape[1]
			if shape[2] != "" {
				plain += "[]"
			}
			if !slices.Contains(seen[r.Command], plain) {
				out = append(out, r.Command+" "+plain)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
