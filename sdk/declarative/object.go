package declarative

import (
	"encoding/json"
	"math/big"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// objectValue turns an object of the API into a value for templates: objects
// become objects, lists tuples.
func objectValue(o cloudstack.Object) cty.Value {
	if o == nil {
		return cty.EmptyObjectVal
	}
	return anyValue(map[string]any(o))
}

func anyValue(v any) cty.Value {
	switch v := v.(type) {
	case string:
		return cty.StringVal(v)
	case bool:
		return cty.BoolVal(v)
	case json.Number:
		if f, _, err := big.ParseFloat(v.String(), 10, 512, big.ToNearestEven); err == nil {
			return cty.NumberVal(f)
		}
		return cty.StringVal(v.String())
	case float64:
		return cty.NumberFloatVal(v)
	case int:
		return cty.NumberIntVal(int64(v))
	case cloudstack.Object:
		return anyValue(map[string]any(v))
	case map[string]any:
		attrs := make(map[string]cty.Value, len(v))
		for name, inner := range v {
			attrs[name] = anyValue(inner)
		}
		return cty.ObjectVal(attrs)
	case []any:
		items := make([]cty.Value, len(v))
		for i, inner := range v {
			items[i] = anyValue(inner)
		}
		return cty.TupleVal(items)
	}
	return cty.NullVal(cty.DynamicPseudoType)
}

// lookupValue nests the looked-up objects by the segments of their attribute
// paths, so that `lookup.source.template.id` works.
func lookupValue(lookups map[string]cloudstack.Object) cty.Value {
	tree := map[string]any{}
	for path, object := range lookups {
		if strings.ContainsRune(path, '[') {
			continue // items of lists are not addressable in templates
		}
		at := tree
		segments := strings.Split(path, ".")
		for _, segment := range segments[:len(segments)-1] {
			next, ok := at[segment].(map[string]any)
			if !ok {
				next = map[string]any{}
				at[segment] = next
			}
			at = next
		}
		at[segments[len(segments)-1]] = map[string]any(object)
	}
	return anyValue(tree)
}

// cloudValue is the root `cloud` of templates.
func cloudValue(id cloudstack.CallerIdentity) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{
		"zone":        cty.StringVal(id.Zone),
		"zone_id":     cty.StringVal(id.ZoneID),
		"domain":      cty.StringVal(id.Domain),
		"domain_id":   cty.StringVal(id.DomainID),
		"account":     cty.StringVal(id.Account),
		"account_id":  cty.StringVal(id.AccountID),
		"project_id":  cty.StringVal(id.ProjectID),
		"role":        cty.StringVal(id.Role),
		"may_expunge": cty.BoolVal(id.MayExpunge),
		"version":     cty.StringVal(id.Version),
	})
}
