package cloudstack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"
)

// IdentityKind says what tells the object of a create call from all others.
type IdentityKind string

// The kinds of identity. Likeness is none: names may be doubled, and another stack may just have made its own.
const (
	// Natural: the server refuses a second object with the matched fields.
	Natural IdentityKind = "natural"
	// Marker: the matched fields hold an operation id that went with the create call.
	Marker IdentityKind = "marker"
	// Reserve: the matched fields name something picked beforehand, which can be taken only once.
	Reserve IdentityKind = "reserve"
	// Serial: one at a time; what the listing holds more than before the call is the call's.
	Serial IdentityKind = "serial"
	// Repeat: an update, an action or a delete. It may be sent again, so there is nothing to find.
	Repeat IdentityKind = "repeat"
	// None: nothing tells what became of the call.
	None IdentityKind = "none"
)

// Identity says how the outcome of a call is found when its answer was lost. It is data, so that it can be kept and used by another
// process.
type Identity struct {
	Kind   IdentityKind      `json:"kind"`
	List   string            `json:"list,omitempty"`   // listing command
	Params Params            `json:"params,omitempty"` // its parameters
	Result string            `json:"result,omitempty"` // name of the array in its answer
	Match  map[string]string `json:"match,omitempty"`  // dotted path in an object → value it must have
	// Unless tells others' objects by: dotted path → value it must have where it has one. A reserved address that somebody else took
	// first leads to another network.
	Unless map[string]string `json:"unless,omitempty"`
	Before []string          `json:"before,omitempty"` // serial, reserve: ids that are not the call's; Call fills it for serial
	Target string            `json:"target,omitempty"` // repeat: id of the object that is changed or deleted; Call fills it
	// By says where an object shows what it is known by, when that is not its field id; see Object.Name.
	By string `json:"by,omitempty"`
}

// NewMarker is a fresh operation id for a create call.
func NewMarker() string { return rand.Text() }

// Status is what became of a call.
type Status string

// The outcomes. Only Adopted carries an object.
const (
	Adopted   Status = "adopted"   // it happened: the object is there
	Absent    Status = "absent"    // it did not happen, or may be sent again
	Ambiguous Status = "ambiguous" // it cannot be told, or more than one object fits
	Gone      Status = "gone"      // it happened, and the object was removed since
)

// Settled is a call whose outcome was looked up.
type Settled struct {
	Key        string   `json:"key"`
	Command    string   `json:"command"`
	Status     Status   `json:"status"`
	ID         string   `json:"id,omitempty"`
	Job        string   `json:"job,omitempty"` // may still run
	Object     Object   `json:"-"`
	Candidates []string `json:"candidates,omitempty"` // ids that fit, when ambiguous
	Why        string   `json:"why,omitempty"`
	// Request is the digest of what was sent, empty when it is not known.
	Request []byte `json:"request,omitempty"`
}

// Settle finds out what became of a call. It changes nothing and adopts nothing by likeness. It may wait for the time in which the
// cloud could still carry out a request that was sent.
func Settle(ctx context.Context, c *Client, call OpenCall) (Settled, error) {
	out := Settled{Key: call.Key, Command: call.Command, ID: call.ID, Job: call.Job}
	if call.Identity.Kind == Repeat {
		return c.settleRepeat(ctx, call, out)
	}
	if call.Job != "" && !call.Done {
		// Also when the id is known: while the job runs the object is half made,
		// and what it lacks would be planned as a change.
		id, err := c.idFromJob(ctx, call)
		if err != nil {
			return out, err
		}
		if out.ID == "" && call.Identity.By == "" {
			out.ID = id
		}
	}
	if call.Identity.Target != "" && call.Job == "" {
		// A change of an object that is there: what it comes to is seen when it is over.
		if err := c.moved(ctx, call); err != nil {
			return out, err
		}
	}
	if out.ID != "" && call.Identity.By == "" && Readable(call.Command) {
		object, err := c.ReadByID(ctx, call.Command, out.ID)
		switch {
		case err == nil:
			out.Status, out.Object = Adopted, object
			return out, nil
		case IsGone(err):
			out.Status, out.Why = Gone, "the cloud no longer has the object it made"
			return out, nil
		}
		return out, err
	}
	if call.Identity.Kind == None || call.Identity.List == "" {
		out.Status, out.Why = Ambiguous, "nothing tells its outcome"
		return out, nil
	}
	return c.settleByListing(ctx, call, out)
}

// settleRepeat waits for a job that may be under way and then leaves it to the plan: the object itself is in the state.
func (c *Client) settleRepeat(ctx context.Context, call OpenCall, out Settled) (Settled, error) {
	out.ID, out.Status, out.Why = call.Identity.Target, Absent, "it may be sent again"
	if call.Done {
		return out, nil
	}
	if call.Job == "" {
		return out, c.moved(ctx, call)
	}
	_, err := c.waitJob(ctx, call.Command, call.Job)
	var refused *Error
	if err == nil {
		out.Why = "its job is over; it may be sent again"
		return out, nil
	}
	if errors.As(err, &refused) {
		// A failed, missing or expired job proves nothing, and nothing needs to be proved.
		return out, nil
	}
	return out, err
}

// idFromJob is the id of the object a job made, empty when the job tells none: a failed or missing job proves nothing.
func (c *Client) idFromJob(ctx context.Context, call OpenCall) (string, error) {
	result, err := c.waitJob(ctx, call.Command, call.Job)
	var refused *Error
	if errors.As(err, &refused) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if id := unwrap(result, "").ID(); id != "" {
		return id, nil
	}
	return result.Str("jobinstanceid"), nil
}

// settleByListing looks for the call's object by its identity, and once more when the cloud could still be making it.
func (c *Client) settleByListing(ctx context.Context, call OpenCall, out Settled) (Settled, error) {
	for {
		found, err := c.identified(ctx, call.Identity)
		if err != nil {
			return out, fmt.Errorf("find what became of %s: %w", call.Command, err)
		}
		switch len(found) {
		case 1:
			out.Status, out.ID, out.Object = Adopted, found[0].Name(call.Identity.By), found[0]
			there, err := c.grown(ctx, call, &out)
			if err != nil || there {
				return out, err
			}
			// Its job failed, and took it away.
			out.Status, out.ID, out.Object = "", call.ID, nil
		case 0:
			left := call.SentAt.Add(c.settings.SettleTime).Sub(c.Now())
			if left <= 0 {
				out.Status = Absent
				return out, nil
			}
			if err := sleep(ctx, min(left, 5*time.Second)); err != nil {
				return out, err
			}
		default:
			for _, o := range found {
				out.Candidates = append(out.Candidates, o.Name(call.Identity.By))
			}
			out.Status, out.Why = Ambiguous, fmt.Sprintf("%d objects fit", len(found))
			return out, nil
		}
	}
}

// growing are the states of objects that a job is still making; moving those of
// objects that a job is changing or removing.
var (
	growing = []string{"Starting", "Creating", "Allocating"}
	moving  = []string{"Starting", "Stopping", "Expunging", "Releasing", "Deleting"}
)

// adding are commands whose result is being made while its state is Add. Rules
// of load balancers may rest in that state.
var adding = []string{"createFirewallRule", "createEgressFirewallRule", "createPortForwardingRule"}

func grows(command string, o Object) bool {
	state := o.Str("state")
	return slices.Contains(growing, state) || state == "Add" && slices.Contains(adding, command)
}

// growth is how long such a job is waited for; one that takes longer is left to
// the plan.
const growth = 5 * time.Minute

// grown waits for an object whose job is not known to be finished: half made it
// would look as if something had to be changed, and a job that fails later
// would not be noticed. It tells whether the object is there afterwards.
func (c *Client) grown(ctx context.Context, call OpenCall, out *Settled) (bool, error) {
	until := time.Now().Add(growth)
	for grows(call.Command, out.Object) && call.Job == "" && time.Now().Before(until) {
		if err := sleep(ctx, slowPoll); err != nil {
			return false, err
		}
		found, err := c.identified(ctx, call.Identity)
		if err != nil {
			return false, fmt.Errorf("find what became of %s: %w", call.Command, err)
		}
		if len(found) != 1 || found[0].Name(call.Identity.By) != out.ID {
			return false, nil
		}
		out.Object = found[0]
	}
	return true, nil
}

// moved waits while an object is seen to be changed by a job that is not known:
// what a machine on its way out holds cannot be removed yet.
func (c *Client) moved(ctx context.Context, call OpenCall) error {
	if call.Identity.Target == "" || !Readable(call.Command) {
		return nil
	}
	for until := time.Now().Add(growth); time.Now().Before(until); {
		object, err := c.ReadByID(ctx, call.Command, call.Identity.Target)
		if IsGone(err) || CodeOf(err) != 0 {
			return nil // nothing needs to be proved
		}
		if err != nil {
			return fmt.Errorf("find what became of %s: %w", call.Command, err)
		}
		if !slices.Contains(moving, object.Str("state")) {
			return nil
		}
		if err := sleep(ctx, slowPoll); err != nil {
			return err
		}
	}
	return nil
}

// identified are the listed objects the identity fits.
func (c *Client) identified(ctx context.Context, id Identity) ([]Object, error) {
	items, err := c.List(ctx, id.List, id.Params, id.Result)
	if CodeOf(err) == 431 {
		// The listing is about a parent (network, address, machine) that is gone, and its children with it.
		for parameter := range id.Params {
			if unknownID(err, parameter) {
				return nil, nil
			}
		}
	}
	if IsGone(err) {
		return nil, nil // likewise
	}
	if err != nil {
		return nil, err
	}
	var found []Object
	for _, item := range items {
		others := (id.Kind == Serial || id.Kind == Reserve) && slices.Contains(id.Before, item.Name(id.By))
		if item.fits(id.Match) && !item.contradicts(id.Unless) && !others {
			found = append(found, item)
		}
	}
	return found, nil
}

func (o Object) contradicts(unless map[string]string) bool {
	for path, want := range unless {
		if got := o.Path(path); got != "" && got != want {
			return true
		}
	}
	return false
}

func (o Object) fits(match map[string]string) bool {
	for path, want := range match {
		if o.Path(path) != want {
			return false
		}
	}
	return true
}
