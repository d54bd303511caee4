package cloudsim

import "time"

// ServiceTables are what accounts have beside machines and networks: security groups, schedules, roles in projects.
type ServiceTables struct {
	SecurityGroups    *Table[SecurityGroup]
	SnapshotPolicies  *Table[SnapshotPolicy]
	Schedules         *Table[VMSchedule]
	InternalLBs       *Table[InternalLB]
	ProjectRoles      *Table[ProjectRole]
	ProjectRoleRules  *Table[ProjectRoleRule]
	Invitations       *Table[Invitation]
	RoutingRules      *Table[RoutingRule]
	NetworkPermits    *Table[NetworkPermit]
	ProjectMemberInfo *Table[ProjectMember]
}

func newServiceTables(s *store) ServiceTables {
	return ServiceTables{
		SecurityGroups:    addTable[SecurityGroup](s, "securitygroup", 1),
		SnapshotPolicies:  addTable[SnapshotPolicy](s, "snapshotpolicy", 2), // 1 stands for snapshots made by hand
		Schedules:         addTable[VMSchedule](s, "vmschedule", 1),
		InternalLBs:       addTable[InternalLB](s, "internallb", 1),
		ProjectRoles:      addTable[ProjectRole](s, "projectrole", 1),
		ProjectRoleRules:  addTable[ProjectRoleRule](s, "projectrolerule", 1),
		Invitations:       addTable[Invitation](s, "invitation", 1),
		RoutingRules:      addTable[RoutingRule](s, "routingrule", 1),
		NetworkPermits:    addTable[NetworkPermit](s, "networkpermit", 1),
		ProjectMemberInfo: addTable[ProjectMember](s, "projectmember", 1),
	}
}

// SecurityGroup says which traffic may reach, and leave, the machines in it.
type SecurityGroup struct {
	Base
	Owner
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Rules       []SecurityRule `json:"rules,omitempty"`
}

// SecurityRule allows one kind of traffic, from (or to) a range of addresses or the machines of another group. Start and End
// are ports, or type and code of ICMP.
type SecurityRule struct {
	ID       string `json:"id"`
	N        int64  `json:"n"`
	Egress   bool   `json:"egress,omitempty"`
	Protocol string `json:"protocol"`
	Start    int    `json:"start"`
	End      int    `json:"end"`
	CIDR     string `json:"cidr,omitempty"`
	GroupID  string `json:"groupid,omitempty"`
}

// SnapshotPolicy makes snapshots of a volume at set times and keeps the newest of them. Next is when the next one is due.
type SnapshotPolicy struct {
	Base
	Owner
	VolumeID    string    `json:"volumeid"`
	Interval    int       `json:"interval"` // index in snapshotIntervals
	Schedule    string    `json:"schedule"` // mm, mm:HH, mm:HH:dd
	Timezone    string    `json:"timezone"`
	MaxSnaps    int       `json:"maxsnaps"`
	ZoneIDs     []string  `json:"zoneids,omitempty"` // where its snapshots are kept too
	HideDisplay bool      `json:"hidedisplay,omitempty"`
	Next        time.Time `json:"next"`
}

// VMSchedule does something with a machine at the times of a cron expression. Next is when that is due; zero: never again.
type VMSchedule struct {
	Base
	VMID        string     `json:"vmid"`
	Action      string     `json:"action"` // START, STOP, REBOOT, FORCE_STOP, FORCE_REBOOT
	Description string     `json:"description"`
	Schedule    string     `json:"schedule"`
	Timezone    string     `json:"timezone"`
	Enabled     bool       `json:"enabled"`
	StartDate   time.Time  `json:"startdate"`
	EndDate     *time.Time `json:"enddate,omitempty"`
	Next        time.Time  `json:"next"`
}

// InternalLB balances, inside a VPC, what comes to an address of one of its tiers.
type InternalLB struct {
	Base
	Owner
	Name         string   `json:"name"`
	Description  string   `json:"description,omitempty"`
	Algorithm    string   `json:"algorithm"`
	NetworkID    string   `json:"networkid"`
	SourceNetID  string   `json:"sourcenetid"`
	SourceIP     string   `json:"sourceip"`
	SourcePort   int      `json:"sourceport"`
	InstancePort int      `json:"instanceport"`
	State        string   `json:"state"`
	HideDisplay  bool     `json:"hidedisplay,omitempty"`
	VMIDs        []string `json:"vmids,omitempty"`
}

// ProjectRole is a set of rules for members of a project.
type ProjectRole struct {
	Base
	ProjectID   string `json:"projectid"`
	Name        string `json:"name"`
	Description string `json:"description"`
}

// ProjectRoleRule is one rule of a project's role.
type ProjectRoleRule struct {
	Base
	ProjectID   string `json:"projectid"`
	RoleID      string `json:"roleid"`
	Rule        string `json:"rule"`
	Allow       bool   `json:"allow"`
	Description string `json:"description,omitempty"`
	Order       int64  `json:"order"`
}

// ProjectMember is what a member may do in a project beyond being one. Its id is "<project>/<account or user>". Members whose
// whole account belongs to the project are in Project.Members as well.
type ProjectMember struct {
	Base
	ProjectID string `json:"projectid"`
	AccountID string `json:"accountid"`
	UserID    string `json:"userid,omitempty"`
	Admin     bool   `json:"admin,omitempty"`
	RoleID    string `json:"roleid,omitempty"`
}

// Invitation asks an account, a user or somebody with a mail address to join a project.
type Invitation struct {
	Base
	ProjectID string `json:"projectid"`
	DomainID  string `json:"domainid"`
	AccountID string `json:"accountid,omitempty"`
	UserID    string `json:"userid,omitempty"`
	Email     string `json:"email,omitempty"`
	Token     string `json:"token,omitempty"`
	State     string `json:"state"` // Pending, Completed, Declined, Expired
	Admin     bool   `json:"admin,omitempty"`
	RoleID    string `json:"roleid,omitempty"`
}

// RoutingRule is a firewall rule of a network whose guests are reached at their own addresses: IPv6, or routed IPv4.
type RoutingRule struct {
	Base
	Owner
	IPv6        bool     `json:"ipv6,omitempty"`
	NetworkID   string   `json:"networkid"`
	Protocol    string   `json:"protocol"`
	Traffic     string   `json:"traffic"` // Ingress, Egress
	State       string   `json:"state"`
	CIDRs       []string `json:"cidrs,omitempty"`
	DestCIDRs   []string `json:"destcidrs,omitempty"`
	StartPort   *int     `json:"startport,omitempty"`
	EndPort     *int     `json:"endport,omitempty"`
	ICMPType    *int     `json:"icmptype,omitempty"`
	ICMPCode    *int     `json:"icmpcode,omitempty"`
	HideDisplay bool     `json:"hidedisplay,omitempty"`
}

// NetworkPermit lets another account use a network.
type NetworkPermit struct {
	Base
	NetworkID string `json:"networkid"`
	AccountID string `json:"accountid"`
}
