package cloudsim

import (
	"strconv"
	"strings"
)

// networkToChange is the network that parameter id names, if the caller may change it.
func (c *Call) networkToChange() (Network, error) {
	n, _ := c.Networks.Any(c.Str("id"))
	if n.Removed != nil {
		return n, Invalid("Network ID=%d doesn't exist", n.N)
	}
	return n, c.Own(n.Owner)
}

func startUpdateNetwork(c *Call) (string, error) {
	n, err := c.networkToChange()
	return n.ID, err
}

func updateNetworkJob(c *Call) (Obj, error) {
	n, err := c.networkToChange()
	if err != nil {
		return nil, err
	}
	n.Name, n.DisplayText = c.Or("name", n.Name), c.Or("displaytext", n.DisplayText)
	n.DNS1, n.DNS2 = c.Or("dns1", n.DNS1), c.Or("dns2", n.DNS2)
	n.HideDisplay = !c.Bool("displaynetwork", !n.HideDisplay)
	if d := c.Str("networkdomain"); d != "" {
		if err := checkDomain(d); err != nil {
			return nil, err
		}
		n.Domain = d
	}
	if id := c.Str("networkofferingid"); id != "" && id != n.OfferingID {
		o, _ := c.NetworkOfferings.Get(id)
		if o.ForVPC {
			return nil, Invalid("Can't update as the new offering is a vpc offering ")
		}
		old, _ := c.NetworkOfferings.Any(n.OfferingID)
		if o.GuestIPType != old.GuestIPType {
			return nil, Invalid("Can't upgrade from network offering %s to %s; check logs for more information", old.ID, o.ID)
		}
		n.OfferingID = o.ID
	}
	// The real server notes this on every update, asked for or not.
	details := map[string]string{"hideIpAddressUsage": strconv.FormatBool(c.Bool("hideipaddressusage", false))}
	for k, v := range n.Details {
		if _, set := details[k]; !set {
			details[k] = v
		}
	}
	n.Details = details
	c.Networks.Put(n)
	c.NetworkChanged(n.ID)
	return Obj{"network": c.networkResponse(n)}, nil
}

func startDeleteNetwork(c *Call) (string, error) {
	n, err := c.networkToChange()
	if err != nil {
		return "", err
	}
	if c.Bool("forced", false) && !c.Caller.Root() {
		return "", Denied("Delete network with 'forced' option can only be called by root admins")
	}
	return n.ID, nil
}

func deleteNetworkJob(c *Call) (Obj, error) {
	n, err := c.networkToChange()
	if err != nil {
		return nil, err
	}
	// Machines that are destroyed but not yet expunged still count.
	if _, used := c.VMs.Find(func(v VM) bool { _, on := v.NICOn(n.ID); return on }); used {
		return nil, Internal("Failed to delete network")
	}
	for r := range c.LBRules.All() {
		if r.NetworkID != n.ID {
			continue
		}
		if err := c.deletableLB(r); err != nil {
			return nil, err
		}
	}
	c.dropNetwork(n)
	return Success(), nil
}

// dropNetwork removes a network with its rules, addresses and router.
func (c *Call) dropNetwork(n Network) {
	for r := range c.LBRules.All() {
		if r.NetworkID == n.ID {
			c.forgetLB(r)
		}
	}
	for r := range c.Firewall.All() {
		if r.NetworkID == n.ID {
			c.forgetRule(r)
		}
	}
	for ip := range c.PublicIPs.All() {
		if ip.NetworkID == n.ID {
			c.leaveNetwork(ip)
		}
	}
	for r := range c.Routers.All() {
		if r.NetworkID == n.ID {
			c.Routers.Delete(r.ID)
		}
	}
	c.forgetRanges(n)
	c.forgetInside(n.ID)
	c.ForgetTags(n.ID)
	now := c.Now()
	n.Removed, n.State, n.VLAN = &now, "Destroy", 0
	c.Networks.Put(n)
	c.NetworkChanged(n.ID)
}

// leaveNetwork gives the address of a network that goes back; one of a VPC stays with the VPC.
func (c *Call) leaveNetwork(ip PublicIP) {
	if ip.VPCID == "" {
		c.freeIP(ip)
		return
	}
	ip.NetworkID = ""
	c.PublicIPs.Put(ip)
}

// deletableLB refuses a load balancer rule that an autoscale group uses.
func (c *Call) deletableLB(r LBRule) error {
	groups := len(c.AutoScaleGroups.Where(func(g AutoScaleGroup) bool { return g.LBRuleID == r.ID }))
	if groups > 0 {
		return Internal("Cannot delete load balancer rule %d because it is being used by %d Autoscale VM group.", r.N, groups)
	}
	return nil
}

// forgetLB removes a load balancer rule with all that belongs to it.
func (c *Call) forgetLB(r LBRule) {
	for p := range c.Stickiness.All() {
		if p.LBRuleID == r.ID {
			c.Stickiness.Delete(p.ID)
		}
	}
	c.forgetRelated(r.ID)
	c.ForgetTags(r.ID)
	c.LBRules.Delete(r.ID)
	c.NetworkChanged(r.NetworkID)
}

// forgetRelated removes the firewall rule that was opened with another rule.
func (c *Call) forgetRelated(ruleID string) {
	for r := range c.Firewall.All() {
		if r.RelatedID == ruleID {
			c.forgetRule(r)
		}
	}
}

// forgetRule removes a firewall, egress or port forwarding rule and the rule opened with it.
func (c *Call) forgetRule(r FirewallRule) {
	c.forgetRelated(r.ID)
	c.ForgetTags(r.ID)
	c.Firewall.Delete(r.ID)
	c.NetworkChanged(r.NetworkID)
}

func startRestartNetwork(c *Call) (string, error) {
	n, err := c.networkToChange()
	return n.ID, err
}

func restartNetworkJob(c *Call) (Obj, error) {
	n, err := c.networkToChange()
	if err != nil {
		return nil, err
	}
	if n.State != NetworkImplemented && n.State != NetworkSetup {
		return nil, Invalid("Network is not in the right state to be restarted. Correct states are: %s", strings.Join([]string{NetworkImplemented, NetworkSetup}, ", "))
	}
	c.ensureRouter(n)
	n.RestartRequired = false
	c.Networks.Put(n)
	c.NetworkChanged(n.ID)
	return Success(), nil
}

func listRouters(c *Call) (any, error) {
	rows, err := Visible(c, c.Routers.Where(func(r Router) bool {
		return c.named(r.ID, r.Name) && c.is("networkid", r.NetworkID) && c.is("zoneid", r.ZoneID) && c.is("state", r.State) &&
			c.is("hostid", r.HostID) && c.is("podid", r.PodID) && c.isBool("forvpc", false)
	}))
	if err != nil {
		return nil, err
	}
	return Listing("router", rows, c.routerResponse), nil
}

func (c *Call) routerResponse(r Router) Obj {
	n, _ := c.Networks.Any(r.NetworkID)
	zone, _ := c.Zones.Any(r.ZoneID)
	host, _ := c.Hosts.Any(r.HostID)
	pod, _ := c.Pods.Any(r.PodID)
	physical, _ := c.PhysicalNetworks.Any(n.PhysicalID)
	offering, _ := c.NetworkOfferings.Any(n.OfferingID)
	public := c.publicRange(r.ZoneID, r.PublicIP)
	o := Obj{"id": r.ID, "zoneid": zone.ID, "zonename": zone.Name, "dns1": zone.DNS1, "networkdomain": n.Domain,
		"gateway": public.Gateway, "name": r.Name, "podid": pod.ID, "podname": pod.Name, "hostid": host.ID, "hostname": host.Name,
		"hostcontrolstate": "Enabled", "hypervisor": host.Hypervisor, "linklocalip": r.LinkLocalIP, "linklocalmacaddress": r.LinkLocalMAC,
		"linklocalnetmask": "255.255.0.0", "publicip": r.PublicIP, "publicmacaddress": r.PublicMAC, "publicnetmask": public.Netmask,
		"publicnetworkid": physical.PublicNetworkID, "guestipaddress": r.GuestIP, "guestmacaddress": r.GuestMAC,
		"guestnetmask": n.Netmask, "guestnetworkid": n.ID, "guestnetworkname": n.Name, "templateid": physical.RouterTemplateID,
		"templatename": "SystemVM Template (KVM)", "linklocalnetworkid": physical.ControlNetworkID,
		"serviceofferingid": offering.ServiceOfferingID,
		"created":           timeText(r.Created), "state": r.State, "serviceofferingname": "System Offering For Software Router",
		"isredundantrouter": false, "redundantstate": "UNKNOWN", "version": "4.22.0", "scriptsversion": "4.22.0", "role": "VIRTUAL_ROUTER",
		"nic": []Obj{}, "requiresupgrade": false, "healthchecksfailed": false, "softwareversion": "4.22.0.0", "arch": "x86_64",
		"hasannotations": false}
	c.putOwner(o, r.Owner)
	return o
}
