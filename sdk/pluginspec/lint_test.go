package pluginspec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/moldctl/moldctl/sdk/apitable"
)

func table(t *testing.T) *apitable.Table {
	t.Helper()
	table, err := apitable.Load()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// resource is a type that lints clean but for what is added; attributes and
// update are indented by 6 and 4.
func resource(attributes, verbs string) string {
	return head + `types:
  net:
    summary: A network.
    attributes:
      name: {type: string, required: true, doc: x, example: x}
      offering: {type: string, replace: true, param: networkofferingid, required: true, doc: x, example: x}
      zone: {type: string, replace: true, param: zoneid, required: true, doc: x, example: x}
` + attributes + `    create: {call: createNetwork, result: network}
    read: {call: listNetworks, result: network}
    delete: deleteNetwork
    identity: {marker: externalid}
` + verbs
}

func TestLint(t *testing.T) {
	t.Parallel()
	update := "    update: {call: updateNetwork, on: [name]}\n"
	tests := map[string]struct{ src, want string }{
		"clean": {resource("", update), ""},
		"undocumented": {resource("      vlan: {type: string, replace: true}\n", update),
			"Missing documentation: \"vlan\" has no doc: users read it in the reference and in their editor.\n"},
		"identity that is not shown": {strings.Replace(resource("", update), "{marker: externalid}", "{natural: {name: \"${self.name}\", vlanid: \"1\"}}", 1),
			"Identity that is not shown: \"net\" finds an interrupted create by \"vlanid\", which the answer of listNetworks does not have. Did you mean \"vlan\"? Name fields that it has, `natural: {FIELD: TEMPLATE}`, or another way.\n"},
		"identity by attributes": {strings.Replace(resource("", update), "{marker: externalid}", "{natural: [name, offering, zone]}", 1), ""},
		"unknown command": {resource("", "    update: {call: updateNetwrk, on: [name]}\n"),
			"Unknown command: The API has no command \"updateNetwrk\". Did you mean \"updateNetwork\"?\n"},
		"unknown parameter": {resource("", "    update: {call: updateNetwork, on: [name], params: {customld: x}}\n"),
			"Unknown parameter: updateNetwork takes no parameter \"customld\". Did you mean \"customid\"?\n"},
		"never sent": {resource("      colour: {type: string, replace: true, doc: x, field: \"-\"}\n", update),
			"Attribute is never sent: No call of \"net\" has a parameter \"colour\" for the attribute \"colour\". Name the parameter with `param`, or use it in `params`.\n"},
		"sent by a template": {resource("      colour: {type: string, doc: x, field: \"-\"}\n",
			"    update: {call: updateNetwork, on: [name, colour], params: {displaytext: \"${self.colour}\"}}\n"), ""},
		"unknown field": {resource("      mode: {type: string, computed: true, doc: x, field: sate}\n", update),
			"Unknown field: \"mode\" is read from the field \"sate\", which the answer of listNetworks does not have. Did you mean \"state\"? Write `field: NAME`, or `field: \"-\"` if it cannot be read.\n"},
		"field of another type": {resource("      mode: {type: number, computed: true, doc: x, field: isdefault}\n", update),
			"Field of another type: \"mode\" is a number, and the field \"isdefault\" in the answer of listNetworks is a boolean. Change the type, or take what it needs out of the field with a template: `field: \"${response.isdefault…}\"`.\n"},
		"list of one": {resource("      mode: {type: list(string), computed: true, doc: x, field: vlan}\n", update), ""},
		"no call returns": {resource("      speed: {type: string, computed: true, doc: x}\n", update),
			"Unknown field: \"speed\" is read from the field \"speed\", which the answer of listNetworks does not have. Write `field: NAME`, or `field: \"-\"` if it cannot be read.\n"},
		"cannot change": {resource("      vlan: {type: string, doc: x}\n", update),
			"Attribute cannot change: A change of \"vlan\" leads nowhere: no update call has it in `on`, and it is not `replace: true`.\n"},
		"change is not sent": {resource("      gateway: {type: string, doc: x}\n", "    update: {call: updateNetwork, on: [name, gateway]}\n"),
			"Change is not sent: updateNetwork is sent when \"gateway\" changes, but takes no parameter \"gateway\", and no other call does.\n"},
		"sent for any change": {resource("      gateway: {type: string, doc: x}\n", "    update: updateNetwork\n"),
			"Change is not sent: updateNetwork is sent when \"gateway\" changes, but takes no parameter \"gateway\", and no other call does.\n"},
		"block cannot change": {resource("    blocks: {b: {doc: x, attributes: {a: {type: string, doc: x}}}}\n", update),
			"Block cannot change: A change of \"b\" leads nowhere: it has no children calls, no update call has it in `on`, and its attributes are not `replace: true`.\n"},
		"required parameter": {head + "types:\n  ip:\n    summary: x\n    create: {call: createFirewallRule, result: firewallrule}\n    read: {call: listFirewallRules, result: firewallrule}\n    delete: deleteFirewallRule\n    identity: {serial: true}\n",
			"Missing parameter: createFirewallRule insists on the parameter \"ipaddressid\", and no attribute and no `params` give it.\n" +
				"Missing parameter: createFirewallRule insists on the parameter \"protocol\", and no attribute and no `params` give it.\n"},
		"step": {head + "steps: {s: {attributes: {a: {type: string}}}}\n",
			"Missing documentation: \"s\" has no doc: users read it in the reference and in their editor.\n" +
				"Missing documentation: \"a\" has no doc: users read it in the reference and in their editor.\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, diags := Parse("p.yaml", []byte(tt.src))
			if diags.HasErrors() {
				t.Fatal(spell(diags))
			}
			var got strings.Builder
			for _, d := range Lint(p, table(t)) {
				got.WriteString(d.Summary + ": " + d.Detail + "\n")
				if d.Subject == nil || d.Subject.Filename != "p.yaml" || d.Subject.Start.Line < 2 || d.Subject.Start.Column < 2 {
					t.Errorf("%s is said without a place: %v", d.Summary, d.Subject)
				}
			}
			if diff := cmp.Diff(tt.want, got.String()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// The plugins that come with moldctl are documented throughout and call only
// what the API has.
func TestBundledPluginsLintClean(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../plugins/*/plugin.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			t.Parallel()
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p, diags := Parse(file, src)
			if !diags.HasErrors() {
				diags = append(diags, Lint(p, table(t))...)
			}
			if len(diags) > 0 {
				t.Error(spell(diags))
			}
		})
	}
}
