package cloudstack

import (
	"context"
	"errors"
	"time"
)

// Delete removes an object by its id; that it is gone already is no error. m.Target names the object, and is sent as the id unless the
// parameters say otherwise. A refusal counts only while the object is still there: the cloud uses the same codes for "in use" and for
// "does not exist".
func (c *Client) Delete(ctx context.Context, m Mutation) error {
	m.Identity = Identity{Kind: Repeat}
	if m.Params == nil {
		m.Params = Params{"id": m.Target}
	}
	_, err := c.Call(ctx, m)
	if err == nil || ctx.Err() != nil || CodeOf(err) == 0 || !Readable(m.Command) {
		return err
	}
	if _, readErr := c.ReadByID(ctx, m.Command, m.Target); IsGone(readErr) {
		return nil
	} else if readErr != nil {
		return errors.Join(err, readErr)
	}
	return err
}

// Poll calls look until it says that it is done, first often, then every most.
func Poll(ctx context.Context, most time.Duration, look func(context.Context) (done bool, err error)) error {
	for wait := min(firstPoll, most); ; wait = min(wait*3/2, most) {
		done, err := look(ctx)
		if done || err != nil {
			return err
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}
