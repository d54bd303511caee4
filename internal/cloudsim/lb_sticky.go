package cloudsim

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// stickyMethods are the methods of the virtual router with the parameters each knows; those with true need no value.
var stickyMethods = map[string]map[string]bool{
	"LbCookie":    {"cookie-name": false, "mode": false, "nocache": true, "indirect": true, "postonly": true, "domain": false},
	"AppCookie":   {"cookie-name": false, "length": false, "holdtime": false, "request-learn": true, "prefix": true, "mode": false},
	"SourceBased": {"tablesize": false, "expire": false},
}

// startStickiness checks a policy and makes it; the job exchanges it for the rule's present one.
func startStickiness(c *Call) (string, error) {
	r, ok := c.LBRules.Get(c.Str("lbruleid"))
	if !ok {
		return "", errNoEntity(c.Label(), "lbruleid", c.Str("lbruleid"))
	}
	if err := c.Own(r.Owner); err != nil {
		return "", err
	}
	p := StickinessPolicy{LBRuleID: r.ID, Name: c.Str("name"), Description: c.Str("description"), State: RuleAdd,
		Params: c.stickyParams(), HideDisplay: !c.Bool("fordisplay", true)}
	for method := range stickyMethods {
		if strings.EqualFold(method, c.Str("methodname")) {
			p.Method = method
		}
	}
	if err := c.checkStickiness(r, p); err != nil {
		return "", err
	}
	p.Base = c.Stickiness.NewBase()
	c.Stickiness.Put(p)
	return p.ID, nil
}

// stickyParams reads param[n].name and .value; a repeated name collects its values.
func (c *Call) stickyParams() map[string]string {
	all := map[string]string{}
	for _, entry := range c.Maps("param") {
		name, value := entry["name"], entry["value"]
		if have, ok := all[name]; ok {
			value = have + ":" + value
		}
		all[name] = value
	}
	return all
}

func (c *Call) checkStickiness(r LBRule, p StickinessPolicy) error {
	known, ok := stickyMethods[p.Method]
	if !ok {
		return Invalid("Failed to match Stickiness method name for LB rule:%d", r.N)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Params)) {
		flag, ok := known[name]
		if !ok {
			return Invalid("Failed : Stickiness policy does not support param name :%s", name)
		}
		if !flag && p.Params[name] == "" {
			return Invalid("Failed : Value expected for the Param :%s", name)
		}
	}
	if !c.hasRouter(r.NetworkID) {
		return nil
	}
	for name, form := range map[string]struct{ suffixes, text string }{
		"expire":    {"dhms", "is not in timeformat"},
		"holdtime":  {"dhms", "is not in timeformat"},
		"tablesize": {"kmg", "is not in size format"},
	} {
		if v := p.Params[name]; v != "" && !isQuantity(v, form.suffixes) {
			return Invalid("Failed LB in validation rule: %s Cause: %s %s: %s", balancerText(r), name, form.text, v)
		}
	}
	if v := p.Params["length"]; v != "" && !isNumber(v) {
		return Invalid("Failed LB in validation rule: %s Cause: length is not a number: %s", balancerText(r), v)
	}
	return nil
}

// isQuantity tells whether a text is a number with one of the units.
func isQuantity(v, units string) bool {
	last := strings.ToLower(v[len(v)-1:])
	return strings.Contains(units, last) && isNumber(v[:len(v)-1])
}

func isNumber(v string) bool {
	_, err := strconv.ParseUint(v, 10, 32)
	return err == nil
}

// createStickinessJob puts the new policy in the old one's place. What the router's haproxy refuses fails only here.
func createStickinessJob(c *Call) (Obj, error) {
	p, ok := c.Stickiness.Get(c.EntityID)
	r, found := c.LBRules.Get(p.LBRuleID)
	if !ok || !found {
		return nil, Invalid("Failed: LB rule id: %s not present ", c.Str("lbruleid"))
	}
	for old := range c.Stickiness.All() {
		if old.LBRuleID == r.ID && old.ID != p.ID {
			c.Stickiness.Delete(old.ID)
		}
	}
	if c.RouterReady(r.NetworkID, "") != nil || c.loadable(r) != nil {
		c.Stickiness.Delete(p.ID) // the one it replaced is gone as well: the original forgets to bring it back
		c.NetworkChanged(r.NetworkID)
		if err := c.Commit(); err != nil {
			return nil, err
		}
		return nil, Fail(530, csServer, "Failed to create stickiness policy")
	}
	p.State = RuleActive
	c.Stickiness.Put(p)
	c.NetworkChanged(r.NetworkID)
	return Obj{"stickinesspolicies": c.stickinessOfRule(r, "")}, nil
}

func namedStickiness(c *Call) (string, error) {
	p, _ := c.Stickiness.Get(c.Str("id"))
	r, ok := c.LBRules.Get(p.LBRuleID)
	if !ok {
		return "", errNoEntity(c.Label(), "id", c.Str("id"))
	}
	return p.ID, c.Own(r.Owner)
}

func deleteStickinessJob(c *Call) (Obj, error) {
	p, ok := c.Stickiness.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Invalid Stickiness policy id value: %s", c.EntityID)
	}
	c.Stickiness.Delete(p.ID)
	if r, ok := c.LBRules.Get(p.LBRuleID); ok {
		c.NetworkChanged(r.NetworkID)
	}
	return Success(), nil
}

// listStickiness answers one wrapper per rule, even when the rule has no policy.
func listStickiness(c *Call) (any, error) {
	r, err := c.ruleOfPolicy()
	if err != nil {
		return nil, err
	}
	return List{Key: "stickinesspolicies", Items: []Obj{c.stickinessOfRule(r, c.Str("id"))}}, nil
}

// ruleOfPolicy finds the rule whose policies are asked for, by its own id or a policy's.
func (c *Call) ruleOfPolicy() (LBRule, error) {
	id := c.Str("lbruleid")
	if p, ok := c.Stickiness.Get(c.Str("id")); ok && id == "" {
		id = p.LBRuleID
	}
	if id == "" {
		return LBRule{}, Invalid("load balancer rule ID or policy ID should be specified")
	}
	r, ok := c.LBRules.Get(id)
	if !ok {
		return r, errNoEntity(c.Label(), "lbruleid", id)
	}
	return r, c.Own(r.Owner)
}

func (c *Call) stickinessOfRule(r LBRule, only string) Obj {
	policies := []Obj{}
	for p := range c.Stickiness.All() {
		if p.LBRuleID != r.ID || only != "" && p.ID != only {
			continue
		}
		params := p.Params
		if params == nil {
			params = map[string]string{}
		}
		policies = append(policies, Obj{"id": p.ID, "name": p.Name, "methodname": p.Method, "fordisplay": !p.HideDisplay,
			"params": params}.Opt("description", p.Description))
	}
	return c.policyWrapper(r, "stickinesspolicy", policies)
}

func (c *Call) policyWrapper(r LBRule, key string, policies []Obj) Obj {
	o := Obj{"lbruleid": r.ID, key: policies}
	c.putOwner(o, r.Owner)
	delete(o, "domainpath")
	return o
}

// startHealthCheck always refuses: a virtual router checks by connecting and knows no health check policies.
func startHealthCheck(c *Call) (string, error) {
	r, ok := c.LBRules.Get(c.Str("lbruleid"))
	if !ok {
		return "", errNoEntity(c.Label(), "lbruleid", c.Str("lbruleid"))
	}
	if err := c.Own(r.Owner); err != nil {
		return "", err
	}
	if c.Has("intervaltime") && c.Has("responsetimeout") && c.Int("intervaltime", 0) <= c.Int("responsetimeout", 0) {
		return "", Invalid("Failed to create HealthCheck policy : Monitor interval must be greater than response timeout")
	}
	return "", Fail(430, csServer, "Failed to create HealthCheck policy: Validation Failed (HealthCheck Policy is not supported by LB Provider for the LB rule:%s)", balancerText(r))
}

// noJob is the body of commands that never get that far.
func noJob(*Call) (Obj, error) { return nil, Internal("this command has nothing to do") }

func listHealthChecks(c *Call) (any, error) {
	r, err := c.ruleOfPolicy()
	if err != nil {
		return nil, err
	}
	return List{Key: "healthcheckpolicies", Items: []Obj{c.policyWrapper(r, "healthcheckpolicy", []Obj{})}}, nil
}
