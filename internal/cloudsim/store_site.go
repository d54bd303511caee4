package cloudsim

import (
	"time"
)

// SiteTables are what the operator of a cloud has beside zones, pods, clusters and hosts.
type SiteTables struct {
	TrafficTypes     *Table[TrafficType]
	NetworkProviders *Table[NetworkProvider]
	AddressRanges    *Table[AddressRange]
	GuestVLANs       *Table[GuestVLANRange]
	PortableRanges   *Table[PortableRange]
	ServerRanges     *Table[ServerRange]
	ImageStores      *Table[ImageStore]
	Dedications      *Table[Dedication]
	OSCategories     *Table[OSCategory]
	OSMappings       *Table[OSMapping]
	HypervisorCaps   *Table[HypervisorCaps]
	SystemVMs        *Table[SystemVM]
	Alerts           *Table[Alert]
	Details          *Table[Detail]
	Annotations      *Table[Annotation]
}

func newSiteTables(s *store) SiteTables {
	return SiteTables{
		TrafficTypes:     addTable[TrafficType](s, "traffictype", 1),
		NetworkProviders: addTable[NetworkProvider](s, "networkprovider", 1),
		AddressRanges:    addTable[AddressRange](s, "addressrange", 1),
		GuestVLANs:       addTable[GuestVLANRange](s, "guestvlanrange", 1),
		PortableRanges:   addTable[PortableRange](s, "portablerange", 1),
		ServerRanges:     addTable[ServerRange](s, "serverrange", 1),
		ImageStores:      addTable[ImageStore](s, "imagestore", 1),
		Dedications:      addTable[Dedication](s, "dedication", 1),
		OSCategories:     addTable[OSCategory](s, "oscategory", 100),
		OSMappings:       addTable[OSMapping](s, "osmapping", 1),
		HypervisorCaps:   addTable[HypervisorCaps](s, "hypervisorcaps", 1),
		SystemVMs:        addTable[SystemVM](s, "systemvm", 1),
		Alerts:           addTable[Alert](s, "alert", 1),
		Details:          addTable[Detail](s, "detail", 1),
		Annotations:      addTable[Annotation](s, "annotation", 1),
	}
}

// TrafficType is one kind of traffic that a physical network carries, with the bridges it takes on hosts.
type TrafficType struct {
	Base
	PhysicalID string            `json:"physicalid"`
	Type       string            `json:"type"` // Guest, Management, Public, Storage
	Labels     map[string]string `json:"labels,omitempty"`
	VLAN       string            `json:"vlan,omitempty"`
}

// NetworkProvider is an element that serves a physical network.
type NetworkProvider struct {
	Base
	PhysicalID string   `json:"physicalid"`
	Name       string   `json:"name"`
	State      string   `json:"state"` // Enabled, Disabled, Shutdown
	Services   []string `json:"services"`
	ElementID  string   `json:"elementid,omitempty"` // of the virtual router element behind it
	Configured bool     `json:"configured,omitempty"`
}

// AddressRange is a range of addresses of a VLAN: public, or a shared network's. Owner is set while it is dedicated.
type AddressRange struct {
	Base
	Owner
	ZoneID     string `json:"zoneid"`
	PhysicalID string `json:"physicalid"`
	NetworkID  string `json:"networkid"` // the system network of public ranges, or the shared network
	PodID      string `json:"podid,omitempty"`
	VLAN       string `json:"vlan"` // vlan://51, vlan://untagged
	Gateway    string `json:"gateway"`
	Netmask    string `json:"netmask"`
	StartIP    string `json:"startip"`
	EndIP      string `json:"endip"`
	Guest      bool   `json:"guest,omitempty"` // a shared network's, not public
	ForSystem  bool   `json:"forsystem,omitempty"`
}

// GuestVLANRange is a range of guest VLANs kept for one account.
type GuestVLANRange struct {
	Base
	Owner
	PhysicalID string `json:"physicalid"`
	From       int    `json:"from"`
	To         int    `json:"to"`
}

// PortableRange is a range of public addresses that can move between the zones of a region.
type PortableRange struct {
	Base
	RegionID int    `json:"regionid"`
	VLAN     string `json:"vlan"`
	Gateway  string `json:"gateway"`
	Netmask  string `json:"netmask"`
	StartIP  string `json:"startip"`
	EndIP    string `json:"endip"`
}

// ServerRange is a range of a pod's addresses: for management beyond the pod's first one, or for storage.
type ServerRange struct {
	Base
	Purpose   string `json:"purpose"` // management, storage
	ZoneID    string `json:"zoneid"`
	PodID     string `json:"podid"`
	Gateway   string `json:"gateway"`
	Netmask   string `json:"netmask"`
	StartIP   string `json:"startip"`
	EndIP     string `json:"endip"`
	VLAN      string `json:"vlan,omitempty"`
	ForSystem bool   `json:"forsystem,omitempty"`
}

// ImageStore is secondary storage. A staging store is a cache in front of an object store.
type ImageStore struct {
	Base
	Name     string            `json:"name"`
	ZoneID   string            `json:"zoneid,omitempty"`
	URL      string            `json:"url"`
	Protocol string            `json:"protocol"`
	Provider string            `json:"provider"`
	Scope    string            `json:"scope"` // ZONE, REGION
	Total    int64             `json:"total"`
	ReadOnly bool              `json:"readonly,omitempty"`
	Staging  bool              `json:"staging,omitempty"`
	Details  map[string]string `json:"details,omitempty"`
}

// Dedication keeps a zone, pod, cluster or host for one domain or account. ResourceID is what it keeps.
type Dedication struct {
	Base
	Owner
	Kind            string `json:"kind"` // zone, pod, cluster, host
	ResourceID      string `json:"resourceid"`
	AffinityGroupID string `json:"affinitygroupid"`
}

// OSCategory is a category of operating systems made by a call; those of the installation are in the OS types themselves.
// One with the id of such a category changes how it is shown.
type OSCategory struct {
	Base
	Name     string `json:"name"`
	Featured bool   `json:"featured"`
	SortKey  int    `json:"sortkey,omitempty"`
}

// OSMapping is what a hypervisor calls an operating system.
type OSMapping struct {
	Base
	OSTypeID   string `json:"ostypeid"`
	Hypervisor string `json:"hypervisor"`
	Version    string `json:"version"`
	OSName     string `json:"osname"` // on the hypervisor
	UserMade   bool   `json:"usermade,omitempty"`
}

// HypervisorCaps are the bounds of a hypervisor's version.
type HypervisorCaps struct {
	Base
	Hypervisor  string `json:"hypervisor"`
	Version     string `json:"version"`
	MaxGuests   int64  `json:"maxguests"`
	MaxVolumes  int    `json:"maxvolumes"`
	MaxHosts    int    `json:"maxhosts,omitempty"`
	StorageMove bool   `json:"storagemove"`
	VMSnapshot  bool   `json:"vmsnapshot"`
	SecurityOn  bool   `json:"securityon"`
}

// SystemVM is a secondary storage machine or a console proxy.
type SystemVM struct {
	Base
	Name         string `json:"name"`
	Type         string `json:"type"` // secondarystoragevm, consoleproxy
	ZoneID       string `json:"zoneid"`
	PodID        string `json:"podid"`
	HostID       string `json:"hostid,omitempty"`
	State        string `json:"state"`
	PublicIP     string `json:"publicip"`
	PublicMAC    string `json:"publicmac"`
	PrivateIP    string `json:"privateip"`
	PrivateMAC   string `json:"privatemac"`
	LinkLocalIP  string `json:"linklocalip"`
	LinkLocalMAC string `json:"linklocalmac"`
	OfferingID   string `json:"offeringid,omitempty"`
}

// Alert is a message to the operator.
type Alert struct {
	Base
	Type        int       `json:"type"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	ZoneID      string    `json:"zoneid,omitempty"`
	PodID       string    `json:"podid,omitempty"`
	Sent        time.Time `json:"sent"`
	Archived    bool      `json:"archived,omitempty"`
}

// Detail is a key and value of a resource that has no field for it. Its own resource types' details live in their rows.
type Detail struct {
	Base
	ResourceType string `json:"resourcetype"`
	ResourceID   string `json:"resourceid"`
	Key          string `json:"key"`
	Value        string `json:"value"`
	HideDisplay  bool   `json:"hidedisplay,omitempty"`
}

// Annotation is a note of an administrator's on something.
type Annotation struct {
	Base
	Text       string `json:"text"`
	UserID     string `json:"userid"`
	EntityID   string `json:"entityid"`
	EntityType string `json:"entitytype"`
	AdminsOnly bool   `json:"adminsonly,omitempty"`
}
