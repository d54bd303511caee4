package cloudsim

import "context"

// keeper makes, when the cloud starts, what every cloud has and older data folders or new zones and accounts lack.
type keeper struct{ cloud *Cloud }

// Start implements service.
func (k *keeper) Start(ctx context.Context) error {
	return k.cloud.update(ctx, func(c *Call) error {
		for a := range c.Accounts.All() {
			c.defaultGroup(Owner{AccountID: a.ID, DomainID: a.DomainID, ProjectID: c.projectOf(a.ID)})
		}
		return nil
	})
}

// Stop implements service.
func (k *keeper) Stop() {}

// projectOf is the project whose own account this is; "" for all others.
func (c *Call) projectOf(accountID string) string {
	p, _ := c.Projects.Find(func(p Project) bool { return p.AccountID == accountID })
	return p.ID
}
