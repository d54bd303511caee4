package sdk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/zclconf/go-cty/cty"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/declarative"
	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// operation is one Apply under way.
type operation struct {
	*server
	typ            *pluginspec.Type
	start          *wire.Start
	cloud          *cloud
	client, api    *cloudstack.Client // bound to the journal
	journal        *journal
	prior, planned cty.Value
	lookups        map[string]cloudstack.Object
	resume         map[string]cloudstack.Settled
}

// Apply carries out one operation over the stream.
func (s *server) Apply(stream wire.Plugin_ApplyServer) error {
	up, err := stream.Recv()
	if err != nil {
		return err
	}
	if up.GetStart() == nil {
		return status.Error(codes.InvalidArgument, "an Apply begins with Start")
	}
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
	if limit := time.Duration(up.GetStart().GetTimeoutMs()) * time.Millisecond; limit > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, limit, fmt.Errorf("it took longer than its timeout of %s", limit))
		defer stop()
	}
	j := newJournal(stream, cancel)
	o, err := s.operation(up.GetStart(), j)
	if err != nil {
		return err
	}
	// listen ends with the stream, which ends when this method returns.
	go j.listen()
	return j.send(&wire.ApplyDown{Message: &wire.ApplyDown_Result{Result: o.run(ctx)}})
}

func (s *server) operation(start *wire.Start, j *journal) (*operation, error) {
	o := &operation{server: s, start: start, journal: j}
	var err error
	if o.typ, err = s.typeOf(start.GetType()); err != nil {
		return nil, err
	}
	if o.cloud, err = s.cloudOf(start.GetCloud()); err != nil {
		return nil, err
	}
	invalid := func(what string, err error) error {
		return status.Errorf(codes.InvalidArgument, "%s of %s: %v", what, start.GetAddress(), err)
	}
	if o.prior, err = wire.UnmarshalValue(start.GetPrior(), o.typ.ImpliedType()); err != nil {
		return nil, invalid("prior value", err)
	}
	if o.planned, err = wire.UnmarshalValue(start.GetPlanned(), o.typ.ImpliedType()); err != nil {
		return nil, invalid("planned value", err)
	}
	if o.lookups, err = lookups(start.GetLookups()); err != nil {
		return nil, invalid("looked-up object", err)
	}
	settled := make([]cloudstack.Settled, 0, len(start.GetResume()))
	o.resume = make(map[string]cloudstack.Settled, len(start.GetResume()))
	for _, call := range start.GetResume() {
		c := settledOf(call)
		settled = append(settled, c)
		o.resume[c.Key] = c
		j.earlier[c.Key] = call
	}
	if o.cloud.client != nil {
		o.client = o.cloud.client.With(j, settled...)
	}
	if o.cloud.api != nil {
		o.api = o.cloud.api.With(j, settled...)
	}
	return o, nil
}

func lookups(in map[string][]byte) (map[string]cloudstack.Object, error) {
	out := make(map[string]cloudstack.Object, len(in))
	for path, data := range in {
		object, err := decodeObject(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out[path] = object
	}
	return out, nil
}

// settledOf says what became of a call of an earlier run. One that failed may
// have left an object all the same: its id is kept, but it is not taken up.
func settledOf(call *wire.Call) cloudstack.Settled {
	out := cloudstack.Settled{
		Key: call.GetKey(), Command: call.GetCommand(), ID: call.GetId(), Job: call.GetJob(), Candidates: call.GetCandidates(),
		Request: call.GetRequest(),
	}
	switch call.GetState() {
	case wire.Call_DONE:
		out.Status = cloudstack.Adopted
	case wire.Call_ABSENT:
		out.Status = cloudstack.Absent
	case wire.Call_FAILED:
		out.Status = cloudstack.Absent
		if out.ID != "" {
			out.Status, out.Why = cloudstack.Ambiguous, "the cloud said that it failed"
		}
	default:
		out.Status = cloudstack.Ambiguous
	}
	return out
}

// run dispatches to code or to the declarative runtime. Whatever goes wrong is
// in the result.
func (o *operation) run(ctx context.Context) *wire.Result {
	var result *wire.Result
	err := o.guard(o.start.GetType()+"."+o.verbName(), func() error {
		var err error
		if o.byCode() {
			result, err = o.runCode(ctx)
			return err
		}
		result, err = o.runDeclared(ctx)
		return err
	})
	if err != nil {
		result = o.failed(err)
	}
	cause := context.Cause(ctx)
	told := errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded) // by the host, whose doing it was
	if cause != nil && !told && wire.Failed(result.GetDiagnostics()) {
		result.Diagnostics = append(result.Diagnostics, wire.Failure("", "Operation was stopped", sentence(cause.Error())))
	}
	return result
}

func (o *operation) verbName() string {
	return map[wire.Op]string{wire.Op_CREATE: "create", wire.Op_UPDATE: "update", wire.Op_DELETE: "delete", wire.Op_PRUNE: "prune", wire.Op_ACT: "act"}[o.start.GetOp()]
}

func (o *operation) byCode() bool {
	v := map[wire.Op]*pluginspec.Verb{
		wire.Op_CREATE: o.typ.Create, wire.Op_UPDATE: o.typ.Update, wire.Op_DELETE: o.typ.Delete, wire.Op_PRUNE: o.typ.Prune,
	}[o.start.GetOp()]
	return v != nil && v.Handler
}

// failed is the result of an operation that ended with an error and says
// nothing of what there is now.
func (o *operation) failed(err error) *wire.Result {
	result := &wire.Result{
		Status:      wire.Result_PARTIAL,
		Diagnostics: diagnose(fmt.Sprintf("Cannot %s %s", o.verbName(), o.typ.Name), err),
	}
	var tainted taintedError
	switch {
	case errors.As(err, &tainted):
		result.Status = wire.Result_TAINTED
	case errors.Is(err, ErrGone) && o.start.GetOp() == wire.Op_DELETE:
		return &wire.Result{Status: wire.Result_GONE}
	case errors.Is(err, ErrGone):
		result.Status = wire.Result_GONE
	case o.start.GetOp() == wire.Op_CREATE && !o.journal.left() && len(o.resume) == 0:
		result.Status = wire.Result_GONE
	}
	return result
}

// runCode calls the handler.
func (o *operation) runCode(ctx context.Context) (*wire.Result, error) {
	h := o.handlers[o.typ.Name]
	r := &Request{
		Type: o.typ.Name, Address: o.start.GetAddress(), Operation: o.start.GetOperation(), Stack: o.start.GetStack(),
		Cloud: o.client, Identity: o.cloud.known.Caller, Lookups: o.lookups, Private: o.start.GetPrivate(),
		Resume: o.resume, Timeouts: o.start.GetTimeouts(), Progress: o.journal.progress,
		config: configuration{o.spec, o.cloud.config},
	}
	var value cty.Value
	var err error
	switch o.start.GetOp() {
	case wire.Op_CREATE:
		value, err = h.create(ctx, r, h.codec, o.planned)
	case wire.Op_UPDATE:
		value, err = h.update(ctx, r, h.codec, o.prior, o.planned)
	case wire.Op_PRUNE:
		value, err = h.prune(ctx, r, h.codec, o.prior)
	case wire.Op_DELETE:
		if err = h.remove(ctx, r, h.codec, o.prior); err == nil {
			return &wire.Result{Status: wire.Result_GONE, Private: r.private}, nil
		}
	}
	result := &wire.Result{Status: wire.Result_OK}
	if err != nil {
		result = o.failed(err)
	}
	result.Private = r.private
	if value == cty.NilVal || result.GetStatus() == wire.Result_GONE {
		return result, nil
	}
	result.Value, err = wire.MarshalValue(value, o.typ.ImpliedType())
	return result, err
}

// runDeclared lets the declarative runtime carry out the calls.
func (o *operation) runDeclared(ctx context.Context) (*wire.Result, error) {
	client := o.client
	if o.spec.Transport == "http" {
		client = o.api
	}
	if client == nil {
		return nil, o.unconfigured()
	}
	req := declarative.Request{
		Type: o.typ, Cloud: client, Identity: o.cloud.known.Caller, Config: o.cloud.config, Lookups: o.lookups, Prior: o.prior, Planned: o.planned,
		Private: o.start.GetPrivate(), Resume: o.resume, Address: o.start.GetAddress(),
		Operation: o.start.GetOperation(), Stack: o.start.GetStack(), Progress: o.journal.progress,
	}
	var out declarative.Result
	switch o.start.GetOp() {
	case wire.Op_CREATE:
		out = o.runtime.Create(ctx, req)
	case wire.Op_UPDATE:
		out = o.runtime.Update(ctx, req)
	case wire.Op_DELETE:
		out = o.runtime.Delete(ctx, req)
	case wire.Op_ACT:
		out = o.runtime.Act(ctx, req, o.start.GetAction(), o.start.GetArguments())
	default:
		return nil, fmt.Errorf("type %s has nothing to prune", o.typ.Name)
	}
	result := &wire.Result{Private: out.Private, Diagnostics: declared(out.Problems), Status: map[declarative.Status]wire.Result_Status{
		declarative.OK: wire.Result_OK, declarative.Partial: wire.Result_PARTIAL,
		declarative.Tainted: wire.Result_TAINTED, declarative.Gone: wire.Result_GONE,
	}[out.Status]}
	if out.Value == cty.NilVal || out.Value.IsNull() || !out.Value.IsWhollyKnown() {
		return result, nil
	}
	var err error
	result.Value, err = wire.MarshalValue(out.Value, o.typ.ImpliedType())
	return result, err
}

// Settle decides what became of calls with an unknown outcome. What is settled
// already is returned as it is.
func (s *server) Settle(ctx context.Context, in *wire.SettleRequest) (*wire.SettleReply, error) {
	if _, err := s.typeOf(in.GetType()); err != nil {
		return nil, err
	}
	c, err := s.cloudOf(in.GetCloud())
	if err != nil {
		return nil, err
	}
	reply := &wire.SettleReply{}
	for _, call := range in.GetCalls() {
		if call.GetState() != wire.Call_OPEN {
			reply.Calls = append(reply.Calls, call)
			continue
		}
		done, diags := s.settle(ctx, c, call)
		reply.Calls = append(reply.Calls, done)
		reply.Diagnostics = append(reply.Diagnostics, diags...)
	}
	return reply, nil
}

func (s *server) settle(ctx context.Context, c *cloud, call *wire.Call) (*wire.Call, []*wire.Diagnostic) {
	unsettled := func(err error) (*wire.Call, []*wire.Diagnostic) {
		return call, []*wire.Diagnostic{wire.Failure("", "Interrupted call cannot be judged",
			fmt.Sprintf("What became of %s is not known: %v. Nothing was changed; run the command again.", call.GetCommand(), err))}
	}
	client := s.clientOf(c)
	if client == nil {
		return unsettled(s.unconfigured())
	}
	open := cloudstack.OpenCall{
		Key: call.GetKey(), Command: call.GetCommand(), ID: call.GetId(), Job: call.GetJob(), SentAt: time.UnixMilli(call.GetSentUnixMs()),
	}
	if err := json.Unmarshal(call.GetIdentity(), &open.Identity); err != nil {
		return unsettled(fmt.Errorf("read its identity: %w", err))
	}
	var settled cloudstack.Settled
	err := s.guard("settle", func() error {
		var err error
		settled, err = cloudstack.Settle(ctx, client, open)
		return err
	})
	if err != nil {
		return unsettled(err)
	}
	out := &wire.Call{
		Key: call.GetKey(), Command: call.GetCommand(), Identity: call.GetIdentity(), SentUnixMs: call.GetSentUnixMs(), Private: call.GetPrivate(),
		Id: settled.ID, Job: settled.Job, Candidates: settled.Candidates,
	}
	switch settled.Status {
	case cloudstack.Adopted:
		out.State = wire.Call_DONE
	case cloudstack.Absent, cloudstack.Gone:
		out.State = wire.Call_ABSENT
	default:
		out.State = wire.Call_AMBIGUOUS
		if len(out.Candidates) == 0 {
			return out, []*wire.Diagnostic{wire.Failure("", "Interrupted call cannot be judged",
				fmt.Sprintf("What became of %s cannot be told: %s. Look in the cloud, and delete what it may have made.", call.GetCommand(), settled.Why))}
		}
	}
	return out, nil
}
