package eval_test

import (
	"testing"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/eval"
)

func TestMarkAndUnmark(t *testing.T) {
	t.Parallel()
	secret := cty.StringVal("s").Mark(eval.Sensitive)
	tests := map[string]struct {
		value cty.Value
		paths int
		shown cty.Value
	}{
		"plain":  {cty.StringVal("a"), 0, cty.StringVal("a")},
		"whole":  {secret, 1, cty.StringVal(eval.Redacted)},
		"null":   {cty.NullVal(cty.String), 0, cty.NullVal(cty.String)},
		"number": {cty.NumberIntVal(3).Mark(eval.Sensitive), 1, cty.StringVal(eval.Redacted)},
		"object": {
			cty.ObjectVal(map[string]cty.Value{"a": secret, "b": cty.True}), 1,
			cty.ObjectVal(map[string]cty.Value{"a": cty.StringVal(eval.Redacted), "b": cty.True}),
		},
		"list": {
			cty.ListVal([]cty.Value{cty.StringVal("x"), secret}), 1,
			cty.TupleVal([]cty.Value{cty.StringVal("x"), cty.StringVal(eval.Redacted)}),
		},
		"map in tuple": {
			cty.TupleVal([]cty.Value{cty.MapVal(map[string]cty.Value{"k": secret, "l": cty.StringVal("x")}), cty.UnknownVal(cty.String)}), 1,
			cty.TupleVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{"k": cty.StringVal(eval.Redacted), "l": cty.StringVal("x")}), cty.UnknownVal(cty.String)}),
		},
		"set": {cty.SetVal([]cty.Value{secret}), 1, cty.StringVal(eval.Redacted)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain, paths := eval.Unmark(tt.value)
			if len(paths) != tt.paths || plain.ContainsMarked() || eval.IsSensitive(tt.value) != (tt.paths > 0) {
				t.Errorf("got %d paths in %#v", len(paths), plain)
			}
			if back := eval.Mark(plain, paths); !back.RawEquals(tt.value) {
				t.Errorf("marked again: %#v, want %#v", back, tt.value)
			}
			if got := eval.Redact(tt.value); !got.RawEquals(tt.shown) {
				t.Errorf("redacted: %#v, want %#v", got, tt.shown)
			}
		})
	}
}
