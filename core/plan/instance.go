package plan

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/moldctl/moldctl/core/diag"
	"github.com/moldctl/moldctl/core/eval"
	"github.com/moldctl/moldctl/core/spec"
	"github.com/moldctl/moldctl/core/spec/addr"
	"github.com/moldctl/moldctl/core/state"
	"github.com/moldctl/moldctl/sdk/pluginspec"
	"github.com/moldctl/moldctl/sdk/wire"
)

// subjectOf is one instance while it is being planned.
type subjectOf struct {
	r     *spec.Resource
	each  Each
	inst  addr.Instance
	t     *pluginspec.Type
	row   *state.Object // nil when nothing exists
	prior cty.Value     // null when nothing exists
	needs []string      // resources it is made from
}

// instance plans one instance of a resource block.
func (m *maker) instance(ctx context.Context, r *spec.Resource, each Each, inst addr.Instance, needs []string) hcl.Diagnostics {
	s := &subjectOf{r: r, each: each, inst: inst, t: m.in.Host.Types()[r.Addr.Type], needs: needs}
	s.row = m.objects[state.Key{Addr: inst.String()}]
	s.prior = cty.NullVal(s.t.ImpliedType())
	if s.row != nil {
		prior, err := m.stored(s.t, s.row)
		if err != nil {
			return diag.FromError("Stored values cannot be read", err)
		}
		s.prior = MarkPaths(prior, append(schemaSecrets(s.t), s.row.SensitivePaths...))
	}
	// A half-made object without an id has no values of its own yet.
	exists := s.prior
	if s.row != nil && s.row.ID == "" {
		exists = cty.NullVal(s.t.ImpliedType())
	}
	desired, lookups, diags := m.desire(ctx, s, exists)
	if diags.HasErrors() {
		m.config.Set(inst, cty.UnknownVal(s.t.ImpliedType()))
		return diags
	}
	exists = m.reveal(s, exists, desired)
	if m.adopted[inst] != nil {
		var err error
		if exists, err = m.silence(s, exists, desired); err != nil {
			return append(diags, diag.FromError("Values cannot be stored", err)...)
		}
	}
	step, more := m.decide(ctx, s, exists, desired, lookups)
	diags = append(diags, more...)
	if more.HasErrors() {
		m.config.Set(inst, cty.UnknownVal(s.t.ImpliedType()))
		return diags
	}
	m.config.Set(inst, step.Planned)
	return append(diags, m.require(ctx, s, step)...)
}

// desire evaluates the configuration: defaults, checks, names looked up.
func (m *maker) desire(ctx context.Context, s *subjectOf, exists cty.Value) (cty.Value, map[string]Found, hcl.Diagnostics) {
	diags := m.config.Of(s.r).Conditions(s.r.Lifecycle.Preconditions, s.each, cty.NilVal, "Precondition failed")
	cloud, more := m.cloudRoot(ctx, s)
	diags = append(diags, more...)
	config, more := Configure(ctx, m.config, m.resolver, s.r, s.each, s.t, cloud)
	diags = append(diags, more...)
	if diags.HasErrors() {
		return cty.NilVal, nil, diags
	}
	config = m.ignore(s, exists, config)
	lookups, more := m.resolver.ResolveAll(ctx, s.r.Cloud, s.t, config, s.r.Body, &s.r.Range)
	return config, lookups, append(diags, more...)
}

// Configure evaluates the body of one instance: decoded by its schema, with
// defaults, checked attribute by attribute. Apply calls it again when more is
// known.
func Configure(ctx context.Context, c *Config, resolver *Resolver, r *spec.Resource, each Each, t *pluginspec.Type, cloud cty.Value) (cty.Value, hcl.Diagnostics) {
	config, diags := c.Decode(r, each)
	if diags.HasErrors() {
		return cty.NilVal, diags
	}
	diags = append(diags, checkValues(t, r, config)...)
	role, _ := child(cloud, "role", cty.String).Unmark()
	diags = append(diags, onValues(t.CheckRole(config, role.AsString()), r)...)
	version, _ := child(cloud, "version", cty.String).Unmark()
	if !version.IsNull() {
		diags = append(diags, onValues(t.CheckSince(config, version.AsString()), r)...)
	}
	roots := map[string]cty.Value{"cloud": cloud, "stack": cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal(c.Stack.Name)})}
	config, picks, more := t.ApplyDefaults(config, roots)
	diags = append(diags, located(more, &r.Range)...)
	for _, pick := range picks {
		path := pluginspec.FormatPath(pick.Path)
		found, more := resolver.Pick(ctx, r.Cloud, pick.Attr.Lookup, pick.Attr.Default.Pick, &r.Range)
		diags = append(diags, more...)
		if !more.HasErrors() {
			config = with(config, path, cty.StringVal(found.Name))
		}
	}
	return config, diags
}

func located(diags hcl.Diagnostics, subject *hcl.Range) hcl.Diagnostics {
	for _, d := range diags {
		d.Subject = subject
	}
	return diags
}

// cloudRoot is what `cloud` means in the expressions of a plugin.yaml.
func (m *maker) cloudRoot(ctx context.Context, s *subjectOf) (cty.Value, hcl.Diagnostics) {
	return m.resolver.Cloud(ctx, m.in.Host, s.t, s.r.Cloud, &s.r.Range)
}

// Identifier tells who the caller is in a cloud.
type Identifier interface {
	Identity(ctx context.Context, alias string) (*wire.CloudIdentity, []*wire.Diagnostic, error)
}

// Cloud is what `cloud` means in the expressions of a plugin.yaml: where and as
// whom the calls act. It is asked for once per cloud and run, and not at all
// for types that have nothing to do with one.
func (r *Resolver) Cloud(ctx context.Context, host Identifier, t *pluginspec.Type, alias string, subject *hcl.Range) (cty.Value, hcl.Diagnostics) {
	if t.NoCloud {
		return cloudValue(alias, &wire.CloudIdentity{}), nil
	}
	r.mu.Lock()
	v, ok := r.clouds[alias]
	r.mu.Unlock()
	if ok {
		return v, nil
	}
	v, diags := cloudRoot(ctx, host, alias, subject)
	if diags.HasErrors() {
		return v, diags
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clouds[alias] = v
	return v, diags
}

func cloudRoot(ctx context.Context, host Identifier, alias string, subject *hcl.Range) (cty.Value, hcl.Diagnostics) {
	id, said, err := host.Identity(ctx, alias)
	if err != nil {
		return cty.NilVal, hcl.Diagnostics{diag.Errorf(subject, "Cloud cannot be used", "%v", err)}
	}
	if diags := Problems(said, nil, nil); diags.HasErrors() {
		return cty.NilVal, diags
	}
	return cloudValue(alias, id), nil
}

func cloudValue(alias string, id *wire.CloudIdentity) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{
		"alias": cty.StringVal(alias),
		"zone":  cty.StringVal(id.GetZone()), "zone_id": cty.StringVal(id.GetZoneId()),
		"domain": cty.StringVal(id.GetDomain()), "domain_id": cty.StringVal(id.GetDomainId()),
		"account": cty.StringVal(id.GetAccount()), "account_id": cty.StringVal(id.GetAccountId()),
		"project_id": cty.StringVal(id.GetProjectId()), "role": cty.StringVal(id.GetRole()),
		"may_expunge": cty.BoolVal(id.GetMayExpunge()), "version": cty.StringVal(id.GetVersion()),
	})
}

// ignore takes the existing value of every attribute named in ignore_changes.
func (m *maker) ignore(s *subjectOf, exists, config cty.Value) cty.Value {
	if exists.IsNull() {
		return config
	}
	keep := func(name string) {
		if v := child(exists, name, cty.DynamicPseudoType); config.Type().HasAttribute(name) && config.GetAttr(name).Type().Equals(v.Type()) {
			config = with(config, name, v)
		}
	}
	if s.r.Lifecycle.IgnoreAll {
		for name := range config.Type().AttributeTypes() {
			keep(name)
		}
		return config
	}
	for _, t := range s.r.Lifecycle.IgnoreChanges {
		if first, ok := t[0].(hcl.TraverseAttr); ok {
			keep(first.Name)
		}
	}
	return config
}

// decide compares what is wanted with what exists and adds the steps.
func (m *maker) decide(ctx context.Context, s *subjectOf, exists, desired cty.Value, lookups map[string]Found) (*Step, hcl.Diagnostics) {
	planned := MarkPaths(propose(s.t.Attributes, s.t.Blocks, exists, desired), schemaSecrets(s.t))
	step := &Step{
		Key: state.Key{Addr: s.inst.String()}, Instance: s.inst, Type: s.t, Cloud: s.r.Cloud, Block: s.r, Each: s.each,
		Prior: exists, Planned: planned, Lookups: lookups, Object: s.row, DependsOn: s.needs, Import: m.adopted[s.inst] != nil,
	}
	if path := m.edited(s, planned, lookups); path != "" {
		return m.startOver(ctx, s, step, desired, path)
	}
	if exists.IsNull() {
		step.Action, step.Reason = Create, m.whyCreate(s)
		diags := m.refine(ctx, s, step, desired)
		m.add(step)
		if s.t.Prune != nil && s.row != nil && MayExist(s.row.Pending) {
			// What the interrupted run made may be an older version by now.
			m.prune(s, step)
		}
		return step, diags
	}
	changes, diags := m.differences(s, exists, planned, lookups)
	step.Changes = changes
	forcedBy(s, step)
	if len(changes) > 0 {
		diags = append(diags, m.refine(ctx, s, step, desired)...)
	}
	switch {
	case m.halfGone[s.row.Key]:
		return m.replaceAt(s, step, desired, "finishes an interrupted delete", false), diags
	case leaving(s.row):
		reason := "its interrupted delete goes on"
		return m.replaceAt(s, step, desired, reason, false), append(diags, m.guardReplace(s, reason)...)
	case s.row.Status == state.Tainted:
		return m.replace(s, step, desired, m.whyTainted(s)), append(diags, m.guardReplace(s, "it is unusable")...)
	case forces(step.Changes) != "":
		reason := m.cause(s, forces(step.Changes)) + " changed: forces replacement"
		return m.replace(s, step, desired, reason), append(diags, m.guardReplace(s, reason)...)
	case covers(m.in.Replace, s.inst):
		return m.replace(s, step, desired, "asked for by --replace"), append(diags, m.guardReplace(s, "--replace")...)
	case m.triggered(s):
		return m.replace(s, step, desired, "replace_triggered_by"), append(diags, m.guardReplace(s, "replace_triggered_by")...)
	case len(step.Changes) > 0:
		step.Action, step.Reason = Update, changedNames(step.Changes)
		diags = append(diags, m.halts(ctx, s, step)...)
		m.affect(s, step)
	case unfinished(s.row):
		step.Action, step.Reason = Update, "finishes an interrupted "+s.row.PendingAction
	default:
		step.Action, step.Planned = NoOp, exists
		m.tidy(s, step, planned)
	}
	m.add(step)
	if s.t.Prune != nil && (step.Action == Update && len(step.Changes) > 0 || s.row.PendingAction == string(Prune)) {
		m.prune(s, step)
	}
	return step, diags
}

// unfinished tells whether an interrupted operation left something that only
// the plugin can finish or clear away.
func unfinished(row *state.Object) bool {
	return MayExist(row.Pending) && row.PendingAction != string(Prune)
}

// tidy brings the row of an object that is as it should be up to date: what an
// interrupted operation left goes, and what the block says beside its
// attributes comes in.
func (m *maker) tidy(s *subjectOf, step *Step, planned cty.Value) {
	row := *s.row
	row.Status, row.Pending = state.OK, nil
	if row.PendingAction != string(Prune) {
		row.PendingAction = ""
	}
	step.Describe(&row)
	row.SensitivePaths = SensitivePaths(s.t, planned)
	step.Planned = MarkPaths(step.Planned, row.SensitivePaths)
	if sameRow(s.row, &row) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settled = append(m.settled, state.Put{Key: row.Key, Object: &row})
}

// sameRow compares what tidy may change.
func sameRow(x, y *state.Object) bool {
	return x.Status == y.Status && len(x.Pending) == len(y.Pending) && x.PendingAction == y.PendingAction &&
		slices.Equal(x.DependsOn, y.DependsOn) && slices.Equal(x.SensitivePaths, y.SensitivePaths) &&
		x.PreventDestroy == y.PreventDestroy && x.CreateBefore == y.CreateBefore && x.RetainOnDestroy == y.RetainOnDestroy &&
		maps.Equal(x.Timeouts, y.Timeouts) && maps.Equal(x.Lookups, y.Lookups)
}

// Describe writes into a row what the step's block says of the object beside
// its attributes.
func (s *Step) Describe(row *state.Object) {
	row.DependsOn = s.DependsOn
	row.PreventDestroy = s.Block.Lifecycle.PreventDestroy
	row.CreateBefore = s.Block.Lifecycle.CreateBeforeDestroy
	row.RetainOnDestroy = s.Block.RetainOnDestroy
	row.Timeouts = nil
	if len(s.Block.Timeouts) > 0 {
		row.Timeouts = make(map[string]string, len(s.Block.Timeouts))
		for verb, d := range s.Block.Timeouts {
			row.Timeouts[verb] = d.String()
		}
	}
	row.Lookups = make(map[string]state.Lookup, len(s.Lookups))
	for path, f := range s.Lookups {
		row.Lookups[path] = state.Lookup{ID: f.ID, Name: f.Name}
	}
}

func (m *maker) whyTainted(s *subjectOf) string {
	if was := m.in.Snapshot.Objects[s.row.Key]; was != nil && was.Status == state.OK {
		return "the cloud says that it is unusable"
	}
	return "the last attempt left it unusable"
}

func (m *maker) whyCreate(s *subjectOf) string {
	if s.row != nil {
		return "finishes an interrupted create"
	}
	return m.gone[s.inst.String()]
}

// differences compares attribute by attribute; a name that means the same
// object under another spelling is no difference.
func (m *maker) differences(s *subjectOf, exists, planned cty.Value, lookups map[string]Found) ([]Change, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	var out []Change
	for _, c := range compare(s.t.Attributes, s.t.Blocks, "", exists, planned) {
		was, known := s.row.Lookups[c.Path]
		if found, ok := lookups[c.Path]; ok && known && found.ID == was.ID {
			continue
		}
		out = append(out, c)
	}
	for path, found := range lookups {
		was, known := s.row.Lookups[path]
		before, _ := at(exists, path).Unmark()
		after, _ := at(planned, path).Unmark()
		if known && was.ID != found.ID && before.RawEquals(after) {
			diags = append(diags, diag.Warningf(attributeRange(s.r.Body, path, &s.r.Range), "Name means another object now",
				"%q was %s when %s was made and is %s now. The object stays as it is; write the id to choose one.", was.Name, was.ID, s.inst, found.ID))
			lookups[path] = Found{ID: was.ID, Name: was.Name, Object: found.Object}
		}
	}
	return out, diags
}

// forcedBy marks the changes of which the plugin.yaml says by a template
// whether they need another object.
func forcedBy(s *subjectOf, step *Step) {
	for i, c := range step.Changes {
		a := attributeAt(s.t, c.Path)
		if a == nil || a.ReplaceWhen == "" {
			continue
		}
		self, _ := step.Planned.UnmarkDeep()
		prior, _ := step.Prior.UnmarkDeep()
		step.Changes[i].Replace = holds(a.ReplaceWhen, a.Range, map[string]cty.Value{"self": self, "prior": prior}, true)
	}
}

func forces(changes []Change) string {
	for _, c := range changes {
		if c.Replace {
			return c.Path
		}
	}
	return ""
}

// cause names what makes an attribute change: the attribute of another object
// that this plan changes, if it is just that, or else itself.
func (m *maker) cause(s *subjectOf, path string) string {
	expr := attributeExpr(s.r.Body, path)
	if expr == nil {
		return path
	}
	refs, diags := m.config.Of(s.r).names.References(expr, allowed(s.r))
	if diags.HasErrors() || len(refs) != 1 || refs[0].Kind != eval.RefResource || len(refs[0].Rest) == 0 {
		return path
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if attr, ok := refs[0].Rest[0].(hcl.TraverseAttr); ok && m.deferred[refs[0].Resource] {
		return refs[0].String() + "." + attr.Name
	}
	return path
}

func changedNames(changes []Change) string {
	var out []string
	for _, c := range changes {
		out = append(out, c.Path)
	}
	return strings.Join(out, ", ") + " changed"
}

// affect makes unknown what the cloud will decide anew: an image that is
// rebuilt gets another id.
func (m *maker) affect(s *subjectOf, step *Step) {
	for _, c := range step.Changes {
		a := attributeAt(s.t, c.Path)
		if a == nil {
			continue
		}
		for _, path := range a.Affects {
			step.Planned = with(step.Planned, path, cty.UnknownVal(at(step.Planned, path).Type()))
		}
	}
}

func attributeAt(t *pluginspec.Type, path string) *pluginspec.Attribute {
	var found *pluginspec.Attribute
	walkSingles(t.Attributes, t.Blocks, "", func(p string, a *pluginspec.Attribute) {
		if p == path {
			found = a
		}
	})
	return found
}

// replace adds both halves of a replacement.
func (m *maker) replace(s *subjectOf, step *Step, desired cty.Value, reason string) *Step {
	return m.replaceAt(s, step, desired, reason, s.r.Lifecycle.CreateBeforeDestroy)
}

// replaceAt is replace for an object that nothing uses, which may go first
// whatever its lifecycle says.
func (m *maker) replaceAt(s *subjectOf, step *Step, desired cty.Value, reason string, createFirst bool) *Step {
	gone := *step
	gone.Action, gone.Replacing, gone.Reason = Delete, true, reason
	gone.Planned, gone.Block = cty.NullVal(s.t.ImpliedType()), s.r
	step.Action, step.Replacing, step.Reason = Create, true, reason
	step.Planned = MarkPaths(propose(s.t.Attributes, s.t.Blocks, cty.NullVal(s.t.ImpliedType()), desired), schemaSecrets(s.t))
	step.Object = nil
	if createFirst {
		step.Depose, step.DeposedAs = true, m.freeDeposed(step.Key.Addr)
		gone.Key.Deposed = step.DeposedAs
	}
	m.add(&gone)
	m.add(step)
	return step
}

// freeDeposed is the number of an object that is deposed now: an interrupted run
// may have left others.
func (m *maker) freeDeposed(address string) string {
	for n := 1; ; n++ {
		key := state.Key{Addr: address, Deposed: strconv.Itoa(n)}
		if m.objects[key] == nil {
			return key.Deposed
		}
	}
}

func (m *maker) guardReplace(s *subjectOf, reason string) hcl.Diagnostics {
	if !s.r.Lifecycle.PreventDestroy {
		return nil
	}
	return hcl.Diagnostics{diag.Errorf(&s.r.Lifecycle.Range, "Object is protected",
		"%s would be replaced (%s), but its lifecycle says prevent_destroy. Undo the change, or remove prevent_destroy first.", s.inst, reason)}
}

// triggered tells whether a block named in replace_triggered_by changes.
func (m *maker) triggered(s *subjectOf) bool {
	for _, expr := range s.r.Lifecycle.ReplaceTriggeredBy {
		refs, _ := m.config.Of(s.r).names.References(expr, allowed(s.r))
		for _, ref := range refs {
			if ref.Kind == eval.RefResource && m.updates(ref.Resource) {
				return true
			}
		}
	}
	return false
}

func (m *maker) updates(r addr.Resource) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.forward[r] {
		if s.Action == Update || s.Replacing {
			return true
		}
	}
	return false
}

// prune adds the step that clears away what the update leaves behind.
func (m *maker) prune(s *subjectOf, update *Step) {
	step := *update
	step.Action, step.Reason, step.Changes = Prune, "older versions go when nothing uses them", nil
	m.mu.Lock()
	defer m.mu.Unlock()
	m.steps = append(m.steps, &step)
}

// refine lets the plugin's own code judge and refine what is proposed.
func (m *maker) refine(ctx context.Context, s *subjectOf, step *Step, desired cty.Value) hcl.Diagnostics {
	var diags hcl.Diagnostics
	if s.t.Check {
		diags = append(diags, m.check(ctx, s, step)...)
	}
	if !s.t.Plan || diags.HasErrors() {
		return diags
	}
	in := &wire.PlanRequest{Type: s.t.Name, Cloud: s.r.Cloud, Lookups: Objects(step.Lookups)}
	var err error
	if in.Proposed, err = Marshal(s.t, step.Planned); err != nil {
		return append(diags, diag.Bug(&s.r.Range, "%v.", err))
	}
	if in.Config, err = Marshal(s.t, desired); err != nil {
		return append(diags, diag.Bug(&s.r.Range, "%v.", err))
	}
	if !step.Prior.IsNull() {
		if in.Prior, err = Marshal(s.t, step.Prior); err != nil {
			return append(diags, diag.Bug(&s.r.Range, "%v.", err))
		}
		in.Private = s.row.Private
	}
	reply, err := m.in.Host.Plan(ctx, in)
	if err != nil {
		return append(diags, diag.Errorf(&s.r.Range, "Plan of a plugin failed", "%s: %v.", s.inst, err))
	}
	diags = append(diags, Problems(reply.GetDiagnostics(), &s.r.Range, s.r.Body)...)
	return append(diags, m.takePlan(s, step, reply)...)
}

func (m *maker) takePlan(s *subjectOf, step *Step, reply *wire.PlanReply) hcl.Diagnostics {
	if reply.GetPlanned() != nil {
		v, err := wire.UnmarshalValue(reply.GetPlanned(), s.t.ImpliedType())
		if err != nil {
			return hcl.Diagnostics{diag.Errorf(&s.r.Range, "Invalid answer of a plugin", "The plugin %q planned %s in a way its own schema does not allow: %v. This is a bug in the plugin.", s.t.Plugin, s.inst, err)}
		}
		_, marks := step.Planned.UnmarkDeepWithPaths()
		step.Planned = v.MarkWithPaths(marks)
		if !step.Prior.IsNull() {
			step.Changes, _ = m.differences(s, step.Prior, step.Planned, step.Lookups)
		}
	}
	for _, path := range reply.GetReplace() {
		for i := range step.Changes {
			if step.Changes[i].Path == path {
				step.Changes[i].Replace = true
			}
		}
	}
	return nil
}

func (m *maker) check(ctx context.Context, s *subjectOf, step *Step) hcl.Diagnostics {
	config, err := Marshal(s.t, step.Planned)
	if err != nil {
		return hcl.Diagnostics{diag.Bug(&s.r.Range, "%v.", err)}
	}
	reply, err := m.in.Host.Check(ctx, &wire.CheckRequest{Type: s.t.Name, Cloud: s.r.Cloud, Config: config, Lookups: Objects(step.Lookups)})
	if err != nil {
		return hcl.Diagnostics{diag.Errorf(&s.r.Range, "Check of a plugin failed", "%s: %v.", s.inst, err)}
	}
	return Problems(reply.GetDiagnostics(), &s.r.Range, s.r.Body)
}

// Marshal writes a value for the wire, where marks do not exist.
func Marshal(t *pluginspec.Type, v cty.Value) (*wire.Value, error) {
	plain, _ := v.UnmarkDeep()
	return wire.MarshalValue(plain, t.ImpliedType())
}
