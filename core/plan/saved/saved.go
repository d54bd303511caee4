// Package saved is the form a plan has in a file: what it was made from
// (sources, variables, options, plugins, clouds) and what it would do, step by
// step. Carrying a saved plan out means making it again from the same sources
// and comparing: what would happen now must be what was shown then.
//
// The content is sealed whole by the caller; this package knows the envelope
// around it. It must not import core/apply, plugins, or open states.
package saved

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/plan"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// Content is everything a plan file tells, before it is sealed. It holds no
// credentials.
type Content struct {
	Version   string              `json:"version"` // of moldctl
	Made      time.Time           `json:"made"`
	Stack     string              `json:"stack"`
	Path      string              `json:"path"`    // of the stack below its folder: "." or a file
	Sources   map[string]string   `json:"sources"` // by name below the stack's folder
	Variables map[string]Variable `json:"variables"`
	Flags     map[string]string   `json:"flags"` // cloud settings of the command line
	Options   Options             `json:"options"`
	Files     map[string]string   `json:"files"`   // digests of files that were read
	Plugins   map[string]string   `json:"plugins"` // what serves the types in it, by name
	Clouds    map[string]Cloud    `json:"clouds"`
	Steps     []Step              `json:"steps"`
	Drift     []string            `json:"drift"` // of a plan that only refreshes
}

// Options are what was asked of the plan.
type Options struct {
	Destroy       bool     `json:"destroy,omitempty"`
	SkipRefresh   bool     `json:"skip_refresh,omitempty"`
	RefreshOnly   bool     `json:"refresh_only,omitempty"`
	AcceptMissing bool     `json:"accept_missing,omitempty"`
	Targets       []string `json:"targets,omitempty"`
	Excludes      []string `json:"excludes,omitempty"`
	Replace       []string `json:"replace,omitempty"`
}

// Cloud is where and as whom an alias acts.
type Cloud struct {
	Endpoint  string `json:"endpoint"` // host only
	ZoneID    string `json:"zone_id"`
	DomainID  string `json:"domain_id"`
	AccountID string `json:"account_id"`
	ProjectID string `json:"project_id"`
}

// Variable is the value of a variable.
type Variable struct {
	Type      json.RawMessage `json:"type"`
	Value     json.RawMessage `json:"value"`
	Sensitive []string        `json:"sensitive,omitempty"` // paths, "" for the whole
}

// Step is one step as it was shown.
type Step struct {
	Address   string            `json:"address"`
	Deposed   string            `json:"deposed,omitempty"`
	Action    plan.Action       `json:"action"`
	Replacing bool              `json:"replacing,omitempty"`
	Import    bool              `json:"import,omitempty"`
	Cloud     string            `json:"cloud,omitempty"`
	ID        string            `json:"id,omitempty"`
	Prior     map[string]string `json:"prior,omitempty"`   // digests of attributes
	Planned   map[string]string `json:"planned,omitempty"` // digests of attributes
	Lookups   map[string]string `json:"lookups,omitempty"` // ids by attribute path
}

// Encode writes the content.
func (c *Content) Encode() ([]byte, error) { return json.Marshal(c) }

// Decode reads a content, and refuses what no plan of this version looks like.
func Decode(data []byte) (*Content, error) {
	var c Content
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("read the plan: %w", err)
	}
	if c.Path == "" || len(c.Sources) == 0 {
		return nil, fmt.Errorf("read the plan: it holds no stack")
	}
	for _, s := range c.Steps {
		if s.Address == "" || s.Action == "" {
			return nil, fmt.Errorf("read the plan: a step of it says no address or action")
		}
	}
	return &c, nil
}

// NewVariables writes the values of variables.
func NewVariables(values map[string]cty.Value) (map[string]Variable, error) {
	out := make(map[string]Variable, len(values))
	for name, v := range values {
		plain, paths := eval.Unmark(v)
		ty, err := ctyjson.MarshalType(plain.Type())
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", name, err)
		}
		data, err := ctyjson.Marshal(plain, plain.Type())
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", name, err)
		}
		one := Variable{Type: ty, Value: data}
		for _, p := range paths {
			one.Sensitive = append(one.Sensitive, pluginspec.FormatPath(p))
		}
		out[name] = one
	}
	return out, nil
}

// Values reads the values of variables back.
func Values(list map[string]Variable) (map[string]cty.Value, error) {
	out := make(map[string]cty.Value, len(list))
	for name, one := range list {
		ty, err := ctyjson.UnmarshalType(one.Type)
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", name, err)
		}
		v, err := ctyjson.Unmarshal(one.Value, ty)
		if err != nil {
			return nil, fmt.Errorf("variable %s: %w", name, err)
		}
		out[name] = marked(v, one.Sensitive)
	}
	return out, nil
}

func marked(v cty.Value, sensitive []string) cty.Value {
	for _, path := range sensitive {
		if path == "" {
			return v.Mark(eval.Sensitive)
		}
	}
	return plan.MarkPaths(v, sensitive)
}
