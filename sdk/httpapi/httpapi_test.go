package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/httpapi"
)

// journal accepts everything and counts it.
type journal struct{ intents, checkpoints atomic.Int32 }

func (j *journal) Intent(context.Context, cloudstack.Intent) error { j.intents.Add(1); return nil }
func (j *journal) Checkpoint(context.Context, cloudstack.Checkpoint) error {
	j.checkpoints.Add(1)
	return nil
}

// serve starts an API and returns a client of it.
func serve(t *testing.T, s httpapi.Settings, handle http.HandlerFunc) *cloudstack.Client {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	s.Endpoint, s.SettleTime = server.URL+"/v1", -1
	c, err := httpapi.New(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func params(t *testing.T, r httpapi.Request) cloudstack.Params {
	t.Helper()
	p, err := r.Params()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func answer(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) } // the client may be gone

// TestPages reads 250 objects in every style of paging.
func TestPages(t *testing.T) {
	t.Parallel()
	const total = 250
	piece := func(from, size int) []any {
		out := []any{}
		for i := from; i < min(from+size, total); i++ {
			out = append(out, map[string]any{"id": i})
		}
		return out
	}
	number := func(text string) int { n, _ := strconv.Atoi(text); return n }
	for name, tt := range map[string]struct {
		paging httpapi.Paging
		handle http.HandlerFunc
		calls  int32
	}{
		"none": {httpapi.Paging{}, func(w http.ResponseWriter, _ *http.Request) { answer(w, piece(0, total)) }, 1},
		"page": {httpapi.Paging{Style: "page", Param: "p", Size: "n", Limit: 100, First: 1}, func(w http.ResponseWriter, r *http.Request) {
			answer(w, piece((number(r.FormValue("p"))-1)*100, number(r.FormValue("n"))))
		}, 3},
		"offset": {httpapi.Paging{Style: "offset", Param: "from", Size: "n", Limit: 50}, func(w http.ResponseWriter, r *http.Request) {
			answer(w, piece(number(r.FormValue("from")), 50))
		}, 6},
		"cursor": {httpapi.Paging{Style: "cursor", Param: "after", Next: "meta.next"}, func(w http.ResponseWriter, r *http.Request) {
			from := number(r.FormValue("after"))
			next := ""
			if from+100 < total {
				next = strconv.Itoa(from + 100)
			}
			answer(w, map[string]any{"data": piece(from, 100), "meta": map[string]any{"next": next}})
		}, 3},
		"link": {httpapi.Paging{Style: "link"}, func(w http.ResponseWriter, r *http.Request) {
			from := number(r.FormValue("from"))
			if from+100 < total {
				w.Header().Set("Link", fmt.Sprintf(`<https://example.com/first>; rel="first", </v1/things?from=%d>; rel="next"`, from+100))
			}
			answer(w, piece(from, 100))
		}, 3},
		"a server that does not page": {httpapi.Paging{Style: "page", Param: "p"}, func(w http.ResponseWriter, _ *http.Request) { answer(w, piece(0, total)) }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			c := serve(t, httpapi.Settings{Paging: tt.paging}, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				tt.handle(w, r)
			})
			result := ""
			if name == "cursor" {
				result = "data"
			}
			found, err := c.List(t.Context(), "GET /things", params(t, httpapi.Request{Method: "GET", Path: "/things", Result: result, List: true}), httpapi.ItemsKey)
			if err != nil {
				t.Fatal(err)
			}
			if len(found) != total || calls.Load() != tt.calls || found[total-1].ID() != "249" {
				t.Errorf("%d objects in %d calls, the last %v", len(found), calls.Load(), found[len(found)-1])
			}
		})
	}
}

// TestElsewhere keeps credentials from servers that nobody configured.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the stranger was asked") }))
	t.Cleanup(stranger.Close)
	for name, handle := range map[string]http.HandlerFunc{
		"a page": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "<"+stranger.URL+`/more>; rel="next"`)
			answer(w, []any{map[string]any{"id": "1"}})
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, stranger.URL+"/?token=secret-token", http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, httpapi.Settings{Paging: httpapi.Paging{Style: "link"}}, handle)
			_, err := c.List(t.Context(), "GET /things", params(t, httpapi.Request{Method: "GET", Path: "/things", List: true}), httpapi.ItemsKey)
			if err == nil || strings.Contains(err.Error(), "secret-token") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func change(method, path string, body map[string]any) httpapi.Request {
	return httpapi.Request{Method: method, Path: path, Body: body, Result: "thing", Token: "the-same", Query: url.Values{}}
}

// TestChange checks what a change sends, and what becomes of its answer.
func TestChange(t *testing.T) {
	t.Parallel()
	var got http.Header
	c := serve(t, httpapi.Settings{
		Headers: map[string]string{"Authorization": "Bearer t0ken-of-mine"}, Query: map[string]string{"key": "k3y"}, Idempotency: "Idempotency-Key",
	}, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.URL.Query().Get("key") != "k3y" || r.URL.EscapedPath() != "/v1/things/a%2Fb" {
			t.Errorf("%s %v %v", r.URL, body, err)
		}
		w.Header().Set("Location", "/v1/things/77")
		w.WriteHeader(http.StatusCreated)
	})
	j := &journal{}
	object, err := c.With(j).Call(t.Context(), cloudstack.Mutation{
		Key: "create", Command: "POST /things", Params: params(t, change("POST", "/things/a%2Fb", map[string]any{"size": 3})),
		Identity: cloudstack.Identity{Kind: cloudstack.None}, Result: httpapi.ObjectKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("77", object.ID()); diff != "" || j.intents.Load() != 1 || j.checkpoints.Load() != 1 {
		t.Errorf("id (-want +got):\n%s%d intents, %d checkpoints", diff, j.intents.Load(), j.checkpoints.Load())
	}
	if got.Get("Authorization") != "Bearer t0ken-of-mine" || got.Get("Idempotency-Key") != "the-same" {
		t.Errorf("headers %v", got)
	}
}

// TestRefusals checks how statuses are read: what is told, and what is tried
// again.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status int
		body   string
		want   string
		calls  int32 // 0: more than one
	}{
		"the place of messages": {400, `{"problem": {"text": "no such zone"}}`, "no such zone", 1},
		"a usual place":         {422, `{"errors": [{"message": "too long"}, {"message": "too odd"}]}`, "too long; too odd", 1},
		"an echoed secret":      {400, `{"message": "bad key t0ken-of-mine for pa55word"}`, "bad key (sensitive) for (sensitive)", 1},
		"no reason":             {403, ``, "the credentials do not allow this", 1},
		"there already":         {409, `{"message": "exists"}`, "import it, or choose another name", 1},
		"busy":                  {429, `{"message": "slow down"}`, "slow down", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			c := serve(t, httpapi.Settings{Message: "problem.text", Secrets: []string{"t0ken-of-mine"}}, func(w http.ResponseWriter, _ *http.Request) {
				if calls.Add(1) > 1 {
					answer(w, map[string]any{"thing": map[string]any{"id": "1"}})
					return
				}
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body)) // the client may be gone
			})
			r := change("POST", "/things", map[string]any{})
			r.Hide = []string{"pa55word"}
			_, err := c.With(&journal{}).Call(t.Context(), cloudstack.Mutation{
				Key: "create", Command: "POST /things", Params: params(t, r), Identity: cloudstack.Identity{Kind: cloudstack.None}, Result: httpapi.ObjectKey,
			})
			if tt.calls == 0 {
				if err != nil || calls.Load() != 2 {
					t.Errorf("%d calls, error %v", calls.Load(), err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || calls.Load() != tt.calls {
				t.Errorf("%d calls, error %v", calls.Load(), err)
			}
		})
	}
}

// TestGone tells what does not exist from what cannot be read.
func TestGone(t *testing.T) {
	t.Parallel()
	c := serve(t, httpapi.Settings{Gone: []int{423}}, func(w http.ResponseWriter, r *http.Request) {
		status, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/v1/"))
		w.WriteHeader(status)
	})
	for status, gone := range map[int]bool{404: true, 410: true, 423: true, 403: false, 401: false} {
		_, err := c.List(t.Context(), "GET", params(t, httpapi.Request{Method: "GET", Path: strconv.Itoa(status), List: true}), httpapi.ItemsKey)
		if err == nil || cloudstack.IsGone(err) != gone {
			t.Errorf("%d: error %v", status, err)
		}
	}
}

// TestLostAnswer looks for what a change made before it is sent again.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	for name, acted := range map[string]bool{"after the API acted": true, "before": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var posts, made atomic.Int32
			c := serve(t, httpapi.Settings{}, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method == http.MethodGet && made.Load() == 0:
					answer(w, []any{})
				case r.Method == http.MethodGet:
					answer(w, []any{map[string]any{"id": "1", "name": "n"}})
				case posts.Add(1) == 1:
					if acted {
						made.Add(1)
					}
					panic(http.ErrAbortHandler)
				default:
					made.Add(1)
					answer(w, map[string]any{"thing": map[string]any{"id": "1"}})
				}
			})
			list := params(t, httpapi.Request{Method: "GET", Path: "/things", List: true})
			object, err := c.With(&journal{}).Call(t.Context(), cloudstack.Mutation{
				Key: "create", Command: "POST /things", Params: params(t, change("POST", "/things", map[string]any{"name": "n"})), Result: httpapi.ObjectKey,
				Identity: cloudstack.Identity{Kind: cloudstack.Natural, List: "GET /things", Params: list, Result: httpapi.ItemsKey, Match: map[string]string{"name": "n"}},
			})
			if err != nil || object.ID() != "1" || made.Load() != 1 {
				t.Errorf("object %v, %d made, error %v", object, made.Load(), err)
			}
		})
	}
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"", "example.com", "ftp://example.com", "https://me:pa55word@example.com", "https://example.com/?key=pa55word"} {
		_, err := httpapi.New(httpapi.Settings{Endpoint: endpoint})
		if err == nil || strings.Contains(err.Error(), "pa55word") {
			t.Errorf("%q: error %v", endpoint, err)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", httpapi.Settings{Password: "pa55word"}, httpapi.Settings{Password: "pa55word"}, httpapi.Settings{Password: "pa55word"}); strings.Contains(text, "pa55word") {
		t.Errorf("settings print as %s", text)
	}
	if _, err := httpapi.New(httpapi.Settings{Endpoint: "https://example.com", CACert: "-----BEGIN nothing"}); err == nil || errors.Is(err, http.ErrAbortHandler) {
		t.Errorf("a bad certificate: %v", err)
	}
}
