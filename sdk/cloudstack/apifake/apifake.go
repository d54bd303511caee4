// Package apifake is a scripted API for tests of plugin code: a test says what each command answers, and looks afterwards at what was
// sent. It keeps no rules of a cloud; for those there is the embedded cloud.
//
// It imports sdk/cloudstack and nothing else of ours.
package apifake

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// Object is an object of the API.
type Object = map[string]any

// Answer is what a command answers.
type Answer struct {
	status int
	body   Object
	job    Object // what the job ends with, nil for a synchronous command
	failed bool
}

// List answers a listing.
func List(key string, objects ...Object) Answer {
	if len(objects) == 0 {
		return Answer{body: Object{}}
	}
	return Answer{body: Object{"count": len(objects), key: objects}}
}

// Make answers a synchronous command with an object.
func Make(key string, o Object) Answer { return Answer{body: Object{key: o}} }

// OK answers a synchronous command that makes nothing.
func OK() Answer { return Answer{body: Object{"success": "true"}} }

// Start answers an asynchronous command; its job ends with the object.
func Start(key string, o Object) Answer {
	return Answer{body: Object{"id": o["id"]}, job: Object{key: o}}
}

// Done answers an asynchronous command that makes nothing.
func Done() Answer { return Answer{body: Object{}, job: Object{"success": true}} }

// Refuse answers with an error.
func Refuse(code int, text string) Answer {
	return Answer{status: code, body: Object{"errorcode": code, "cserrorcode": 9999, "errortext": text, "uuidList": []any{}}}
}

// Fail answers an asynchronous command whose job fails; id is of what it leaves, or empty.
func Fail(id string, code int, text string) Answer {
	body := Object{}
	if id != "" {
		body["id"] = id
	}
	return Answer{body: body, job: Object{"errorcode": code, "errortext": text}, failed: true}
}

// Unknown answers that the parameter names nothing.
func Unknown(parameter string) Answer {
	return Refuse(431, "Unable to execute API command due to invalid value. Invalid parameter "+parameter+
		" value=x due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class.")
}

// API answers requests by a script.
type API struct {
	mu       sync.Mutex // guards what follows
	commands map[string]func(p url.Values) Answer
	jobs     map[string]Answer
	sent     []url.Values
	journal  []string
}

// New is an API that knows one zone and refuses everything else.
func New() *API {
	a := &API{commands: map[string]func(url.Values) Answer{}, jobs: map[string]Answer{}}
	a.On("listZones", func(url.Values) Answer {
		return List("zone", Object{"id": "zone-id", "name": "zone-1", "allocationstate": "Enabled"})
	})
	return a
}

// On says what a command answers. The function runs while no other does.
func (a *API) On(command string, answer func(p url.Values) Answer) { a.commands[command] = answer }

// Always says that a command answers the same at all times.
func (a *API) Always(command string, answer Answer) {
	a.On(command, func(url.Values) Answer { return answer })
}

// Client is a client of the API that announces its changes to a journal inside the API.
func (a *API) Client(settled ...cloudstack.Settled) (*cloudstack.Client, error) {
	c, err := cloudstack.New(cloudstack.Settings{
		Endpoint: "http://cloud.test/client/api", APIKey: "key", SecretKey: "secret", Signature: cloudstack.SignatureSHA1, Transport: a, SettleTime: -1,
	})
	if err != nil {
		return nil, err
	}
	return c.With(a, settled...), nil
}

// Intent keeps the announcement of a change.
func (a *API) Intent(_ context.Context, in cloudstack.Intent) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.journal = append(a.journal, in.Key)
	return nil
}

// Checkpoint is not kept: what the client tells the journal is tested with the client.
func (a *API) Checkpoint(context.Context, cloudstack.Checkpoint) error { return nil }

// Keys are the keys of the changes announced so far.
func (a *API) Keys() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.journal)
}

// Changes are the changes sent so far, each as its command with the named parameters it was given.
func (a *API) Changes(parameters ...string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for _, p := range a.sent {
		command := p.Get("command")
		if strings.HasPrefix(command, "list") || strings.HasPrefix(command, "query") {
			continue
		}
		for _, name := range parameters {
			if v, given := p[name]; given {
				command += " " + name + "=" + v[0]
			}
		}
		out = append(out, command)
	}
	return out
}

// Forget drops what was sent so far.
func (a *API) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent, a.journal = nil, nil
}

// RoundTrip answers one request.
func (a *API) RoundTrip(req *http.Request) (*http.Response, error) {
	query := req.URL.RawQuery
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		query = string(body)
	}
	p, err := url.ParseQuery(query)
	if err != nil {
		return nil, err
	}
	status, body := a.answer(p)
	text, err := json.Marshal(Object{strings.ToLower(p.Get("command")) + "response": body})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: status, Request: req, Body: io.NopCloser(strings.NewReader(string(text))),
		Header: http.Header{"Content-Type": {"application/json"}},
	}, nil
}

func (a *API) answer(p url.Values) (int, Object) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent = append(a.sent, p)
	command := p.Get("command")
	if command == "queryAsyncJobResult" {
		return a.jobState(p.Get("jobid"))
	}
	handler, ok := a.commands[command]
	if !ok {
		refused := Refuse(432, "The API ["+command+"] does not exist or is not available")
		return refused.status, refused.body
	}
	answer := handler(p)
	if answer.job != nil {
		job := fmt.Sprintf("job-%d", len(a.jobs)+1)
		a.jobs[job] = answer
		answer.body["jobid"] = job
	}
	return max(answer.status, http.StatusOK), answer.body
}

func (a *API) jobState(id string) (int, Object) {
	answer, ok := a.jobs[id]
	if !ok {
		unknown := Unknown("jobid")
		return unknown.status, unknown.body
	}
	if answer.failed {
		return http.StatusOK, Object{"jobid": id, "jobstatus": 2, "jobresultcode": answer.job["errorcode"], "jobresult": answer.job}
	}
	return http.StatusOK, Object{"jobid": id, "jobstatus": 1, "jobresult": answer.job}
}
