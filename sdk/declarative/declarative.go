// Package declarative carries out the verbs that a plugin.yaml declares as API
// calls: it turns attributes into parameters and responses into attributes,
// keeps children and tags in line, and proves what is gone. It has no type of
// its own and knows no command by name beyond those of tags, of public addresses
// (they are handed out from a stock, and rules on them wait for their network's
// router), and the delete of networks, which destroyed machines hold up.
//
// It imports the model of plugin.yaml, the API table and sdk/cloudstack; it
// must not import sdk, core, plugins or internal packages.
package declarative

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// Request is one operation on one object.
type Request struct {
	Type *pluginspec.Type
	// Cloud is bound to the operation's journal.
	Cloud    *cloudstack.Client
	Identity cloudstack.CallerIdentity
	Config   cty.Value // of the plugin; cty.NilVal when it has none
	// Lookups holds the looked-up objects by attribute path.
	Lookups map[string]cloudstack.Object
	// Prior is null for a create, Planned for a delete.
	Prior, Planned cty.Value
	Private        []byte
	// Resume holds the settled calls of an earlier, unfinished operation on
	// this object, by key.
	Resume    map[string]cloudstack.Settled
	Address   string
	Operation string // unique for ever; goes into markers
	Stack     string
	Progress  func(format string, args ...any) // may be nil
}

// Status says what an operation left behind.
type Status int

// The outcomes of an operation.
const (
	OK      Status = iota
	Partial        // something exists; the next plan finishes it
	Tainted        // what exists is unusable: replace it
	Gone           // nothing exists
)

// Problem is something to tell the user about one attribute.
type Problem struct {
	Warning   bool
	Attribute string // path; "" = the whole object
	Summary   string
	Detail    string
}

// Result is what an operation ended with.
type Result struct {
	Status   Status
	Value    cty.Value // cty.NilVal when nothing is known to exist
	Private  []byte
	Problems []Problem
}

// ReadItem is one object to read.
type ReadItem struct {
	Ref     string // the caller's name for it, returned with the answer
	ID      string
	Prior   cty.Value // null or cty.NilVal when it is imported
	Private []byte
	// LookupIDs maps attribute paths to the ids their names were resolved to.
	LookupIDs map[string]string
}

// ReadRequest reads many objects of one type.
type ReadRequest struct {
	Type     *pluginspec.Type
	Cloud    *cloudstack.Client
	Identity cloudstack.CallerIdentity
	Config   cty.Value
	Items    []ReadItem
}

// ReadState says what reading an object showed.
type ReadState int

// The states of an object that was read.
const (
	Present    ReadState = iota
	Absent               // the cloud says that it does not exist
	NotVisible           // not listed, and its absence is not proved
	Unusable             // exists, to be replaced
)

// ReadResult answers for one ReadItem.
type ReadResult struct {
	Ref      string
	State    ReadState
	Value    cty.Value
	Private  []byte
	Problems []Problem
}

// FindRequest lists the objects of a type.
type FindRequest struct {
	Type     *pluginspec.Type
	Cloud    *cloudstack.Client
	Identity cloudstack.CallerIdentity
	Config   cty.Value
	// Query maps attributes to wanted values; empty lists all. "id", and what
	// the type's find.by names, are understood.
	Query map[string]any
}

// Found is one object that was listed.
type Found struct {
	ID      string
	Name    string
	Display string
	Value   cty.Value // of the type's schema
	Object  cloudstack.Object
}
