package cloudsim

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// deployDoubles stand in for deploying and destroying with what a group needs of them: a row, and a machine that answers.
func deployDoubles(t *testing.T, f *farm) map[string]command {
	return map[string]command{
		"deployVirtualMachine": {
			start: func(c *Call) (string, error) {
				vm := VM{Base: c.VMs.NewBase(), Owner: Owner{AccountID: c.Caller.Account.ID, DomainID: c.Caller.Account.DomainID}, Name: c.Str("name"),
					State: VMStopped, TemplateID: c.Str("templateid"), OfferingID: c.Str("serviceofferingid"), Memory: 512, UserData: c.Str("userdata")}
				for i, id := range c.List("networkids") {
					vm.NICs = append(vm.NICs, NIC{ID: newUUID(), NetworkID: id, IPAddress: fmt.Sprintf("10.1.1.%d", 100+vm.N), IsDefault: i == 0})
				}
				c.VMs.Put(vm)
				return vm.ID, nil
			},
			job: func(c *Call) (Obj, error) {
				vm, _ := c.VMs.Get(c.EntityID)
				if strings.Contains(vm.UserData, "break") {
					return nil, Fail(533, csServer, "No destination found for a deployment")
				}
				vm.State = VMRunning
				c.VMs.Put(vm)
				f.add(vm.ID, newWebMachine(t, vm.Name))
				return Obj{"virtualmachine": Obj{"id": vm.ID}}, nil
			},
		},
		"destroyVirtualMachine": {
			start: func(c *Call) (string, error) { return c.Str("id"), nil },
			job: func(c *Call) (Obj, error) {
				c.forgetMachine(c.EntityID)
				c.VMs.Delete(c.EntityID)
				return Success(), nil
			},
		},
	}
}

// startLive is a scaled cloud whose groups can have machines, and whose clock the test moves.
func startLive(t *testing.T, opts Options) *scaled {
	t.Helper()
	f := &farm{machines: map[string]*webMachine{}}
	opts.machines, opts.commands = f.find, deployDoubles(t, f)
	opts.Clock = NewManualClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	return startScaled(t, f, opts)
}

// until lets time pass until a condition holds, and tells how many seconds that took.
func (s *scaled) until(what string, ok func() bool) float64 {
	s.t.Helper()
	clock := s.clock.(*ManualClock)
	start := clock.Now()
	settled(s.t, what, func() bool {
		if ok() {
			return true
		}
		clock.Advance(250 * time.Millisecond)
		return false
	})
	return clock.Now().Sub(start).Seconds()
}

// pass lets some seconds pass.
func (s *scaled) pass(seconds float64) {
	s.t.Helper()
	end := s.clock.Now().Add(time.Duration(seconds * float64(time.Second)))
	s.until(fmt.Sprintf("%v seconds pass", seconds), func() bool { return !s.clock.Now().Before(end) })
}

// members are the names of the machines behind the rule.
func (s *scaled) members() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, _ := s.store.LBRules.Get(s.rule)
	var names []string
	for _, m := range r.Members {
		vm, _ := s.store.VMs.Get(m.VMID)
		names = append(names, vm.Name)
	}
	return names
}

func (s *scaled) size(n int) func() bool { return func() bool { return len(s.members()) == n } }

// machines are all machines that groups have made.
func (s *scaled) machines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for vm := range s.store.VMs.All() {
		if strings.HasPrefix(vm.Name, "autoScaleVm-") {
			names = append(names, vm.Name)
		}
	}
	return names
}

func TestGroupFollowsTheLoad(t *testing.T) {
	t.Parallel()
	s := startLive(t, Options{})
	id := s.group()
	if got := s.show(id)["state"]; got != GroupEnabled || len(s.members()) != 0 {
		t.Errorf("just made: %v with %v", got, s.members())
	}
	if took := s.until("the first machine is there", s.size(1)); took < 10 || took > 20 {
		t.Errorf("the first machine came after %v s, the interval is 10 s", took)
	}
	first := s.members()[0]
	if !regexp.MustCompile(`^autoScaleVm-web-1-[a-z]{6}$`).MatchString(first) {
		t.Errorf("the first machine is called %s", first)
	}
	if got := s.fetch("80"); got != first {
		t.Errorf("the rule serves %q", got)
	}
	if n, err := s.SetLoad(Load{Group: "web", CPU: 90}); n != 1 || err != nil {
		t.Errorf("load: %d machines, %v", n, err)
	}
	s.until("the group has grown to its maximum", s.size(3))
	var served []string
	for range 3 {
		served = append(served, s.fetch("80"))
	}
	sort.Strings(served)
	all := s.members()
	sort.Strings(all)
	if diff := cmp.Diff(all, served); diff != "" {
		t.Errorf("served by (-want +got):\n%s", diff)
	}
	if _, err := s.SetLoad(Load{Group: id, CPU: 5}); err != nil {
		t.Error(err)
	}
	s.until("the group has shrunk to its minimum", func() bool { return len(s.members()) == 1 && len(s.machines()) == 1 })
	if got := s.members()[0]; got != first {
		t.Errorf("left is %s, not the oldest", got)
	}
	s.until("the group rests", func() bool { return s.show(id)["state"] == GroupEnabled })
	s.ok("deleteAutoScaleVmGroup", "id", id, "cleanup", "true")
	if got := s.machines(); len(got) != 0 || s.ruleState(s.rule) != RuleAdd {
		t.Errorf("after the delete: machines %v, rule %s", got, s.ruleState(s.rule))
	}
	events := must(t, s.Cloud, "admin", "listEvents", "type", "AUTOSCALEVMGROUP.SCALEUP").items("event")
	if len(events) != 6 { // started and done, three times
		t.Errorf("%d scale-up events", len(events))
	}
}

func TestMembersAreGuarded(t *testing.T) {
	t.Parallel()
	s := startLive(t, Options{})
	id := s.group("minmembers", "2")
	s.until("two machines are there", s.size(2))
	s.until("the group rests", func() bool { return s.show(id)["state"] == GroupEnabled })
	s.mu.Lock()
	r, _ := s.store.LBRules.Get(s.rule)
	victim := r.Members[0].VMID
	s.mu.Unlock()
	if r := s.job("removeFromLoadBalancerRule", "id", s.rule, "virtualmachineids", victim); r.text() != "Failed to remove instance from load balancer rule" {
		t.Errorf("removed from an enabled group: %v", r.body)
	}
	s.ok("disableAutoScaleVmGroup", "id", id)
	if r := s.job("deleteAutoScaleVmGroup", "id", id); !strings.HasSuffix(r.text(), "because there are 2 VMs. Please remove the VMs or pass cleanup=true flag which will destroy all VMs.") {
		t.Errorf("deleted with machines: %v", r.body)
	}
	s.ok("removeFromLoadBalancerRule", "id", s.rule, "virtualmachineids", victim)
	s.pass(60)
	if got := s.show(id)["availablevirtualmachinecount"]; got != 1.0 || len(s.machines()) != 2 {
		t.Errorf("detached while disabled: %v members, machines %v", got, s.machines())
	}
	s.ok("enableAutoScaleVmGroup", "id", id)
	s.until("the group is filled up again", s.size(2))
	if n := len(s.machines()); n != 3 {
		t.Errorf("%d machines: the detached one is nobody's, and stays", n)
	}
}

func TestMachineThatDoesNotStart(t *testing.T) {
	t.Parallel()
	s := startLive(t, Options{})
	err := s.update(t.Context(), func(c *Call) error {
		p, _ := c.AutoScaleProfiles.Get(s.profile)
		p.UserData = "break"
		c.AutoScaleProfiles.Put(p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.group()
	failed := func() int {
		return len(must(t, s.Cloud, "admin", "listEvents", "type", "AUTOSCALEVMGROUP.SCALEUP", "level", "ERROR").items("event"))
	}
	s.until("it is tried again", func() bool { return failed() >= 2 })
	if got := s.machines(); len(got) > 1 { // one may be on its way
		t.Errorf("broken machines pile up: %v", got)
	}
}

// TestRestartFinishesWhatScalingBegan: a machine in its grace period when the cloud ends is destroyed after the restart.
func TestRestartFinishesWhatScalingBegan(t *testing.T) {
	t.Parallel()
	opts := Options{Dir: t.TempDir(), PublicRange: ownRange()}
	s := startLive(t, opts)
	id := s.group("minmembers", "2", "maxmembers", "2")
	s.until("two machines are there", s.size(2))
	s.ok("disableAutoScaleVmGroup", "id", id)
	s.ok("updateAutoScaleVmGroup", "id", id, "minmembers", "1", "maxmembers", "1")
	s.ok("enableAutoScaleVmGroup", "id", id)
	s.until("one is taken out", s.size(1))
	if n := len(s.machines()); n != 2 {
		t.Fatalf("%d machines in the grace period", n)
	}
	kept := s.members()
	s.Close()

	opts = s.opts
	opts.Clock = NewManualClock(s.clock.Now())
	s.Cloud = startCloud(t, opts)
	s.until("the other is destroyed", func() bool { return len(s.machines()) == 1 })
	if diff := cmp.Diff(kept, s.members()); diff != "" {
		t.Errorf("members (-before +after):\n%s", diff)
	}
	if got := s.show(id)["state"]; got != GroupEnabled {
		t.Errorf("the group is %v", got)
	}
	if got := s.fetch("80"); got != kept[0] {
		t.Errorf("the rule serves %q", got)
	}
}

// TestRestartBringsStrandedMachinesIn: a machine whose deployment was under way when the cloud ended comes behind its rule.
func TestRestartBringsStrandedMachinesIn(t *testing.T) {
	t.Parallel()
	s := startLive(t, Options{Dir: t.TempDir(), PublicRange: ownRange()})
	id := s.group()
	err := s.update(t.Context(), func(c *Call) error { // the first half of a scale-up, then the end
		g, _ := c.AutoScaleGroups.Get(id)
		g.State = GroupScaling
		c.AutoScaleGroups.Put(g)
		job, err := c.prepare(c.ownerOf(g.Owner), "deployVirtualMachine", c.memberParams(g))
		vm, _ := c.VMs.Get(job.EntityID)
		vm.AutoScaleGroupID = g.ID
		c.VMs.Put(vm)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	opts := s.opts
	opts.Clock = NewManualClock(s.clock.Now())
	s.Cloud = startCloud(t, opts)
	s.until("the machine is behind the rule", s.size(1))
	s.pass(60)
	if got := s.machines(); len(got) != 1 || s.show(id)["state"] != GroupEnabled {
		t.Errorf("machines %v, group %v", got, s.show(id)["state"])
	}
}
