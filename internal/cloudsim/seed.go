package cloudsim

import (
	"fmt"
	"net/netip"

	"github.com/moldctl/moldctl/internal/cloudsim/content"
	"github.com/moldctl/moldctl/internal/cloudsim/guest/vfs"
)

const gib = int64(1) << 30

// seeder fills an empty store from start content.
type seeder struct {
	*store
	file  *content.File
	dir   string               // the cloud's folder; "" in memory
	disks map[string]*vfs.Disk // made for images with files, if the cloud is in memory

	zones      map[string]string // ids by name
	domains    map[string]string // by path
	categories map[string]string // by name
}

// seed fills the store with the start content of the cloud. The networks of the content come through the API's own command.
func (c *Cloud) seed() error {
	file, err := c.opts.startContent()
	if err != nil {
		return err
	}
	s := &seeder{store: c.store, file: file, dir: c.opts.Dir, disks: make(map[string]*vfs.Disk), zones: make(map[string]string),
		domains: make(map[string]string), categories: make(map[string]string)}
	seedACLs(c.store)
	for _, step := range []func() error{s.roles, s.identity, s.settings, s.places, s.sizes, s.offerings, s.systems, s.templates} {
		if err := step(); err != nil {
			return fmt.Errorf("start content: %w", err)
		}
	}
	if c.opts.AllowUserExpunge {
		s.setting("allow.user.expunge.recover.vm", "true")
	}
	c.seeded = s.disks
	return c.seedNetworks(s)
}

// startContent is the content of a cloud with these options.
func (o Options) startContent() (*content.File, error) {
	file := o.Content
	if file == nil {
		read := content.Default
		if o.ContentFile != "" {
			read = func() (*content.File, error) { return content.Load(o.ContentFile) }
		}
		var err error
		if file, err = read(); err != nil {
			return nil, err
		}
	}
	if o.Zone == "" && o.PublicRange == "" && o.UserKeys == nil {
		return file, nil
	}
	changed := *file
	changed.Zones = append([]content.ZoneSpec(nil), file.Zones...)
	changed.Accounts = append([]content.AccountSpec(nil), file.Accounts...)
	if o.Zone != "" {
		changed.Zones[0].Name = o.Zone
	}
	if o.PublicRange != "" {
		r, err := wholeRange(o.PublicRange)
		if err != nil {
			return nil, err
		}
		changed.Zones[0].PublicRanges = []content.RangeSpec{r}
	}
	for i, a := range changed.Accounts {
		if keys, ok := o.UserKeys[a.Name]; ok && len(a.Users) > 0 {
			a.Users = append([]content.UserSpec(nil), a.Users...)
			a.Users[0].APIKey, a.Users[0].SecretKey = keys.APIKey, keys.SecretKey
			changed.Accounts[i] = a
		}
	}
	return &changed, nil
}

// publicPool is how many addresses of a range given as a prefix the cloud hands out at most.
const publicPool = 500

// wholeRange is the range of addresses of a prefix; its first address is the gateway.
func wholeRange(text string) (content.RangeSpec, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil || !prefix.Addr().Is4() || prefix.Bits() > 29 {
		return content.RangeSpec{}, fmt.Errorf("public range %q: want an IPv4 prefix such as 127.66.0.0/16", text)
	}
	gateway := prefix.Masked().Addr().Next()
	first, last := gateway.Next(), gateway.Next()
	for n := 1; n < publicPool && last.Next().Less(lastOf(prefix)); n++ {
		last = last.Next()
	}
	return content.RangeSpec{Start: first.String(), End: last.String(), Gateway: gateway.String(), Netmask: maskText(prefix.Bits()), VLAN: "untagged"}, nil
}

// idOr is the id content gives, or a new one.
func idOr(id string) string {
	if id == "" {
		return newUUID()
	}
	return id
}
