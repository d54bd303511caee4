package declarative

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

func TestFromAPI(t *testing.T) {
	t.Parallel()
	texts := cty.Set(cty.String)
	tests := map[string]struct {
		raw  any
		ty   cty.Type
		want cty.Value
		fail string
	}{
		"a port spelled as text":           {"8080", cty.Number, cty.NumberIntVal(8080), ""},
		"a number":                         {json.Number("8080"), cty.Number, cty.NumberIntVal(8080), ""},
		"a number where text is expected":  {json.Number("1"), cty.String, cty.StringVal("1"), ""},
		"a boolean spelled as text":        {"true", cty.Bool, cty.True, ""},
		"a boolean":                        {false, cty.Bool, cty.False, ""},
		"no number":                        {"", cty.Number, cty.NullVal(cty.Number), ""},
		"networks separated by blanks":     {"10.0.0.0/8 192.168.0.0/16", texts, cty.SetVal([]cty.Value{cty.StringVal("10.0.0.0/8"), cty.StringVal("192.168.0.0/16")}), ""},
		"networks separated by commas":     {"10.0.0.0/8,172.16.0.0/12", cty.List(cty.String), cty.ListVal([]cty.Value{cty.StringVal("10.0.0.0/8"), cty.StringVal("172.16.0.0/12")}), ""},
		"a list as a list":                 {[]any{"a", "b"}, texts, cty.SetVal([]cty.Value{cty.StringVal("a"), cty.StringVal("b")}), ""},
		"a list where text is expected":    {[]any{"a", json.Number("2")}, cty.String, cty.StringVal("a,2"), ""},
		"an empty text as a list":          {"", texts, cty.SetValEmpty(cty.String), ""},
		"a map":                            {map[string]any{"k": json.Number("2")}, cty.Map(cty.String), cty.MapVal(map[string]cty.Value{"k": cty.StringVal("2")}), ""},
		"a map as pairs":                   {[]any{map[string]any{"name": "k", "value": "v"}}, cty.Map(cty.String), cty.MapVal(map[string]cty.Value{"k": cty.StringVal("v")}), ""},
		"an object by convention":          {map[string]any{"maxmembers": "3"}, cty.Object(map[string]cty.Type{"max_members": cty.Number, "name": cty.String}), cty.ObjectVal(map[string]cty.Value{"max_members": cty.NumberIntVal(3), "name": cty.NullVal(cty.String)}), ""},
		"text where a number is expected":  {"many", cty.Number, cty.NilVal, `"many" where number is expected`},
		"an object where text is expected": {map[string]any{}, cty.String, cty.NilVal, "an object where string is expected"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := fromAPI(test.raw, test.ty)
			if test.fail != "" {
				if err == nil || !strings.Contains(err.Error(), test.fail) {
					t.Fatalf("error %v, want %q in it", err, test.fail)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !got.RawEquals(test.want) {
				t.Errorf("got %#v, want %#v", got, test.want)
			}
		})
	}
}

func TestEncodeAttribute(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		attribute pluginspec.Attribute
		value     cty.Value
		want      string
		fail      string
	}{
		"by convention":            {pluginspec.Attribute{Name: "max_members"}, cty.NumberIntVal(3), `maxmembers="3"`, ""},
		"a large number":           {pluginspec.Attribute{Name: "size"}, cty.NumberIntVal(1 << 40), `size="1099511627776"`, ""},
		"null":                     {pluginspec.Attribute{Name: "name"}, cty.NullVal(cty.String), "", ""},
		"not known yet":            {pluginspec.Attribute{Name: "name"}, cty.UnknownVal(cty.String), "", ""},
		"a set in order":           {pluginspec.Attribute{Name: "ids"}, cty.SetVal([]cty.Value{cty.StringVal("b"), cty.StringVal("a")}), `ids="a,b"`, ""},
		"a list as it is":          {pluginspec.Attribute{Name: "ids"}, cty.ListVal([]cty.Value{cty.StringVal("b"), cty.StringVal("a")}), `ids="b,a"`, ""},
		"a map":                    {pluginspec.Attribute{Name: "details"}, cty.MapVal(map[string]cty.Value{"k": cty.StringVal("v")}), `details[0].k="v"`, ""},
		"a map as pairs":           {pluginspec.Attribute{Name: "param", Encode: "[0].name/.value"}, cty.MapVal(map[string]cty.Value{"b": cty.StringVal("2"), "a": cty.StringVal("1")}), `param[0].name="a" param[0].value="1" param[1].name="b" param[1].value="2"`, ""},
		"a port":                   {pluginspec.Attribute{Name: "ports", Param: "startport/endport", Encode: "port_range"}, cty.StringVal("80"), `endport="80" startport="80"`, ""},
		"ports":                    {pluginspec.Attribute{Name: "ports", Param: "startport/endport", Encode: "port_range"}, cty.StringVal("80-90"), `endport="90" startport="80"`, ""},
		"no port":                  {pluginspec.Attribute{Name: "ports", Param: "startport/endport", Encode: "port_range"}, cty.StringVal("http"), "", "write a port such as 80"},
		"an encoding nobody knows": {pluginspec.Attribute{Name: "m", Encode: "odd"}, cty.MapVal(map[string]cty.Value{"k": cty.StringVal("v")}), "", `encoding "odd" is not known`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			params := cloudstack.Params{}
			err := encodeAttribute(params, &test.attribute, test.value)
			if test.fail != "" {
				if err == nil || !strings.Contains(err.Error(), test.fail) {
					t.Fatalf("error %v, want %q in it", err, test.fail)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := params.String(); got != test.want {
				t.Errorf("sends %s, want %s", got, test.want)
			}
		})
	}
}
