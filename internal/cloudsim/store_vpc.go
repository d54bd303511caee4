package cloudsim

// VPCTables are what belongs to virtual private clouds and to VPNs.
type VPCTables struct {
	ACLLists            *Table[ACLList]
	ACLItems            *Table[ACLItem]
	PrivateGateways     *Table[PrivateGateway]
	StaticRoutes        *Table[StaticRoute]
	VPNGateways         *Table[VPNGateway]
	VPNCustomerGateways *Table[VPNCustomerGateway]
	VPNConnections      *Table[VPNConnection]
	RemoteVPNs          *Table[RemoteVPN]
	VPNUsers            *Table[VPNUser]
}

func newVPCTables(s *store) VPCTables {
	return VPCTables{
		ACLLists:            addTable[ACLList](s, "acllist", 1),
		ACLItems:            addTable[ACLItem](s, "aclitem", 1),
		PrivateGateways:     addTable[PrivateGateway](s, "privategateway", 1),
		StaticRoutes:        addTable[StaticRoute](s, "staticroute", 1),
		VPNGateways:         addTable[VPNGateway](s, "vpngateway", 1),
		VPNCustomerGateways: addTable[VPNCustomerGateway](s, "vpncustomergateway", 1),
		VPNConnections:      addTable[VPNConnection](s, "vpnconnection", 1),
		RemoteVPNs:          addTable[RemoteVPN](s, "remotevpn", 1),
		VPNUsers:            addTable[VPNUser](s, "vpnuser", 1),
	}
}

// ACLList is a list of rules for the tiers of a VPC. The two that every cloud has belong to no VPC.
type ACLList struct {
	Base
	Name        string `json:"name"`
	Description string `json:"description"`
	VPCID       string `json:"vpcid,omitempty"`
	HideDisplay bool   `json:"hidedisplay,omitempty"`
}

// The lists that every cloud has.
const (
	aclDefaultDeny  = "df0d30b5-e678-11f1-92f9-02fc00000001"
	aclDefaultAllow = "df0dcb30-e678-11f1-92f9-02fc00000001"
)

// ACLItem is one rule of a list; the smallest number that fits decides.
type ACLItem struct {
	Base
	ListID      string   `json:"listid"`
	Number      int      `json:"number"`
	Protocol    string   `json:"protocol"` // tcp, udp, icmp, all or a number
	StartPort   *int     `json:"startport,omitempty"`
	EndPort     *int     `json:"endport,omitempty"`
	ICMPType    *int     `json:"icmptype,omitempty"`
	ICMPCode    *int     `json:"icmpcode,omitempty"`
	CIDRs       []string `json:"cidrs"`
	Deny        bool     `json:"deny,omitempty"`
	Egress      bool     `json:"egress,omitempty"`
	State       string   `json:"state"`
	Reason      string   `json:"reason,omitempty"`
	HideDisplay bool     `json:"hidedisplay,omitempty"`
}

// PrivateGateway connects a VPC to a network of the operator's.
type PrivateGateway struct {
	Base
	Owner
	VPCID      string `json:"vpcid"`
	ZoneID     string `json:"zoneid"`
	PhysicalID string `json:"physicalid"`
	Address    string `json:"address"`
	Gateway    string `json:"gateway"`
	Netmask    string `json:"netmask"`
	VLAN       string `json:"vlan"`
	ACLID      string `json:"aclid"`
	SourceNAT  bool   `json:"sourcenat"`
	State      string `json:"state"`
}

// StaticRoute leads from a VPC through a private gateway or to a next hop.
type StaticRoute struct {
	Base
	Owner
	VPCID     string `json:"vpcid"`
	GatewayID string `json:"gatewayid,omitempty"`
	NextHop   string `json:"nexthop,omitempty"`
	CIDR      string `json:"cidr"`
	State     string `json:"state"`
}

// VPNGateway is the VPC's end of site-to-site connections.
type VPNGateway struct {
	Base
	Owner
	VPCID       string `json:"vpcid"`
	IPAddressID string `json:"ipaddressid"`
	HideDisplay bool   `json:"hidedisplay,omitempty"`
}

// VPNCustomerGateway is the other end.
type VPNCustomerGateway struct {
	Base
	Owner
	Name             string `json:"name"`
	Gateway          string `json:"gateway"`
	CIDRList         string `json:"cidrlist"`
	PSK              string `json:"psk"`
	IKEPolicy        string `json:"ikepolicy"`
	ESPPolicy        string `json:"esppolicy"`
	IKELifetime      int64  `json:"ikelifetime"`
	ESPLifetime      int64  `json:"esplifetime"`
	IKEVersion       string `json:"ikeversion"`
	DPD              bool   `json:"dpd"`
	ForceEncap       bool   `json:"forceencap"`
	SplitConnections bool   `json:"splitconnections"`
}

// VPNConnection joins the two ends. Nothing answers at the other one, so it never gets beyond Connecting.
type VPNConnection struct {
	Base
	Owner
	GatewayID         string `json:"gatewayid"`
	CustomerGatewayID string `json:"customergatewayid"`
	Passive           bool   `json:"passive"`
	State             string `json:"state"`
	HideDisplay       bool   `json:"hidedisplay,omitempty"`
}

// RemoteVPN lets users dial in at a public address.
type RemoteVPN struct {
	Base
	Owner
	IPAddressID string `json:"ipaddressid"`
	NetworkID   string `json:"networkid"`
	IPRange     string `json:"iprange"`
	PSK         string `json:"psk"`
	State       string `json:"state"`
	HideDisplay bool   `json:"hidedisplay,omitempty"`
}

// VPNUser may dial in.
type VPNUser struct {
	Base
	Owner
	Username string `json:"username"`
	Password string `json:"password"`
	State    string `json:"state"`
}

// seedACLs makes the two lists that every cloud has.
func seedACLs(s *store) {
	for _, l := range []struct {
		id, name, text  string
		deny            bool
		ingress, egress string
	}{
		{aclDefaultDeny, "default_deny", "Default Network ACL Deny All", true, "df0d4a5e-e678-11f1-92f9-02fc00000001", "df0d7b1c-e678-11f1-92f9-02fc00000001"},
		{aclDefaultAllow, "default_allow", "Default Network ACL Allow All", false, "df0de07f-e678-11f1-92f9-02fc00000001", "df0e1a45-e678-11f1-92f9-02fc00000001"},
	} {
		s.ACLLists.Put(ACLList{Base: s.ACLLists.BaseWithID(l.id), Name: l.name, Description: l.text})
		for i, id := range []string{l.ingress, l.egress} {
			s.ACLItems.Put(ACLItem{Base: s.ACLItems.BaseWithID(id), ListID: l.id, Number: i + 1, Protocol: "all", CIDRs: []string{"0.0.0.0/0"},
				Deny: l.deny, Egress: i == 1, State: RuleActive})
		}
	}
}
