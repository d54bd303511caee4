package cloudsim

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
)

// userCommands are users and their keys.
var userCommands = map[string]command{
	"createUser":       {run: createUser, kinds: map[string]kind{"userid": kindAny}, adminOnly: true, event: "USER.CREATE"},
	"updateUser":       {run: updateUser, id: kindUser, event: "USER.UPDATE"},
	"deleteUser":       {run: deleteUser, id: kindUser, adminOnly: true, event: "USER.DELETE"},
	"enableUser":       {run: enableUser, id: kindUser, adminOnly: true, event: "USER.ENABLE"},
	"lockUser":         {run: lockUser, id: kindUser, adminOnly: true, event: "USER.LOCK"},
	"disableUser":      {start: startUser, job: disableUserJob, id: kindUser, adminOnly: true, event: "USER.DISABLE"},
	"moveUser":         {run: moveUser, id: kindUser, adminOnly: true, event: "USER.MOVE"},
	"registerUserKeys": {run: registerUserKeys, id: kindUser, event: "REGISTER.USER.SECRET.KEY"},
	"getUserKeys":      {run: getUserKeys, id: kindUser},
}

// hashPassword is how passwords are kept: never as they are.
func hashPassword(salt, password string) string {
	sum := sha256.Sum256([]byte(salt + "\x00" + password))
	return hex.EncodeToString(sum[:])
}

// hasPassword reports whether a password is the user's.
func (u User) hasPassword(password string) bool {
	return u.PasswordHash != "" && subtle.ConstantTimeCompare([]byte(u.PasswordHash), []byte(hashPassword(u.ID, password))) == 1
}

// usernameFree refuses a name that a user of the domain has.
func (c *Call) usernameFree(name string, d Domain, but string) error {
	_, taken := c.Users.Find(func(u User) bool {
		a, ok := c.Accounts.Get(u.AccountID)
		return u.Username == name && u.ID != but && ok && a.DomainID == d.ID
	})
	if taken {
		return Invalid("The user %s already exists in domain %s", name, domainText(d))
	}
	return nil
}

// putUser makes a user of the call's parameters.
func (c *Call) putUser(a Account, username string) User {
	u := User{Base: c.freeID(c.Users.NewBase(), c.Users.has, c.Str("userid")), Username: username, FirstName: c.Str("firstname"), LastName: c.Str("lastname"),
		Email: c.Str("email"), AccountID: a.ID, State: "enabled", Timezone: c.Str("timezone")}
	u.PasswordHash = hashPassword(u.ID, c.Str("password"))
	c.Users.Put(u)
	return u
}

func createUser(c *Call) (any, error) {
	domain, ok := c.Domains.Get(c.Or("domainid", c.rootDomain().ID))
	if !ok {
		return nil, Invalid("The domain %s does not exist; unable to create user", c.Str("domainid"))
	}
	if err := c.overDomain(domain.ID); err != nil {
		return nil, err
	}
	a, ok := c.Accounts.Find(func(a Account) bool { return a.Name == c.Str("account") && a.DomainID == domain.ID })
	if !ok || a.Type == AccountProject {
		return nil, Invalid("Unable to find account %s in domain id=%d to create user", c.Str("account"), domain.N)
	}
	if a.Name == "system" {
		return nil, Denied("Account id : %d is a system account, can't add a user to it", a.N)
	}
	if err := c.usernameFree(c.Str("username"), domain, ""); err != nil {
		return nil, err
	}
	u := c.putUser(a, c.Str("username"))
	c.Made(u.ID)
	return Obj{"user": c.userResponse(u)}, nil
}

// userGiven is the user that id names, if the caller may change it; users may change themselves.
func (c *Call) userGiven() (User, error) {
	u, ok := c.Users.Get(c.Str("id"))
	a, found := c.Accounts.Get(u.AccountID)
	if !ok || !found {
		return User{}, Invalid("The specified user doesn't exist in the system")
	}
	mine := u.ID == c.Caller.User.ID
	governs := c.Caller.Account.Type == AccountDomainAdmin && c.inDomain(a.DomainID, c.Caller.Account.DomainID)
	if !c.Caller.Root() && !mine && !governs {
		return User{}, Denied("%s does not have permission to operate with resource %s", accountText(c.Caller.Account), accountText(a))
	}
	if a.Name == "system" {
		return User{}, Denied("user id : %d is system account, update is not allowed", u.N)
	}
	return u, nil
}

func updateUser(c *Call) (any, error) {
	u, err := c.userGiven()
	if err != nil {
		return nil, err
	}
	a, _ := c.Accounts.Get(u.AccountID)
	d, _ := c.Domains.Get(a.DomainID)
	if n := c.Str("username"); n != "" {
		if c.usernameFree(n, d, u.ID) != nil {
			return nil, Invalid("Username [%s] already exists in domain [id=%s,name=%s] user account [id=%s,name=%s]", n, d.ID, d.Name, a.ID, a.Name)
		}
		u.Username = n
	}
	for _, f := range []struct {
		param string
		to    *string
	}{{"firstname", &u.FirstName}, {"lastname", &u.LastName}, {"email", &u.Email}, {"timezone", &u.Timezone}} {
		if v, given := c.Params[f.param]; given {
			if strings.TrimSpace(v) == "" {
				return nil, Invalid("%s is blank", strings.ToUpper(f.param[:1])+f.param[1:])
			}
			*f.to = v
		}
	}
	if p := c.Str("password"); p != "" {
		if !c.Caller.Root() && !u.hasPassword(c.Str("currentpassword")) {
			return nil, Invalid("Current password is incorrect.")
		}
		u.PasswordHash = hashPassword(u.ID, p)
	}
	if c.Has("userapikey") != c.Has("usersecretkey") {
		return nil, Invalid("Please provide an userApiKey/userSecretKey pair")
	}
	if k := c.Str("userapikey"); k != "" {
		if _, taken := c.Users.Find(func(o User) bool { return o.APIKey == k && o.ID != u.ID }); taken {
			return nil, Invalid("The API key [%s] exists in the system. Please provide a unique key.", "***")
		}
		u.APIKey, u.SecretKey = k, c.Str("usersecretkey")
	}
	c.Users.Put(u)
	c.Made(u.ID)
	return Obj{"user": c.userResponse(u)}, nil
}

func deleteUser(c *Call) (any, error) {
	u, err := c.userGiven()
	if err != nil {
		return nil, err
	}
	if u.ID == c.Caller.User.ID {
		return nil, Invalid("The caller can't delete their own user")
	}
	if u.Username == "admin" && u.N == 2 {
		return nil, Invalid("Account id : %s is a default account and can't be removed", u.AccountID)
	}
	now := c.Now()
	u.Removed, u.APIKey, u.SecretKey = &now, "", ""
	c.Users.Put(u)
	c.Made(u.ID)
	return Success(), nil
}

func enableUser(c *Call) (any, error) { return c.setUserState("enabled") }
func lockUser(c *Call) (any, error)   { return c.setUserState("locked") }

func (c *Call) setUserState(state string) (any, error) {
	u, err := c.userGiven()
	if err != nil {
		return nil, err
	}
	u.State = state
	c.Users.Put(u)
	c.Made(u.ID)
	return Obj{"user": c.userResponse(u)}, nil
}

func startUser(c *Call) (string, error) {
	u, err := c.userGiven()
	return u.ID, err
}

func disableUserJob(c *Call) (Obj, error) {
	u, ok := c.Users.Get(c.EntityID)
	if !ok {
		return nil, Internal("Failed to disable user")
	}
	u.State = "disabled"
	c.Users.Put(u)
	return Obj{"user": c.userResponse(u)}, nil
}

func moveUser(c *Call) (any, error) {
	u, err := c.userGiven()
	if err != nil {
		return nil, err
	}
	old, _ := c.Accounts.Get(u.AccountID)
	a, ok := c.Accounts.Find(func(a Account) bool {
		return a.DomainID == old.DomainID && (a.ID == c.Str("accountid") || c.Has("account") && a.Name == c.Str("account"))
	})
	switch {
	case !ok:
		return nil, Invalid("Unable to find account with name %s in the user's domain", c.Or("account", c.Str("accountid")))
	case a.ID == old.ID:
		return nil, Invalid("account, already contains user")
	}
	u.AccountID = a.ID
	c.Users.Put(u)
	c.Made(u.ID)
	return Success(), nil
}

// registerUserKeys gives a user new keys; the old ones are worth nothing from then on.
func registerUserKeys(c *Call) (any, error) {
	u, err := c.userGiven()
	if err != nil {
		return nil, err
	}
	u.APIKey, u.SecretKey = newSecret(), newSecret()
	c.Users.Put(u)
	c.Made(u.ID)
	return Obj{"userkeys": Obj{"apikey": u.APIKey, "secretkey": u.SecretKey}}, nil
}

func getUserKeys(c *Call) (any, error) {
	u, err := c.userGiven()
	if err != nil {
		return nil, err
	}
	return Obj{"userkeys": Obj{"apikeyaccess": true}.Opt("apikey", u.APIKey).Opt("secretkey", u.SecretKey)}, nil
}
