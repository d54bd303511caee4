package cloudstack

import (
	"context"
	"fmt"
	"strings"
)

// listing says how objects of a kind are listed.
type listing struct {
	command string
	key     string
	by      string // parameter that takes the id; "id" when empty
	extra   Params
}

// listings are the kinds of objects by the noun of their commands (createNetwork, updateNetwork, deleteNetwork: Network).
var listings = map[string]listing{
	"AffinityGroup":      {command: "listAffinityGroups", key: "affinitygroup"},
	"AutoScalePolicy":    {command: "listAutoScalePolicies", key: "autoscalepolicy"},
	"AutoScaleVmGroup":   {command: "listAutoScaleVmGroups", key: "autoscalevmgroup"},
	"AutoScaleVmProfile": {command: "listAutoScaleVmProfiles", key: "autoscalevmprofile"},
	"Condition":          {command: "listConditions", key: "condition"},
	"Counter":            {command: "listCounters", key: "counter"},
	"EgressFirewallRule": {command: "listEgressFirewallRules", key: "firewallrule"},
	"FirewallRule":       {command: "listFirewallRules", key: "firewallrule"},
	"InstanceGroup":      {command: "listInstanceGroups", key: "instancegroup"},
	"IpAddress":          {command: "listPublicIpAddresses", key: "publicipaddress"},
	"LBStickinessPolicy": {command: "listLBStickinessPolicies", key: "stickinesspolicies"},
	"LoadBalancerRule":   {command: "listLoadBalancerRules", key: "loadbalancerrule"},
	"Network":            {command: "listNetworks", key: "network"},
	"NetworkACL":         {command: "listNetworkACLs", key: "networkacl"},
	"NetworkACLItem":     {command: "listNetworkACLs", key: "networkacl"},
	"NetworkACLList":     {command: "listNetworkACLLists", key: "networkacllist"},
	"PortForwardingRule": {command: "listPortForwardingRules", key: "portforwardingrule"},
	"Project":            {command: "listProjects", key: "project"},
	"SecurityGroup":      {command: "listSecurityGroups", key: "securitygroup"},
	"Snapshot":           {command: "listSnapshots", key: "snapshot"},
	"SslCert":            {command: "listSslCerts", key: "sslcert", by: "certid"},
	"StaticRoute":        {command: "listStaticRoutes", key: "staticroute"},
	"Template":           {command: "listTemplates", key: "template", extra: Params{"templatefilter": "self"}},
	"UserData":           {command: "listUserData", key: "userdata"},
	"VMSnapshot":         {command: "listVMSnapshot", key: "vmSnapshot", by: "vmsnapshotid"},
	"VPC":                {command: "listVPCs", key: "vpc"},
	"VirtualMachine":     {command: "listVirtualMachines", key: "virtualmachine"},
	"Volume":             {command: "listVolumes", key: "volume"},
}

// noun is what a command is about: the command without its verb.
func noun(command string) string {
	return strings.TrimLeft(command, "abcdefghijklmnopqrstuvwxyz")
}

// ReadByID reads the object a command is about (any command on its kind will do: deployVirtualMachine, stopVirtualMachine). It gives
// ErrGone when the cloud says that there is no such object, or shows none although the caller is the account that made it (which the
// state's binding to an account assures).
func (c *Client) ReadByID(ctx context.Context, command, id string) (Object, error) {
	l, ok := listings[noun(command)]
	if !ok {
		return nil, fmt.Errorf("%s: it is not known how such an object is read; this is a bug in moldctl", command)
	}
	by := l.by
	if by == "" {
		by = "id"
	}
	params := Params{by: id}
	for k, v := range l.extra {
		params[k] = v
	}
	items, err := c.List(ctx, l.command, params, l.key)
	switch {
	case unknownID(err, by):
		return nil, fmt.Errorf("%s %s: %w", noun(command), id, ErrGone)
	case err != nil:
		return nil, err
	case len(items) == 0:
		return nil, fmt.Errorf("%s %s: %w", noun(command), id, ErrGone)
	}
	for _, item := range items {
		// Wrappers (stickiness policies) carry no id of their own.
		if item.ID() == id || item.ID() == "" {
			return item, nil
		}
	}
	return nil, fmt.Errorf("%s %s: %w", noun(command), id, ErrGone)
}

// Readable says whether ReadByID knows the kind of object the command is about.
func Readable(command string) bool {
	_, ok := listings[noun(command)]
	return ok
}
