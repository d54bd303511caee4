package sdk

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/wire"
)

func TestRead(t *testing.T) {
	t.Parallel()
	client, _ := connect(t, netHandler{read: func(ctx context.Context, r *Request, prior netS) (netS, error) {
		switch prior.ID {
		case "gone":
			return prior, ErrGone
		case "broken":
			prior.Name = "in ruins"
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
	want := map[string]string{"ref-gone": "GONE", "ref-broken": "TAINTED broken in ruins", "ref-panic": "OK Cannot read net", "ref-fine": "OK fine read c1"}
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
