package simulation

import (
	"context"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/moldctl/moldctl/sdk/wire"
)

// tamper changes what goes over the wire; the zero value changes nothing.
type tamper struct {
	start  func(*wire.Start)
	down   func(*wire.ApplyDown, *line) bool // false: the host does not hear of it
	read   func(*wire.ReadReply)
	settle func(*wire.SettleRequest, *wire.SettleReply)
}

// connection is a plugin as the host sees it, without a process: calls go
// straight to the service, until the plugin dies.
type connection struct {
	wire.PluginClient // for calls that are not carried here; nil
	name              string
	post              func(*line, *wire.ApplyDown) // brings a message on its way to the host
	server            wire.PluginServer
	tamper            tamper
	life              context.Context // of the plugin
	kill              context.CancelFunc
}

func connect(name string, server wire.PluginServer, t tamper, post func(*line, *wire.ApplyDown)) *connection {
	c := &connection{name: name, server: server, tamper: t, post: post}
	c.life, c.kill = context.WithCancel(context.Background())
	return c
}

var errBroke = status.Error(codes.Unavailable, "the plugin is gone")

// within runs a call in the plugin. It ends when the plugin dies, or the caller
// gives up.
func within[T any](ctx context.Context, c *connection, call func(context.Context) (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	var none T
	if c.life.Err() != nil {
		return none, errBroke
	}
	ctx, cancel := context.WithCancel(ctx)
	defer context.AfterFunc(c.life, cancel)()
	defer cancel()
	over := make(chan outcome, 1)
	go func() {
		v, err := call(ctx)
		over <- outcome{v, err}
	}()
	select {
	case o := <-over:
		if c.life.Err() != nil {
			return none, errBroke
		}
		return o.value, o.err
	case <-ctx.Done():
		if c.life.Err() != nil {
			return none, errBroke
		}
		return none, status.FromContextError(ctx.Err()).Err()
	}
}

func (c *connection) Describe(ctx context.Context, in *wire.DescribeRequest, _ ...grpc.CallOption) (*wire.DescribeReply, error) {
	reply, err := within(ctx, c, func(ctx context.Context) (*wire.DescribeReply, error) { return c.server.Describe(ctx, in) })
	if err == nil {
		reply.Shares = false // each plugin keeps a limit of its own here
	}
	return reply, err
}

func (c *connection) Configure(ctx context.Context, in *wire.ConfigureRequest, _ ...grpc.CallOption) (*wire.ConfigureReply, error) {
	return within(ctx, c, func(ctx context.Context) (*wire.ConfigureReply, error) { return c.server.Configure(ctx, in) })
}

func (c *connection) Check(ctx context.Context, in *wire.CheckRequest, _ ...grpc.CallOption) (*wire.CheckReply, error) {
	return within(ctx, c, func(ctx context.Context) (*wire.CheckReply, error) { return c.server.Check(ctx, in) })
}

func (c *connection) Plan(ctx context.Context, in *wire.PlanRequest, _ ...grpc.CallOption) (*wire.PlanReply, error) {
	return within(ctx, c, func(ctx context.Context) (*wire.PlanReply, error) { return c.server.Plan(ctx, in) })
}

func (c *connection) Settle(ctx context.Context, in *wire.SettleRequest, _ ...grpc.CallOption) (*wire.SettleReply, error) {
	asked := proto.Clone(in).(*wire.SettleRequest)
	reply, err := within(ctx, c, func(ctx context.Context) (*wire.SettleReply, error) { return c.server.Settle(ctx, in) })
	if err == nil && c.tamper.settle != nil {
		c.tamper.settle(asked, reply)
	}
	return reply, err
}

func (c *connection) Read(ctx context.Context, in *wire.ReadRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[wire.ReadReply], error) {
	list, err := within(ctx, c, func(ctx context.Context) (*collected[wire.ReadReply], error) {
		out := &collected[wire.ReadReply]{ctx: ctx}
		return out, c.server.Read(in, out)
	})
	if err != nil {
		return nil, err
	}
	for _, r := range list.items {
		if c.tamper.read != nil {
			c.tamper.read(r)
		}
	}
	return list.reader(), nil
}

func (c *connection) Find(ctx context.Context, in *wire.FindRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[wire.FindReply], error) {
	list, err := within(ctx, c, func(ctx context.Context) (*collected[wire.FindReply], error) {
		out := &collected[wire.FindReply]{ctx: ctx}
		return out, c.server.Find(in, out)
	})
	if err != nil {
		return nil, err
	}
	return list.reader(), nil
}

// collected is a stream of answers that are handed over all at once.
type collected[T any] struct {
	grpc.ServerStream
	ctx context.Context

	mu    sync.Mutex // guards items
	items []*T
}

func (c *collected[T]) Context() context.Context { return c.ctx }

func (c *collected[T]) Send(m *T) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items = append(c.items, m)
	return nil
}

func (c *collected[T]) reader() *answers[T] { return &answers[T]{items: c.items} }

type answers[T any] struct {
	grpc.ClientStream
	items []*T
}

func (a *answers[T]) Recv() (*T, error) {
	if len(a.items) == 0 {
		return nil, io.EOF
	}
	first := a.items[0]
	a.items = a.items[1:]
	return first, nil
}

// Apply opens a line between host and plugin.
func (c *connection) Apply(ctx context.Context, _ ...grpc.CallOption) (grpc.BidiStreamingClient[wire.ApplyUp, wire.ApplyDown], error) {
	if c.life.Err() != nil {
		return nil, errBroke
	}
	l := &line{connection: c, up: newQueue[*wire.ApplyUp](), down: newQueue[*wire.ApplyDown]()}
	l.ctx, l.cancel = context.WithCancel(ctx)
	context.AfterFunc(c.life, func() {
		l.down.end(errBroke)
		l.cancel()
	})
	go func() {
		if err := c.server.Apply(pluginEnd{line: l}); err != nil {
			l.down.end(err)
			l.cancel()
		}
		// Otherwise the result is on its way, and ends it.
	}()
	return hostEnd{line: l}, nil
}

// line is one Apply under way.
type line struct {
	*connection
	ctx    context.Context
	cancel context.CancelFunc
	up     *queue[*wire.ApplyUp]
	down   *queue[*wire.ApplyDown]

	begun *wire.Start       // what the host asked for
	held  []*wire.ApplyDown // by a tamper
}

// ack answers the plugin in the host's place.
func (l *line) ack(seq uint64) {
	l.up.push(&wire.ApplyUp{Message: &wire.ApplyUp_Ack{Ack: &wire.Ack{Seq: seq}}})
}

type hostEnd struct {
	grpc.ClientStream
	*line
}

func (h hostEnd) Context() context.Context { return h.ctx }

func (h hostEnd) Send(m *wire.ApplyUp) error {
	if s := m.GetStart(); s != nil {
		h.begun = s
		if h.tamper.start != nil {
			h.tamper.start(s)
		}
	}
	h.up.push(m)
	return nil
}

func (h hostEnd) Recv() (*wire.ApplyDown, error) {
	m, err := h.down.pop(h.ctx)
	if m.GetResult() != nil {
		h.down.end(io.EOF)
	}
	if err != nil && h.ctx.Err() != nil && h.life.Err() == nil && err == h.ctx.Err() {
		return nil, status.FromContextError(err).Err()
	}
	return m, err
}

type pluginEnd struct {
	grpc.ServerStream
	*line
}

func (p pluginEnd) Context() context.Context { return p.ctx }

func (p pluginEnd) Send(m *wire.ApplyDown) error {
	if p.ctx.Err() != nil {
		return p.ctx.Err()
	}
	if p.tamper.down != nil && !p.tamper.down(m, p.line) {
		return nil
	}
	p.post(p.line, m)
	return nil
}

func (p pluginEnd) Recv() (*wire.ApplyUp, error) { return p.up.pop(p.ctx) }

// queue is a stream of messages without a bound.
type queue[T any] struct {
	mu    sync.Mutex // guards what follows
	items []T
	over  error
	news  chan struct{} // holds one
}

func newQueue[T any]() *queue[T] { return &queue[T]{news: make(chan struct{}, 1)} }

func (q *queue[T]) push(item T) {
	q.mu.Lock()
	q.items = append(q.items, item)
	q.mu.Unlock()
	q.tell()
}

func (q *queue[T]) end(err error) {
	q.mu.Lock()
	if q.over == nil {
		q.over = err
	}
	q.mu.Unlock()
	q.tell()
}

func (q *queue[T]) tell() {
	select {
	case q.news <- struct{}{}:
	default:
	}
}

// pop waits for the next message, or the end of the stream.
func (q *queue[T]) pop(ctx context.Context) (T, error) {
	for {
		q.mu.Lock()
		if len(q.items) > 0 {
			first := q.items[0]
			q.items = q.items[1:]
			q.mu.Unlock()
			return first, nil
		}
		over := q.over
		q.mu.Unlock()
		var none T
		if over != nil {
			return none, over
		}
		select {
		case <-q.news:
		case <-ctx.Done():
			// What ended the line is the better reason.
			q.mu.Lock()
			over = q.over
			q.mu.Unlock()
			if over != nil {
				return none, over
			}
			return none, ctx.Err()
		}
	}
}
