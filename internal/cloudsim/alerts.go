package cloudsim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// alertCommands are messages to the operator, and the clearing away of them and of events.
var alertCommands = map[string]command{
	"listAlerts":     {run: listAlerts, id: kindAlert, rootOnly: true},
	"listAlertTypes": {run: listAlertTypes, rootOnly: true},
	"generateAlert":  {start: startNothing, job: generateAlertJob, rootOnly: true, event: "ALERT.GENERATE"},
	"archiveAlerts":  {run: clearAlerts(false), id: kindAlert, rootOnly: true},
	"deleteAlerts":   {run: clearAlerts(true), id: kindAlert, rootOnly: true},
	"archiveEvents":  {run: clearEvents(false), id: kindEvent},
	"deleteEvents":   {run: clearEvents(true), id: kindEvent},
}

// alertNames are the types of alerts by their number.
var alertNames = []string{"MEMORY", "CPU", "STORAGE", "STORAGE.ALLOCATED", "NETWORK.PUBLICIP", "NETWORK.PRIVATEIP", "SECONDARY.STORAGE", "COMPUTE.HOST", "USERVM",
	"SERVICE.DOMAINROUTER", "SERVICE.CONSOLEPROXY", "NETWORK.ROUTING", "STORAGE.MISC", "USAGE", "MANAGEMENT", "NETWORK.DOMAINROUTERMIGRATE",
	"SERVICE.CONSOLEPROXYMIGRATE", "USERVM.MIGRATE", "NETWORK.VLAN", "SERVICE.SSVM", "USAGE.RESULT", "STORAGE.DELETE", "UPDATE.RESOURCECOUNT", "USAGE.SANITYRESULT",
	"NETWORK.DIRECTPUBLICIP", "NETWORK.LOCALSTORAGE", "RESOURCE.EXCEED", "SYNC", "UPLOAD.FAILED", "OOBM.AUTHERROR", "HA.ACTION", "CA.CERT", "VM.SNAPSHOT", "VR.PUBLIC.IFACE.MTU",
	"VR.PRIVATE.IFACE.MTU"}

func listAlerts(c *Call) (any, error) {
	rows := c.Alerts.Where(func(a Alert) bool {
		return !a.Archived && c.is("id", a.ID) && c.is("name", a.Name) && c.is("type", strconv.Itoa(a.Type)) &&
			strings.Contains(strings.ToLower(a.Description), strings.ToLower(c.Str("keyword")))
	})
	slices.Reverse(rows) // newest first
	return Listing("alert", rows, func(a Alert) Obj {
		return Obj{"id": a.ID, "type": a.Type, "name": a.Name, "description": a.Description, "sent": timeText(a.Sent)}
	}), nil
}

func listAlertTypes(*Call) (any, error) {
	numbers := make([]int, len(alertNames))
	for i := range numbers {
		numbers[i] = i
	}
	return Listing("alerttype", numbers, func(n int) Obj { return Obj{"type": n, "name": "ALERT." + alertNames[n]} }), nil
}

func generateAlertJob(c *Call) (Obj, error) {
	n := c.Int("type", -1)
	if n < 0 || n >= len(alertNames) {
		return nil, Invalid("Invalid alert type: %s", c.Str("type"))
	}
	a := Alert{Base: c.Alerts.NewBase(), Type: n, Name: "ALERT." + alertNames[n], Description: c.Str("description"), ZoneID: c.Str("zoneid"), PodID: c.Str("podid"), Sent: c.Now()}
	c.Alerts.Put(a)
	return Success(), nil
}

// period reads what is to be cleared away: by ids, by type, by time.
type period struct {
	ids      []string
	kind     string
	from, to time.Time
}

func (c *Call) clearing() (period, error) {
	p := period{ids: c.List("ids"), kind: c.Str("type")}
	if len(p.ids) == 0 && p.kind == "" && !c.Has("enddate") {
		return p, Invalid("either ids, type or enddate must be specified")
	}
	if c.Has("startdate") && !c.Has("enddate") {
		return p, Invalid("enddate must be specified with startdate parameter")
	}
	for param, to := range map[string]*time.Time{"startdate": &p.from, "enddate": &p.to} {
		text := c.Str(param)
		if text == "" {
			continue
		}
		t, err := parseDate(text)
		if err != nil {
			return p, BadParam("Unable to parse date %s for command %s, please pass dates in the format mentioned in the api documentation", text, c.Label())
		}
		if param == "enddate" && len(text) == len("2006-01-02") {
			t = t.Add(24*time.Hour - time.Second) // the whole day
		}
		*to = t
	}
	return p, nil
}

func (p period) has(id, kind string, at time.Time) bool {
	return (len(p.ids) == 0 || slices.Contains(p.ids, id)) && (p.kind == "" || strings.EqualFold(p.kind, kind)) && (p.from.IsZero() || !at.Before(p.from)) &&
		(p.to.IsZero() || !at.After(p.to))
}

func clearAlerts(forever bool) func(*Call) (any, error) {
	return func(c *Call) (any, error) {
		p, err := c.clearing()
		if err != nil {
			return nil, err
		}
		for a := range c.Alerts.All() {
			switch {
			case !p.has(a.ID, strconv.Itoa(a.Type), a.Sent) && !p.has(a.ID, a.Name, a.Sent):
			case forever:
				c.Alerts.Delete(a.ID)
			default:
				a.Archived = true
				c.Alerts.Put(a)
			}
		}
		return Success(), nil
	}
}

// clearEvents takes away events of the caller's; naming somebody else's by id fails.
func clearEvents(forever bool) func(*Call) (any, error) {
	return func(c *Call) (any, error) {
		p, err := c.clearing()
		if err != nil {
			return nil, err
		}
		for e := range c.Events.All() {
			if !p.has(e.ID, e.Type, e.Created) {
				continue
			}
			if c.Own(e.Owner) != nil {
				if len(p.ids) > 0 {
					return nil, Fail(530, csServer, "Unable to archive Events. One or more parameters has an invalid value")
				}
				continue
			}
			if forever {
				c.Events.Delete(e.ID)
				continue
			}
			e.Archived = true
			c.Events.Put(e)
		}
		return Success(), nil
	}
}
