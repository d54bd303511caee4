package declarative_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/declarative"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

const teams = `
plugin: teams
version: 1.0.0
summary: Teams.
transport: http
config:
  endpoint: {type: string, required: true, doc: Where.}
types:
  team:
    summary: A team.
    attributes:
      name: {type: string, required: true, doc: The name.}
      motto: {type: string, optional: true, doc: What it says.}
      secret: {type: string, optional: true, sensitive: true, doc: What it does not say.}
    blocks:
      member:
        nesting: set
        doc: Somebody.
        attributes: {mail: {type: string, required: true, doc: The address.}}
        children:
          key: [mail]
          list: {method: GET, path: "/teams/${self.id}/members"}
          create: {method: POST, path: "/teams/${self.id}/members"}
          delete: {method: DELETE, path: "/teams/${self.id}/members/${item.id}"}
    create: {method: POST, path: /teams}
    read: {method: GET, path: "/teams/${self.id}"}
    update: {method: PATCH, path: "/teams/${self.id}"}
    delete: {method: DELETE, path: "/teams/${self.id}"}
    identity: {serial: true}
    find: {method: GET, path: /teams, by: [name]}
`

// roster is an API with one team. It answers no new member before enough are
// asked for at the same time.
type roster struct {
	t        *testing.T
	together int

	mu      sync.Mutex // guards what follows
	members []map[string]string
	asked   int
	open    chan struct{}
	shown   string // the team
}

func (r *roster) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch at := req.Method + " " + req.URL.Path; {
	case at == "POST /teams":
		fmt.Fprint(w, `{"id": "t1"}`)
	case at == "GET /teams":
		fmt.Fprint(w, `[]`)
	case at == "GET /teams/t1":
		fmt.Fprint(w, r.shown)
	case at == "GET /teams/t1/members":
		r.mu.Lock()
		defer r.mu.Unlock()
		if err := json.NewEncoder(w).Encode(append([]map[string]string{}, r.members...)); err != nil {
			r.t.Error(err)
		}
	case at == "POST /teams/t1/members":
		var m map[string]string
		if err := json.NewDecoder(req.Body).Decode(&m); err != nil {
			r.t.Error(err)
		}
		r.mu.Lock()
		if r.asked++; r.asked == r.together {
			close(r.open)
		}
		r.mu.Unlock()
		select {
		case <-r.open:
		case <-time.After(10 * time.Second):
			r.t.Error("members are added one after the other")
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		m["id"] = "m-" + m["mail"]
		r.members = append(r.members, m)
		if err := json.NewEncoder(w).Encode(m); err != nil {
			r.t.Error(err)
		}
	default:
		r.t.Errorf("unexpected %s", at)
	}
}

// at starts the API and returns a runtime with what its requests need.
func (r *roster) at(t *testing.T) (*declarative.Runtime, *pluginspec.Type, declarative.Request, *fake) {
	t.Helper()
	spec, diags := pluginspec.Parse("teams.yaml", []byte(teams))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	rt := declarative.New(spec)
	config := cty.ObjectVal(map[string]cty.Value{"endpoint": text(server.URL)})
	client, err := rt.Connect(config, -1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	f := &fake{t: t}
	return rt, spec.Types["team"], declarative.Request{Type: spec.Types["team"], Cloud: client.With(f), Config: config, Operation: "op-1"}, f
}

// Children over HTTP are made at the same time, each announced by itself.
func TestHTTPChildrenAtOnce(t *testing.T) {
	t.Parallel()
	const count = 20
	r := &roster{t: t, together: 8, open: make(chan struct{}), shown: `{"id": "t1", "name": "night"}`}
	rt, typ, req, f := r.at(t)
	var members []cty.Value
	for i := range count {
		members = append(members, item(typ, "member", map[string]cty.Value{"mail": text(fmt.Sprintf("m%d@example.com", i))}))
	}
	req.Planned = planned(typ, map[string]cty.Value{"name": text("night"), "member": cty.SetVal(members)})
	got := rt.Create(t.Context(), req)
	if got.Status != declarative.OK || len(r.members) != count {
		t.Errorf("status %v, %d members: %s", got.Status, len(r.members), details(got.Problems))
	}
	announced := slices.DeleteFunc(slices.Clone(f.journal), func(s string) bool { return !strings.HasPrefix(s, "member[") })
	if len(announced) != count {
		t.Errorf("%d of %d were announced", len(announced), count)
	}
}

// A null in an answer says that there is nothing, where it does not hide a
// secret.
func TestNullIsDrift(t *testing.T) {
	t.Parallel()
	r := &roster{t: t, shown: `{"id": "t1", "name": "night", "motto": null, "secret": null}`}
	rt, typ, req, _ := r.at(t)
	prior := planned(typ, map[string]cty.Value{"id": text("t1"), "name": text("night"), "motto": text("We sleep"), "secret": text("We do")})
	results, err := rt.Read(t.Context(), declarative.ReadRequest{
		Type: typ, Cloud: req.Cloud, Config: req.Config, Items: []declarative.ReadItem{{Ref: "a", ID: "t1", Prior: prior}},
	})
	if err != nil || len(results) != 1 || results[0].State != declarative.Present {
		t.Fatalf("error %v, results %+v", err, results)
	}
	now := results[0].Value
	if !now.GetAttr("motto").IsNull() || now.GetAttr("secret").IsNull() {
		t.Errorf("motto %#v, secret %#v", now.GetAttr("motto"), now.GetAttr("secret"))
	}
}
