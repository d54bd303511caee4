package plan

import (
	"testing"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// TestDecodeJSON compares with the library, whose work it does.
func TestDecodeJSON(t *testing.T) {
	t.Parallel()
	object := cty.Object(map[string]cty.Type{
		"text": cty.String, "number": cty.Number, "truth": cty.Bool, "any": cty.DynamicPseudoType,
		"list": cty.List(cty.String), "set": cty.Set(cty.Number), "map": cty.Map(cty.Bool),
		"items": cty.List(cty.Object(map[string]cty.Type{"name": cty.String, "port": cty.Number})),
		"loose": cty.List(cty.DynamicPseudoType), "one": cty.Object(map[string]cty.Type{"name": cty.String}),
	})
	tests := map[string]string{
		"empty":          `{}`,
		"null":           `null`,
		"nulls":          `{"text":null,"number":null,"truth":null,"any":null,"list":null,"set":null,"map":null,"items":null,"one":null}`,
		"plain":          `{"text":"a\u00e9\n","number":12345678901234567890.5,"truth":true,"list":["x",""],"one":{"name":"n"}}`,
		"spaced null":    ` null `,
		"spaces":         ` { "text" : "a" , "list" : [ "x" , null ] , "truth" : false } `,
		"empty lists":    `{"list":[],"items":[],"set":[],"map":{}}`,
		"items":          `{"items":[{"name":"a","port":1},{"name":"b","port":null}]}`,
		"short items":    `{"items":[{"name":"a"}]}`,
		"set and map":    `{"set":[2,1,2],"map":{"a":true}}`,
		"any":            `{"any":{"type":["list","string"],"value":["a"]}}`,
		"loose":          `{"loose":[{"type":"string","value":"a"},{"type":"string","value":"b"}]}`,
		"number as text": `{"text":12}`,
		"truth as text":  `{"text":true}`,
		"text as number": `{"number":"12"}`,
		"text as truth":  `{"truth":"true"}`,
		"unknown member": `{"other":1}`,
		"wrong type":     `{"text":[]}`,
		"wrong list":     `{"list":{}}`,
		"no JSON":        `{"text":`,
		"nothing":        ``,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, wantErr := ctyjson.Unmarshal([]byte(text), object)
			got, err := decodeJSON([]byte(text), object)
			if (err != nil) != (wantErr != nil) {
				t.Fatalf("error %v, want %v", err, wantErr)
			}
			if err == nil && !got.RawEquals(want) {
				t.Errorf("got %#v, want %#v", got, want)
			}
		})
	}
}
