package cloudsim

import (
	"encoding/json"
	"strings"
)

// jobCommands let clients follow asynchronous commands and read the history.
var jobCommands = map[string]command{
	"queryAsyncJobResult": {run: queryAsyncJobResult},
	"listAsyncJobs":       {run: listAsyncJobs, kinds: map[string]kind{"managementserverid": kindAny}},
	"listEvents":          {run: listEvents, id: kindEvent},
	"listEventTypes":      {run: listEventTypes},
}

func queryAsyncJobResult(c *Call) (any, error) {
	j, _ := c.Jobs.Get(c.Str("jobid"))
	if err := c.Own(j.Owner); err != nil {
		return nil, Denied("%s is not authorized to see job id=%d", accountText(c.Caller.Account), j.N)
	}
	return c.jobResponse(j), nil
}

func (c *Call) jobResponse(j Job) Obj {
	o := Obj{"accountid": j.AccountID, "userid": j.UserID, "domainid": j.DomainID, "cmd": c.jobClass(j), "jobprocstatus": 0,
		"jobresultcode": j.ResultCode, "created": timeText(j.Created), "jobid": j.ID, "jobstatus": j.Status}
	if a, ok := c.Accounts.Any(j.AccountID); ok {
		o["account"] = a.Name
	}
	if d, ok := c.Domains.Any(j.DomainID); ok {
		o["domainpath"] = d.Path
	}
	o.Opt("jobinstancetype", j.Instance)
	if namedInstances[j.Instance] && c.stands(j) {
		o.Opt("jobinstanceid", j.EntityID)
	}
	if j.Status == JobPending {
		o["managementserverid"], o["managementservername"] = c.zoneToken(), "localhost"
		return o
	}
	o["jobresulttype"], o["jobresult"] = "object", json.RawMessage(j.Result)
	if j.Completed != nil {
		o["completed"] = timeText(*j.Completed)
	}
	return o
}

// stands reports whether what a job was about is named: a template whose making failed is not, nor is a volume that was not
// given as id.
func (c *Call) stands(j Job) bool {
	switch j.Instance {
	case "Template":
		_, live := c.Templates.Any(j.EntityID)
		return live
	case "Volume":
		return j.Params["id"] != "" || c.Cloud.commands[j.Command].creates
	}
	return true
}

// namedInstances are the instance types whose jobs also tell the instance's id.
var namedInstances = map[string]bool{
	"PrivateGateway": true, "StaticRoute": true,
	"VirtualMachine": true, "Volume": true, "IpAddress": true, "Template": true, "Iso": true, "Snapshot": true, "FirewallRule": true,
	"Account": true, "AutoScalePolicy": true, "AutoScaleVmGroup": true, "AutoScaleVmProfile": true, "Condition": true,
}

// zoneToken serves as the id of the one management server.
func (c *Call) zoneToken() string {
	z, _ := c.Zones.Find(func(Zone) bool { return true })
	return z.Token
}

// jobClass is the Java class of a job's command. The table holds the variant for root administrators, where there is one;
// the others' jobs run the plain class.
func (c *Call) jobClass(j Job) string {
	class := "org.apache.cloudstack.api.command.user." + strings.ToUpper(j.Command[:1]) + j.Command[1:] + "Cmd"
	if d := c.Cloud.table[j.Command]; d != nil && d.Class != "" {
		class = d.Class
	}
	plain, byAdmin := strings.CutSuffix(class, "ByAdmin")
	if a, ok := c.Accounts.Any(j.AccountID); ok && byAdmin && a.Type != AccountAdmin {
		return strings.Replace(plain, ".command.admin.", ".command.user.", 1)
	}
	return class
}

func listAsyncJobs(c *Call) (any, error) {
	rows, err := Visible(c, c.Jobs.Where(func(j Job) bool {
		if since, err := parseDate(c.Str("startdate")); err == nil && j.Created.Before(since) {
			return false
		}
		if a, _ := c.Accounts.Any(j.AccountID); a.Name == systemAccount {
			return false // what the server does by itself is no job of its API
		}
		return j.Status == JobPending && strings.Contains(strings.ToLower(j.Command), strings.ToLower(c.Str("keyword")))
	}))
	if err != nil {
		return nil, err
	}
	return Listing("asyncjobs", rows, c.jobResponse), nil
}

func listEvents(c *Call) (any, error) {
	rows, err := Visible(c, c.Events.Where(func(e Event) bool {
		return e.Archived == c.Bool("archived", false) && c.named(e.ID, e.Type, e.Description) && c.is("type", e.Type) && c.is("level", e.Level) && c.is("resourceid", e.ResourceID)
	}))
	if err != nil {
		return nil, err
	}
	for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
		rows[i], rows[j] = rows[j], rows[i] // newest first
	}
	return Listing("event", rows, func(e Event) Obj {
		o := Obj{"id": e.ID, "username": e.Username, "type": e.Type, "level": e.Level, "description": e.Description,
			"created": timeText(e.Created), "state": e.State}
		c.putOwner(o, e.Owner)
		return o.Opt("resourceid", e.ResourceID).Opt("resourcetype", e.ResourceType).Opt("resourcename", e.ResourceName).
			Opt("parentid", e.ParentID)
	}), nil
}

func listEventTypes(c *Call) (any, error) {
	return Listing("eventtype", c.Cloud.eventTypes, func(n string) Obj { return Obj{"name": n} }), nil
}
