package cloudsim

// smallCommands change a name or whether something is shown.
var smallCommands = map[string]command{
	"updateInstanceGroup": {run: updateInstanceGroup, id: kindInstanceGroup},
	"updateVpnGateway": {start: startUpdateVPNGateway, job: displayJob("vpngateway", func(c *Call) *Table[VPNGateway] { return c.VPNGateways },
		func(r *VPNGateway) *bool { return &r.HideDisplay }, (*Call).vpnGatewayResponse), id: kindVPNGateway, event: "VPN.S2S.VPN.GATEWAY.UPDATE"},
	"updateVpnConnection": {start: startConnection, job: displayJob("vpnconnection", func(c *Call) *Table[VPNConnection] { return c.VPNConnections },
		func(r *VPNConnection) *bool { return &r.HideDisplay }, (*Call).connectionResponse), id: kindVPNConnection, event: "VPN.S2S.CONNECTION.UPDATE"},
	"updateRemoteAccessVpn": {start: startUpdateRemote, job: displayJob("remoteaccessvpn", func(c *Call) *Table[RemoteVPN] { return c.RemoteVPNs },
		func(r *RemoteVPN) *bool { return &r.HideDisplay }, (*Call).remoteResponse), id: kindRemoteVPN, event: "VPN.REMOTE.ACCESS.UPDATE"},
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

func startUpdateRemote(c *Call) (string, error) {
	v, ok := c.RemoteVPNs.Get(c.Str("id"))
	if !ok {
		return "", Invalid("Can't find remote access vpn by id %s", c.Str("id"))
	}
	return v.ID, c.Own(v.Owner)
}

// displayJob changes whether an object is shown, which is all that its update command can change.
func displayJob[T row](key string, table func(*Call) *Table[T], hidden func(*T) *bool, response func(*Call, T) Obj) func(*Call) (Obj, error) {
	return func(c *Call) (Obj, error) {
		r, ok := table(c).Get(c.EntityID)
		if !ok {
			return nil, errNoEntity(c.Label(), "id", c.EntityID)
		}
		*hidden(&r) = !c.Bool("fordisplay", !*hidden(&r))
		table(c).Put(r)
		return Obj{key: response(c, r)}, nil
	}
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
