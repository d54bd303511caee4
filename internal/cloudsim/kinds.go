package cloudsim

// kind is a kind of entity a parameter can name. The generic check refuses an id that names nothing of its kind.
type kind string

// The kinds. kindAny switches the check off for a parameter.
const (
	kindAny                kind = ""
	kindZone               kind = "zone"
	kindPod                kind = "pod"
	kindCluster            kind = "cluster"
	kindHost               kind = "host"
	kindPhysicalNetwork    kind = "physicalnetwork"
	kindStoragePool        kind = "storagepool"
	kindNetworkOffering    kind = "networkoffering"
	kindServiceOffering    kind = "serviceoffering"
	kindDiskOffering       kind = "diskoffering"
	kindVPCOffering        kind = "vpcoffering"
	kindOSType             kind = "ostype"
	kindOSCategory         kind = "oscategory"
	kindDomain             kind = "domain"
	kindAccount            kind = "account"
	kindUser               kind = "user"
	kindProject            kind = "project"
	kindNetwork            kind = "network"
	kindPublicIP           kind = "publicip"
	kindFirewallRule       kind = "firewallrule"
	kindEgressRule         kind = "egressrule"
	kindPortForward        kind = "portforward"
	kindRouter             kind = "router"
	kindVPC                kind = "vpc"
	kindVM                 kind = "vm"
	kindNIC                kind = "nic"
	kindVolume             kind = "volume"
	kindTemplate           kind = "template"
	kindSnapshot           kind = "snapshot"
	kindVMSnapshot         kind = "vmsnapshot"
	kindSSHKey             kind = "sshkey"
	kindAffinityGroup      kind = "affinitygroup"
	kindInstanceGroup      kind = "instancegroup"
	kindUserData           kind = "userdata"
	kindLBRule             kind = "lbrule"
	kindStickiness         kind = "stickiness"
	kindSSLCert            kind = "sslcert"
	kindCounter            kind = "counter"
	kindCondition          kind = "condition"
	kindAutoScalePolicy    kind = "autoscalepolicy"
	kindAutoScaleProfile   kind = "autoscaleprofile"
	kindAutoScaleGroup     kind = "autoscalegroup"
	kindJob                kind = "job"
	kindEvent              kind = "event"
	kindRole               kind = "role"
	kindRolePermission     kind = "rolepermission"
	kindACLList            kind = "acllist"
	kindACLItem            kind = "aclitem"
	kindPrivateGateway     kind = "privategateway"
	kindStaticRoute        kind = "staticroute"
	kindVPNGateway         kind = "vpngateway"
	kindVPNCustomerGateway kind = "vpncustomergateway"
	kindVPNConnection      kind = "vpnconnection"
	kindRemoteVPN          kind = "remotevpn"
	kindVPNUser            kind = "vpnuser"
)

// kindOfParam says which kind a parameter names in every command. "id", "ids" and the like are declared by each command.
func kindOfParam(param string) (kind, bool) {
	if k, ok := paramKinds[param]; ok {
		return k, true
	}
	k, ok := moreParamKinds[param]
	return k, ok
}

var paramKinds = map[string]kind{
	"zoneid": kindZone, "destzoneid": kindZone, "sourcezoneid": kindZone, "zoneids": kindZone,
	"podid": kindPod, "clusterid": kindCluster, "hostid": kindHost, "storageid": kindStoragePool,
	"physicalnetworkid": kindPhysicalNetwork, "networkofferingid": kindNetworkOffering,
	"serviceofferingid": kindServiceOffering, "diskofferingid": kindDiskOffering, "overridediskofferingid": kindDiskOffering,
	"vpcofferingid": kindVPCOffering, "ostypeid": kindOSType, "oscategoryid": kindOSCategory,
	"domainid": kindDomain, "accountid": kindAccount, "accountids": kindAccount, "userid": kindUser, "autoscaleuserid": kindUser,
	"projectid": kindProject, "projectids": kindProject,
	"networkid": kindNetwork, "networkids": kindNetwork, "associatednetworkid": kindNetwork,
	"ipaddressid": kindPublicIP, "publicipid": kindPublicIP,
	"vpcid": kindVPC, "virtualmachineid": kindVM, "virtualmachineids": kindVM, "nicid": kindNIC,
	"volumeid": kindVolume, "templateid": kindTemplate, "isoid": kindTemplate, "snapshotid": kindSnapshot,
	"vmsnapshotid": kindVMSnapshot, "affinitygroupid": kindAffinityGroup, "affinitygroupids": kindAffinityGroup,
	"groupid": kindInstanceGroup, "userdataid": kindUserData, "lbruleid": kindLBRule, "certid": kindSSLCert,
	"counterid": kindCounter, "conditionid": kindCondition, "conditionids": kindCondition,
	"scaleuppolicyids": kindAutoScalePolicy, "scaledownpolicyids": kindAutoScalePolicy, "policyid": kindAutoScalePolicy,
	"vmprofileid": kindAutoScaleProfile, "vmgroupid": kindAutoScaleGroup, "autoscalevmgroupid": kindAutoScaleGroup,
	"startid": kindEvent, "imagestoreuuid": kindImageStore, "parenttemplateid": kindTemplate,
	"jobid": kindJob, "aclid": kindACLList, "gatewayid": kindPrivateGateway, "nextaclruleid": kindACLItem, "previousaclruleid": kindACLItem,
	"s2svpngatewayid": kindVPNGateway, "s2scustomergatewayid": kindVPNCustomerGateway,
}

func exists[T row](t *Table[T], id string) bool {
	_, ok := t.Any(id)
	return ok
}

func hasPurpose(t *Tables, id, purpose string) bool {
	r, ok := t.Firewall.Any(id)
	return ok && r.Purpose == purpose
}

// entityExists also knows entities that are removed but whose row is kept: commands refuse those in their own words.
func entityExists(t *Tables, k kind, id string) bool {
	switch k {
	case kindFirewallRule:
		return hasPurpose(t, id, PurposeFirewall)
	case kindEgressRule:
		return hasPurpose(t, id, PurposeEgress)
	case kindPortForward:
		return hasPurpose(t, id, PurposePortForwarding)
	case kindNIC:
		_, ok := t.VMs.Find(func(v VM) bool {
			for _, n := range v.NICs {
				if n.ID == id {
					return true
				}
			}
			return false
		})
		return ok
	case kindOSCategory:
		_, ok := t.OSTypes.Find(func(o OSType) bool { return o.CategoryID == id })
		return ok || exists(t.OSCategories, id)
	}
	lookup, ok := entityTables[k]
	if !ok {
		lookup, ok = moreEntityTables[k]
	}
	return ok && lookup(t, id)
}

var entityTables = map[kind]func(*Tables, string) bool{
	kindZone:               func(t *Tables, id string) bool { return exists(t.Zones, id) },
	kindPod:                func(t *Tables, id string) bool { return exists(t.Pods, id) },
	kindCluster:            func(t *Tables, id string) bool { return exists(t.Clusters, id) },
	kindHost:               func(t *Tables, id string) bool { return exists(t.Hosts, id) },
	kindPhysicalNetwork:    func(t *Tables, id string) bool { return exists(t.PhysicalNetworks, id) },
	kindStoragePool:        func(t *Tables, id string) bool { return exists(t.StoragePools, id) },
	kindNetworkOffering:    func(t *Tables, id string) bool { return exists(t.NetworkOfferings, id) },
	kindServiceOffering:    func(t *Tables, id string) bool { return exists(t.ServiceOfferings, id) },
	kindDiskOffering:       func(t *Tables, id string) bool { return exists(t.DiskOfferings, id) },
	kindVPCOffering:        func(t *Tables, id string) bool { return exists(t.VPCOfferings, id) },
	kindOSType:             func(t *Tables, id string) bool { return exists(t.OSTypes, id) },
	kindDomain:             func(t *Tables, id string) bool { return exists(t.Domains, id) },
	kindAccount:            func(t *Tables, id string) bool { return exists(t.Accounts, id) },
	kindUser:               func(t *Tables, id string) bool { return exists(t.Users, id) },
	kindProject:            func(t *Tables, id string) bool { return exists(t.Projects, id) },
	kindNetwork:            func(t *Tables, id string) bool { return exists(t.Networks, id) },
	kindPublicIP:           func(t *Tables, id string) bool { return exists(t.PublicIPs, id) },
	kindRouter:             func(t *Tables, id string) bool { return exists(t.Routers, id) },
	kindVPC:                func(t *Tables, id string) bool { return exists(t.VPCs, id) },
	kindVM:                 func(t *Tables, id string) bool { return exists(t.VMs, id) },
	kindVolume:             func(t *Tables, id string) bool { return exists(t.Volumes, id) },
	kindTemplate:           func(t *Tables, id string) bool { return exists(t.Templates, id) },
	kindSnapshot:           func(t *Tables, id string) bool { return exists(t.Snapshots, id) },
	kindVMSnapshot:         func(t *Tables, id string) bool { return exists(t.VMSnapshots, id) },
	kindSSHKey:             func(t *Tables, id string) bool { return exists(t.SSHKeys, id) },
	kindAffinityGroup:      func(t *Tables, id string) bool { return exists(t.AffinityGroups, id) },
	kindInstanceGroup:      func(t *Tables, id string) bool { return exists(t.InstanceGroups, id) },
	kindUserData:           func(t *Tables, id string) bool { return exists(t.UserData, id) },
	kindLBRule:             func(t *Tables, id string) bool { return exists(t.LBRules, id) },
	kindStickiness:         func(t *Tables, id string) bool { return exists(t.Stickiness, id) },
	kindSSLCert:            func(t *Tables, id string) bool { return exists(t.SSLCerts, id) },
	kindCounter:            func(t *Tables, id string) bool { return exists(t.Counters, id) },
	kindCondition:          func(t *Tables, id string) bool { return exists(t.Conditions, id) },
	kindAutoScalePolicy:    func(t *Tables, id string) bool { return exists(t.AutoScalePolicies, id) },
	kindAutoScaleProfile:   func(t *Tables, id string) bool { return exists(t.AutoScaleProfiles, id) },
	kindAutoScaleGroup:     func(t *Tables, id string) bool { return exists(t.AutoScaleGroups, id) },
	kindJob:                func(t *Tables, id string) bool { return exists(t.Jobs, id) },
	kindEvent:              func(t *Tables, id string) bool { return exists(t.Events, id) },
	kindRole:               func(t *Tables, id string) bool { return exists(t.Roles, id) },
	kindRolePermission:     func(t *Tables, id string) bool { return exists(t.RolePermissions, id) },
	kindACLList:            func(t *Tables, id string) bool { return exists(t.ACLLists, id) },
	kindACLItem:            func(t *Tables, id string) bool { return exists(t.ACLItems, id) },
	kindPrivateGateway:     func(t *Tables, id string) bool { return exists(t.PrivateGateways, id) },
	kindStaticRoute:        func(t *Tables, id string) bool { return exists(t.StaticRoutes, id) },
	kindVPNGateway:         func(t *Tables, id string) bool { return exists(t.VPNGateways, id) },
	kindVPNCustomerGateway: func(t *Tables, id string) bool { return exists(t.VPNCustomerGateways, id) },
	kindVPNConnection:      func(t *Tables, id string) bool { return exists(t.VPNConnections, id) },
	kindVPNUser:            func(t *Tables, id string) bool { return exists(t.VPNUsers, id) },
	kindRemoteVPN:          func(t *Tables, id string) bool { return exists(t.RemoteVPNs, id) },
}
