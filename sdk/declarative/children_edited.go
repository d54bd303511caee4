package declarative

import (
	"bytes"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// editedChildren takes children that an interrupted run made for ours if they
// were made from other values than are wanted now: to take up their create call
// would pass them off as what they are not. They are returned, to be changed or
// made again.
func (o *operation) editedChildren(b *pluginspec.Block, want map[string]cty.Value) (edited map[string]bool, err error) {
	edited = map[string]bool{}
	for key, item := range want {
		settled, resumed := o.Resume[childKey(b, key)]
		if _, have := o.private.Children[b.Name][key]; have || !resumed || settled.Status != cloudstack.Adopted || len(settled.Request) == 0 {
			continue
		}
		s := callSite{call: b.Child.Create, attrs: b.Attributes, value: item, roots: o.childRoots(item)}
		params, err := o.params(s)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(o.Cloud.Request(commandOf(s.call, params), params), settled.Request) {
			continue
		}
		o.private.setChild(b.Name, key, settled.ID)
		o.Cloud.Forget(childKey(b, key))
		delete(o.Resume, childKey(b, key))
		edited[key] = true
	}
	return edited, nil
}

// fromKey is what is known of an item of which only the key is: its removal may
// name that.
func fromKey(b *pluginspec.Block, key string) cty.Value {
	parts := strings.SplitN(key, "/", len(b.Child.Key))
	attrs := map[string]cty.Value{}
	for _, a := range b.Attributes {
		attrs[a.Name] = cty.NullVal(a.Type)
		i := slices.Index(b.Child.Key, a.Name)
		if i < 0 || i >= len(parts) || parts[i] == "" {
			continue
		}
		if v, err := convert.Convert(cty.StringVal(parts[i]), a.Type); err == nil {
			attrs[a.Name] = v // a list, say, has no way back
		}
	}
	return cty.ObjectVal(attrs)
}

// updatable says whether any other value of a child than those of its key can
// be changed in place.
func updatable(b *pluginspec.Block) bool {
	return b.Child.Update != nil && !slices.ContainsFunc(b.Attributes, func(a *pluginspec.Attribute) bool {
		return a.Replace && !slices.Contains(b.Child.Key, a.Name)
	})
}
