package declarative

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/httpapi"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// overHTTP tells whether calls are method and path of a JSON API.
func (rt *Runtime) overHTTP() bool { return rt.plugin.Transport == "http" }

// commandOf names a call in messages and journals.
func commandOf(call *pluginspec.Call, params cloudstack.Params) string {
	if call.Command != "" {
		return call.Command
	}
	return params["method"] + " /" + strings.TrimLeft(params["path"], "/")
}

// listResult is the key of the objects in the answer of a listing.
func listResult(call *pluginspec.Call) string {
	if call.Command != "" {
		return call.Result
	}
	return httpapi.ItemsKey
}

// changeResult is the key of the object in the answer of a change.
func changeResult(call *pluginspec.Call) string {
	if call.Command != "" {
		return call.Result
	}
	return httpapi.ObjectKey
}

// byID tells whether a read names one object, rather than lists them all.
func byID(call *pluginspec.Call) bool { return call.Mentions("id") }

// lister is the call that lists the objects of a type; nil when there is none.
func (rt *Runtime) lister(t *pluginspec.Type) *pluginspec.Call {
	if t.Read == nil || len(t.Read.Calls) == 0 {
		return nil
	}
	read := t.Read.Calls[0]
	switch {
	case !rt.overHTTP() || !byID(read):
		return read
	case t.Find != nil && t.Find.Call != nil && !byID(t.Find.Call):
		return t.Find.Call
	}
	return nil
}

// httpSelf is the object as templates of paths see it: its id without what it
// belongs to, and what it belongs to out of its id where nothing else tells.
func httpSelf(t *pluginspec.Type, self cty.Value, id string) cty.Value {
	attrs := map[string]cty.Value{}
	for name, ty := range t.ImpliedType().AttributeTypes() {
		attrs[name] = cty.NullVal(ty)
	}
	if known(self) && self.Type().IsObjectType() {
		maps.Copy(attrs, self.AsValueMap())
	}
	for name, text := range ownersOf(t, id) {
		for _, a := range t.Attributes {
			if now := attrs[a.Name]; paramName(a) == name && a.Type == cty.String && (!now.IsKnown() || now.IsNull()) {
				attrs[a.Name] = cty.StringVal(text)
			}
		}
	}
	if id != "" {
		if t.IDField() != "" {
			id = id[strings.LastIndexByte(id, '/')+1:]
		}
		attrs["id"] = cty.StringVal(id)
	}
	return cty.ObjectVal(attrs)
}

// httpRequest builds a change: the body by convention holds what the call's
// path does not name, then comes what the call spells out.
func (rt *Runtime) httpRequest(s callSite) (cloudstack.Params, error) {
	r, err := rt.httpAddress(s.call, s.roots)
	if err != nil {
		return nil, err
	}
	if slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, s.call.Method) {
		if r.Body, err = rt.httpBody(s); err != nil {
			return nil, fmt.Errorf("%s: %w", s.call.Name(), err)
		}
	}
	r.Hide = secretsIn(s.attrs, s.value)
	return r.Params()
}

// httpAddress is a request without a body.
func (rt *Runtime) httpAddress(call *pluginspec.Call, r roots) (httpapi.Request, error) {
	out := httpapi.Request{Method: call.Method, Result: call.Result, Query: url.Values{}, Headers: map[string]string{}}
	var err error
	if out.Path, err = rt.templates.path(call.Path, r); err != nil {
		return out, fmt.Errorf("%s: %w", call.Name(), err)
	}
	for name, source := range call.Query {
		text, given, err := rt.templates.text(source, r)
		if err != nil {
			return out, fmt.Errorf("%s: query %s: %w", call.Name(), name, err)
		}
		if given && text != "" {
			out.Query.Set(name, text)
		}
	}
	for name, source := range call.Headers {
		text, given, err := rt.templates.text(source, r)
		if err != nil {
			return out, fmt.Errorf("%s: header %s: %w", call.Name(), name, err)
		}
		if given && text != "" {
			out.Headers[name] = text
		}
	}
	if call.Paging != nil {
		p := pagingOf(call.Paging)
		out.Paging = &p
	}
	return out, nil
}

// httpList is the request of a listing, or of a read by id, which is never
// paged.
func (rt *Runtime) httpList(call *pluginspec.Call, r roots) (cloudstack.Params, error) {
	out, err := rt.httpAddress(call, r)
	if err != nil {
		return nil, err
	}
	out.List = true
	if byID(call) {
		out.Paging = &httpapi.Paging{}
	}
	return out.Params()
}

// httpChildren is the request that lists the children of one parent.
func (rt *Runtime) httpChildren(b *pluginspec.Block, r roots) (cloudstack.Params, error) {
	for _, t := range rt.plugin.Types {
		if slices.Contains(t.Blocks, b) {
			r = r.with("self", httpSelf(t, r["self"], textOf(valueOf(r["self"], "id"))))
		}
	}
	out, err := rt.httpAddress(b.Child.List, r)
	if err != nil {
		return nil, err
	}
	out.List, out.ID = true, b.Child.ID
	return out.Params()
}

// with adds what the objects in an answer belong to: the attributes in the
// path, which many APIs leave out of the answer.
func (rt *Runtime) with(params cloudstack.Params, t *pluginspec.Type, call *pluginspec.Call, self cty.Value) (cloudstack.Params, error) {
	r, err := httpapi.FromParams(params)
	if err != nil {
		return nil, err
	}
	r.With = map[string]any{}
	for _, a := range t.Attributes {
		v := valueOf(self, a.Name)
		if a.Name == "id" || v == cty.NilVal || !v.IsWhollyKnown() || v.IsNull() || !call.Mentions(a.Name) {
			continue
		}
		if r.With[paramName(a)], err = jsonOf(v); err != nil {
			return nil, err
		}
	}
	by := t.IDField()
	r.ID = by[strings.LastIndexByte(by, '/')+1:]
	return r.Params()
}

func (rt *Runtime) httpBody(s callSite) (map[string]any, error) {
	body := map[string]any{}
	whole := s.update && s.call.Method == http.MethodPut // the whole object, and not what changed
	for _, a := range s.attrs {
		v := valueOf(s.value, a.Name)
		sends := s.sends(a.Name) || whole && (s.call.Only == nil || slices.Contains(s.call.Only, a.Name))
		if !sendable(a) || !sends || s.call.Mentions(a.Name) || v == cty.NilVal || !v.IsWhollyKnown() {
			continue
		}
		v, _ = v.UnmarkDeep()
		if v.IsNull() && (!s.update || whole) {
			continue
		}
		if err := buryAttribute(body, s, a, v); err != nil {
			return nil, fmt.Errorf("attribute %s: %w", a.Name, err)
		}
	}
	for path, source := range s.call.Body {
		v, err := rt.templates.value(source, s.roots)
		if err != nil {
			return nil, fmt.Errorf("body %s: %w", path, err)
		}
		v, _ = v.UnmarkDeep()
		if v.IsNull() && !s.update {
			continue
		}
		plain, err := jsonOf(v)
		if err != nil {
			return nil, fmt.Errorf("body %s: %w", path, err)
		}
		httpapi.Bury(body, path, plain)
	}
	return body, nil
}

// buryAttribute puts one attribute where the body holds it.
func buryAttribute(body map[string]any, s callSite, a *pluginspec.Attribute, v cty.Value) error {
	at := func(name string) string {
		if s.call.Wrap == "" {
			return name
		}
		return s.call.Wrap + "." + name
	}
	if object, ok := s.lookups[a.Name]; ok && present(v) {
		httpapi.Bury(body, at(paramName(a)), object.ID())
		return nil
	}
	switch {
	case v.IsNull():
	case a.Encode == encodeBase64:
		httpapi.Bury(body, at(paramName(a)), base64.StdEncoding.EncodeToString([]byte(v.AsString())))
		return nil
	case a.Encode == encodePorts:
		params := cloudstack.Params{}
		if err := encodePortRange(params, paramNames(a), v); err != nil {
			return err
		}
		for name, text := range params {
			httpapi.Bury(body, at(name), json.Number(text))
		}
		return nil
	}
	plain, err := jsonOf(v)
	if err != nil {
		return err
	}
	httpapi.Bury(body, at(paramName(a)), plain)
	return nil
}

// jsonOf is a known value as JSON holds it; null attributes of objects are left
// out.
func jsonOf(v cty.Value) (any, error) {
	v, _ = v.UnmarkDeep()
	if !v.IsWhollyKnown() {
		return nil, fmt.Errorf("the value is known only after apply")
	}
	ty := v.Type()
	switch {
	case v.IsNull():
		return nil, nil
	case ty.IsObjectType() || ty.IsMapType():
		out := map[string]any{}
		for name, inner := range v.AsValueMap() {
			if ty.IsObjectType() && inner.IsNull() {
				continue
			}
			plain, err := jsonOf(inner)
			if err != nil {
				return nil, err
			}
			out[name] = plain
		}
		return out, nil
	case ty.IsListType() || ty.IsSetType() || ty.IsTupleType():
		out := []any{}
		for _, inner := range v.AsValueSlice() {
			plain, err := jsonOf(inner)
			if err != nil {
				return nil, err
			}
			out = append(out, plain)
		}
		return out, nil
	}
	text, err := ctyjson.Marshal(v, ty)
	if err != nil {
		return nil, err
	}
	return json.RawMessage(text), nil
}

// secretsIn are the sensitive texts of a value: no answer may repeat them.
func secretsIn(attrs []*pluginspec.Attribute, v cty.Value) []string {
	var out []string
	for _, a := range attrs {
		if text := textOf(valueOf(v, a.Name)); text != "" && (a.Sensitive || a.WriteOnly) {
			out = append(out, text)
		}
	}
	return out
}

// token is the key under which an API that knows idempotency takes a change
// once, however often it is sent.
func (o *operation) token(key string) string {
	sum := sha256.Sum256([]byte(o.Operation + "\x00" + o.Address + "\x00" + key))
	return hex.EncodeToString(sum[:16])
}

// path evaluates the template of a path: what is filled in is escaped, so that
// no name can lead elsewhere.
func (t *templates) path(source string, r roots) (string, error) {
	expr, err := t.parse(source)
	if err != nil {
		return "", err
	}
	template, ok := expr.(*hclsyntax.TemplateExpr)
	if !ok {
		text, given, err := t.text(source, r)
		if err == nil && !given {
			err = fmt.Errorf("the path %q has no value", source)
		}
		return text, err
	}
	var b strings.Builder
	for _, part := range template.Parts {
		v, diags := pluginspec.EvalTemplate(part, r)
		if diags.HasErrors() {
			return "", fmt.Errorf("path %q: %s", source, diags[0].Detail)
		}
		text, given, err := paramText(v)
		if err != nil {
			return "", fmt.Errorf("path %q: %w", source, err)
		}
		if _, literal := part.(*hclsyntax.LiteralValueExpr); literal {
			b.WriteString(text)
			continue
		}
		if !given || text == "" || text == "." || text == ".." {
			return "", fmt.Errorf("path %q: %s has no value that can stand in a path", source, names(part))
		}
		b.WriteString(url.PathEscape(text))
	}
	return b.String(), nil
}

// names are the names an expression reads, for messages.
func names(expr hclsyntax.Expression) string {
	var out []string
	for _, v := range expr.Variables() {
		text := v.RootName()
		for _, step := range v[1:] {
			if attr, ok := step.(interface{ AsString() string }); ok {
				text += "." + attr.AsString()
			}
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// params builds the parameters of a call of the operation.
func (o *operation) params(s callSite) (cloudstack.Params, error) {
	if !o.overHTTP() {
		return o.Runtime.params(s)
	}
	self := httpSelf(o.typ, s.roots["self"], o.id)
	s.roots = s.roots.with("self", self)
	if !slices.Equal(s.attrs, o.typ.Attributes) && s.id != "" {
		s.roots = s.roots.with("item", withID(s.roots["item"], s.id))
	}
	params, err := o.httpRequest(s)
	if err != nil || !slices.Equal(s.attrs, o.typ.Attributes) {
		return params, err
	}
	return o.with(params, o.typ, s.call, self)
}

// httpMark is mark over HTTP: a marker goes into the body.
func (o *operation) httpMark(params cloudstack.Params) (cloudstack.Identity, error) {
	spec := o.typ.Identity
	id := cloudstack.Identity{Kind: cloudstack.None, By: o.typ.IDField()}
	if spec.Marker != "" {
		r, err := httpapi.FromParams(params)
		if err != nil {
			return id, err
		}
		if r.Body == nil {
			r.Body = map[string]any{}
		}
		httpapi.Bury(r.Body, spec.Marker, o.Operation)
		marked, err := r.Params()
		if err != nil {
			return id, err
		}
		maps.Copy(params, marked)
	}
	call := o.lister(o.typ)
	if call == nil {
		return id, nil
	}
	self := httpSelf(o.typ, o.roots["self"], "")
	where, err := o.httpList(call, o.roots.with("self", self))
	if err == nil {
		where, err = o.with(where, o.typ, call, self)
	}
	if err != nil {
		return id, fmt.Errorf("identity: %w", err)
	}
	id.List, id.Params, id.Result, id.Match = commandOf(call, where), where, listResult(call), map[string]string{}
	switch {
	case spec.Repeat:
		return repeat, nil
	case spec.Serial:
		id.Kind = cloudstack.Serial
	case spec.Marker != "":
		id.Kind = cloudstack.Marker
		id.Match[spec.Marker] = o.Operation
	default:
		id.Kind = cloudstack.Natural
		for field, source := range spec.Natural {
			text, given, err := o.templates.text(source, o.roots)
			if err != nil {
				return id, fmt.Errorf("identity: %w", err)
			}
			if a := o.typ.Attr(field); a != nil {
				field = orDefault(a.Field, paramName(a))
			}
			if given {
				id.Match[field] = text
			}
		}
	}
	return id, nil
}

// httpChildIdentity finds a child again: nothing says that the API refuses a
// second one of its kind, so one is made at a time, and what is new is it.
func (o *operation) httpChildIdentity(b *pluginspec.Block, r roots) (cloudstack.Identity, error) {
	where, err := o.httpChildren(b, r)
	if err != nil {
		return cloudstack.Identity{}, err
	}
	id := cloudstack.Identity{
		Kind: cloudstack.Serial, List: commandOf(b.Child.List, where), Params: where,
		Result: listResult(b.Child.List), Match: map[string]string{}, By: b.Child.ID,
	}
	for _, a := range b.Attributes {
		v := valueOf(r["item"], a.Name)
		if !slices.Contains(b.Child.Key, a.Name) || a.Field == notReadable || strings.Contains(a.Field, "${") || v == cty.NilVal || v.IsNull() || !v.Type().IsPrimitiveType() {
			continue
		}
		text, given, err := paramText(v)
		if err != nil {
			return id, err
		}
		if given {
			id.Match[orDefault(a.Field, paramName(a))] = text
		}
	}
	return id, nil
}

// toldApart tells whether each wanted child of a block says all that tells it
// from its siblings, in fields that the listing shows: then a child that is
// made at the same time cannot be taken for it.
func (o *operation) toldApart(b *pluginspec.Block) bool {
	for _, name := range b.Child.Key {
		at := slices.IndexFunc(b.Attributes, func(a *pluginspec.Attribute) bool { return a.Name == name })
		if at < 0 || b.Attributes[at].Field == notReadable || strings.Contains(b.Attributes[at].Field, "${") || !b.Attributes[at].Type.IsPrimitiveType() {
			return false
		}
		for _, item := range childItems(b, o.self) {
			if v := valueOf(item.value, name); v == cty.NilVal || v.IsNull() || !v.IsKnown() {
				return false
			}
		}
	}
	return true
}

// childParams are the parameters that list the children of one parent.
func (rt *Runtime) childParams(b *pluginspec.Block, r roots) (cloudstack.Params, error) {
	if rt.overHTTP() {
		return rt.httpChildren(b, r)
	}
	return rt.listParams(b.Child.List, r)
}

// withID is a child as templates of paths see it: with the id that the API gave
// it.
func withID(item cty.Value, id string) cty.Value {
	attrs := map[string]cty.Value{}
	if known(item) && item.Type().IsObjectType() {
		maps.Copy(attrs, item.AsValueMap())
	}
	attrs["id"] = cty.StringVal(id[strings.LastIndexByte(id, '/')+1:])
	return cty.ObjectVal(attrs)
}
