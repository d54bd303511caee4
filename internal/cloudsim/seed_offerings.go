package cloudsim

import (
	"fmt"
	"io/fs"
	"path"

	"github.com/moldctl/moldctl/internal/cloudsim/content"
	"github.com/moldctl/moldctl/internal/cloudsim/guest"
	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

func (s *seeder) sizes() error {
	for _, o := range s.file.ServiceOfferings {
		offering := ServiceOffering{Base: s.ServiceOfferings.BaseWithID(idOr(o.ID)), Name: o.Name, DisplayText: valueOr(o.DisplayText, o.Name),
			CPUNumber: o.CPUNumber, CPUSpeed: o.CPUSpeed, Memory: o.Memory, Customized: o.Customized, RootDiskSize: int64(o.RootDiskSize),
			OfferHA: o.OfferHA, DynamicScaling: o.DynamicScaling, HostTags: o.HostTags, DiskOfferingID: newUUID(), ProvisioningType: "thin"}
		if o.StorageTags != "" {
			offering.StorageTags = &o.StorageTags
		}
		s.ServiceOfferings.Put(offering)
	}
	for _, o := range s.file.DiskOfferings {
		s.DiskOfferings.Put(DiskOffering{Base: s.DiskOfferings.BaseWithID(idOr(o.ID)), Name: o.Name, DisplayText: valueOr(o.DisplayText, o.Name),
			Size: int64(o.Size), Customized: o.Customized, Tags: o.Tags})
	}
	return nil
}

func (s *seeder) offerings() error {
	var router []content.RouterService
	if err := content.Read("router-services", &router); err != nil {
		return err
	}
	declared := make(map[string][]Capability, len(router))
	for _, r := range router {
		declared[r.Name] = capabilities(r.Capabilities)
	}
	services := func(in []content.ServiceSpec) []Service {
		out := make([]Service, 0, len(in))
		for _, v := range in {
			service := Service{Name: v.Name, Provider: v.Provider}
			for _, c := range v.Capabilities {
				service.Offered = append(service.Offered, Capability(c))
			}
			if v.Provider == "VirtualRouter" || v.Provider == "VpcVirtualRouter" {
				service.Capabilities = declared[v.Name]
			}
			out = append(out, service)
		}
		return out
	}
	for _, o := range s.file.NetworkOfferings {
		s.NetworkOfferings.Put(NetworkOffering{Base: s.NetworkOfferings.BaseWithID(idOr(o.ID)), Name: o.Name, DisplayText: valueOr(o.DisplayText, o.Name),
			GuestIPType: o.GuestIPType, TrafficType: "Guest", State: o.State, Availability: o.Availability, IsDefault: o.Default,
			SpecifyVLAN: o.SpecifyVLAN, SpecifyIPRanges: o.SpecifyIPRanges, ConserveMode: o.ConserveMode, IsPersistent: o.Persistent,
			EgressDefaultPolicy: o.EgressDefaultPolicy, ForVPC: o.ForVPC, ForNSX: o.ForNSX, ForTungsten: o.ForTungsten,
			InternalLB: o.InternalLB, PublicAccess: o.PublicAccess, StretchedL2: o.StretchedL2, NetworkRate: o.NetworkRate,
			ServiceOfferingID: o.ServiceOfferingID, NetworkMode: o.NetworkMode, InternetProtocol: o.InternetProtocol, Services: services(o.Services)})
	}
	for _, o := range s.file.VPCOfferings {
		s.VPCOfferings.Put(VPCOffering{Base: s.VPCOfferings.BaseWithID(idOr(o.ID)), Name: o.Name, DisplayText: valueOr(o.DisplayText, o.Name), State: o.State,
			IsDefault: o.Default, Distributed: o.Distributed, Redundant: o.Redundant, RegionLevel: o.RegionLevel, ForNSX: o.ForNSX,
			NetworkMode: o.NetworkMode, Services: services(o.Services)})
	}
	return nil
}

// systems are the operating systems and the built-in counters. A category that a fresh installation has keeps its id.
func (s *seeder) systems() error {
	var known []struct{ ID, Name string }
	if err := content.Read("os-categories", &known); err != nil {
		return err
	}
	for _, k := range known {
		s.categories[k.Name] = k.ID
	}
	for _, o := range s.file.OSTypes {
		if s.categories[o.Category] == "" {
			s.categories[o.Category] = newUUID()
		}
		s.OSTypes.Put(OSType{Base: s.OSTypes.BaseWithID(idOr(o.ID)), Name: o.Name, CategoryID: s.categories[o.Category], CategoryName: o.Category})
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

// templates are the ready images. BaseImage names the file system package guest builds in; an image with files of its own
// has a disk beside it.
func (s *seeder) templates() error {
	for _, t := range s.file.Templates {
		os, ok := s.OSTypes.Find(func(o OSType) bool { return o.Name == t.OSType })
		if !ok {
			return fmt.Errorf("template %q: there is no OS type %q", t.Name, t.OSType)
		}
		owner, ok := s.Accounts.Find(func(a Account) bool { return a.Name == valueOr(t.Account, "system") })
		if !ok {
			return fmt.Errorf("template %q: there is no account %q", t.Name, t.Account)
		}
		row := Template{Base: s.Templates.BaseWithID(idOr(t.ID)), Owner: Owner{AccountID: owner.ID, DomainID: owner.DomainID},
			Name: t.Name, DisplayText: valueOr(t.DisplayText, t.Name), Format: t.Format, Hypervisor: t.Hypervisor, OSTypeID: os.ID,
			ZoneID: s.zones[valueOr(t.Zone, s.file.Zones[0].Name)], CrossZones: t.Zone == "", Status: "Download Complete", Ready: true,
			Public: t.Public, Featured: t.Featured, Extractable: t.Extractable, Type: t.Type, PasswordEnabled: t.PasswordEnabled,
			SSHKeyEnabled: t.SSHKeyEnabled, DynamicScaling: t.DynamicScaling, RequiresHVM: true, Bits: 64, Size: int64(t.Size) * gib,
			PhysicalSize: int64(t.PhysicalSize) * gib, Arch: "x86_64", URL: t.URL, BaseImage: t.Image, Bootable: true}
		for _, d := range t.Details {
			if row.Details == nil {
				row.Details = make(map[string]string)
			}
			row.Details[d.Key] = d.Value
		}
		if len(t.Tree) > 0 {
			row.DiskPath = "t-" + row.ID
			if err := s.image(row, t.Tree); err != nil {
				return fmt.Errorf("template %q: %w", t.Name, err)
			}
		}
		s.Templates.Put(row)
	}
	return nil
}

// image makes the disk of an image that has files of its own. It is there before anybody is told of the image; a kill in
// between leaves a disk that the next start sweeps away.
func (s *seeder) image(t Template, files []content.TreeFile) error {
	disk, err := guest.CreateDisk(diskPath(s.dir, t.DiskPath), t.BaseImage)
	if err != nil {
		return err
	}
	for _, f := range files {
		mode := fs.FileMode(f.Mode)
		if err := disk.MkdirAll(vfs.Root(), path.Dir(f.Path), 0o755); err != nil {
			return err
		}
		if err := disk.WriteFile(vfs.Root(), f.Path, f.Data, mode); err != nil {
			return err
		}
		if err := disk.Chmod(vfs.Root(), f.Path, mode); err != nil {
			return err
		}
	}
	if s.dir != "" {
		return disk.Close()
	}
	s.disks[t.DiskPath] = disk
	return nil
}

func capabilities(in []content.Capability) []Capability {
	var out []Capability
	for _, c := range in {
		out = append(out, Capability{Name: c.Name, Value: c.Value, CanChoose: c.CanChoose})
	}
	return out
}
