package apply

import (
	"context"

	"github.com/moldctl/moldctl/core/state"
)

// recorder is a state after whose first failure no other step is begun: each
// would fail at its first entry, and say the same once more.
type recorder struct {
	state.Session
	halt func()
}

// Append makes entries durable.
func (r recorder) Append(ctx context.Context, entries ...state.Entry) error {
	err := r.Session.Append(ctx, entries...)
	if err != nil && ctx.Err() == nil {
		r.halt()
	}
	return err
}
