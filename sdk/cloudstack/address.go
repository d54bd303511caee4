package cloudstack

import (
	"context"
	"fmt"
	"math/rand/v2"
)

// SourceNAT is the address through which a network's machines reach the world, nil when it has none (yet).
func (c *Client) SourceNAT(ctx context.Context, network string) (Object, error) {
	addresses, err := c.List(ctx, "listPublicIpAddresses", Params{"associatednetworkid": network, "issourcenat": "true", "listall": "true"}, "publicipaddress")
	if err != nil {
		return nil, fmt.Errorf("find the source NAT address of the network: %w", err)
	}
	for _, a := range addresses {
		if a.Bool("issourcenat") {
			return a, nil
		}
	}
	return nil, nil
}

// AddressPermit is the key under which a network's first address is settled: by whoever allocates one, or by its first machine, whose start
// takes one for the network itself.
func AddressPermit(network string) string { return "addresses of network " + network }

// AddressFor gives a network an address to serve on: its source NAT address if it has one, else a new one. owned says that the address
// was allocated for this and can be released alone; a source NAT address cannot, and the first address of a network becomes just that.
func (c *Client) AddressFor(ctx context.Context, key, network string) (address Object, owned bool, err error) {
	if _, taken := c.resumed.has(key); taken {
		// An interrupted run has allocated it; another would be one too many.
		address, err = c.Allocate(ctx, key, Params{"networkid": network})
		if !IsGone(err) {
			return address, err == nil && !address.Bool("issourcenat"), err
		}
	}
	release, err := c.acquire(ctx, []string{AddressPermit(network)})
	if err != nil {
		return nil, false, err
	}
	defer release()
	if address, err = c.SourceNAT(ctx, network); err != nil || address != nil {
		return address, false, err
	}
	address, err = c.Allocate(ctx, key, Params{"networkid": network})
	if err != nil {
		return nil, false, err
	}
	return address, !address.Bool("issourcenat"), nil
}

// Allocate takes a public address for a network or VPC (networkid or vpcid in params). It names a free address beforehand, so that an
// interrupted call can be found again and can never take two.
func (c *Client) Allocate(ctx context.Context, key string, params Params) (Object, error) {
	for attempt := 0; ; attempt++ {
		m := Mutation{Key: key, Command: "associateIpAddress", Params: Params{}, Result: "ipaddress"}
		for k, v := range params {
			m.Params[k] = v
		}
		owner := map[string]string{"networkid": "associatednetworkid", "vpcid": "vpcid"}
		m.Identity = Identity{Kind: Serial, List: "listPublicIpAddresses", Params: Params{"listall": "true"}, Result: "publicipaddress"}
		for parameter, field := range owner {
			if params[parameter] != "" {
				m.Identity.Params[field] = params[parameter]
			}
		}
		free, err := c.freeAddress(ctx)
		if err != nil {
			return nil, err
		}
		if free != "" {
			m.Params["ipaddress"] = free
			m.Identity.Kind, m.Identity.Match = Reserve, map[string]string{"ipaddress": free}
		}
		made, err := c.Call(ctx, m)
		if CodeOf(err) == 533 && free != "" && attempt < 5 {
			continue // somebody else took it first
		}
		if err != nil {
			return nil, err
		}
		// The job's result still says Allocating and lacks fields.
		return c.ReadByID(ctx, m.Command, made.ID())
	}
}

// freeAddress picks one of the free addresses, empty when the cloud shows none to this caller.
func (c *Client) freeAddress(ctx context.Context) (string, error) {
	zone, err := c.Zone(ctx)
	if err != nil {
		return "", err
	}
	answer, err := c.Read(ctx, "listPublicIpAddresses", Params{
		"zoneid": zone.ID(), "state": "Free", "allocatedonly": "false", "forvirtualnetwork": "true", "page": "1", "pagesize": "50",
	})
	if CodeOf(err) != 0 && CodeOf(err) != 401 {
		return "", nil // not shown to everybody
	}
	if err != nil {
		return "", fmt.Errorf("list the free addresses: %w", err)
	}
	free := answer.List("publicipaddress")
	// Any one will do; a random one keeps parallel callers apart.
	for _, i := range rand.Perm(len(free)) { //nolint:gosec // no secret depends on it
		if free[i].Str("state") == "Free" {
			return free[i].Str("ipaddress"), nil
		}
	}
	return "", nil
}
