package simulation

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// object is one object of the cloud.
type object struct {
	id, kind string
	fields   map[string]any
	uses     []string  // ids of objects that cannot go while this one is there
	part     string    // id of the object this one goes with
	foreign  bool      // another user's of the same account
	leaving  bool      // a job is deleting it
	leaves   time.Time // when that job is over
	hidden   bool      // a job is making it
}

// job is an asynchronous job.
type job struct {
	id     string
	at     time.Time // when it is over
	end    func() (map[string]any, *refusal)
	result map[string]any
	failed *refusal
}

// refusal is an error of the API.
type refusal struct {
	code int
	text string
}

// cloud is a small CloudStack: enough commands for the types of the test
// plugins, asynchronous jobs, objects in use, ids that are never reused. It
// shares no code with the client.
type cloud struct {
	note   func(string, ...any)
	jumped atomic.Int64 // its clock minus ours, nanoseconds

	mu      sync.Mutex // guards what follows
	serial  int
	objects map[string]*object
	jobs    map[string]*job
	mayTwin map[string]bool // "kind name" that may exist twice for a while
	wrongs  []string        // what must never happen and did
	creates int
}

func newCloud(note func(string, ...any)) *cloud {
	c := &cloud{note: note, objects: map[string]*object{}, jobs: map[string]*job{}, mayTwin: map[string]bool{}}
	for i := range 60 {
		c.put(&object{id: fmt.Sprintf("free-%d", i), kind: "address", fields: map[string]any{"ipaddress": fmt.Sprintf("192.0.2.%d", i+1), "state": "Free"}})
	}
	return c
}

func (c *cloud) now() time.Time { return time.Now().Add(time.Duration(c.jumped.Load())) }

func (c *cloud) put(o *object) *object {
	o.fields["id"] = o.id
	c.objects[o.id] = o
	return o
}

func (c *cloud) next(kind string) string {
	c.serial++
	return fmt.Sprintf("%s-%d", kind, c.serial)
}

func (c *cloud) wrong(format string, args ...any) {
	c.wrongs = append(c.wrongs, fmt.Sprintf(format, args...))
	c.note("WRONG: "+format, args...)
}

// tick ends the jobs that are due, in order.
func (c *cloud) tick() {
	var due []*job
	for _, j := range c.jobs {
		if j.end != nil && !j.at.After(time.Now()) {
			due = append(due, j)
		}
	}
	slices.SortFunc(due, func(a, b *job) int { return cmp.Or(a.at.Compare(b.at), strings.Compare(a.id, b.id)) })
	for _, j := range due {
		j.result, j.failed = j.end()
		j.end = nil
	}
}

// start makes a job; how says whether it takes long or fails.
func (c *cloud) start(how fate, end func(fails bool) (map[string]any, *refusal)) *job {
	took := time.Duration(200+37*(c.serial%7)) * time.Millisecond
	if how == jobHangs {
		took = 4 * time.Minute
	}
	j := &job{id: c.next("job"), at: time.Now().Add(took), end: func() (map[string]any, *refusal) { return end(how == jobFails) }}
	c.jobs[j.id] = j
	return j
}

// read answers a command that changes nothing.
func (c *cloud) read(command string, p url.Values) (map[string]any, *refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	switch command {
	case "listZones":
		return map[string]any{"count": 1, "zone": []any{map[string]any{"id": "zone-1", "name": "zone-1", "allocationstate": "Enabled"}}}, nil
	case "listCapabilities":
		return map[string]any{"capability": map[string]any{"cloudstackversion": "4.22.0.0"}}, nil
	case "listUsers":
		return map[string]any{"count": 1, "user": []any{map[string]any{"id": "u", "account": "a", "accountid": "a1", "domain": "d", "domainid": "d1", "roletype": "Admin", "apikey": "key"}}}, nil
	case "queryAsyncJobResult":
		return c.query(p.Get("jobid"))
	}
	l, ok := lists[command]
	if !ok {
		return nil, &refusal{401, "unknown command " + command}
	}
	return c.list(l, p)
}

func (c *cloud) query(id string) (map[string]any, *refusal) {
	j := c.jobs[id]
	switch {
	case j == nil:
		return nil, &refusal{431, "Unable to find a job by id " + id}
	case j.end != nil:
		return map[string]any{"jobstatus": 0}, nil
	case j.failed != nil:
		return map[string]any{"jobstatus": 2, "jobresultcode": 530, "jobresult": map[string]any{"errorcode": j.failed.code, "errortext": j.failed.text}}, nil
	}
	return map[string]any{"jobstatus": 1, "jobresult": j.result}, nil
}

// listing is how objects of a kind are listed.
type listing struct {
	kind, key string
	by        map[string]string // parameter → field
}

var lists = map[string]listing{
	"listNetworks":            {"network", "network", nil},
	"listVirtualMachines":     {"vm", "virtualmachine", nil},
	"listVolumes":             {"volume", "volume", nil},
	"listAffinityGroups":      {"group", "affinitygroup", nil},
	"listPublicIpAddresses":   {"address", "publicipaddress", nil},
	"listFirewallRules":       {"rule", "firewallrule", map[string]string{"ipaddressid": "ipaddressid"}},
	"listEgressFirewallRules": {"egress", "firewallrule", map[string]string{"networkid": "networkid"}},
	"listTemplates":           {"template", "template", nil},
}

func (c *cloud) list(l listing, p url.Values) (map[string]any, *refusal) {
	items := []any{}
	free := p.Get("state") == "Free"
	for _, id := range slices.SortedFunc(maps.Keys(c.objects), byNumber) {
		o := c.objects[id]
		if o.kind != l.kind || o.hidden || (o.fields["state"] == "Free") != free {
			continue
		}
		if want := p.Get("id"); want != "" && want != id {
			continue
		}
		fits := true
		for param, field := range l.by {
			fits = fits && (p.Get(param) == "" || p.Get(param) == o.fields[field])
		}
		if fits {
			items = append(items, maps.Clone(o.fields))
		}
		if free && len(items) == 1 {
			break // one at a time: whoever asks at the same moment wants the same
		}
	}
	if want := p.Get("id"); want != "" && len(items) == 0 {
		return nil, unknown("id", want)
	}
	return map[string]any{"count": len(items), l.key: items}, nil
}

func unknown(parameter, value string) *refusal {
	return &refusal{431, "Invalid parameter " + parameter + " value=" + value + " due to incorrect long value format, or entity does not exist or due to incorrect parameter annotation for the field in api cmd class."}
}

func byNumber(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) }

// change carries out a mutating command.
func (c *cloud) change(command string, p url.Values, how fate) (map[string]any, *refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tick()
	if do, ok := creates[command]; ok {
		return do.make(c, p, how)
	}
	if kind, ok := deletes[command]; ok {
		return c.remove(kind, p.Get("id"), how)
	}
	return c.update(command, p, how)
}

// live returns an object that a command may touch.
func (c *cloud) live(kind, parameter, id string) (*object, *refusal) {
	o := c.objects[id]
	if o == nil || o.kind != kind || o.leaving || o.hidden || o.fields["state"] == "Free" {
		return nil, unknown(parameter, id)
	}
	return o, nil
}

func (c *cloud) update(command string, p url.Values, how fate) (map[string]any, *refusal) {
	kind := map[string]string{"updateNetwork": "network", "updateVirtualMachine": "vm", "updateVolume": "volume", "attachVolume": "volume", "detachVolume": "volume"}[command]
	if kind == "" {
		return nil, &refusal{401, "unknown command " + command}
	}
	o, refused := c.live(kind, "id", p.Get("id"))
	if refused != nil {
		return nil, refused
	}
	if o.foreign {
		c.wrong("%s touches %s, which is not ours", command, o.id)
	}
	switch command {
	case "attachVolume":
		if _, refused := c.live("vm", "virtualmachineid", p.Get("virtualmachineid")); refused != nil {
			return nil, refused
		}
		if o.fields["virtualmachineid"] != nil {
			return nil, &refusal{431, "Please specify a volume that is not attached to any VM."}
		}
	case "detachVolume":
		if o.fields["virtualmachineid"] == nil {
			return nil, &refusal{431, "The specified volume is not attached to a VM."}
		}
	}
	apply := func(fails bool) (map[string]any, *refusal) {
		if fails {
			return nil, &refusal{530, "the job failed"}
		}
		switch command {
		case "attachVolume":
			if o.fields["virtualmachineid"] != nil || c.objects[p.Get("virtualmachineid")] == nil {
				return nil, &refusal{530, "it is attached, or the machine is gone"}
			}
			o.fields["virtualmachineid"] = p.Get("virtualmachineid")
		case "detachVolume":
			delete(o.fields, "virtualmachineid")
		}
		for _, f := range []string{"name", "displaytext", "displayname"} {
			if p.Has(f) {
				o.fields[f] = p.Get(f)
			}
		}
		return map[string]any{lists[listOf(kind)].key: maps.Clone(o.fields)}, nil
	}
	if command == "updateVirtualMachine" {
		result, refused := apply(how == jobFails)
		return result, refused
	}
	j := c.start(how, apply)
	return map[string]any{"jobid": j.id}, nil
}

func listOf(kind string) string {
	for command, l := range lists {
		if l.kind == kind {
			return command
		}
	}
	return ""
}

var deletes = map[string]string{
	"deleteNetwork": "network", "destroyVirtualMachine": "vm", "deleteVolume": "volume", "deleteAffinityGroup": "group",
	"disassociateIpAddress": "address", "deleteFirewallRule": "rule", "deleteEgressFirewallRule": "egress", "deleteTemplate": "template",
}

// going are the states of objects that a job removes.
var going = map[string]string{"vm": "Expunging", "address": "Releasing", "rule": "Deleting", "egress": "Deleting"}

func (c *cloud) remove(kind, id string, how fate) (map[string]any, *refusal) {
	if o := c.objects[id]; o != nil && o.kind == kind && o.leaving {
		// Jobs on one object queue up; the second finds nothing to do.
		j := c.start(happen, func(bool) (map[string]any, *refusal) { return map[string]any{"success": true}, nil })
		j.at = o.leaves
		return map[string]any{"jobid": j.id}, nil
	}
	o, refused := c.live(kind, "id", id)
	if refused != nil {
		return nil, refused
	}
	if o.foreign {
		c.wrong("%s is deleted, which is not ours", id)
	}
	if user := c.user(id); user != "" {
		if kind == "template" { // a real cloud lets this happen
			c.wrong("template %s is deleted while %s uses it", id, user)
		} else {
			return nil, &refusal{431, fmt.Sprintf("%s is in use by %s", id, user)}
		}
	}
	o.leaving = how != jobFails
	end := func(fails bool) (map[string]any, *refusal) {
		if fails {
			return nil, &refusal{530, "the job failed"}
		}
		for other, part := range c.objects {
			if part.part == id {
				delete(c.objects, other)
			}
			if part.fields["virtualmachineid"] == id {
				delete(part.fields, "virtualmachineid")
			}
		}
		if kind == "address" {
			o.fields = map[string]any{"id": id, "ipaddress": o.fields["ipaddress"], "state": "Free"}
			o.uses, o.leaving = nil, false
			return map[string]any{"success": true}, nil
		}
		delete(c.objects, id)
		return map[string]any{"success": true}, nil
	}
	if kind == "group" {
		return end(how == jobFails)
	}
	if state := going[kind]; o.leaving && state != "" {
		o.fields["state"] = state
	}
	j := c.start(how, end)
	o.leaves = j.at
	return map[string]any{"jobid": j.id}, nil
}

// user names an object that uses another.
func (c *cloud) user(id string) string {
	for _, other := range slices.Sorted(maps.Keys(c.objects)) {
		if slices.Contains(c.objects[other].uses, id) {
			return other
		}
	}
	return ""
}
