package apidouble

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// act is what a call does to a collection.
type act int

const (
	list act = iota
	show
	create
	change
	remove
)

// route is one call of the plugin.yaml, seen from the API.
type route struct {
	call  *pluginspec.Call
	act   act
	typ   *pluginspec.Type
	block *pluginspec.Block // of the collection of children
	path  *regexp.Regexp
	names []string // what the path's groups are: "id", or an attribute
}

// collection is the name of the objects that the route is about.
func (r *route) collection() string {
	if r.block != nil {
		return r.typ.Name + "." + r.block.Name
	}
	return r.typ.Name
}

// attributes are those of the objects that the route is about.
func (r *route) attributes() []*pluginspec.Attribute {
	if r.block != nil {
		return r.block.Attributes
	}
	return r.typ.Attributes
}

// routesOf derives the routes of a type from its calls.
func (d *Double) routesOf(t *pluginspec.Type) error {
	add := func(c *pluginspec.Call, a act, b *pluginspec.Block) error {
		if c == nil || c.Method == "" {
			return nil
		}
		r := &route{call: c, act: a, typ: t, block: b}
		if err := r.compile(); err != nil {
			return err
		}
		if a == list && slices.Contains(r.names, "id") {
			r.act = show
		}
		d.routes = append(d.routes, r)
		return nil
	}
	verbs := []struct {
		verb *pluginspec.Verb
		act  act
	}{{t.Read, list}, {t.Create, create}, {t.Update, change}, {t.Delete, remove}}
	for _, v := range verbs {
		if v.verb == nil {
			continue
		}
		for i, c := range v.verb.Calls {
			a := v.act
			if a == create && i > 0 {
				a = change // it completes what the first call made
			}
			if err := add(c, a, nil); err != nil {
				return err
			}
		}
	}
	if t.Find != nil {
		if err := add(t.Find.Call, list, nil); err != nil {
			return err
		}
	}
	for _, b := range t.Blocks {
		if b.Child == nil {
			continue
		}
		for _, c := range []struct {
			call *pluginspec.Call
			act  act
		}{{b.Child.List, list}, {b.Child.Create, create}, {b.Child.Update, change}, {b.Child.Delete, remove}} {
			if err := add(c.call, c.act, b); err != nil {
				return err
			}
			if r := d.routes[len(d.routes)-1]; r.block == b && c.act == list {
				r.act = list // the id in its path is its parent's
			}
		}
	}
	return nil
}

// compile makes a pattern of the template of a path.
func (r *route) compile() error {
	expr, diags := pluginspec.ParseTemplate(r.call.Path, hcl.Range{Start: hcl.InitialPos})
	if diags.HasErrors() {
		return fmt.Errorf("path %q: %w", r.call.Path, diags)
	}
	var parts []hclsyntax.Expression
	switch e := expr.(type) {
	case *hclsyntax.TemplateExpr:
		parts = e.Parts
	case *hclsyntax.TemplateWrapExpr:
		parts = []hclsyntax.Expression{e.Wrapped}
	case hclsyntax.Expression:
		parts = []hclsyntax.Expression{e}
	}
	pattern := "^/?"
	for i, part := range parts {
		if v, ok := part.(*hclsyntax.LiteralValueExpr); ok && v.Val.Type() == cty.String {
			text := v.Val.AsString()
			if i == 0 {
				text = strings.TrimLeft(text, "/")
			}
			pattern += regexp.QuoteMeta(text)
			continue
		}
		r.names = append(r.names, r.role(part))
		pattern += "([^/]+)"
	}
	var err error
	r.path, err = regexp.Compile(pattern + "/?$")
	return err
}

// role says what a part of a path names: "id" for the object itself, "parent"
// for what it is a child of, an attribute, or something of no concern.
func (r *route) role(part hclsyntax.Expression) string {
	for _, v := range part.Variables() {
		name := ""
		if len(v) > 1 {
			if attr, ok := v[1].(hcl.TraverseAttr); ok {
				name = attr.Name
			}
		}
		switch root := v.RootName(); {
		case r.block != nil && (root == "self" || root == "parent") && name == "id":
			return "parent"
		case r.block != nil && root == "item" && name == "id", r.block == nil && (root == "self" || root == "prior") && name == "id":
			return "id"
		case root == "self" || root == "prior" || root == "item":
			return name
		}
	}
	return ""
}

// match finds the route of a request, and what its path names.
func (d *Double) match(req *http.Request) (*route, map[string]string) {
	path, ok := strings.CutPrefix(req.URL.Path, d.below)
	if !ok {
		return nil, nil
	}
	for _, r := range d.routes {
		if r.call.Method != req.Method {
			continue
		}
		found := r.path.FindStringSubmatch(path)
		if found == nil {
			continue
		}
		named := map[string]string{}
		for i, name := range r.names {
			named[name] = found[i+1]
		}
		delete(named, "")
		return r, named
	}
	return nil, nil
}
