package fakeplugin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/moldctl/moldctl/sdk/wire"
)

// Fault is a way in which a plugin goes wrong.
type Fault string

// The faults. The first three end the process: before it does anything, after
// the cloud has acted, and when it is about to ask the cloud.
const (
	Panic       Fault = "panic"
	Exit        Fault = "exit"
	Killed      Fault = "out of memory"
	Hang        Fault = "hang"
	Garbage     Fault = "garbage"
	NoProtocol  Fault = "wrong protocol"
	WrongSchema Fault = "wrong schema"
	Oversized   Fault = "oversized message"
	Slow        Fault = "slow stream"
	Twice       Fault = "duplicate result"
	Missing     Fault = "missing result"
	AfterResult Fault = "checkpoint after result"
)

// Faults returns all faults.
func Faults() []Fault {
	return []Fault{Panic, Exit, Killed, Hang, Garbage, NoProtocol, WrongSchema, Oversized, Slow, Twice, Missing, AfterResult}
}

// Calls returns the calls of the protocol.
func Calls() []string {
	return []string{"Describe", "Configure", "Check", "Plan", "Apply", "Read", "Find", "Settle"}
}

// slowness is how long a slow plugin waits before each message.
const slowness = 20 * time.Millisecond

// nonsense is no value of any type.
var nonsense = []byte{0xc1, 0xff, 0x00, '{'}

// foreign is a value of a type that nobody has.
func foreign() *wire.Value { return &wire.Value{Json: []byte(`{"colour": ["blue"]}`)} }

// general does what a fault is for every call; over tells that the call has
// ended.
func (s *served) general(ctx context.Context) (over bool, err error) {
	switch s.Fault {
	case Panic, Exit, Killed:
		s.die()
		return true, status.Error(codes.Unavailable, "the process is gone")
	case Hang:
		<-ctx.Done()
		return true, ctx.Err()
	case NoProtocol:
		return true, status.Error(codes.Unimplemented, "unknown method")
	case Slow:
		select {
		case <-time.After(slowness):
		case <-ctx.Done():
		}
	}
	return false, nil
}

// answer is the answer of a call with one message, spoilt if it is its turn.
func answer[M proto.Message](ctx context.Context, s *served, call string, reply M, err error) (M, error) {
	if s.At != call || err != nil {
		return reply, err
	}
	if over, err := s.general(ctx); over {
		return reply, err
	}
	s.spoil(reply)
	return reply, nil
}

// answers are those of a call with many.
func answers[M proto.Message](s *served, call string, list []M, ctx context.Context, send func(M) error) error {
	if s.At == call {
		if over, err := s.general(ctx); over {
			return err
		}
		if s.Fault == Missing {
			list = list[:0]
		}
	}
	for _, m := range list {
		if s.At == call {
			s.spoil(m)
		}
		if err := send(m); err != nil {
			return err
		}
		if s.At == call && s.Fault == Twice {
			if err := send(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// spoil changes one answer.
func (s *served) spoil(m proto.Message) {
	large := &wire.Diagnostic{Severity: wire.Diagnostic_WARNING, Summary: strings.Repeat("large ", MaxMessage/4)}
	switch m := m.(type) {
	case *wire.DescribeReply:
		switch s.Fault {
		case Garbage:
			m.PluginYaml = nonsense
		case WrongSchema:
			m.PluginYaml = []byte(strings.Replace(s.Spec, "size:", "mass:", 1))
		case Oversized:
			m.Handlers = []string{large.Summary}
		case Missing:
			m.PluginYaml, m.Encodings = nil, []string{"none"}
		}
	case *wire.ConfigureReply:
		switch s.Fault {
		case Oversized:
			m.Diagnostics = append(m.Diagnostics, large)
		case Missing, Garbage, WrongSchema:
			m.Identity = nil
		}
	case *wire.CheckReply:
		if s.Fault == Oversized {
			m.Diagnostics = append(m.Diagnostics, large)
		}
	case *wire.PlanReply:
		switch s.Fault {
		case Garbage:
			m.Planned = &wire.Value{Msgpack: nonsense}
		case WrongSchema:
			m.Planned = foreign()
		case Oversized:
			m.Diagnostics = append(m.Diagnostics, large)
		}
	case *wire.ReadReply:
		m.Value = s.value(m.Value)
		if s.Fault == Oversized {
			m.Diagnostics = append(m.Diagnostics, large)
		}
	case *wire.FindReply:
		for _, f := range m.Found {
			f.Value = s.value(f.Value)
		}
		if s.Fault == Oversized {
			m.Diagnostics = append(m.Diagnostics, large)
		}
	case *wire.SettleReply:
		s.spoilSettled(m, large)
	}
}

func (s *served) value(v *wire.Value) *wire.Value {
	switch s.Fault {
	case Garbage:
		return &wire.Value{Msgpack: nonsense}
	case WrongSchema:
		return foreign()
	}
	return v
}

func (s *served) spoilSettled(m *wire.SettleReply, large *wire.Diagnostic) {
	switch s.Fault {
	case Garbage, WrongSchema:
		for _, c := range m.Calls {
			c.Key = "another"
		}
	case Oversized:
		m.Diagnostics = append(m.Diagnostics, large)
	case Twice:
		m.Calls = append(m.Calls, m.Calls...)
	case Missing:
		m.Calls = nil
	}
}

// applyFault goes wrong in the middle of an operation; over tells that the call
// has ended.
func (s *served) applyFault(stream wire.Plugin_ApplyServer, j *link, in *wire.Start) (over bool, err error) {
	ctx := stream.Context()
	switch s.Fault {
	case Panic, Hang, NoProtocol:
		return s.general(ctx)
	case Exit, Killed:
		at := map[Fault]Moment{Exit: AfterCall, Killed: BeforeCall}[s.Fault]
		s.Cloud.setHook(func(m Moment, _, _ string) error {
			if m == at {
				return ErrKilled
			}
			return nil
		})
		defer s.Cloud.setHook(nil)
	case Slow:
		for i := range 5 {
			j.Progress(fmt.Sprintf("part %d", i))
			if _, err := s.general(ctx); err != nil {
				return true, err
			}
		}
		return false, nil
	case Oversized:
		j.Progress(strings.Repeat("large ", MaxMessage/4))
	}
	result, err := s.Cloud.Apply(ctx, in, j)
	if err != nil {
		s.die()
		return true, status.Error(codes.Unavailable, err.Error())
	}
	if s.Fault == Missing {
		return true, nil
	}
	result.Value = s.value(result.Value)
	if err := j.result(result); err != nil {
		return true, err
	}
	switch s.Fault {
	case Twice:
		return true, j.result(result)
	case AfterResult:
		return true, j.Checkpoint(ctx, j.last)
	}
	return true, nil
}
