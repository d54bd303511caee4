package cloudsim

import (
	"net/url"
	"strings"
)

// imageStoreCommands are secondary storage.
var imageStoreCommands = map[string]command{
	"listImageStores":               {run: listStores("imagestore", false), id: kindImageStore, rootOnly: true},
	"addImageStore":                 {run: addStore("imagestore", false), rootOnly: true},
	"addSecondaryStorage":           {run: addStore("secondarystorage", false), rootOnly: true},
	"updateImageStore":              {run: updateStore, id: kindImageStore, rootOnly: true, envelope: "updateImageStore"},
	"deleteImageStore":              {run: deleteStore, id: kindImageStore, rootOnly: true},
	"createSecondaryStagingStore":   {run: addStore("secondarystorage", true), rootOnly: true},
	"listSecondaryStagingStores":    {run: listStores("imagestore", true), id: kindImageStore, rootOnly: true},
	"deleteSecondaryStagingStore":   {run: deleteStore, id: kindImageStore, rootOnly: true},
	"listSecondaryStorageSelectors": {run: func(*Call) (any, error) { return List{Key: "heuristics"}, nil }, id: kindAny, rootOnly: true},
}

// putStore makes the image store that a zone of the installation has.
func (c *Call) putStore(z Zone) {
	if _, has := c.ImageStores.Find(func(s ImageStore) bool { return s.ZoneID == z.ID }); has || z.AllocationState != hostEnabled {
		return
	}
	c.ImageStores.Put(ImageStore{Base: c.ImageStores.NewBase(), Name: "secondary-" + z.Name, ZoneID: z.ID, URL: "nfs://172.16.0.251/export/secondary", Protocol: "nfs", Provider: "NFS",
		Scope: "ZONE", Total: 10240 * gib})
}

func listStores(key string, staging bool) func(*Call) (any, error) {
	return func(c *Call) (any, error) {
		rows := c.ImageStores.Where(func(s ImageStore) bool {
			return s.Staging == staging && c.named(s.ID, s.Name) && c.is("zoneid", s.ZoneID) && c.is("protocol", s.Protocol) && c.is("provider", s.Provider) &&
				c.isBool("readonly", s.ReadOnly)
		})
		return Listing(key, rows, c.storeResponse), nil
	}
}

func (c *Call) storeResponse(s ImageStore) Obj {
	var used int64
	for t := range c.Templates.All() {
		if t.in(s.ZoneID) {
			used += t.PhysicalSize
		}
	}
	o := Obj{"id": s.ID, "name": s.Name, "url": s.URL, "protocol": s.Protocol, "providername": s.Provider, "scope": s.Scope, "readonly": s.ReadOnly,
		"disksizetotal": s.Total, "disksizeused": used, "hasannotations": c.annotated("SECONDARY_STORAGE", s.ID)}
	c.putZone(o, s.ZoneID)
	return o
}

func addStore(key string, staging bool) func(*Call) (any, error) {
	return func(c *Call) (any, error) {
		u, err := url.Parse(c.Str("url"))
		provider := c.Or("provider", "NFS")
		objects := strings.EqualFold(provider, "S3") || strings.EqualFold(provider, "Swift")
		_, zoned := c.Zones.Get(c.Str("zoneid"))
		_, taken := c.ImageStores.Find(func(s ImageStore) bool { return s.URL == c.Str("url") && s.URL != "" })
		switch {
		case err != nil || !objects && u.Scheme == "":
			return nil, Invalid("scheme is null %s, add nfs:// (or cifs://) as a prefix", c.Str("url"))
		case !objects && (u.Hostname() == "" || u.Path == "" || u.Path == "/"):
			return nil, Invalid("Host name is null or path is null, please specify a valid url for the image store")
		case !objects && !zoned:
			return nil, Invalid("Zone scope is required for NFS image store")
		case taken:
			return nil, Internal("Image store with the same url %s already exists", c.Str("url"))
		}
		scope := map[bool]string{true: "ZONE", false: "REGION"}[zoned]
		s := ImageStore{Base: c.ImageStores.NewBase(), Name: c.Or("name", c.Str("url")), ZoneID: c.Str("zoneid"), URL: c.Str("url"), Protocol: strings.ToLower(valueSchema(u, provider)),
			Provider: provider, Scope: scope, Total: 10240 * gib, Staging: staging, Details: c.Map("details")}
		c.ImageStores.Put(s)
		c.Made(s.ID)
		return Obj{key: c.storeResponse(s)}, nil
	}
}

// valueSchema is the protocol of a store: its URL's, or its provider's if it has none.
func valueSchema(u *url.URL, provider string) string { return valueOr(u.Scheme, provider) }

func updateStore(c *Call) (any, error) {
	s, _ := c.ImageStores.Get(c.Str("id"))
	s.Name, s.ReadOnly, s.Total = c.Or("name", s.Name), c.Bool("readonly", s.ReadOnly), c.Int64("capacitybytes", s.Total)
	c.ImageStores.Put(s)
	c.Made(s.ID)
	return Obj{"imagestore": c.storeResponse(s)}, nil
}

func deleteStore(c *Call) (any, error) {
	s, _ := c.ImageStores.Get(c.Str("id"))
	_, templates := c.Templates.Find(func(t Template) bool { return t.ZoneID == s.ZoneID })
	_, others := c.ImageStores.Find(func(o ImageStore) bool { return o.ZoneID == s.ZoneID && o.ID != s.ID && !o.Staging })
	if templates && !others && !s.Staging {
		return nil, Internal("Cannot delete image store with active templates backup!")
	}
	c.forgetAnnotations(s.ID)
	c.ImageStores.Delete(s.ID)
	c.Made(s.ID)
	return Success(), nil
}
