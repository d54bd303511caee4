package declarative_test

import (
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/declarative"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// widgets is a plugin of an API nobody has, for what no bundled type uses yet.
const widgets = `
plugin: widgets
version: 1.0.0
protocol: 1
summary: Widgets.
transport: cloudstack
needs: [cloud]
types:
  widget:
    summary: A widget.
    attributes:
      id: {type: string, computed: true, doc: The id.}
      name: {type: string, required: true, doc: The name.}
      labels: {type: map(string), optional: true, encode: "[0].name/.value", doc: Labels.}
      shape: {type: string, optional: true, equal: case, doc: The shape.}
      only_ours: {type: bool, default: false, volatile: true, field: "-", doc: Whether other parts go.}
      ready: {type: bool, computed: true, field: "${response.state == \"Ready\"}", doc: Whether it is ready.}
    blocks:
      part:
        nesting: list
        doc: A part.
        attributes:
          name: {type: string, required: true, doc: The name.}
          size: {type: number, optional: true, doc: The size.}
          wood: {type: string, optional: true, replace: true, doc: What it is made of.}
        children:
          key: [name]
          exclusive: only_ours
          list: {call: listParts, params: {widgetid: "${self.id}"}, result: part}
          create: {call: createPart, params: {widgetid: "${parent.id}"}, result: part}
          update: {call: updatePart, only: [size]}
          delete: {call: deletePart, params: {partid: "${item.name}"}}
      lid:
        nesting: single
        doc: The lid.
        attributes:
          color: {type: string, required: true, doc: The color.}
        children:
          key: [color]
          list: {call: listLids, params: {widgetid: "${self.id}"}, result: lid}
          create: {call: createLid, params: {widgetid: "${self.id}"}, result: lid}
          delete: {call: deleteLid}
    create: {call: createWidget, result: widget, wait: {until: "${response.state == \"Ready\"}", every: 1ms}}
    read: {call: listWidgets, batch: true, result: widget}
    update: [{call: updateWidget, on: [name, labels, shape]}]
    delete: {call: deleteWidget}
    identity: {serial: true}
`

func widget(t *testing.T) (*declarative.Runtime, *pluginspec.Type) {
	t.Helper()
	p, diags := pluginspec.Parse("widgets.yaml", []byte(widgets))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return declarative.New(p), p.Types["widget"]
}

func part(name string, size int64) cty.Value {
	return partOf(name, size, cty.NullVal(cty.String))
}

func partOf(name string, size int64, wood cty.Value) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{"name": text(name), "size": cty.NumberIntVal(size), "wood": wood})
}

func TestWidget(t *testing.T) {
	t.Parallel()
	rt, typ := widget(t)
	f := newFake(t).
		on("createWidget", `{"widget": {"id": "w", "state": "Making"}}`).
		on("createLid", `{"lid": {"id": "lid-1"}}`).
		on("updatePart", `{"success": true}`).
		on("deletePart", `{"success": true}`).
		on("deleteLid", `{"success": true}`).
		on("listLids", `{}`).
		on("listParts", `{"count": 1, "part": [{"id": "other", "name": "x", "size": 9}]}`)
	f.answer["createPart"] = func(p url.Values) string { return `{"part": {"id": "id-` + p.Get("name") + `"}}` }
	reads := 0
	f.answer["listWidgets"] = func(p url.Values) string {
		f.mu.Lock()
		defer f.mu.Unlock()
		if p.Get("id") == "" {
			return `{}`
		}
		if reads++; reads < 3 {
			return `{"count": 1, "widget": [{"id": "w", "state": "Making"}]}`
		}
		return `{"count": 1, "widget": [{"id": "w", "name": "n", "state": "Ready", "shape": "ROUND", "labels": [{"name": "a", "value": "1"}]}]}`
	}
	given := map[string]cty.Value{
		"name": text("n"), "shape": text("round"), "labels": cty.MapVal(map[string]cty.Value{"a": text("1")}), "only_ours": cty.True,
		"part": cty.ListVal([]cty.Value{part("a", 1), part("b", 2)}), "lid": cty.ObjectVal(map[string]cty.Value{"color": text("red")}),
	}
	req := declarative.Request{Type: typ, Cloud: f.client(), Identity: me, Planned: planned(typ, given), Operation: "op"}
	made := rt.Create(t.Context(), req)
	if made.Status != declarative.OK || show(made.Value)["ready"] != "true" {
		t.Fatalf("status %v, %v: %s", made.Status, show(made.Value), details(made.Problems))
	}
	want := []string{
		"createLid color=red widgetid=w", "createPart name=a size=1 widgetid=w", "createPart name=b size=2 widgetid=w",
		"createWidget labels[0].name=a labels[0].value=1 name=n onlyours=true shape=round", "deletePart id=other partid=x",
		// A listing whose fields are not known cannot tell parts from one another: they are compared before and after.
		"listLids widgetid=w", "listParts widgetid=w", "listParts widgetid=w", "listParts widgetid=w", "listWidgets", "listWidgets id=w", "listWidgets id=w", "listWidgets id=w",
	}
	if diff := cmp.Diff(want, sorted(f.requests())); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	changeWidget(t, f, rt, typ, made)
}

// changeWidget resizes a part, drops another and changes the lid.
func changeWidget(t *testing.T, f *fake, rt *declarative.Runtime, typ *pluginspec.Type, made declarative.Result) {
	t.Helper()
	attrs := made.Value.AsValueMap()
	attrs["only_ours"] = cty.False
	attrs["part"] = cty.ListVal([]cty.Value{part("b", 3)})
	attrs["lid"] = cty.ObjectVal(map[string]cty.Value{"color": text("blue")})
	changed := rt.Update(t.Context(), declarative.Request{
		Type: typ, Cloud: f.client(), Identity: me, Prior: made.Value, Planned: cty.ObjectVal(attrs), Private: made.Private,
	})
	if changed.Status != declarative.OK {
		t.Fatalf("status %v: %s", changed.Status, details(changed.Problems))
	}
	want := []string{"createLid color=blue widgetid=w", "deleteLid id=lid-1", "deletePart id=id-a partid=a", "listLids widgetid=w", "updatePart id=id-b size=3"}
	if diff := cmp.Diff(want, sorted(f.requests())); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if !strings.Contains(string(changed.Private), `"children":{"lid":{"blue":"lid-1"},"part":{"b":"id-b"}}`) {
		t.Errorf("private: %s", changed.Private)
	}
}

func TestReadKeepsWhatIsTheSame(t *testing.T) {
	t.Parallel()
	rt, typ := widget(t)
	f := newFake(t).on("listWidgets", `{"count": 1, "widget": [{"id": "w", "name": "n", "state": "Ready", "shape": "ROUND", "labels": [{"name": "a", "value": "2"}, {"name": "z", "value": "0"}]}]}`)
	results, err := rt.Read(t.Context(), declarative.ReadRequest{Type: typ, Cloud: f.client(), Identity: me, Items: []declarative.ReadItem{{
		ID: "w", Prior: planned(typ, map[string]cty.Value{"name": text("n"), "shape": text("round"), "labels": cty.MapVal(map[string]cty.Value{"a": text("1")}), "part": cty.ListValEmpty(typ.ImpliedType().AttributeType("part").ElementType()), "lid": cty.NullVal(typ.ImpliedType().AttributeType("lid"))}),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	got := show(results[0].Value)
	if got["shape"] != "round" || got["labels"] != "a=2" {
		t.Errorf("shape %q, labels %q: %s", got["shape"], got["labels"], details(results[0].Problems))
	}
}

// TestReplacedChild changes in a child what needs another one: that child alone
// is deleted and made anew.
func TestReplacedChild(t *testing.T) {
	t.Parallel()
	rt, typ := widget(t)
	f := newFake(t).
		on("createPart", `{"part": {"id": "new"}}`).
		on("listWidgets", `{"count": 1, "widget": [{"id": "w", "name": "n", "state": "Ready"}]}`).
		on("updatePart", `{"success": true}`).
		on("deletePart", `{"success": true}`).
		on("listParts", `{}`)
	prior := map[string]cty.Value{
		"id": text("w"), "name": text("n"), "lid": cty.NullVal(typ.ImpliedType().AttributeType("lid")),
		"part": cty.ListVal([]cty.Value{partOf("a", 1, text("oak")), partOf("b", 1, text("oak"))}),
	}
	wanted := maps.Clone(prior)
	wanted["part"] = cty.ListVal([]cty.Value{partOf("a", 1, text("beech")), partOf("b", 2, text("oak"))})
	changed := rt.Update(t.Context(), declarative.Request{
		Type: typ, Cloud: f.client(), Identity: me, Operation: "op", Prior: planned(typ, prior), Planned: planned(typ, wanted),
		Private: []byte(`{"children":{"part":{"a":"id-a","b":"id-b"}}}`),
	})
	if changed.Status != declarative.OK {
		t.Fatalf("status %v: %s", changed.Status, details(changed.Problems))
	}
	want := []string{"createPart name=a size=1 widgetid=w wood=beech", "deletePart id=id-a partid=a", "listParts widgetid=w", "listWidgets id=w", "updatePart id=id-b size=2"}
	if diff := cmp.Diff(want, sorted(f.requests())); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}
