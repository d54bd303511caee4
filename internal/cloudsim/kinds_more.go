package cloudsim

// Kinds of what the operator has, and of what accounts have beside machines and networks.
const (
	kindTrafficType     kind = "traffictype"
	kindNetworkProvider kind = "networkprovider"
	kindVRElement       kind = "vrelement"
	kindAddressRange    kind = "addressrange"
	kindGuestVLAN       kind = "guestvlan"
	kindPortableRange   kind = "portablerange"
	kindServerRange     kind = "serverrange"
	kindImageStore      kind = "imagestore"
	kindOSMapping       kind = "osmapping"
	kindHypervisorCaps  kind = "hypervisorcaps"
	kindSystemVM        kind = "systemvm"
	kindAlert           kind = "alert"
	kindAnnotation      kind = "annotation"
	kindSecurityGroup   kind = "securitygroup"
	kindSecurityRule    kind = "securityrule"
	kindSnapshotPolicy  kind = "snapshotpolicy"
	kindSchedule        kind = "vmschedule"
	kindInternalLB      kind = "internallb"
	kindProjectRole     kind = "projectrole"
	kindProjectRoleRule kind = "projectrolerule"
	kindInvitation      kind = "invitation"
	kindRoutingRule     kind = "routingrule"
	kindIPv6Rule        kind = "ipv6rule"
	kindIPForwarding    kind = "ipforwarding"
	kindAnyLB           kind = "anylb" // a load balancer rule or an internal load balancer
)

var moreParamKinds = map[string]kind{
	"securitygroupid": kindSecurityGroup, "securitygroupids": kindSecurityGroup, "projectroleid": kindProjectRole,
	"projectrolepermissionid": kindProjectRoleRule, "nspid": kindNetworkProvider, "vlanid": kindAddressRange, "imagestoreid": kindImageStore,
}

var moreEntityTables = map[kind]func(*Tables, string) bool{
	kindTrafficType:     func(t *Tables, id string) bool { return exists(t.TrafficTypes, id) },
	kindNetworkProvider: func(t *Tables, id string) bool { return exists(t.NetworkProviders, id) },
	kindVRElement: func(t *Tables, id string) bool {
		_, ok := t.NetworkProviders.Find(func(p NetworkProvider) bool { return p.ElementID == id })
		return ok
	},
	kindAddressRange:    func(t *Tables, id string) bool { return exists(t.AddressRanges, id) },
	kindGuestVLAN:       func(t *Tables, id string) bool { return exists(t.GuestVLANs, id) },
	kindPortableRange:   func(t *Tables, id string) bool { return exists(t.PortableRanges, id) },
	kindServerRange:     func(t *Tables, id string) bool { return exists(t.ServerRanges, id) },
	kindImageStore:      func(t *Tables, id string) bool { return exists(t.ImageStores, id) },
	kindOSMapping:       func(t *Tables, id string) bool { return exists(t.OSMappings, id) },
	kindHypervisorCaps:  func(t *Tables, id string) bool { return exists(t.HypervisorCaps, id) },
	kindSystemVM:        func(t *Tables, id string) bool { return exists(t.SystemVMs, id) },
	kindAlert:           func(t *Tables, id string) bool { return exists(t.Alerts, id) },
	kindAnnotation:      func(t *Tables, id string) bool { return exists(t.Annotations, id) },
	kindSecurityGroup:   func(t *Tables, id string) bool { return exists(t.SecurityGroups, id) },
	kindSecurityRule:    securityRuleExists,
	kindSnapshotPolicy:  func(t *Tables, id string) bool { return exists(t.SnapshotPolicies, id) },
	kindSchedule:        func(t *Tables, id string) bool { return exists(t.Schedules, id) },
	kindInternalLB:      func(t *Tables, id string) bool { return exists(t.InternalLBs, id) },
	kindProjectRole:     func(t *Tables, id string) bool { return exists(t.ProjectRoles, id) },
	kindProjectRoleRule: func(t *Tables, id string) bool { return exists(t.ProjectRoleRules, id) },
	kindInvitation:      func(t *Tables, id string) bool { return exists(t.Invitations, id) },
	kindRoutingRule: func(t *Tables, id string) bool {
		r, ok := t.RoutingRules.Any(id)
		return ok && !r.IPv6
	},
	kindIPv6Rule: func(t *Tables, id string) bool {
		r, ok := t.RoutingRules.Any(id)
		return ok && r.IPv6
	},
	kindAnyLB:        func(t *Tables, id string) bool { return exists(t.LBRules, id) || exists(t.InternalLBs, id) },
	kindIPForwarding: func(t *Tables, id string) bool { return hasPurpose(t, id, PurposeStaticNAT) },
}

func securityRuleExists(t *Tables, id string) bool {
	for g := range t.SecurityGroups.All() {
		for _, r := range g.Rules {
			if r.ID == id {
				return true
			}
		}
	}
	return false
}
