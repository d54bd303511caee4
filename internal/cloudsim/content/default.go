package content

import "errors"

// Default is the content of a cloud for which none is given: what a fresh installation has, in one advanced zone.
func Default() (*File, error) {
	f := &File{at: make(map[any]position)}
	f.Zones = []ZoneSpec{defaultZone()}
	f.Accounts = []AccountSpec{
		{Name: "admin", Type: "admin", Domain: "ROOT", Users: []UserSpec{{Name: "admin", FirstName: "Admin", LastName: "User", Password: "password"}}},
		{Name: "user", Type: "user", Domain: "ROOT", Users: []UserSpec{{Name: "user", FirstName: "Plain", LastName: "User", Password: "password"}}},
	}
	f.Templates = defaultTemplates()
	return f, errors.Join(f.readSizes(), f.readOfferings(), f.readSystems())
}

func defaultZone() ZoneSpec {
	return ZoneSpec{Name: "zone-1", NetworkType: "Advanced", AllocationState: "Enabled", DNS1: "8.8.8.8", InternalDNS1: "8.8.8.8", GuestCIDR: "10.1.1.0/24",
		PhysicalNetworks: []PhysicalSpec{{Name: "physical-1", VLAN: "100-999"}},
		PublicRanges:     []RangeSpec{{Start: "127.66.0.2", End: "127.66.1.245", Gateway: "127.66.0.1", Netmask: "255.255.0.0", VLAN: "untagged"}},
		Pods: []PodSpec{{Name: "pod-1", Gateway: "172.16.0.1", Netmask: "255.255.255.0", StartIP: "172.16.0.10", EndIP: "172.16.0.200",
			Clusters: []ClusterSpec{{Name: "cluster-1", Hypervisor: "KVM",
				Hosts: []HostSpec{
					{Name: "host-1", IP: "172.16.0.2", Cores: 64, CPUSpeed: 2000, Memory: 256},
					{Name: "host-2", IP: "172.16.0.3", Cores: 64, CPUSpeed: 2000, Memory: 256}},
				StoragePools: []PoolSpec{{Name: "primary-1", Capacity: 4096}}}}}},
		ImageStores: []ImageStoreSpec{{Name: "secondary-1", URL: "nfs://127.0.0.1/secondary"}},
	}
}

func defaultTemplates() []TemplateSpec {
	var out []TemplateSpec
	for _, t := range []struct{ name, text, os, image string }{
		{"Rocky Linux 9", "Rocky Linux 9 (GenericCloud)", "Rocky Linux 9", "rocky9"},
		{"Ubuntu 24.04", "Ubuntu Server 24.04 LTS (cloud image)", "Ubuntu 24.04 LTS", "ubuntu2404"},
		{"CentOS 9", "CentOS Stream 9 (GenericCloud)", "CentOS Stream 9", "centos9"},
		{"AlmaLinux 9", "AlmaLinux 9 (GenericCloud)", "AlmaLinux 9", "alma9"},
	} {
		out = append(out, TemplateSpec{Name: t.name, DisplayText: t.text, OSType: t.os, Image: t.image, Hypervisor: "KVM", Format: "QCOW2",
			Type: "BUILTIN", Size: 10, PhysicalSize: 2, Public: true, Featured: true, SSHKeyEnabled: true, DynamicScaling: true})
	}
	return out
}

func (f *File) readSizes() error {
	var services []ServiceOffering
	var disks []DiskOffering
	if err := errors.Join(Read("service-offerings", &services), Read("disk-offerings", &disks)); err != nil {
		return err
	}
	for _, o := range services {
		f.ServiceOfferings = append(f.ServiceOfferings, ServiceOfferingSpec{ID: o.ID, Name: o.Name, DisplayText: o.DisplayText,
			CPUNumber: o.CPUNumber, CPUSpeed: o.CPUSpeed, Memory: o.Memory, DynamicScaling: o.DynamicScaling})
	}
	for _, o := range disks {
		f.DiskOfferings = append(f.DiskOfferings, DiskOfferingSpec{ID: o.ID, Name: o.Name, DisplayText: o.DisplayText, Size: int(o.Size), Customized: o.Customized})
	}
	return nil
}

func (f *File) readOfferings() error {
	var networks []NetworkOffering
	var vpcs []VPCOffering
	if err := errors.Join(Read("network-offerings", &networks), Read("vpc-offerings", &vpcs)); err != nil {
		return err
	}
	for _, o := range networks {
		f.NetworkOfferings = append(f.NetworkOfferings, NetworkOfferingSpec{ID: o.ID, Name: o.Name, DisplayText: o.DisplayText,
			GuestIPType: o.GuestIPType, State: o.State, Availability: o.Availability, Default: o.IsDefault, SpecifyVLAN: o.SpecifyVLAN,
			SpecifyIPRanges: o.SpecifyIPRanges, ConserveMode: o.ConserveMode, Persistent: o.IsPersistent,
			EgressDefaultPolicy: o.EgressDefaultPolicy, ForVPC: o.ForVPC, ForNSX: o.ForNSX, ForTungsten: o.ForTungsten,
			InternalLB: o.InternalLB, PublicAccess: o.PublicAccess, StretchedL2: o.StretchedL2, NetworkRate: o.NetworkRate,
			NetworkMode: o.NetworkMode, InternetProtocol: o.InternetProtocol, ServiceOfferingID: o.ServiceOfferingID, Services: serviceSpecs(o.Services)})
	}
	for _, o := range vpcs {
		f.VPCOfferings = append(f.VPCOfferings, VPCOfferingSpec{ID: o.ID, Name: o.Name, DisplayText: o.DisplayText, State: o.State, Default: o.IsDefault,
			Distributed: o.Distributed, Redundant: len(o.Name) > 9 && o.Name[:9] == "Redundant", RegionLevel: o.RegionLevel, ForNSX: o.ForNSX,
			NetworkMode: o.NetworkMode, Services: serviceSpecs(o.Services)})
	}
	return nil
}

func serviceSpecs(in []Service) []ServiceSpec {
	var out []ServiceSpec
	for _, s := range in {
		spec := ServiceSpec{Name: s.Name, Provider: s.Provider}
		for _, c := range s.Capabilities {
			spec.Capabilities = append(spec.Capabilities, CapabilitySpec(c))
		}
		out = append(out, spec)
	}
	return out
}

func (f *File) readSystems() error {
	var systems []OSType
	if err := Read("os-types", &systems); err != nil {
		return err
	}
	for _, o := range systems {
		f.OSTypes = append(f.OSTypes, OSTypeSpec{ID: o.ID, Name: o.Name, Category: o.CategoryName})
	}
	return nil
}
