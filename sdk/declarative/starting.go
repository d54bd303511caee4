package declarative

import (
	"context"

	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// network is the network whose router carries the call out, as far as its
// parameters tell.
func (o *operation) network(params cloudstack.Params) string {
	if id := params["networkid"]; id != "" {
		return id
	}
	return o.object.Str("associatednetworkid")
}

// startingNetwork is the network behind a call that was refused because the
// network's router is just starting, "" in all other cases. Only a refused call
// is worth the look.
func (o *operation) startingNetwork(ctx context.Context, s callSite, m cloudstack.Mutation, err error) string {
	if cloudstack.CodeOf(err) != 530 || m.Network != "" || ctx.Err() != nil {
		return ""
	}
	id := o.told(s, m, "networkid")
	if id == "" {
		address := o.told(s, m, "ipaddressid")
		if address == "" {
			return ""
		}
		found, readErr := o.Cloud.List(ctx, "listPublicIpAddresses", cloudstack.Params{"id": address}, "publicipaddress")
		if readErr != nil || len(found) != 1 {
			return ""
		}
		id = found[0].Str("associatednetworkid")
	}
	networks, readErr := o.Cloud.List(ctx, "listNetworks", cloudstack.Params{"id": id}, "network")
	if readErr != nil || len(networks) != 1 || networks[0].Str("state") != "Implementing" {
		return ""
	}
	return id
}

// told finds what a call is about where its own parameters do not say: a rule is
// deleted by its id alone, and the object, or the listing it stands in, says of
// which address or network it is.
func (o *operation) told(s callSite, m cloudstack.Mutation, name string) string {
	if id := m.Params[name]; id != "" {
		return id
	}
	for _, a := range o.typ.Attributes {
		if !sendable(a) || paramName(a) != name {
			continue
		}
		if object, ok := o.Lookups[a.Name]; ok {
			return object.ID()
		}
		for _, v := range []cty.Value{o.Prior, o.self} {
			if v = valueOf(v, a.Name); v != cty.NilVal {
				if id := textOf(v); id != "" {
					return id
				}
			}
		}
	}
	for _, b := range o.typ.Blocks {
		if b.Child == nil || b.Child.List == nil || b.Child.List.Params[name] == "" {
			continue
		}
		if id, given, err := o.templates.text(b.Child.List.Params[name], o.roots.with("parent", o.self)); err == nil && given {
			return id
		}
	}
	return o.object.Str(name)
}
