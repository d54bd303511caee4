package cloudsim

// Owner is embedded by everything an account owns.
type Owner struct {
	AccountID string `json:"accountid"`
	DomainID  string `json:"domainid"`
	ProjectID string `json:"projectid,omitempty"` // set if AccountID is a project's own account
}

func (o Owner) owner() Owner { return o }

// AccountType is CloudStack's number for a kind of account.
type AccountType int

// The kinds of account the embedded cloud knows.
const (
	AccountUser        AccountType = 0
	AccountAdmin       AccountType = 1
	AccountDomainAdmin AccountType = 2
	AccountProject     AccountType = 5
)

// Domain is a node of the tree of domains.
type Domain struct {
	Base
	Name     string `json:"name"`
	Path     string `json:"path"` // "ROOT", "ROOT/sub"
	ParentID string `json:"parentid,omitempty"`
	Level    int    `json:"level"`

	NetworkDomain string `json:"networkdomain,omitempty"`
}

// Account owns things.
type Account struct {
	Base
	Name     string      `json:"name"`
	Type     AccountType `json:"type"`
	DomainID string      `json:"domainid"`
	State    string      `json:"state"` // enabled, disabled, locked

	RoleID        string            `json:"roleid,omitempty"` // empty: the default role of the type
	NetworkDomain string            `json:"networkdomain,omitempty"`
	Details       map[string]string `json:"details,omitempty"`
	DefaultZoneID string            `json:"defaultzoneid,omitempty"`
}

// User signs requests for an account.
type User struct {
	Base
	Username  string `json:"username"`
	FirstName string `json:"firstname"`
	LastName  string `json:"lastname"`
	Email     string `json:"email"`
	AccountID string `json:"accountid"`
	State     string `json:"state"`
	APIKey    string `json:"apikey"`
	SecretKey string `json:"secretkey"`

	Timezone     string `json:"timezone,omitempty"`
	PasswordHash string `json:"passwordhash,omitempty"`
}

// Project is a named owner shared by accounts; AccountID is the project's own hidden account.
type Project struct {
	Base
	Name        string   `json:"name"`
	DisplayText string   `json:"displaytext"`
	DomainID    string   `json:"domainid"`
	AccountID   string   `json:"accountid"`
	State       string   `json:"state"`
	Members     []string `json:"members"` // account ids; the first one is the owner
}

// Limit overrides the default resource limit of an account; -1 is unlimited. Its id is "<account id>/<type>".
type Limit struct {
	Base
	AccountID string `json:"accountid"`
	Type      int    `json:"type"`
	Max       int64  `json:"max"`
}
