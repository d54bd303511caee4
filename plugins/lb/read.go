package lb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// Read brings the attributes up to date with the cloud.
func (handler) Read(ctx context.Context, r *sdk.Request, prior LoadBalancer) (LoadBalancer, error) {
	w, err := open(r)
	if err != nil {
		return prior, err
	}
	found, err := r.Cloud.ReadByID(ctx, "createLoadBalancerRule", prior.ID)
	if cloudstack.IsGone(err) {
		return prior, sdk.ErrGone
	}
	if err != nil {
		return prior, err
	}
	now := prior
	now.Name, now.Network = found.Str("name"), found.Str("networkid")
	now.PublicPort, now.PrivatePort = found.Int("publicport"), found.Int("privateport")
	now.Algorithm, now.Protocol = found.Str("algorithm"), found.Str("protocol")
	now.PublicIPID, now.Address = found.Str("publicipid"), found.Str("publicip")
	if w.kept.Network == "" {
		if err := w.imported(ctx, &now); err != nil {
			return prior, err
		}
	}
	if err := w.readAccess(ctx, found, &now); err != nil {
		return prior, err
	}
	if prior.Members != nil {
		if now.Members, err = w.listMembers(ctx, now.ID); err != nil {
			return prior, err
		}
	}
	if err := w.readStickiness(ctx, &now); err != nil {
		return prior, err
	}
	return now, w.save()
}

// imported learns about a rule that was made elsewhere what Create would have kept. Its address was not allocated by us.
func (w *rule) imported(ctx context.Context, now *LoadBalancer) error {
	address, err := w.r.Cloud.ReadByID(ctx, "associateIpAddress", now.PublicIPID)
	if err != nil {
		return fmt.Errorf("look at the rule's address: %w", err)
	}
	w.kept.Network, w.kept.VPC, w.kept.Allocated = now.Network, address.Str("vpcid") != "", address.Str("allocated")
	return nil
}

// readAccess fills in who may connect. When our firewall rule is gone nobody may, which the next plan repairs.
func (w *rule) readAccess(ctx context.Context, found cloudstack.Object, now *LoadBalancer) error {
	if w.kept.VPC {
		now.CIDRs = found.Words("cidrlist")
		if len(now.CIDRs) == 0 {
			now.CIDRs = []string{"0.0.0.0/0"} // no list lets everybody in
		}
		return nil
	}
	rules, err := w.r.Cloud.List(ctx, "listFirewallRules", cloudstack.Params{"ipaddressid": now.PublicIPID, "listall": "true"}, "firewallrule")
	if err != nil {
		return fmt.Errorf("list the firewall rules of the address: %w", err)
	}
	at := slices.IndexFunc(rules, func(o cloudstack.Object) bool {
		if w.kept.Firewall != "" {
			return o.ID() == w.kept.Firewall
		}
		return o.Int("startport") == now.PublicPort && o.Int("endport") == now.PublicPort && strings.EqualFold(o.Str("protocol"), "tcp") && len(w.r.Private) == 0
	})
	if at < 0 {
		now.CIDRs, w.kept.Firewall = []string{}, ""
		return nil
	}
	now.CIDRs, w.kept.Firewall = rules[at].Words("cidrlist"), rules[at].ID()
	return nil
}

func (w *rule) readStickiness(ctx context.Context, now *LoadBalancer) error {
	policies, err := w.policies(ctx, now.ID)
	if err != nil {
		return err
	}
	if len(policies) == 0 {
		now.Stickiness = nil
		return nil
	}
	p := policies[0]
	read := &Stickiness{Method: p.Str("methodname"), Name: p.Str("name")}
	// The server adds its defaults to what was asked for: only what the spec names is compared.
	for k := range p.Map("params") {
		if now.Stickiness != nil {
			if _, asked := now.Stickiness.Params[k]; !asked {
				continue
			}
		}
		if read.Params == nil {
			read.Params = map[string]string{}
		}
		read.Params[k] = p.Map("params").Str(k)
	}
	if now.Stickiness != nil && read.Params == nil && now.Stickiness.Params != nil && len(now.Stickiness.Params) == 0 {
		read.Params = map[string]string{}
	}
	now.Stickiness = read
	return nil
}
