package cloudsim

// Zone is a data centre.
type Zone struct {
	Base
	Name            string `json:"name"`
	DNS1            string `json:"dns1"`
	InternalDNS1    string `json:"internaldns1"`
	InternalDNS2    string `json:"internaldns2,omitempty"`
	GuestCIDR       string `json:"guestcidr"`
	NetworkType     string `json:"networktype"`
	AllocationState string `json:"allocationstate"`
	Token           string `json:"token"`
	DNS2            string `json:"dns2,omitempty"`
	Domain          string `json:"domain,omitempty"`
	SecurityGroups  bool   `json:"securitygroups,omitempty"` // its guests are kept apart by security groups
	LocalStorage    bool   `json:"localstorage,omitempty"`
}

// Pod is a rack row of a zone.
type Pod struct {
	Base
	Name    string `json:"name"`
	ZoneID  string `json:"zoneid"`
	Gateway string `json:"gateway"`
	Netmask string `json:"netmask"`
	StartIP string `json:"startip"`
	EndIP   string `json:"endip"`
	// AllocationState is Enabled unless it is set.
	AllocationState string `json:"allocationstate,omitempty"`
}

// Cluster is a set of like hosts in a pod.
type Cluster struct {
	Base
	Name       string `json:"name"`
	ZoneID     string `json:"zoneid"`
	PodID      string `json:"podid"`
	Hypervisor string `json:"hypervisor"`

	Arch            string `json:"arch,omitempty"`
	AllocationState string `json:"allocationstate,omitempty"` // Enabled if empty
	ManagedState    string `json:"managedstate,omitempty"`    // Managed if empty
}

// Host is a hypervisor host; CPU in MHz over all cores, memory in bytes.
type Host struct {
	Base
	Name       string `json:"name"`
	ZoneID     string `json:"zoneid"`
	PodID      string `json:"podid"`
	ClusterID  string `json:"clusterid"`
	Hypervisor string `json:"hypervisor"`
	IPAddress  string `json:"ipaddress"`
	Cores      int    `json:"cores"`
	CPUSpeed   int    `json:"cpuspeed"`
	Memory     int64  `json:"memory"`

	Tags          string `json:"tags,omitempty"`
	TagRule       bool   `json:"tagrule,omitempty"`
	ResourceState string `json:"resourcestate,omitempty"` // Enabled if empty
}

// PhysicalNetwork carries the zone's guest and public traffic.
type PhysicalNetwork struct {
	Base
	Name            string `json:"name"`
	ZoneID          string `json:"zoneid"`
	VLAN            string `json:"vlan"`            // "100-999"
	PublicNetworkID string `json:"publicnetworkid"` // the system network that public addresses belong to
	VlanID          string `json:"vlanid"`          // the public address range

	ControlNetworkID string `json:"controlnetworkid"` // of the routers' link-local addresses
	RouterTemplateID string `json:"routertemplateid"`

	Made      bool   `json:"made,omitempty"` // by a call, not by the installation
	State     string `json:"state,omitempty"`
	Isolation string `json:"isolation,omitempty"`
	Tags      string `json:"tags,omitempty"`
	Speed     string `json:"speed,omitempty"`
	DomainID  string `json:"domainid,omitempty"`
	Reach     string `json:"reach,omitempty"` // of broadcasts: POD or ZONE
}

// StoragePool is primary storage.
type StoragePool struct {
	Base
	Name      string `json:"name"`
	ZoneID    string `json:"zoneid"`
	PodID     string `json:"podid"`
	ClusterID string `json:"clusterid"`
	Capacity  int64  `json:"capacity"`

	State      string            `json:"state,omitempty"` // Up if empty
	Address    string            `json:"address,omitempty"`
	Path       string            `json:"path,omitempty"`
	Type       string            `json:"type,omitempty"`
	Scope      string            `json:"scope,omitempty"`
	Tags       string            `json:"tags,omitempty"`
	TagRule    bool              `json:"tagrule,omitempty"`
	Hypervisor string            `json:"hypervisor,omitempty"`
	Provider   string            `json:"provider,omitempty"`
	Details    map[string]string `json:"details,omitempty"`
	Stopped    []string          `json:"stopped,omitempty"` // machines to start again after its maintenance
}

// ServiceOffering is a size of machine. A customized offering leaves CPU, speed or memory to the deploy call (zero here).
type ServiceOffering struct {
	Base
	Name             string `json:"name"`
	DisplayText      string `json:"displaytext"`
	CPUNumber        int    `json:"cpunumber"`
	CPUSpeed         int    `json:"cpuspeed"`
	Memory           int    `json:"memory"` // MB
	Customized       bool   `json:"customized"`
	DynamicScaling   bool   `json:"dynamicscaling"`
	OfferHA          bool   `json:"offerha"`
	EncryptRoot      bool   `json:"encryptroot,omitempty"`
	RootDiskSize     int64  `json:"rootdisksize"` // GB; 0: the template's
	DiskOfferingID   string `json:"diskofferingid"`
	ProvisioningType string `json:"provisioningtype"`

	Made             bool              `json:"made,omitempty"` // by a call, not by the installation
	LimitCPUUse      bool              `json:"limitcpuuse,omitempty"`
	Volatile         bool              `json:"volatile,omitempty"`
	NetworkRate      int               `json:"networkrate,omitempty"`
	HostTags         string            `json:"hosttags,omitempty"`
	StorageTags      *string           `json:"storagetags,omitempty"`
	Details          map[string]string `json:"details,omitempty"` // limits of a size that is chosen: mincpunumber, …
	DomainIDs        []string          `json:"domainids,omitempty"`
	ZoneIDs          []string          `json:"zoneids,omitempty"`
	State            string            `json:"state,omitempty"`
	SortKey          int               `json:"sortkey,omitempty"`
	DiskOfferingName string            `json:"diskofferingname,omitempty"`
	DiskOfferingText string            `json:"diskofferingtext,omitempty"`
}

// DiskOffering is a size of data disk in GB; a customized one leaves it to the call.
type DiskOffering struct {
	Base
	Name        string `json:"name"`
	DisplayText string `json:"displaytext"`
	Size        int64  `json:"size"`
	Customized  bool   `json:"customized"`

	Hidden           bool             `json:"hidden,omitempty"`
	Tags             string           `json:"tags,omitempty"`
	ProvisioningType string           `json:"provisioningtype,omitempty"`
	StorageType      string           `json:"storagetype,omitempty"`
	Strict           bool             `json:"strict,omitempty"`
	Encrypt          bool             `json:"encrypt,omitempty"`
	Rates            map[string]int64 `json:"rates,omitempty"` // by the field of the answer
	DomainIDs        []string         `json:"domainids,omitempty"`
	ZoneIDs          []string         `json:"zoneids,omitempty"`
	State            string           `json:"state,omitempty"`
	SortKey          int              `json:"sortkey,omitempty"`
}

// Service is one service of a network offering, with the capabilities its provider declares and those the offering fixes.
type Service struct {
	Name         string       `json:"name"`
	Provider     string       `json:"provider"`
	Capabilities []Capability `json:"capabilities,omitempty"`
	Offered      []Capability `json:"offered,omitempty"`
}

// Capability is one declared ability of a service.
type Capability struct {
	Name      string `json:"name"`
	Value     string `json:"value"`
	CanChoose bool   `json:"canchoose"`
}

// NetworkOffering says what a network can do.
type NetworkOffering struct {
	Base
	Name                string    `json:"name"`
	DisplayText         string    `json:"displaytext"`
	GuestIPType         string    `json:"guestiptype"` // Isolated, Shared, L2
	TrafficType         string    `json:"traffictype"`
	State               string    `json:"state"`
	Availability        string    `json:"availability"`
	IsDefault           bool      `json:"isdefault"`
	SpecifyVLAN         bool      `json:"specifyvlan"`
	SpecifyIPRanges     bool      `json:"specifyipranges"`
	ConserveMode        bool      `json:"conservemode"`
	IsPersistent        bool      `json:"ispersistent"`
	EgressDefaultPolicy bool      `json:"egressdefaultpolicy"` // true: guests may reach out unless a rule forbids
	ForVPC              bool      `json:"forvpc"`
	ForNSX              bool      `json:"fornsx"`
	ForTungsten         bool      `json:"fortungsten"`
	InternalLB          bool      `json:"internallb"`
	PublicAccess        bool      `json:"publicaccess"`
	StretchedL2         bool      `json:"stretchedl2"`
	NetworkRate         int       `json:"networkrate"`
	ServiceOfferingID   string    `json:"serviceofferingid"`
	NetworkMode         string    `json:"networkmode,omitempty"`
	InternetProtocol    string    `json:"internetprotocol,omitempty"`
	Services            []Service `json:"services"`
	MaxConnections      int       `json:"maxconnections,omitempty"`
	DomainIDs           []string  `json:"domainids,omitempty"`
	ZoneIDs             []string  `json:"zoneids,omitempty"`
}

// Has reports whether the offering includes a service such as "Lb", "Firewall", "SourceNat".
func (o NetworkOffering) Has(service string) bool {
	for _, s := range o.Services {
		if s.Name == service {
			return true
		}
	}
	return false
}

// VPCOffering says what a VPC can do.
type VPCOffering struct {
	Base
	Name        string    `json:"name"`
	DisplayText string    `json:"displaytext"`
	State       string    `json:"state"`
	IsDefault   bool      `json:"isdefault"`
	Distributed bool      `json:"distributed"`
	Redundant   bool      `json:"redundant"`
	RegionLevel bool      `json:"regionlevel"`
	ForNSX      bool      `json:"fornsx"`
	NetworkMode string    `json:"networkmode,omitempty"`
	Services    []Service `json:"services"`
	DomainIDs   []string  `json:"domainids,omitempty"`
	ZoneIDs     []string  `json:"zoneids,omitempty"`
}

// OSType is a guest operating system.
type OSType struct {
	Base
	Name         string `json:"name"`
	CategoryID   string `json:"categoryid"`
	CategoryName string `json:"categoryname"`
	UserMade     bool   `json:"usermade,omitempty"`
}

// Setting is a changed global setting; its id is the setting's name. Unchanged settings are not in the table.
type Setting struct {
	Base
	Value string `json:"value"`
}
