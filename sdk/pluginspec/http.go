package pluginspec

import (
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"go.yaml.in/yaml/v4"
)

// HTTP says how the API behind a plugin of transport http is reached: where it
// is, who the caller is, how it pages its listings and how it says no. Its
// texts are templates over `config`, the plugin's own configuration.
type HTTP struct {
	Endpoint    string
	Auth        Auth
	Headers     map[string]string // of every request
	Paging      *Paging           // nil: listings come whole
	Errors      Errors
	Timeout     time.Duration // of one request
	MaxRequests int           // in flight at once
	Idempotency string        // header that carries a key which is the same when a change is sent again
	Settle      time.Duration // how long after an unanswered change the API may still carry it out; 0 = the usual time
	CA          string        // PEM text or path of an authority to trust
	Insecure    string        // true: certificates are not verified
	Range       hcl.Range
}

// Auth is how requests say who sends them; at most one way is set.
type Auth struct {
	Bearer   string
	User     string // basic, with Password
	Password string
	Header   map[string]string
	Query    map[string]string
}

// PagingStyle names how a listing is asked for in pieces.
type PagingStyle string

// The styles of paging.
const (
	PagingNone   PagingStyle = "none"   // the listing comes whole
	PagingPage   PagingStyle = "page"   // ?page=2
	PagingOffset PagingStyle = "offset" // ?offset=100
	PagingCursor PagingStyle = "cursor" // ?cursor=… out of the answer before
	PagingLink   PagingStyle = "link"   // Link: <…>; rel="next"
)

// Paging says how a listing is asked for in pieces.
type Paging struct {
	Style PagingStyle `json:"style"`
	Param string      `json:"param,omitempty"` // carries the page, offset or cursor
	Size  string      `json:"size,omitempty"`  // parameter that carries Limit; "" = none
	Limit int         `json:"limit,omitempty"` // objects of one page
	First int         `json:"first,omitempty"` // number of the first page
	Next  string      `json:"next,omitempty"`  // cursor: where the answer holds the next one
}

// Errors says how the API's refusals are read.
type Errors struct {
	Message  string // where an answer holds the text for people; "" = looked for under the usual names
	Gone     []int  // statuses: there is no such object
	Conflict []int  // statuses: such an object exists already
	Retry    []int  // statuses: nothing was done, ask again later
}

// Concerns tells whether an update sends the call when an attribute or block of
// this name has changed.
func (c *Call) Concerns(name string) bool { return len(c.On) == 0 || slices.Contains(c.On, name) }

// Name is the call as messages show it: the command, or method and path.
func (c *Call) Name() string {
	if c.Command != "" {
		return c.Command
	}
	return c.Method + " " + c.Path
}

// Mentions tells whether the path, query or parameters of the call read an
// attribute of the object, or of the parent.
func (c *Call) Mentions(name string) bool {
	texts := []string{c.Path}
	for _, m := range []map[string]string{c.Query, c.Params} {
		for _, text := range m {
			texts = append(texts, text)
		}
	}
	for _, text := range texts {
		if strings.Contains(text, name) && (mentions(text, name) || strings.Contains(text, "parent."+name)) {
			return true
		}
	}
	return false
}

// http reads the block `http`.
func (s *source) http(n *yaml.Node) *HTTP {
	h := &HTTP{Range: s.rangeOf(n)}
	s.mapping(n, "http", fields{
		"endpoint": func(_, v *yaml.Node) { h.Endpoint = s.template(v) },
		"auth":     func(_, v *yaml.Node) { h.Auth = s.auth(v) },
		"headers":  func(_, v *yaml.Node) { h.Headers = s.templates(v, "headers") },
		"paging":   func(_, v *yaml.Node) { h.Paging = s.paging(v) },
		"errors": func(_, v *yaml.Node) {
			s.mapping(v, "errors", fields{
				"message":  func(_, v *yaml.Node) { h.Errors.Message, _ = s.str(v) },
				"gone":     func(_, v *yaml.Node) { h.Errors.Gone = s.statuses(v) },
				"conflict": func(_, v *yaml.Node) { h.Errors.Conflict = s.statuses(v) },
				"retry":    func(_, v *yaml.Node) { h.Errors.Retry = s.statuses(v) },
			})
		},
		"timeout":      func(_, v *yaml.Node) { h.Timeout = s.duration(v) },
		"max_requests": func(_, v *yaml.Node) { h.MaxRequests = s.atLeast(v, 1) },
		"idempotency":  func(_, v *yaml.Node) { h.Idempotency, _ = s.str(v) },
		"settle":       func(_, v *yaml.Node) { h.Settle = s.duration(v) },
		"tls": func(_, v *yaml.Node) {
			s.mapping(v, "tls", fields{
				"ca":       func(_, v *yaml.Node) { h.CA = s.template(v) },
				"insecure": func(_, v *yaml.Node) { h.Insecure = s.template(v) },
			})
		},
	})
	return h
}

func (s *source) auth(n *yaml.Node) Auth {
	var a Auth
	ways := 0
	s.mapping(n, "auth", fields{
		"bearer": func(_, v *yaml.Node) { a.Bearer = s.template(v); ways++ },
		"basic": func(_, v *yaml.Node) {
			ways++
			ok := s.mapping(v, "basic", fields{
				"user":     func(_, v *yaml.Node) { a.User = s.template(v) },
				"password": func(_, v *yaml.Node) { a.Password = s.template(v) },
			})
			if ok {
				s.need(v, "user", a.User != "", `"user" is missing: basic authentication has a user and a password.`)
			}
		},
		"header": func(_, v *yaml.Node) { a.Header = s.templates(v, "header"); ways++ },
		"query":  func(_, v *yaml.Node) { a.Query = s.templates(v, "query"); ways++ },
	})
	if ways > 1 {
		s.fail(n, "Contradictory auth", "Write one of bearer, basic, header and query.")
	}
	return a
}

// paging reads a style with its parameters; a word alone is a style with the
// usual ones.
func (s *source) paging(n *yaml.Node) *Paging {
	p := &Paging{First: 1, Limit: 100}
	style := func(v *yaml.Node) {
		p.Style = PagingStyle(s.choice(v, string(PagingPage), string(PagingOffset), string(PagingCursor), string(PagingLink), string(PagingNone)))
	}
	if n.Kind == yaml.ScalarNode {
		style(n)
	} else {
		ok := s.mapping(n, "paging", fields{
			"style": func(_, v *yaml.Node) { style(v) },
			"param": func(_, v *yaml.Node) { p.Param, _ = s.str(v) },
			"size":  func(_, v *yaml.Node) { p.Size, _ = s.str(v) },
			"limit": func(_, v *yaml.Node) { p.Limit = s.atLeast(v, 1) },
			"first": func(_, v *yaml.Node) { p.First = s.atLeast(v, 0) },
			"next":  func(_, v *yaml.Node) { p.Next, _ = s.str(v) },
		})
		if ok {
			s.need(n, "style", p.Style != "", `"style" is missing: page, offset, cursor, link or none.`)
		}
	}
	if p.Style == PagingCursor && p.Next == "" {
		s.fail(n, "Missing key", `"next" is missing: where an answer holds the cursor of the next page, such as "meta.next_cursor".`)
	}
	if p.Param == "" {
		p.Param = string(p.Style)
	}
	return p
}

// statuses reads a list of HTTP statuses; one alone stands for a list.
func (s *source) statuses(n *yaml.Node) []int {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	var out []int
	for _, item := range items {
		item = resolve(item)
		v := s.integer(item)
		if v != 0 && (v < 400 || v > 599) {
			s.fail(item, "Not an error status", "%d is not the status of an error: those are 400 to 599.", v)
		}
		out = append(out, v)
	}
	return out
}

// overHTTP fills in what is understood by itself over HTTP, and refuses what
// only CloudStack has.
func (s *source) overHTTP(p *Plugin) {
	if p.Transport != "http" {
		if p.HTTP != nil {
			s.failAt(p.HTTP.Range, "Block does not fit the transport", "The block http is for plugins with transport: http.")
		}
		return
	}
	if p.HTTP == nil {
		p.HTTP = &HTTP{Range: s.at(1, 1, 0)}
	}
	if p.HTTP.Endpoint == "" {
		p.HTTP.Endpoint = "${config.endpoint}"
	}
	for _, t := range p.Types {
		t.NoCloud = !slices.Contains(p.Needs, "cloud")
		if t.Tags != "" {
			s.failAt(t.Range, "Tags are of CloudStack", "\""+t.Name+"\": `tags` names a kind of CloudStack's; declare an attribute of type map(string) instead.")
		}
		if t.Identity != nil && t.Identity.Reserve {
			s.failAt(t.Range, "Identity does not fit", "\""+t.Name+"\": `reserve` is for CloudStack's stock of addresses; use natural, marker or serial.")
		}
		spelledOut(t.Attributes, t.Blocks)
	}
}

// spelledOut gives every attribute its field in JSON: its own name, unless the
// author says otherwise.
func spelledOut(attrs []*Attribute, blocks []*Block) {
	for _, a := range attrs {
		if a.Param == "" {
			a.Param = a.Name
		}
	}
	for _, b := range blocks {
		spelledOut(b.Attributes, b.Blocks)
	}
}

// CallsHTTP tells whether any type makes calls of transport http, rather than
// leaving all to code.
func (p *Plugin) CallsHTTP() bool {
	if p.Transport != "http" {
		return false
	}
	for _, t := range p.Types {
		if len(t.calls()) > 0 {
			return true
		}
	}
	return false
}
