package cloudsim

import "time"

// States of a machine.
const (
	VMStarting  = "Starting"
	VMRunning   = "Running"
	VMStopping  = "Stopping"
	VMStopped   = "Stopped"
	VMDestroyed = "Destroyed"
	VMExpunging = "Expunging"
	VMError     = "Error"
)

// VM is a user's machine. An expunged one is removed (Base.Removed) with state Expunging.
type VM struct {
	Base
	Owner
	Name             string            `json:"name"` // host name
	DisplayName      string            `json:"displayname"`
	InstanceName     string            `json:"instancename"` // i-2-5-VM
	UserID           string            `json:"userid"`
	State            string            `json:"state"`
	LastUpdated      time.Time         `json:"lastupdated"`
	FirstUp          time.Time         `json:"firstup,omitzero"` // when it came up for the first time: its load is measured since
	ZoneID           string            `json:"zoneid"`
	HostID           string            `json:"hostid,omitempty"`
	LastHostID       string            `json:"lasthostid,omitempty"`
	TemplateID       string            `json:"templateid"`
	OfferingID       string            `json:"offeringid"`
	OSTypeID         string            `json:"ostypeid"`
	CPUNumber        int               `json:"cpunumber"`
	CPUSpeed         int               `json:"cpuspeed"`
	Memory           int               `json:"memory"`
	NICs             []NIC             `json:"nics"`
	Details          map[string]string `json:"details,omitempty"`
	UserData         string            `json:"userdata,omitempty"` // base64 as given
	UserDataID       string            `json:"userdataid,omitempty"`
	UserDataDetails  string            `json:"userdatadetails,omitempty"`
	SSHKeys          []string          `json:"sshkeys,omitempty"` // names of the owner's key pairs
	PublicKeys       []string          `json:"publickeys,omitempty"`
	Password         string            `json:"password,omitempty"`
	PasswordEnabled  bool              `json:"passwordenabled,omitempty"`
	GroupID          string            `json:"groupid,omitempty"` // instance group
	AffinityGroupIDs []string          `json:"affinitygroupids,omitempty"`
	AutoScaleGroupID string            `json:"autoscalegroupid,omitempty"`
	HAEnabled        bool              `json:"haenabled,omitempty"`
	HideDisplay      bool              `json:"hidedisplay,omitempty"`
	DynamicScaling   bool              `json:"dynamicscaling,omitempty"`
	DeleteProtection bool              `json:"deleteprotection,omitempty"`
	NeverStarted     bool              `json:"neverstarted,omitempty"`
	InstanceID       string            `json:"instanceid,omitempty"` // cloud-init's instance id: new on deploy and reset
	Hypervisor       string            `json:"hypervisor"`
	BootType         string            `json:"boottype,omitempty"`
	BootMode         string            `json:"bootmode,omitempty"`
	SecurityGroupIDs []string          `json:"securitygroupids,omitempty"`
	ISOID            string            `json:"isoid,omitempty"` // in its CD-ROM drive
}

// DefaultNIC is the machine's default network card; ok is false if it has none.
func (v VM) DefaultNIC() (nic NIC, ok bool) {
	for _, n := range v.NICs {
		if n.IsDefault {
			return n, true
		}
	}
	return NIC{}, false
}

// NICOn is the machine's card on a network.
func (v VM) NICOn(networkID string) (nic NIC, ok bool) {
	for _, n := range v.NICs {
		if n.NetworkID == networkID {
			return n, true
		}
	}
	return NIC{}, false
}

// NIC is a network card of a machine.
type NIC struct {
	ID           string        `json:"id"`
	N            int64         `json:"n"`
	NetworkID    string        `json:"networkid"`
	IPAddress    string        `json:"ipaddress"`
	MAC          string        `json:"mac"`
	DeviceID     int           `json:"deviceid"`
	IsDefault    bool          `json:"isdefault"`
	VLAN         int           `json:"vlan,omitempty"` // of its network, while it is plugged in
	SecondaryIPs []SecondaryIP `json:"secondaryips,omitempty"`
}

// SecondaryIP is a further address of a network card.
type SecondaryIP struct {
	ID        string `json:"id"`
	IPAddress string `json:"ipaddress"`
}

// Volume is a disk; size in bytes. VMID is empty while detached.
type Volume struct {
	Base
	Owner
	Name             string     `json:"name"`
	Type             string     `json:"type"` // ROOT, DATADISK
	State            string     `json:"state"`
	Size             int64      `json:"size"`
	ZoneID           string     `json:"zoneid"`
	PoolID           string     `json:"poolid,omitempty"`
	VMID             string     `json:"vmid,omitempty"`
	DeviceID         *int       `json:"deviceid,omitempty"`
	TemplateID       string     `json:"templateid,omitempty"`
	SnapshotID       string     `json:"snapshotid,omitempty"`
	OfferingID       string     `json:"offeringid,omitempty"`     // service offering of a ROOT volume
	DiskOfferingID   string     `json:"diskofferingid,omitempty"` // of a data disk
	Path             string     `json:"path,omitempty"`
	AttachedAt       *time.Time `json:"attachedat,omitempty"`
	HideDisplay      bool       `json:"hidedisplay,omitempty"`
	DeleteProtection bool       `json:"deleteprotection,omitempty"`
	DiskPath         string     `json:"diskpath,omitempty"` // folder of the guest's file system under the cloud's folder
}

// Template is an image machines are made from. Owner is the system account for built-in ones.
type Template struct {
	Base
	Owner
	Name               string            `json:"name"`
	DisplayText        string            `json:"displaytext"`
	ISO                bool              `json:"iso,omitempty"`
	Format             string            `json:"format"`
	Hypervisor         string            `json:"hypervisor"`
	OSTypeID           string            `json:"ostypeid"`
	ZoneID             string            `json:"zoneid"`
	OtherZoneIDs       []string          `json:"otherzoneids,omitempty"` // it was copied to
	Status             string            `json:"status"`                 // "Download Complete"
	Ready              bool              `json:"ready"`
	Public             bool              `json:"public"`
	Featured           bool              `json:"featured"`
	Extractable        bool              `json:"extractable"`
	CrossZones         bool              `json:"crosszones"`
	PasswordEnabled    bool              `json:"passwordenabled"`
	SSHKeyEnabled      bool              `json:"sshkeyenabled"`
	DynamicScaling     bool              `json:"dynamicscaling"`
	RequiresHVM        bool              `json:"requireshvm"`
	DirectDownload     bool              `json:"directdownload,omitempty"`
	Type               string            `json:"type"` // SYSTEM, BUILTIN, USER
	Bits               int               `json:"bits"`
	Size               int64             `json:"size"`
	PhysicalSize       int64             `json:"physicalsize"`
	Checksum           string            `json:"checksum"`
	URL                string            `json:"url,omitempty"`
	Arch               string            `json:"arch"`
	Details            map[string]string `json:"details,omitempty"`
	SourceTemplateID   string            `json:"sourcetemplateid,omitempty"`
	UserDataID         string            `json:"userdataid,omitempty"`
	UserDataName       string            `json:"userdataname,omitempty"`
	UserDataPolicy     string            `json:"userdatapolicy,omitempty"`
	PermittedAccounts  []string          `json:"permittedaccounts,omitempty"` // account ids
	SortKey            int               `json:"sortkey,omitempty"`
	DiskPath           string            `json:"diskpath,omitempty"`  // folder of the image's files under the cloud's folder
	BaseImage          string            `json:"baseimage,omitempty"` // built-in image of package guest
	FromVolumeID       string            `json:"fromvolumeid,omitempty"`
	FromSnapshotID     string            `json:"fromsnapshotid,omitempty"`
	ForCKS             bool              `json:"forcks,omitempty"`
	DeployAsIs         bool              `json:"deployasis,omitempty"`
	TemplateTag        string            `json:"templatetag,omitempty"`
	Bootable           bool              `json:"bootable,omitempty"`
	AccountNameDisplay string            `json:"accountname,omitempty"` // shown instead of the owner's name ("system")
}

// Snapshot is a copy of a volume at one moment.
type Snapshot struct {
	Base
	Owner
	Name       string `json:"name"`
	VolumeID   string `json:"volumeid"`
	VolumeName string `json:"volumename"`
	VolumeType string `json:"volumetype"`
	ZoneID     string `json:"zoneid"`
	State      string `json:"state"`
	Size       int64  `json:"size"`
	Interval   string `json:"interval"` // MANUAL
	Type       string `json:"type"`
	OSTypeID   string `json:"ostypeid,omitempty"`
	TemplateID string `json:"templateid,omitempty"` // of the volume
	BaseImage  string `json:"baseimage,omitempty"`
	DiskPath   string `json:"diskpath,omitempty"`

	OtherZoneIDs []string `json:"otherzoneids,omitempty"` // it was copied to
	PolicyID     string   `json:"policyid,omitempty"`     // the policy that made it
}

// VMSnapshot is a copy of a whole machine at one moment.
type VMSnapshot struct {
	Base
	Owner
	Name        string `json:"name"`
	DisplayName string `json:"displayname"`
	Description string `json:"description,omitempty"`
	VMID        string `json:"vmid"`
	ZoneID      string `json:"zoneid"`
	State       string `json:"state"`
	Type        string `json:"type"`
	Current     bool   `json:"current"`
	ParentID    string `json:"parentid,omitempty"`
	DiskPath    string `json:"diskpath,omitempty"`
}

// SSHKey is a registered public key; private keys are never kept.
type SSHKey struct {
	Base
	Owner
	Name        string `json:"name"`
	PublicKey   string `json:"publickey"`
	Fingerprint string `json:"fingerprint"`
}

// AffinityGroup keeps machines together or apart.
type AffinityGroup struct {
	Base
	Owner
	Name        string `json:"name"`
	Description string `json:"description"`
	Type        string `json:"type"`
}

// InstanceGroup is a label on machines.
type InstanceGroup struct {
	Base
	Owner
	Name string `json:"name"`
}

// UserDataEntry is registered user data, base64 as given.
type UserDataEntry struct {
	Base
	Owner
	Name   string `json:"name"`
	Data   string `json:"data"`
	Params string `json:"params,omitempty"`
}
