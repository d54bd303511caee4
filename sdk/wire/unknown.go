package wire

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// WithUnknown returns v with the values at the given paths not known yet. A
// path that leads nowhere is an error.
func WithUnknown(v cty.Value, paths []string) (cty.Value, error) {
	for _, text := range paths {
		path, err := pluginspec.ParsePath(text)
		if err != nil {
			return cty.NilVal, fmt.Errorf("unknown value: %w", err)
		}
		found := false
		v, err = cty.Transform(v, func(at cty.Path, inner cty.Value) (cty.Value, error) {
			if !at.Equals(path) {
				return inner, nil
			}
			found = true
			return cty.UnknownVal(inner.Type()), nil
		})
		if err != nil {
			return cty.NilVal, fmt.Errorf("unknown value %q: %w", text, err)
		}
		if !found {
			return cty.NilVal, fmt.Errorf("unknown value: the path %q leads nowhere", text)
		}
	}
	return v, nil
}
