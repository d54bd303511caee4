package cloudsim

import "strings"

// joins are what belongs to machines, by their ids: a list of machines looks for it once, not once for each machine.
type joins struct {
	disks map[string][]Volume
	nat   map[string][]PublicIP // static NAT to the machine
}

// joinsOfList returns the joins of a call that changes nothing while it runs; ok is false for others.
func (c *Call) joinsOfList() (j *joins, ok bool) {
	if c.Job != nil || !strings.HasPrefix(c.Name, "list") {
		return nil, false
	}
	if c.joins == nil {
		c.joins = &joins{disks: make(map[string][]Volume), nat: make(map[string][]PublicIP)}
		for d := range c.Volumes.All() {
			if d.VMID != "" {
				c.joins.disks[d.VMID] = append(c.joins.disks[d.VMID], d)
			}
		}
		for p := range c.PublicIPs.All() {
			if p.StaticNAT {
				c.joins.nat[p.VMID] = append(c.joins.nat[p.VMID], p)
			}
		}
	}
	return c.joins, true
}

// diskOf is a machine's first disk of a type.
func (c *Call) diskOf(v VM, kind string) (Volume, bool) {
	j, ok := c.joinsOfList()
	if !ok {
		return c.Volumes.Find(func(d Volume) bool { return d.VMID == v.ID && d.Type == kind })
	}
	for _, d := range j.disks[v.ID] {
		if d.Type == kind {
			return d, true
		}
	}
	return Volume{}, false
}

// staticNATOf is the first public address that is mapped to a machine and matches.
func (c *Call) staticNATOf(v VM, match func(PublicIP) bool) (PublicIP, bool) {
	j, ok := c.joinsOfList()
	if !ok {
		return c.PublicIPs.Find(func(p PublicIP) bool { return p.StaticNAT && p.VMID == v.ID && match(p) })
	}
	for _, p := range j.nat[v.ID] {
		if match(p) {
			return p, true
		}
	}
	return PublicIP{}, false
}
