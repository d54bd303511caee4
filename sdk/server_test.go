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

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

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

// made is the change the tests' handlers make.
func made(key string) cloudstack.Mutation {
	return cloudstack.Mutation{Key: key, Command: "createNet", Result: "net", Identity: cloudstack.Identity{Kind: cloudstack.None}}
}

func startCreate(t *testing.T) *wire.ApplyUp {
	t.Helper()
	return &wire.ApplyUp{Message: &wire.ApplyUp_Start{Start: &wire.Start{
		Op: wire.Op_CREATE, Type: "net", Cloud: "a", Address: "net.web", Operation: "op1", Planned: netValue(t, unknown, cty.StringVal("web"), unknown),
	}}}
}

func ack(seq uint64) *wire.ApplyUp {
	return &wire.ApplyUp{Message: &wire.ApplyUp_Ack{Ack: &wire.Ack{Seq: seq}}}
}

func TestApplyWaitsForEveryAck(t *testing.T) {
	t.Parallel()
	client, cloud := connect(t, netHandler{create: func(ctx context.Context, r *Request, plan netS) (netS, error) {
		r.Progress("making %s", plan.Name)
		object, err := r.Cloud.Call(ctx, made("create"))
		if err != nil {
			return plan, err
		}
		plan.ID, plan.CIDR = object.ID(), "10.1.1.0/24"
		if _, err := r.Cloud.Call(ctx, made("second")); err != nil {
			return plan, err
		}
		r.SetPrivate([]byte("kept"))
		return plan, nil
	}})
	stream, err := client.Apply(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(startCreate(t)); err != nil {
		t.Fatal(err)
	}
	var told []string
	var result *wire.Result
	for result == nil {
		msg, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		var seq uint64
		made := len(cloud.changes())
		switch m := msg.GetMessage().(type) {
		case *wire.ApplyDown_Progress:
			told = append(told, m.Progress.GetText())
			continue
		case *wire.ApplyDown_Intent:
			seq = m.Intent.GetSeq()
			told = append(told, "intent "+m.Intent.GetCall().GetKey())
		case *wire.ApplyDown_Checkpoint:
			seq = m.Checkpoint.GetSeq()
			c := m.Checkpoint.GetCall()
			told = append(told, "checkpoint "+c.GetKey()+" "+c.GetId()+" "+c.GetState().String()+" "+c.GetCommand())
		case *wire.ApplyDown_Result:
			result = m.Result
			continue
		}
		// What was made when this message was sent is all that may have been
		// made before the acknowledgement.
		want := map[string]int{"intent create": 0, "checkpoint create n1 DONE createNet": 1, "intent second": 1, "checkpoint second n1 DONE createNet": 2}
		if made != want[told[len(told)-1]] {
			t.Errorf("at %q the cloud had been changed %d times", told[len(told)-1], made)
		}
		if err := stream.Send(ack(seq)); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"making web", "intent create", "checkpoint create n1 DONE createNet", "intent second", "checkpoint second n1 DONE createNet"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("messages (-want +got)\n%s", diff)
	}
	if result.GetStatus() != wire.Result_OK || string(result.GetPrivate()) != "kept" || len(result.GetDiagnostics()) > 0 {
		t.Errorf("result: %v", result)
	}
	got, err := wire.UnmarshalValue(result.GetValue(), netType(t))
	if err != nil || got.GetAttr("id").AsString() != "n1" || got.GetAttr("cidr").AsString() != "10.1.1.0/24" {
		t.Errorf("value: %#v, %v", got, err)
	}
}

func TestApplyMakesNothingAfterTheStreamBroke(t *testing.T) {
	t.Parallel()
	finished := make(chan error, 1)
	client, cloud := connect(t, netHandler{create: func(ctx context.Context, r *Request, plan netS) (netS, error) {
		_, first := r.Cloud.Call(ctx, made("create"))
		// Stubborn code goes on with a context of its own.
		_, second := r.Cloud.Call(context.WithoutCancel(ctx), made("second"))
		finished <- errors.Join(first, second)
		return plan, first
	}})
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := client.Apply(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(startCreate(t)); err != nil {
		t.Fatal(err)
	}
	if msg, err := stream.Recv(); err != nil || msg.GetIntent() == nil {
		t.Fatalf("want an intent first, got %v, %v", msg, err)
	}
	cancel() // the host dies before it acknowledges
	err = <-finished
	if err == nil || strings.Count(err.Error(), errBroken.Error()) != 2 {
		t.Errorf("both calls must be refused because the connection broke: %v", err)
	}
	if got := cloud.changes(); len(got) > 0 {
		t.Errorf("the cloud was changed without an acknowledged intent: %v", got)
	}
}

// apply runs one operation and acknowledges everything.
func apply(t *testing.T, client wire.PluginClient, up *wire.ApplyUp) *wire.Result {
	t.Helper()
	stream, err := client.Apply(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(up); err != nil {
		t.Fatal(err)
	}
	for {
		msg, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if r := msg.GetResult(); r != nil {
			return r
		}
		if seq := max(msg.GetIntent().GetSeq(), msg.GetCheckpoint().GetSeq()); seq > 0 {
			if err := stream.Send(ack(seq)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestApplyOutcomes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		create  func(context.Context, *Request, netS) (netS, error)
		status  wire.Result_Status
		summary string
		detail  string
		value   bool
	}{
		"nothing was made": {
			func(context.Context, *Request, netS) (netS, error) { return netS{}, errors.New("no room") },
			wire.Result_GONE, "Cannot create net", "No room.", false,
		},
		"something was made": {
			func(ctx context.Context, r *Request, plan netS) (netS, error) {
				object, err := r.Cloud.Call(ctx, made("create"))
				plan.ID = object.ID()
				return plan, errors.Join(err, errors.New("no room for more"))
			},
			wire.Result_PARTIAL, "Cannot create net", "No room for more.", true,
		},
		"what was made is unusable": {
			func(ctx context.Context, r *Request, plan netS) (netS, error) {
				object, err := r.Cloud.Call(ctx, made("create"))
				plan.ID = object.ID()
				return plan, errors.Join(err, Tainted(errors.New("it is in state Error")))
			},
			wire.Result_TAINTED, "Cannot create net", "It is in state Error.", true,
		},
		"a problem with an attribute": {
			func(context.Context, *Request, netS) (netS, error) {
				return netS{}, Problem{Attribute: "cidr", Summary: "Taken", Detail: "Choose another."}
			},
			wire.Result_GONE, "Taken", "Choose another.", false,
		},
		"panic": {
			func(context.Context, *Request, netS) (netS, error) { panic("boom") },
			wire.Result_GONE, "Cannot create net", "The plugin test crashed in net.create: boom; this is a bug in the plugin.", false,
		},
		"panic after something was made": {
			func(ctx context.Context, r *Request, plan netS) (netS, error) {
				if _, err := r.Cloud.Call(ctx, made("create")); err != nil {
					return plan, err
				}
				panic("boom")
			},
			wire.Result_PARTIAL, "Cannot create net", "The plugin test crashed in net.create: boom; this is a bug in the plugin.", false,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := connect(t, netHandler{create: tt.create})
			result := apply(t, client, startCreate(t))
			if result.GetStatus() != tt.status || (result.GetValue() != nil) != tt.value {
				t.Errorf("status %v, value %v", result.GetStatus(), result.GetValue())
			}
			if d := result.GetDiagnostics(); len(d) != 1 || d[0].GetSummary() != tt.summary || d[0].GetDetail() != tt.detail {
				t.Errorf("diagnostics: %v", d)
			}
			if _, err := client.Describe(t.Context(), &wire.DescribeRequest{}); err != nil {
				t.Errorf("the plugin must live on: %v", err)
			}
		})
	}
}

func TestApplyTakesUpWhatWasMade(t *testing.T) {
	t.Parallel()
	client, cloud := connect(t, netHandler{create: func(ctx context.Context, r *Request, plan netS) (netS, error) {
		object, err := r.Cloud.Call(ctx, made("create"))
		plan.ID = object.ID()
		return plan, err
	}})
	up := startCreate(t)
	up.GetStart().Resume = []*wire.Call{{Key: "create", Command: "createNet", Id: "n7", State: wire.Call_DONE}}
	result := apply(t, client, up)
	if len(result.GetDiagnostics()) > 0 {
		t.Fatal(result.GetDiagnostics())
	}
	got, err := wire.UnmarshalValue(result.GetValue(), netType(t))
	if err != nil || got.GetAttr("id").AsString() != "n7" {
		t.Errorf("value: %#v, %v", got, err)
	}
	if len(cloud.changes()) > 0 {
		t.Errorf("made again: %v", cloud.changes())
	}
}

func TestDeleteAndPrune(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		op     wire.Op
		err    error
		status wire.Result_Status
		diags  int
	}{
		"deleted":     {wire.Op_DELETE, nil, wire.Result_GONE, 0},
		"was gone":    {wire.Op_DELETE, ErrGone, wire.Result_GONE, 0},
		"not deleted": {wire.Op_DELETE, errors.New("in use"), wire.Result_PARTIAL, 1},
		"pruned":      {wire.Op_PRUNE, nil, wire.Result_OK, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := connect(t, netHandler{remove: func(_ context.Context, _ *Request, prior netS) error {
				if prior.ID != "n1" {
					t.Errorf("prior: %+v", prior)
				}
				return tt.err
			}})
			result := apply(t, client, &wire.ApplyUp{Message: &wire.ApplyUp_Start{Start: &wire.Start{
				Op: tt.op, Type: "net", Cloud: "a", Address: "net.web", Prior: netValue(t, cty.StringVal("n1"), cty.StringVal("web"), null),
			}}})
			if result.GetStatus() != tt.status || len(result.GetDiagnostics()) != tt.diags {
				t.Errorf("result: %v", result)
			}
		})
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	client, _ := connect(t, netHandler{read: func(ctx context.Context, r *Request, prior netS) (netS, error) {
		switch prior.ID {
		case "gone":
			return prior, ErrGone
		case "broken":
			return prior, Tainted(errors.New("it is in state Error"))
		case "panic":
			panic("boom")
		}
		if _, err := r.Cloud.Call(ctx, made("x")); err == nil {
			t.Error("a read must not be able to change anything")
		}
		prior.Name = "read " + r.Lookups["cidr"].ID()
		return prior, nil
	}})
	in := &wire.ReadRequest{Type: "net", Cloud: "a"}
	for _, id := range []string{"gone", "broken", "panic", "fine"} {
		in.Items = append(in.Items, &wire.ReadItem{Ref: "ref-" + id, Id: id, LookupIds: map[string]string{"cidr": "c1"}})
	}
	stream, err := client.Read(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for range in.GetItems() {
		r, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		got[r.GetRef()] = r.GetState().String()
		for _, d := range r.GetDiagnostics() {
			got[r.GetRef()] += " " + d.GetSummary()
		}
		if r.GetValue() != nil {
			v, err := wire.UnmarshalValue(r.GetValue(), netType(t))
			if err != nil {
				t.Fatal(err)
			}
			got[r.GetRef()] += " " + v.GetAttr("id").AsString() + " " + v.GetAttr("name").AsString()
		}
	}
	want := map[string]string{"ref-gone": "GONE", "ref-broken": "TAINTED", "ref-panic": "OK Cannot read net", "ref-fine": "OK fine read c1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestFindComesInPieces(t *testing.T) {
	t.Parallel()
	client, _ := connect(t, netHandler{})
	find := func(query string) (sizes []int, diags []*wire.Diagnostic) {
		stream, err := client.Find(t.Context(), &wire.FindRequest{Type: "net", Cloud: "a", Query: []byte(query)})
		if err != nil {
			t.Fatal(err)
		}
		for {
			r, err := stream.Recv()
			if err != nil {
				return sizes, diags
			}
			sizes, diags = append(sizes, len(r.GetFound())), append(diags, r.GetDiagnostics()...)
		}
	}
	sizes, diags := find(`{}`)
	if diff := cmp.Diff([]int{pieces, pieces, 1}, sizes); diff != "" || len(diags) > 0 {
		t.Errorf("pieces (-want +got)\n%s%v", diff, diags)
	}
	if _, diags := find(`{"name":"none"}`); len(diags) != 1 || diags[0].GetDetail() != "The cloud is on fire." {
		t.Errorf("diagnostics: %v", diags)
	}
}

func TestPlanAndCheck(t *testing.T) {
	t.Parallel()
	client, _ := connect(t, netHandler{plan: func(r *PlanRequest, prior *netS, proposed netS) (Refined, error) {
		if !r.Unknown("id") || r.Unknown("name") || string(r.Private) != "p" || r.Lookups["name"].Str("x") != "y" || prior == nil || prior.Name != "old" {
			t.Errorf("request: %+v, prior %+v", r, prior)
		}
		if proposed.Name == "wrong" {
			return Refined{Unknown: []string{"nowhere"}}, nil
		}
		return Refined{Unknown: []string{"cidr"}, Replace: []string{"name"}, Problems: []Problem{{Warning: true, Summary: "Slow"}}}, nil
	}})
	ask := func(name string) *wire.PlanReply {
		reply, err := client.Plan(t.Context(), &wire.PlanRequest{
			Type: "net", Cloud: "a", Private: []byte("p"), Lookups: map[string][]byte{"name": []byte(`{"x":"y"}`)},
			Prior:    netValue(t, cty.StringVal("n1"), cty.StringVal("old"), null),
			Proposed: netValue(t, unknown, cty.StringVal(name), cty.StringVal("10.0.0.0/8")),
		})
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	reply := ask("new")
	v, err := wire.UnmarshalValue(reply.GetPlanned(), netType(t))
	if err != nil || v.GetAttr("cidr").IsKnown() || v.GetAttr("name").AsString() != "new" || !slices.Equal(reply.GetReplace(), []string{"name"}) {
		t.Errorf("plan: %v, %#v, %v", reply, v, err)
	}
	if d := reply.GetDiagnostics(); len(d) != 1 || d[0].GetSeverity() != wire.Diagnostic_WARNING {
		t.Errorf("diagnostics: %v", d)
	}
	if reply := ask("wrong"); !wire.Failed(reply.GetDiagnostics()) {
		t.Errorf("a path that leads nowhere must be an error: %v", reply)
	}
	check, err := client.Check(t.Context(), &wire.CheckRequest{Type: "net", Cloud: "a", Config: netValue(t, unknown, cty.StringVal("bad"), null)})
	if err != nil || len(check.GetDiagnostics()) != 2 || check.GetDiagnostics()[0].GetAttribute() != "name" {
		t.Errorf("check: %v, %v", check, err)
	}
}

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
