package cloudsim

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim/autoscale"
)

// scalerService runs the autoscale monitor over the store. It is the monitor's view of groups and of the load; how machines
// come and go is in autoscale_members.go.
//
// The monitor follows the cloud's clock times a speed that belongs to the latency model, so that a group made for a real
// cloud (an interval of 30 s, durations of a minute, decisions every minute) can be watched at work: with fast latency ten
// times as fast, with zero latency fifty times, with real latency and with a manual clock as on a real cloud. What the API
// shows stays in real seconds.
type scalerService struct {
	cloud *Cloud
	plane *planeService
	guest func(vmID string) (machine, bool)
	clock *fastClock

	mu       sync.Mutex
	monitor  *autoscale.Monitor
	forced   map[string]forcedLoad // by group
	stranded map[string]bool       // machines a kill left without their rule
}

// forcedLoad is the load the user wants a group's machines to show.
type forcedLoad struct {
	cpu   float64
	until time.Time // of the cloud's clock; zero: until changed
}

func newScalerService(c *Cloud, p *planeService, guest func(vmID string) (machine, bool)) *scalerService {
	return &scalerService{cloud: c, plane: p, guest: guest, forced: map[string]forcedLoad{}, stranded: map[string]bool{}}
}

// scaleSpeed is how many times faster than the cloud's clock the monitor works.
func (o Options) scaleSpeed() float64 {
	if _, manual := o.Clock.(*ManualClock); manual {
		return 1
	}
	switch o.Latency {
	case LatencyZero:
		return 50
	case LatencyFast:
		return 10
	}
	return 1
}

// Start puts right what a kill may have left, and watches the groups that are enabled.
func (s *scalerService) Start(context.Context) error {
	s.clock = newFastClock(s.cloud.clock, s.cloud.opts.scaleSpeed())
	s.cloud.scaler = s
	s.cloud.SetLoader(s)
	if err := s.settleGroups(); err != nil {
		return fmt.Errorf("settle autoscale groups: %w", err)
	}
	s.cloud.mu.Lock()
	interval := s.seconds("autoscale.stats.interval", time.Minute)
	s.cloud.mu.Unlock()
	m := autoscale.New(s, s, autoscale.Options{Clock: s.clock, StatsInterval: interval, Ideal: s.cloud.opts.Fidelity == FidelityIdeal})
	s.mu.Lock()
	s.monitor = m
	s.mu.Unlock()
	return nil
}

// seconds reads a global setting.
func (s *scalerService) seconds(name string, otherwise time.Duration) time.Duration {
	d, err := time.ParseDuration(s.cloud.setting(name) + "s")
	if err != nil || d <= 0 {
		return otherwise
	}
	return d
}

// Stop ends the monitor.
func (s *scalerService) Stop() {
	if m := s.running(); m != nil {
		m.Close()
	}
}

func (s *scalerService) running() *autoscale.Monitor {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.monitor
}

func (s *scalerService) watch(id string)   { s.running().Watch(id) }
func (s *scalerService) unwatch(id string) { s.running().Unwatch(id) }
func (s *scalerService) forget(id string)  { s.running().Forget(id) }

// system is a call of the management server itself.
func (c *Cloud) system(ctx context.Context) *Call {
	call := &Call{Tables: &c.store.Tables, Cloud: c, Ctx: ctx, Params: Params{}}
	call.Caller.Account, _ = c.store.Accounts.Find(func(a Account) bool { return a.Name == "system" })
	call.Caller.User, _ = c.store.Users.Find(func(u User) bool { return u.AccountID == call.Caller.Account.ID })
	return call
}

// read runs f on the store; update does and makes its changes durable, or undoes them if it fails.
func (s *scalerService) read(f func(*Call)) {
	s.cloud.mu.Lock()
	defer s.cloud.mu.Unlock()
	f(s.cloud.system(s.cloud.ctx))
}

func (c *Cloud) update(ctx context.Context, f func(*Call) error) error {
	c.mu.Lock()
	call := c.system(ctx)
	err := f(call)
	if err != nil {
		c.store.rollback()
		c.mu.Unlock()
		return err
	}
	after := call.takeReady(nil)
	seq, err := c.store.commit()
	c.mu.Unlock()
	if err := c.settle(seq, err); err != nil {
		return err
	}
	for _, g := range after {
		g()
	}
	return nil
}

// Enabled lists the groups the monitor looks after. A wedged one makes the original fail at every look, so it is left out.
func (s *scalerService) Enabled() []string {
	var ids []string
	s.read(func(c *Call) {
		for g := range c.AutoScaleGroups.All() {
			if g.State == GroupEnabled && !c.wedged(g) {
				ids = append(ids, g.ID)
			}
		}
	})
	return ids
}

// Group reads a group with its policies.
func (s *scalerService) Group(id string) (group autoscale.Group, ok bool) {
	s.read(func(c *Call) {
		g, found := c.AutoScaleGroups.Get(id)
		if !found || c.wedged(g) {
			return
		}
		profile, _ := c.AutoScaleProfiles.Any(g.ProfileID)
		offering, _ := c.ServiceOfferings.Any(profile.OfferingID)
		group = autoscale.Group{ID: g.ID, State: autoscale.State(g.State), Min: g.MinMembers, Max: g.MaxMembers,
			Interval: time.Duration(g.Interval) * time.Second, Grace: time.Duration(profile.ExpungeGrace) * time.Second, Memory: offering.Memory}
		for _, policyID := range g.policies() {
			if p, ok := c.AutoScalePolicies.Get(policyID); ok {
				group.Policies = append(group.Policies, s.policy(c, p))
			}
		}
		ok = true
	})
	return group, ok
}

func (s *scalerService) policy(c *Call, p AutoScalePolicy) autoscale.Policy {
	out := autoscale.Policy{ID: p.ID, Action: autoscale.Action(p.Action), Duration: time.Duration(p.Duration) * time.Second,
		Quiet: time.Duration(p.QuietTime) * time.Second}
	if !p.LastQuietTime.IsZero() {
		out.LastRest = s.clock.from(p.LastQuietTime)
	}
	for _, id := range p.ConditionIDs {
		r, _ := c.Conditions.Get(id)
		counter, ok := c.Counters.Get(r.CounterID)
		if !ok {
			continue
		}
		out.Conditions = append(out.Conditions, autoscale.Condition{Operator: r.Operator, Threshold: r.Threshold,
			Counter: autoscale.Counter{ID: counter.ID, Source: counter.Source, Value: counter.Value,
				Measured: strings.HasSuffix(counter.Provider, "VirtualRouter")}})
	}
	return out
}

// SetState changes a group's state if it is the expected one.
func (s *scalerService) SetState(id string, from, to autoscale.State) bool {
	changed := false
	err := s.cloud.update(s.cloud.ctx, func(c *Call) error {
		g, ok := c.AutoScaleGroups.Get(id)
		if !ok || g.State != string(from) {
			return nil
		}
		g.State, changed = string(to), true
		c.AutoScaleGroups.Put(g)
		return nil
	})
	return changed && err == nil
}

// Rest stamps a policy with the cloud's time.
func (s *scalerService) Rest(policyID string, _ time.Time) {
	err := s.cloud.update(s.cloud.ctx, func(c *Call) error {
		if p, ok := c.AutoScalePolicies.Get(policyID); ok {
			p.LastQuietTime = c.Now()
			c.AutoScalePolicies.Put(p)
		}
		return nil
	})
	if err != nil {
		s.cloud.opts.Log("stamp an autoscale policy: %v", err)
	}
}

// Memory in use, as a share of the machine's: what an idle system takes, and more with the load.
const (
	memoryIdle = 0.25
	memoryBusy = 0.35
)

// Members measures a group's machines.
func (s *scalerService) Members(groupID string) []autoscale.Member {
	var vms []VM
	s.read(func(c *Call) { vms = c.membersOf(groupID) })
	members := make([]autoscale.Member, len(vms))
	for i, vm := range vms {
		s.bringIn(groupID, vm)
		members[i] = autoscale.Member{ID: vm.ID, State: vm.State}
		if m, ok := s.guest(vm.ID); ok && vm.State == VMRunning {
			s.applyForced(groupID, m)
			cpu := m.CPU()
			members[i].Measured, members[i].CPU = true, cpu
			members[i].MemoryMiB = float64(vm.Memory) * (memoryIdle + memoryBusy*cpu/100)
		}
	}
	return members
}

// applyForced gives the load set for a group to a machine that came after it was set.
func (s *scalerService) applyForced(groupID string, m machine) {
	s.mu.Lock()
	load, ok := s.forced[groupID]
	s.mu.Unlock()
	if ok && (load.until.IsZero() || s.cloud.clock.Now().Before(load.until)) {
		m.SetCPU(load.cpu, load.until)
	}
}

// Traffic reads the counters of the group's rule, and of its address for the bytes.
func (s *scalerService) Traffic(groupID string) (traffic autoscale.Traffic, ok bool) {
	var at netip.AddrPort
	var ports []uint16
	s.read(func(c *Call) {
		g, _ := c.AutoScaleGroups.Get(groupID)
		r, _ := c.LBRules.Get(g.LBRuleID)
		ip, _ := c.PublicIPs.Get(r.PublicIPID)
		address, err := netip.ParseAddr(ip.Address)
		if err != nil {
			return
		}
		at = netip.AddrPortFrom(address, uint16(r.PublicPort))
		for o := range c.LBRules.All() {
			if o.PublicIPID == ip.ID {
				ports = append(ports, uint16(o.PublicPort))
			}
		}
	})
	if !at.IsValid() {
		return traffic, false
	}
	for _, port := range ports {
		if stats, found := s.plane.stats(netip.AddrPortFrom(at.Addr(), port)); found {
			traffic.Received += stats.BytesIn
			traffic.Sent += stats.BytesOut
		}
	}
	if stats, found := s.plane.stats(at); found {
		traffic.Connections, traffic.HasConnections = stats.AverageConnections()
	}
	return traffic, true
}

// SetLoad makes machines look busy: one machine, or all of a group, those to come as well.
func (s *scalerService) SetLoad(l Load) (int, error) {
	if (l.VM == "") == (l.Group == "") {
		return 0, fmt.Errorf("say either vm or group")
	}
	var ids []string
	var group string
	s.read(func(c *Call) {
		for vm := range c.VMs.All() {
			if l.VM != "" && (vm.ID == l.VM || vm.Name == l.VM || vm.DisplayName == l.VM) {
				ids = append(ids, vm.ID)
			}
		}
		for g := range c.AutoScaleGroups.All() {
			if l.Group != "" && (g.ID == l.Group || g.Name == l.Group) {
				group = g.ID
				for _, vm := range c.membersOf(g.ID) {
					ids = append(ids, vm.ID)
				}
			}
		}
	})
	if l.VM != "" && len(ids) == 0 {
		return 0, fmt.Errorf("there is no machine %q", l.VM)
	}
	if l.Group != "" && group == "" {
		return 0, fmt.Errorf("there is no autoscale group %q", l.Group)
	}
	load := forcedLoad{cpu: l.CPU}
	if l.Seconds > 0 {
		load.until = s.cloud.clock.Now().Add(time.Duration(l.Seconds) * time.Second)
	}
	s.mu.Lock()
	if group != "" && l.CPU >= 0 {
		s.forced[group] = load
	} else {
		delete(s.forced, group)
	}
	s.mu.Unlock()
	reached := 0
	for _, id := range ids {
		m, ok := s.guest(id)
		if !ok {
			continue
		}
		reached++
		if l.CPU < 0 {
			m.ClearCPU()
			continue
		}
		m.SetCPU(load.cpu, load.until)
	}
	return reached, nil
}

// fastClock runs a number of times faster than the clock below it.
type fastClock struct {
	below Clock
	begin time.Time
	speed float64
}

func newFastClock(below Clock, speed float64) *fastClock {
	return &fastClock{below: below, begin: below.Now(), speed: speed}
}

// Now is the fast time; at the start both clocks agree.
func (f *fastClock) Now() time.Time { return f.from(f.below.Now()) }

// from is the fast time that belongs to a time of the clock below.
func (f *fastClock) from(t time.Time) time.Time {
	return f.begin.Add(time.Duration(float64(t.Sub(f.begin)) * f.speed))
}

// After waits for d of fast time.
func (f *fastClock) After(d time.Duration) (<-chan time.Time, func()) {
	return f.below.After(time.Duration(float64(d) / f.speed))
}
