package cloudstack

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Zone is the zone to work in: the configured one, else the only one, else the first that is enabled. It is looked up once.
func (c *Client) Zone(ctx context.Context) (Object, error) {
	c.mu.Lock()
	known := c.zone
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	zones, err := c.List(ctx, "listZones", Params{"available": "true"}, "zone")
	if err != nil {
		return nil, err
	}
	zone, err := chooseZone(zones, c.settings.Zone)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.zone = zone
	return zone, nil
}

func chooseZone(zones []Object, wanted string) (Object, error) {
	if len(zones) == 0 {
		return nil, fmt.Errorf("find a zone: this account may use no zone of the cloud")
	}
	if wanted != "" {
		var names []string
		for _, z := range zones {
			if z.ID() == wanted || z.Str("name") == wanted {
				return z, nil
			}
			names = append(names, z.Str("name"))
		}
		return nil, fmt.Errorf("find zone %q: there is none of this name or id; the cloud has: %s", wanted, strings.Join(names, ", "))
	}
	for _, z := range zones {
		if z.Str("allocationstate") == "Enabled" {
			return z, nil
		}
	}
	return zones[0], nil
}

// Capabilities is the cloud's answer to listCapabilities: its version and what it lets users do. It is asked once.
func (c *Client) Capabilities(ctx context.Context) (Object, error) {
	c.mu.Lock()
	known := c.caps
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	answer, err := c.Read(ctx, "listCapabilities", nil)
	if err != nil {
		return nil, err
	}
	caps := answer.Map("capability")
	if caps == nil {
		return nil, fmt.Errorf("listCapabilities: the cloud answers without its capabilities")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.caps = caps
	return caps, nil
}

// Knowledge is what a client has found out about its cloud. Another one that is given it need not ask again.
type Knowledge struct {
	Caller    CallerIdentity
	Signature Signature     // the kind that the cloud takes
	Offset    time.Duration // how far the server's clock is ahead of ours
}

// Knowledge finds out what is not known yet.
func (c *Client) Knowledge(ctx context.Context) (Knowledge, error) {
	caller, err := c.Identify(ctx)
	if err != nil {
		return Knowledge{}, err
	}
	kind, err := c.kind(ctx)
	if err != nil {
		return Knowledge{}, err
	}
	return Knowledge{Caller: caller, Signature: kind, Offset: c.Offset()}, nil
}

// know takes what another client has found out.
func (c *cloud) know(k Knowledge) {
	if c.signature == SignatureAuto && (k.Signature == SignatureSHA1 || k.Signature == SignatureSHA256) {
		c.signature = k.Signature
	}
	c.offset.Store(int64(k.Offset))
	if k.Caller.ZoneID != "" {
		c.zone = Object{"id": k.Caller.ZoneID, "name": k.Caller.Zone}
	}
}

// Identify says who the credentials belong to and where they act.
func (c *Client) Identify(ctx context.Context) (CallerIdentity, error) {
	if known := c.settings.Known.Caller; known.AccountID != "" {
		return known, nil
	}
	zone, err := c.Zone(ctx)
	if err != nil {
		return CallerIdentity{}, err
	}
	caps, err := c.Capabilities(ctx)
	if err != nil {
		return CallerIdentity{}, err
	}
	users, err := c.List(ctx, "listUsers", nil, "user")
	if err != nil {
		return CallerIdentity{}, err
	}
	if len(users) == 0 {
		return CallerIdentity{}, fmt.Errorf("listUsers: the cloud does not show the user these keys belong to")
	}
	// Without further parameters the listing holds the caller's own account, so every row names it; the caller's row names the role too.
	me := users[0]
	for _, u := range users {
		if u.Str("apikey") == c.apiKey() {
			me = u
		}
	}
	return CallerIdentity{
		ZoneID: zone.ID(), Zone: zone.Str("name"),
		DomainID: me.Str("domainid"), Domain: me.Str("domain"),
		AccountID: me.Str("accountid"), Account: me.Str("account"),
		ProjectID:  c.settings.Project,
		Role:       me.Str("roletype"),
		MayExpunge: me.Str("roletype") == "Admin" || caps.Bool("allowuserexpungerecovervm"),
		Version:    caps.Str("cloudstackversion"),
	}, nil
}
