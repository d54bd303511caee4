package cloudsim

import (
	"crypto/rand"
	"net/netip"
	"strings"
)

// vpnCommands are site-to-site connections of VPCs, and users who dial in.
var vpnCommands = map[string]command{
	"createVpnGateway":         {start: startCreateVPNGateway, job: vpnGatewayJob, creates: true, queue: queueVPC, event: "VPN.S2S.VPN.GATEWAY.CREATE"},
	"listVpnGateways":          {run: listVPNGateways, id: kindVPNGateway},
	"deleteVpnGateway":         {start: startVPNGateway, job: deleteVPNGatewayJob, id: kindVPNGateway, event: "VPN.S2S.VPN.GATEWAY.DELETE"},
	"createVpnCustomerGateway": {start: startCreateCustomer, job: customerJob, creates: true, event: "VPN.S2S.CUSTOMER.GATEWAY.CREATE"},
	"listVpnCustomerGateways":  {run: listCustomers, id: kindVPNCustomerGateway},
	"updateVpnCustomerGateway": {start: startCustomer, job: updateCustomerJob, id: kindVPNCustomerGateway, event: "VPN.S2S.CUSTOMER.GATEWAY.UPDATE"},
	"deleteVpnCustomerGateway": {start: startCustomer, job: deleteCustomerJob, id: kindVPNCustomerGateway, event: "VPN.S2S.CUSTOMER.GATEWAY.DELETE"},
	"createVpnConnection":      {start: startCreateConnection, job: connectionJob, creates: true, event: "VPN.S2S.CONNECTION.CREATE"},
	"listVpnConnections":       {run: listConnections, id: kindVPNConnection},
	"resetVpnConnection":       {start: startConnection, job: connectionJob, id: kindVPNConnection, event: "VPN.S2S.CONNECTION.RESET"},
	"deleteVpnConnection":      {start: startConnection, job: deleteConnectionJob, id: kindVPNConnection, event: "VPN.S2S.CONNECTION.DELETE"},
	"createRemoteAccessVpn":    {start: startCreateRemote, job: remoteJob, creates: true, queue: queueOfIP("publicipid"), event: "VPN.REMOTE.ACCESS.CREATE"},
	"listRemoteAccessVpns":     {run: listRemotes, id: kindRemoteVPN},
	"deleteRemoteAccessVpn":    {start: startRemote, job: deleteRemoteJob, event: "VPN.REMOTE.ACCESS.DESTROY"},
	"addVpnUser":               {start: startAddVPNUser, job: vpnUserJob, creates: true, event: "VPN.USER.ADD"},
	"listVpnUsers":             {run: listVPNUsers, id: kindVPNUser},
	"removeVpnUser":            {start: startVPNUser, job: removeVPNUserJob, event: "VPN.USER.REMOVE"},
}

func startCreateVPNGateway(c *Call) (string, error) {
	v, ok := c.VPCs.Get(c.Str("vpcid"))
	if !ok {
		return "", Invalid("Invalid VPC %s for site to site vpn gateway creation!", c.Str("vpcid"))
	}
	if err := c.Own(v.Owner); err != nil {
		return "", err
	}
	if _, taken := c.VPNGateways.Find(func(g VPNGateway) bool { return g.VPCID == v.ID }); taken {
		return "", Invalid("The VPN gateway of VPC %s already existed!", vpcText(v))
	}
	ip, ok := c.PublicIPs.Find(func(p PublicIP) bool { return p.VPCID == v.ID && p.SourceNAT })
	if !ok {
		return "", Internal("Cannot found source nat ip of vpc %s", vpcText(v))
	}
	g := VPNGateway{Base: c.VPNGateways.NewBase(), Owner: v.Owner, VPCID: v.ID, IPAddressID: ip.ID, HideDisplay: !c.Bool("fordisplay", true)}
	c.VPNGateways.Put(g)
	return g.ID, nil
}

func vpnGatewayJob(c *Call) (Obj, error) {
	g, ok := c.VPNGateways.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to create VPN gateway")
	}
	return Obj{"vpngateway": c.vpnGatewayResponse(g)}, nil
}

func (c *Call) vpnGatewayResponse(g VPNGateway) Obj {
	ip, _ := c.PublicIPs.Any(g.IPAddressID)
	o := Obj{"id": g.ID, "publicip": ip.Address, "fordisplay": !g.HideDisplay}
	c.putVPC(o, g.VPCID)
	c.putOwner(o, g.Owner)
	return o
}

func listVPNGateways(c *Call) (any, error) {
	rows, err := Visible(c, c.VPNGateways.Where(func(g VPNGateway) bool { return c.named(g.ID, "") && c.is("vpcid", g.VPCID) }))
	if err != nil {
		return nil, err
	}
	return Listing("vpngateway", rows, c.vpnGatewayResponse), nil
}

func startVPNGateway(c *Call) (string, error) {
	g, ok := c.VPNGateways.Get(c.Str("id"))
	if !ok {
		return "", Invalid("Fail to find vpn gateway with %s !", c.Str("id"))
	}
	if _, used := c.VPNConnections.Find(func(n VPNConnection) bool { return n.GatewayID == g.ID }); used {
		return "", Invalid("Unable to delete VPN gateway %s because there is still related VPN connections!", g.ID)
	}
	return g.ID, c.Own(g.Owner)
}

func deleteVPNGatewayJob(c *Call) (Obj, error) {
	c.VPNGateways.Delete(c.EntityID)
	return Success(), nil
}

// dropVPNGateway removes a gateway with its connections.
func (c *Call) dropVPNGateway(g VPNGateway) {
	for n := range c.VPNConnections.All() {
		if n.GatewayID == g.ID {
			c.VPNConnections.Delete(n.ID)
		}
	}
	c.VPNGateways.Delete(g.ID)
}

func startCreateCustomer(c *Call) (string, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return "", err
	}
	g := VPNCustomerGateway{Base: c.VPNCustomerGateways.NewBase(), Owner: owner, IKELifetime: 86400, ESPLifetime: 3600, IKEVersion: "ike"}
	if err := c.fillCustomer(&g); err != nil {
		return "", err
	}
	c.VPNCustomerGateways.Put(g)
	return g.ID, nil
}

func (c *Call) fillCustomer(g *VPNCustomerGateway) error {
	g.Name = c.Or("name", valueOr(g.Name, "VPN-"+c.Str("gateway")))
	g.Gateway, g.CIDRList, g.PSK = c.Or("gateway", g.Gateway), c.Or("cidrlist", g.CIDRList), c.Or("ipsecpsk", g.PSK)
	g.IKEPolicy, g.ESPPolicy = c.Or("ikepolicy", g.IKEPolicy), c.Or("esppolicy", g.ESPPolicy)
	g.IKELifetime, g.ESPLifetime = c.Int64("ikelifetime", g.IKELifetime), c.Int64("esplifetime", g.ESPLifetime)
	g.IKEVersion, g.DPD = c.Or("ikeversion", g.IKEVersion), c.Bool("dpd", g.DPD)
	g.ForceEncap, g.SplitConnections = c.Bool("forceencap", g.ForceEncap), c.Bool("splitconnections", g.SplitConnections)
	if _, err := netip.ParseAddr(g.Gateway); err != nil && !strings.Contains(g.Gateway, ".") {
		return Invalid("The customer gateway ip/Domain %s is invalid!", g.Gateway)
	}
	for _, cidr := range strings.Split(g.CIDRList, ",") {
		if !validCIDR(strings.TrimSpace(cidr)) {
			return Invalid("The customer gateway guest cidr list %s contains invalid guest cidr!", g.CIDRList)
		}
	}
	if !strings.Contains(g.IKEPolicy, "-") {
		return Invalid("The customer gateway IKE policy %s is invalid!  Verify the required Diffie Hellman (DH) group is specified.", g.IKEPolicy)
	}
	if !strings.Contains(g.ESPPolicy, "-") {
		return Invalid("The customer gateway ESP policy %s is invalid!", g.ESPPolicy)
	}
	if g.IKELifetime < 0 || g.IKELifetime > 86400 {
		return Invalid("The IKE lifetime %d of vpn connection is invalid!", g.IKELifetime)
	}
	if g.ESPLifetime < 0 || g.ESPLifetime > 86400 {
		return Invalid("The ESP lifetime %d of vpn connection is invalid!", g.ESPLifetime)
	}
	_, taken := c.VPNCustomerGateways.Find(func(o VPNCustomerGateway) bool { return o.Name == g.Name && o.AccountID == g.AccountID && o.ID != g.ID })
	if taken {
		return Invalid("The customer gateway with name %s already existed!", g.Name)
	}
	return nil
}

func customerJob(c *Call) (Obj, error) {
	g, ok := c.VPNCustomerGateways.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to create customer VPN gateway")
	}
	return Obj{"vpncustomergateway": c.customerResponse(g)}, nil
}

func (c *Call) customerResponse(g VPNCustomerGateway) Obj {
	o := Obj{"id": g.ID, "name": g.Name, "gateway": g.Gateway, "cidrlist": g.CIDRList, "ipsecpsk": g.PSK, "ikepolicy": g.IKEPolicy, "esppolicy": g.ESPPolicy,
		"ikelifetime": g.IKELifetime, "esplifetime": g.ESPLifetime, "ikeversion": g.IKEVersion, "dpd": g.DPD, "forceencap": g.ForceEncap, "splitconnections": g.SplitConnections}
	c.putOwner(o, g.Owner)
	return o
}

func listCustomers(c *Call) (any, error) {
	rows, err := Visible(c, c.VPNCustomerGateways.Where(func(g VPNCustomerGateway) bool { return c.named(g.ID, g.Name, g.Gateway) }))
	if err != nil {
		return nil, err
	}
	return Listing("vpncustomergateway", rows, c.customerResponse), nil
}

func startCustomer(c *Call) (string, error) {
	g, ok := c.VPNCustomerGateways.Get(c.Str("id"))
	if !ok {
		return "", Invalid("Fail to find customer gateway with %s !", c.Str("id"))
	}
	if _, used := c.VPNConnections.Find(func(n VPNConnection) bool { return n.CustomerGatewayID == g.ID }); used && c.Name == "deleteVpnCustomerGateway" {
		return "", Invalid("Unable to delete VPN customer gateway with id %s because there is still related VPN connections!", g.ID)
	}
	return g.ID, c.Own(g.Owner)
}

func updateCustomerJob(c *Call) (Obj, error) {
	g, ok := c.VPNCustomerGateways.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to update customer VPN gateway")
	}
	if err := c.fillCustomer(&g); err != nil {
		return nil, err
	}
	c.VPNCustomerGateways.Put(g)
	return Obj{"vpncustomergateway": c.customerResponse(g)}, nil
}

func deleteCustomerJob(c *Call) (Obj, error) {
	c.VPNCustomerGateways.Delete(c.EntityID)
	return Success(), nil
}

// newSharedKey is a key as the server makes it for those who dial in.
func newSharedKey() string { return rand.Text()[:24] }
