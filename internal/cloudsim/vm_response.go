package cloudsim

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// vmResponse is a machine as the API shows it.
func (c *Call) vmResponse(v VM) Obj {
	if v.Removed != nil {
		// All that is left of an expunged machine.
		return Obj{"securitygroup": []Obj{}, "nic": []Obj{}, "affinitygroup": []Obj{}, "deleteprotection": false, "tags": []Obj{}}
	}
	zone, _ := c.Zones.Any(v.ZoneID)
	t, _ := c.Templates.Any(v.TemplateID)
	offering, _ := c.ServiceOfferings.Any(v.OfferingID)
	os, _ := c.OSTypes.Any(v.OSTypeID)
	user, _ := c.Users.Any(v.UserID)
	o := Obj{"id": v.ID, "name": v.Name, "displayname": v.DisplayName, "userid": user.ID, "username": user.Username, "created": timeText(v.Created),
		"state": v.State, "haenable": v.HAEnabled, "zoneid": zone.ID, "zonename": zone.Name, "templateid": t.ID, "templatename": t.Name,
		"templatetype": t.Type, "templateformat": t.Format, "templatedisplaytext": t.DisplayText, "passwordenabled": v.PasswordEnabled,
		"serviceofferingid": offering.ID, "serviceofferingname": offering.Name, "cpunumber": v.CPUNumber, "cpuspeed": v.CPUSpeed, "memory": v.Memory,
		"guestosid": os.ID, "ostypeid": os.ID, "osdisplayname": os.Name, "rootdeviceid": 0, "rootdevicetype": "ROOT", "securitygroup": c.groupsOfVM(v),
		"nic": c.nicResponses(v), "hypervisor": v.Hypervisor, "details": c.visibleDetails(v), "affinitygroup": c.groupsOf(v),
		"displayvm": !v.HideDisplay, "isdynamicallyscalable": v.DynamicScaling, "deleteprotection": v.DeleteProtection,
		"receivedbytes": 0, "sentbytes": 0, "arch": "x86_64", "tags": c.vmTags(v), "hasannotations": false}
	c.putOwner(o, v.Owner)
	if !v.LastUpdated.IsZero() {
		o["lastupdated"] = timeText(v.LastUpdated)
	}
	if nic, ok := v.DefaultNIC(); ok {
		o.Opt("ipaddress", nic.IPAddress)
	}
	o.Opt("keypairs", v.Details[keyNamesDetail])
	if d, ok := c.dataDiskOffering(v); ok {
		o["diskofferingid"], o["diskofferingname"] = d.ID, d.Name
	}
	if g, ok := c.InstanceGroups.Get(v.GroupID); ok {
		o["groupid"], o["group"] = g.ID, g.Name
	}
	if g, ok := c.AutoScaleGroups.Get(v.AutoScaleGroupID); ok {
		o["autoscalevmgroupid"], o["autoscalevmgroupname"] = g.ID, g.Name
	}
	if ip, ok := c.staticNATOf(v, func(PublicIP) bool { return true }); ok {
		o["publicipid"], o["publicip"] = ip.ID, ip.Address
	}
	if u, ok := c.UserData.Get(v.UserDataID); ok {
		o["userdataid"], o["userdataname"] = u.ID, u.Name
	}
	o.Opt("userdatadetails", v.UserDataDetails)
	c.putISO(o, v)
	c.putPlace(o, v)
	c.putStats(o, v)
	return o
}

// dataDiskOffering is the offering of a machine's data disk, which machines show as theirs.
func (c *Call) dataDiskOffering(v VM) (DiskOffering, bool) {
	disk, ok := c.diskOf(v, volumeData)
	if !ok {
		return DiskOffering{}, false
	}
	return c.DiskOfferings.Any(disk.DiskOfferingID)
}

// putPlace adds where a machine runs; only administrators see hosts.
func (c *Call) putPlace(o Obj, v VM) {
	root, hasRoot := c.diskOf(v, volumeRoot)
	if !hasRoot {
		delete(o, "rootdeviceid")
		delete(o, "rootdevicetype")
	}
	if !v.NeverStarted && v.State != VMError && root.PoolID != "" {
		o["pooltype"] = "NetworkFilesystem"
	}
	if len(v.Details) == 0 {
		// The server looks for them in the details and shows the defaults only of machines without any.
		o["bootmode"], o["boottype"] = "legacy", "Bios"
	}
	host, up := c.Hosts.Any(v.HostID)
	if up {
		o["hostcontrolstate"] = "Enabled"
	}
	if !c.Caller.Root() {
		delete(o, "arch")
		o["readonlydetails"] = "dataDiskController, rootDiskController"
		return
	}
	o["instancename"] = v.InstanceName
	if up {
		o["hostid"], o["hostname"] = host.ID, host.Name
	}
}

// restricted is a machine as some commands show it even to root administrators: as to users.
func restricted(o Obj) Obj {
	for _, field := range []string{"arch", "instancename", "hostid", "hostname"} {
		delete(o, field)
	}
	return o
}

// brief is a machine as commands about its cards and affinity groups show it: the basics, as with details=min.
func (c *Call) brief(id string) Obj {
	v, _ := c.VMs.Any(id)
	o := c.vmResponse(v)
	for _, field := range []string{"diskofferingid", "diskofferingname"} {
		delete(o, field)
	}
	return c.trimDetails(o, v, []string{"min"})
}

// vmTags are a machine's tags, which show less than those of other resources.
func (c *Call) vmTags(v VM) []Obj {
	tags := c.tagsOf("UserVm", v.ID)
	for _, t := range tags {
		delete(t, "domainpath")
	}
	return tags
}

// statsInterval is how often loads are collected unless the setting vm.stats.interval, in milliseconds, says otherwise.
const statsInterval = time.Minute

// measured reports whether the collector of loads has seen a machine up. It looks around every vm.stats.interval.
func (c *Call) measured(v VM, until time.Time) bool {
	every := statsInterval
	if ms, err := strconv.Atoi(c.Setting("vm.stats.interval")); err == nil {
		every = time.Duration(ms) * time.Millisecond
	}
	if v.FirstUp.IsZero() || every <= 0 {
		return false
	}
	return until.Truncate(every).After(v.FirstUp)
}

// putStats adds the measured load. A machine that is down keeps showing it, but as nothing.
func (c *Call) putStats(o Obj, v VM) {
	if !c.measured(v, c.Now()) {
		return
	}
	cpu := 0.0
	if m := c.Cloud.guestOf(v.ID); m != nil && v.State == VMRunning {
		cpu = m.CPU()
	}
	o["cpuused"] = strconv.FormatFloat(math.Round(cpu*100)/100, 'f', -1, 64) + "%"
	for _, field := range []string{"networkkbsread", "networkkbswrite", "diskkbsread", "diskkbswrite", "diskioread", "diskiowrite"} {
		o[field] = 0
	}
	kib := int64(v.Memory) << 10
	o["memorykbs"], o["memorytargetkbs"], o["memoryintfreekbs"] = kib, kib, kib*7/10
}

// hiddenDetails are kept from all but root administrators.
var hiddenDetails = []string{"Encrypted.Password", "deployvm", "rootdisksize", "cpuOvercommitRatio", "memoryOvercommitRatio", reservedFlag}

func (c *Call) visibleDetails(v VM) map[string]string {
	all := maps.Clone(detailsObj(v.Details))
	if !c.Caller.Root() {
		maps.DeleteFunc(all, func(k, _ string) bool { return slices.Contains(hiddenDetails, k) })
	}
	return all
}

func (c *Call) nicResponses(v VM) []Obj {
	out := []Obj{}
	for _, n := range v.NICs {
		o := c.nicResponse(n)
		if ip, ok := c.staticNATOf(v, func(p PublicIP) bool { return p.NetworkID == n.NetworkID }); ok {
			o["publicipid"], o["publicip"] = ip.ID, ip.Address
		}
		out = append(out, o)
	}
	return out
}

// nicResponse is a network card; plugged cards show their VLAN.
func (c *Call) nicResponse(n NIC) Obj {
	network, _ := c.Networks.Any(n.NetworkID)
	secondary := []Obj{}
	for _, s := range n.SecondaryIPs {
		secondary = append(secondary, Obj{"id": s.ID, "ipaddress": s.IPAddress})
	}
	o := Obj{"id": n.ID, "networkid": network.ID, "networkname": network.Name, "traffictype": "Guest", "type": network.Type, "isdefault": n.IsDefault,
		"macaddress": n.MAC, "secondaryip": secondary, "extradhcpoption": []Obj{}, "deviceid": strconv.Itoa(n.DeviceID)}
	o.Opt("netmask", network.Netmask).Opt("gateway", network.Gateway).Opt("ipaddress", n.IPAddress)
	if n.VLAN > 0 {
		uri := fmt.Sprintf("vlan://%d", n.VLAN)
		o["isolationuri"], o["broadcasturi"] = uri, uri
	}
	if v, ok := c.VPCs.Any(network.VPCID); ok {
		o["vpcid"], o["vpcname"] = v.ID, v.Name
	}
	return o
}

func (c *Call) groupsOf(v VM) []Obj {
	out := []Obj{}
	for _, id := range v.AffinityGroupIDs {
		if g, ok := c.AffinityGroups.Get(id); ok {
			out = append(out, c.affinityOfVM(g))
		}
	}
	return out
}

// jobOf marks an object as the result of the running job, as the server does for machines and volumes.
func (c *Call) jobOf(o Obj) Obj {
	if c.Job != nil {
		o["jobid"], o["jobstatus"] = c.Job.ID, 0
	}
	return o
}

func (c *Call) vmResult(id string) Obj {
	v, _ := c.VMs.Any(id)
	if v.Removed != nil {
		return Obj{"virtualmachine": c.vmResponse(v)}
	}
	return Obj{"virtualmachine": c.jobOf(c.vmResponse(v))}
}

func listVMs(c *Call) (any, error) {
	rows := c.VMs.Where(c.vmMatches)
	rows, err := Visible(c, rows)
	if err != nil {
		return nil, err
	}
	wanted := c.List("details")
	return Listing("virtualmachine", rows, func(v VM) Obj {
		o := c.vmResponse(v)
		if !c.Caller.Root() {
			delete(o, "displayvm")
		}
		return c.trimDetails(o, v, wanted)
	}), nil
}

// detailFields are the fields that a value of the parameter details stands for.
var detailFields = map[string][]string{
	"nics": {"nic", "ipaddress"}, "group": {"group", "groupid"}, "affgrp": {"affinitygroup"}, "secgrp": {"securitygroup"}, "tmpl": {"templatetype", "templateformat", "templatedisplaytext", "templatename", "templateid", "passwordenabled"},
	"servoff": {"serviceofferingid", "serviceofferingname", "cpunumber", "cpuspeed", "memory"}, "volume": {"rootdeviceid", "rootdevicetype"},
	"stats": {"cpuused", "networkkbsread", "networkkbswrite", "diskkbsread", "diskkbswrite", "diskioread", "diskiowrite", "memorykbs", "memorytargetkbs", "memoryintfreekbs"},
}

// joined reports whether the server finds a machine in more than one row of its view. It adds the cards of the second row
// without a look at the details that were asked for.
func (c *Call) joined(v VM) bool {
	disks := c.Volumes.Where(func(d Volume) bool { return d.VMID == v.ID })
	return len(v.NICs) > 1 || len(disks) > 1 || len(v.AffinityGroupIDs) > 1 || len(c.tagsOf("UserVm", v.ID)) > 1
}

// trimDetails leaves out what was not asked for; "min" asks for nothing beyond the basics.
func (c *Call) trimDetails(o Obj, v VM, wanted []string) Obj {
	if len(wanted) == 0 || slices.Contains(wanted, "all") {
		return o
	}
	for name, fields := range detailFields {
		if slices.Contains(wanted, name) || name == "nics" && c.joined(v) {
			continue
		}
		for _, f := range fields {
			switch o[f].(type) {
			case []Obj:
				o[f] = []Obj{}
			default:
				delete(o, f)
			}
		}
	}
	return o
}

func (c *Call) vmMatches(v VM) bool {
	nic, _ := v.DefaultNIC()
	if s := c.Str("state"); s != "" && !strings.EqualFold(s, v.State) {
		if !strings.EqualFold(s, "Present") || v.State == VMDestroyed || v.State == VMExpunging {
			return false
		}
	}
	if id := c.Str("networkid"); id != "" {
		if _, on := v.NICOn(id); !on {
			return false
		}
	}
	for _, param := range []string{"ipaddress", "vmipaddress"} {
		if ip := c.Str(param); ip != "" && !strings.Contains(nic.IPAddress, ip) {
			return false
		}
	}
	if kp := c.Str("keypair"); kp != "" && strings.Join(v.SSHKeys, ",") != kp {
		return false
	}
	if id := c.Str("affinitygroupid"); id != "" && !slices.Contains(v.AffinityGroupIDs, id) {
		return false
	}
	return c.named(v.ID, v.Name, v.DisplayName, v.State, v.InstanceName, nic.IPAddress) && c.is("zoneid", v.ZoneID) && c.is("templateid", v.TemplateID) && c.is("serviceofferingid", v.OfferingID) &&
		c.is("hostid", v.HostID) && c.is("groupid", v.GroupID) && c.is("autoscalevmgroupid", v.AutoScaleGroupID) && c.is("userid", v.UserID) &&
		c.is("userdataid", v.UserDataID) && c.isBool("displayvm", !v.HideDisplay) && c.isBool("haenable", v.HAEnabled) &&
		(!c.Has("hypervisor") || strings.EqualFold(c.Str("hypervisor"), v.Hypervisor)) && c.matchTags("UserVm", v.ID)
}

// affinityOfVM is a group as machines show it.
func (c *Call) affinityOfVM(g AffinityGroup) Obj {
	o := c.affinityResponse(g)
	for _, field := range []string{"type", "domain", "domainid", "domainpath", "virtualmachineIds"} {
		delete(o, field)
	}
	return o
}
