package content

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// check finds what no single value shows: names that lead nowhere, twins, addresses outside their network.
func (f *File) check(d *decoder) {
	f.checkZones(d)
	f.checkIdentity(d)
	f.checkOfferings(d)
	f.checkTemplates(d)
	f.checkNetworks(d)
	f.checkIDs(d)
}

// twins reports names that stand twice in a list.
func twins[T any](f *File, d *decoder, what string, list []T, name func(*T) *string) {
	seen := make(map[string]bool)
	for i := range list {
		n := name(&list[i])
		if seen[*n] {
			d.failAt(f.at[n], "a second %s %q", what, *n)
		}
		seen[*n] = true
	}
}

func (f *File) checkZones(d *decoder) {
	if len(f.Zones) == 0 {
		d.failAt(position{}, "zones is empty: a cloud has at least one zone")
	}
	twins(f, d, "zone", f.Zones, func(z *ZoneSpec) *string { return &z.Name })
	addresses := 0
	for i := range f.Zones {
		z := &f.Zones[i]
		if len(z.PhysicalNetworks) == 0 {
			d.failAt(f.at[&z.Name], "zone %q has no physical_networks", z.Name)
		}
		twins(f, d, "physical network", z.PhysicalNetworks, func(p *PhysicalSpec) *string { return &p.Name })
		twins(f, d, "pod", z.Pods, func(p *PodSpec) *string { return &p.Name })
		for j := range z.PhysicalNetworks {
			from, to, _ := strings.Cut(z.PhysicalNetworks[j].VLAN, "-")
			if number(from) > number(to) || number(to) > 4094 {
				d.failAt(f.at[&z.PhysicalNetworks[j].VLAN], "vlan: %s is no range within 0-4094", z.PhysicalNetworks[j].VLAN)
			}
		}
		for j := range z.PublicRanges {
			addresses += f.checkRange(d, &z.PublicRanges[j])
		}
		for j := range z.Pods {
			f.checkPod(d, &z.Pods[j])
		}
	}
	if addresses > maxAddresses {
		d.failAt(position{}, "public_ranges have %d addresses, at most %d are possible", addresses, maxAddresses)
	}
	f.checkOverlap(d)
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}

// network is the prefix of a gateway and a netmask, which are valid.
func network(gateway, netmask string) netip.Prefix {
	a, err := netip.ParseAddr(gateway)
	if err != nil {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(a, maskBits(netmask)).Masked()
}

func asNumber(address string) uint32 {
	a, err := netip.ParseAddr(address)
	if err != nil || !a.Is4() {
		return 0
	}
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

// checkRange looks at a range of public addresses; it returns how many they are.
func (f *File) checkRange(d *decoder, r *RangeSpec) int {
	net := network(r.Gateway, r.Netmask)
	for _, a := range []*string{&r.Start, &r.End} {
		if ip, err := netip.ParseAddr(*a); err != nil || !net.Contains(ip) {
			d.failAt(f.at[a], "%s is not in the network of the gateway, %s", *a, net)
		}
	}
	if vlan := number(r.VLAN); r.VLAN != "untagged" && (vlan < 0 || vlan > 4094) {
		d.failAt(f.at[&r.VLAN], "vlan: %q is neither a number up to 4094 nor untagged", r.VLAN)
	}
	from, to := asNumber(r.Start), asNumber(r.End)
	if from > to {
		d.failAt(f.at[&r.End], "the range ends at %s, before its start %s", r.End, r.Start)
		return 0
	}
	if gw := asNumber(r.Gateway); gw >= from && gw <= to {
		d.failAt(f.at[&r.Gateway], "the gateway %s lies within the range", r.Gateway)
	}
	return int(to-from) + 1
}

// checkOverlap finds public addresses that are in two ranges: no two networks can have one.
func (f *File) checkOverlap(d *decoder) {
	var before []*RangeSpec
	for i := range f.Zones {
		for j := range f.Zones[i].PublicRanges {
			r := &f.Zones[i].PublicRanges[j]
			for _, o := range before {
				if asNumber(r.Start) <= asNumber(o.End) && asNumber(o.Start) <= asNumber(r.End) {
					d.failAt(f.at[&r.Start], "the range %s-%s overlaps %s-%s", r.Start, r.End, o.Start, o.End)
				}
			}
			before = append(before, r)
		}
	}
}

func (f *File) checkPod(d *decoder, p *PodSpec) {
	net := network(p.Gateway, p.Netmask)
	for _, a := range []*string{&p.StartIP, &p.EndIP} {
		if ip, err := netip.ParseAddr(*a); err != nil || !net.Contains(ip) {
			at, ok := f.at[a]
			if !ok {
				at = f.at[&p.Name]
			}
			d.failAt(at, "pod %q: %s is not in the network of its gateway, %s", p.Name, *a, net)
		}
	}
	twins(f, d, "cluster", p.Clusters, func(c *ClusterSpec) *string { return &c.Name })
}

// accountTypes are the roles' types that go with an account's type.
var accountTypes = map[string]string{"admin": "Admin", "domain-admin": "DomainAdmin", "user": "User"}

func (f *File) checkIdentity(d *decoder) {
	known := map[string]bool{"ROOT": true}
	for i := range f.Domains {
		path := &f.Domains[i].Path
		parent := ""
		if at := strings.LastIndex(*path, "/"); at > 0 {
			parent = (*path)[:at]
		}
		if known[*path] {
			d.failAt(f.at[path], "a second domain %q", *path)
		} else if !known[parent] {
			d.failAt(f.at[path], "domain %q: there is no domain %q above it", *path, parent)
		}
		known[*path] = true
	}
	f.checkRoles(d)
	admins := 0
	seen := make(map[string]bool)
	for i := range f.Accounts {
		a := &f.Accounts[i]
		if a.Type == "admin" {
			admins++
		}
		if !known[a.Domain] {
			d.failAt(f.at[&a.Domain], "account %q: there is no domain %q", a.Name, a.Domain)
		}
		if key := a.Domain + "/" + a.Name; seen[key] || a.Name == "system" {
			d.failAt(f.at[&a.Name], "a second account %q in domain %s", a.Name, a.Domain)
		} else {
			seen[key] = true
		}
		if a.Type == "admin" && len(a.Limits) > 0 {
			d.failAt(f.at[&a.Limits], "account %q: root administrators have no limits", a.Name)
		}
		f.checkRole(d, a)
		twins(f, d, "limit", a.Limits, func(l *LimitSpec) *string { return &l.Resource })
	}
	if admins == 0 {
		d.failAt(f.at[&f.Accounts], "accounts has no account of type admin")
	}
	f.checkUsers(d)
}

func (f *File) checkUsers(d *decoder) {
	names, keys := make(map[string]bool), make(map[string]bool)
	for i := range f.Accounts {
		a := &f.Accounts[i]
		for j := range a.Users {
			u := &a.Users[j]
			at, ok := f.at[&u.Name]
			if !ok {
				at = f.at[&a.Name]
			}
			if key := a.Domain + "/" + u.Name; names[key] {
				d.failAt(at, "a second user %q in domain %s", u.Name, a.Domain)
			} else {
				names[key] = true
			}
			if (u.APIKey == "") != (u.SecretKey == "") {
				d.failAt(at, "user %q: api_key and secret_key go together", u.Name)
			}
			if u.APIKey != "" && keys[u.APIKey] {
				d.failAt(f.at[&u.APIKey], "user %q: another user has the same api_key", u.Name)
			}
			keys[u.APIKey] = true
		}
	}
}

func (f *File) checkRoles(d *decoder) {
	twins(f, d, "role", f.Roles, func(r *RoleSpec) *string { return &r.Name })
	for i := range f.Roles {
		r := &f.Roles[i]
		if slices.Contains(builtinRoles, r.Name) {
			d.failAt(f.at[&r.Name], "role %q is built in", r.Name)
		}
		for j := range r.Rules {
			if rule := &r.Rules[j]; (rule.Allow == "") == (rule.Deny == "") {
				d.failAt(f.at[rule], "role %q: a rule has either allow or deny", r.Name)
			}
		}
	}
}

var builtinRoles = []string{"Root Admin", "Resource Admin", "Domain Admin", "User", "Read-Only Admin - Default", "Read-Only User - Default",
	"Support Admin - Default", "Support User - Default"}

func (f *File) checkRole(d *decoder, a *AccountSpec) {
	if a.Role == "" || slices.Contains(builtinRoles, a.Role) {
		return
	}
	at := slices.IndexFunc(f.Roles, func(r RoleSpec) bool { return r.Name == a.Role })
	if at < 0 {
		d.failAt(f.at[&a.Role], "account %q: there is no role %q", a.Name, a.Role)
		return
	}
	if want := accountTypes[a.Type]; f.Roles[at].Type != want {
		d.failAt(f.at[&a.Role], "account %q: role %q is of type %s, an account of type %s takes one of type %s", a.Name, a.Role, f.Roles[at].Type, a.Type, want)
	}
}

func (f *File) checkOfferings(d *decoder) {
	for i := range f.ServiceOfferings {
		o := &f.ServiceOfferings[i]
		if !o.Customized && (o.CPUNumber == 0 || o.CPUSpeed == 0 || o.Memory == 0) {
			d.failAt(f.at[&o.Name], "service offering %q: cpu_number, cpu_speed and memory may be 0 only if it is customized", o.Name)
		}
	}
	for i := range f.DiskOfferings {
		if o := &f.DiskOfferings[i]; o.Customized == (o.Size != 0) {
			d.failAt(f.at[&o.Name], "disk offering %q: want either a size or customized", o.Name)
		}
	}
	twins(f, d, "network offering", f.NetworkOfferings, func(o *NetworkOfferingSpec) *string { return &o.Name })
	twins(f, d, "VPC offering", f.VPCOfferings, func(o *VPCOfferingSpec) *string { return &o.Name })
	var settings []Setting
	if err := Read("configurations", &settings); err != nil {
		d.failAt(position{}, "%s", err)
		return
	}
	twins(f, d, "setting", f.Settings, func(s *SettingSpec) *string { return &s.Name })
	for i := range f.Settings {
		if name := &f.Settings[i].Name; !slices.ContainsFunc(settings, func(s Setting) bool { return s.Name == *name }) {
			d.failAt(f.at[name], "there is no setting %q", *name)
		}
	}
}

func (f *File) hasZone(name string) bool {
	return name == "" || slices.ContainsFunc(f.Zones, func(z ZoneSpec) bool { return z.Name == name })
}

func (f *File) hasAccount(name string) bool {
	return name == "" || slices.ContainsFunc(f.Accounts, func(a AccountSpec) bool { return a.Name == name })
}

// images are the systems of package guest.
var images = []string{"rocky9", "ubuntu2404", "centos9", "alma9"}

func (f *File) checkTemplates(d *decoder) {
	for i := range f.Templates {
		t := &f.Templates[i]
		if _, ok := f.OSType(t.OSType); !ok {
			at, ok := f.at[&t.OSType]
			if !ok {
				at = f.at[&f.OSTypes]
			}
			d.failAt(at, "template %q: there is no os_type %q", t.Name, t.OSType)
		}
		if !slices.Contains(images, t.Image) {
			d.failAt(f.at[&t.Image], "template %q: there is no image %q; there are %s", t.Name, t.Image, strings.Join(images, ", "))
		}
		if !f.hasZone(t.Zone) {
			d.failAt(f.at[&t.Zone], "template %q: there is no zone %q", t.Name, t.Zone)
		}
		if !f.hasAccount(t.Account) {
			d.failAt(f.at[&t.Account], "template %q: there is no account %q", t.Name, t.Account)
		}
	}
}

func (f *File) checkNetworks(d *decoder) {
	for i := range f.Networks {
		n := &f.Networks[i]
		if !f.hasZone(n.Zone) {
			d.failAt(f.at[&n.Zone], "network %q: there is no zone %q", n.Name, n.Zone)
		}
		if !f.hasAccount(n.Account) {
			d.failAt(f.at[&n.Account], "network %q: there is no account %q", n.Name, n.Account)
		}
		if !slices.ContainsFunc(f.NetworkOfferings, func(o NetworkOfferingSpec) bool { return o.Name == n.Offering }) {
			d.failAt(f.at[&n.Offering], "network %q: there is no network offering %q", n.Name, n.Offering)
		}
		if (n.Gateway == "") != (n.Netmask == "") {
			d.failAt(f.at[&n.Name], "network %q: gateway and netmask go together", n.Name)
		}
	}
}

// checkIDs finds ids that stand twice.
func (f *File) checkIDs(d *decoder) {
	seen := make(map[string]bool)
	f.walkIDs(func(id *string) {
		if *id != "" && seen[*id] {
			d.failAt(f.at[id], "the id %s is given twice", *id)
		}
		seen[*id] = true
	})
}
