// Package pluginspec is the model of a plugin.yaml: what a plugin serves, the
// schema of each type, and the API call behind each verb. It parses and lints
// the file and turns a type into what the host needs to decode and compare
// configurations (a cty type and an hcldec specification).
//
// It knows nothing of processes, clouds or plans, and imports neither core nor
// plugins.
package pluginspec

import (
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Plugin is one parsed plugin.yaml.
type Plugin struct {
	Name      string
	Version   string
	Protocol  int
	Summary   string
	Doc       string
	Transport string   // "cloudstack" or "http"
	Needs     []string // "cloud": receives cloud credentials
	Config    []*Attribute
	HTTP      *HTTP            // of transport http: how the API is reached
	Types     map[string]*Type // resources and data sources by name
	Steps     map[string]*Step // pipeline step kinds served by this plugin
	Filename  string
	Source    []byte
}

// Type is one resource type, data source, or both: it is a resource when it
// has Create, and a data source (and can be looked up by name) when it has
// Find.
type Type struct {
	Name    string
	Plugin  string
	Summary string
	Doc     string
	Example string // path of an example stack, relative to the plugin.yaml
	Schema  int    // version of the schema, starts at 1
	Scope   string // account, project, domain, global
	// Renamed are attributes of earlier schemas by their old names.
	Renamed map[string]string
	// Accepts are types whose objects a moved block may make ones of this type.
	Accepts    []string
	Role       string // lowest role that may use it: user, domain_admin, admin
	Attributes []*Attribute
	Blocks     []*Block
	Tags       string // CloudStack resource type whose tags the `tags` attribute keeps
	Unique     []string
	Identity   *Identity
	Requires   []*Require
	Find       *Find
	Create     *Verb
	Read       *Verb
	Update     *Verb
	Delete     *Verb
	Actions    map[string]*Action
	Prune      *Verb // what an update left behind goes after the dependents moved
	Plan       bool  // a handler refines plans
	Check      bool  // a handler checks configurations
	Upgrade    bool  // a handler brings what earlier schemas stored up to date
	NoCloud    bool  // it has nothing to do with a cloud
	Range      hcl.Range

	parsed *schemas // nil: made each time they are asked for
}

// Attribute is one attribute of a type, block, step or plugin configuration.
type Attribute struct {
	Name     string
	Type     cty.Type
	Required bool
	Optional bool // with Computed: the cloud fills it in when left out
	Computed bool
	// Default is nil or says what stands in when the attribute is left out.
	Default *Default
	// Replace: a change forces a new object. ReplaceWhen, when set, is a
	// template over self and prior that decides instead.
	Replace     bool
	ReplaceWhen string
	Sensitive   bool
	WriteOnly   bool
	Volatile    bool   // shown, never compared
	Lookup      string // name of the data type whose name, display text or id it accepts
	Param       string // API parameter; "" = by convention (underscores removed)
	Field       string // response field; "" = as Param by convention
	Values      []string
	Pattern     string
	Min, Max    *float64
	MinLength   *int
	MaxLength   *int
	Format      string // ipv4, ipv6, cidr, mac, port, port_range, url, duration, base64, json, uuid
	Conflicts   []string
	Together    []string
	ExactlyOne  []string
	Equal       string // case, cidr, json, set, space
	Encode      string // how maps and lists become parameters, see decisions in docs/plugins.md
	Role        string // lowest role that may set it: user, domain_admin, admin
	Deprecated  string
	Since       string
	Doc         string
	ExampleText string // `example:` value as written
	// Affects names computed attributes that become unknown when an update
	// changes this attribute ("id" of an image whose pipeline changed).
	Affects []string
	// Assign says that the elements are associations which calls of their own
	// add and remove; nil: the attribute is sent with the others.
	Assign *Assign
	// LocalFile marks a step attribute that names a file of the stack: it
	// enters the plan with its digest.
	LocalFile bool
	Range     hcl.Range
}

// Default is the value of an attribute that was left out: exactly one of the
// three is set.
type Default struct {
	Literal cty.Value      // cty.NilVal unless a plain value
	Expr    hcl.Expression // a template over self and cloud
	Pick    map[string]any // fields the looked-up object must have; the first such object is taken
}

// Nesting says how often a block may stand and how it is labelled.
type Nesting string

// The ways a block nests. A map block has one label: its key.
const (
	Single Nesting = "single"
	List   Nesting = "list"
	Set    Nesting = "set"
	Map    Nesting = "map"
)

// Block is a nested block of a type. With Child set, its items are objects of
// their own in the cloud.
type Block struct {
	Name       string
	Nesting    Nesting
	Min, Max   int // 0 = no bound
	Attributes []*Attribute
	Blocks     []*Block
	Child      *Child
	Doc        string
	Range      hcl.Range
}

// Child says how the items of a block are listed, made, changed and removed.
type Child struct {
	Key       []string // attributes that identify an item among its siblings
	List      *Call    // lists the children of one parent
	Create    *Call
	Update    *Call // nil: a change deletes and creates
	Delete    *Call
	Exclusive string // attribute of the type that says foreign children go too
	// ID is the field of the listing that a child is known by; "" = id.
	ID string
	// Order brings the children of a list into the order of the stack; the
	// template root item holds their ids. nil: their order means nothing.
	Order *Call
}

// Verb is one operation of a type: handler code, or calls in order.
type Verb struct {
	Handler bool
	Calls   []*Call
	Batch   bool // one listing serves every object of the type
	// Expunges, of a delete, says that machines go with it, which some callers
	// may only destroy: what they use stays in use until the cloud expunges them.
	Expunges bool
	// Gone, of a read, is a template over response that is true when the object
	// is gone although the cloud still lists its record.
	Gone string
}

// Call is one API call: a CloudStack command, or a method and path over HTTP.
type Call struct {
	Key     string // name within the operation; "" = the command
	Command string
	When    string            // template; the call is left out when false
	Params  map[string]string // parameter → template; beside those by convention
	Only    []string          // attributes sent by convention; nil = all that the command takes
	On      []string          // attributes whose change makes an update send this call
	Result  string            // key of the object in the answer
	Wait    *Wait
	Serial  string // template: calls of equal value never run at once
	// NeedsState is the state in which the call needs a machine; nil: any.
	NeedsState *NeedsState
	Join       *Join // of the second and further calls of a read
	Method     string
	Path       string            // template
	Query      map[string]string // parameter → template
	Headers    map[string]string // header → template
	Body       map[string]string // path in the body → template; beside those by convention
	Wrap       string            // path in the body under which attributes go
	Paging     *Paging           // of this listing; nil = that of the plugin
	Range      hcl.Range
}

// Wait polls the type's read until a template is true.
type Wait struct {
	Until   string
	Every   time.Duration
	Timeout time.Duration
}

// Assign says how the elements of a set are brought in line with what is
// associated with the object: machines of a rule, accounts of a template.
type Assign struct {
	Add    *Call
	Remove *Call
	// List lists what is associated with one object; nil: the object shows it in
	// the attribute's field.
	List *Call
	// Field is the field of what List lists that holds an element, or a list of
	// them; "" = id.
	Field string
	IDs   string // parameter that takes the elements
	Batch int    // how many one call takes
	// Exclusive names the attribute that says elements of others go too.
	Exclusive string
	Range     hcl.Range
}

// Action is something to do with an object that is no change of what the stack
// says of it: restart it, take a snapshot.
type Action struct {
	Name      string
	Doc       string
	Call      *Call
	Arguments []*Attribute
	Range     hcl.Range
}

// Join says where the objects that a further call of a read lists go.
type Join struct {
	As    string // field of the object under which they are put, as a list
	Field string // of theirs that names the object; "" = all that is listed is the object's
	Of    string // field of the object that is named; id unless given
	Range hcl.Range
}

// NeedsState says that a machine is brought into a state for a call, and back
// after it.
type NeedsState struct {
	State   string // stopped
	Machine string // template: the machine's id; "" = the object itself
	// Runs is a template that tells whether the machine runs, as far as a plan
	// can know it; "" = it may.
	Runs string
	// Restart is a template that tells whether a machine that ran is started
	// again; "" = it is.
	Restart string
	Range   hcl.Range
}

// Identity is how an interrupted create is found again: exactly one is set.
type Identity struct {
	Natural map[string]string // list parameter or field → template
	Marker  string            // parameter that carries the operation id
	Reserve bool
	Serial  bool
	Repeat  bool // made twice is as made once: there is nothing to find
}

// IDField is where an object shows what it is known by: "" for its field id,
// else fields joined by slashes, those of what it belongs to first
// (virtualmachineid/id).
func (t *Type) IDField() string {
	if id := t.Attr("id"); id != nil && id.Field != "id" && !strings.Contains(id.Field, "${") {
		return id.Field
	}
	return ""
}

// Find lists objects: data sources, lookups, import by name.
type Find struct {
	Handler bool
	Call    *Call
	By      []string // attributes a query may name
	// NameField and DisplayField are response fields that a lookup matches
	// beside the id.
	NameField    string
	DisplayField string
}

// Require is a condition checked while planning.
type Require struct {
	That    string // template that must be true; over self, prior, cloud, lookup, ref
	When    string
	Say     string
	Warning bool // a hint rather than a refusal
	Range   hcl.Range
}

// Step is one kind of pipeline step.
type Step struct {
	Kind       string
	Summary    string
	Attributes []*Attribute
	Range      hcl.Range
}
