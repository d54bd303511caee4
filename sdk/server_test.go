package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

const netSpec = `
plugin: test
version: 1.0.0
types:
  net:
    attributes:
      name: {type: string, required: true}
      cidr: {type: string, optional: true, computed: true}
    create: {handler: true}
    read:   {handler: true}
    update: {handler: true}
    delete: {handler: true}
    prune:  {handler: true}
    plan:   {handler: true}
    check:  {handler: true}
    find:   {handler: true}
`

type netS struct {
	ID   string `mold:"id"`
	Name string `mold:"name"`
	CIDR string `mold:"cidr"`
}

// netHandler does what each test asks for.
type netHandler struct {
	create func(context.Context, *Request, netS) (netS, error)
	remove func(context.Context, *Request, netS) error
	read   func(context.Context, *Request, netS) (netS, error)
	plan   func(*PlanRequest, *netS, netS) (Refined, error)
}

func (h netHandler) Create(ctx context.Context, r *Request, plan netS) (netS, error) {
	return h.create(ctx, r, plan)
}
func (h netHandler) Read(ctx context.Context, r *Request, prior netS) (netS, error) {
	return h.read(ctx, r, prior)
}
func (h netHandler) Update(ctx context.Context, r *Request, _, plan netS) (netS, error) {
	return h.create(ctx, r, plan)
}
func (h netHandler) Delete(ctx context.Context, r *Request, prior netS) error {
	return h.remove(ctx, r, prior)
}
func (h netHandler) Prune(_ context.Context, r *Request, state netS) (netS, error) {
	r.SetPrivate([]byte("pruned"))
	return state, nil
}
func (h netHandler) Plan(_ context.Context, r *PlanRequest, prior *netS, proposed netS) (Refined, error) {
	return h.plan(r, prior, proposed)
}
func (h netHandler) Check(_ context.Context, _ *PlanRequest, config netS) []Problem {
	if config.Name == "bad" {
		return []Problem{{Attribute: "name", Summary: "Bad name", Detail: "It is bad."}, {Warning: true, Summary: "Hm"}}
	}
	return nil
}
func (h netHandler) Find(_ context.Context, _ *PlanRequest, query map[string]any) ([]Found[netS], error) {
	if query["name"] == "none" {
		return nil, errors.New("the cloud is on fire")
	}
	var out []Found[netS]
	for i := range 2*pieces + 1 {
		name := strings.Repeat("n", i%7+1)
		out = append(out, Found[netS]{ID: name, Name: name, Value: netS{ID: name, Name: name}, Object: cloudstack.Object{"id": name}})
	}
	return out, nil
}

// fakeCloud answers what a plugin asks when it is configured, and createNet,
// deleteNet at once. It remembers the commands in order.
type fakeCloud struct {
	*httptest.Server
	mu    sync.Mutex // guards calls
	calls []string
}

func newFakeCloud(t *testing.T) *fakeCloud {
	t.Helper()
	f := &fakeCloud{}
	answers := map[string]string{
		"listZones":        `{"listzonesresponse":{"count":1,"zone":[{"id":"z1","name":"zone-1","allocationstate":"Enabled"}]}}`,
		"listCapabilities": `{"listcapabilitiesresponse":{"capability":{"cloudstackversion":"4.22.0"}}}`,
		"listUsers":        `{"listusersresponse":{"count":1,"user":[{"id":"u1","account":"ada","accountid":"a1","domain":"ROOT","domainid":"d1","roletype":"User","apikey":"key"}]}}`,
		"listProjects":     `{"listprojectsresponse":{"count":1,"project":[{"id":"p1","name":"demo"}]}}`,
		"createNet":        `{"createnetresponse":{"net":{"id":"n1","name":"web"}}}`,
		"deleteNet":        `{"deletenetresponse":{"success":true}}`,
		"listNets":         `{"listnetsresponse":{"count":1,"net":[{"id":"n7","name":"web"}]}}`,
	}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		command := r.FormValue("command")
		f.mu.Lock()
		f.calls = append(f.calls, command)
		f.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		answer, ok := answers[command]
		if !ok {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if _, err := w.Write([]byte(answer)); err != nil {
			t.Errorf("answer %s: %v", command, err)
		}
	}))
	t.Cleanup(f.Close)
	return f
}

// changes are the mutating commands so far.
func (f *fakeCloud) changes() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.calls), func(c string) bool { return strings.HasPrefix(c, "list") })
}

// connect serves a plugin in memory, configured for the fake cloud.
func connect(t *testing.T, h netHandler) (wire.PluginClient, *fakeCloud) {
	t.Helper()
	server, err := NewServer(Plugin{Spec: []byte(netSpec), Handlers: Handlers{"net": Handle[netS](h)}})
	if err != nil {
		t.Fatal(err)
	}
	lis := bufconn.Listen(1 << 20)
	g := grpc.NewServer(wire.ServerOptions()...)
	wire.RegisterPluginServer(g, server)
	served := make(chan error, 1)
	go func() { served <- g.Serve(lis) }()
	conn, err := grpc.NewClient("passthrough:///plugin", append(wire.DialOptions(),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return lis.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		g.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	client := wire.NewPluginClient(conn)
	cloud := newFakeCloud(t)
	reply, err := client.Configure(t.Context(), &wire.ConfigureRequest{Cloud: &wire.Cloud{
		Alias: "a", Endpoint: cloud.URL + "/client/api", ApiKey: "key", SecretKey: "secret", Signature: "sha1", Project: "demo", SettleMs: -1,
	}})
	if err != nil || len(reply.GetDiagnostics()) > 0 {
		t.Fatal(err, reply.GetDiagnostics())
	}
	if got := reply.GetIdentity(); got.GetAccountId() != "a1" || got.GetProjectId() != "p1" || got.GetZoneId() != "z1" {
		t.Fatalf("identity: %v", got)
	}
	return client, cloud
}

func netType(t *testing.T) cty.Type {
	t.Helper()
	p, diags := pluginspec.Parse("plugin.yaml", []byte(netSpec))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return p.Types["net"].ImpliedType()
}

func netValue(t *testing.T, id, name, cidr cty.Value) *wire.Value {
	t.Helper()
	v, err := wire.MarshalValue(cty.ObjectVal(map[string]cty.Value{"id": id, "name": name, "cidr": cidr}), netType(t))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var (
	unknown = cty.UnknownVal(cty.String)
	null    = cty.NullVal(cty.String)
)

func TestSettle(t *testing.T) {
	t.Parallel()
	client, cloud := connect(t, netHandler{})
	identity := func(id cloudstack.Identity) []byte {
		data, err := json.Marshal(id)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	listed := cloudstack.Identity{Kind: cloudstack.Natural, List: "listNets", Result: "net", Match: map[string]string{"name": "web"}}
	absent := listed
	absent.Match = map[string]string{"name": "other"}
	reply, err := client.Settle(t.Context(), &wire.SettleRequest{Type: "net", Cloud: "a", Calls: []*wire.Call{
		{Key: "made", Command: "createNet", Identity: identity(listed)},
		{Key: "not made", Command: "createNet", Identity: identity(absent)},
		{Key: "settled before", Command: "createNet", Id: "n3", State: wire.Call_DONE},
		{Key: "again", Command: "deleteNet", Identity: identity(cloudstack.Identity{Kind: cloudstack.Repeat, Target: "n1"})},
		{Key: "nothing tells", Command: "createNet", Identity: identity(cloudstack.Identity{Kind: cloudstack.None})},
		{Key: "garbage", Command: "createNet", Identity: []byte("{")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range reply.GetCalls() {
		got[c.GetKey()] = c.GetState().String() + " " + c.GetId()
	}
	want := map[string]string{
		"made": "DONE n7", "not made": "ABSENT ", "settled before": "DONE n3", "again": "ABSENT n1", "nothing tells": "AMBIGUOUS ", "garbage": "OPEN ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(reply.GetDiagnostics()) != 2 || len(cloud.changes()) > 0 {
		t.Errorf("diagnostics %v, changes %v", reply.GetDiagnostics(), cloud.changes())
	}
}

func TestConfigureRenewsTheBound(t *testing.T) {
	t.Parallel()
	s, err := NewServer(Plugin{Spec: []byte(netSpec), Handlers: Handlers{"net": Handle[netS](netHandler{})}})
	if err != nil {
		t.Fatal(err)
	}
	fake := newFakeCloud(t)
	configure := func(expires int64, zone string) *cloud {
		reply, err := s.Configure(t.Context(), &wire.ConfigureRequest{Cloud: &wire.Cloud{
			Alias: "a", Endpoint: fake.URL, ApiKey: "key", SecretKey: "s", Signature: "sha1", ExpiresUnix: expires, Zone: zone,
		}})
		if err != nil || len(reply.GetDiagnostics()) > 0 || reply.GetIdentity().GetAccountId() != "a1" {
			t.Fatal(err, reply)
		}
		return s.(*server).clouds["a"]
	}
	soon, later := time.Now().Add(time.Minute).Unix(), time.Now().Add(time.Hour).Unix()
	first := configure(soon, "")
	if again := configure(later, ""); again != first || first.expires.Load() != later {
		t.Error("a new bound must reach the client that operations use")
	}
	if other := configure(later, "zone-1"); other == first {
		t.Error("other settings must make another client")
	}
}

// TestConfigureIntroduced hands a plugin what another one found out. The cloud it
// is configured for would not answer.
func TestConfigureIntroduced(t *testing.T) {
	t.Parallel()
	client, cloud := connect(t, netHandler{})
	first, err := client.Configure(t.Context(), &wire.ConfigureRequest{Cloud: &wire.Cloud{Alias: "asked", Endpoint: cloud.URL, ApiKey: "key", SecretKey: "s"}})
	if err != nil || first.GetIdentity().GetSignature() != "sha1" {
		t.Fatal(err, first)
	}
	second, err := client.Configure(t.Context(), &wire.ConfigureRequest{
		Cloud:    &wire.Cloud{Alias: "told", Endpoint: "http://127.0.0.1:1/client/api", ApiKey: "key", SecretKey: "s"},
		Identity: first.GetIdentity(),
	})
	if err != nil || len(second.GetDiagnostics()) > 0 {
		t.Fatal(err, second)
	}
	if diff := cmp.Diff(first.GetIdentity(), second.GetIdentity(), protocmp.Transform()); diff != "" {
		t.Errorf("the identity changed on the way:\n%s", diff)
	}
}

func TestConfigureRefuses(t *testing.T) {
	t.Parallel()
	client, cloud := connect(t, netHandler{})
	tests := map[string]struct {
		cloud *wire.Cloud
		want  string
	}{
		"another account": {&wire.Cloud{Endpoint: cloud.URL, ApiKey: "key", SecretKey: "s", Account: "bob"}, `The keys belong to the account "ada", not to "bob".`},
		"another domain":  {&wire.Cloud{Endpoint: cloud.URL, ApiKey: "key", SecretKey: "s", Domain: "sub"}, `The keys belong to the domain "ROOT", not to "sub".`},
		"no such project": {&wire.Cloud{Endpoint: cloud.URL, ApiKey: "key", SecretKey: "s", Project: "x"}, `There is no project "x"; the keys may use ["demo"].`},
		"no keys":         {&wire.Cloud{Endpoint: cloud.URL}, "the API key and the secret key are both needed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.cloud.Alias = name
			tt.cloud.Signature = "sha1"
			reply, err := client.Configure(t.Context(), &wire.ConfigureRequest{Cloud: tt.cloud})
			if err != nil {
				t.Fatal(err)
			}
			if d := reply.GetDiagnostics(); len(d) != 1 || !strings.Contains(d[0].GetDetail(), tt.want) {
				t.Errorf("diagnostics %v, want %q", d, tt.want)
			}
			if _, err := client.Settle(t.Context(), &wire.SettleRequest{Type: "net", Cloud: name}); err == nil {
				t.Error("a cloud that was refused must not be usable")
			}
		})
	}
}
