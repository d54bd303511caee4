package cloudsim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// Grow makes a machine for a group: deployed as the group's owner would, in the group from the start, behind the rule once
// it runs.
func (s *scalerService) Grow(ctx context.Context, groupID string, stage func()) error {
	var job Job
	var vmID string
	err := s.cloud.update(ctx, func(c *Call) error {
		g, ok := c.AutoScaleGroups.Get(groupID)
		if !ok {
			return errors.New("the group is gone")
		}
		g.NextMember++
		c.AutoScaleGroups.Put(g)
		c.groupEvent(g, "AUTOSCALEVMGROUP.SCALEUP", "INFO", "Started", "Scaling Up AutoScale VM group "+g.ID)
		var err error
		job, err = c.prepare(c.ownerOf(g.Owner), "deployVirtualMachine", c.memberParams(g))
		if err != nil {
			return err
		}
		vmID = job.EntityID
		vm, _ := c.VMs.Get(vmID)
		vm.AutoScaleGroupID = g.ID
		vm.Details = maps.Clone(detailsObj(vm.Details))
		delete(vm.Details, "rootdisksize") // members do not tell it
		c.VMs.Put(vm)
		return nil
	})
	if err != nil {
		s.report(groupID, "AUTOSCALEVMGROUP.SCALEUP", "ERROR", "Failed to create VM in AutoScale VM group: "+err.Error())
		return err
	}
	stage()
	if err := s.cloud.carryOut(ctx, job); err != nil {
		if ctx.Err() != nil {
			return err
		}
		s.report(groupID, "AUTOSCALEVMGROUP.SCALEUP", "ERROR", fmt.Sprintf("Failed to start VM with id: %s in AutoScale VM group: %v", vmID, err))
		return errors.Join(err, s.discard(ctx, vmID))
	}
	stage()
	if err := s.attach(ctx, groupID, vmID); err != nil {
		s.report(groupID, "AUTOSCALEVMGROUP.SCALEUP", "ERROR", fmt.Sprintf("Failed to assign LB rule for VM with id: %s in AutoScale VM group", vmID))
		return err
	}
	s.report(groupID, "AUTOSCALEVMGROUP.SCALEUP", "INFO", fmt.Sprintf("Started and assigned LB rule for VM %s in AutoScale VM group", vmID))
	return nil
}

// attach puts a machine of a group behind the group's rule.
func (s *scalerService) attach(ctx context.Context, groupID, vmID string) error {
	return s.cloud.update(ctx, func(c *Call) error {
		g, _ := c.AutoScaleGroups.Get(groupID)
		r, ok := c.LBRules.Get(g.LBRuleID)
		if !ok {
			return errors.New("the group's rule is gone")
		}
		return c.addMembers(r, []LBMember{{VMID: vmID}})
	})
}

// memberParams are the parameters of a new machine's deployment. What the profile names and nobody has any more is left
// out, as the original does.
func (c *Call) memberParams(g AutoScaleGroup) Params {
	p, _ := c.AutoScaleProfiles.Any(g.ProfileID)
	r, _ := c.LBRules.Any(g.LBRuleID)
	name := memberName(g.Name, g.NextMember)
	params := Params{"zoneid": p.ZoneID, "serviceofferingid": p.OfferingID, "templateid": p.TemplateID, "name": name, "displayname": name}
	set := func(param, value string) {
		if value != "" {
			params[param] = value
		}
	}
	set("userdata", p.UserData)
	set("userdataid", p.UserDataID)
	if details := strings.Trim(p.UserDataDetails, "{}"); details != "" {
		for pair := range strings.SplitSeq(details, ", ") {
			k, v, _ := strings.Cut(pair, "=")
			params["userdatadetails[0]."+k] = v
		}
	}
	networks := []string{r.NetworkID}
	for id := range strings.SplitSeq(p.OtherParams["networkids"], ",") {
		if _, ok := c.Networks.Get(id); ok && !slices.Contains(networks, id) {
			networks = append(networks, id)
		}
	}
	params["networkids"] = strings.Join(networks, ",")
	set("rootdisksize", p.OtherParams["rootdisksize"])
	if id := p.OtherParams["diskofferingid"]; exists(c.DiskOfferings, id) {
		params["diskofferingid"] = id
		set("size", p.OtherParams["disksize"])
	}
	if id := p.OtherParams["overridediskofferingid"]; exists(c.DiskOfferings, id) {
		params["overridediskofferingid"] = id
	}
	set("keypairs", known(p.OtherParams["keypairs"], func(name string) bool {
		_, ok := c.SSHKeys.Find(func(k SSHKey) bool { return k.Name == name && k.AccountID == g.AccountID })
		return ok
	}))
	set("affinitygroupids", known(p.OtherParams["affinitygroupids"], func(id string) bool { return exists(c.AffinityGroups, id) }))
	return params
}

// known keeps those elements of a list that exist.
func known(list string, there func(string) bool) string {
	var kept []string
	for element := range strings.SplitSeq(list, ",") {
		if element = strings.TrimSpace(element); element != "" && there(element) {
			kept = append(kept, element)
		}
	}
	return strings.Join(kept, ",")
}

// memberName is autoScaleVm-<group>-<number>-<six letters>, the group's name cut so that 63 characters are enough.
func memberName(group string, number int) string {
	var letters strings.Builder
	for range 6 {
		letters.WriteByte(byte('a' + rand.IntN(26)))
	}
	end := fmt.Sprintf("-%d-%s", number, letters.String())
	const start = "autoScaleVm-"
	return start + group[:min(len(group), 63-len(start)-len(end))] + end
}

// Detach takes the machine assigned last out of rule and group. Its destruction is a pending job from now on, so that it
// happens even if the cloud is killed during the grace period.
func (s *scalerService) Detach(ctx context.Context, groupID string) (string, error) {
	vmID := ""
	err := s.cloud.update(ctx, func(c *Call) error {
		g, _ := c.AutoScaleGroups.Get(groupID)
		c.groupEvent(g, "AUTOSCALEVMGROUP.SCALEDOWN", "INFO", "Started", "Scaling Down AutoScale VM group "+g.ID)
		r, _ := c.LBRules.Get(g.LBRuleID)
		if len(r.Members) == 0 {
			return nil
		}
		last := r.Members[len(r.Members)-1]
		vmID = last.VMID
		c.removeMember(r, LBMember{VMID: vmID})
		_, err := c.prepareDestroy(vmID)
		return err
	})
	if err != nil {
		s.report(groupID, "AUTOSCALEVMGROUP.SCALEDOWN", "ERROR", "Failed to remove LB rule for a VM in AutoScale VM group: "+err.Error())
		return "", err
	}
	return vmID, nil
}

// Destroy carries out the destruction that Detach prepared.
func (s *scalerService) Destroy(ctx context.Context, groupID, vmID string) error {
	var job Job
	s.read(func(c *Call) {
		job, _ = c.Jobs.Find(func(j Job) bool {
			return j.EntityID == vmID && j.Command == "destroyVirtualMachine" && j.Status == JobPending
		})
	})
	if err := s.cloud.carryOut(ctx, job); err != nil {
		s.report(groupID, "AUTOSCALEVMGROUP.SCALEDOWN", "ERROR", fmt.Sprintf("Failed to destroy VM %s in AutoScale VM group: %v", vmID, err))
		return err
	}
	s.report(groupID, "AUTOSCALEVMGROUP.SCALEDOWN", "INFO", fmt.Sprintf("Destroyed VM %s in AutoScale VM group", vmID))
	return nil
}

// discard destroys a machine that did not start.
func (s *scalerService) discard(ctx context.Context, vmID string) error {
	job, err := s.cloud.prepareDestroy(vmID)
	if err != nil {
		return err
	}
	return s.cloud.carryOut(ctx, job)
}

// settleGroups puts right what a kill left: groups that were Scaling are enabled again, and machines that were on their way
// behind their rule are noted, to go there once they run.
func (s *scalerService) settleGroups() error {
	return s.cloud.update(s.cloud.ctx, func(c *Call) error {
		for g := range c.AutoScaleGroups.All() {
			if g.State == GroupScaling {
				g.State = GroupEnabled
				c.AutoScaleGroups.Put(g)
			}
			r, ok := c.LBRules.Get(g.LBRuleID)
			for _, vm := range c.membersOf(g.ID) {
				if ok && !r.has(vm.ID) {
					s.stranded[vm.ID] = true
				}
			}
		}
		return nil
	})
}

// bringIn puts a machine that a kill left without its rule behind it.
func (s *scalerService) bringIn(groupID string, vm VM) {
	s.mu.Lock()
	left := s.stranded[vm.ID] && vm.State == VMRunning
	if left {
		delete(s.stranded, vm.ID)
	}
	s.mu.Unlock()
	if !left {
		return
	}
	if err := s.attach(s.cloud.ctx, groupID, vm.ID); err != nil {
		s.cloud.opts.Log("autoscale group %s: machine %s: %v", groupID, vm.Name, err)
	}
}

// ownerOf is a caller who acts for an account.
func (c *Call) ownerOf(o Owner) Caller {
	account, _ := c.Accounts.Any(o.AccountID)
	user, _ := c.Users.Find(func(u User) bool { return u.AccountID == o.AccountID })
	return Caller{User: user, Account: account}
}

// prepare does the first half of an asynchronous command, as the management server does for itself, and makes its job. The
// job runs when carryOut is called, or at the next start of the cloud if that comes first.
func (c *Call) prepare(caller Caller, name string, params Params) (Job, error) {
	cmd, ok := c.Cloud.commands[name]
	if !ok {
		return Job{}, fmt.Errorf("this cloud has no %s", name)
	}
	call := &Call{Tables: c.Tables, Cloud: c.Cloud, Ctx: c.Ctx, Caller: caller, Name: name, Params: params, declared: c.Cloud.table[name], cmd: cmd}
	id, err := cmd.start(call)
	if err != nil {
		return Job{}, err
	}
	job := c.Cloud.newJob(call, id, nil)
	job.Queue = "" // it does not wait for calls of clients
	c.Jobs.Put(job)
	for networkID := range call.changed {
		c.NetworkChanged(networkID)
	}
	c.after = append(c.after, call.after...)
	return job, nil
}

func (c *Call) prepareDestroy(vmID string) (Job, error) {
	if vm, ok := c.VMs.Get(vmID); ok && vm.AutoScaleGroupID != "" {
		vm.AutoScaleGroupID = "" // members may not be destroyed by anybody but their group
		c.VMs.Put(vm)
	}
	return c.prepare(c.Caller, "destroyVirtualMachine", Params{"id": vmID, "expunge": "true"})
}

func (c *Cloud) prepareDestroy(vmID string) (Job, error) {
	var job Job
	err := c.update(c.ctx, func(call *Call) (err error) {
		job, err = call.prepareDestroy(vmID)
		return err
	})
	return job, err
}

// carryOut runs a prepared job to its end and returns how it failed, if it did.
func (c *Cloud) carryOut(ctx context.Context, job Job) error {
	if err := sleep(ctx, c.clock, c.opts.Latency.of(job.Command)); err != nil {
		return err
	}
	c.runJob(ctx, job)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	done, ok := c.store.Jobs.Get(job.ID)
	if ok && done.Status == JobFailed {
		return fmt.Errorf("%s: %s", job.Command, done.Result)
	}
	return nil
}

// groupEvent records what the monitor does; nobody else tells of it.
func (c *Call) groupEvent(g AutoScaleGroup, kind, level, state, text string) {
	c.Events.Put(Event{Base: c.Events.NewBase(), Owner: g.Owner, Type: kind, Level: level, State: state, Description: text,
		Username: "system", ResourceID: g.ID, ResourceType: "AutoScaleVmGroup", ResourceName: g.Name})
}

func (s *scalerService) report(groupID, kind, level, text string) {
	err := s.cloud.update(s.cloud.ctx, func(c *Call) error {
		g, _ := c.AutoScaleGroups.Any(groupID)
		c.groupEvent(g, kind, level, "Completed", text)
		return nil
	})
	if err != nil {
		s.cloud.opts.Log("%s: %s: %v", kind, text, err)
	}
}
