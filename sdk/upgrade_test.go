package sdk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/wire"
)

const upgradeSpec = `
plugin: acme
version: 2.0.0
protocol: 1
summary: For tests.
transport: cloudstack
types:
  box:
    summary: A box.
    schema: 3
    upgrade: true
    attributes:
      id:   {type: string, computed: true, doc: The id.}
      size: {type: string, required: true, doc: "Width and height."}
    create: {handler: true}
    read:   {handler: true}
    delete: {handler: true}
    identity: {serial: true}
`

type box struct {
	ID   string `mold:"id"`
	Size string `mold:"size"`
}

type boxes struct{}

func (boxes) Create(context.Context, *Request, box) (box, error) { return box{}, errors.New("none") }
func (boxes) Read(context.Context, *Request, box) (box, error)   { return box{}, ErrGone }
func (boxes) Delete(context.Context, *Request, box) error        { return nil }

// Upgrade joins what were two attributes.
func (boxes) Upgrade(_ context.Context, r *UpgradeRequest) (box, error) {
	var was struct{ Width, Height float64 }
	if err := r.Stored(&was); err != nil {
		return box{}, err
	}
	switch {
	case was.Width < 0:
		panic("turned inside out")
	case was.Width == 0:
		return box{}, fmt.Errorf("schema %d stored no width", r.Schema)
	}
	r.SetPrivate([]byte("new"))
	return box{Size: fmt.Sprintf("%gx%g", was.Width, was.Height)}, nil
}

// TestUpgrade asks code for objects of earlier schemas: those that it can read,
// those that it refuses, and one on which it crashes.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	server, err := NewServer(Plugin{Spec: []byte(upgradeSpec), Handlers: Handlers{"box": Handle[box](boxes{})}})
	if err != nil {
		t.Fatal(err)
	}
	reply, err := server.Upgrade(t.Context(), &wire.UpgradeRequest{Type: "box", Schema: 2, Objects: []*wire.Stored{
		{Address: "box.a", Id: "1", Values: []byte(`{"width":2,"height":1.5}`), Private: []byte("old")},
		{Address: "box.b", Id: "2", Values: []byte(`{"height":1}`), Private: []byte("old")},
		{Address: "box.c", Id: "3", Values: []byte(`{"width":-1}`)},
		{Address: "box.d", Id: "4", Values: []byte(`{"width":"x"}`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ty := cty.Object(map[string]cty.Type{"id": cty.String, "size": cty.String})
	var got []string
	for _, o := range reply.GetObjects() {
		v, err := wire.UnmarshalValue(o.GetValue(), ty)
		if err != nil {
			t.Fatal(err)
		}
		text := "nothing"
		if !v.IsNull() {
			text = v.GetAttr("id").AsString() + " " + v.GetAttr("size").AsString()
		}
		for _, d := range o.GetDiagnostics() {
			text += "; " + d.GetSummary() + ": " + d.GetDetail()
		}
		got = append(got, text+"; "+string(o.GetPrivate()))
	}
	for i, want := range []string{"1 2x1.5; new", "Cannot upgrade box.b: Schema 2 stored no width", "crashed in box.upgrade", "values stored by schema 2 of box"} {
		if !strings.Contains(strings.ToLower(got[i]), strings.ToLower(want)) {
			t.Errorf("object %d: %s, want %s", i, got[i], want)
		}
	}
	if _, err := server.Upgrade(t.Context(), &wire.UpgradeRequest{Type: "cup"}); err == nil {
		t.Error("a type that is not served is upgraded")
	}
	described, err := server.Describe(t.Context(), &wire.DescribeRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"box.create", "box.read", "box.delete", "box.upgrade"}, described.GetHandlers()); diff != "" {
		t.Errorf("served by code (-want +got):\n%s", diff)
	}
}

// TestUpgradeWithoutCode is a plugin that promises code and has none.
func TestUpgradeWithoutCode(t *testing.T) {
	t.Parallel()
	type plain struct {
		Creator[box]
		Reader[box]
		Deleter[box]
	}
	_, err := NewServer(Plugin{Spec: []byte(upgradeSpec), Handlers: Handlers{"box": Handle[box](plain{boxes{}, boxes{}, boxes{}})}})
	if err == nil || !strings.Contains(err.Error(), `serves "upgrade"`) {
		t.Errorf("started with %v", err)
	}
}
