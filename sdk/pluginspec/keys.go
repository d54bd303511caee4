package pluginspec

import (
	"maps"
	"slices"
)

// Key is one key that a mapping of a plugin.yaml may have.
type Key struct {
	Kind  string   // text, bool, integer, number, duration, texts, or "" for what has keys of its own or may be anything
	Words []string // the only values; nil: any
}

// probe notes what the parser asks of each key while it reads a file: so what is
// said of the format elsewhere cannot differ from what is read.
type probe struct {
	at   string // key being read
	what string // mapping being read
	keys map[string]map[string]Key
}

// Keys are the keys of every mapping of a plugin.yaml ("a call", "an
// attribute"), as the parser itself knows them.
func Keys() map[string]map[string]Key {
	s := newSource("keys.yaml", []byte(everyKey))
	s.probe = &probe{keys: map[string]map[string]Key{}}
	if root := s.document(); root != nil {
		s.plugin(root, &Plugin{Types: map[string]*Type{}, Steps: map[string]*Step{}})
	}
	return s.probe.keys
}

// enter notes the keys of a mapping.
func (p *probe) enter(what string, known []string) {
	if p.keys[what] == nil {
		p.keys[what] = map[string]Key{}
	}
	for _, name := range known {
		if _, ok := p.keys[what][name]; !ok {
			p.keys[what][name] = Key{}
		}
	}
}

// visit says which key is read from now on, and returns how to go back.
func (p *probe) visit(what, key string) func() {
	outer, at := p.what, p.at
	p.what, p.at = what, key
	return func() { p.what, p.at = outer, at }
}

// note says how the value of the key is read, if anybody asks.
func (p *probe) note(kind string, words ...string) {
	if p == nil || p.at == "" {
		return
	}
	k, ok := p.keys[p.what][p.at]
	if !ok {
		return
	}
	if k.Kind == "" || k.Kind == "text" {
		k.Kind = kind
	}
	if len(words) > 0 {
		k.Words = slices.Clone(words)
	}
	p.keys[p.what][p.at] = k
}

// knownKeys are the keys of a table.
func knownKeys[T any](known map[string]T) []string { return slices.Sorted(maps.Keys(known)) }

// everyKey holds every mapping with every key, so that reading it visits them
// all.
const everyKey = `
plugin: a
version: 1.0.0
protocol: 1
summary: s
doc: d
transport: http
needs: [cloud]
config: {}
http:
  endpoint: e
  auth: {bearer: b, basic: {user: u, password: p}, header: {a: b}, query: {a: b}}
  headers: {a: b}
  paging: {style: page, param: p, size: s, limit: 1, first: 1, next: n}
  errors: {message: m, gone: 404, conflict: 409, retry: 429}
  timeout: 1s
  max_requests: 1
  idempotency: i
  settle: 1s
  tls: {ca: c, insecure: "true"}
steps:
  s: {summary: s, attributes: {}}
types:
  t:
    summary: s
    doc: d
    example: e
    schema: 1
    scope: account
    renamed: {a: b}
    accepts: [a]
    role: user
    tags: t
    unique: [a]
    identity: {natural: [a], marker: m, reserve: true, serial: true, repeat: true}
    requires: [{that: t, when: w, say: s, warning: true}]
    plan: {handler: true}
    check: true
    upgrade: true
    create: {call: c, key: k, when: w, params: {}, only: [a], on: [a], result: r, serial: s, join: {as: a, field: f, of: o}, needs_state: {state: stopped, machine: m, runs: r, restart: r}, wait: {until: u, every: 1s, timeout: 1s},
             method: GET, path: p, query: {}, headers: {}, body: {}, wrap: w, paging: {style: page}}
    read: {call: c, batch: true, gone: g, expunges: true}
    update: {calls: [], batch: true, gone: g}
    delete: {handler: true, batch: true, expunges: true}
    prune: {call: c}
    actions: {a: {call: c, doc: d, arguments: {}}}
    find: {call: c, by: [a], name: n, display: d}
    attributes:
      a: {type: string, default: d, required: true, optional: true, computed: true, sensitive: true, write_only: true, volatile: true,
          local_file: true, lookup: l, param: p, field: f, encode: e, assign: {add: a, remove: r, list: l, field: f, ids: i, batch: 1, exclusive: e}, role: user, deprecated: d, since: s, doc: d, affects: [a], equal: case,
          example: e, replace: true, values: [a], pattern: p, format: ipv4, min: 1, max: 1, min_length: 1, max_length: 1, conflicts: [a],
          together: [a], exactly_one: [a]}
    blocks:
      b:
        nesting: set
        min: 1
        max: 1
        required: true
        doc: d
        attributes: {}
        blocks: {}
        children: {key: [a], list: l, create: c, update: u, delete: d, exclusive: e, id: i, order: o}
  u: {find: {handler: true, by: [a], name: n, display: d}}
`
