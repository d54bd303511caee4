package cloudsim

import (
	"context"
	"fmt"
	"time"

	"github.com/moldctl/moldctl/internal/cloudsim/apitable"
)

// Caller is who signed a call.
type Caller struct {
	User    User
	Account Account
}

// Root reports whether the caller is a root administrator.
func (c Caller) Root() bool { return c.Account.Type == AccountAdmin }

// Call is one API call, or the run of one job, as its handler sees it. It is used under the cloud's lock.
type Call struct {
	Params
	*Tables
	Cloud    *Cloud
	Ctx      context.Context
	Caller   Caller
	Name     string // of the command
	EntityID string // jobs: what start returned
	Job      *Job   // jobs only; change it through Note

	declared *apitable.Command
	cmd      command
	changed  map[string]bool // networks whose data plane must be looked at again
	after    []func()        // to run after the next commit
	ready    []func()        // to run once the lock is free
	tracked  string          // entity the audit entry names, for synchronous commands
	joins    *joins          // of calls that only read
}

// Now is the cloud's time, in UTC.
func (c *Call) Now() time.Time { return c.Cloud.clock.Now().UTC() }

// Label is the command's name as error texts show it.
func (c *Call) Label() string { return labelOf(c.Name, c.cmd) }

// NetworkChanged tells the data plane, once the transaction is committed, that something about a network changed.
func (c *Call) NetworkChanged(networkID string) {
	if networkID == "" {
		return
	}
	if c.changed == nil {
		c.changed = make(map[string]bool)
	}
	c.changed[networkID] = true
}

// AfterCommit runs f, without the lock, once the changes made so far are committed. f must be quick.
func (c *Call) AfterCommit(f func()) { c.after = append(c.after, f) }

// Made names the entity a synchronous command has made or changed, for the audit log.
func (c *Call) Made(id string) { c.tracked = id }

// Note keeps a word in the job, for its second run after a kill. It is durable with the next commit.
func (c *Call) Note(key, value string) {
	data := make(map[string]string, len(c.Job.Data)+1)
	for k, v := range c.Job.Data {
		data[k] = v
	}
	data[key] = value
	c.Job.Data = data
	c.Jobs.Put(*c.Job)
}

// Noted is what Note kept, "" if nothing.
func (c *Call) Noted(key string) string {
	if c.Job == nil {
		return ""
	}
	return c.Job.Data[key]
}

// Commit makes the changes so far durable, so that an error that follows does not undo them.
func (c *Call) Commit() error { return c.Cloud.commit(c) }

// Unlocked commits, runs f without the cloud's lock, and takes the lock again. For work that takes time: booting a guest,
// waiting. Rows read before may have changed afterwards: read them again. Only job bodies may use it.
func (c *Call) Unlocked(f func(context.Context) error) error {
	if err := c.Commit(); err != nil {
		return err
	}
	ready := c.takeReady(nil)
	c.Cloud.mu.Unlock()
	defer c.Cloud.mu.Lock() // also if f panics
	c.Cloud.jobs.park(c.Job.ID)
	for _, g := range ready {
		g()
	}
	return f(c.Ctx)
}

// Wait lets time pass in a job body, as Unlocked does. It returns an error only if the cloud stops, and then the body must
// return it at once: the job runs again at the next start.
func (c *Call) Wait(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	return c.Unlocked(func(ctx context.Context) error { return sleep(ctx, c.Cloud.clock, d) })
}

// commitAfter marks what was to run after the commit, the data plane's notice included, as ready to run.
func (c *Call) commitAfter() {
	c.ready = append(c.ready, c.after...)
	for _, id := range sortedKeys(c.changed) {
		c.ready = append(c.ready, func() { c.Cloud.notifyPlane(id) })
	}
	c.after, c.changed = nil, nil
}

// takeReady returns what is ready to run. After an error that is only what earlier commits left.
func (c *Call) takeReady(err error) []func() {
	if err != nil {
		c.after, c.changed = nil, nil
	}
	c.commitAfter()
	ready := c.ready
	c.ready = nil
	return ready
}

// Own refuses a caller who may not touch what an account owns.
func (c *Call) Own(o Owner) error {
	if c.Caller.Root() || o.AccountID == c.Caller.Account.ID {
		return nil
	}
	if c.Caller.Account.Type == AccountDomainAdmin && c.inDomain(o.DomainID, c.Caller.Account.DomainID) {
		return nil
	}
	if o.ProjectID != "" && c.memberOf(o.ProjectID) {
		return nil
	}
	return errNoPermission()
}

func (c *Call) memberOf(projectID string) bool {
	p, ok := c.Projects.Get(projectID)
	if !ok {
		return false
	}
	for _, id := range p.Members {
		if id == c.Caller.Account.ID {
			return true
		}
	}
	_, ok = c.ProjectMemberInfo.Get(memberID(projectID, c.Caller.User.ID))
	return ok
}

// inDomain reports whether domain id is root or below root.
func (c *Call) inDomain(id, root string) bool {
	for id != "" {
		if id == root {
			return true
		}
		d, ok := c.Domains.Get(id)
		if !ok {
			return false
		}
		id = d.ParentID
	}
	return false
}

// NewOwner decides who will own what the call makes: the caller, or the account or project the parameters name.
func (c *Call) NewOwner() (Owner, error) {
	account, domainID, projectID := c.Str("account"), c.Str("domainid"), c.Str("projectid")
	if projectID != "" && projectID != "-1" {
		if account != "" || domainID != "" {
			return Owner{}, Invalid("ProjectId and account/domainId can't be specified together")
		}
		if err := c.activeProject(projectID); err != nil {
			return Owner{}, err
		}
		return c.projectOwner(projectID)
	}
	if account == "" {
		return Owner{AccountID: c.Caller.Account.ID, DomainID: c.Caller.Account.DomainID}, nil
	}
	if domainID == "" {
		domainID = c.Caller.Account.DomainID
	}
	a, ok := c.Accounts.Find(func(a Account) bool { return a.Name == account && a.DomainID == domainID && a.Type != AccountProject })
	if !ok {
		return Owner{}, Invalid("Unable to find account %s in domain %s", account, domainID)
	}
	o := Owner{AccountID: a.ID, DomainID: a.DomainID}
	if err := c.Own(o); err != nil {
		return Owner{}, Denied("Can't create/list resources for account %s in domain %s, permission denied", account, domainID)
	}
	return o, nil
}

func (c *Call) projectOwner(projectID string) (Owner, error) {
	p, ok := c.Projects.Get(projectID)
	if !ok {
		return Owner{}, Invalid("Unable to find project by id %s", projectID)
	}
	governs := c.Caller.Account.Type == AccountDomainAdmin && c.inDomain(p.DomainID, c.Caller.Account.DomainID)
	if !c.Caller.Root() && !governs && !c.memberOf(projectID) {
		return Owner{}, Denied("Account %s can't access project id=%d", accountText(c.Caller.Account), p.N)
	}
	if err := c.mayInProject(p); err != nil {
		return Owner{}, err
	}
	return Owner{AccountID: p.AccountID, DomainID: p.DomainID, ProjectID: p.ID}, nil
}

// accountText is how an account shows in the server's texts.
func accountText(a Account) string {
	return fmt.Sprintf(`Account [{"accountName":"%s","id":%d,"uuid":"%s"}]`, a.Name, a.N, a.ID)
}
