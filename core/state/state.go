// Package state keeps what exists: the objects of a stack, the operations
// under way on them, outputs, the clouds they are bound to, and every applied
// serial. Each change is one small durable append; nothing is ever rewritten
// as a whole.
//
// It knows nothing of specs, plans or plugins: values are opaque bytes here.
package state

import (
	"cmp"
	"context"
	"time"
)

// Status is the condition of an object.
type Status string

// The conditions of an object.
const (
	OK      Status = "ok"
	Partial Status = "partial" // something exists; the next apply finishes it
	Tainted Status = "tainted" // exists, unusable: to be replaced
	// Waiting: a delete that only time lets end; a later run finishes it.
	Waiting Status = "waiting for expunge"
)

// Key names an object: its address, and "" or the number of a deposed object
// (one that was replaced before it was deleted).
type Key struct {
	Addr    string
	Deposed string
}

// Compare orders keys by address.
func (k Key) Compare(other Key) int {
	return cmp.Or(cmp.Compare(k.Addr, other.Addr), cmp.Compare(k.Deposed, other.Deposed))
}

// Lookup is what a name in an attribute was resolved to.
type Lookup struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Object is one object of the stack: enough to refresh, order and delete it
// without the spec.
type Object struct {
	Key
	Type    string
	Status  Status
	ID      string // the cloud's id; "" while nothing is known to exist
	Values  []byte // cty JSON of the type's schema; sensitive paths sealed apart
	Private []byte // the plugin's own data, sealed
	// Lookups maps attribute paths to what their names were resolved to.
	Lookups map[string]Lookup
	// DependsOn lists the addresses this object was made from, directly.
	DependsOn      []string
	Cloud          string // alias
	Plugin         string
	PluginVersion  string
	SchemaVersion  int
	SensitivePaths []string
	// Prints tell, by attribute path, whether a value that is not kept has
	// changed: digests under the state's key.
	Prints           map[string]string
	PreventDestroy   bool
	RetainOnDestroy  bool
	CreateBefore     bool
	Timeouts         map[string]string
	Pending          []Call // settled calls of an operation that did not finish
	PendingAction    string // what that operation was: create, update, delete, prune
	UpdatedAt        time.Time
	CreatedOperation string
}

// CallState is what is known of one mutating call.
type CallState string

// The states of a call.
const (
	CallOpen      CallState = "open"      // sent or about to be; outcome unknown
	CallDone      CallState = "done"      // the object exists, the job ended well
	CallAbsent    CallState = "absent"    // settled: nothing came of it
	CallAmbiguous CallState = "ambiguous" // settled: several candidates
	CallFailed    CallState = "failed"    // the cloud refused it
)

// Call is one mutating call of an operation.
type Call struct {
	Key        string
	Command    string
	Identity   []byte // JSON
	ID         string
	Job        string
	State      CallState
	SentAt     time.Time
	Private    []byte
	Candidates []string
	Request    []byte // digest of what was sent
}

// Operation is a change of one object that has begun and not ended.
type Operation struct {
	ID      string
	Key     Key
	Action  string // create, update, delete, prune
	Type    string
	Cloud   string
	Started time.Time
	Planned []byte  // cty JSON of what was to be, so that a crash leaves its values
	Object  *Object // row to keep if the operation never ends: provenance, dependencies
	Calls   []Call
}

// Binding is where a cloud alias pointed when the state was first written.
type Binding struct {
	Alias     string
	Endpoint  string // host only; informative
	ZoneID    string
	DomainID  string
	AccountID string
	ProjectID string
	Embedded  bool
}

// Output is one output value of the last apply.
type Output struct {
	Name      string
	Value     []byte // cty JSON with its type
	Type      []byte
	Sensitive bool
}

// Snapshot is everything at one moment. It is not changed by later appends.
type Snapshot struct {
	Lineage    string
	Serial     int64
	Stack      string
	Objects    map[Key]*Object
	Operations map[string]*Operation
	Bindings   map[string]Binding
	Outputs    map[string]Output
}

// Entry is one durable change; the concrete types are the entries below.
type Entry interface{ entry() }

// Begin opens an operation.
type Begin struct{ Operation Operation }

// PutCall records or advances one call of an open operation, by its key.
type PutCall struct {
	Operation string
	Call      Call
}

// Commit ends an operation and sets its object; a nil Object removes the row.
type Commit struct {
	Operation string
	Key       Key
	Object    *Object
}

// Put sets an object outside an operation (refresh, recovery); nil removes it.
type Put struct {
	Key    Key
	Object *Object
}

// Move renames an object (replacement by create-before-destroy deposes it).
type Move struct{ From, To Key }

// Bind records where a cloud alias points.
type Bind struct{ Binding Binding }

// SetOutputs replaces all outputs.
type SetOutputs struct{ Outputs []Output }

func (Begin) entry()      {}
func (PutCall) entry()    {}
func (Commit) entry()     {}
func (Put) entry()        {}
func (Move) entry()       {}
func (Bind) entry()       {}
func (SetOutputs) entry() {}

// Session is an open state that this process holds exclusively.
type Session interface {
	// Snapshot returns everything as of now.
	Snapshot(ctx context.Context) (*Snapshot, error)
	// Append makes the entries durable, in order, all or none, and returns
	// only then. It is safe for concurrent use; concurrent appends share one
	// disk flush.
	Append(ctx context.Context, entries ...Entry) error
	// Close releases the lock.
	Close() error
}
