// Package sdk is what the author of a plugin imports: Serve runs the plugin
// process, handlers are small interfaces that a type's code implements as far
// as its plugin.yaml says `handler: true`, and Request gives a handler the
// cloud, the looked-up objects and the calls of an interrupted run.
//
// It must not import core, plugins or internal packages.
package sdk

import (
	"context"
	"errors"

	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// ErrGone says that the object does not exist any more.
var ErrGone = errors.New("the object no longer exists")

// Request is what every handler method is given beside its typed values.
type Request struct {
	Type      string
	Address   string // network.web, image.app["eu"]
	Operation string // id of this operation, unique for ever; goes into markers
	Stack     string
	// Cloud is bound to this operation's journal: a mutating call through it
	// is durable before it is sent.
	Cloud    *cloudstack.Client
	Identity cloudstack.CallerIdentity
	// Lookups holds the looked-up objects by attribute path: "offering",
	// "source.template".
	Lookups map[string]cloudstack.Object
	// Private is what the last operation on the object left with SetPrivate.
	Private []byte
	// Resume holds the settled calls of an earlier, unfinished operation on
	// this object, by key.
	Resume map[string]cloudstack.Settled
	// Timeouts holds the user's limits by verb, as written ("10m").
	Timeouts map[string]string
	// Progress tells the user what goes on.
	Progress func(format string, args ...any)

	private []byte
	config  configuration
}

// Config fills a struct, tagged like those of handlers, with the plugin's own
// configuration: what the user wrote in the block `plugin` of the stack.
func (r *Request) Config(into any) error { return r.config.decode(into) }

// SetPrivate keeps data for later operations on the object; it is stored
// encrypted and never shown.
func (r *Request) SetPrivate(data []byte) { r.private = data }

// Creator makes an object. An error after something was made leaves it
// partial: what the journal knows is handed back in Resume.
type Creator[S any] interface {
	Create(ctx context.Context, r *Request, plan S) (S, error)
}

// Reader reads an object, or returns ErrGone.
type Reader[S any] interface {
	Read(ctx context.Context, r *Request, prior S) (S, error)
}

// Updater brings an object from prior to plan.
type Updater[S any] interface {
	Update(ctx context.Context, r *Request, prior, plan S) (S, error)
}

// Deleter removes an object and whatever r.Resume names beside it. Deleting
// what is gone is no error.
type Deleter[S any] interface {
	Delete(ctx context.Context, r *Request, prior S) error
}

// Pruner removes what updates left behind, after every dependent has moved.
type Pruner[S any] interface {
	Prune(ctx context.Context, r *Request, state S) (S, error)
}

// Planner refines a proposed plan; prior is nil for a create. Values not yet
// known are the zero value, and Unknown(path) of the request tells them apart.
type Planner[S any] interface {
	Plan(ctx context.Context, r *PlanRequest, prior *S, proposed S) (Refined, error)
}

// Checker judges a configuration beyond what the schema says.
type Checker[S any] interface {
	Check(ctx context.Context, r *PlanRequest, config S) []Problem
}

// PlanRequest is what planning handlers are given.
type PlanRequest struct {
	Type     string
	Cloud    *cloudstack.Client // reads only: it has no journal
	Identity cloudstack.CallerIdentity
	Lookups  map[string]cloudstack.Object
	Private  []byte
	unknown  map[string]bool
	config   configuration
}

// Config is Request.Config.
func (r *PlanRequest) Config(into any) error { return r.config.decode(into) }

// Unknown tells whether the attribute's value is known only after apply.
func (r *PlanRequest) Unknown(path string) bool { return r.unknown[path] }

// Refined is the answer of a Planner.
type Refined struct {
	Unknown  []string // attribute paths that become known after apply
	Replace  []string // attribute paths that force a replacement
	Problems []Problem
}

// Problem is something to tell the user about one attribute.
type Problem struct {
	Warning   bool
	Attribute string // path; "" = the whole object
	Summary   string
	Detail    string
}

// Error makes a Problem usable as an error of any handler method.
func (p Problem) Error() string {
	if p.Detail == "" {
		return p.Summary
	}
	return p.Summary + ": " + p.Detail
}

// taintedError marks an error after which the object must be replaced.
type taintedError struct{ error }

func (t taintedError) Unwrap() error { return t.error }

// Tainted says that err left an object which is unusable and must be replaced.
func Tainted(err error) error {
	if err == nil {
		return nil
	}
	return taintedError{err}
}
