package pluginspec

import (
	"maps"

	"go.yaml.in/yaml/v4"
)

// verb reads one call, a list of calls, or {handler: true}. An empty list is
// for types that are nothing but their children.
func (s *source) verb(n *yaml.Node) *Verb {
	v := &Verb{}
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			v.Calls = append(v.Calls, s.call(resolve(item), nil))
		}
		return v
	}
	if n.Kind == yaml.MappingNode && has(n, "handler") {
		s.mapping(n, "a verb with a handler", fields{
			"handler":  func(_, value *yaml.Node) { v.Handler = s.boolean(value) },
			"batch":    func(_, value *yaml.Node) { v.Batch = s.boolean(value) },
			"expunges": func(_, value *yaml.Node) { v.Expunges = s.boolean(value) },
		})
		return v
	}
	if n.Kind == yaml.MappingNode && has(n, "calls") {
		s.mapping(n, "a verb", fields{
			"calls": func(_, value *yaml.Node) {
				if value.Kind != yaml.SequenceNode {
					s.fail(value, "List expected", "calls is a list of calls, not %s.", kindOf(value))
					return
				}
				for _, item := range value.Content {
					v.Calls = append(v.Calls, s.call(resolve(item), nil))
				}
			},
			"batch": func(_, value *yaml.Node) { v.Batch = s.boolean(value) },
			"gone":  func(_, value *yaml.Node) { v.Gone = s.template(value) },
		})
		return v
	}
	v.Calls = []*Call{s.call(n, fields{
		"batch":    func(_, value *yaml.Node) { v.Batch = s.boolean(value) },
		"expunges": func(_, value *yaml.Node) { v.Expunges = s.boolean(value) },
		"gone":     func(_, value *yaml.Node) { v.Gone = s.template(value) },
	})}
	return v
}

// call reads one call; more are further keys that may stand beside its own.
func (s *source) call(n *yaml.Node, more fields) *Call {
	c := &Call{Range: s.rangeOf(n)}
	if n.Kind == yaml.ScalarNode && !isNull(n) {
		c.Command, c.Key = n.Value, n.Value
		return c
	}
	known := fields{
		"key":         func(_, v *yaml.Node) { c.Key, _ = s.str(v) },
		"call":        func(_, v *yaml.Node) { c.Command, _ = s.str(v) },
		"when":        func(_, v *yaml.Node) { c.When = s.template(v) },
		"params":      func(_, v *yaml.Node) { c.Params = s.templates(v, "params") },
		"only":        func(_, v *yaml.Node) { c.Only = nonNil(s.list(v)) },
		"on":          func(_, v *yaml.Node) { c.On = s.list(v) },
		"result":      func(_, v *yaml.Node) { c.Result, _ = s.str(v) },
		"wait":        func(_, v *yaml.Node) { c.Wait = s.wait(v) },
		"serial":      func(_, v *yaml.Node) { c.Serial = s.template(v) },
		"join":        func(_, v *yaml.Node) { c.Join = s.join(v) },
		"needs_state": func(_, v *yaml.Node) { c.NeedsState = s.needsState(v) },
		"method":      func(_, v *yaml.Node) { c.Method = s.choice(v, "GET", "POST", "PUT", "PATCH", "DELETE") },
		"path":        func(_, v *yaml.Node) { c.Path = s.template(v) },
		"query":       func(_, v *yaml.Node) { c.Query = s.templates(v, "query") },
		"headers":     func(_, v *yaml.Node) { c.Headers = s.templates(v, "headers") },
		"body":        func(_, v *yaml.Node) { c.Body = s.templates(v, "body") },
		"wrap":        func(_, v *yaml.Node) { c.Wrap, _ = s.str(v) },
		"paging":      func(_, v *yaml.Node) { c.Paging = s.paging(v) },
	}
	maps.Copy(known, more)
	if !s.mapping(n, "a call", known) {
		return c
	}
	switch {
	case c.Command == "" && c.Method == "" && c.Path == "":
		s.need(n, "call", false, `"call" is missing: the API command, or method and path for transport http.`)
	case c.Command != "" && (c.Method != "" || c.Path != ""):
		s.fail(n, "Contradictory call", "A call is a command, or a method and a path, not both.")
	case c.Command == "" && (c.Method == "" || c.Path == ""):
		s.fail(n, "Incomplete call", "A call over HTTP has both a method and a path.")
	}
	if c.Key == "" {
		c.Key = c.Name()
	}
	return c
}

// nonNil keeps an empty list apart from one that was left out.
func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (s *source) wait(n *yaml.Node) *Wait {
	w := &Wait{}
	s.mapping(n, "wait", fields{
		"until":   func(_, v *yaml.Node) { w.Until = s.template(v) },
		"every":   func(_, v *yaml.Node) { w.Every = s.duration(v) },
		"timeout": func(_, v *yaml.Node) { w.Timeout = s.duration(v) },
	})
	return w
}

// needsState reads "stopped", or {state: stopped, machine: …}.
func (s *source) needsState(n *yaml.Node) *NeedsState {
	need := &NeedsState{Range: s.rangeOf(n)}
	if n.Kind != yaml.MappingNode {
		need.State = s.choice(n, "stopped")
		return need
	}
	ok := s.mapping(n, "needs_state", fields{
		"state":   func(_, v *yaml.Node) { need.State = s.choice(v, "stopped") },
		"machine": func(_, v *yaml.Node) { need.Machine = s.template(v) },
		"runs":    func(_, v *yaml.Node) { need.Runs = s.template(v) },
		"restart": func(_, v *yaml.Node) { need.Restart = s.template(v) },
	})
	if ok {
		s.need(n, "state", need.State != "", `"state" is missing: the state that the machine is brought into, which is stopped.`)
	}
	return need
}

// find reads a call whose keys stand beside by, name and display, or
// {handler: true}.
func (s *source) find(n *yaml.Node) *Find {
	f := &Find{NameField: "name", DisplayField: "displaytext"}
	more := fields{
		"by":      func(_, v *yaml.Node) { f.By = s.list(v) },
		"name":    func(_, v *yaml.Node) { f.NameField, _ = s.str(v) },
		"display": func(_, v *yaml.Node) { f.DisplayField, _ = s.str(v) },
	}
	if n.Kind == yaml.MappingNode && has(n, "handler") {
		more["handler"] = func(_, v *yaml.Node) { f.Handler = s.boolean(v) }
		s.mapping(n, "find with a handler", more)
		return f
	}
	f.Call = s.call(n, more)
	return f
}

func (s *source) child(n *yaml.Node) *Child {
	c := &Child{}
	ok := s.mapping(n, "children", fields{
		"key":       func(_, v *yaml.Node) { c.Key = s.list(v) },
		"list":      func(_, v *yaml.Node) { c.List = s.call(v, nil) },
		"create":    func(_, v *yaml.Node) { c.Create = s.call(v, nil) },
		"update":    func(_, v *yaml.Node) { c.Update = s.call(v, nil) },
		"delete":    func(_, v *yaml.Node) { c.Delete = s.call(v, nil) },
		"exclusive": func(_, v *yaml.Node) { c.Exclusive, _ = s.str(v) },
		"id":        func(_, v *yaml.Node) { c.ID, _ = s.str(v) },
		"order":     func(_, v *yaml.Node) { c.Order = s.call(v, nil) },
	})
	if !ok {
		return c
	}
	s.need(n, "key", len(c.Key) > 0, `"key" is missing: the attributes that tell one item from the others.`)
	s.need(n, "list", c.List != nil, `"list" is missing: the call that lists the children of one parent.`)
	s.need(n, "create", c.Create != nil, `"create" is missing: the call that makes one child.`)
	s.need(n, "delete", c.Delete != nil, `"delete" is missing: the call that removes one child.`)
	return c
}
