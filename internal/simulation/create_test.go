package simulation

import (
	"fmt"
	"maps"
	"net/url"
	"time"
)

// creator is how a create command makes its object.
type creator struct {
	kind   string
	needs  map[string]string // parameter → kind of an object that must be there
	part   string            // parameter that names the object it is a part of
	unique []string          // fields of which the cloud takes no second combination
	fields map[string]string // parameter → field
	quiet  bool              // the answer names a job and no id, and nothing shows before it is over
	sync   bool
}

// making and made are the states of objects while and after a job makes them.
var (
	making = map[string]string{"vm": "Starting", "volume": "Creating", "rule": "Add", "egress": "Add"}
	made   = map[string]string{"vm": "Running", "volume": "Allocated", "rule": "Active", "egress": "Active"}
)

var creates = map[string]creator{
	"createNetwork": {
		kind: "network", sync: true,
		fields: map[string]string{"name": "name", "displaytext": "displaytext", "gateway": "gateway", "externalid": "externalid"},
	},
	"deployVirtualMachine": {
		kind: "vm", needs: map[string]string{"networkids": "network", "templateid": "template"},
		fields: map[string]string{"displayname": "displayname", "name": "name", "templateid": "templateid"},
	},
	"createVolume": {
		kind:   "volume",
		fields: map[string]string{"name": "name", "diskofferingid": "diskofferingid"},
	},
	"createAffinityGroup": {
		kind: "group", unique: []string{"name"}, quiet: true,
		fields: map[string]string{"name": "name", "description": "description", "type": "type"},
	},
	"associateIpAddress": {
		kind: "address", needs: map[string]string{"networkid": "network"},
		fields: map[string]string{"networkid": "associatednetworkid"},
	},
	"createFirewallRule": {
		kind: "rule", needs: map[string]string{"ipaddressid": "address"}, part: "ipaddressid", unique: []string{"ipaddressid", "startport"},
		fields: map[string]string{"ipaddressid": "ipaddressid", "startport": "startport", "endport": "endport", "protocol": "protocol"},
	},
	"createEgressFirewallRule": {
		kind: "egress", needs: map[string]string{"networkid": "network"}, part: "networkid", unique: []string{"networkid", "startport"},
		fields: map[string]string{"networkid": "networkid", "startport": "startport", "endport": "endport", "protocol": "protocol"},
	},
	"createTemplate": {
		kind: "template", quiet: true,
		fields: map[string]string{"name": "name", "displaytext": "displaytext"},
	},
}

// make carries out a create command.
func (d creator) make(c *cloud, p url.Values, how fate) (map[string]any, *refusal) {
	o := &object{kind: d.kind, fields: map[string]any{}, foreign: p.Get("foreign") != ""}
	for param, kind := range d.needs {
		id := p.Get(param)
		if id == "" {
			continue
		}
		if _, refused := c.live(kind, param, id); refused != nil {
			return nil, refused
		}
		if param == d.part {
			o.part = id
		} else {
			o.uses = append(o.uses, id)
		}
	}
	for param, field := range d.fields {
		if v := p.Get(param); v != "" {
			o.fields[field] = v
		}
	}
	if marker := p.Get("details[0].moldctl.op"); marker != "" {
		o.fields["details"] = map[string]any{"moldctl.op": marker}
	}
	if id := p.Get("networkids"); id != "" {
		o.fields["nic"] = []any{map[string]any{"networkid": id}}
	}
	if refused := d.taken(c, o); refused != nil {
		return nil, refused
	}
	if d.kind == "address" {
		return d.associate(c, o, p.Get("ipaddress"), how)
	}
	o.id = c.next(d.kind)
	c.creates++
	d.twins(c, o)
	c.put(o)
	key := lists[listOf(d.kind)].key
	if d.sync {
		return map[string]any{key: maps.Clone(o.fields)}, nil
	}
	o.hidden = d.quiet
	if state := making[d.kind]; state != "" {
		o.fields["state"] = state
	}
	j := c.start(how, func(fails bool) (map[string]any, *refusal) { return d.made(c, o, key, fails) })
	if d.quiet {
		return map[string]any{"jobid": j.id}, nil
	}
	return map[string]any{"id": o.id, "jobid": j.id}, nil
}

// made ends a create job.
func (d creator) made(c *cloud, o *object, key string, fails bool) (map[string]any, *refusal) {
	o.hidden = false
	switch {
	case fails && d.kind == "vm":
		o.fields["state"] = "Error" // it stays, and is of no use
		return nil, &refusal{533, "no host has room for it"}
	case fails:
		delete(c.objects, o.id)
		return nil, &refusal{530, "the job failed"}
	case made[d.kind] != "":
		o.fields["state"] = made[d.kind]
	}
	return map[string]any{key: maps.Clone(o.fields)}, nil
}

// taken refuses what the cloud keeps unique.
func (d creator) taken(c *cloud, o *object) *refusal {
	if len(d.unique) == 0 {
		return nil
	}
	for _, other := range c.objects {
		same := other.kind == o.kind
		for _, f := range d.unique {
			same = same && other.fields[f] == o.fields[f]
		}
		if same {
			return &refusal{537, fmt.Sprintf("%s is like it already", other.id)}
		}
	}
	return nil
}

// twins notices a second object of one name, which only somebody who has lost
// sight of the first makes.
func (d creator) twins(c *cloud, o *object) {
	name, ok := o.fields["name"].(string)
	if !ok || o.foreign || c.mayTwin[d.kind+" "+name] {
		return
	}
	for _, other := range c.objects {
		if other.kind == o.kind && other.fields["name"] == name && !other.foreign && !other.leaving {
			c.wrong("%s %s is made while %s is there", d.kind, name, other.id)
		}
	}
}

// associate takes one address out of the stock.
func (d creator) associate(c *cloud, o *object, address string, how fate) (map[string]any, *refusal) {
	for _, free := range c.objects {
		if free.kind != "address" || free.fields["ipaddress"] != address {
			continue
		}
		if free.fields["state"] != "Free" {
			return nil, &refusal{533, "the address is taken"}
		}
		c.creates++
		free.uses = o.uses
		for f, v := range o.fields {
			free.fields[f] = v
		}
		free.fields["state"], free.fields["allocated"] = "Allocating", time.Now().Format(time.RFC3339Nano)
		j := c.start(how, func(fails bool) (map[string]any, *refusal) {
			if fails {
				free.fields = map[string]any{"id": free.id, "ipaddress": address, "state": "Free"}
				free.uses = nil
				return nil, &refusal{530, "the job failed"}
			}
			free.fields["state"] = "Allocated"
			return map[string]any{"ipaddress": maps.Clone(free.fields)}, nil
		})
		return map[string]any{"id": free.id, "jobid": j.id}, nil
	}
	return nil, &refusal{533, "there is no such address"}
}
