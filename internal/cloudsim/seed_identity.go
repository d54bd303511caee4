package cloudsim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/internal/cloudsim/content"
)

func (s *seeder) roles() error {
	if err := seedRoles(s.store); err != nil {
		return err
	}
	for _, r := range s.file.Roles {
		role := Role{Base: s.Roles.BaseWithID(idOr(r.ID)), Name: r.Name, Description: r.Description, Type: r.Type, State: "enabled"}
		s.Roles.Put(role)
		for i, rule := range r.Rules {
			name := rule.Allow
			if name == "" {
				name = rule.Deny
			}
			s.RolePermissions.Put(RolePermission{Base: s.RolePermissions.NewBase(), RoleID: role.ID, Rule: name, Allow: rule.Allow != "", Order: int64(i)})
		}
	}
	return nil
}

// accountTypes are the kinds of account by the words of content.
var accountTypes = map[string]AccountType{"admin": AccountAdmin, "domain-admin": AccountDomainAdmin, "user": AccountUser}

func (s *seeder) identity() error {
	root := Domain{Base: s.Domains.NewBase(), Name: "ROOT", Path: "ROOT"}
	s.Domains.Put(root)
	s.domains["ROOT"] = root.ID
	// Account 1 is the system's, so that admin is 2 as in a real installation ("i-2-5-VM", "cs2cloud.internal").
	system := Account{Base: s.Accounts.NewBase(), Name: "system", Type: AccountAdmin, DomainID: root.ID, State: "enabled"}
	s.Accounts.Put(system)
	s.Users.Put(User{Base: s.Users.NewBase(), Username: "system", FirstName: "system", LastName: "cloud", State: "enabled", AccountID: system.ID})
	for _, d := range s.file.Domains {
		at := strings.LastIndex(d.Path, "/")
		if at < 0 {
			return fmt.Errorf("domain %q is not below ROOT", d.Path)
		}
		domain := Domain{Base: s.Domains.BaseWithID(idOr(d.ID)), Name: d.Path[at+1:], Path: d.Path, ParentID: s.domains[d.Path[:at]],
			Level: strings.Count(d.Path, "/"), NetworkDomain: d.NetworkDomain}
		s.Domains.Put(domain)
		s.domains[d.Path] = domain.ID
	}
	for _, a := range s.file.Accounts {
		if err := s.account(a); err != nil {
			return err
		}
	}
	return nil
}

func (s *seeder) account(a content.AccountSpec) error {
	account := Account{Base: s.Accounts.BaseWithID(idOr(a.ID)), Name: a.Name, Type: accountTypes[a.Type], DomainID: s.domains[a.Domain],
		State: "enabled", NetworkDomain: a.NetworkDomain}
	if a.Role != "" {
		role, ok := s.Roles.Find(func(r Role) bool { return r.Name == a.Role })
		if !ok {
			return fmt.Errorf("account %q: there is no role %q", a.Name, a.Role)
		}
		account.RoleID = role.ID
	}
	s.Accounts.Put(account)
	for _, u := range a.Users {
		key, secret := u.APIKey, u.SecretKey
		if key == "" {
			key, secret = newSecret(), newSecret()
		}
		user := User{Base: s.Users.BaseWithID(idOr(u.ID)), Username: u.Name, FirstName: u.FirstName, LastName: u.LastName,
			Email: valueOr(u.Email, u.Name+"@example.com"), AccountID: account.ID, State: "enabled", APIKey: key, SecretKey: secret}
		user.PasswordHash = hashPassword(user.ID, u.Password)
		s.Users.Put(user)
	}
	for _, l := range a.Limits {
		at := slices.IndexFunc(resourceTypes, func(t resourceType) bool { return t.name == l.Resource })
		if at < 0 {
			return fmt.Errorf("account %q: there is no resource %q", a.Name, l.Resource)
		}
		number := resourceTypes[at].number
		s.Limits.Put(Limit{Base: s.Limits.BaseWithID(limitID(account.ID, number)), AccountID: account.ID, Type: number, Max: int64(l.Max)})
	}
	return nil
}

func (s *seeder) settings() error {
	for _, setting := range s.file.Settings {
		s.setting(setting.Name, setting.Value)
	}
	return nil
}

func (s *seeder) setting(name, value string) {
	s.Settings.Put(Setting{Base: s.Settings.BaseWithID(name), Value: value})
}
