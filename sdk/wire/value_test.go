package wire

import (
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

func TestValueRoundTrip(t *testing.T) {
	t.Parallel()
	obj := cty.Object(map[string]cty.Type{"a": cty.String, "b": cty.Set(cty.Number), "c": cty.DynamicPseudoType})
	tests := map[string]cty.Value{
		"unknown in a set of objects": cty.ObjectVal(map[string]cty.Value{
			"a": cty.StringVal("x"), "b": cty.SetVal([]cty.Value{cty.NumberIntVal(1)}),
			"c": cty.SetVal([]cty.Value{
				cty.ObjectVal(map[string]cty.Value{"id": cty.UnknownVal(cty.String), "port": cty.NumberIntVal(80)}),
				cty.ObjectVal(map[string]cty.Value{"id": cty.UnknownVal(cty.String), "port": cty.NumberIntVal(443)}),
			}),
		}),
		"exact number": cty.ObjectVal(map[string]cty.Value{
			"a": cty.NullVal(cty.String), "b": cty.SetVal([]cty.Value{cty.MustParseNumberVal("12345678901234567890.123456789")}),
			"c": cty.NullVal(cty.String),
		}),
		"null":           cty.NullVal(obj),
		"unknown":        cty.UnknownVal(obj),
		"unknown inside": cty.ObjectVal(map[string]cty.Value{"a": cty.UnknownVal(cty.String), "b": cty.SetValEmpty(cty.Number), "c": cty.DynamicVal}),
		"dynamic": cty.ObjectVal(map[string]cty.Value{
			"a": cty.StringVal("x"), "b": cty.SetVal([]cty.Value{cty.MustParseNumberVal("0.1")}),
			"c": cty.TupleVal([]cty.Value{cty.True, cty.StringVal("y")}),
		}),
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for form, marshal := range map[string]func(cty.Value, cty.Type) (*Value, error){"msgpack": MarshalValue, "JSON": MarshalJSONValue} {
				w, err := marshal(want, obj)
				if err != nil {
					t.Fatal(err)
				}
				got, err := UnmarshalValue(w, obj)
				if err != nil {
					t.Fatal(err)
				}
				if !got.RawEquals(want) {
					t.Errorf("%s: got %#v, want %#v", form, got, want)
				}
			}
		})
	}
}

func TestMarshalValueDropsMarks(t *testing.T) {
	t.Parallel()
	w, err := MarshalValue(cty.StringVal("secret").Mark("sensitive"), cty.String)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := UnmarshalValue(w, cty.String); err != nil || !got.RawEquals(cty.StringVal("secret")) {
		t.Errorf("got %#v, %v", got, err)
	}
}

func TestUnmarshalValueRefusesMixedItems(t *testing.T) {
	t.Parallel()
	mixed := `[{"type":"string","value":"x"},{"type":"bool","value":true}]`
	for name, typ := range map[string]cty.Type{"list": cty.List(cty.DynamicPseudoType), "set": cty.Set(cty.DynamicPseudoType)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if v, err := UnmarshalValue(&Value{Json: []byte(mixed)}, typ); err == nil {
				t.Errorf("want an error, got %#v", v)
			}
		})
	}
}

func TestUnmarshalValue(t *testing.T) {
	t.Parallel()
	obj := cty.Object(map[string]cty.Type{"id": cty.String, "rules": cty.List(cty.Object(map[string]cty.Type{"port": cty.Number}))})
	tests := map[string]struct {
		in   *Value
		want cty.Value
		err  string
	}{
		"not sent": {nil, cty.NullVal(obj), ""},
		"json with unknown": {
			&Value{Json: []byte(`{"id":null,"rules":[{"port":80},{"port":null}]}`), Unknown: []string{"id", "rules[1].port"}},
			cty.ObjectVal(map[string]cty.Value{"id": cty.UnknownVal(cty.String), "rules": cty.ListVal([]cty.Value{
				cty.ObjectVal(map[string]cty.Value{"port": cty.NumberIntVal(80)}),
				cty.ObjectVal(map[string]cty.Value{"port": cty.UnknownVal(cty.Number)}),
			})}), "",
		},
		"path that leads nowhere": {&Value{Json: []byte(`{"id":"x","rules":[]}`), Unknown: []string{"rules[0].port"}}, cty.NilVal, "leads nowhere"},
		"path that is none":       {&Value{Json: []byte(`{"id":"x","rules":[]}`), Unknown: []string{"rules[x]"}}, cty.NilVal, "leads nowhere"},
		"wrong type":              {&Value{Json: []byte(`{"id":[]}`)}, cty.NilVal, "id: a string is needed"},
		"unknown attribute":       {&Value{Json: []byte(`{"idd":"x"}`)}, cty.NilVal, `no attribute "idd"`},
		"garbage":                 {&Value{Json: []byte("{")}, cty.NilVal, "unpack a value"},
		"two values":              {&Value{Json: []byte("{} {}")}, cty.NilVal, "behind the JSON"},
		"broken msgpack":          {&Value{Msgpack: []byte{0xc1}}, cty.NilVal, "unpack a value"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := UnmarshalValue(tt.in, obj)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil || !got.RawEquals(tt.want) {
				t.Errorf("got %#v, %v, want %#v", got, err, tt.want)
			}
		})
	}
}
