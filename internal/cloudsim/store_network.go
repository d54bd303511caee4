package cloudsim

import "time"

// States of a guest network.
const (
	NetworkAllocated    = "Allocated"
	NetworkImplementing = "Implementing"
	NetworkImplemented  = "Implemented"
	NetworkSetup        = "Setup"
	NetworkShutdown     = "Shutdown"
)

// Network is a guest network. VLAN is 0 until it is implemented.
type Network struct {
	Base
	Owner
	Name            string            `json:"name"`
	DisplayText     string            `json:"displaytext"`
	Type            string            `json:"type"` // Isolated, Shared, L2
	ACLType         string            `json:"acltype"`
	ZoneID          string            `json:"zoneid"`
	OfferingID      string            `json:"offeringid"`
	PhysicalID      string            `json:"physicalid"`
	State           string            `json:"state"`
	CIDR            string            `json:"cidr"`
	Gateway         string            `json:"gateway"`
	Netmask         string            `json:"netmask"`
	StartIP         string            `json:"startip,omitempty"` // Shared: the guests' range
	EndIP           string            `json:"endip,omitempty"`
	Domain          string            `json:"networkdomain"`
	VLAN            int               `json:"vlan"`
	VPCID           string            `json:"vpcid,omitempty"`
	ACLID           string            `json:"aclid,omitempty"`
	ExternalID      string            `json:"externalid,omitempty"`
	HideDisplay     bool              `json:"hidedisplay,omitempty"`
	RestartRequired bool              `json:"restartrequired,omitempty"`
	Details         map[string]string `json:"details,omitempty"`
	PublicMTU       int               `json:"publicmtu"`
	PrivateMTU      int               `json:"privatemtu"`
	DNS1            string            `json:"dns1,omitempty"`
	DNS2            string            `json:"dns2,omitempty"`
}

// VPC is a virtual private cloud: its tiers are networks that share its address range and its way out.
type VPC struct {
	Base
	Owner
	Name        string `json:"name"`
	DisplayText string `json:"displaytext"`
	CIDR        string `json:"cidr"`
	ZoneID      string `json:"zoneid"`
	OfferingID  string `json:"offeringid"`
	State       string `json:"state"`
	Domain      string `json:"networkdomain"`
	HideDisplay bool   `json:"hidedisplay,omitempty"`
	PublicMTU   int    `json:"publicmtu,omitempty"`
}

// States of a public address.
const (
	IPFree       = "Free"
	IPAllocating = "Allocating"
	IPAllocated  = "Allocated"
	IPReleasing  = "Releasing"
	IPReserved   = "Reserved"
)

// PublicIP is one address of the public range. A row is made when the address is first used and stays, Free, ever after, so
// its id is reused as the real cloud reuses it. Owner, network and so on are empty while it is Free.
type PublicIP struct {
	Base
	Owner
	Address     string    `json:"address"`
	ZoneID      string    `json:"zoneid"`
	State       string    `json:"state"`
	Allocated   time.Time `json:"allocated"`
	NetworkID   string    `json:"networkid,omitempty"` // the associated guest network
	VPCID       string    `json:"vpcid,omitempty"`
	SourceNAT   bool      `json:"sourcenat,omitempty"`
	StaticNAT   bool      `json:"staticnat,omitempty"`
	VMID        string    `json:"vmid,omitempty"` // static NAT target
	VMAddress   string    `json:"vmaddress,omitempty"`
	Purpose     string    `json:"purpose,omitempty"` // Lb, PortForwarding; empty: none
	HideDisplay bool      `json:"hidedisplay,omitempty"`
}

// Purposes of a rule. Load balancer rules have a table of their own (LBRule) but count for conflicts.
const (
	PurposeFirewall       = "Firewall"
	PurposeEgress         = "Egress" // shown as Firewall with traffictype Egress
	PurposePortForwarding = "PortForwarding"
	PurposeLoadBalancing  = "LoadBalancing"
	PurposeStaticNAT      = "StaticNat"
)

// States of a rule as the API shows them.
const (
	RuleAdd      = "Add"
	RuleActive   = "Active"
	RuleDeleting = "Deleting"
)

// FirewallRule is a firewall, egress or port forwarding rule. Ports are 0 where the protocol has none (or "any").
type FirewallRule struct {
	Base
	Owner
	Purpose     string   `json:"purpose"`
	State       string   `json:"state"`
	Protocol    string   `json:"protocol"`
	NetworkID   string   `json:"networkid"`
	IPAddressID string   `json:"ipaddressid,omitempty"` // not for egress
	StartPort   int      `json:"startport,omitempty"`   // port forwarding: public
	EndPort     int      `json:"endport,omitempty"`
	HasPorts    bool     `json:"hasports,omitempty"`
	ICMPType    *int     `json:"icmptype,omitempty"`
	ICMPCode    *int     `json:"icmpcode,omitempty"`
	CIDRs       []string `json:"cidrs,omitempty"` // ingress and port forwarding: who may come; egress: which guests
	DestCIDRs   []string `json:"destcidrs,omitempty"`
	HideDisplay bool     `json:"hidedisplay,omitempty"`
	RelatedID   string   `json:"relatedid,omitempty"` // firewall rule opened by this port forwarding or load balancer rule

	PrivateStart int    `json:"privatestart,omitempty"` // port forwarding only, from here on
	PrivateEnd   int    `json:"privateend,omitempty"`
	VMID         string `json:"vmid,omitempty"`
	VMAddress    string `json:"vmaddress,omitempty"`
}

// Router is the virtual router of an implemented network.
type Router struct {
	Base
	Owner
	Name         string    `json:"name"` // r-<n>-VM
	NetworkID    string    `json:"networkid"`
	ZoneID       string    `json:"zoneid"`
	PodID        string    `json:"podid"`
	HostID       string    `json:"hostid"`
	State        string    `json:"state"` // Starting, Running, Stopped
	ReadyAt      time.Time `json:"readyat"`
	PublicIP     string    `json:"publicip"`
	PublicMAC    string    `json:"publicmac"`
	GuestIP      string    `json:"guestip"`
	GuestMAC     string    `json:"guestmac"`
	LinkLocalIP  string    `json:"linklocalip"`
	LinkLocalMAC string    `json:"linklocalmac"`
}
