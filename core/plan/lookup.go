package plan

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// Found is an object that a name in an attribute was resolved to.
type Found struct {
	ID     string
	Name   string
	Object []byte // the cloud's own object, JSON
}

// Finder is what resolving names asks of plugins.
type Finder interface {
	Find(ctx context.Context, in *wire.FindRequest) ([]*wire.FindReply_Found, []*wire.Diagnostic, error)
}

// Resolver turns names into objects: one listing per kind, cloud and run.
type Resolver struct {
	finder Finder

	mu     sync.Mutex
	kinds  map[kindKey]*kind
	clouds map[string]cty.Value // see Cloud
}

type kindKey struct{ cloud, kind string }

// kind is every object of one kind that the caller may name.
type kind struct {
	once  sync.Once
	found []*wire.FindReply_Found
	err   error
}

// NewResolver returns a Resolver with nothing cached.
func NewResolver(f Finder) *Resolver {
	return &Resolver{finder: f, kinds: map[kindKey]*kind{}, clouds: map[string]cty.Value{}}
}

// all lists a kind, once.
func (r *Resolver) all(ctx context.Context, cloud, name string) ([]*wire.FindReply_Found, error) {
	r.mu.Lock()
	k, ok := r.kinds[kindKey{cloud, name}]
	if !ok {
		k = &kind{}
		r.kinds[kindKey{cloud, name}] = k
	}
	r.mu.Unlock()
	k.once.Do(func() { k.found, k.err = r.find(ctx, cloud, name, nil) })
	return k.found, k.err
}

func (r *Resolver) find(ctx context.Context, cloud, name string, query map[string]any) ([]*wire.FindReply_Found, error) {
	found, said, err := ask(ctx, r.finder, name, cloud, query)
	if err != nil {
		return nil, err
	}
	for _, d := range said {
		if d.GetSeverity() == wire.Diagnostic_ERROR {
			return nil, fmt.Errorf("%s: %s", d.GetSummary(), d.GetDetail())
		}
	}
	return found, nil
}

// ask lists the objects of a type that answer a query; an empty one lists all.
func ask(ctx context.Context, f Finder, typ, cloud string, query map[string]any) ([]*wire.FindReply_Found, []*wire.Diagnostic, error) {
	if query == nil {
		query = map[string]any{}
	}
	data, err := json.Marshal(query)
	if err != nil {
		return nil, nil, fmt.Errorf("encode the query: %w", err)
	}
	return f.Find(ctx, &wire.FindRequest{Type: typ, Cloud: cloud, Query: data})
}

// findAll is ask with what went wrong said about a place in the stack.
func findAll(ctx context.Context, f Finder, t *pluginspec.Type, cloud string, query map[string]any, subject *hcl.Range) ([]*wire.FindReply_Found, hcl.Diagnostics) {
	found, said, err := ask(ctx, f, t.Name, cloud, query)
	if err != nil {
		return nil, hcl.Diagnostics{lookupFailed(t.Name, err, subject)}
	}
	return found, Problems(said, subject, nil)
}

// queryText writes a query for people: name = "x".
func queryText(query map[string]any) string {
	var out []string
	for name, v := range query {
		data, err := json.Marshal(v)
		if err != nil {
			continue
		}
		out = append(out, name+" = "+string(data))
	}
	sort.Strings(out)
	if len(out) == 0 {
		return "no condition"
	}
	return strings.Join(out, ", ")
}

var uuidLike = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

// Resolve finds the object that text names by id, name or display text.
func (r *Resolver) Resolve(ctx context.Context, cloud, kindName, text string, subject *hcl.Range) (Found, hcl.Diagnostics) {
	all, err := r.all(ctx, cloud, kindName)
	if err != nil {
		return Found{}, hcl.Diagnostics{lookupFailed(kindName, err, subject)}
	}
	matches := matching(all, text)
	if len(matches) == 0 && uuidLike.MatchString(text) {
		// Made since the listing, or not listed to this caller.
		if matches, err = r.find(ctx, cloud, kindName, map[string]any{"id": text}); err != nil {
			return Found{}, hcl.Diagnostics{lookupFailed(kindName, err, subject)}
		}
	}
	switch len(matches) {
	case 1:
		return Found{ID: matches[0].GetId(), Name: matches[0].GetName(), Object: matches[0].GetObject()}, nil
	case 0:
		return Found{}, hcl.Diagnostics{notFound(kindName, text, all, subject)}
	}
	return Found{}, hcl.Diagnostics{ambiguous(kindName, text, matches, subject)}
}

// matching returns the objects with the id, or else the name, or else the
// display text: a nearer kind of match hides the others.
func matching(all []*wire.FindReply_Found, text string) []*wire.FindReply_Found {
	kinds := []func(*wire.FindReply_Found) string{
		(*wire.FindReply_Found).GetId, (*wire.FindReply_Found).GetName, (*wire.FindReply_Found).GetDisplay,
	}
	for _, get := range kinds {
		var out []*wire.FindReply_Found
		seen := map[string]bool{}
		for _, f := range all {
			if get(f) == text && !seen[f.GetId()] {
				seen[f.GetId()] = true
				out = append(out, f)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// Pick finds the first object whose fields have the wanted values: how a
// default is found by what it can do rather than by what it is called.
func (r *Resolver) Pick(ctx context.Context, cloud, kindName string, want map[string]any, subject *hcl.Range) (Found, hcl.Diagnostics) {
	all, err := r.all(ctx, cloud, kindName)
	if err != nil {
		return Found{}, hcl.Diagnostics{lookupFailed(kindName, err, subject)}
	}
	for _, f := range all {
		var fields map[string]any
		if json.Unmarshal(f.GetObject(), &fields) == nil && agrees(fields, want) {
			return Found{ID: f.GetId(), Name: f.GetName(), Object: f.GetObject()}, nil
		}
	}
	return Found{}, hcl.Diagnostics{diag.Errorf(subject, "No default to be found",
		"The cloud has no %s with %s. Name one in the stack.", words(kindName), fieldList(want))}
}

func agrees(fields, want map[string]any) bool {
	for name, value := range want {
		if fmt.Sprint(fields[name]) != fmt.Sprint(value) {
			return false
		}
	}
	return true
}

func fieldList(want map[string]any) string {
	var out []string
	for name, value := range want {
		out = append(out, fmt.Sprintf("%s = %v", name, value))
	}
	sort.Strings(out)
	return strings.Join(out, ", ")
}

func lookupFailed(kindName string, err error, subject *hcl.Range) *hcl.Diagnostic {
	return diag.Errorf(subject, "Names cannot be looked up",
		"The cloud did not answer when asked for its %s: %v.", plural(kindName), err)
}

func notFound(kindName, text string, all []*wire.FindReply_Found, subject *hcl.Range) *hcl.Diagnostic {
	var names []string
	for _, f := range all {
		names = append(names, f.GetName())
		if f.GetDisplay() != f.GetName() && f.GetDisplay() != "" {
			names = append(names, f.GetDisplay())
		}
	}
	near := diag.DidYouMean(text, names)
	if known := firstNames(all); near == "" && len(known) > 0 && len(known) <= 12 {
		near = "There are: " + diag.List(known) + "."
	}
	detail := fmt.Sprintf("The cloud has no %s with the name, display text or id %q that you may use. %s", words(kindName), text, strings.TrimSpace(near))
	return diag.Error(subject, "No such "+words(kindName), strings.TrimSpace(detail))
}

func firstNames(all []*wire.FindReply_Found) []string {
	var out []string
	for _, f := range all {
		if name := cmp.Or(f.GetName(), f.GetDisplay()); name != "" {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return slices.Compact(out)
}

func ambiguous(kindName, text string, matches []*wire.FindReply_Found, subject *hcl.Range) *hcl.Diagnostic {
	var ids []string
	for _, m := range matches {
		ids = append(ids, m.GetId())
	}
	sort.Strings(ids)
	return diag.Errorf(subject, "Name is not unique",
		"%d %s are called %q. Write the id instead: %s.", len(matches), plural(kindName), text, strings.Join(ids, ", "))
}

func words(kindName string) string { return strings.ReplaceAll(kindName, "_", " ") }

func plural(kindName string) string {
	w := words(kindName)
	if strings.HasSuffix(w, "y") && !strings.HasSuffix(w, "ey") {
		return strings.TrimSuffix(w, "y") + "ies"
	}
	if strings.HasSuffix(w, "s") {
		return w + "es"
	}
	return w + "s"
}

// ResolveAll looks up every attribute of an object that names something. An
// attribute whose value is not known yet is left for later.
func (r *Resolver) ResolveAll(ctx context.Context, cloud string, t *pluginspec.Type, v cty.Value, body hcl.Body, subject *hcl.Range) (map[string]Found, hcl.Diagnostics) {
	out := map[string]Found{}
	var diags hcl.Diagnostics
	walkSingles(t.Attributes, t.Blocks, "", func(path string, a *pluginspec.Attribute) {
		if a.Lookup == "" || a.Type != cty.String {
			return
		}
		text, _ := at(v, path).Unmark()
		if text.IsNull() || !text.IsKnown() || text.AsString() == "" {
			return
		}
		found, more := r.Resolve(ctx, cloud, a.Lookup, text.AsString(), attributeRange(body, path, subject))
		diags = append(diags, more...)
		if !more.HasErrors() {
			out[path] = found
		}
	})
	return out, diags
}

// Objects returns the looked-up objects as they go to plugins.
func Objects(found map[string]Found) map[string][]byte {
	out := make(map[string][]byte, len(found))
	for path, f := range found {
		out[path] = f.Object
	}
	return out
}
