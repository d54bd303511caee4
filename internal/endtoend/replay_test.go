package endtoend_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// exchange is one change that a CloudStack 4.22 was asked for, and its answer.
type exchange struct {
	Name    string                    `json:"name"`
	Command string                    `json:"command"`
	Status  int                       `json:"status"`
	Answer  map[string]map[string]any `json:"answer"`
	Job     map[string]map[string]any `json:"job"`
}

// want is what has to come out: the id of the object, or the error.
func (e exchange) want() (id string, code int, text string) {
	var inner, job map[string]any
	for _, inner = range e.Answer {
	}
	for _, job = range e.Job {
	}
	result, _ := job["jobresult"].(map[string]any)
	for _, refused := range []map[string]any{inner, result} {
		if n, ok := refused["errorcode"].(float64); ok {
			text, _ = refused["errortext"].(string)
			return "", int(n), text
		}
	}
	if s, ok := inner["id"].(string); ok {
		return s, 0, ""
	}
	for _, from := range []map[string]any{inner, result} {
		for _, v := range from {
			object, _ := v.(map[string]any)
			if s, ok := object["id"].(string); ok {
				return s, 0, ""
			}
		}
	}
	return "", 0, ""
}

func (e exchange) serve(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status, answer := e.Status, e.Answer
		if r.FormValue("command") == "queryAsyncJobResult" {
			status, answer = http.StatusOK, e.Job
		} else if r.FormValue("command") != e.Command {
			// Read by id after a change that did not say all, or after a refusal.
			status, answer = http.StatusOK, map[string]map[string]any{"emptyresponse": {}}
		}
		data, err := json.Marshal(answer)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json;charset=utf-8")
		w.WriteHeader(status)
		if _, err := w.Write(data); err != nil {
			t.Error(err)
		}
	}
}

// quiet is a journal that is always ready.
type quiet struct{}

func (quiet) Intent(context.Context, cloudstack.Intent) error         { return nil }
func (quiet) Checkpoint(context.Context, cloudstack.Checkpoint) error { return nil }

// TestRecordedChanges gives the client the answers of a real server to the
// changes that the plugins make, good ones and refusals.
func TestRecordedChanges(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/replay.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var e exchange
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		t.Run(e.Name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(e.serve(t))
			defer server.Close()
			client, err := cloudstack.New(cloudstack.Settings{
				Endpoint: server.URL + "/client/api", APIKey: "api-key-of-test", SecretKey: "secret-of-test", Signature: cloudstack.SignatureSHA1,
				Transport: &http.Transport{DisableKeepAlives: true}, SettleTime: -1,
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := client.With(quiet{}).Call(t.Context(), cloudstack.Mutation{
				Key: "change", Command: e.Command, Params: cloudstack.Params{"name": "x"}, Identity: cloudstack.Identity{Kind: cloudstack.Repeat},
			})
			id, code, said := e.want()
			if code == 0 {
				if err != nil || got.ID() != id {
					t.Errorf("got %q, %v; want %q", got.ID(), err, id)
				}
				return
			}
			var refused *cloudstack.Error
			if !errors.As(err, &refused) || refused.Code != code || (refused.JobID != "") != (e.Job != nil) {
				t.Fatalf("got %v; want %d of a job %t", err, code, e.Job != nil)
			}
			if !strings.Contains(err.Error(), strings.TrimSpace(said)) {
				t.Errorf("the error does not say %q: %v", said, err)
			}
		})
	}
}
