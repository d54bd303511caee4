package cloudsim

import (
	"fmt"
	"slices"
	"strings"
)

// conditionCommands are what autoscale measures and compares.
var conditionCommands = map[string]command{
	"listCounters": {run: listCounters, id: kindCounter, envelope: "counterresponse"},
	"createCounter": {start: startCounter, job: createCounterJob, creates: true, rootOnly: true, envelope: "counterresponse",
		event: "COUNTER.CREATE"},
	"deleteCounter": {start: namedID, job: deleteCounterJob, id: kindCounter, rootOnly: true, event: "COUNTER.DELETE"},

	"createCondition": {start: startCondition, job: createConditionJob, creates: true, envelope: "conditionresponse",
		event: "CONDITION.CREATE"},
	"updateCondition": {start: namedCondition, job: updateConditionJob, id: kindCondition, event: "CONDITION.UPDATE"},
	"deleteCondition": {start: namedCondition, job: deleteConditionJob, id: kindCondition, event: "CONDITION.DELETE"},
	"listConditions":  {run: listConditions, id: kindCondition},
}

var (
	counterSources   = []string{"SNMP", "NETSCALER", "CPU", "MEMORY", "VIRTUALROUTER"}
	counterProviders = []string{"None", "VirtualRouter", "VpcVirtualRouter", "Netscaler", "Netris"}
	operators        = []string{"EQ", "GT", "LT", "GE", "LE"}
)

// namedID is the checking half of commands that find out everything in the job.
func namedID(c *Call) (string, error) { return c.Str("id"), nil }

func listCounters(c *Call) (any, error) {
	rows := c.Counters.Where(func(r Counter) bool {
		return c.is("id", r.ID) && strings.Contains(strings.ToLower(r.Name), strings.ToLower(c.Str("name"))) &&
			strings.Contains(strings.ToLower(r.Name), strings.ToLower(c.Str("keyword"))) &&
			(!c.Has("source") || strings.EqualFold(c.Str("source"), r.Source)) &&
			(!c.Has("provider") || strings.EqualFold(c.Str("provider"), r.Provider))
	})
	return Listing("counter", rows, counterResponse), nil
}

func counterResponse(r Counter) Obj {
	return Obj{"id": r.ID, "name": r.Name, "source": r.Source, "value": r.Value, "provider": r.Provider}
}

func startCounter(c *Call) (string, error) {
	source, provider := strings.ToUpper(c.Str("source")), c.Str("provider")
	if !slices.Contains(counterSources, source) {
		return "", Invalid("The Source %s does not exist; Unable to create Counter", c.Str("source"))
	}
	at := slices.IndexFunc(counterProviders, func(p string) bool { return strings.EqualFold(p, provider) })
	if at < 0 {
		return "", Invalid("The Provider %s does not exist; Unable to create Counter", provider)
	}
	r := Counter{Name: c.Str("name"), Source: source, Value: c.Str("value"), Provider: counterProviders[at]}
	if _, ok := c.Counters.Find(func(o Counter) bool {
		return o.Provider == r.Provider && o.Source == r.Source && (o.Name == r.Name || o.Value == r.Value)
	}); ok {
		return "", Invalid("Counter with name %s and value %s already exists. ", r.Name, r.Value)
	}
	r.Base = c.Counters.NewBase()
	c.Counters.Put(r)
	return r.ID, nil
}

func createCounterJob(c *Call) (Obj, error) {
	r, ok := c.Counters.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find counter")
	}
	return Obj{"counter": counterResponse(r)}, nil
}

func deleteCounterJob(c *Call) (Obj, error) {
	if _, ok := c.Counters.Get(c.EntityID); !ok {
		return nil, Invalid("The Counter with id %s does not exist", c.EntityID)
	}
	if _, used := c.Conditions.Find(func(o Condition) bool { return o.CounterID == c.EntityID }); used {
		return nil, Fail(536, csServer, "Counter is in use.")
	}
	c.Counters.Delete(c.EntityID)
	return Success(), nil
}

// checkCompare refuses what no condition can compare with; verb is create or update.
func (c *Call) checkCompare(verb string) error {
	if !slices.Contains(operators, strings.ToUpper(c.Str("relationaloperator"))) {
		return Invalid("The Operator %s does not exist; Unable to %s Condition.", c.Str("relationaloperator"), verb)
	}
	if c.Int64("threshold", 0) < 0 {
		return Invalid("The threshold %d must be equal to or greater than 0.", c.Int64("threshold", 0))
	}
	return nil
}

func startCondition(c *Call) (string, error) {
	if err := c.checkCompare("create"); err != nil {
		return "", err
	}
	owner, err := c.NewOwner()
	if err != nil {
		return "", err
	}
	r := Condition{Base: c.Conditions.NewBase(), Owner: owner, CounterID: c.Str("counterid"),
		Operator: strings.ToUpper(c.Str("relationaloperator")), Threshold: c.Int64("threshold", 0)}
	c.Conditions.Put(r)
	return r.ID, nil
}

func createConditionJob(c *Call) (Obj, error) {
	r, ok := c.Conditions.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find Condition")
	}
	return Obj{"condition": c.conditionResponse(r)}, nil
}

func namedCondition(c *Call) (string, error) {
	r, _ := c.Conditions.Any(c.Str("id"))
	return c.Str("id"), c.Own(r.Owner)
}

func updateConditionJob(c *Call) (Obj, error) {
	r, ok := c.Conditions.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find Condition")
	}
	if err := c.checkCompare("update"); err != nil {
		return nil, err
	}
	active := 0
	for g := range c.AutoScaleGroups.All() {
		if g.State != GroupDisabled && slices.ContainsFunc(g.policies(), func(id string) bool {
			p, _ := c.AutoScalePolicies.Get(id)
			return slices.Contains(p.ConditionIDs, r.ID)
		}) {
			active++
		}
	}
	if active > 0 {
		return nil, Fail(536, csServer, "Cannot update condition %s as it is being used in %d vm groups NOT in Disabled state.",
			fmt.Sprintf(`Condition {"id":%d,"uuid":"%s"}`, r.N, r.ID), active)
	}
	r.Operator, r.Threshold = strings.ToUpper(c.Str("relationaloperator")), c.Int64("threshold", 0)
	c.Conditions.Put(r)
	return Obj{"condition": c.conditionResponse(r)}, nil
}

func deleteConditionJob(c *Call) (Obj, error) {
	r, ok := c.Conditions.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find Condition")
	}
	if _, used := c.AutoScalePolicies.Find(func(p AutoScalePolicy) bool { return slices.Contains(p.ConditionIDs, r.ID) }); used {
		return nil, Fail(536, csServer, "Cannot delete Condition when it is in use by one or more AutoScale Policies.")
	}
	r.Removed = c.gone()
	c.Conditions.Put(r)
	return Success(), nil
}

func listConditions(c *Call) (any, error) {
	policy, filtered := c.AutoScalePolicies.Get(c.Str("policyid"))
	rows, err := Visible(c, newestFirst(c.Conditions.Where(func(r Condition) bool {
		return c.is("id", r.ID) && c.is("counterid", r.CounterID) && (!filtered || slices.Contains(policy.ConditionIDs, r.ID))
	})))
	if err != nil {
		return nil, err
	}
	return Listing("condition", rows, c.conditionResponse), nil
}

func (c *Call) conditionResponse(r Condition) Obj {
	o := Obj{"id": r.ID, "threshold": r.Threshold, "relationaloperator": r.Operator, "counterid": r.CounterID}
	if counter, ok := c.Counters.Any(r.CounterID); ok {
		o["countername"], o["counter"] = counter.Name, counterResponse(counter)
	}
	c.putOwner(o, r.Owner)
	return o
}

// newestFirst is the order of the autoscale lists.
func newestFirst[T any](rows []T) []T {
	slices.Reverse(rows)
	return rows
}
