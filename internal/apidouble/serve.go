package apidouble

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// answer is what a request is answered with.
type answer struct {
	status int
	header map[string]string
	body   any
}

func refuse(status int, format string, args ...any) answer {
	return answer{status: status, body: map[string]any{"message": fmt.Sprintf(format, args...)}}
}

// serve answers one request.
func (d *Double) serve(w http.ResponseWriter, req *http.Request) {
	if !d.admitted(req) {
		write(w, refuse(http.StatusUnauthorized, "The credentials are not right."))
		return
	}
	r, named := d.match(req)
	if r == nil {
		write(w, refuse(http.StatusNotFound, "There is nothing at %s %s.", req.Method, req.URL.Path))
		return
	}
	if r.act == list || r.act == show {
		write(w, d.look(r, named, req))
		return
	}
	body := map[string]any{}
	if req.ContentLength != 0 {
		if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
			write(w, refuse(http.StatusBadRequest, "The body is not a JSON object: %v", err))
			return
		}
	}
	command := r.call.Name()
	if d.options.Guard != nil {
		if err := d.options.Guard(command); err != nil {
			hangUp(w)
			return
		}
	}
	fault := d.fault(command)
	if fault.strikes(w, req, "before") {
		return
	}
	out := d.do(r, named, body)
	if d.options.After != nil {
		d.options.After(command)
	}
	if fault.strikes(w, req, "after") {
		return
	}
	write(w, out)
}

func write(w http.ResponseWriter, a answer) {
	for name, v := range a.header {
		w.Header().Set(name, v)
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	// A client that went away is no concern of the API.
	_ = json.NewEncoder(w).Encode(a.body)
}

// hangUp breaks the connection without an answer.
func hangUp(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			_ = conn.Close() // it shall be broken
		}
	}
}

// admitted tells whether a request carries the credentials that the plugin's
// `auth` makes of the configuration.
func (d *Double) admitted(req *http.Request) bool {
	auth := d.spec.HTTP.Auth
	same := func(want, have string) bool { return subtle.ConstantTimeCompare([]byte(want), []byte(have)) == 1 }
	ok := true
	if auth.Bearer != "" {
		ok = same("Bearer "+d.text(auth.Bearer), req.Header.Get("Authorization"))
	}
	if auth.User != "" {
		user, password, _ := req.BasicAuth()
		ok = same(d.text(auth.User), user) && same(d.text(auth.Password), password)
	}
	for name, source := range auth.Header {
		ok = ok && same(d.text(source), req.Header.Get(name))
	}
	for name, source := range auth.Query {
		ok = ok && same(d.text(source), req.URL.Query().Get(name))
	}
	return ok
}

// text evaluates a template over the configuration; "" when it has no value.
func (d *Double) text(source string) string {
	expr, diags := pluginspec.ParseTemplate(source, hcl.Range{Start: hcl.InitialPos})
	if diags.HasErrors() || d.config == cty.NilVal {
		return ""
	}
	v, diags := pluginspec.EvalTemplate(expr, map[string]cty.Value{"config": d.config})
	if diags.HasErrors() {
		return ""
	}
	if v, err := convert.Convert(v, cty.String); err == nil && !v.IsNull() && v.IsKnown() {
		return v.AsString()
	}
	return ""
}

// look answers a listing or a read by id.
func (d *Double) look(r *route, named map[string]string, req *http.Request) answer {
	d.mu.Lock()
	defer d.mu.Unlock()
	var found []*object
	for _, o := range d.objects[r.collection()] {
		if within(o, named) && d.fits(r, o, req) {
			found = append(found, o)
		}
	}
	if r.act == show {
		for _, o := range found {
			if o.id == named["id"] {
				return answer{status: http.StatusOK, body: nest(r.call.Result, r.shown(o))}
			}
		}
		return refuse(http.StatusNotFound, "There is no object %s.", named["id"])
	}
	return d.page(r, found, req)
}

// within tells whether an object belongs to what a path names.
func within(o *object, named map[string]string) bool {
	for name, v := range named {
		if was, ok := o.within[name]; name != "id" && ok && was != v {
			return false
		}
	}
	return true
}

// fits tells whether an object answers the query of a listing: the parameters
// that the plugin.yaml fills in from attributes.
func (d *Double) fits(r *route, o *object, req *http.Request) bool {
	for param, source := range r.call.Query {
		want := req.URL.Query().Get(param)
		name, ok := strings.CutPrefix(strings.TrimSuffix(source, "}"), "${self.")
		if want == "" || !ok {
			continue
		}
		for _, a := range r.attributes() {
			if a.Name == name && len(a.FieldNames()) > 0 && fmt.Sprint(dig(o.fields, a.FieldNames()[0])) != want {
				return false
			}
		}
	}
	return true
}

// page answers a listing with the piece that was asked for.
func (d *Double) page(r *route, found []*object, req *http.Request) answer {
	p := d.spec.HTTP.Paging
	if r.call.Paging != nil {
		p = r.call.Paging
	}
	out := answer{status: http.StatusOK, header: map[string]string{}}
	from, size := 0, len(found)
	cursor := ""
	if p != nil && p.Style != pluginspec.PagingNone && r.block == nil {
		query := req.URL.Query()
		size = p.Limit
		if n, err := strconv.Atoi(query.Get(p.Size)); err == nil && n > 0 {
			size = min(size, n)
		}
		at, err := strconv.Atoi(query.Get(p.Param))
		if err == nil {
			from = at
		}
		if p.Style == pluginspec.PagingPage && err == nil {
			from = (at - p.First) * size
		}
		if p.Style == pluginspec.PagingLink {
			from, _ = strconv.Atoi(query.Get("from")) // none is 0
		}
		if next := from + size; next < len(found) {
			cursor = strconv.Itoa(next)
			link := *req.URL
			query.Set("from", cursor)
			link.RawQuery = query.Encode()
			out.header["Link"] = "<" + d.address + link.String() + `>; rel="next"`
		}
	}
	from = min(max(from, 0), len(found))
	items := []any{}
	for _, o := range found[from:min(from+size, len(found))] {
		items = append(items, r.shown(o))
	}
	body := nest(r.call.Result, items)
	if object, ok := body.(map[string]any); ok && p != nil && p.Style == pluginspec.PagingCursor {
		bury(object, p.Next, nil)
		if cursor != "" {
			bury(object, p.Next, cursor)
		}
	}
	out.body = body
	return out
}

// do carries out a change.
func (d *Double) do(r *route, named map[string]string, body map[string]any) answer {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := r.collection()
	if r.act == create {
		return d.create(r, named, body)
	}
	at := slices.IndexFunc(d.objects[name], func(o *object) bool { return o.id == named["id"] && within(o, named) })
	if at < 0 {
		return refuse(http.StatusNotFound, "There is no object %s.", named["id"])
	}
	o := d.objects[name][at]
	if r.act == remove {
		d.objects[name] = slices.Delete(d.objects[name], at, at+1)
		for _, b := range r.typ.Blocks {
			children := r.typ.Name + "." + b.Name
			if r.block == nil {
				d.objects[children] = slices.DeleteFunc(d.objects[children], func(c *object) bool { return c.within["parent"] == o.id })
			}
		}
		return answer{status: http.StatusNoContent}
	}
	r.take(o, body)
	return answer{status: http.StatusOK, body: nest(r.call.Result, r.shown(o))}
}

func (d *Double) create(r *route, named map[string]string, body map[string]any) answer {
	o := &object{fields: map[string]any{}, within: named}
	r.take(o, body)
	if r.block == nil && r.typ.Identity != nil {
		for _, other := range d.objects[r.collection()] {
			if within(other, named) && r.twins(o, other) {
				return refuse(http.StatusConflict, "Such an object exists already.")
			}
		}
	}
	d.next++
	o.id = fmt.Sprintf("%s-%d", strings.ReplaceAll(r.collection(), ".", "-"), 1000+d.next)
	for _, a := range r.attributes() {
		r.invent(o, a, d.next)
	}
	bury(o.fields, r.idField(), o.id)
	d.objects[r.collection()] = append(d.objects[r.collection()], o)
	return answer{
		status: http.StatusCreated, header: map[string]string{"Location": "/objects/" + o.id},
		body: nest(r.call.Result, r.shown(o)),
	}
}
