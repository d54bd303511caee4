package otherclients_test

import "testing"

// network makes an isolated network and an address on it, whose id it returns too.
func (s *site) network(name string) (string, error) {
	p := s.Network.NewCreateNetworkParams(name, s.networkOffering, s.zone)
	p.SetDisplaytext(name)
	r, err := s.Network.CreateNetwork(p)
	if err != nil {
		return "", err
	}
	return r.Id, nil
}

func (s *site) address() (network, address string, err error) {
	if network, err = s.network("web"); err != nil {
		return "", "", err
	}
	p := s.Address.NewAssociateIpAddressParams()
	p.SetNetworkid(network)
	r, err := s.Address.AssociateIpAddress(p)
	if err != nil {
		return "", "", err
	}
	return network, r.Id, nil
}

func (s *site) vpc() (string, error) {
	r, err := s.VPC.CreateVPC(s.VPC.NewCreateVPCParams("10.9.0.0/16", "vpc", "vpc", s.vpcOffering, s.zone))
	if err != nil {
		return "", err
	}
	return r.Id, nil
}

func networking() []life {
	return []life{
		{
			name:   "network",
			create: func(_ *testing.T, s *site) (string, error) { return s.network("web") },
			list: func(s *site, id string) (int, error) {
				_, n, err := s.Network.GetNetworkByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.Network.DeleteNetwork(s.Network.NewDeleteNetworkParams(id))
				return err
			},
		},
		{
			name: "public address",
			create: func(_ *testing.T, s *site) (string, error) {
				network, _, err := s.address() // the first one is the network's own
				if err != nil {
					return "", err
				}
				p := s.Address.NewAssociateIpAddressParams()
				p.SetNetworkid(network)
				r, err := s.Address.AssociateIpAddress(p)
				if err != nil {
					return "", err
				}
				return r.Id, nil
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.Address.GetPublicIpAddressByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.Address.DisassociateIpAddress(s.Address.NewDisassociateIpAddressParams(id))
				return err
			},
		},
		{
			name: "firewall rule",
			create: func(_ *testing.T, s *site) (string, error) {
				_, address, err := s.address()
				if err != nil {
					return "", err
				}
				p := s.Firewall.NewCreateFirewallRuleParams(address, "tcp")
				p.SetStartport(80)
				p.SetEndport(80)
				p.SetCidrlist([]string{"10.0.0.0/8", "192.168.0.0/16"})
				r, err := s.Firewall.CreateFirewallRule(p)
				if err != nil {
					return "", err
				}
				return r.Id, nil
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.Firewall.GetFirewallRuleByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.Firewall.DeleteFirewallRule(s.Firewall.NewDeleteFirewallRuleParams(id))
				return err
			},
		},
		{
			name: "egress rule",
			create: func(_ *testing.T, s *site) (string, error) {
				network, err := s.network("web")
				if err != nil {
					return "", err
				}
				p := s.Firewall.NewCreateEgressFirewallRuleParams(network, "all")
				r, err := s.Firewall.CreateEgressFirewallRule(p)
				if err != nil {
					return "", err
				}
				return r.Id, nil
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.Firewall.GetEgressFirewallRuleByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.Firewall.DeleteEgressFirewallRule(s.Firewall.NewDeleteEgressFirewallRuleParams(id))
				return err
			},
		},
		{
			name: "load balancer rule",
			create: func(_ *testing.T, s *site) (string, error) {
				_, address, err := s.address()
				if err != nil {
					return "", err
				}
				p := s.LoadBalancer.NewCreateLoadBalancerRuleParams("roundrobin", "web", 8080, 80)
				p.SetPublicipid(address)
				r, err := s.LoadBalancer.CreateLoadBalancerRule(p)
				if err != nil {
					return "", err
				}
				return r.Id, nil
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.LoadBalancer.GetLoadBalancerRuleByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.LoadBalancer.DeleteLoadBalancerRule(s.LoadBalancer.NewDeleteLoadBalancerRuleParams(id))
				return err
			},
		},
		{
			name:   "VPC",
			create: func(_ *testing.T, s *site) (string, error) { return s.vpc() },
			list: func(s *site, id string) (int, error) {
				_, n, err := s.VPC.GetVPCByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.VPC.DeleteVPC(s.VPC.NewDeleteVPCParams(id))
				return err
			},
		},
		{
			name: "network ACL list with an item",
			create: func(t *testing.T, s *site) (string, error) {
				vpc, err := s.vpc()
				if err != nil {
					return "", err
				}
				list, err := s.NetworkACL.CreateNetworkACLList(s.NetworkACL.NewCreateNetworkACLListParams("list", vpc))
				if err != nil {
					return "", err
				}
				p := s.NetworkACL.NewCreateNetworkACLParams("tcp")
				p.SetAclid(list.Id)
				p.SetStartport(22)
				p.SetEndport(22)
				p.SetAction("allow")
				p.SetTraffictype("ingress")
				p.SetCidrlist([]string{"0.0.0.0/0"})
				p.SetNumber(10)
				item, err := s.NetworkACL.CreateNetworkACL(p)
				if err == nil && (item.Number != 10 || item.Aclid != list.Id) {
					t.Errorf("item: %+v", item)
				}
				return list.Id, err
			},
			list: func(s *site, id string) (int, error) {
				_, n, err := s.NetworkACL.GetNetworkACLListByID(id)
				return found(n, err)
			},
			remove: func(s *site, id string) error {
				_, err := s.NetworkACL.DeleteNetworkACLList(s.NetworkACL.NewDeleteNetworkACLListParams(id))
				return err
			},
		},
	}
}
