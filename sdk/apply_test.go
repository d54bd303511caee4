package sdk

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/wire"
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
