package cloudsim

// Tables are all tables of the cloud, one file per family: store_place.go, store_identity.go, store_network.go,
// store_compute.go, store_balance.go, store_log.go. Handlers reach them as c.Tables.VMs and so on.
type Tables struct {
	Zones             *Table[Zone]
	Pods              *Table[Pod]
	Clusters          *Table[Cluster]
	Hosts             *Table[Host]
	PhysicalNetworks  *Table[PhysicalNetwork]
	StoragePools      *Table[StoragePool]
	NetworkOfferings  *Table[NetworkOffering]
	ServiceOfferings  *Table[ServiceOffering]
	DiskOfferings     *Table[DiskOffering]
	VPCOfferings      *Table[VPCOffering]
	OSTypes           *Table[OSType]
	Domains           *Table[Domain]
	Accounts          *Table[Account]
	Users             *Table[User]
	Projects          *Table[Project]
	Limits            *Table[Limit]
	Settings          *Table[Setting]
	Networks          *Table[Network]
	PublicIPs         *Table[PublicIP]
	Firewall          *Table[FirewallRule]
	Routers           *Table[Router]
	VPCs              *Table[VPC]
	VMs               *Table[VM]
	Volumes           *Table[Volume]
	Templates         *Table[Template]
	Snapshots         *Table[Snapshot]
	VMSnapshots       *Table[VMSnapshot]
	SSHKeys           *Table[SSHKey]
	AffinityGroups    *Table[AffinityGroup]
	InstanceGroups    *Table[InstanceGroup]
	UserData          *Table[UserDataEntry]
	LBRules           *Table[LBRule]
	Stickiness        *Table[StickinessPolicy]
	SSLCerts          *Table[SSLCert]
	Counters          *Table[Counter]
	Conditions        *Table[Condition]
	AutoScalePolicies *Table[AutoScalePolicy]
	AutoScaleProfiles *Table[AutoScaleProfile]
	AutoScaleGroups   *Table[AutoScaleGroup]
	Tags              *Table[Tag]
	Events            *Table[Event]
	Jobs              *Table[Job]
	Audit             *Table[AuditEntry]

	IdentityTables
	VPCTables
	SiteTables
	ServiceTables
}

// The first numbers are those a fresh CloudStack uses where they show in texts or names.
func newTables(s *store) Tables {
	return Tables{
		Zones:             addTable[Zone](s, "zone", 1),
		Pods:              addTable[Pod](s, "pod", 1),
		Clusters:          addTable[Cluster](s, "cluster", 1),
		Hosts:             addTable[Host](s, "host", 1),
		PhysicalNetworks:  addTable[PhysicalNetwork](s, "physicalnetwork", 200),
		StoragePools:      addTable[StoragePool](s, "storagepool", 1),
		NetworkOfferings:  addTable[NetworkOffering](s, "networkoffering", 1),
		ServiceOfferings:  addTable[ServiceOffering](s, "serviceoffering", 1),
		DiskOfferings:     addTable[DiskOffering](s, "diskoffering", 1),
		VPCOfferings:      addTable[VPCOffering](s, "vpcoffering", 1),
		OSTypes:           addTable[OSType](s, "ostype", 1),
		Domains:           addTable[Domain](s, "domain", 1),
		Accounts:          addTable[Account](s, "account", 1),
		Users:             addTable[User](s, "user", 1),
		Projects:          addTable[Project](s, "project", 1),
		Limits:            addTable[Limit](s, "limit", 1),
		Settings:          addTable[Setting](s, "setting", 1),
		Networks:          addTable[Network](s, "network", 204),
		PublicIPs:         addTable[PublicIP](s, "publicip", 1),
		Firewall:          addTable[FirewallRule](s, "firewallrule", 1),
		Routers:           addTable[Router](s, "router", 1),
		VPCs:              addTable[VPC](s, "vpc", 1),
		VMs:               addTable[VM](s, "vm", 3),
		Volumes:           addTable[Volume](s, "volume", 3),
		Templates:         addTable[Template](s, "template", 200),
		Snapshots:         addTable[Snapshot](s, "snapshot", 1),
		VMSnapshots:       addTable[VMSnapshot](s, "vmsnapshot", 1),
		SSHKeys:           addTable[SSHKey](s, "sshkey", 1),
		AffinityGroups:    addTable[AffinityGroup](s, "affinitygroup", 1),
		InstanceGroups:    addTable[InstanceGroup](s, "instancegroup", 1),
		UserData:          addTable[UserDataEntry](s, "userdata", 1),
		LBRules:           addTable[LBRule](s, "lbrule", 1),
		Stickiness:        addTable[StickinessPolicy](s, "stickiness", 1),
		SSLCerts:          addTable[SSLCert](s, "sslcert", 1),
		Counters:          addTable[Counter](s, "counter", 1),
		Conditions:        addTable[Condition](s, "condition", 1),
		AutoScalePolicies: addTable[AutoScalePolicy](s, "autoscalepolicy", 1),
		AutoScaleProfiles: addTable[AutoScaleProfile](s, "autoscaleprofile", 1),
		AutoScaleGroups:   addTable[AutoScaleGroup](s, "autoscalegroup", 1),
		Tags:              addTable[Tag](s, "tag", 1),
		Events:            addTable[Event](s, "event", 1),
		Jobs:              addTable[Job](s, "job", 1),
		Audit:             addTable[AuditEntry](s, "audit", 1),
		IdentityTables:    newIdentityTables(s),
		VPCTables:         newVPCTables(s),
		SiteTables:        newSiteTables(s),
		ServiceTables:     newServiceTables(s),
	}
}
