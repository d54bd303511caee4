package pluginspec

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// overHTTP checks what can be known of a plugin for an API that has no table:
// templates that name nothing, attributes and changes that are never sent,
// objects that could not be found again, secrets that are not marked.
func (l *linter) overHTTP(p *Plugin) {
	h := p.HTTP
	texts := []string{h.Endpoint, h.CA, h.Insecure, h.Auth.Bearer, h.Auth.User, h.Auth.Password}
	for _, m := range []map[string]string{h.Headers, h.Auth.Header, h.Auth.Query} {
		texts = slices.AppendSeq(texts, maps.Values(m))
	}
	for _, text := range texts {
		l.known(h.Range, text, "config", p.configAttr)
	}
	for _, text := range append([]string{h.Auth.Bearer, h.Auth.Password}, slices.AppendSeq(slices.Collect(maps.Values(h.Auth.Header)), maps.Values(h.Auth.Query))...) {
		for _, name := range namesUnder(text, "config") {
			if a := p.configAttr(name); a != nil && !a.Sensitive {
				l.fail(a.Range, "Secret is not marked", "`auth` makes credentials of %q; write `sensitive: true`, so that it is never shown.", name)
			}
		}
	}
	if len(namesUnder(h.Endpoint, "config")) == 0 {
		l.warn(h.Range, "Endpoint is fixed", "Take the endpoint from the configuration (`endpoint: \"${config.endpoint}\"`, with a default): then tests can lead the plugin elsewhere.")
	}
	for _, name := range slices.Sorted(maps.Keys(p.Types)) {
		l.httpType(p, p.Types[name])
	}
}

func (p *Plugin) configAttr(name string) *Attribute {
	for _, a := range p.Config {
		if a.Name == name {
			return a
		}
	}
	return nil
}

func (l *linter) warn(rng hcl.Range, summary, detail string) {
	l.diags = append(l.diags, &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: rng.Ptr()})
}

// namesUnder are the attributes that a template reads of one of its roots.
func namesUnder(text, root string) []string {
	expr, diags := parseTemplate(text, "", hcl.InitialPos)
	if diags.HasErrors() || expr == nil {
		return nil
	}
	var out []string
	for _, v := range expr.Variables() {
		if v.RootName() != root || len(v) < 2 {
			continue
		}
		if step, ok := v[1].(hcl.TraverseAttr); ok {
			out = append(out, step.Name)
		}
	}
	return out
}

// known checks the names that a template reads under a root.
func (l *linter) known(rng hcl.Range, text, root string, find func(string) *Attribute) {
	for _, name := range namesUnder(text, root) {
		if find(name) == nil {
			l.fail(rng, "Unknown attribute", "%q names %s.%s, and there is no such attribute.", text, root, name)
		}
	}
}

func (l *linter) httpType(p *Plugin, t *Type) {
	for _, c := range t.calls() {
		l.httpCall(p, t, c)
	}
	for _, v := range []struct {
		name string
		verb *Verb
	}{{"update", t.Update}, {"delete", t.Delete}} {
		if v.verb == nil {
			continue
		}
		for _, c := range v.verb.Calls {
			if !c.Mentions("id") && c.Method != "" && len(c.Body) == 0 {
				l.warn(c.Range, "Call names no object", "The path of "+v.name+" does not name `self.id`: it is the same for every object.")
			}
		}
	}
	l.httpListing(t)
	if t.Create != nil && !t.Create.Handler && len(t.Create.Calls) > 0 {
		l.httpSent(t)
	}
	if t.Update != nil {
		l.httpChanges(t)
	}
}

// httpCall checks one call by itself.
func (l *linter) httpCall(p *Plugin, t *Type, c *Call) {
	if len(c.Params) > 0 {
		l.fail(c.Range, "Call does not fit the transport", "`params` are of CloudStack's commands; write `query` or `body`.")
	}
	if (len(c.Body) > 0 || c.Wrap != "") && !sendsBody(c) {
		l.fail(c.Range, "Body is not sent", "%s has no body; write `query`.", c.Method)
	}
	texts := []string{c.Path, c.When, c.Serial}
	for _, m := range []map[string]string{c.Query, c.Headers, c.Body} {
		texts = slices.AppendSeq(texts, maps.Values(m))
	}
	for _, text := range texts {
		l.known(c.Range, text, "config", p.configAttr)
		for _, root := range []string{"self", "prior"} {
			for _, name := range namesUnder(text, root) {
				if t.Attr(name) == nil && t.BlockAt(name) == nil {
					l.fail(c.Range, "Unknown attribute", "%q names %s.%s, and %q has no such attribute.%s", text, root, name, t.Name, didYouMean(name, namesOf(t.Attributes, t.Blocks)))
				}
			}
		}
	}
}

func sendsBody(c *Call) bool { return c.Method == "POST" || c.Method == "PUT" || c.Method == "PATCH" }

// httpListing checks that what has to be listed can be.
func (l *linter) httpListing(t *Type) {
	if t.Read == nil || len(t.Read.Calls) == 0 {
		return
	}
	read := t.Read.Calls[0]
	lists := !read.Mentions("id") || t.Find != nil && t.Find.Call != nil && !t.Find.Call.Mentions("id")
	if lists {
		return
	}
	if t.Read.Batch {
		l.fail(read.Range, "Nothing to list", "`batch` asks for a call that lists the objects of %q: read names one by its id, and there is no `find`.", t.Name)
	}
	if id := t.Identity; id != nil && !id.Repeat {
		l.fail(read.Range, "Nothing to list", "The identity of %q needs a call that lists its objects, to find what an interrupted create made: add `find`.", t.Name)
	}
}

// httpSends tells whether a call sends an attribute: in its body by convention,
// or where a template says so.
func httpSends(c *Call, a *Attribute) bool {
	for _, m := range []map[string]string{c.Query, c.Headers, c.Body} {
		for _, text := range m {
			if mentions(text, a.Name) {
				return true
			}
		}
	}
	if mentions(c.Path, a.Name) || mentions(c.When, a.Name) {
		return true
	}
	return sendsBody(c) && (c.Only == nil || slices.Contains(c.Only, a.Name))
}

// httpSent finds attributes that users may set and that reach no call.
func (l *linter) httpSent(t *Type) {
	var calls []*Call
	for _, v := range []*Verb{t.Create, t.Update, t.Delete} {
		if v == nil {
			continue
		}
		if v.Handler {
			return
		}
		calls = append(calls, v.Calls...)
	}
	for _, a := range t.Attributes {
		if a.given() && !slices.ContainsFunc(calls, func(c *Call) bool { return httpSends(c, a) }) && !l.childrenUse(t.Blocks, a.Name) {
			l.fail(a.Range, "Attribute is never sent", "No call of %q sends the attribute %q: `only` leaves it out, and no path, query or body names it.", t.Name, a.Name)
		}
	}
	for _, b := range t.Blocks {
		if b.Child == nil {
			l.fail(b.Range, "Block is never sent", "Over HTTP a block holds children: write %q as an attribute of type object({…}) or list(object({…})), or give it `children`.", b.Name)
		}
	}
}

// httpChanges checks that what an update is sent for is in it.
func (l *linter) httpChanges(t *Type) {
	for _, c := range t.Update.Calls {
		for _, on := range c.On {
			name, _, _ := strings.Cut(on, ".")
			a := t.Attr(name)
			if a == nil {
				continue
			}
			if !slices.ContainsFunc(t.Update.Calls, func(c *Call) bool { return slices.Contains(c.On, on) && httpSends(c, a) }) {
				l.fail(c.Range, "Change is not sent", "%s is sent when %q changes, and does not say it.", c.Name(), on)
			}
		}
	}
}

// reads tells whether a template of the call reads an attribute.
func (c *Call) reads(name string) bool {
	for _, m := range []map[string]string{c.Params, c.Query, c.Headers, c.Body} {
		for _, text := range m {
			if mentions(text, name) {
				return true
			}
		}
	}
	return mentions(c.Path, name)
}
