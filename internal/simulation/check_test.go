package simulation

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/core/state"
)

// kinds are the cloud's words for the types of the plugins.
var kinds = map[string]string{
	"net": "network", "vm": "vm", "disk": "volume", "group": "group", "addr": "address", "image": "template", "rules": "address",
}

// check compares state and cloud with what the stack wants. It knows the stack
// from where it was made up, not from the text the engine read.
func (w *world) check(nothing bool) error {
	w.cloud.mu.Lock()
	defer w.cloud.mu.Unlock()
	w.cloud.tick()
	c := &checker{world: w, snap: w.disk.snap, ours: map[string]bool{}}
	if !nothing {
		for _, i := range w.stack.instances() {
			c.instance(i)
		}
	}
	c.leftovers(nothing)
	for _, wrong := range w.cloud.wrongs {
		c.fault("%s", wrong)
	}
	return errors.Join(c.faults...)
}

type checker struct {
	world  *world
	snap   *state.Snapshot
	ours   map[string]bool // ids that are accounted for
	faults []error
}

func (c *checker) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf(format, args...))
}

// instance checks that one instance is there, once, as it should be.
func (c *checker) instance(i instance) {
	row := c.snap.Objects[state.Key{Addr: i.addr}]
	if row == nil {
		c.fault("%s is not in the state", i.addr)
		return
	}
	if row.Status != state.OK || len(row.Pending) > 0 || row.PendingAction != "" {
		c.fault("%s is not at rest: %s, %d pending calls of a %q", i.addr, row.Status, len(row.Pending), row.PendingAction)
	}
	o := c.world.cloud.objects[row.ID]
	if o == nil || o.kind != kinds[i.block.typ] || o.leaving || o.foreign || o.fields["state"] == "Free" {
		c.fault("%s is %q in the state, which is no such object of ours", i.addr, row.ID)
		return
	}
	c.ours[o.id] = true
	for field, want := range c.wanted(i) {
		got := o.fields[field]
		if field == "networkids" {
			got = o.uses[slices.IndexFunc(o.uses, func(id string) bool { return strings.HasPrefix(id, "network") })]
		}
		if (got == nil && want != "") || (got != nil && got != want) {
			c.fault("%s (%s): %s is %v, want %q", i.addr, o.id, field, got, want)
		}
	}
	c.children(i, o)
}

// wanted are the fields of an instance's object.
func (c *checker) wanted(i instance) map[string]string {
	b := i.block
	id := func(attribute string) string {
		if row := c.snap.Objects[state.Key{Addr: i.parent[attribute]}]; row != nil {
			return row.ID
		}
		return ""
	}
	switch b.typ {
	case "net":
		return map[string]string{"name": i.name(), "displaytext": b.label, "gateway": b.sort}
	case "vm":
		return map[string]string{"displayname": b.label, "name": i.cloudName(), "networkids": id("net"), "templateid": id("image"), "state": "Running"}
	case "disk":
		return map[string]string{"name": i.name(), "diskofferingid": b.sort, "virtualmachineid": id("vm")}
	case "group":
		return map[string]string{"name": i.name(), "description": b.sort}
	case "addr":
		return map[string]string{"associatednetworkid": id("net"), "state": "Allocated"}
	case "image":
		return map[string]string{"name": i.name(), "displaytext": "size " + b.size()}
	}
	return nil
}

// children checks the rules of an object.
func (c *checker) children(i instance, o *object) {
	kind := map[string]string{"net": "egress", "rules": "rule"}[i.block.typ]
	if kind == "" {
		return
	}
	var want, got []string
	for _, p := range i.block.ports {
		want = append(want, fmt.Sprint(p))
	}
	for id, child := range c.world.cloud.objects {
		if child.kind == kind && child.part == o.id {
			c.ours[id] = true
			got = append(got, fmt.Sprint(child.fields["startport"]))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		c.fault("%s has the ports %v, want %v", i.addr, got, want)
	}
}

// leftovers looks for what nobody wants: in the cloud, and in the state.
func (c *checker) leftovers(nothing bool) {
	for _, id := range slices.Sorted(maps.Keys(c.world.cloud.objects)) {
		o := c.world.cloud.objects[id]
		if !o.foreign && !o.leaving && o.fields["state"] != "Free" && !c.ours[id] {
			c.fault("left over in the cloud: %s %s %v", o.kind, id, o.fields["name"])
		}
	}
	wanted := map[string]bool{}
	if !nothing {
		for _, i := range c.world.stack.instances() {
			wanted[i.addr] = true
		}
	}
	for key := range c.snap.Objects {
		if !wanted[key.Addr] || key.Deposed != "" {
			c.fault("left over in the state: %s", keyText(key))
		}
	}
	for _, op := range c.snap.Operations {
		c.fault("an operation is open: %s %s", op.Action, keyText(op.Key))
	}
}
