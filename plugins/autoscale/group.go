package autoscale

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/moldctl/moldctl/sdk"
)

// Group is an autoscale_group block with what the cloud adds.
type Group struct {
	ID             string            `mold:"id"`
	Name           string            `mold:"name"`
	LoadBalancer   string            `mold:"load_balancer"`
	Network        *string           `mold:"network"`
	Template       string            `mold:"template"`
	Offering       string            `mold:"offering"`
	MinMembers     int               `mold:"min_members"`
	MaxMembers     int               `mold:"max_members"`
	Interval       string            `mold:"interval"`
	GracePeriod    string            `mold:"grace_period"`
	Enabled        bool              `mold:"enabled"`
	WaitForMembers bool              `mold:"wait_for_members"`
	UserData       *string           `mold:"user_data"`
	DeployParams   map[string]string `mold:"deploy_params"`
	ProfileID      string            `mold:"profile_id"`
	State          string            `mold:"state"`
	Members        int               `mold:"members"`
	ScaleUp        map[string]Policy `mold:"scale_up"`
	ScaleDown      map[string]Policy `mold:"scale_down"`
	Rollout        *Rollout          `mold:"rollout"`
}

// Policy is a scale_up or scale_down block.
type Policy struct {
	Duration  string      `mold:"duration"`
	QuietTime string      `mold:"quiet_time"`
	Condition []Condition `mold:"condition"`
}

// Condition is one condition of a policy.
type Condition struct {
	Counter   string `mold:"counter"`
	Operator  string `mold:"operator"`
	Threshold int    `mold:"threshold"`
}

// Rollout says how members are replaced.
type Rollout struct {
	Strategy       string `mold:"strategy"`
	MaxSurge       string `mold:"max_surge"`
	MaxUnavailable string `mold:"max_unavailable"`
	MinReady       string `mold:"min_ready"`
	ReadyTimeout   string `mold:"ready_timeout"`
	DrainTimeout   string `mold:"drain_timeout"`
	OnFailure      string `mold:"on_failure"`
}

// handler carries out the verbs of autoscale_group.
type handler struct{}

// kept is what the plugin remembers beside the attributes: the ids of what the group is made of, by the names of the blocks.
type kept struct {
	Profile string                `json:"profile,omitempty"`
	Up      map[string]keptPolicy `json:"up,omitempty"`
	Down    map[string]keptPolicy `json:"down,omitempty"`
}

// keptPolicy is a policy that exists, with its conditions in the order of the spec.
type keptPolicy struct {
	ID         string          `json:"id"`
	Conditions []keptCondition `json:"conditions"`
}

// keptCondition is a condition that exists, and how the spec spells it.
type keptCondition struct {
	ID        string `json:"id"`
	CounterID string `json:"counter_id"`
	Counter   string `json:"counter"`
	Operator  string `json:"operator"`
}

// work is one operation on one group.
type work struct {
	r    *sdk.Request
	kept kept

	counters *counters
	provider string
	zone     string
	network  string // of the load balancer, whose router may still be starting
}

func open(r *sdk.Request) (*work, error) {
	w := &work{r: r}
	if len(r.Private) > 0 {
		if err := json.Unmarshal(r.Private, &w.kept); err != nil {
			return nil, fmt.Errorf("read what was kept about %s: %w", r.Address, err)
		}
	}
	if w.kept.Up == nil {
		w.kept.Up = map[string]keptPolicy{}
	}
	if w.kept.Down == nil {
		w.kept.Down = map[string]keptPolicy{}
	}
	return w, nil
}

func (w *work) save() error {
	data, err := json.Marshal(w.kept)
	if err != nil {
		return fmt.Errorf("keep what is known about %s: %w", w.r.Address, err)
	}
	w.r.SetPrivate(data)
	return nil
}

// side is one of the two kinds of policies.
type side struct {
	key    string // in keys of calls
	action string // as the API calls it
	want   map[string]Policy
	kept   map[string]keptPolicy
	ids    string // parameter of the group
	field  string // field of the group
}

func (w *work) sides(g Group) []side {
	return []side{
		{"up", "ScaleUp", g.ScaleUp, w.kept.Up, "scaleuppolicyids", "scaleuppolicies"},
		{"down", "ScaleDown", g.ScaleDown, w.kept.Down, "scaledownpolicyids", "scaledownpolicies"},
	}
}

// rollout is how members are replaced, also without a block.
func (g Group) rollout() Rollout {
	if g.Rollout == nil {
		return Rollout{Strategy: "surge", MaxSurge: "1", MaxUnavailable: "0", MinReady: "10s", ReadyTimeout: "10m", DrainTimeout: "10s", OnFailure: "rollback"}
	}
	return *g.Rollout
}

// lookedUp is the id of what an attribute names.
func (w *work) lookedUp(path, written string) string {
	if found := w.r.Lookups[path]; found.ID() != "" {
		return found.ID()
	}
	return written
}

// seconds is a duration in the whole seconds the API wants.
func seconds(text string) (int, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration such as 30s: %w", text, err)
	}
	return int(d / time.Second), nil
}

// spell is n seconds, in the words of the spec if they mean the same.
func spell(written string, n int) string {
	if d, err := seconds(written); err == nil && d == n {
		return written
	}
	return (time.Duration(n) * time.Second).String()
}

// operator is the API's word for a comparison.
func operator(text string) string {
	words := map[string]string{">": "GT", ">=": "GE", "<": "LT", "<=": "LE", "=": "EQ"}
	if word, ok := words[text]; ok {
		return word
	}
	return strings.ToUpper(text)
}
