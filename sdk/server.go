package sdk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/moldctl/moldctl/sdk/cloudstack"
	"github.com/moldctl/moldctl/sdk/declarative"
	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// server answers the protocol for one plugin: by handler code where the
// plugin.yaml says so, by the declarative runtime otherwise.
type server struct {
	wire.UnimplementedPluginServer

	spec     *pluginspec.Plugin
	runtime  *declarative.Runtime
	handlers map[string]served
	client   func(*cloudstack.Settings) // may be nil

	mu     sync.Mutex                   // guards what follows
	clouds map[string]*cloud            // by alias
	shares map[string]*cloudstack.Share // by alias; of those whose requests the host deals out
}

// served is a handler that fits its type.
type served struct {
	Handler
	codec *codec
}

// cloud is one configured cloud.
type cloud struct {
	settings *wire.Cloud // without expires
	client   *cloudstack.Client
	known    cloudstack.Knowledge // of the cloud and of who the caller is there
	config   cty.Value            // of the plugin under this alias
	api      *cloudstack.Client   // of transport http
	expires  atomic.Int64         // unix seconds; 0 = no bound
}

// NewServer checks a plugin and returns the service a process serves. Tests
// use it without a process. Everything that is wrong is in the one error.
func NewServer(p Plugin) (wire.PluginServer, error) {
	spec, diags := pluginspec.ParseTree("plugin.yaml", p.Spec, p.Tree)
	var errs []error
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			errs = append(errs, fmt.Errorf("%s: %s: %s", d.Subject, d.Summary, d.Detail))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	s := &server{spec: spec, runtime: declarative.New(spec), handlers: map[string]served{}, client: p.Client, clouds: map[string]*cloud{}, shares: map[string]*cloudstack.Share{}}
	for _, name := range slices.Sorted(maps.Keys(p.Handlers)) {
		t, ok := spec.Types[name]
		if !ok {
			errs = append(errs, fmt.Errorf("there is a handler for the type %q, which plugin.yaml does not have", name))
			continue
		}
		c, err := p.Handlers[name].fit(t)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.handlers[name] = served{p.Handlers[name], c}
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Types)) {
		if _, ok := p.Handlers[name]; ok {
			continue
		}
		for _, v := range (Handler{}).verbs(spec.Types[name]) {
			if v.declared {
				errs = append(errs, fmt.Errorf("type %s: plugin.yaml says that code serves %q, but there is no handler for the type", name, v.name))
			}
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return s, nil
}

// Describe returns the plugin.yaml and what code serves.
func (s *server) Describe(context.Context, *wire.DescribeRequest) (*wire.DescribeReply, error) {
	reply := &wire.DescribeReply{PluginYaml: s.spec.Source, Encodings: []string{"msgpack", "json"}, Shares: true}
	for _, name := range slices.Sorted(maps.Keys(s.handlers)) {
		for _, v := range s.handlers[name].verbs(s.spec.Types[name]) {
			if v.declared && v.served {
				reply.Handlers = append(reply.Handlers, name+"."+v.name)
			}
		}
	}
	return reply, nil
}

// Configure makes a client for one cloud and asks the cloud who the caller is.
// When only the bound on signatures is new, operations under way get it too.
func (s *server) Configure(ctx context.Context, in *wire.ConfigureRequest) (*wire.ConfigureReply, error) {
	config, err := wire.UnmarshalValue(in.GetConfig(), s.spec.ConfigType())
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "configuration of plugin %s: %v", s.spec.Name, err)
	}
	if in.GetCloud().GetEndpoint() == "" {
		return &wire.ConfigureReply{Diagnostics: s.configured(in.GetCloud(), &cloud{}, config)}, nil
	}
	c := s.renewed(in.GetCloud())
	if c == nil {
		c = &cloud{settings: unbounded(in.GetCloud())}
		c.expires.Store(in.GetCloud().GetExpiresUnix())
		if err := c.connect(ctx, in, s.dealt(in.GetCloud().GetAlias()), s.client); err != nil {
			return &wire.ConfigureReply{Diagnostics: []*wire.Diagnostic{wire.Failure("", "Cloud cannot be used", unusable(err))}}, nil
		}
		if said := s.configured(in.GetCloud(), c, config); len(said) > 0 {
			return &wire.ConfigureReply{Diagnostics: said}, nil
		}
	}
	return &wire.ConfigureReply{Identity: introduction(c.known)}, nil
}

// renewed gives a cloud that is configured in all else as before a new bound on
// its signatures; nil when it is another cloud.
func (s *server) renewed(in *wire.Cloud) *cloud {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.clouds[in.GetAlias()]
	if !ok || !proto.Equal(c.settings, unbounded(in)) || (c.expires.Load() == 0) != (in.GetExpiresUnix() == 0) {
		return nil
	}
	c.expires.Store(in.GetExpiresUnix())
	return c
}

// unbounded are the settings without the bound on signatures.
func unbounded(in *wire.Cloud) *wire.Cloud {
	out := proto.Clone(in).(*wire.Cloud)
	out.ExpiresUnix = 0
	return out
}

// connect makes the client and learns who the caller is, unless another plugin
// of the run has. A project given by name is looked up first.
func (c *cloud) connect(ctx context.Context, req *wire.ConfigureRequest, share *cloudstack.Share, change func(*cloudstack.Settings)) error {
	in, known := req.GetCloud(), knowledge(req.GetIdentity())
	settings := cloudstack.Settings{
		Endpoint: in.GetEndpoint(), APIKey: in.GetApiKey(), SecretKey: in.GetSecretKey(),
		Signature: cloudstack.Signature(in.GetSignature()), Zone: in.GetZone(), CACert: string(in.GetCaCert()),
		Insecure: in.GetInsecure(), Timeout: time.Duration(in.GetTimeoutMs()) * time.Millisecond,
		MaxRequests: int(in.GetMaxRequests()), Share: share, SettleTime: time.Duration(in.GetSettleMs()) * time.Millisecond,
		Project: known.Caller.ProjectID, Known: known,
	}
	if in.GetExpiresUnix() != 0 {
		settings.Lease = func() time.Time { return time.Unix(c.expires.Load(), 0) }
	}
	if change != nil {
		change(&settings)
	}
	client, err := cloudstack.New(settings)
	if err != nil {
		return err
	}
	if in.GetProject() != "" && settings.Project == "" {
		if settings.Project, err = projectID(ctx, client, in.GetProject()); err != nil {
			return err
		}
		client.Close()
		if client, err = cloudstack.New(settings); err != nil {
			return err
		}
	}
	c.client = client
	if c.known, err = client.Knowledge(ctx); err != nil {
		return err
	}
	return c.agrees(in)
}

// introduction tells the host who the caller is, and what spares other plugins
// to find it out.
func introduction(k cloudstack.Knowledge) *wire.CloudIdentity {
	id := k.Caller
	return &wire.CloudIdentity{
		ZoneId: id.ZoneID, Zone: id.Zone, DomainId: id.DomainID, Domain: id.Domain,
		AccountId: id.AccountID, Account: id.Account, ProjectId: id.ProjectID, Role: id.Role,
		MayExpunge: id.MayExpunge, Version: id.Version,
		Signature: string(k.Signature), ClockAheadMs: k.Offset.Milliseconds(),
	}
}

// knowledge is what another plugin found out, as the host hands it on.
func knowledge(in *wire.CloudIdentity) cloudstack.Knowledge {
	return cloudstack.Knowledge{
		Caller: cloudstack.CallerIdentity{
			ZoneID: in.GetZoneId(), Zone: in.GetZone(), DomainID: in.GetDomainId(), Domain: in.GetDomain(),
			AccountID: in.GetAccountId(), Account: in.GetAccount(), ProjectID: in.GetProjectId(), Role: in.GetRole(),
			MayExpunge: in.GetMayExpunge(), Version: in.GetVersion(),
		},
		Signature: cloudstack.Signature(in.GetSignature()), Offset: time.Duration(in.GetClockAheadMs()) * time.Millisecond,
	}
}

// unusable says why a cloud did not let us in. The harmless call that found it
// out says nothing to anybody who did not make it.
func unusable(err error) string {
	return sentence(strings.TrimPrefix(err.Error(), "listCapabilities: "))
}

// agrees refuses keys of another account than the one that was named: the
// calls would act for somebody else.
func (c *cloud) agrees(in *wire.Cloud) error {
	if want := in.GetAccount(); want != "" && want != c.known.Caller.Account && want != c.known.Caller.AccountID {
		return fmt.Errorf("the keys belong to the account %q, not to %q", c.known.Caller.Account, want)
	}
	if want := in.GetDomain(); want != "" && want != c.known.Caller.Domain && want != c.known.Caller.DomainID {
		return fmt.Errorf("the keys belong to the domain %q, not to %q", c.known.Caller.Domain, want)
	}
	return nil
}

// projectID finds a project by name or id.
func projectID(ctx context.Context, client *cloudstack.Client, want string) (string, error) {
	projects, err := client.List(ctx, "listProjects", cloudstack.Params{"listall": "true"}, "project")
	if err != nil {
		return "", err
	}
	var names []string
	for _, p := range projects {
		if p.ID() == want || p.Str("name") == want {
			return p.ID(), nil
		}
		names = append(names, p.Str("name"))
	}
	if len(names) == 0 {
		return "", fmt.Errorf("there is no project %q: the keys may use no project", want)
	}
	return "", fmt.Errorf("there is no project %q; the keys may use %q", want, names)
}

// typeOf finds a type that was asked for; asking for another is the host's
// mistake, so it is a gRPC error.
func (s *server) typeOf(name string) (*pluginspec.Type, error) {
	t, ok := s.spec.Types[name]
	if !ok {
		return nil, status.Errorf(codes.InvalidArgument, "plugin %s does not serve the type %q", s.spec.Name, name)
	}
	return t, nil
}

// cloudOf finds a configured cloud. A plugin that needs none gets an empty one.
func (s *server) cloudOf(alias string) (*cloud, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.clouds[alias]
	switch {
	case ok:
		return c, nil
	case s.spec.Transport == "cloudstack" || slices.Contains(s.spec.Needs, "cloud"):
		return nil, status.Errorf(codes.FailedPrecondition, "plugin %s was not configured for the cloud %q", s.spec.Name, alias)
	}
	return &cloud{}, nil
}

// guard turns a panic of plugin code into an error: it costs the call that was
// under way, not the process. The stack goes to stderr, for the author.
func (s *server) guard(what string, call func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(os.Stderr, "plugin %s: panic in %s: %v\n%s\n", s.spec.Name, what, p, debug.Stack())
			err = fmt.Errorf("the plugin %s crashed in %s: %v; this is a bug in the plugin", s.spec.Name, what, p)
		}
	}()
	return call()
}
