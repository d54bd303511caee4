package cloudsim

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
)

// systemVMCommands are the cloud's own machines: for secondary storage, for consoles, and the routers of networks.
var systemVMCommands = map[string]command{
	"listSystemVms":   {run: listSystemVMs, id: kindSystemVM, rootOnly: true},
	"startSystemVm":   {start: startGiven, job: startSystemVMJob, id: kindSystemVM, rootOnly: true, event: "SSVM.START"},
	"stopSystemVm":    {start: startGiven, job: stopSystemVMJob, id: kindSystemVM, rootOnly: true, event: "SSVM.STOP"},
	"rebootSystemVm":  {start: startGiven, job: rebootSystemVMJob, id: kindSystemVM, rootOnly: true, event: "SSVM.REBOOT"},
	"destroySystemVm": {start: startGiven, job: destroySystemVMJob, id: kindSystemVM, rootOnly: true, event: "SSVM.DESTROY"},
	"migrateSystemVm": {start: startMigrateSystemVM, job: migrateSystemVMJob, rootOnly: true, kinds: map[string]kind{"virtualmachineid": kindSystemVM, "storageid": kindStoragePool}},
	"startRouter":     {start: startGiven, job: startRouterJob, id: kindRouter, queue: queueRouter, rootOnly: true, event: "ROUTER.START"},
	"stopRouter":      {start: startGiven, job: stopRouterJob, id: kindRouter, queue: queueRouter, rootOnly: true, event: "ROUTER.STOP"},
	"rebootRouter":    {start: startGiven, job: rebootRouterJob, id: kindRouter, queue: queueRouter, rootOnly: true, event: "ROUTER.REBOOT"},
	"destroyRouter":   {start: startGiven, job: destroyRouterJob, id: kindRouter, queue: queueRouter, rootOnly: true, event: "ROUTER.DESTROY"},
}

// putSystemVMs makes the two machines that every enabled zone with hosts runs.
func (c *Call) putSystemVMs(z Zone) {
	host, ok := c.Hosts.Find(func(h Host) bool { return h.ZoneID == z.ID })
	if !ok || z.AllocationState != hostEnabled {
		return
	}
	for _, k := range []struct{ kind, letter string }{{"secondarystoragevm", "s"}, {"consoleproxy", "v"}} {
		if _, there := c.SystemVMs.Find(func(s SystemVM) bool { return s.ZoneID == z.ID && s.Type == k.kind }); there {
			continue
		}
		s := SystemVM{Base: c.SystemVMs.NewBase(), Type: k.kind, ZoneID: z.ID, PodID: host.PodID, HostID: host.ID, State: VMRunning, PrivateIP: c.serverAddress(host.PodID),
			PrivateMAC: newMAC("1e:01"), LinkLocalIP: fmt.Sprintf("169.254.%d.%d", rand.IntN(254), 1+rand.IntN(250)), LinkLocalMAC: newMAC("0e:00")}
		s.Name = fmt.Sprintf("%s-%d-VM", k.letter, s.N)
		c.SystemVMs.Put(s)
	}
}

// serverAddress is the first address of a pod that no machine of the cloud's has.
func (c *Call) serverAddress(podID string) string {
	p, _ := c.Pods.Any(podID)
	from, err := netip.ParseAddr(p.StartIP)
	if err != nil {
		return ""
	}
	for a := from; a.String() != p.EndIP; a = a.Next() {
		if _, taken := c.SystemVMs.Find(func(s SystemVM) bool { return s.PrivateIP == a.String() }); !taken {
			return a.String()
		}
	}
	return ""
}

func listSystemVMs(c *Call) (any, error) {
	rows := c.SystemVMs.Where(func(s SystemVM) bool {
		return c.named(s.ID, s.Name) && c.is("zoneid", s.ZoneID) && c.is("podid", s.PodID) && c.is("hostid", s.HostID) && c.is("systemvmtype", s.Type) &&
			(!c.Has("state") || strings.EqualFold(c.Str("state"), s.State))
	})
	return Listing("systemvm", rows, c.systemVMResponse), nil
}

func (c *Call) systemVMResponse(s SystemVM) Obj {
	z, _ := c.Zones.Any(s.ZoneID)
	pod, _ := c.Pods.Any(s.PodID)
	physical, _ := c.PhysicalNetworks.Find(func(p PhysicalNetwork) bool { return p.ZoneID == z.ID })
	o := Obj{"id": s.ID, "systemvmtype": s.Type, "zoneid": z.ID, "zonename": z.Name, "dns1": z.DNS1, "gateway": pod.Gateway, "name": s.Name, "podid": pod.ID, "podname": pod.Name,
		"hypervisor": "KVM", "privateip": s.PrivateIP, "privatemacaddress": s.PrivateMAC, "privatenetmask": pod.Netmask, "linklocalip": s.LinkLocalIP,
		"linklocalmacaddress": s.LinkLocalMAC, "linklocalnetmask": "255.255.0.0", "templateid": physical.RouterTemplateID, "templatename": "SystemVM Template (KVM)",
		"created": timeText(s.Created), "state": s.State, "isdynamicallyscalable": false, "arch": "x86_64", "hasannotations": c.annotated("SYSTEM_VM", s.ID)}
	if h, ok := c.Hosts.Any(s.HostID); ok {
		o["hostid"], o["hostname"], o["hostcontrolstate"] = h.ID, h.Name, h.resourceState()
	}
	if s.State == VMRunning {
		o["agentstate"], o["version"] = "Up", "4.22.0.0"
	}
	if s.Type == "consoleproxy" {
		o["activeviewersessions"] = 0
	}
	return o.Opt("dns2", z.DNS2)
}

func (c *Call) systemVMNow() (SystemVM, error) {
	s, ok := c.SystemVMs.Get(c.EntityID)
	if !ok {
		return s, Invalid("unable to find a system vm with id %s", c.EntityID)
	}
	return s, nil
}

func startSystemVMJob(c *Call) (Obj, error) {
	s, err := c.systemVMNow()
	if err != nil {
		return nil, err
	}
	h, ok := c.Hosts.Find(func(h Host) bool { return h.ZoneID == s.ZoneID && c.usable(h) })
	if !ok {
		return nil, Fail(533, csServer, "No destination found for a deployment for %s", s.Name)
	}
	if s.State != VMRunning {
		s.State, s.HostID = VMRunning, h.ID
		c.SystemVMs.Put(s)
	}
	return Obj{"systemvm": c.systemVMResponse(s)}, nil
}

func stopSystemVMJob(c *Call) (Obj, error) {
	s, err := c.systemVMNow()
	if err != nil {
		return nil, err
	}
	s.State, s.HostID = VMStopped, ""
	c.SystemVMs.Put(s)
	return Obj{"systemvm": c.systemVMResponse(s)}, nil
}

func rebootSystemVMJob(c *Call) (Obj, error) {
	s, err := c.systemVMNow()
	if err != nil {
		return nil, err
	}
	if s.State != VMRunning {
		return nil, Fail(530, csServer, "Fail to reboot system vm")
	}
	return Obj{"systemvm": c.systemVMResponse(s)}, nil
}

// destroySystemVMJob destroys a machine; the cloud makes another one in its place.
func destroySystemVMJob(c *Call) (Obj, error) {
	s, err := c.systemVMNow()
	if err != nil {
		return nil, err
	}
	c.SystemVMs.Delete(s.ID)
	z, _ := c.Zones.Get(s.ZoneID)
	c.putSystemVMs(z)
	s.State = VMDestroyed
	return Obj{"systemvm": c.systemVMResponse(s)}, nil
}

func startMigrateSystemVM(c *Call) (string, error) {
	if !c.Has("hostid") && !c.Has("storageid") && !c.Bool("autoselect", true) {
		return "", Invalid("Either hostId or storageId must be specified")
	}
	return c.Str("virtualmachineid"), nil
}

func migrateSystemVMJob(c *Call) (Obj, error) {
	s, err := c.systemVMNow()
	if err != nil {
		return nil, err
	}
	to, named := c.Hosts.Get(c.Str("hostid"))
	if !named {
		to, named = c.Hosts.Find(func(h Host) bool { return h.ZoneID == s.ZoneID && h.ID != s.HostID && c.usable(h) })
	}
	switch {
	case s.State != VMRunning:
		return nil, Invalid("VM is not Running, unable to migrate the vm with specified id")
	case !named:
		return nil, Internal("Unable to find suitable destination to migrate VM %s", s.Name)
	case to.ID == s.HostID:
		return nil, Invalid("Cannot migrate VM, VM is already present on this host, please specify valid destination host to migrate the VM")
	}
	s.HostID = to.ID
	c.SystemVMs.Put(s)
	return Obj{"systemvm": c.systemVMResponse(s)}, nil
}

func queueRouter(c *Call) string {
	r, _ := c.Routers.Get(c.Str("id"))
	return queueNetwork(r.NetworkID)
}

func (c *Call) routerNow() (Router, error) {
	r, ok := c.Routers.Get(c.EntityID)
	if !ok {
		return r, Invalid("Unable to find router by id %s.", c.EntityID)
	}
	return r, nil
}

// setRouter changes a router's state; without a router that runs, a network's public addresses lead nowhere.
func (c *Call) setRouter(r Router, state string) Obj {
	r.State = state
	c.Routers.Put(r)
	c.NetworkChanged(r.NetworkID)
	return Obj{"router": c.routerResponse(r)}
}

func startRouterJob(c *Call) (Obj, error) {
	r, err := c.routerNow()
	if err != nil {
		return nil, err
	}
	return c.setRouter(r, VMRunning), nil
}

func stopRouterJob(c *Call) (Obj, error) {
	r, err := c.routerNow()
	if err != nil {
		return nil, err
	}
	return c.setRouter(r, VMStopped), nil
}

func rebootRouterJob(c *Call) (Obj, error) {
	r, err := c.routerNow()
	if err != nil {
		return nil, err
	}
	if r.State != VMRunning {
		return nil, Fail(534, csServer, "Unable to reboot domR, it is not in right state %s", r.State)
	}
	c.setRouter(r, VMStarting)
	if err := c.Wait(c.Scaled(routerStart)); err != nil {
		return nil, err
	}
	if r, err = c.routerNow(); err != nil {
		return nil, err
	}
	return c.setRouter(r, VMRunning), nil
}

// destroyRouterJob removes a router; it comes back when its network is restarted or a machine starts there.
func destroyRouterJob(c *Call) (Obj, error) {
	r, err := c.routerNow()
	if err != nil {
		return nil, err
	}
	c.Routers.Delete(r.ID)
	c.NetworkChanged(r.NetworkID)
	r.State = VMDestroyed
	return Obj{"router": c.routerResponse(r)}, nil
}

// wantsRouter reports whether a network works through a router.
func (t *Tables) wantsRouter(n Network) bool {
	o, _ := t.NetworkOfferings.Any(n.OfferingID)
	return n.Type != "L2" && o.Has("Dhcp")
}

// ensureRouter gives a network that is up the router it has lost.
func (c *Call) ensureRouter(n Network) {
	if n.State != NetworkImplemented || !c.wantsRouter(n) {
		return
	}
	if _, ok := c.Routers.Find(func(r Router) bool { return r.NetworkID == n.ID }); ok {
		return
	}
	ip, _ := c.PublicIPs.Find(func(p PublicIP) bool { return p.NetworkID == n.ID && p.SourceNAT })
	c.putRouter(n, ip.Address)
	c.setRouters([]string{n.ID}, VMRunning)
}
