package sdk

import (
	"context"
	"time"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/wire"
)

// Share takes the part of a cloud's requests that the host deals out to this
// process, and tells what becomes of it, until the host hangs up. The last part
// then stays.
func (s *server) Share(stream wire.Plugin_ShareServer) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	share := s.shareOf(first.GetCloud())
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
	heard := make(chan uint64, 1)
	go func() {
		for up := first; ; {
			share.Set(dealOf(up))
			select {
			case heard <- up.GetSeq():
			case <-ctx.Done():
				return
			}
			next, err := stream.Recv()
			if err != nil {
				cancel(err)
				return
			}
			up = next
		}
	}()
	var seq uint64
	for {
		select {
		case seq = <-heard:
		case <-share.Changed():
			if seq == 0 {
				continue // the host is told with the answer to what it deals out
			}
		case <-ctx.Done():
			return nil // the host has hung up
		}
		u := share.Usage()
		down := &wire.ShareDown{
			Seq: seq, Held: int32(u.Held), Wanted: int32(u.Wanted), //nolint:gosec // counts of requests
			Refused: int32(u.Refused), Answered: int32(u.Answered), RestMs: u.Rest.Milliseconds(), //nolint:gosec // counts of requests
		}
		if err := stream.Send(down); err != nil {
			return err
		}
	}
}

func dealOf(up *wire.ShareUp) cloudstack.Deal {
	return cloudstack.Deal{Most: int(up.GetMost()), All: int(up.GetAll()), Slowed: up.GetSlowed(), Rest: time.Duration(up.GetRestMs()) * time.Millisecond}
}

// shareOf is the share of a cloud, which is made when it is first dealt out.
func (s *server) shareOf(alias string) *cloudstack.Share {
	s.mu.Lock()
	defer s.mu.Unlock()
	share, ok := s.shares[alias]
	if !ok {
		share = cloudstack.NewShare()
		s.shares[alias] = share
	}
	return share
}

// dealt is the share of a cloud, nil if none was ever dealt out.
func (s *server) dealt(alias string) *cloudstack.Share {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shares[alias]
}
