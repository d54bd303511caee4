package sdk

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

const codecSpec = `
plugin: test
version: 1.0.0
types:
  thing:
    attributes:
      name:   {type: string, required: true}
      note:   {type: string}
      size:   {type: number}
      ratio:  {type: number}
      on:     {type: bool}
      maybe:  {type: bool}
      words:  {type: list(string)}
      ports:  {type: set(number)}
      labels: {type: map(string)}
      recipe: {type: pipeline}
      loose:  {type: any}
    blocks:
      source: {attributes: {template: {type: string}, network: {type: string}}}
      rule: {nesting: list, attributes: {port: {type: number, required: true}, note: {type: string}}}
      scale: {nesting: map, attributes: {wait: {type: string}}, blocks: {when: {attributes: {limit: {type: number}}}}}
    create: {handler: true}
    read:   {handler: true}
    delete: {handler: true}
`

type source struct {
	Template string `mold:"template"`
	Network  string `mold:"network"`
}

type rule struct {
	Port int    `mold:"port"`
	Note string `mold:"note"`
}

type when struct {
	Limit float64 `mold:"limit"`
}

type scale struct {
	Wait string `mold:"wait"`
	When *when  `mold:"when"`
}

type thing struct {
	ID     string            `mold:"id"`
	Name   string            `mold:"name"`
	Note   *string           `mold:"note"`
	Size   int               `mold:"size"`
	Ratio  float64           `mold:"ratio"`
	On     bool              `mold:"on"`
	Maybe  *bool             `mold:"maybe"`
	Words  []string          `mold:"words"`
	Ports  []int             `mold:"ports"`
	Labels map[string]string `mold:"labels"`
	Recipe cty.Value         `mold:"recipe"`
	Loose  any               `mold:"loose"`
	Source source            `mold:"source"`
	Rules  []rule            `mold:"rule"`
	Scales map[string]scale  `mold:"scale"`
}

func thingType(t *testing.T) *pluginspec.Type {
	t.Helper()
	p, diags := pluginspec.Parse("plugin.yaml", []byte(codecSpec))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return p.Types["thing"]
}

// thingValue is a value of the type with the given attributes; the rest is
// null, or empty for blocks that repeat.
func thingValue(t *testing.T, set map[string]cty.Value) cty.Value {
	t.Helper()
	values := map[string]cty.Value{}
	for name, typ := range thingType(t).ImpliedType().AttributeTypes() {
		values[name] = cty.NullVal(typ)
	}
	values["rule"] = cty.ListValEmpty(thingType(t).ImpliedType().AttributeType("rule").ElementType())
	values["scale"] = cty.MapValEmpty(thingType(t).ImpliedType().AttributeType("scale").ElementType())
	for name, v := range set {
		values[name] = v
	}
	return cty.ObjectVal(values)
}

func ruleValue(port cty.Value, note cty.Value) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{"port": port, "note": note})
}

var recipe = cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal("httpd"), "steps": cty.TupleVal([]cty.Value{cty.True})})

func full(t *testing.T) cty.Value {
	t.Helper()
	return thingValue(t, map[string]cty.Value{
		"id": cty.StringVal("7"), "name": cty.StringVal("n"), "note": cty.StringVal("hello"), "size": cty.NumberIntVal(3),
		"ratio": cty.NumberFloatVal(0.5), "on": cty.True, "maybe": cty.False,
		"words":  cty.ListVal([]cty.Value{cty.StringVal("b"), cty.StringVal("a")}),
		"ports":  cty.SetVal([]cty.Value{cty.NumberIntVal(80), cty.NumberIntVal(22)}),
		"labels": cty.MapVal(map[string]cty.Value{"k": cty.StringVal("v")}),
		"recipe": recipe, "loose": cty.TupleVal([]cty.Value{cty.StringVal("x"), cty.NumberIntVal(1)}),
		"source": cty.ObjectVal(map[string]cty.Value{"template": cty.StringVal("t"), "network": cty.NullVal(cty.String)}),
		"rule": cty.ListVal([]cty.Value{
			ruleValue(cty.NumberIntVal(80), cty.NullVal(cty.String)), ruleValue(cty.NumberIntVal(443), cty.StringVal("tls")),
		}),
		"scale": cty.MapVal(map[string]cty.Value{"up": cty.ObjectVal(map[string]cty.Value{
			"wait": cty.StringVal("60s"), "when": cty.ObjectVal(map[string]cty.Value{"limit": cty.NumberIntVal(70)}),
		})}),
	})
}

func newThingCodec(t *testing.T) *codec {
	t.Helper()
	c, err := newCodec(thingType(t), reflect.TypeFor[thing]())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDecode(t *testing.T) {
	t.Parallel()
	hello, no := "hello", false
	tests := map[string]struct {
		in   cty.Value
		want thing
	}{
		"everything": {full(t), thing{
			ID: "7", Name: "n", Note: &hello, Size: 3, Ratio: 0.5, On: true, Maybe: &no, Words: []string{"b", "a"}, Ports: []int{22, 80},
			Labels: map[string]string{"k": "v"}, Recipe: recipe, Loose: []any{"x", 1.0}, Source: source{Template: "t"},
			Rules: []rule{{Port: 80}, {Port: 443, Note: "tls"}}, Scales: map[string]scale{"up": {"60s", &when{70}}},
		}},
		"null and unknown": {thingValue(t, map[string]cty.Value{"name": cty.StringVal("n"), "id": cty.UnknownVal(cty.String), "size": cty.UnknownVal(cty.Number)}),
			thing{Name: "n", Recipe: cty.NullVal(cty.DynamicPseudoType), Rules: []rule{}, Scales: map[string]scale{}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decodeAs[thing](newThingCodec(t), tt.in)
			if err != nil {
				t.Fatal(err)
			}
			same := cmp.Comparer(func(a, b cty.Value) bool { return a.RawEquals(b) })
			if diff := cmp.Diff(tt.want, got, same); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestDecodeRefusesNumbers(t *testing.T) {
	t.Parallel()
	_, err := decodeAs[thing](newThingCodec(t), thingValue(t, map[string]cty.Value{"size": cty.NumberFloatVal(1.5)}))
	if err == nil || !strings.Contains(err.Error(), "thing.Size") {
		t.Errorf("got %v, want an error that names the field", err)
	}
}

func TestEncodeKeepsTheBaseline(t *testing.T) {
	t.Parallel()
	tests := map[string]cty.Value{
		"everything":     full(t),
		"next to none":   thingValue(t, map[string]cty.Value{"name": cty.StringVal("n")}),
		"empty, no null": thingValue(t, map[string]cty.Value{"note": cty.StringVal(""), "words": cty.ListValEmpty(cty.String), "on": cty.False}),
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newThingCodec(t)
			in, err := decodeAs[thing](c, want)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.encode(reflect.ValueOf(in), want)
			if err != nil {
				t.Fatal(err)
			}
			if !got.RawEquals(want) {
				t.Errorf("got %#v\nwant %#v", got, want)
			}
		})
	}
}

func TestEncodeFillsWhatWasUnknown(t *testing.T) {
	t.Parallel()
	planned := thingValue(t, map[string]cty.Value{
		"id": cty.UnknownVal(cty.String), "name": cty.StringVal("n"), "size": cty.UnknownVal(cty.Number),
		"rule": cty.ListVal([]cty.Value{ruleValue(cty.NumberIntVal(80), cty.UnknownVal(cty.String))}),
	})
	c := newThingCodec(t)
	in, err := decodeAs[thing](c, planned)
	if err != nil {
		t.Fatal(err)
	}
	in.ID, in.Rules[0].Note = "9", "open"
	got, err := c.encode(reflect.ValueOf(in), planned)
	if err != nil {
		t.Fatal(err)
	}
	want := thingValue(t, map[string]cty.Value{
		"id": cty.StringVal("9"), "name": cty.StringVal("n"), "size": cty.NumberIntVal(0),
		"rule": cty.ListVal([]cty.Value{ruleValue(cty.NumberIntVal(80), cty.StringVal("open"))}),
	})
	if !got.RawEquals(want) {
		t.Errorf("got %#v\nwant %#v", got, want)
	}
	if !got.IsWhollyKnown() {
		t.Error("what a handler returns must be known")
	}
}

func TestEncodeWithoutBaseline(t *testing.T) {
	t.Parallel()
	c := newThingCodec(t)
	got, err := c.encode(reflect.ValueOf(thing{ID: "1", Name: "n", Loose: map[string]any{"a": 1.0}}), cty.NilVal)
	if err != nil {
		t.Fatal(err)
	}
	if !got.GetAttr("source").IsNull() || got.GetAttr("rule").IsNull() || !got.GetAttr("note").IsNull() {
		t.Errorf("a single block that does not stand is null, a repeated one empty: %#v", got)
	}
	if want := cty.ObjectVal(map[string]cty.Value{"a": cty.NumberIntVal(1)}); !got.GetAttr("loose").RawEquals(want) {
		t.Errorf("loose: %#v", got.GetAttr("loose"))
	}
}

func TestCodecMismatch(t *testing.T) {
	t.Parallel()
	type lacking struct {
		ID   string `mold:"id"`
		Name string `mold:"name"`
	}
	type wrongType struct {
		Name int `mold:"name"`
	}
	type wrongName struct {
		Nam string `mold:"nam"`
	}
	type wrongAny struct {
		Recipe string `mold:"recipe"`
	}
	type wrongNested struct {
		Rules []struct {
			Port string `mold:"port"`
		} `mold:"rule"`
	}
	tests := map[string]struct {
		shape reflect.Type
		want  string
	}{
		"attributes without a field": {reflect.TypeFor[lacking](), `struct lacking has no field tagged`},
		"wrong type":                 {reflect.TypeFor[wrongType](), `field wrongType.Name is of type int, but plugin.yaml says string`},
		"unknown attribute":          {reflect.TypeFor[wrongName](), `field wrongName.Nam is tagged "nam", but plugin.yaml has no attribute of that name`},
		"any in a string":            {reflect.TypeFor[wrongAny](), `field wrongAny.Recipe is of type string; values of type any or pipeline need cty.Value or any`},
		"wrong type in a block":      {reflect.TypeFor[wrongNested](), `field wrongNested.Rules[].Port is of type string, but plugin.yaml says number`},
		"no struct":                  {reflect.TypeFor[string](), `works on string, which is no struct`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newCodec(thingType(t), tt.shape)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
