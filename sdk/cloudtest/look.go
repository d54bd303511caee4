package cloudtest

import (
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim"
)

// AuditEntry is a changing call that the cloud was sent, refused ones included.
type AuditEntry struct {
	Number    int64
	Created   time.Time
	Account   string
	Command   string
	Params    map[string]string // without credentials
	Status    int               // HTTP
	ErrorText string
	EntityID  string // what it made or changed
	JobFailed bool
	JobText   string // why
	Lost      bool   // a fault kept the answer from the client
}

// Audit lists the changing calls, oldest first.
func (c *Cloud) Audit() []AuditEntry {
	all := c.cloud.Audit()
	out := make([]AuditEntry, len(all))
	for i, e := range all {
		out[i] = AuditEntry{Number: e.N, Created: e.Created, Account: e.Account, Command: e.Command, Params: e.Params, Status: e.Status,
			ErrorText: e.ErrorText, EntityID: e.EntityID, JobFailed: e.JobStatus == cloudsim.JobFailed, JobText: e.JobText, Lost: e.Lost}
	}
	return out
}

// Inventory is what is in the cloud. Lists are cut at 500 rows; Counts has the whole numbers.
type Inventory struct {
	Zones    []string
	Counts   map[string]int // networks, virtualmachines, volumes, loadbalancerrules, autoscalevmgroups, publicipaddresses
	Networks []Network
	Machines []Machine
	Rules    []Rule
	Groups   []Group
}

// Network is a guest network.
type Network struct {
	ID, Name, Type, State, CIDR, VPC, Zone, Account string
	Machines                                        int
	Addresses                                       []string // public ones
}

// Machine is a machine. CPU is in percent, -1 while no guest runs.
type Machine struct {
	ID, Name, State, Address, Network, Template, Offering, Account, Group string
	CPU                                                                   float64
}

// Rule is a way in: a load balancer rule, a port forward or static NAT. Reach is where to connect from this machine.
type Rule struct {
	Kind, Name, Public, Reach, State string
	Targets                          []string // machines, with their ports
}

// Group is an autoscale group.
type Group struct {
	ID, Name, State   string
	Members, Min, Max int
}

// Inventory looks at the whole cloud.
func (c *Cloud) Inventory() Inventory {
	in := c.cloud.Inventory()
	out := Inventory{Zones: in.Zones, Counts: in.Counts}
	for _, n := range in.Networks {
		out.Networks = append(out.Networks, Network{n.ID, n.Name, n.Type, n.State, n.CIDR, n.VPC, n.Zone, n.Account, n.Machines, n.Addresses})
	}
	for _, m := range in.Machines {
		out.Machines = append(out.Machines, Machine{m.ID, m.Name, m.State, m.Address, m.Network, m.Template, m.Offering, m.Account, m.Group, m.CPU})
	}
	for _, r := range in.Rules {
		rule := Rule{Kind: r.Kind, Name: r.Name, Public: r.Public, Reach: r.Reach, State: r.State}
		for _, t := range r.Targets {
			rule.Targets = append(rule.Targets, t.Name)
		}
		out.Rules = append(out.Rules, rule)
	}
	for _, g := range in.Groups {
		out.Groups = append(out.Groups, Group{g.ID, g.Name, g.State, g.Members, g.Min, g.Max})
	}
	return out
}
