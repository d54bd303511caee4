package apidouble

import (
	"fmt"
	"maps"
	"regexp"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// take puts what a body says into an object. PUT says all there is, the others
// what changes. A field that is shown elsewhere than it is sent is put there.
func (r *route) take(o *object, body map[string]any) {
	if r.call.Wrap != "" {
		inner, ok := dig(body, r.call.Wrap).(map[string]any)
		if ok {
			outer := maps.Clone(body)
			delete(outer, strings.Split(r.call.Wrap, ".")[0])
			body = maps.Clone(inner)
			maps.Copy(body, outer)
		}
	}
	merge(o.fields, body)
	for _, a := range r.attributes() {
		sent := a.ParamNames()
		v := dig(body, sent[0])
		if fields := a.FieldNames(); len(fields) > 0 && fields[0] != sent[0] && v != nil && len(sent) == 1 {
			bury(o.fields, fields[0], v)
		}
		if r.call.Method == "PUT" && v == nil && (a.Optional && !a.Computed) && len(a.FieldNames()) > 0 && !r.call.Mentions(a.Name) && r.call.Only == nil {
			bury(o.fields, a.FieldNames()[0], nil)
		}
	}
}

// twins tells whether two objects have the same natural identity.
func (r *route) twins(a, b *object) bool {
	if len(r.typ.Identity.Natural) == 0 {
		return false
	}
	for field := range r.typ.Identity.Natural {
		if attr := r.typ.Attr(field); attr != nil && len(attr.FieldNames()) > 0 {
			field = attr.FieldNames()[0]
		}
		if fmt.Sprint(dig(a.fields, field)) != fmt.Sprint(dig(b.fields, field)) {
			return false
		}
	}
	return true
}

// idField is where objects show their own id.
func (r *route) idField() string {
	by := ""
	if r.block == nil {
		by = r.typ.IDField()
	} else {
		by = r.block.Child.ID
	}
	if by == "" {
		return "id"
	}
	return by[strings.LastIndexByte(by, '/')+1:]
}

// invent fills in what the API computes.
func (r *route) invent(o *object, a *pluginspec.Attribute, n int) {
	fields := a.FieldNames()
	if !a.Computed || len(fields) == 0 || a.Name == "id" || dig(o.fields, fields[0]) != nil || r.block == nil && r.call.Mentions(a.Name) {
		return
	}
	switch {
	case len(a.Values) > 0:
		bury(o.fields, fields[0], a.Values[0])
	case a.Type == cty.Number:
		low := 1.0
		if a.Min != nil {
			low = *a.Min
		}
		bury(o.fields, fields[0], low)
	case a.Type == cty.Bool:
		bury(o.fields, fields[0], true)
	case a.Type == cty.String:
		bury(o.fields, fields[0], example(a, n))
	}
}

// example is a text of an attribute's format.
func example(a *pluginspec.Attribute, n int) string {
	switch a.Format {
	case "ipv4":
		return fmt.Sprintf("192.0.2.%d", n%250+1)
	case "ipv6":
		return fmt.Sprintf("2001:db8::%x", n)
	case "cidr":
		return "192.0.2.0/24"
	case "url":
		return fmt.Sprintf("https://example.com/%d", n)
	case "uuid":
		return fmt.Sprintf("00000000-0000-4000-8000-%012d", n)
	}
	if a.Sensitive {
		return fmt.Sprintf("secret-of-the-api-%d", n)
	}
	return fmt.Sprintf("%s-%d", a.Name, n)
}

// awaited finds what a `wait` of the type compares the answer with.
var awaited = regexp.MustCompile(`response\.([a-z0-9_.]+)\s*==\s*\\?"([^"\\]*)\\?"`)

// shown is an object as an answer holds it. What is waited for comes true the
// second time somebody looks.
func (r *route) shown(o *object) map[string]any {
	o.looks++
	for _, v := range []*pluginspec.Verb{r.typ.Create, r.typ.Update} {
		if v == nil || r.block != nil {
			continue
		}
		for _, c := range v.Calls {
			if c.Wait == nil {
				continue
			}
			for _, m := range awaited.FindAllStringSubmatch(c.Wait.Until, -1) {
				state := m[2]
				if o.looks < 2 {
					state = "pending"
				}
				bury(o.fields, m[1], state)
			}
		}
	}
	out := maps.Clone(o.fields)
	for _, a := range r.attributes() {
		if a.WriteOnly {
			delete(out, a.ParamNames()[0]) // it is never shown again
		}
	}
	return out
}

// nest puts a value where `result` says that an answer holds it.
func nest(path string, v any) any {
	if path == "" {
		return v
	}
	out := map[string]any{}
	bury(out, path, v)
	return out
}

func bury(into map[string]any, path string, v any) {
	head, rest, nested := strings.Cut(path, ".")
	if !nested {
		into[head] = v
		return
	}
	inner, ok := into[head].(map[string]any)
	if !ok {
		inner = map[string]any{}
	} else {
		inner = maps.Clone(inner) // what was shown must not change
	}
	into[head] = inner
	bury(inner, rest, v)
}

func dig(v any, path string) any {
	object, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	head, rest, nested := strings.Cut(path, ".")
	if !nested {
		return object[head]
	}
	return dig(object[head], rest)
}

// merge puts the fields of one object into another, objects within objects
// likewise.
func merge(into, from map[string]any) {
	for name, v := range from {
		inner, ok := v.(map[string]any)
		have, also := into[name].(map[string]any)
		if ok && also {
			have = maps.Clone(have)
			merge(have, inner)
			into[name] = have
			continue
		}
		into[name] = v
	}
}
