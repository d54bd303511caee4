package cloudstack

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	testKey    = "test-Api~Key*with/odd=signs"
	testSecret = "test-Secret+with/odd=signs"
)

// fakeCloud answers requests inside the process. It knows nothing of the client: it sees what was sent.
type fakeCloud struct {
	answer func(command string, p url.Values) reply
	clock  time.Duration // how far its clock is ahead

	mu   sync.Mutex // guards sent
	sent []url.Values
}

// reply is what the fake does with one request.
type reply struct {
	status int    // 200 when zero
	body   string // JSON
	kind   string // content type
	err    error  // no answer at all
	header http.Header
}

var errReset = errors.New("read tcp 192.0.2.1:8080: connection reset by peer")

func dialRefused() error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

func (f *fakeCloud) RoundTrip(req *http.Request) (*http.Response, error) {
	query := req.URL.RawQuery
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		query = string(body)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, err
	}
	values.Set("_method", req.Method)
	f.mu.Lock()
	f.sent = append(f.sent, values)
	f.mu.Unlock()
	r := f.answer(values.Get("command"), values)
	if r.err != nil {
		return nil, r.err
	}
	if r.status == 0 {
		r.status = 200
	}
	if r.kind == "" {
		r.kind = "application/json;charset=utf-8"
	}
	header := http.Header{"Content-Type": {r.kind}, "Date": {time.Now().Add(f.clock).UTC().Format(http.TimeFormat)}}
	for k, v := range r.header {
		header[k] = v
	}
	return &http.Response{StatusCode: r.status, Header: header, Body: io.NopCloser(strings.NewReader(r.body)), Request: req}, nil
}

// commands are the commands sent so far.
func (f *fakeCloud) commands() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, v := range f.sent {
		out = append(out, v.Get("command"))
	}
	return out
}

func (f *fakeCloud) count(command string) int {
	n := 0
	for _, c := range f.commands() {
		if c == command {
			n++
		}
	}
	return n
}

// steps answers each command with its replies in turn; the last one stays.
func steps(script map[string][]reply) func(string, url.Values) reply {
	var mu sync.Mutex
	return func(command string, _ url.Values) reply {
		mu.Lock()
		defer mu.Unlock()
		list := script[command]
		if len(list) == 0 {
			return refusal(432, "The API ["+command+"] does not exist")
		}
		if len(list) > 1 {
			script[command] = list[1:]
		}
		return list[0]
	}
}

func ok(body string) reply { return reply{body: body} }

func refusal(code int, text string) reply {
	o := `{"xresponse":{"uuidList":[],"errorcode":` + Object{"v": float64(code)}.Str("v") + `,"cserrorcode":9999,"errortext":"` + text + `"}}`
	return reply{status: code, body: o}
}

// newFake is a client of a fake cloud, with sha1 so that no probe is sent.
func newFake(t *testing.T, f *fakeCloud, change ...func(*Settings)) *Client {
	t.Helper()
	s := Settings{Endpoint: "http://cloud.test:8080/client/api", APIKey: testKey, SecretKey: testSecret, Signature: SignatureSHA1, Transport: f, SettleTime: -1}
	for _, c := range change {
		c(&s)
	}
	c, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// memoryJournal keeps what it is told, in order.
type memoryJournal struct {
	mu      sync.Mutex // guards what follows
	entries []string
	intents []Intent
	last    map[string]Checkpoint
	fail    error
}

func (j *memoryJournal) Intent(_ context.Context, in Intent) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail != nil {
		return j.fail
	}
	j.entries = append(j.entries, "intent "+in.Key)
	j.intents = append(j.intents, in)
	return nil
}

func (j *memoryJournal) Checkpoint(_ context.Context, cp Checkpoint) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	text := "checkpoint " + cp.Key + " id=" + cp.ID + " job=" + cp.Job
	if cp.Done {
		text += " done"
	}
	if cp.Failed != "" {
		text += " failed"
	}
	j.entries = append(j.entries, text)
	if j.last == nil {
		j.last = map[string]Checkpoint{}
	}
	j.last[cp.Key] = cp
	return nil
}
