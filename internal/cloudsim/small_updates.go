package cloudsim

// smallCommands change a name or whether something is shown.
var smallCommands = map[string]command{
	"updateInstanceGroup":       {run: updateInstanceGroup, id: kindInstanceGroup},
	"updateVpnGateway":          {start: startUpdateVPNGateway, job: updateVPNGatewayJob, id: kindVPNGateway, event: "VPN.S2S.VPN.GATEWAY.UPDATE"},
	"updateVpnConnection":       {start: startConnection, job: updateConnectionJob, id: kindVPNConnection, event: "VPN.S2S.CONNECTION.UPDATE"},
	"updateRemoteAccessVpn":     {start: startUpdateRemote, job: updateRemoteJob, id: kindRemoteVPN, event: "VPN.REMOTE.ACCESS.UPDATE"},
	"updateLBStickinessPolicy":  {start: namedStickiness, job: updateStickinessJob, id: kindStickiness, queue: lbQueue, event: "LB.STICKINESSPOLICY.UPDATE"},
	"updateLBHealthCheckPolicy": {start: noHealthCheck, job: noJob, id: kindAny, event: "LB.HEALTHCHECKPOLICY.UPDATE"},
	"deleteLBHealthCheckPolicy": {start: noHealthCheck, job: noJob, id: kindAny, event: "LB.HEALTHCHECKPOLICY.DELETE"},
}

func updateInstanceGroup(c *Call) (any, error) {
	g, ok := c.InstanceGroups.Get(c.Str("id"))
	if !ok {
		return nil, Invalid("unable to find a vm group with specified groupId")
	}
	if err := c.Own(g.Owner); err != nil {
		return nil, err
	}
	name := c.Or("name", g.Name)
	if _, taken := c.InstanceGroups.Find(func(o InstanceGroup) bool { return o.Name == name && o.AccountID == g.AccountID && o.ID != g.ID }); taken {
		return nil, Invalid("Unable to update vm group, a group with name %s already exists for account", name)
	}
	g.Name = name
	c.InstanceGroups.Put(g)
	c.Made(g.ID)
	return Obj{"instancegroup": c.instanceGroupResponse(g)}, nil
}

func startUpdateVPNGateway(c *Call) (string, error) {
	g, ok := c.VPNGateways.Get(c.Str("id"))
	if !ok {
		return "", Invalid("Fail to find vpn gateway with %s !", c.Str("id"))
	}
	return g.ID, c.Own(g.Owner)
}

func updateVPNGatewayJob(c *Call) (Obj, error) {
	g, ok := c.VPNGateways.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Fail to find vpn gateway with %s !", c.EntityID)
	}
	g.HideDisplay = !c.Bool("fordisplay", !g.HideDisplay)
	c.VPNGateways.Put(g)
	return Obj{"vpngateway": c.vpnGatewayResponse(g)}, nil
}

func updateConnectionJob(c *Call) (Obj, error) {
	n, ok := c.VPNConnections.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Can't find site to site vpn connection %s", c.EntityID)
	}
	n.HideDisplay = !c.Bool("fordisplay", !n.HideDisplay)
	c.VPNConnections.Put(n)
	return Obj{"vpnconnection": c.connectionResponse(n)}, nil
}

func startUpdateRemote(c *Call) (string, error) {
	v, ok := c.RemoteVPNs.Get(c.Str("id"))
	if !ok {
		return "", Invalid("Can't find remote access vpn by id %s", c.Str("id"))
	}
	return v.ID, c.Own(v.Owner)
}

func updateRemoteJob(c *Call) (Obj, error) {
	v, ok := c.RemoteVPNs.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Can't find remote access vpn by id %s", c.EntityID)
	}
	v.HideDisplay = !c.Bool("fordisplay", !v.HideDisplay)
	c.RemoteVPNs.Put(v)
	return Obj{"remoteaccessvpn": c.remoteResponse(v)}, nil
}

func updateStickinessJob(c *Call) (Obj, error) {
	p, ok := c.Stickiness.Get(c.EntityID)
	if !ok {
		return nil, Invalid("Unable to find load balancer stickiness policy with id %s", c.EntityID)
	}
	p.HideDisplay = !c.Bool("fordisplay", !p.HideDisplay)
	c.Stickiness.Put(p)
	r, _ := c.LBRules.Get(p.LBRuleID)
	return Obj{"stickinesspolicies": c.stickinessOfRule(r, "")}, nil
}

// noHealthCheck refuses: routers take no health check policies, so there is none to name.
func noHealthCheck(c *Call) (string, error) {
	return "", errNoEntity(c.Label(), "id", c.Str("id"))
}
