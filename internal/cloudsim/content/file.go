package content

import "slices"

// File describes a cloud at its beginning. It is what a content file (YAML) holds; a section that a file leaves out is as in
// Default. The doc tags are the comments Print writes, and the reference in docs/clouds.md.
type File struct {
	Zones            []ZoneSpec            `yaml:"zones" doc:"Data centres, each with what is in it. The first one is what clients that ask for none get."`
	Domains          []DomainSpec          `yaml:"domains" doc:"Domains below ROOT, parents first."`
	Roles            []RoleSpec            `yaml:"roles" doc:"Roles beside the built-in ones (Root Admin, Resource Admin, Domain Admin, User, the two read-only ones)."`
	Accounts         []AccountSpec         `yaml:"accounts" doc:"Who may use the cloud. One of them must be an admin."`
	Settings         []SettingSpec         `yaml:"settings" doc:"Global settings that differ from their default, by name."`
	ServiceOfferings []ServiceOfferingSpec `yaml:"service_offerings" doc:"Sizes of machines."`
	DiskOfferings    []DiskOfferingSpec    `yaml:"disk_offerings" doc:"Sizes of data disks."`
	NetworkOfferings []NetworkOfferingSpec `yaml:"network_offerings" doc:"Kinds of networks."`
	VPCOfferings     []VPCOfferingSpec     `yaml:"vpc_offerings" doc:"Kinds of VPCs."`
	Templates        []TemplateSpec        `yaml:"templates" doc:"Images that machines are made from."`
	Networks         []NetworkSpec         `yaml:"networks" doc:"Networks that are there from the start, made as createNetwork makes them."`
	OSTypes          []OSTypeSpec          `yaml:"os_types" doc:"Guest operating systems. Categories are made of their names."`

	name string           // of the file, for messages
	at   map[any]position // where values stand, by pointer to them
}

// ZoneSpec is one zone.
type ZoneSpec struct {
	ID               string           `yaml:"id,omitempty" doc:"A fixed UUID; random if left out. Everything that has an id takes one."`
	Name             string           `yaml:"name,required"`
	NetworkType      string           `yaml:"network_type" default:"Advanced" enum:"Advanced,Basic" doc:"Advanced or Basic."`
	SecurityGroups   bool             `yaml:"security_groups" doc:"Security groups in an advanced zone; a basic one always has them."`
	AllocationState  string           `yaml:"allocation_state" default:"Enabled" enum:"Enabled,Disabled" doc:"Enabled or Disabled."`
	DNS1             string           `yaml:"dns1" default:"8.8.8.8" form:"ip"`
	DNS2             string           `yaml:"dns2,omitempty" form:"ip"`
	InternalDNS1     string           `yaml:"internal_dns1" default:"8.8.8.8" form:"ip"`
	GuestCIDR        string           `yaml:"guest_cidr" default:"10.1.1.0/24" form:"cidr" doc:"Addresses of isolated networks that ask for none."`
	NetworkDomain    string           `yaml:"network_domain,omitempty"`
	PhysicalNetworks []PhysicalSpec   `yaml:"physical_networks" doc:"The first one carries guest, public and management traffic."`
	PublicRanges     []RangeSpec      `yaml:"public_ranges" doc:"Public addresses. Those of 127.0.0.0/8 are reached as they are, others through a port of 127.0.0.1 (moldctl cloud open)."`
	Pods             []PodSpec        `yaml:"pods"`
	StoragePools     []PoolSpec       `yaml:"storage_pools,omitempty" doc:"Primary storage of the whole zone."`
	ImageStores      []ImageStoreSpec `yaml:"image_stores,omitempty" doc:"Secondary storage."`
}

// PhysicalSpec is a physical network.
type PhysicalSpec struct {
	ID   string `yaml:"id,omitempty"`
	Name string `yaml:"name,required"`
	VLAN string `yaml:"vlan" default:"100-999" form:"range" doc:"Numbers of guest VLANs, FROM-TO."`
}

// RangeSpec is a range of public addresses, both ends included.
type RangeSpec struct {
	ID      string `yaml:"id,omitempty"`
	Start   string `yaml:"start,required" form:"ip"`
	End     string `yaml:"end,required" form:"ip"`
	Gateway string `yaml:"gateway,required" form:"ip"`
	Netmask string `yaml:"netmask,required" form:"mask"`
	VLAN    string `yaml:"vlan" default:"untagged" doc:"A number, or untagged."`
}

// PodSpec is a pod.
type PodSpec struct {
	ID       string        `yaml:"id,omitempty"`
	Name     string        `yaml:"name,required"`
	Gateway  string        `yaml:"gateway" default:"172.16.0.1" form:"ip"`
	Netmask  string        `yaml:"netmask" default:"255.255.255.0" form:"mask"`
	StartIP  string        `yaml:"start_ip" default:"172.16.0.10" form:"ip"`
	EndIP    string        `yaml:"end_ip" default:"172.16.0.200" form:"ip"`
	Clusters []ClusterSpec `yaml:"clusters"`
}

// ClusterSpec is a cluster.
type ClusterSpec struct {
	ID           string     `yaml:"id,omitempty"`
	Name         string     `yaml:"name,required"`
	Hypervisor   string     `yaml:"hypervisor" default:"KVM" enum:"KVM,VMware,XenServer,Hyperv,Simulator" doc:"KVM, VMware, XenServer, Hyperv or Simulator."`
	Hosts        []HostSpec `yaml:"hosts"`
	StoragePools []PoolSpec `yaml:"storage_pools,omitempty" doc:"Primary storage."`
}

// HostSpec is a host.
type HostSpec struct {
	ID       string `yaml:"id,omitempty"`
	Name     string `yaml:"name,required"`
	IP       string `yaml:"ip" default:"172.16.0.2" form:"ip"`
	Cores    int    `yaml:"cores" default:"64" min:"1"`
	CPUSpeed int    `yaml:"cpu_speed" default:"2000" min:"1" doc:"MHz of one core."`
	Memory   int    `yaml:"memory" default:"256" min:"1" doc:"GiB."`
}

// PoolSpec is a pool of primary storage.
type PoolSpec struct {
	ID       string `yaml:"id,omitempty"`
	Name     string `yaml:"name,required"`
	Capacity int    `yaml:"capacity" default:"4096" min:"1" doc:"GiB."`
}

// ImageStoreSpec is secondary storage.
type ImageStoreSpec struct {
	ID   string `yaml:"id,omitempty"`
	Name string `yaml:"name,required"`
	URL  string `yaml:"url" default:"nfs://127.0.0.1/secondary"`
}

// DomainSpec is a domain below ROOT.
type DomainSpec struct {
	ID            string `yaml:"id,omitempty"`
	Path          string `yaml:"path,required" doc:"Its name behind those above it: ROOT/web, ROOT/web/shop."`
	NetworkDomain string `yaml:"network_domain,omitempty"`
}

// RoleSpec is a role.
type RoleSpec struct {
	ID          string     `yaml:"id,omitempty"`
	Name        string     `yaml:"name,required"`
	Type        string     `yaml:"type" default:"User" enum:"Admin,ResourceAdmin,DomainAdmin,User" doc:"Admin, ResourceAdmin, DomainAdmin or User."`
	Description string     `yaml:"description,omitempty"`
	Rules       []RuleSpec `yaml:"rules" doc:"The first one that fits a command decides; * stands for any text."`
}

// RuleSpec is one rule of a role.
type RuleSpec struct {
	Allow string `yaml:"allow,omitempty"`
	Deny  string `yaml:"deny,omitempty"`
}

// AccountSpec is an account.
type AccountSpec struct {
	ID            string      `yaml:"id,omitempty"`
	Name          string      `yaml:"name,required"`
	Type          string      `yaml:"type" default:"user" enum:"admin,domain-admin,user" doc:"admin, domain-admin or user."`
	Domain        string      `yaml:"domain" default:"ROOT" doc:"The path of its domain."`
	Role          string      `yaml:"role,omitempty" doc:"A role of the account's type; its usual one if left out."`
	NetworkDomain string      `yaml:"network_domain,omitempty"`
	Users         []UserSpec  `yaml:"users" doc:"Left out: one user who is called as the account."`
	Limits        []LimitSpec `yaml:"limits,omitempty" doc:"Most of each resource, where it is not the default."`
}

// UserSpec is a user of an account.
type UserSpec struct {
	ID        string `yaml:"id,omitempty"`
	Name      string `yaml:"name,required"`
	FirstName string `yaml:"first_name" default:"First"`
	LastName  string `yaml:"last_name" default:"Last"`
	Email     string `yaml:"email,omitempty" doc:"NAME@example.com if left out."`
	Password  string `yaml:"password" default:"password" doc:"For login."`
	APIKey    string `yaml:"api_key,omitempty" doc:"A fixed key pair; random if left out."`
	SecretKey string `yaml:"secret_key,omitempty"`
}

// LimitSpec is a limit of an account.
type LimitSpec struct {
	Resource string `yaml:"resource,required" enum:"user_vm,public_ip,volume,snapshot,template,project,network,vpc,cpu,memory,primary_storage,secondary_storage"`
	Max      int    `yaml:"max,required" min:"-1" doc:"-1 is without limit; memory in MiB, storage in GiB."`
}

// SettingSpec is a global setting.
type SettingSpec struct {
	Name  string `yaml:"name,required"`
	Value string `yaml:"value,required"`
}

// ServiceOfferingSpec is a size of machine.
type ServiceOfferingSpec struct {
	ID             string `yaml:"id,omitempty"`
	Name           string `yaml:"name,required"`
	DisplayText    string `yaml:"display_text,omitempty" doc:"The name if left out."`
	Customized     bool   `yaml:"customized,omitempty" doc:"CPUs, speed or memory that are 0 are left to the deploy call."`
	CPUNumber      int    `yaml:"cpu_number" min:"0"`
	CPUSpeed       int    `yaml:"cpu_speed" min:"0" doc:"MHz."`
	Memory         int    `yaml:"memory" min:"0" doc:"MiB."`
	RootDiskSize   int    `yaml:"root_disk_size,omitempty" min:"0" doc:"GiB; 0 is the template's."`
	OfferHA        bool   `yaml:"offer_ha,omitempty"`
	DynamicScaling bool   `yaml:"dynamic_scaling" default:"true"`
	HostTags       string `yaml:"host_tags,omitempty"`
	StorageTags    string `yaml:"storage_tags,omitempty"`
}

// DiskOfferingSpec is a size of data disk.
type DiskOfferingSpec struct {
	ID          string `yaml:"id,omitempty"`
	Name        string `yaml:"name,required"`
	DisplayText string `yaml:"display_text,omitempty"`
	Size        int    `yaml:"size" min:"0" doc:"GiB."`
	Customized  bool   `yaml:"customized,omitempty" doc:"The size is left to the call."`
	Tags        string `yaml:"tags,omitempty"`
}

// NetworkOfferingSpec is a kind of network.
type NetworkOfferingSpec struct {
	ID                  string        `yaml:"id,omitempty"`
	Name                string        `yaml:"name,required"`
	DisplayText         string        `yaml:"display_text,omitempty"`
	GuestIPType         string        `yaml:"guest_ip_type" default:"Isolated" enum:"Isolated,Shared,L2" doc:"Isolated, Shared or L2."`
	State               string        `yaml:"state" default:"Enabled" enum:"Enabled,Disabled"`
	Availability        string        `yaml:"availability" default:"Optional" enum:"Optional,Required"`
	Default             bool          `yaml:"default,omitempty" doc:"Came with the installation."`
	SpecifyVLAN         bool          `yaml:"specify_vlan,omitempty"`
	SpecifyIPRanges     bool          `yaml:"specify_ip_ranges,omitempty"`
	ConserveMode        bool          `yaml:"conserve_mode" default:"true" doc:"An address may serve several purposes."`
	Persistent          bool          `yaml:"persistent,omitempty"`
	EgressDefaultPolicy bool          `yaml:"egress_default_policy,omitempty" doc:"Guests may reach out unless a rule forbids."`
	ForVPC              bool          `yaml:"for_vpc,omitempty"`
	ForNSX              bool          `yaml:"for_nsx,omitempty"`
	ForTungsten         bool          `yaml:"for_tungsten,omitempty"`
	InternalLB          bool          `yaml:"internal_lb,omitempty"`
	PublicAccess        bool          `yaml:"public_access,omitempty"`
	StretchedL2         bool          `yaml:"stretched_l2,omitempty"`
	NetworkRate         int           `yaml:"network_rate" default:"200" min:"0"`
	NetworkMode         string        `yaml:"network_mode,omitempty"`
	InternetProtocol    string        `yaml:"internet_protocol,omitempty"`
	ServiceOfferingID   string        `yaml:"service_offering_id,omitempty" default:"26d318de-4781-4ed9-bb43-8cad793b7e5f" doc:"The system offering of its routers."`
	Services            []ServiceSpec `yaml:"services" doc:"What it does, and who does it. Services of VirtualRouter and VpcVirtualRouter really work."`
}

// VPCOfferingSpec is a kind of VPC.
type VPCOfferingSpec struct {
	ID          string        `yaml:"id,omitempty"`
	Name        string        `yaml:"name,required"`
	DisplayText string        `yaml:"display_text,omitempty"`
	State       string        `yaml:"state" default:"Enabled" enum:"Enabled,Disabled"`
	Default     bool          `yaml:"default,omitempty"`
	Distributed bool          `yaml:"distributed,omitempty"`
	Redundant   bool          `yaml:"redundant,omitempty"`
	RegionLevel bool          `yaml:"region_level,omitempty"`
	ForNSX      bool          `yaml:"for_nsx,omitempty"`
	NetworkMode string        `yaml:"network_mode,omitempty"`
	Services    []ServiceSpec `yaml:"services"`
}

// ServiceSpec is a service of an offering.
type ServiceSpec struct {
	Name         string           `yaml:"name,required"`
	Provider     string           `yaml:"provider,omitempty"`
	Capabilities []CapabilitySpec `yaml:"capabilities,omitempty" doc:"What the offering fixes."`
}

// CapabilitySpec is a capability that an offering fixes.
type CapabilitySpec struct {
	Name      string `yaml:"name,required"`
	Value     string `yaml:"value,omitempty"`
	CanChoose bool   `yaml:"can_choose,omitempty"`
}

// TemplateSpec is an image.
type TemplateSpec struct {
	ID              string       `yaml:"id,omitempty"`
	Name            string       `yaml:"name,required"`
	DisplayText     string       `yaml:"display_text,omitempty"`
	OSType          string       `yaml:"os_type,required" doc:"One of os_types."`
	Image           string       `yaml:"image" default:"rocky9" doc:"The system on it: rocky9, ubuntu2404, centos9 or alma9."`
	Folder          string       `yaml:"folder,omitempty" doc:"A folder beside this file; its files are put over the system."`
	Files           []FileSpec   `yaml:"files,omitempty" doc:"Files that are put over the system and the folder."`
	Zone            string       `yaml:"zone,omitempty" doc:"All zones if left out."`
	Account         string       `yaml:"account,omitempty" doc:"Who owns it; the system if left out."`
	Hypervisor      string       `yaml:"hypervisor" default:"KVM"`
	Format          string       `yaml:"format" default:"QCOW2"`
	Type            string       `yaml:"type" default:"BUILTIN" enum:"BUILTIN,USER,SYSTEM"`
	Size            int          `yaml:"size" default:"10" min:"1" doc:"GiB."`
	PhysicalSize    int          `yaml:"physical_size" default:"2" min:"1" doc:"GiB."`
	Public          bool         `yaml:"public" default:"true"`
	Featured        bool         `yaml:"featured" default:"true"`
	Extractable     bool         `yaml:"extractable,omitempty"`
	PasswordEnabled bool         `yaml:"password_enabled,omitempty"`
	SSHKeyEnabled   bool         `yaml:"ssh_key_enabled" default:"true"`
	DynamicScaling  bool         `yaml:"dynamic_scaling" default:"true"`
	URL             string       `yaml:"url,omitempty"`
	Details         []DetailSpec `yaml:"details,omitempty"`

	// Tree is what Folder and Files hold, filled in by Load.
	Tree []TreeFile `yaml:"-"`
}

// FileSpec is a file put into an image.
type FileSpec struct {
	Path    string `yaml:"path,required"`
	Content string `yaml:"content,omitempty"`
	From    string `yaml:"from,omitempty" doc:"Instead of content: a file beside this one."`
	Mode    string `yaml:"mode" default:"0644" form:"mode"`
}

// DetailSpec is a key and a value.
type DetailSpec struct {
	Key   string `yaml:"key,required"`
	Value string `yaml:"value,required"`
}

// TreeFile is one file of an image, ready to be written.
type TreeFile struct {
	Path string
	Data []byte
	Mode uint32
}

// NetworkSpec is a network that is there from the start.
type NetworkSpec struct {
	ID            string `yaml:"id,omitempty"`
	Name          string `yaml:"name,required"`
	DisplayText   string `yaml:"display_text,omitempty"`
	Zone          string `yaml:"zone,omitempty" doc:"The first zone if left out."`
	Offering      string `yaml:"offering,required" doc:"One of network_offerings."`
	Account       string `yaml:"account,omitempty" doc:"Who owns it; the first admin if left out."`
	Gateway       string `yaml:"gateway,omitempty" form:"ip"`
	Netmask       string `yaml:"netmask,omitempty" form:"mask"`
	StartIP       string `yaml:"start_ip,omitempty" form:"ip"`
	EndIP         string `yaml:"end_ip,omitempty" form:"ip"`
	VLAN          string `yaml:"vlan,omitempty"`
	NetworkDomain string `yaml:"network_domain,omitempty"`
}

// OSTypeSpec is a guest operating system.
type OSTypeSpec struct {
	ID       string `yaml:"id,omitempty"`
	Name     string `yaml:"name,required"`
	Category string `yaml:"category,required"`
}

// OSType is the first system of a name.
func (f *File) OSType(name string) (OSTypeSpec, bool) {
	at := slices.IndexFunc(f.OSTypes, func(o OSTypeSpec) bool { return o.Name == name })
	if at < 0 {
		return OSTypeSpec{}, false
	}
	return f.OSTypes[at], true
}
