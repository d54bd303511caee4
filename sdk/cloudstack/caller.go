package cloudstack

// CallerIdentity says who the credentials belong to and where they act. The
// state of a stack is bound to it, so that other credentials can never make a
// stack look empty.
type CallerIdentity struct {
	ZoneID    string
	Zone      string
	DomainID  string
	Domain    string
	AccountID string
	Account   string
	ProjectID string
	Role      string // Admin, DomainAdmin, User, …
	// MayExpunge is false for callers whose destroyed machines stay until the
	// cloud expunges them (listCapabilities allowuserexpungerecovervm).
	MayExpunge bool
	Version    string // of the management server
}
