package content

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProblems wants every mistake told, at its place, in one go.
func TestProblems(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		want []string
	}{
		"unknown keys and types": {"zones:\n- name: a\n  pods: 3\n  speed: 1\nsettings: x\n", []string{
			`c.yaml:3:9: pods: want a list, got "3"`, `c.yaml:4:3: unknown key "speed"`, `c.yaml:5:11: settings: want a list, got "x"`}},
		"given twice":    {"domains: []\ndomains: []\n", []string{`c.yaml:2:1: domains is given twice`}},
		"no mapping":     {"- a\n", []string{`c.yaml:1:1: want a mapping with zones`}},
		"broken":         {"zones: [\n", []string{`c.yaml:`}},
		"two documents":  {"zones: []\n---\nzones: []\n", []string{`c.yaml:2:1: a second document`}},
		"no text":        {"\xff\xfe", []string{`c.yaml:1:1: not a text file`}},
		"bool for text":  {"zones: [{name: true}]", []string{`c.yaml:1:16: name: want a text, got true; quote it`}},
		"null":           {"zones: [{name: }]", []string{`c.yaml:1:16: name: want a text, got nothing`}},
		"not an address": {"zones: [{name: a, dns1: x, guest_cidr: 10.1.1.0}]", []string{`dns1: "x" is no IPv4 address`, `guest_cidr: "10.1.1.0" is no IPv4 prefix`}},
		"ids":            {"zones: [{name: a, id: 7}]", []string{`id: "7" is no UUID`}},
		"too small":      {"zones: [{name: a, pods: [{name: p, clusters: [{name: c, hosts: [{name: h, cores: 0}]}]}]}]", []string{`cores: 0 is less than 1`}},
		"empty zones":    {"zones: []", []string{`zones is empty`}},
		"bare zone":      {"zones: [{name: a}, {name: a, physical_networks: [{name: p, vlan: 9-1}]}]", []string{`zone "a" has no physical_networks`, `a second zone "a"`, `vlan: 9-1 is no range`}},
		"ranges": {`
zones:
- name: a
  physical_networks: [{name: p}]
  public_ranges:
  - {start: 10.0.0.9, end: 10.0.0.5, gateway: 10.0.0.1, netmask: 255.255.255.0}
  - {start: 10.0.1.5, end: 10.0.1.9, gateway: 10.0.1.7, netmask: 255.255.255.0}
  - {start: 10.0.1.9, end: 10.9.1.9, gateway: 10.0.1.1, netmask: 255.255.255.0, vlan: 5000}
`, []string{`c.yaml:6:28: the range ends at 10.0.0.5, before its start`, `c.yaml:7:47: the gateway 10.0.1.7 lies within the range`,
			`c.yaml:8:28: 10.9.1.9 is not in the network of the gateway`, `c.yaml:8:87: vlan: "5000" is neither`, `c.yaml:8:13: the range 10.0.1.9-10.9.1.9 overlaps`, `at most 4096`}},
		"identity": {`
domains: [{path: ROOT/a}, {path: ROOT/b/c}, {path: ROOT/a}]
roles: [{name: r, type: Admin, rules: [{allow: a, deny: b}]}, {name: User}]
accounts:
- {name: x, domain: ROOT/z, role: nobody}
- {name: y, role: r, users: [{name: y, api_key: k}, {name: y}]}
- {name: x, domain: ROOT/z}
`, []string{`domain "ROOT/b/c": there is no domain "ROOT/b"`, `a second domain "ROOT/a"`, `either allow or deny`, `role "User" is built in`, `there is no domain "ROOT/z"`,
			`there is no role "nobody"`, `an account of type user takes one of type User`, `api_key and secret_key go together`, `a second user "y"`, `a second account "x"`, `no account of type admin`}},
		"admins have no limits": {"accounts: [{name: a, type: admin, limits: [{resource: user_vm, max: 3}]}]", []string{`root administrators have no limits`}},
		"offerings":             {"service_offerings: [{name: s, memory: 1}]\ndisk_offerings: [{name: d, size: 1, customized: true}]\nsettings: [{name: nonsense, value: 1}]", []string{`may be 0 only if it is customized`, `either a size or customized`, `there is no setting "nonsense"`}},
		"templates":             {"templates: [{name: t, os_type: Plan 9, image: cpm, zone: z, account: q, files: [{path: a}, {path: /a, content: a, from: b}]}]", []string{`there is no os_type "Plan 9"`, `no image "cpm"`, `no zone "z"`, `no account "q"`, `path a is not absolute`, `content or from, not both`}},
		"networks":              {"networks: [{name: n, offering: o, zone: z, account: q, gateway: 10.1.1.1}]", []string{`no network offering "o"`, `no zone "z"`, `no account "q"`, `gateway and netmask go together`}},
		"one id for two":        {"zones: [{name: a, id: 11111111-1111-4111-8111-111111111111, physical_networks: [{name: p, id: 11111111-1111-4111-8111-111111111111}]}]", []string{`is given twice`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("c.yaml", []byte(tt.text))
			var problems Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got %v, want problems", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not said in:\n%v", want, err)
				}
			}
			if len(problems) < len(tt.want) {
				t.Errorf("got %d problems, want %d:\n%v", len(problems), len(tt.want), err)
			}
		})
	}
}

// TestLeftOut wants a section that is left out to be as usual, and ids of what is called as something built in.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	usual, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse("c.yaml", []byte("disk_offerings: [{name: Large, size: 7}, {name: Large, size: 8}]\nsettings:\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(usual.NetworkOfferings, f.NetworkOfferings); diff != "" {
		t.Errorf("network offerings (-want +got):\n%s", diff)
	}
	if f.DiskOfferings[0].ID != "ebdb9344-5197-44f6-bf45-f96a623147a2" || f.DiskOfferings[1].ID != "" {
		t.Errorf("ids: got %q and %q", f.DiskOfferings[0].ID, f.DiskOfferings[1].ID)
	}
	if empty, err := Parse("c.yaml", nil); err != nil || len(empty.Zones) != 1 {
		t.Errorf("an empty file: %v, %v", empty, err)
	}
}

func TestTrees(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"www/srv/a.txt": "a", "www/srv/b.sh": "b", "key": "from a file"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "www/srv/b.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "c.yaml")
	text := "templates: [{name: t, os_type: Rocky Linux 9, folder: www, files: [{path: /srv/a.txt, content: later}, {path: /k, from: key, mode: \"0400\"}]}]"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	want := []TreeFile{{"/srv/a.txt", []byte("a"), 0o600}, {"/srv/b.sh", []byte("b"), 0o755}, {"/srv/a.txt", []byte("later"), 0o644}, {"/k", []byte("from a file"), 0o400}}
	if diff := cmp.Diff(want, f.Templates[0].Tree); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if _, err := Load(filepath.Join(dir, "absent.yaml")); err == nil {
		t.Error("an absent file was read")
	}
}

func TestExample(t *testing.T) {
	t.Parallel()
	text, err := Example("simulator")
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse("simulator.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	if f.Zones[0].Name != "Sandbox-simulator" || f.Templates[1].Name != "CentOS 5.6 (64-bit) no GUI (Simulator)" {
		t.Errorf("got %+v", f.Zones[0])
	}
	if _, err := Example("../default"); err == nil {
		t.Error("an unknown example was read")
	}
}

// FuzzParse wants no text to be more than refused.
func FuzzParse(f *testing.F) {
	f.Add("zones: [{name: a}]")
	f.Add("zones: &a [*a]")
	f.Add("? [a]: b\n")
	f.Add("templates: [{name: t, os_type: Rocky Linux 9, files: [{path: /a}]}]")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "folder") || strings.Contains(text, "from") {
			return // reads files
		}
		file, err := Parse("c.yaml", []byte(text))
		if (file == nil) == (err == nil) {
			t.Errorf("got %v and %v", file, err)
		}
	})
}
