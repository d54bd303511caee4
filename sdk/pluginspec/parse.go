package pluginspec

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"go.yaml.in/yaml/v4"
)

// Protocol is the version of the plugin protocol that this package describes.
const Protocol = 1

var (
	pluginName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	simpleName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	version    = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)
)

// reservedTypes are names that mean something else at the start of a
// reference.
var reservedTypes = []string{
	"check", "cloud", "count", "data", "each", "local", "module", "output", "path", "pipeline", "run", "self", "stack", "var",
}

// reservedAttributes are the meta-arguments of resource and data blocks.
var reservedAttributes = []string{
	"cloud", "count", "depends_on", "for_each", "lifecycle", "retain_on_destroy", "timeouts",
}

// Parse reads a plugin.yaml. All that is wrong with it is said at once; the
// Plugin holds what could be read and is not to be used with errors.
func Parse(filename string, src []byte) (*Plugin, hcl.Diagnostics) {
	s := newSource(filename, src)
	return s.parse(s.document())
}

// parse reads the document; nil is one of which diagnostics say why there is
// none.
func (s *source) parse(root *yaml.Node) (*Plugin, hcl.Diagnostics) {
	p := &Plugin{
		Transport: "cloudstack",
		Protocol:  Protocol,
		Types:     map[string]*Type{},
		Steps:     map[string]*Step{},
		Filename:  s.filename,
		Source:    s.text,
	}
	if root == nil {
		return p, s.diags
	}
	s.plugin(root, p)
	s.overHTTP(p)
	if !s.diags.HasErrors() {
		s.check(p)
	}
	for _, t := range p.Types {
		t.freeze()
	}
	return p, s.diags
}

func (s *source) plugin(root *yaml.Node, p *Plugin) {
	ok := s.mapping(root, "a plugin.yaml", fields{
		"plugin":    func(_, v *yaml.Node) { p.Name = s.named(v, "plugin", pluginName) },
		"version":   func(_, v *yaml.Node) { p.Version = s.version(v) },
		"protocol":  func(_, v *yaml.Node) { p.Protocol = s.protocol(v) },
		"summary":   func(_, v *yaml.Node) { p.Summary, _ = s.str(v) },
		"doc":       func(_, v *yaml.Node) { p.Doc, _ = s.str(v) },
		"transport": func(_, v *yaml.Node) { p.Transport = s.choice(v, "cloudstack", "http") },
		"needs":     func(_, v *yaml.Node) { p.Needs = s.words(v, "cloud") },
		"config":    func(_, v *yaml.Node) { p.Config = s.attributes(v) },
		"http":      func(_, v *yaml.Node) { p.HTTP = s.http(v) },
		"types": func(_, v *yaml.Node) {
			s.entries(v, "types", func(key, value *yaml.Node) {
				t := s.typ(key, value)
				t.Plugin = p.Name
				p.Types[t.Name] = t
			})
		},
		"steps": func(_, v *yaml.Node) {
			s.entries(v, "steps", func(key, value *yaml.Node) {
				step := s.step(key, value)
				p.Steps[step.Kind] = step
			})
		},
	})
	if !ok {
		return
	}
	s.need(root, "plugin", p.Name != "", `"plugin: NAME" is missing: the name of the plugin.`)
	s.need(root, "version", p.Version != "", `"version: 1.0.0" is missing: the version of the plugin.`)
	if len(p.Types) == 0 && len(p.Steps) == 0 {
		s.need(root, "types", false, "The plugin serves nothing: it has neither types nor steps.")
	}
}

// need reports a missing key, unless the key is there and was reported itself.
func (s *source) need(n *yaml.Node, key string, given bool, detail string) {
	if given || has(n, key) {
		return
	}
	s.fail(n, "Missing key", "%s", detail)
}

func has(n *yaml.Node, key string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

func (s *source) named(n *yaml.Node, what string, form *regexp.Regexp) string {
	v, ok := s.str(n)
	if ok && !form.MatchString(v) {
		s.fail(n, "Invalid name", "The name of %s starts with a small letter and goes on with small letters, digits and %s.",
			article(what), map[bool]string{true: "dashes", false: "underscores"}[form == pluginName])
	}
	return v
}

func article(what string) string {
	if slices.Contains([]byte("aeiou"), what[0]) {
		return "an " + what
	}
	return "a " + what
}

func (s *source) version(n *yaml.Node) string {
	v, ok := s.str(n)
	if ok && !version.MatchString(v) {
		s.fail(n, "Invalid version", "%q is not a version such as 1.0.0.", v)
	}
	return v
}

func (s *source) protocol(n *yaml.Node) int {
	v := s.integer(n)
	if v != 0 && v != Protocol {
		s.fail(n, "Unknown protocol", "Protocol %d is not known here; this version speaks protocol %d.", v, Protocol)
	}
	return v
}

// words reads a list of words out of a few.
func (s *source) words(n *yaml.Node, known ...string) []string {
	s.probe.note("texts", known...)
	list := s.list(n)
	for _, w := range list {
		if !slices.Contains(known, w) {
			s.fail(n, "Unknown value", "%q is not one of %s.%s", w, quoted(known), didYouMean(w, known))
		}
	}
	return list
}

func (s *source) typ(key, n *yaml.Node) *Type {
	t := &Type{Name: key.Value, Schema: 1, Scope: "account", Range: s.rangeOf(key)}
	if s.named(key, "type", simpleName); slices.Contains(reservedTypes, t.Name) {
		s.fail(key, "Reserved name", "%q starts other references in a stack; choose another name for the type.", t.Name)
	}
	s.mapping(n, "a type", fields{
		"summary":    func(_, v *yaml.Node) { t.Summary, _ = s.str(v) },
		"doc":        func(_, v *yaml.Node) { t.Doc, _ = s.str(v) },
		"example":    func(_, v *yaml.Node) { t.Example, _ = s.str(v) },
		"schema":     func(_, v *yaml.Node) { t.Schema = s.atLeast(v, 1) },
		"scope":      func(_, v *yaml.Node) { t.Scope = s.choice(v, "account", "project", "domain", "global") },
		"role":       func(_, v *yaml.Node) { t.Role = s.choice(v, "user", "domain_admin", "admin") },
		"renamed":    func(_, v *yaml.Node) { t.Renamed = s.renamed(v) },
		"accepts":    func(_, v *yaml.Node) { t.Accepts = s.list(v) },
		"attributes": func(_, v *yaml.Node) { t.Attributes = s.attributes(v) },
		"blocks":     func(_, v *yaml.Node) { t.Blocks = s.blocks(v, 1) },
		"tags":       func(_, v *yaml.Node) { t.Tags, _ = s.str(v) },
		"unique":     func(_, v *yaml.Node) { t.Unique = s.list(v) },
		"identity":   func(_, v *yaml.Node) { t.Identity = s.identity(v) },
		"requires":   func(_, v *yaml.Node) { t.Requires = s.requires(v) },
		"find":       func(_, v *yaml.Node) { t.Find = s.find(v) },
		"create":     func(_, v *yaml.Node) { t.Create = s.verb(v) },
		"read":       func(_, v *yaml.Node) { t.Read = s.verb(v) },
		"update":     func(_, v *yaml.Node) { t.Update = s.verb(v) },
		"delete":     func(_, v *yaml.Node) { t.Delete = s.verb(v) },
		"actions":    func(_, v *yaml.Node) { t.Actions = s.actions(v) },
		"prune":      func(_, v *yaml.Node) { t.Prune = s.verb(v) },
		"plan":       func(_, v *yaml.Node) { t.Plan = s.handled(v) },
		"check":      func(_, v *yaml.Node) { t.Check = s.handled(v) },
		"upgrade":    func(_, v *yaml.Node) { t.Upgrade = s.handled(v) },
	})
	if t.Upgrade && t.Schema < 2 {
		s.fail(key, "Nothing to upgrade", "Code upgrades what an earlier schema stored, and schema %d is the first: raise \"schema\".", t.Schema)
	}
	t.implied()
	return t
}

// implied adds the attributes every type has: its id, and tags if it keeps
// them.
func (t *Type) implied() {
	if t.Attr("id") == nil {
		id := &Attribute{Name: "id", Type: cty.String, Computed: true, Doc: "The id of the object in the cloud.", Range: t.Range}
		t.Attributes = append([]*Attribute{id}, t.Attributes...)
	}
	if t.Tags != "" && t.Attr("tags") == nil {
		t.Attributes = append(t.Attributes, &Attribute{
			Name: "tags", Type: cty.Map(cty.String), Optional: true,
			Doc: "Tags of the object. Only those named here are kept in line; tags that others set stay.", Range: t.Range,
		})
	}
}

// renamed reads the old names of attributes with those they have now.
func (s *source) renamed(n *yaml.Node) map[string]string {
	out := map[string]string{}
	s.entries(n, "renamed", func(key, value *yaml.Node) { out[key.Value], _ = s.str(value) })
	return out
}

func (s *source) atLeast(n *yaml.Node, least int) int {
	v := s.integer(n)
	if v < least {
		s.fail(n, "Number too small", "This is at least %d.", least)
	}
	return v
}

// handled reads "true" or {handler: true}.
func (s *source) handled(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode {
		return s.boolean(n)
	}
	var on bool
	s.mapping(n, "this verb", fields{"handler": func(_, v *yaml.Node) { on = s.boolean(v) }})
	return on
}

func (s *source) identity(n *yaml.Node) *Identity {
	id := &Identity{}
	ok := s.mapping(n, "identity", fields{
		"natural": func(_, v *yaml.Node) {
			if v.Kind == yaml.MappingNode {
				id.Natural = s.templates(v, "natural")
				return
			}
			id.Natural = map[string]string{}
			for _, name := range s.list(v) {
				id.Natural[name] = "${self." + name + "}"
			}
		},
		"marker":  func(_, v *yaml.Node) { id.Marker, _ = s.str(v) },
		"reserve": func(_, v *yaml.Node) { id.Reserve = s.boolean(v) },
		"serial":  func(_, v *yaml.Node) { id.Serial = s.boolean(v) },
		"repeat":  func(_, v *yaml.Node) { id.Repeat = s.boolean(v) },
	})
	ways := 0
	for _, set := range []bool{len(id.Natural) > 0, id.Marker != "", id.Reserve, id.Serial, id.Repeat} {
		if set {
			ways++
		}
	}
	if ok && ways != 1 {
		s.fail(n, "One identity expected", "An interrupted create is found again in exactly one way: natural, marker, reserve, serial or repeat.")
	}
	return id
}

func (s *source) requires(n *yaml.Node) []*Require {
	if n.Kind != yaml.SequenceNode {
		s.fail(n, "List expected", "requires is a list of {that: …, say: …}, not %s.", kindOf(n))
		return nil
	}
	var out []*Require
	for _, item := range n.Content {
		item = resolve(item)
		r := &Require{Range: s.rangeOf(item)}
		ok := s.mapping(item, "requires", fields{
			"that":    func(_, v *yaml.Node) { r.That = s.template(v) },
			"when":    func(_, v *yaml.Node) { r.When = s.template(v) },
			"say":     func(_, v *yaml.Node) { r.Say, _ = s.str(v) },
			"warning": func(_, v *yaml.Node) { r.Warning = s.boolean(v) },
		})
		if ok {
			s.need(item, "that", r.That != "", `"that" is missing: the template that must be true.`)
			s.need(item, "say", r.Say != "", `"say" is missing: what the user reads when the condition does not hold.`)
		}
		out = append(out, r)
	}
	return out
}

func (s *source) step(key, n *yaml.Node) *Step {
	step := &Step{Kind: key.Value, Range: s.rangeOf(key)}
	s.named(key, "step", simpleName)
	s.mapping(n, "a step", fields{
		"summary":    func(_, v *yaml.Node) { step.Summary, _ = s.str(v) },
		"attributes": func(_, v *yaml.Node) { step.Attributes = s.attributes(v) },
	})
	return step
}

// String names the plugin and its version.
func (p *Plugin) String() string { return fmt.Sprintf("%s %s", p.Name, p.Version) }
