package conformance_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/internal/conformance"
)

// planted is a plugin.yaml that is wrong in one way, as authors get it wrong.
type planted struct {
	plugin, typ, part string
	old, new          string // of the plugin.yaml, within the type
	want              []conformance.Check
	// line is what stands in the line that the report points to; "" is the line
	// of what is new.
	line string
}

func defectsInYAML() map[string]planted {
	return map[string]planted{
		"a command that does not exist": {
			plugin: "compute", typ: "affinity_group", part: "text",
			old: "call: createAffinityGroup", new: "call: createAfinityGroup", want: []conformance.Check{conformance.LintClean},
		},
		"an example of another type": {
			plugin: "compute", typ: "affinity_group", part: "text",
			old: "examples/affinity_group.hcl", new: "examples/user_data.hcl", want: []conformance.Check{conformance.ExampleStands}, line: "affinity_group:",
		},
		"each object is read by itself": {
			plugin: "compute", typ: "affinity_group", part: "text",
			old: "batch: true, ", new: "", want: []conformance.Check{conformance.ReadBatched}, line: "call: listAffinityGroups, result",
		},
		"it is read from elsewhere": {
			plugin: "compute", typ: "affinity_group", part: "changes",
			old: "description: {type: string, optional: true, replace: true,", new: "description: {type: string, optional: true, replace: true, field: type,",
			want: []conformance.Check{conformance.ChangeSettles},
		},
		"a change that no call takes": {
			plugin: "compute", typ: "instance_group", part: "text",
			old: "update: [{call: updateInstanceGroup, on: [name], result: instancegroup}]", new: "update: []", want: []conformance.Check{conformance.LintClean},
		},
		"a wrong unit": {
			plugin: "compute", typ: "disk_offering", part: "life",
			old: "response.disksize > 0 ? response.disksize :", new: "response.disksize > 0 ? response.disksize * 1024 :",
			want: []conformance.Check{conformance.CreateSettles, conformance.IdleQuiet, conformance.ImportByID}, line: "call: createDiskOffering",
		},
		"a default that the cloud does not share": {
			plugin: "compute", typ: "disk_offering", part: "text",
			old: "create: {call: createDiskOffering,", new: "create: {call: createDiskOffering, only: [name, description, size, storage_tags],",
			want: []conformance.Check{conformance.LintClean},
		},
		"it is for operators, and does not say so": {
			plugin: "compute", typ: "disk_offering", part: "user",
			old: "    role: admin\n", new: "", want: []conformance.Check{conformance.AsUser}, line: "call: createDiskOffering",
		},
		"a limit that the cloud does not share": {
			plugin: "network", typ: "vpn_customer_gateway", part: "random",
			old: "default: 86400, min: 0, max: 86400", new: "default: 86400, min: 0, max: 8640000",
			want: []conformance.Check{conformance.RandomApplies}, line: "call: createVpnCustomerGateway",
		},
		"a child that is never removed": {
			plugin: "network", typ: "firewall", part: "changes",
			old: "delete: {call: deleteFirewallRule, ", new: `delete: {call: deleteFirewallRule, when: "${false}", `,
			want: []conformance.Check{conformance.ChangeReverts}, line: "public_ip:",
		},
		"children that look alike": {
			plugin: "network", typ: "firewall", part: "example",
			old: "key: [protocol, ports, cidrs, icmp_type, icmp_code]", new: "key: [protocol]",
			want: []conformance.Check{conformance.ExampleApplies}, line: "firewall:",
		},
		"gone before its time": {
			plugin: "network", typ: "static_nat", part: "example",
			old: "!response.isstaticnat", new: "response.isstaticnat", want: []conformance.Check{conformance.ExampleSettles}, line: "call: enableStaticNat",
		},
		"a delete of something else": {
			plugin: "compute", typ: "instance_group", part: "life",
			old: "delete: {call: deleteInstanceGroup}", new: `delete: {call: deleteInstanceGroup, params: {id: "00000000-0000-4000-8000-000000000000"}}`,
			want: []conformance.Check{conformance.DeleteWorks},
		},
		"a name that nobody knows": {
			plugin: "compute", typ: "instance_group", part: "life",
			old:  "find: {call: listInstanceGroups, by: [name], result: instancegroup, display: name}",
			new:  "find: {call: listInstanceGroups, by: [name], result: instancegroup, name: account, display: account}",
			want: []conformance.Check{conformance.ImportByName},
		},
		"http: a part sent for the whole": {
			plugin: "dns", typ: "dns_record", part: "changes",
			old: "update:   {method: PATCH,", new: "update:   {method: PUT, only: [data],",
			want: []conformance.Check{conformance.ChangeSettles}, line: "ttl:",
		},
		"http: a secret in the open": {
			plugin: "watch", typ: "watch_check", part: "text",
			old: "sensitive: true, write_only: true", new: "write_only: true", want: []conformance.Check{conformance.SecretsMarked},
		},
	}
}

// TestPlantedDefects gives the kit plugins that are wrong in one way each; it
// must name the promise that is broken, and where, and what to do.
func TestPlantedDefects(t *testing.T) {
	t.Parallel()
	for name, d := range defectsInYAML() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, text := d.plant(t)
			report, err := conformance.Run(t.Context(), s, conformance.Options{Types: []string{d.typ}, Parts: []string{d.part}, Random: 10, Seed: 1, Parallel: 1})
			if err != nil {
				t.Fatal(err)
			}
			var failed, want []string
			said := ""
			for _, r := range report.Results {
				if r.Outcome == conformance.Failed {
					failed = append(failed, r.Check)
					said += fmt.Sprintf("%s: %s\n  at %s: %s\n", r.Name(), r.Text, r.Where, r.Advice)
					d.pointed(t, r, text)
				}
			}
			for _, c := range d.want {
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

// plant is the plugin with its defect.
func (d planted) plant(t *testing.T) (conformance.Subject, string) {
	t.Helper()
	var s conformance.Subject
	if _, ok := bundled()[d.plugin]; ok {
		s = subject(t, d.plugin)
	} else {
		s = overHTTP(t, d.plugin)
	}
	sound := string(s.Source.Spec)
	at := strings.Index(sound, "\n  "+d.typ+":\n")
	text := sound[:at] + strings.Replace(sound[at:], d.old, d.new, 1)
	if at < 0 || text == sound {
		t.Fatalf("%s does not have %q any more", d.typ, d.old)
	}
	file := filepath.Join(t.TempDir(), "plugin.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Source.Spec, s.Source.Env, s.Inside = []byte(text), []string{plantedVariable + "=" + file}, nil
	s.Files = silent{s.Files}
	return s, text
}

// silent are the files of a plugin without what its author says of checks.
type silent struct{ fs.FS }

// Open hides the hints.
func (s silent) Open(name string) (fs.File, error) {
	if name == conformance.HintsFile {
		return nil, fs.ErrNotExist
	}
	return s.FS.Open(name)
}

// pointed checks that a result says where to look and what to do.
func (d planted) pointed(t *testing.T, r conformance.Result, text string) {
	t.Helper()
	var line int
	_, err := fmt.Sscanf(r.Where, "plugin.yaml:%d", &line)
	if d.part == "text" {
		if !strings.Contains(r.Text+r.Where, "plugin.yaml") {
			t.Errorf("%s does not say where: %s", r.Name(), r.Text)
		}
		return
	}
	if err != nil || r.Advice == "" {
		t.Errorf("%s says neither where nor what to do: %q, %q", r.Name(), r.Where, r.Advice)
		return
	}
	want := d.line
	if want == "" {
		want = d.new
	}
	if lines := strings.Split(text, "\n"); r.Check == d.want[0].Name && !strings.Contains(lines[line-1], want) {
		t.Errorf("%s points to %q, not to %q", r.Name(), lines[line-1], want)
	}
}
