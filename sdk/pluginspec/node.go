package pluginspec

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"
)

// fields says what to do with each key a mapping may have.
type fields map[string]func(key, value *yaml.Node)

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// mapping reads a mapping whose keys are known; what names the mapping in
// messages ("a call").
func (s *source) mapping(n *yaml.Node, what string, known fields) bool {
	if s.probe != nil {
		s.probe.enter(what, knownKeys(known))
	}
	return s.entries(n, what, func(key, value *yaml.Node) {
		if read, ok := known[key.Value]; ok {
			if s.probe != nil {
				defer s.probe.visit(what, key.Value)()
			}
			read(key, value)
			return
		}
		s.unknownKey(key, what, slices.Sorted(maps.Keys(known)))
	})
}

// readInto is mapping for what a file holds many of: the keys are a table that
// is made once.
func readInto[T any](s *source, n *yaml.Node, what string, known map[string]func(*source, T, *yaml.Node), into T) bool {
	if s.probe != nil {
		s.probe.enter(what, knownKeys(known))
	}
	return s.entries(n, what, func(key, value *yaml.Node) {
		if read, ok := known[key.Value]; ok {
			if s.probe != nil {
				defer s.probe.visit(what, key.Value)()
			}
			read(s, into, value)
			return
		}
		s.unknownKey(key, what, slices.Sorted(maps.Keys(known)))
	})
}

func (s *source) unknownKey(key *yaml.Node, what string, known []string) {
	hint := didYouMean(key.Value, known)
	switch {
	case key.Value == "<<":
		hint = " Merge keys are not used here; an alias as a whole value is fine."
	case hint == "":
		hint = " Known are: " + quoted(known) + "."
	}
	s.fail(key, "Unknown key", "%q is not a key of %s.%s", key.Value, what, hint)
}

// entries visits the pairs of a mapping in order; a key that is given twice is
// an error and visited once.
func (s *source) entries(n *yaml.Node, what string, visit func(key, value *yaml.Node)) bool {
	if n.Kind != yaml.MappingNode {
		s.fail(n, "Mapping expected", "%s is written as keys and values, not as %s.", sentence(what)[:len(sentence(what))-1], kindOf(n))
		return false
	}
	if s.probe != nil {
		defer s.probe.visit("", "")() // until a mapping says which of its keys it is
	}
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolve(n.Content[i+1])
		if key.Kind != yaml.ScalarNode {
			s.fail(key, "Plain key expected", "A key is a word, not %s.", kindOf(key))
			continue
		}
		if line, twice := seen[key.Value]; twice {
			s.fail(key, "Duplicate key", "%q was already given on line %d.", key.Value, line)
			continue
		}
		seen[key.Value] = key.Line
		visit(key, value)
	}
	return true
}

func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	return "the value " + strconv.Quote(n.Value)
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 &&
		(n.Value == "" || n.Value == "null" || n.Value == "~") && n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0
}

// str reads text: any scalar, as it is written.
func (s *source) str(n *yaml.Node) (string, bool) {
	s.probe.note("text")
	if n.Kind != yaml.ScalarNode || isNull(n) {
		s.fail(n, "Text expected", "This is %s; write text.", kindOf(n))
		return "", false
	}
	return n.Value, true
}

func (s *source) boolean(n *yaml.Node) bool {
	s.probe.note("bool")
	if n.Kind == yaml.ScalarNode && n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 {
		switch n.Value {
		case "true":
			return true
		case "false":
			return false
		}
	}
	s.fail(n, "True or false expected", "This is %s; write true or false.", kindOf(n))
	return false
}

func (s *source) integer(n *yaml.Node) int {
	s.probe.note("integer")
	if n.Kind == yaml.ScalarNode {
		if v, err := strconv.Atoi(n.Value); err == nil {
			return v
		}
	}
	s.fail(n, "Whole number expected", "This is %s; write a whole number.", kindOf(n))
	return 0
}

func (s *source) float(n *yaml.Node) float64 {
	s.probe.note("number")
	if n.Kind == yaml.ScalarNode {
		if v, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return v
		}
	}
	s.fail(n, "Number expected", "This is %s; write a number.", kindOf(n))
	return 0
}

func (s *source) duration(n *yaml.Node) time.Duration {
	s.probe.note("duration")
	if n.Kind == yaml.ScalarNode {
		if v, err := time.ParseDuration(n.Value); err == nil && v > 0 {
			return v
		}
	}
	s.fail(n, "Duration expected", "This is %s; write a duration such as \"30s\" or \"10m\".", kindOf(n))
	return 0
}

// list reads a list of texts; a single text stands for a list of one.
func (s *source) list(n *yaml.Node) []string {
	s.probe.note("texts")
	if n.Kind == yaml.ScalarNode && !isNull(n) {
		return []string{n.Value}
	}
	if n.Kind != yaml.SequenceNode {
		s.fail(n, "List expected", "This is %s; write a list such as [a, b].", kindOf(n))
		return nil
	}
	out := make([]string, 0, len(n.Content))
	for _, item := range n.Content {
		item = resolve(item)
		if v, ok := s.str(item); ok {
			if slices.Contains(out, v) {
				s.fail(item, "Duplicate item", "%q stands in the list twice.", v)
				continue
			}
			out = append(out, v)
		}
	}
	return out
}

// choice reads one of a few words.
func (s *source) choice(n *yaml.Node, words ...string) string {
	s.probe.note("text", words...)
	v, ok := s.str(n)
	if !ok {
		return ""
	}
	if !slices.Contains(words, v) {
		s.fail(n, "Unknown value", "%q is not one of %s.%s", v, quoted(words), didYouMean(v, words))
		return ""
	}
	return v
}
