package fakeplugin

import (
	"context"
	"errors"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/moldctl/moldctl/sdk/wire"
)

// MaxMessage is what the fake's connection carries in one message: little, so
// that too much is soon sent.
const MaxMessage = 64 << 10

// Server serves a Cloud as a plugin does, over gRPC, and goes wrong where it is
// told to.
type Server struct {
	wire.UnimplementedPluginServer
	Cloud *Cloud
	// Spec is the plugin.yaml it says it serves.
	Spec string
	// Encodings is how it says it reads values.
	Encodings []string
	// At is the call in which Fault happens; "" is none.
	At    string
	Fault Fault
}

// Dial starts the server and connects to it, as pluginhost.Source wants it. The
// connection is in memory; when it is hung up the server is gone.
func (s *Server) Dial() (wire.PluginClient, func()) {
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	wire.RegisterPluginServer(server, &served{Server: s, die: server.Stop})
	go func() { _ = server.Serve(listener) }() // until it is stopped, which is no error
	conn, err := grpc.NewClient("passthrough:///fake",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessage)))
	if err != nil {
		panic(err) // the address is a constant
	}
	return wire.NewPluginClient(conn), func() {
		_ = conn.Close() // whoever hangs up has no more use for it
		server.Stop()
	}
}

// served is one start of a Server: what dies is the start, not the cloud.
type served struct {
	*Server
	die func()
}

func (s *served) Describe(ctx context.Context, _ *wire.DescribeRequest) (*wire.DescribeReply, error) {
	return answer(ctx, s, "Describe", &wire.DescribeReply{PluginYaml: []byte(s.Spec), Encodings: s.Encodings}, nil)
}

func (s *served) Configure(ctx context.Context, in *wire.ConfigureRequest) (*wire.ConfigureReply, error) {
	id, diags, err := s.Cloud.Identity(ctx, in.GetCloud().GetAlias())
	return answer(ctx, s, "Configure", &wire.ConfigureReply{Identity: id, Diagnostics: diags}, err)
}

func (s *served) Check(ctx context.Context, in *wire.CheckRequest) (*wire.CheckReply, error) {
	reply, err := s.Cloud.Check(ctx, in)
	return answer(ctx, s, "Check", reply, err)
}

func (s *served) Plan(ctx context.Context, in *wire.PlanRequest) (*wire.PlanReply, error) {
	reply, err := s.Cloud.Plan(ctx, in)
	return answer(ctx, s, "Plan", reply, err)
}

func (s *served) Settle(ctx context.Context, in *wire.SettleRequest) (*wire.SettleReply, error) {
	reply, err := s.Cloud.Settle(ctx, in)
	return answer(ctx, s, "Settle", reply, err)
}

func (s *served) Read(in *wire.ReadRequest, stream wire.Plugin_ReadServer) error {
	replies, err := s.Cloud.Read(stream.Context(), in)
	if err != nil {
		return err
	}
	return answers(s, "Read", replies, stream.Context(), stream.Send)
}

func (s *served) Find(in *wire.FindRequest, stream wire.Plugin_FindServer) error {
	found, diags, err := s.Cloud.Find(stream.Context(), in)
	if err != nil {
		return err
	}
	return answers(s, "Find", []*wire.FindReply{{Found: found, Diagnostics: diags}}, stream.Context(), stream.Send)
}

// Apply lets the cloud carry the operation out, and brings what it announces to
// the host.
func (s *served) Apply(stream wire.Plugin_ApplyServer) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	j := &link{stream: stream}
	if s.At == "Apply" {
		if over, err := s.applyFault(stream, j, first.GetStart()); over {
			return err
		}
	}
	result, err := s.Cloud.Apply(stream.Context(), first.GetStart(), j)
	if errors.Is(err, ErrKilled) {
		s.die()
	}
	if err != nil {
		return status.Error(codes.Aborted, err.Error())
	}
	return j.result(result)
}

// link is a journal at the other end of a stream.
type link struct {
	stream wire.Plugin_ApplyServer
	seq    uint64
	last   *wire.Call
}

func (l *link) Intent(_ context.Context, call *wire.Call) error {
	l.seq++
	return l.tell(&wire.ApplyDown{Message: &wire.ApplyDown_Intent{Intent: &wire.Intent{Seq: l.seq, Call: call}}})
}

func (l *link) Checkpoint(_ context.Context, call *wire.Call) error {
	l.seq++
	l.last = call
	return l.tell(&wire.ApplyDown{Message: &wire.ApplyDown_Checkpoint{Checkpoint: &wire.Checkpoint{Seq: l.seq, Call: call}}})
}

func (l *link) Progress(text string) {
	// What breaks the stream is noticed when something is waited for.
	_ = l.stream.Send(&wire.ApplyDown{Message: &wire.ApplyDown_Progress{Progress: &wire.Progress{Text: text}}})
}

func (l *link) result(r *wire.Result) error {
	return l.stream.Send(&wire.ApplyDown{Message: &wire.ApplyDown_Result{Result: r}})
}

// tell sends one message and waits for its acknowledgement.
func (l *link) tell(msg *wire.ApplyDown) error {
	if err := l.stream.Send(msg); err != nil {
		return err
	}
	_, err := l.stream.Recv()
	return err
}
