package state_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/moldctl/moldctl/core/state"
)

// pulled is a state as text.
func pulled(t *testing.T, s *state.Store) []byte {
	t.Helper()
	d, err := s.Pull(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func parse(t *testing.T, text []byte) *state.Document {
	t.Helper()
	d, err := state.ParseDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestPushIntoAnEmptyState(t *testing.T) {
	t.Parallel()
	from, to := t.TempDir(), t.TempDir()
	s := openState(t, from)
	want := fill(t, s)
	text := pulled(t, s)
	if bytes.Contains(text, []byte(secret)) || bytes.Contains(text, []byte("aHVudGVyMi")) {
		t.Error("the document holds a secret in the clear")
	}
	sameKey := func(o *state.Options) { o.Keys = options(from).Keys }
	target := openState(t, to, sameKey)
	if _, err := target.Push(t.Context(), parse(t, text), state.PushOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
	again := openState(t, to, sameKey)
	// An operation is written as one entry, however it came about.
	if diff := cmp.Diff(want, snapshot(t, again), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := again.Push(t.Context(), parse(t, text), state.PushOptions{}); err == nil || !strings.Contains(err.Error(), "not settled") {
		t.Errorf("Push over an open operation = %v, want a refusal", err)
	}
}

func TestPush(t *testing.T) {
	t.Parallel()
	key := state.Key{Addr: "network.a"}
	edit := func(old, replacement string) func([]byte) []byte {
		return func(text []byte) []byte { return bytes.Replace(text, []byte(old), []byte(replacement), 1) }
	}
	tests := map[string]struct {
		reason string
		edit   func([]byte) []byte
		later  []state.Entry // after the pull
		force  bool
		want   string // id of network.a
		fails  string
	}{
		"edited":          {"a person may change what is readable", edit(`"id": "1"`, `"id": "2"`), nil, false, "2", ""},
		"as it was":       {"equal objects are no change", nil, nil, false, "1", ""},
		"newer":           {"the serial is taken over", edit(`"serial": 1`, `"serial": 40`), nil, false, "1", ""},
		"older":           {"somebody else's change would be lost", edit(`"id": "1"`, `"id": "2"`), []state.Entry{state.Put{Key: key, Object: named(key.Addr, "3")}}, false, "", "older than the state (serial 1, the state has 2)"},
		"older, forced":   {"the user has decided", edit(`"id": "1"`, `"id": "2"`), []state.Entry{state.Put{Key: key, Object: named(key.Addr, "3")}}, true, "2", ""},
		"another lineage": {"it belongs to another stack", nil, nil, false, "", "of another state"},
		"another address": {"sealed texts belong to their object", edit(`"address": "network.a"`, `"address": "network.b"`), nil, false, "", "changed, or belongs elsewhere"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			run(t, dir, state.Put{Key: key, Object: named(key.Addr, "1")})
			text := pulled(t, openState(t, dir, readOnly))
			if name == "another lineage" {
				other := t.TempDir()
				s := openState(t, other, func(o *state.Options) { o.Keys = options(dir).Keys })
				put(t, s, state.Put{Key: key, Object: named(key.Addr, "1")})
				text = pulled(t, s)
			}
			if test.edit != nil {
				changed := test.edit(text)
				if bytes.Equal(changed, text) {
					t.Fatal("the edit finds nothing")
				}
				text = changed
			}
			if test.later != nil {
				run(t, dir, test.later...)
			}
			s := openState(t, dir)
			before := snapshot(t, s)
			_, err := s.Push(t.Context(), parse(t, text), state.PushOptions{Force: test.force})
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("Push = %v, want %q: %s", err, test.fails, test.reason)
				}
				if diff := cmp.Diff(before, snapshot(t, s)); diff != "" {
					t.Errorf("a refused push changed something (-before +after):\n%s", diff)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v: %s", err, test.reason)
			}
			if got := snapshot(t, s).Objects[key].ID; got != test.want {
				t.Errorf("id %s, want %s: %s", got, test.want, test.reason)
			}
		})
	}
}

func TestDocumentsThatAreNone(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"no JSON":        {"resource {", "no JSON of a state"},
		"another format": {`{"format":"terraform"}`, "are made by: moldctl state pull"},
		"newer":          {`{"format":"moldctl-state","version":9}`, "use a newer moldctl"},
		"cut off":        {`{"format":"moldctl-state","version":1}`, "cut off"},
		"no address":     {`{"format":"moldctl-state","version":1,"lineage":"l","key":{"wrapped":"AAAA"},"objects":[{}]}`, "no usable address"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := state.ParseDocument([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("ParseDocument = %v, want %q", err, test.want)
			}
		})
	}
}
