package cloudsim

import "strconv"

// entityNumbered finds the entity whose internal number is given where its id is expected: older parameters of the API allow
// that, and tools still name the built-in roles and the root domain so.
func entityNumbered(t *Tables, param string, kinds map[string]kind, v string) (id string, ok bool) {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 1 {
		return "", false
	}
	k, known := kinds[param]
	if !known {
		k, _ = kindOfParam(param)
	}
	lookup, ok := numberedTables[k]
	if !ok {
		return "", false
	}
	return lookup(t, n)
}

var numberedTables = map[kind]func(*Tables, int64) (string, bool){
	kindRole:            func(t *Tables, n int64) (string, bool) { return numbered(t.Roles, n) },
	kindDomain:          func(t *Tables, n int64) (string, bool) { return numbered(t.Domains, n) },
	kindAccount:         func(t *Tables, n int64) (string, bool) { return numbered(t.Accounts, n) },
	kindZone:            func(t *Tables, n int64) (string, bool) { return numbered(t.Zones, n) },
	kindServiceOffering: func(t *Tables, n int64) (string, bool) { return numbered(t.ServiceOfferings, n) },
	kindDiskOffering:    func(t *Tables, n int64) (string, bool) { return numbered(t.DiskOfferings, n) },
	kindNetworkOffering: func(t *Tables, n int64) (string, bool) { return numbered(t.NetworkOfferings, n) },
	kindTemplate:        func(t *Tables, n int64) (string, bool) { return numbered(t.Templates, n) },
}

func numbered[T row](t *Table[T], n int64) (string, bool) {
	r, ok := t.Find(func(r T) bool { return r.base().N == n })
	return r.base().ID, ok
}
