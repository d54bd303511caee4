package cloudsim

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/moldctl/moldctl/internal/cloudsim/content"
)

const gib = int64(1) << 30

// seed fills an empty store with what a fresh installation has.
func seed(s *store, opts Options) error {
	for _, step := range []func(*store, Options) error{func(s *store, _ Options) error { seedACLs(s); return seedRoles(s) }, seedIdentity, seedZone, seedAddresses, seedOfferings, seedNetworkOfferings, seedSystems, seedTemplates} {
		if err := step(s, opts); err != nil {
			return err
		}
	}
	return nil
}

func seedIdentity(s *store, opts Options) error {
	root := Domain{Base: s.Domains.NewBase(), Name: "ROOT", Path: "ROOT"}
	s.Domains.Put(root)
	// Account 1 is the system's, so that admin is 2 as in a real installation ("i-2-5-VM", "cs2cloud.internal").
	s.Accounts.Put(Account{Base: s.Accounts.NewBase(), Name: "system", Type: AccountAdmin, DomainID: root.ID, State: "enabled"})
	s.Users.Put(User{Base: s.Users.NewBase(), Username: "system", FirstName: "system", LastName: "cloud", State: "enabled",
		AccountID: s.Accounts.Where(func(Account) bool { return true })[0].ID})
	for _, a := range []struct {
		name, first, last string
		kind              AccountType
	}{{"admin", "Admin", "User", AccountAdmin}, {"user", "Plain", "User", AccountUser}} {
		account := Account{Base: s.Accounts.NewBase(), Name: a.name, Type: a.kind, DomainID: root.ID, State: "enabled"}
		s.Accounts.Put(account)
		keys, ok := opts.UserKeys[a.name]
		if !ok {
			keys = Keys{APIKey: newSecret(), SecretKey: newSecret()}
		}
		u := User{Base: s.Users.NewBase(), Username: a.name, FirstName: a.first, LastName: a.last,
			Email: a.name + "@example.com", AccountID: account.ID, State: "enabled", APIKey: keys.APIKey, SecretKey: keys.SecretKey}
		u.PasswordHash = hashPassword(u.ID, "password") // as a fresh installation has it
		s.Users.Put(u)
	}
	if opts.AllowUserExpunge {
		s.Settings.Put(Setting{Base: s.Settings.BaseWithID("allow.user.expunge.recover.vm"), Value: "true"})
	}
	return nil
}

func seedZone(s *store, opts Options) error {
	zone := Zone{Base: s.Zones.NewBase(), Name: opts.Zone, DNS1: "8.8.8.8", InternalDNS1: "8.8.8.8", GuestCIDR: "10.1.1.0/24",
		NetworkType: "Advanced", AllocationState: "Enabled", Token: newUUID()}
	s.Zones.Put(zone)
	pod := Pod{Base: s.Pods.NewBase(), Name: "pod-1", ZoneID: zone.ID, Gateway: "172.16.0.1", Netmask: "255.255.255.0",
		StartIP: "172.16.0.10", EndIP: "172.16.0.200"}
	s.Pods.Put(pod)
	cluster := Cluster{Base: s.Clusters.NewBase(), Name: "cluster-1", ZoneID: zone.ID, PodID: pod.ID, Hypervisor: "KVM"}
	s.Clusters.Put(cluster)
	for i := 1; i <= 2; i++ {
		s.Hosts.Put(Host{Base: s.Hosts.NewBase(), Name: fmt.Sprintf("host-%d", i), ZoneID: zone.ID, PodID: pod.ID, ClusterID: cluster.ID,
			Hypervisor: "KVM", IPAddress: fmt.Sprintf("172.16.0.%d", 1+i), Cores: 64, CPUSpeed: 2000, Memory: 256 * gib})
	}
	s.StoragePools.Put(StoragePool{Base: s.StoragePools.NewBase(), Name: "primary-1", ZoneID: zone.ID, PodID: pod.ID, ClusterID: cluster.ID, Capacity: 4096 * gib})
	s.PhysicalNetworks.Put(PhysicalNetwork{Base: s.PhysicalNetworks.NewBase(), Name: "physical-1", ZoneID: zone.ID, VLAN: "100-999",
		PublicNetworkID: newUUID(), VlanID: newUUID(), ControlNetworkID: newUUID(), RouterTemplateID: newUUID()})
	return nil
}

// publicPool is how many addresses of the public range the cloud hands out at most.
const publicPool = 500

// seedAddresses makes the public addresses, all free. The first address of the range is its gateway.
func seedAddresses(s *store, opts Options) error {
	prefix, err := netip.ParsePrefix(opts.PublicRange)
	if err != nil || !prefix.Addr().Is4() {
		return fmt.Errorf("public range %q: want an IPv4 prefix such as 127.66.0.0/16", opts.PublicRange)
	}
	zone, _ := s.Zones.Find(func(Zone) bool { return true })
	a := prefix.Masked().Addr().Next().Next()
	for n := 0; n < publicPool && prefix.Contains(a.Next()); n++ {
		s.PublicIPs.Put(PublicIP{Base: s.PublicIPs.NewBase(), Address: a.String(), ZoneID: zone.ID, State: IPFree})
		a = a.Next()
	}
	return nil
}

func seedOfferings(s *store, _ Options) error {
	var services []content.ServiceOffering
	if err := content.Read("service-offerings", &services); err != nil {
		return err
	}
	services = append(services, content.ServiceOffering{ID: "4f6a0f0e-6f0d-4e5b-9d0e-3a0c2f1f5a11", Name: "Large Instance",
		DisplayText: "Large Instance", CPUNumber: 2, CPUSpeed: 2000, Memory: 4096, DynamicScaling: true, DiskOfferingID: "9a3b1c52-0c37-4f0e-8f5e-6d1c6d0f7b22"})
	for _, o := range services {
		s.ServiceOfferings.Put(ServiceOffering{Base: s.ServiceOfferings.BaseWithID(o.ID), Name: o.Name, DisplayText: o.DisplayText,
			CPUNumber: o.CPUNumber, CPUSpeed: o.CPUSpeed, Memory: o.Memory, DynamicScaling: o.DynamicScaling,
			DiskOfferingID: o.DiskOfferingID, ProvisioningType: "thin"})
	}
	var disks []content.DiskOffering
	if err := content.Read("disk-offerings", &disks); err != nil {
		return err
	}
	for _, o := range disks {
		s.DiskOfferings.Put(DiskOffering{Base: s.DiskOfferings.BaseWithID(o.ID), Name: o.Name, DisplayText: o.DisplayText, Size: o.Size, Customized: o.Customized})
	}
	return nil
}

func seedNetworkOfferings(s *store, _ Options) error {
	var router []content.RouterService
	if err := content.Read("router-services", &router); err != nil {
		return err
	}
	declared := make(map[string][]Capability, len(router))
	for _, r := range router {
		declared[r.Name] = capabilities(r.Capabilities)
	}
	services := func(in []content.Service) []Service {
		out := make([]Service, 0, len(in))
		for _, v := range in {
			svc := Service{Name: v.Name, Provider: v.Provider, Offered: capabilities(v.Capabilities)}
			if v.Provider == "VirtualRouter" || v.Provider == "VpcVirtualRouter" {
				svc.Capabilities = declared[v.Name]
			}
			out = append(out, svc)
		}
		return out
	}
	var offerings []content.NetworkOffering
	if err := content.Read("network-offerings", &offerings); err != nil {
		return err
	}
	for _, o := range offerings {
		s.NetworkOfferings.Put(NetworkOffering{Base: s.NetworkOfferings.BaseWithID(o.ID), Name: o.Name, DisplayText: o.DisplayText,
			GuestIPType: o.GuestIPType, TrafficType: o.TrafficType, State: o.State, Availability: o.Availability, IsDefault: o.IsDefault,
			SpecifyVLAN: o.SpecifyVLAN, SpecifyIPRanges: o.SpecifyIPRanges, ConserveMode: o.ConserveMode, IsPersistent: o.IsPersistent,
			EgressDefaultPolicy: o.EgressDefaultPolicy, ForVPC: o.ForVPC, ForNSX: o.ForNSX, ForTungsten: o.ForTungsten,
			InternalLB: o.InternalLB, PublicAccess: o.PublicAccess, StretchedL2: o.StretchedL2, NetworkRate: o.NetworkRate,
			ServiceOfferingID: o.ServiceOfferingID, NetworkMode: o.NetworkMode, InternetProtocol: o.InternetProtocol, Services: services(o.Services)})
	}
	var vpcs []content.VPCOffering
	if err := content.Read("vpc-offerings", &vpcs); err != nil {
		return err
	}
	for _, o := range vpcs {
		s.VPCOfferings.Put(VPCOffering{Base: s.VPCOfferings.BaseWithID(o.ID), Name: o.Name, DisplayText: o.DisplayText, State: o.State,
			IsDefault: o.IsDefault, Distributed: o.Distributed, Redundant: strings.HasPrefix(o.Name, "Redundant"), RegionLevel: o.RegionLevel, ForNSX: o.ForNSX,
			NetworkMode: o.NetworkMode, Services: services(o.Services)})
	}
	return nil
}

func capabilities(in []content.Capability) []Capability {
	var out []Capability
	for _, c := range in {
		out = append(out, Capability{Name: c.Name, Value: c.Value, CanChoose: c.CanChoose})
	}
	return out
}

func seedSystems(s *store, _ Options) error {
	var types []content.OSType
	if err := content.Read("os-types", &types); err != nil {
		return err
	}
	for _, o := range types {
		s.OSTypes.Put(OSType{Base: s.OSTypes.BaseWithID(o.ID), Name: o.Name, CategoryID: o.CategoryID, CategoryName: o.CategoryName})
	}
	var counters []content.Counter
	if err := content.Read("counters", &counters); err != nil {
		return err
	}
	for _, o := range counters {
		s.Counters.Put(Counter{Base: s.Counters.BaseWithID(o.ID), Name: o.Name, Provider: o.Provider, Source: o.Source, Value: o.Value})
	}
	return nil
}

// seedTemplates makes the ready images. BaseImage names the file system package guest builds in.
func seedTemplates(s *store, _ Options) error {
	zone, _ := s.Zones.Find(func(Zone) bool { return true })
	system, _ := s.Accounts.Find(func(a Account) bool { return a.Name == "system" })
	for _, t := range []struct{ name, text, os, image string }{
		{"Rocky Linux 9", "Rocky Linux 9 (GenericCloud)", "Rocky Linux 9", "rocky9"},
		{"Ubuntu 24.04", "Ubuntu Server 24.04 LTS (cloud image)", "Ubuntu 24.04 LTS", "ubuntu2404"},
		{"CentOS 9", "CentOS Stream 9 (GenericCloud)", "CentOS Stream 9", "centos9"},
		{"AlmaLinux 9", "AlmaLinux 9 (GenericCloud)", "AlmaLinux 9", "alma9"},
	} {
		os, ok := s.OSTypes.Find(func(o OSType) bool { return o.Name == t.os })
		if !ok {
			return fmt.Errorf("start content: no OS type %q", t.os)
		}
		s.Templates.Put(Template{Base: s.Templates.NewBase(), Owner: Owner{AccountID: system.ID, DomainID: system.DomainID},
			Name: t.name, DisplayText: t.text, Format: "QCOW2", Hypervisor: "KVM", OSTypeID: os.ID, ZoneID: zone.ID,
			Status: "Download Complete", Ready: true, Public: true, Featured: true, CrossZones: true, Type: "BUILTIN",
			PasswordEnabled: false, SSHKeyEnabled: true, DynamicScaling: true, RequiresHVM: true, Bits: 64, Size: 10 * gib,
			PhysicalSize: 2 * gib, Arch: "x86_64", BaseImage: t.image, Bootable: true})
	}
	return nil
}
