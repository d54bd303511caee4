package cloudsim

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim/lb"
)

// shownRows bounds the lists of an inventory: it is for looking at, and a large cloud has tens of thousands of rows.
const shownRows = 500

// Inventory is what is in a cloud, as the dashboard and tests look at it. Lists are cut at 500 rows, the newest last; Counts
// has the whole numbers.
type Inventory struct {
	Now      time.Time      `json:"now"`
	Endpoint string         `json:"endpoint"`
	Flavor   Flavor         `json:"flavor"`
	Latency  Latency        `json:"latency"`
	Fidelity Fidelity       `json:"fidelity"`
	Zones    []string       `json:"zones"`
	Counts   map[string]int `json:"counts"`
	Networks []NetworkView  `json:"networks"`
	Machines []MachineView  `json:"machines"`
	Rules    []RuleView     `json:"rules"`
	Groups   []GroupView    `json:"groups"`
	Jobs     []JobView      `json:"jobs"`
	Faults   []Fault        `json:"faults"`
}

// NetworkView is a guest network.
type NetworkView struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Type      string   `json:"type"`
	State     string   `json:"state"`
	CIDR      string   `json:"cidr"`
	VPC       string   `json:"vpc"`
	Zone      string   `json:"zone"`
	Account   string   `json:"account"`
	Machines  int      `json:"machines"`
	Addresses []string `json:"addresses"` // public ones
}

// MachineView is a machine. CPU is in percent, -1 while no guest runs.
type MachineView struct {
	ID       string  `json:"id"`
	Name     string  `json:"name"`
	State    string  `json:"state"`
	Address  string  `json:"address"`
	Network  string  `json:"network"`
	Template string  `json:"template"`
	Offering string  `json:"offering"`
	Account  string  `json:"account"`
	Group    string  `json:"group"`
	CPU      float64 `json:"cpu"`
}

// RuleView is a way in: a load balancer rule, a port forward or static NAT. Reach is where to connect on this machine.
type RuleView struct {
	Kind     string       `json:"kind"`
	Name     string       `json:"name"`
	Public   string       `json:"public"`
	Reach    string       `json:"reach"`
	Targets  []TargetView `json:"targets"`
	State    string       `json:"state"`
	Detail   string       `json:"detail"`
	Requests int64        `json:"requests"` // since the load balancer's last reload
}

// TargetView is a machine behind a rule; State is up or down, "" where nobody checks.
type TargetView struct {
	Name  string `json:"name"`
	State string `json:"state"`
}

// GroupView is an autoscale group.
type GroupView struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	State   string `json:"state"`
	Members int    `json:"members"`
	Min     int    `json:"min"`
	Max     int    `json:"max"`
	Rule    string `json:"rule"`
}

// JobView is one of the latest jobs.
type JobView struct {
	ID      string    `json:"id"`
	Command string    `json:"command"`
	Account string    `json:"account"`
	State   string    `json:"state"`
	Text    string    `json:"text"`
	Created time.Time `json:"created"`
	Seconds float64   `json:"seconds"` // how long it took, or has been running
}

// Inventory looks at the whole cloud.
func (c *Cloud) Inventory() Inventory {
	status := c.Status()
	in := Inventory{Endpoint: status.Endpoint, Flavor: status.Flavor, Latency: status.Latency, Fidelity: c.opts.Fidelity, Counts: status.Counts,
		Zones: []string{}, Faults: c.faults.all()}
	c.gate.RLock()
	defer c.gate.RUnlock()
	c.mu.Lock()
	in.Now = c.clock.Now().UTC()
	v := &viewer{store: c.store, public: status.Public, now: in.Now}
	for z := range c.store.Zones.All() {
		in.Zones = append(in.Zones, z.Name)
	}
	in.Networks, in.Machines, in.Rules, in.Groups, in.Jobs = v.networks(), v.machines(), v.rules(), v.groups(), v.jobs()
	c.mu.Unlock()
	for i, m := range in.Machines {
		if guest, ok := c.machineOf(m.ID); ok {
			in.Machines[i].CPU = guest.CPU()
		}
	}
	if p, ok := c.plane.(*planeService); ok {
		in.measure(p.stats)
	}
	return in
}

// viewer makes the views; the cloud's lock is held.
type viewer struct {
	*store
	public map[string]string
	now    time.Time
}

// last are the last rows of a list, shownRows at most.
func last[T any](rows []T) []T { return rows[max(0, len(rows)-shownRows):] }

func (v *viewer) account(o Owner) string {
	a, _ := v.Accounts.Any(o.AccountID)
	if p, ok := v.Projects.Any(o.ProjectID); ok {
		return p.Name
	}
	return a.Name
}

func (v *viewer) networks() []NetworkView {
	inside := make(map[string]int)
	for vm := range v.VMs.All() {
		for _, nic := range vm.NICs {
			inside[nic.NetworkID]++
		}
	}
	addresses := make(map[string][]string)
	for ip := range v.PublicIPs.All() {
		if ip.State != IPFree && ip.NetworkID != "" {
			addresses[ip.NetworkID] = append(addresses[ip.NetworkID], ip.Address)
		}
	}
	out := []NetworkView{}
	for _, n := range last(v.Networks.Where(func(Network) bool { return true })) {
		zone, _ := v.Zones.Any(n.ZoneID)
		vpc, _ := v.VPCs.Any(n.VPCID)
		out = append(out, NetworkView{ID: n.ID, Name: n.Name, Type: n.Type, State: n.State, CIDR: n.CIDR, VPC: vpc.Name, Zone: zone.Name,
			Account: v.account(n.Owner), Machines: inside[n.ID], Addresses: append([]string{}, addresses[n.ID]...)})
	}
	return out
}

func (v *viewer) machines() []MachineView {
	out := []MachineView{}
	for _, m := range last(v.VMs.Where(func(VM) bool { return true })) {
		nic, _ := m.DefaultNIC()
		n, _ := v.Networks.Any(nic.NetworkID)
		template, _ := v.Templates.Any(m.TemplateID)
		offering, _ := v.ServiceOfferings.Any(m.OfferingID)
		group, _ := v.AutoScaleGroups.Any(m.AutoScaleGroupID)
		out = append(out, MachineView{ID: m.ID, Name: m.Name, State: m.State, Address: nic.IPAddress, Network: n.Name, Template: template.Name,
			Offering: offering.Name, Account: v.account(m.Owner), Group: group.Name, CPU: -1})
	}
	return out
}

// target is a machine, with the port behind a rule.
func (v *viewer) target(id string, port int) TargetView {
	m, _ := v.VMs.Any(id)
	if port == 0 {
		return TargetView{Name: m.Name}
	}
	return TargetView{Name: m.Name + ":" + strconv.Itoa(port)}
}

// measure adds what the load balancers know of their members.
func (in *Inventory) measure(stats func(netip.AddrPort) (lb.Stats, bool)) {
	for i := range in.Rules {
		r := &in.Rules[i]
		at, err := netip.ParseAddrPort(r.Public)
		if err != nil {
			continue
		}
		s, ok := stats(at)
		if !ok || len(s.Servers) != len(r.Targets) {
			continue
		}
		r.Requests = s.Requests
		for j, server := range s.Servers {
			r.Targets[j].State = map[bool]string{true: "up", false: "down"}[server.Up]
		}
	}
}

// reach is where a public address and port is reached from this machine, "" if nothing can be told.
func (v *viewer) reach(public string) string {
	if at, ok := v.public[public]; ok {
		return at
	}
	if ap, err := netip.ParseAddrPort(public); err == nil && ap.Addr().IsLoopback() {
		return public
	}
	return ""
}

func (v *viewer) rules() []RuleView {
	out := []RuleView{}
	for _, r := range last(v.LBRules.Where(func(LBRule) bool { return true })) {
		ip, _ := v.PublicIPs.Any(r.PublicIPID)
		view := RuleView{Kind: "load balancer", Name: r.Name, Public: net.JoinHostPort(ip.Address, strconv.Itoa(r.PublicPort)), State: r.State,
			Targets: []TargetView{}, Detail: strings.TrimPrefix(r.Algorithm+" "+r.Protocol, " ")}
		for _, m := range r.Members {
			view.Targets = append(view.Targets, v.target(m.VMID, r.PrivatePort))
		}
		out = append(out, view)
	}
	for _, r := range last(v.Firewall.Where(func(r FirewallRule) bool { return r.Purpose == PurposePortForwarding })) {
		ip, _ := v.PublicIPs.Any(r.IPAddressID)
		out = append(out, RuleView{Kind: "port forward", Public: net.JoinHostPort(ip.Address, strconv.Itoa(r.StartPort)), State: r.State,
			Targets: []TargetView{v.target(r.VMID, r.PrivateStart)}, Detail: r.Protocol})
	}
	for _, ip := range last(v.PublicIPs.Where(func(ip PublicIP) bool { return ip.StaticNAT })) {
		out = append(out, RuleView{Kind: "static NAT", Public: ip.Address, State: RuleActive, Targets: []TargetView{v.target(ip.VMID, 0)}})
	}
	for i := range out {
		out[i].Reach = v.reach(out[i].Public)
	}
	return out
}

func (v *viewer) groups() []GroupView {
	members := make(map[string]int)
	for m := range v.VMs.All() {
		if m.AutoScaleGroupID != "" && m.State != VMError && m.State != VMDestroyed {
			members[m.AutoScaleGroupID]++
		}
	}
	out := []GroupView{}
	for _, g := range last(v.AutoScaleGroups.Where(func(AutoScaleGroup) bool { return true })) {
		rule, _ := v.LBRules.Any(g.LBRuleID)
		out = append(out, GroupView{ID: g.ID, Name: g.Name, State: g.State, Members: members[g.ID], Min: g.MinMembers, Max: g.MaxMembers, Rule: rule.Name})
	}
	return out
}

// shownJobs is how many jobs an inventory has: those that run, and the latest.
const shownJobs = 50

// jobs are the latest jobs, newest first.
func (v *viewer) jobs() []JobView {
	rows := v.Jobs.Where(func(Job) bool { return true })
	rows = rows[max(0, len(rows)-shownJobs):]
	out := []JobView{}
	for _, j := range slices.Backward(rows) {
		account, _ := v.Accounts.Any(j.AccountID)
		view := JobView{ID: j.ID, Command: j.Command, Account: account.Name, Created: j.Created, State: [...]string{"running", "done", "failed"}[j.Status]}
		end := v.now
		if j.Completed != nil {
			end = *j.Completed
		}
		view.Seconds = end.Sub(j.Created).Seconds()
		if audit, ok := v.Audit.Get(j.AuditID); ok && j.Status == JobFailed {
			view.Text = fmt.Sprintf("%d %s", j.ResultCode, audit.JobText)
		}
		out = append(out, view)
	}
	return out
}
