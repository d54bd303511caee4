package conformance_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/core/pluginhost"
	"github.com/moldctl/moldctl/internal/conformance"
	"github.com/moldctl/moldctl/sdk"
	"github.com/moldctl/moldctl/sdk/cloudstack"
)

// defectVariable makes the test binary a plugin that is wrong in one way.
const defectVariable = "CONFORMANCE_DEFECT"

// defectVariableSpec is the path of the plugin.yaml it serves.
const defectVariableSpec = "CONFORMANCE_DEFECT_SPEC"

// offeringSpec is sound; its code is in offerings.
const offeringSpec = `plugin: broken
version: 1.0.0
protocol: 1
summary: Offerings, served by code with a defect.
transport: cloudstack
types:
  broken_offering:
    summary: An offering.
    example: examples/offering.hcl
    role: admin
    attributes:
      id:    {type: string, computed: true, doc: The id.}
      name:  {type: string, required: true, doc: The name., example: small}
      text:  {type: string, required: true, doc: What users read., example: Small machines.}
      cpus:  {type: number, default: 1, min: 1, max: 4, replace: true, doc: How many.}
      host_tags: {type: string, optional: true, replace: true, doc: Where it may run., example: fast}
      secret: {type: string, optional: true, sensitive: true, field: "-", doc: What is told to nobody., example: hush-hush-hush}
    create: {handler: true}
    read:   {handler: true}
    update: {handler: true}
    delete: {handler: true}
    find:   {handler: true, by: [name]}
`

const offeringExample = `resource "broken_offering" "small" {
  name   = "small"
  text   = "Small machines."
  secret = "a-secret-to-be-kept"
  host_tags = "fast"
}
`

type offering struct {
	ID       string `mold:"id"`
	Name     string `mold:"name"`
	Text     string `mold:"text"`
	CPUs     int    `mold:"cpus"`
	HostTags string `mold:"host_tags"`
	Secret   string `mold:"secret"`
}

// offerings carries out the life of an offering, all of it right but for the
// defect it is named after.
type offerings struct{ defect string }

func (o offerings) is(name string) bool { return o.defect == name }

func (o offerings) identity() cloudstack.Identity {
	if o.is("a create that cannot be told from others") {
		return cloudstack.Identity{Kind: cloudstack.None}
	}
	return cloudstack.Identity{Kind: cloudstack.Serial, List: "listServiceOfferings", Result: "serviceoffering"}
}

func (o offerings) Create(ctx context.Context, r *sdk.Request, plan offering) (offering, error) {
	params := cloudstack.Params{"name": plan.Name, "displaytext": plan.Text, "cpunumber": fmt.Sprint(plan.CPUs), "cpuspeed": "500", "memory": "512"}
	if plan.HostTags != "" {
		params["hosttags"] = plan.HostTags
	}
	if o.is("a secret in the log") {
		fmt.Fprintln(os.Stderr, "making it with", plan.Secret)
	}
	if o.is("a secret in the progress") {
		r.Progress("making it with %s", plan.Secret)
	}
	create := cloudstack.Mutation{Key: "create", Command: "createServiceOffering", Params: params, Result: "serviceoffering", Identity: o.identity()}
	switch {
	case o.is("a create that nobody is told of"), o.is("a create that is sent again"):
		made, err := r.Cloud.Read(ctx, "createServiceOffering", params)
		if err != nil {
			return plan, err
		}
		plan.ID = made.Map("serviceoffering").ID()
		return plan, nil
	case o.is("a create of two"):
		second := create
		second.Key = "again"
		if _, err := r.Cloud.Call(ctx, second); err != nil {
			return plan, err
		}
	case o.is("a create whose key is new each time"):
		create.Key += r.Operation
		create.Identity = cloudstack.Identity{Kind: cloudstack.Repeat}
	}
	made, err := r.Cloud.Call(ctx, create)
	if err != nil {
		return plan, err
	}
	plan.ID = made.ID()
	if o.is("a create that takes the name for the id") {
		plan.ID = plan.Name
	}
	if o.is("a create that names nothing") {
		plan.ID = ""
	}
	return plan, nil
}

func (o offerings) find(ctx context.Context, c *cloudstack.Client, id string) (cloudstack.Object, error) {
	all, err := c.List(ctx, "listServiceOfferings", nil, "serviceoffering")
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		if one.ID() == id {
			return one, nil
		}
	}
	return nil, sdk.ErrGone
}

func (o offerings) Read(ctx context.Context, r *sdk.Request, prior offering) (offering, error) {
	if o.is("a read that takes all for there") && prior.Name != "" {
		return prior, nil
	}
	now, err := o.find(ctx, r.Cloud, prior.ID)
	if err != nil {
		if o.is("a read that fails on what is gone") {
			return prior, errors.New("there is no such offering")
		}
		return prior, err
	}
	if o.is("a read that remembers") && prior.Name != "" {
		return prior, nil
	}
	if o.is("a read that changes") {
		if _, err := r.Cloud.Read(ctx, "updateServiceOffering", cloudstack.Params{"id": prior.ID, "displaytext": now.Str("displaytext")}); err != nil {
			return prior, err
		}
	}
	imported := prior.Name == ""
	prior.Name, prior.Text, prior.CPUs, prior.HostTags = now.Str("name"), now.Str("displaytext"), now.Int("cpunumber"), now.Str("hosttags")
	switch {
	case o.is("a read of another spelling"):
		prior.Name = strings.ToUpper(prior.Name)
	case o.is("a read in another order"):
		words := strings.Fields(prior.Text)
		slices.Reverse(words)
		prior.Text = strings.Join(words, " ")
	case o.is("an attribute that is not read back"):
		prior.HostTags = ""
	case o.is("an import that leaves something out") && imported:
		prior.HostTags = ""
	case o.is("a read that differs each time"):
		prior.Text += rand.Text()
	}
	return prior, nil
}

func (o offerings) Update(ctx context.Context, r *sdk.Request, prior, plan offering) (offering, error) {
	params := cloudstack.Params{"id": prior.ID, "name": plan.Name, "displaytext": plan.Text}
	switch {
	case o.is("an update that is not sent"):
		return plan, nil
	case o.is("an update that forgets an attribute"):
		delete(params, "displaytext")
	case o.is("an update that takes something else along"):
		params["displaytext"] = plan.Name
	case o.is("an update that tells a secret"):
		return plan, fmt.Errorf("the cloud refused %q with the secret %s", plan.Name, prior.Secret)
	case o.is("an update that the cloud refuses"):
		return plan, errors.New("this cannot be changed")
	case o.is("an update that makes another"):
		if err := o.Delete(ctx, r, prior); err != nil {
			return plan, err
		}
		return o.Create(ctx, r, plan)
	}
	_, err := r.Cloud.Call(ctx, cloudstack.Mutation{Key: "update", Command: "updateServiceOffering", Params: params, Target: prior.ID, Identity: cloudstack.Identity{Kind: cloudstack.Repeat}})
	plan.ID = prior.ID
	return plan, err
}

func (o offerings) Delete(ctx context.Context, r *sdk.Request, prior offering) error {
	if o.is("a delete that does nothing") {
		return nil
	}
	if !o.is("a delete that fails on what is gone") {
		if _, err := o.find(ctx, r.Cloud, prior.ID); errors.Is(err, sdk.ErrGone) {
			return nil
		}
	}
	_, err := r.Cloud.Call(ctx, cloudstack.Mutation{Key: "delete", Command: "deleteServiceOffering", Params: cloudstack.Params{"id": prior.ID}, Target: prior.ID, Identity: cloudstack.Identity{Kind: cloudstack.Repeat}})
	return err
}

func (o offerings) Find(ctx context.Context, r *sdk.PlanRequest, query map[string]any) ([]sdk.Found[offering], error) {
	all, err := r.Cloud.List(ctx, "listServiceOfferings", nil, "serviceoffering")
	if err != nil {
		return nil, err
	}
	var out []sdk.Found[offering]
	for _, one := range all {
		id, name := query["id"], query["name"]
		if part, ok := name.(string); ok && o.is("a find by a part of the name") && strings.Contains(one.Str("name"), part) {
			name = one.Str("name")
		}
		if !o.is("a find that finds all") && (id != nil && id != one.ID() || name != nil && name != one.Str("name")) {
			continue
		}
		if o.is("a find without names") && name != nil {
			continue
		}
		out = append(out, sdk.Found[offering]{ID: one.ID(), Name: one.Str("name"), Object: one, Value: offering{
			ID: one.ID(), Name: one.Str("name"), Text: one.Str("displaytext"), CPUs: one.Int("cpunumber"), HostTags: one.Str("hosttags"),
		}})
	}
	return out, nil
}

// serveDefect is the test binary as a plugin.
func serveDefect(defect string) {
	text, err := os.ReadFile(os.Getenv(defectVariableSpec))
	if err != nil {
		panic(err)
	}
	sdk.Serve(sdk.Plugin{Spec: text, Handlers: sdk.Handlers{"broken_offering": sdk.Handle[offering](offerings{defect})}})
}

// defective is a plugin in which something is wrong.
func defective(t *testing.T, defect, spec, example string) conformance.Subject {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "plugin.yaml")
	if err := os.WriteFile(file, []byte(spec), 0o600); err != nil {
		t.Fatal(err)
	}
	return conformance.Subject{
		Files: fstest.MapFS{"examples/offering.hcl": {Data: []byte(example)}},
		Source: pluginhost.Source{Name: "broken", Spec: []byte(spec), Command: []string{self}, Env: []string{
			defectVariable + "=" + defect, defectVariableSpec + "=" + file,
		}},
	}
}

// TestDefectsAreNamed gives the kit plugins that are wrong in one way each:
// what fails is the promise that is broken, and no other.
func TestDefectsAreNamed(t *testing.T) {
	t.Parallel()
	type defect struct {
		part     string
		old, new string // of the plugin.yaml
		example  [2]string
		want     []conformance.Check
	}
	is := func(part string, want ...conformance.Check) defect { return defect{part: part, want: want} }
	text := func(old, new string, want ...conformance.Check) defect {
		return defect{part: "text", old: old, new: new, want: want}
	}
	for name, tt := range map[string]defect{
		"nothing: text":    is("text"),
		"nothing: life":    is("life"),
		"nothing: changes": is("changes"),
		"nothing: kills":   is("kills"),

		"a version that is none":            text("version: 1.0.0", "version: one", conformance.SpecParses),
		"an attribute without words":        text(", doc: Where it may run.", "", conformance.Documented),
		"a secret in the open":              text("sensitive: true, ", "", conformance.SecretsMarked),
		"a required one without an example": text("doc: The name., example: small", "doc: The name.", conformance.RequiredShown),
		"a default beyond the limits":       text("default: 1, min: 1", "default: 1, min: 2", conformance.DefaultsAllowed),
		"an example that is not there":      text("examples/offering.hcl", "examples/other.hcl", conformance.ExampleStands),
		"an example of nothing":             {part: "text", example: [2]string{"resource", "data"}, want: []conformance.Check{conformance.ExampleStands}},

		"an example that is wrong":       {part: "example", example: [2]string{"text ", "txt "}, want: []conformance.Check{conformance.ExampleValid}},
		"an example that does not apply": {part: "example", example: [2]string{`name   = "small"`, `name   = ""`}, want: []conformance.Check{conformance.ExampleApplies}},
		"a create of two":                is("example", conformance.ExampleDestroyed),
		"a delete that does nothing":     is("example", conformance.ExampleDestroyed),
		"a read of another spelling":     is("example", conformance.ExampleSettles),
		"a read in another order":        is("example", conformance.ExampleSettles),
		"a read that differs each time":  is("example", conformance.ExampleSettles),

		"an attribute that is not read back":        is("life", conformance.CreateSettles, conformance.IdleQuiet, conformance.ImportByID),
		"a read that takes all for there":           is("life", conformance.GoneNoticed),
		"a read that fails on what is gone":         is("life", conformance.GoneNoticed),
		"a read that changes":                       is("life", conformance.IdleQuiet, conformance.ReadQuiet, conformance.ImportByID),
		"an import that leaves something out":       is("life", conformance.ImportByID),
		"a delete that fails on what is gone":       is("life", conformance.DeletedTwice),
		"a find that finds all":                     is("life", conformance.FoundByID, conformance.FoundNothing),
		"a find without names":                      is("life", conformance.FoundByName, conformance.ImportByName),
		"a secret in the log":                       is("life", conformance.SecretsUnlogged),
		"a secret in the progress":                  is("life", conformance.SecretsUnlogged),
		"a create that names nothing":               is("life", conformance.CreateNamed, conformance.CreateSettles, conformance.IdleQuiet),
		"an update that is not sent":                is("changes", conformance.ChangeSettles),
		"an update that forgets an attribute":       is("changes", conformance.ChangeSettles),
		"an update that the cloud refuses":          is("changes", conformance.ChangeAsDeclared),
		"an update that makes another":              is("changes", conformance.ChangeKeepsID),
		"an update that takes something else along": is("changes", conformance.ChangeSettles),
		"an update that tells a secret":             is("changes", conformance.ChangeAsDeclared, conformance.SecretsUnlogged),
		"a read that remembers":                     is("changes", conformance.DriftNoticed),
		"a find by a part of the name":              is("life", conformance.FoundByName),
		"a create that takes the name for the id":   is("life", conformance.CreateSettles, conformance.IdleQuiet, conformance.FoundByID, conformance.ImportByID),
		"nothing: mishaps":                          is("mishaps"),
		"a create that is sent again":               is("mishaps", conformance.AnswerLost),

		"a create that nobody is told of":          is("kills", conformance.KilledCreate),
		"a create that cannot be told from others": is("kills", conformance.KilledCreate),
		"a create whose key is new each time":      is("kills", conformance.KilledCreate),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := strings.Replace(offeringSpec, tt.old, tt.new, 1)
			example := strings.Replace(offeringExample, tt.example[0], tt.example[1], 1)
			if tt.old != "" && spec == offeringSpec || tt.example[0] != "" && example == offeringExample {
				t.Fatal("the sound plugin does not have this text any more")
			}
			report, err := conformance.Run(t.Context(), defective(t, name, spec, example), conformance.Options{
				Parts: []string{tt.part}, Seed: 1, Listings: []string{"listServiceOfferings"},
			})
			if err != nil {
				t.Fatal(err)
			}
			var failed, want []string
			said := ""
			for _, r := range report.Results {
				if r.Outcome == conformance.Failed {
					failed = append(failed, r.Check)
					said += r.Name() + ": " + r.Text + "\n"
				}
			}
			for _, c := range tt.want {
				want = append(want, c.Name)
			}
			slices.Sort(failed)
			slices.Sort(want)
			if diff := cmp.Diff(want, slices.Compact(failed)); diff != "" {
				t.Errorf("what failed (-want +got):\n%s\n%s", diff, said)
			}
		})
	}
}
