package cloudstack

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Journal makes the progress of an operation durable. Both methods return only when what they were given will survive a crash; an
// error means it may not, and then nothing more is sent.
type Journal interface {
	// Intent is called before a change is sent. A second intent with the same key replaces the first.
	Intent(ctx context.Context, in Intent) error
	// Checkpoint is called when the cloud has named the object or the job of a change, and again when the change is over.
	Checkpoint(ctx context.Context, cp Checkpoint) error
}

// Intent announces one change.
type Intent struct {
	Key      string    `json:"key"`      // unique within the operation, the same when the operation is resumed
	Command  string    `json:"command"`  // API command
	Identity Identity  `json:"identity"` // how its outcome is found again
	At       time.Time `json:"at"`       // server's time
	// Request is a digest of the parameters: whoever takes the change up again sees whether it wants the same.
	Request []byte `json:"request,omitempty"`
}

// Checkpoint says how far a change has come.
type Checkpoint struct {
	Key string `json:"key"`
	ID  string `json:"id,omitempty"`
	Job string `json:"job,omitempty"`
	// Done says that the change is over: nothing of it is under way.
	Done bool `json:"done,omitempty"`
	// Failed is why the change did not succeed, with Done. With an ID the object may exist all the same (a machine in state Error).
	Failed string `json:"failed,omitempty"`
}

// OpenCall is a change that was announced and whose outcome is not known, as the journal kept it.
type OpenCall struct {
	Key      string    `json:"key"`
	Command  string    `json:"command"`
	Identity Identity  `json:"identity"`
	ID       string    `json:"id,omitempty"`
	Job      string    `json:"job,omitempty"`
	Done     bool      `json:"done,omitempty"`
	SentAt   time.Time `json:"sent_at"`
}

// Permitter is a Journal that also grants permits: keys that only one operation of a run may hold at a time, whichever plugin carries it
// out. Without it a client keeps its own calls apart and no others.
type Permitter interface {
	// Permit waits for all keys, which are sorted, and returns how to give them back.
	Permit(ctx context.Context, keys []string) (release func(), err error)
}

// Hold waits for keys that only one operation of the run may hold at a time, and returns how to give them back: for what takes several
// calls, as a machine that is stopped, changed and started again.
func (c *Client) Hold(ctx context.Context, keys ...string) (release func(), err error) {
	slices.Sort(keys)
	return c.acquire(ctx, slices.Compact(keys))
}

// acquire waits for keys that calls may not share, from the host if it grants them.
func (c *Client) acquire(ctx context.Context, keys []string) (func(), error) {
	if host, ok := c.journal.(Permitter); ok && len(keys) > 0 {
		return host.Permit(ctx, keys)
	}
	return c.permits.acquire(ctx, keys)
}

// resumed holds the calls of an interrupted operation that are known to have happened; each is used once.
type resumed struct {
	mu    sync.Mutex // guards calls
	calls map[string]Settled
}

func newResumed(settled []Settled) *resumed {
	r := &resumed{calls: map[string]Settled{}}
	for _, s := range settled {
		if s.Status == Adopted {
			r.calls[s.Key] = s
		}
	}
	return r
}

// has tells whether a call of the key is known to have happened, and its id.
func (r *resumed) has(key string) (string, bool) {
	if r == nil {
		return "", false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.calls[key]
	return s.ID, ok
}

// Forget gives up a call of an interrupted operation that is known to have happened, and that what is wanted now is not: a Call of the key
// is sent.
func (c *Client) Forget(key string) { c.resumed.take(key) }

func (r *resumed) take(key string) (Settled, bool) {
	if r == nil {
		return Settled{}, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.calls[key]
	delete(r.calls, key)
	return s, ok
}
