package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/wire"
)

// errBroken is why a journal refuses once the host cannot be heard any more:
// nothing would remember what a further call makes.
var errBroken = errors.New("the connection to moldctl broke, so nothing more is changed")

// journal makes an operation's progress durable through the Apply stream: what
// it is given is sent to the host, and it returns when the host has written it
// down.
type journal struct {
	cancel context.CancelCauseFunc
	stream interface {
		Send(*wire.ApplyDown) error
		Recv() (*wire.ApplyUp, error)
	}

	ended   chan struct{}         // closed when broken
	earlier map[string]*wire.Call // by key, of the interrupted operation that this one takes up
	sending sync.Mutex            // one message at a time

	mu      sync.Mutex // guards what follows
	seq     uint64
	waiting map[uint64]chan struct{}
	calls   map[string]*wire.Call // by key, as told to the host
	broken  error
}

func newJournal(stream wire.Plugin_ApplyServer, cancel context.CancelCauseFunc) *journal {
	return &journal{cancel: cancel, stream: stream, ended: make(chan struct{}), earlier: map[string]*wire.Call{}, waiting: map[uint64]chan struct{}{}, calls: map[string]*wire.Call{}}
}

// listen takes acknowledgements until the stream ends. What ends it breaks the
// journal for ever.
func (j *journal) listen() {
	for {
		up, err := j.stream.Recv()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = errBroken
			}
			j.breakOff(err)
			return
		}
		ack := up.GetAck()
		if ack == nil {
			j.breakOff(errors.New("the host sent something else than an acknowledgement"))
			return
		}
		j.mu.Lock()
		if done, ok := j.waiting[ack.GetSeq()]; ok {
			close(done)
			delete(j.waiting, ack.GetSeq())
		}
		j.mu.Unlock()
	}
}

// breakOff refuses everything from now on and cancels the operation.
func (j *journal) breakOff(err error) {
	j.mu.Lock()
	if j.broken == nil {
		j.broken = fmt.Errorf("%w (%w)", errBroken, err)
		close(j.ended)
	}
	j.mu.Unlock()
	j.cancel(errBroken)
}

// Intent announces a call and waits until the host has written it down.
func (j *journal) Intent(_ context.Context, in cloudstack.Intent) error {
	identity, err := json.Marshal(in.Identity)
	if err != nil {
		return fmt.Errorf("encode the identity of %s: %w", in.Command, err)
	}
	call := &wire.Call{Key: in.Key, Command: in.Command, Identity: identity, State: wire.Call_OPEN, SentUnixMs: in.At.UnixMilli(), Request: in.Request}
	return j.tell(call, func(seq uint64, call *wire.Call) *wire.ApplyDown {
		return &wire.ApplyDown{Message: &wire.ApplyDown_Intent{Intent: &wire.Intent{Seq: seq, Call: call}}}
	})
}

// Checkpoint reports how far a call has come and waits until the host has
// written it down. It carries all that is known of the call.
func (j *journal) Checkpoint(_ context.Context, cp cloudstack.Checkpoint) error {
	call := &wire.Call{Key: cp.Key}
	j.mu.Lock()
	if told, ok := j.calls[cp.Key]; ok {
		call = proto.Clone(told).(*wire.Call)
	} else if was, ok := j.earlier[cp.Key]; ok {
		call = proto.Clone(was).(*wire.Call)
	}
	j.mu.Unlock()
	if cp.ID != "" {
		call.Id = cp.ID
	}
	if cp.Job != "" {
		call.Job = cp.Job
	}
	switch {
	case cp.Done && cp.Failed != "":
		call.State = wire.Call_FAILED
	case cp.Done:
		call.State = wire.Call_DONE
	}
	return j.tell(call, func(seq uint64, call *wire.Call) *wire.ApplyDown {
		return &wire.ApplyDown{Message: &wire.ApplyDown_Checkpoint{Checkpoint: &wire.Checkpoint{Seq: seq, Call: call}}}
	})
}

// tell sends one message and waits until it is acknowledged or the stream
// breaks. It does not stop at the end of a context: a timeout must not lose
// what the cloud has just named, and a host that gives up ends the stream.
func (j *journal) tell(call *wire.Call, wrap func(uint64, *wire.Call) *wire.ApplyDown) error {
	j.mu.Lock()
	j.calls[call.GetKey()] = call
	j.mu.Unlock()
	_, done, err := j.ask(func(seq uint64) *wire.ApplyDown { return wrap(seq, call) })
	if err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-j.ended:
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.broken
}

func (j *journal) send(msg *wire.ApplyDown) error {
	j.sending.Lock()
	defer j.sending.Unlock()
	return j.stream.Send(msg)
}

// Permit asks the host for keys that only one operation of the run may hold at
// a time. It stops waiting when the context ends; the keys then go with the
// operation.
func (j *journal) Permit(ctx context.Context, keys []string) (func(), error) {
	seq, granted, err := j.ask(func(seq uint64) *wire.ApplyDown {
		return &wire.ApplyDown{Message: &wire.ApplyDown_Permit{Permit: &wire.Permit{Seq: seq, Keys: keys}}}
	})
	if err != nil {
		return nil, err
	}
	select {
	case <-granted:
	case <-j.ended:
		j.mu.Lock()
		defer j.mu.Unlock()
		return nil, j.broken
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return func() {
		msg := &wire.ApplyDown{Message: &wire.ApplyDown_Release{Release: &wire.Release{Permit: seq}}}
		if err := j.send(msg); err != nil {
			j.breakOff(err)
		}
	}, nil
}

// ask sends a message that wants an answer and returns where it arrives.
func (j *journal) ask(wrap func(uint64) *wire.ApplyDown) (uint64, <-chan struct{}, error) {
	j.mu.Lock()
	if j.broken != nil {
		defer j.mu.Unlock()
		return 0, nil, j.broken
	}
	j.seq++
	seq, done := j.seq, make(chan struct{})
	j.waiting[seq] = done
	j.mu.Unlock()
	if err := j.send(wrap(seq)); err != nil {
		j.breakOff(err)
		return 0, nil, errBroken
	}
	return seq, done, nil
}

// progress tells the user what goes on. A message that is lost does no harm.
func (j *journal) progress(format string, args ...any) {
	msg := &wire.ApplyDown{Message: &wire.ApplyDown_Progress{Progress: &wire.Progress{Text: fmt.Sprintf(format, args...)}}}
	if err := j.send(msg); err != nil {
		j.breakOff(err)
	}
}

// left tells whether the operation may have left something in the cloud: a call
// that made an object, or one whose outcome is open.
func (j *journal) left() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range j.calls {
		if c.GetState() != wire.Call_FAILED || c.GetId() != "" {
			return true
		}
	}
	return false
}
