package cloudsim

import "strings"

func startCreateConnection(c *Call) (string, error) {
	g, ok := c.VPNGateways.Get(c.Str("s2svpngatewayid"))
	customer, found := c.VPNCustomerGateways.Get(c.Str("s2scustomergatewayid"))
	if !ok || !found {
		return "", Invalid("Unable to found specified Site to Site VPN gateways to create connection!")
	}
	if err := c.Own(g.Owner); err != nil {
		return "", err
	}
	if customer.AccountID != g.AccountID {
		return "", Invalid("VPN connection can only be esitablished between same account's VPN gateway and customer gateway!")
	}
	if _, taken := c.VPNConnections.Find(func(n VPNConnection) bool { return n.GatewayID == g.ID && n.CustomerGatewayID == customer.ID }); taken {
		return "", Invalid("The vpn connection with customer gateway id %s and vpn gateway id %s already existed!", customer.ID, g.ID)
	}
	n := VPNConnection{Base: c.VPNConnections.NewBase(), Owner: g.Owner, GatewayID: g.ID, CustomerGatewayID: customer.ID, Passive: c.Bool("passive", false),
		State: "Connecting", HideDisplay: !c.Bool("fordisplay", true)}
	c.VPNConnections.Put(n)
	return n.ID, nil
}

func connectionJob(c *Call) (Obj, error) {
	n, ok := c.VPNConnections.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to create site to site VPN connection")
	}
	return Obj{"vpnconnection": c.connectionResponse(n)}, nil
}

func (c *Call) connectionResponse(n VPNConnection) Obj {
	g, _ := c.VPNGateways.Any(n.GatewayID)
	customer, _ := c.VPNCustomerGateways.Any(n.CustomerGatewayID)
	ip, _ := c.PublicIPs.Any(g.IPAddressID)
	o := Obj{"id": n.ID, "s2svpngatewayid": g.ID, "publicip": ip.Address, "s2scustomergatewayid": customer.ID, "gateway": customer.Gateway,
		"cidrlist": customer.CIDRList, "ipsecpsk": customer.PSK, "ikepolicy": customer.IKEPolicy, "esppolicy": customer.ESPPolicy,
		"ikelifetime": customer.IKELifetime, "esplifetime": customer.ESPLifetime, "ikeversion": customer.IKEVersion, "dpd": customer.DPD,
		"forceencap": customer.ForceEncap, "splitconnections": customer.SplitConnections, "passive": n.Passive, "state": n.State,
		"created": timeText(n.Created), "fordisplay": !n.HideDisplay}
	c.putOwner(o, n.Owner)
	return o
}

func listConnections(c *Call) (any, error) {
	rows, err := Visible(c, c.VPNConnections.Where(func(n VPNConnection) bool {
		g, _ := c.VPNGateways.Any(n.GatewayID)
		return c.named(n.ID, "") && c.is("vpcid", g.VPCID)
	}))
	if err != nil {
		return nil, err
	}
	return Listing("vpnconnection", rows, c.connectionResponse), nil
}

func startConnection(c *Call) (string, error) {
	n, ok := c.VPNConnections.Get(c.Str("id"))
	if !ok {
		return "", Invalid("Fail to find site to site VPN connection %s", c.Str("id"))
	}
	return n.ID, c.Own(n.Owner)
}

func deleteConnectionJob(c *Call) (Obj, error) {
	c.VPNConnections.Delete(c.EntityID)
	return Success(), nil
}

func startCreateRemote(c *Call) (string, error) {
	ip, ok := c.PublicIPs.Get(c.Str("publicipid"))
	if !ok || ip.State == IPFree {
		return "", Invalid("Unable to create remote access vpn, invalid public IP address id %s", c.Str("publicipid"))
	}
	if err := c.Own(ip.Owner); err != nil {
		return "", err
	}
	if !ip.SourceNAT {
		return "", Invalid("VPN service can be configured only on sourceNat ip address")
	}
	if _, taken := c.RemoteVPNs.Find(func(v RemoteVPN) bool { return v.IPAddressID == ip.ID }); taken {
		return "", Invalid("A Remote Access VPN already exists for this public Ip address")
	}
	v := RemoteVPN{Base: c.RemoteVPNs.NewBase(), Owner: ip.Owner, IPAddressID: ip.ID, NetworkID: ip.NetworkID, IPRange: c.Or("iprange", "10.1.2.2-10.1.2.8"),
		PSK: newSharedKey(), State: "Running", HideDisplay: !c.Bool("fordisplay", true)}
	c.RemoteVPNs.Put(v)
	return v.ID, nil
}

func remoteJob(c *Call) (Obj, error) {
	v, ok := c.RemoteVPNs.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to create remote access vpn")
	}
	o := c.remoteResponse(v)
	o["presharedkey"] = v.PSK
	return Obj{"remoteaccessvpn": o}, nil
}

func (c *Call) remoteResponse(v RemoteVPN) Obj {
	ip, _ := c.PublicIPs.Any(v.IPAddressID)
	o := Obj{"id": v.ID, "publicipid": ip.ID, "publicip": ip.Address, "iprange": v.IPRange, "state": v.State, "fordisplay": !v.HideDisplay}
	c.putOwner(o, v.Owner)
	return o
}

func listRemotes(c *Call) (any, error) {
	rows, err := Visible(c, c.RemoteVPNs.Where(func(v RemoteVPN) bool {
		return c.named(v.ID, "") && c.is("publicipid", v.IPAddressID) && c.is("networkid", v.NetworkID)
	}))
	if err != nil {
		return nil, err
	}
	return Listing("remoteaccessvpn", rows, func(v RemoteVPN) Obj {
		o := c.remoteResponse(v)
		o["presharedkey"] = v.PSK
		return o
	}), nil
}

func startRemote(c *Call) (string, error) {
	v, ok := c.RemoteVPNs.Find(func(v RemoteVPN) bool { return v.IPAddressID == c.Str("publicipid") })
	if !ok {
		return "", Invalid("The given public IP has no remote access VPN")
	}
	return v.ID, c.Own(v.Owner)
}

func deleteRemoteJob(c *Call) (Obj, error) {
	c.RemoteVPNs.Delete(c.EntityID)
	return Success(), nil
}

func startAddVPNUser(c *Call) (string, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return "", err
	}
	if strings.ContainsAny(c.Str("username"), " /\\@") {
		return "", Invalid("Username has to be begin with an alphabet have 3-64 characters including alphabets, numbers and the set '@.-_'")
	}
	if _, taken := c.VPNUsers.Find(func(u VPNUser) bool { return u.Username == c.Str("username") && u.AccountID == owner.AccountID }); taken {
		return "", Invalid("VPN User with name %s is already added for account %s", c.Str("username"), owner.AccountID)
	}
	u := VPNUser{Base: c.VPNUsers.NewBase(), Owner: owner, Username: c.Str("username"), Password: hashPassword(c.Str("username"), c.Str("password")), State: RuleActive}
	c.VPNUsers.Put(u)
	return u.ID, nil
}

func vpnUserJob(c *Call) (Obj, error) {
	u, ok := c.VPNUsers.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to add vpn user")
	}
	return Obj{"vpnuser": c.vpnUserResponse(u)}, nil
}

func (c *Call) vpnUserResponse(u VPNUser) Obj {
	o := Obj{"id": u.ID, "username": u.Username, "state": u.State}
	c.putOwner(o, u.Owner)
	return o
}

func listVPNUsers(c *Call) (any, error) {
	rows, err := Visible(c, c.VPNUsers.Where(func(u VPNUser) bool { return c.named(u.ID, u.Username) && c.is("username", u.Username) }))
	if err != nil {
		return nil, err
	}
	return Listing("vpnuser", rows, c.vpnUserResponse), nil
}

func startVPNUser(c *Call) (string, error) {
	owner, err := c.NewOwner()
	if err != nil {
		return "", err
	}
	u, ok := c.VPNUsers.Find(func(u VPNUser) bool { return u.Username == c.Str("username") && u.AccountID == owner.AccountID })
	if !ok {
		return "", Invalid("Could not find VPN user=%s. VPN owner id=%s", c.Str("username"), owner.AccountID)
	}
	return u.ID, nil
}

func removeVPNUserJob(c *Call) (Obj, error) {
	c.VPNUsers.Delete(c.EntityID)
	return Success(), nil
}
