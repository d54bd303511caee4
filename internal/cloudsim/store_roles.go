package cloudsim

import "github.com/moldctl/moldctl/internal/cloudsim/content"

// IdentityTables are who may do what, beside accounts and users.
type IdentityTables struct {
	Roles           *Table[Role]
	RolePermissions *Table[RolePermission]
}

func newIdentityTables(s *store) IdentityTables {
	return IdentityTables{
		Roles:           addTable[Role](s, "role", 1),
		RolePermissions: addTable[RolePermission](s, "rolepermission", 1),
	}
}

// Role says what its accounts may call: its permissions in their order, then what its type is allowed anyway.
type Role struct {
	Base
	Name        string `json:"name"`
	Description string `json:"description"`
	Type        string `json:"type"` // Admin, ResourceAdmin, DomainAdmin, User
	State       string `json:"state"`
	Default     bool   `json:"default,omitempty"` // came with the installation and cannot be changed
	Private     bool   `json:"private,omitempty"`
}

// RolePermission is one rule of a role. Order decides which of several rules that fit counts: the smallest.
type RolePermission struct {
	Base
	RoleID      string `json:"roleid"`
	Rule        string `json:"rule"` // name of a command, * stands for any text
	Allow       bool   `json:"allow"`
	Description string `json:"description,omitempty"`
	Order       int64  `json:"order"`
}

// readOnlyRules are what the read-only roles of an installation may do: everything that only looks.
var readOnlyRules = []struct {
	rule  string
	allow bool
}{{"list*", true}, {"get*", true}, {"query*", true}, {"find*", true}, {"*", false}}

// seedRoles makes the roles of a fresh installation. Their ids are those of a real one; they never change.
func seedRoles(s *store) error {
	var roles []struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		Description string `json:"description"`
		Type        string `json:"type"`
		State       string `json:"state"`
		IsDefault   bool   `json:"isdefault"`
		IsPublic    bool   `json:"ispublic"`
	}
	if err := content.Read("roles", &roles); err != nil {
		return err
	}
	for _, r := range roles {
		s.Roles.Put(Role{Base: s.Roles.BaseWithID(r.ID), Name: r.Name, Description: r.Description, Type: r.Type, State: r.State,
			Default: r.IsDefault, Private: !r.IsPublic})
		if r.Name != "Read-Only Admin - Default" && r.Name != "Read-Only User - Default" {
			continue
		}
		for i, rule := range readOnlyRules {
			s.RolePermissions.Put(RolePermission{Base: s.RolePermissions.NewBase(), RoleID: r.ID, Rule: rule.rule, Allow: rule.allow, Order: int64(i)})
		}
	}
	return nil
}
