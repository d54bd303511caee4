package pluginspec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
)

// spell writes diagnostics one a line: place, summary, detail.
func spell(diags hcl.Diagnostics) string {
	var b strings.Builder
	for _, d := range diags {
		b.WriteString(d.Subject.String() + ": " + d.Summary + ": " + d.Detail + "\n")
	}
	return b.String()
}

// head is the start of most files below: what follows stands at line 3.
const head = "plugin: p\nversion: 1.0.0\n"

// wrap puts attributes into a data source; they stand from line 6 on, indented
// by 6.
func wrap(attributes string) string {
	return head + "types:\n  thing:\n    attributes:\n" + attributes + "    find: listZones\n"
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ src, want string }{
		"empty":    {"", "p.yaml:1,1-1: Empty plugin.yaml: The file holds nothing. It starts with \"plugin: NAME\".\n"},
		"not text": {"plugin: \xff\n", "p.yaml:1,1-1: Not a text file: A plugin.yaml is UTF-8 text; this file holds other bytes.\n"},
		"not yaml": {"plugin: [a\nversion: 1\n", "p.yaml:2,8-9: Invalid YAML: Did not find expected ',' or ']'.\n"},
		"a list":   {"- a\n", "p.yaml:1,1-2: Mapping expected: A plugin.yaml is written as keys and values, not as a list.\n"},
		"two documents": {head + "types: {}\n---\na: b\n",
			"p.yaml:5,1-2: Several YAML documents: A plugin.yaml is one document; remove the line with three dashes and what follows.\n"},
		"all at once": {"plugn: Net\nversion: 1.0\nprotocol: 2\ntransport: htp\nneeds: [clud]\n",
			"p.yaml:1,1-6: Unknown key: \"plugn\" is not a key of a plugin.yaml. Did you mean \"plugin\"?\n" +
				"p.yaml:2,10-13: Invalid version: \"1.0\" is not a version such as 1.0.0.\n" +
				"p.yaml:3,11-12: Unknown protocol: Protocol 2 is not known here; this version speaks protocol 1.\n" +
				"p.yaml:4,12-15: Unknown value: \"htp\" is not one of \"cloudstack\", \"http\". Did you mean \"http\"?\n" +
				"p.yaml:5,8-9: Unknown value: \"clud\" is not one of \"cloud\". Did you mean \"cloud\"?\n" +
				"p.yaml:1,1-2: Missing key: \"plugin: NAME\" is missing: the name of the plugin.\n" +
				"p.yaml:1,1-2: Missing key: The plugin serves nothing: it has neither types nor steps.\n"},
		"name": {"plugin: My_Plugin\nversion: 1.0.0\nsteps: {s: {}}\n",
			"p.yaml:1,9-18: Invalid name: The name of a plugin starts with a small letter and goes on with small letters, digits and dashes.\n"},
		"duplicate key": {head + "version: 2.0.0\nsteps: {s: {}}\n", "p.yaml:3,1-8: Duplicate key: \"version\" was already given on line 2.\n"},
		"merge key":     {head + "steps: {s: &s {}, t: {<<: *s}}\n", "p.yaml:3,23-25: Unknown key: \"<<\" is not a key of a step. Merge keys are not used here; an alias as a whole value is fine.\n"},
		"reserved type": {head + "types:\n  data: {find: listZones}\n", "p.yaml:4,3-7: Reserved name: \"data\" starts other references in a stack; choose another name for the type.\n"},
		"first schema":  {head + "types:\n  thing:\n    upgrade: true\n    find: listZones\n", "p.yaml:4,3-8: Nothing to upgrade: Code upgrades what an earlier schema stored, and schema 1 is the first: raise \"schema\".\n"},
		"two reads": {head + "types:\n  thing:\n    find: listZones\n    create: createZone\n    identity: {natural: [id]}\n    delete: deleteZone\n    read: [listZones, {call: listPods}]\n",
			"p.yaml:9,23-24: Join expected: read of \"thing\" has more than one call, and the first describes the object. Say of each further one where its objects go, as `join: {as: addresses, field: vpcid}`; what is changed by calls of its own is a block with children.\n"},
		"join alone": {head + "types:\n  thing:\n    find: {call: listZones, join: x}\n",
			"p.yaml:5,35-36: Join without a call before it: Only the second and further calls of a read are joined: to the objects that the first shows.\n"},
		"state outside an update": {head + "types:\n  thing:\n    find: {call: listZones, needs_state: stopped}\n",
			"p.yaml:5,42-49: State outside an update: needs_state belongs to calls of update: only a change stops a machine and starts it again.\n"},
		"other state": {head + "types:\n  thing:\n    find: {call: listZones, needs_state: {state: started}}\n",
			"p.yaml:5,50-57: Unknown value: \"started\" is not one of \"stopped\".\n"},
		"incomplete assign": {wrap("      name: {type: set(string), assign: {add: assignX, ids: x}}\n"),
			"p.yaml:6,41-42: Missing key: \"remove\" is missing: the call that ends the association of elements.\n"},
		"assign of a list": {wrap("      name: {type: list(string), assign: {add: assignX, remove: removeX, ids: x}}\n"),
			"p.yaml:6,42-43: Set expected: assign is for an attribute of type set(string), and \"name\" is a list of string.\n"},
		"unknown in attribute": {wrap("      name: {type: string, requird: true}\n"),
			"p.yaml:6,28-35: Unknown key: \"requird\" is not a key of an attribute. Did you mean \"required\"?\n"},
		"type missing": {wrap("      name: {doc: x}\n"), "p.yaml:6,13-14: Missing key: \"type\" is missing, for example \"type: string\".\n"},
		"type unknown": {wrap("      name: {type: sting}\n"), "p.yaml:6,20-25: Invalid type specification: The keyword \"sting\" is not a valid type specification.\n"},
		"type no type": {wrap("      name: {type: \"list(\"}\n"), "p.yaml:6,20-27: Invalid type: \"list(\" is not a type: write string, number, bool, any, pipeline, list(…), set(…), map(…) or object({…}).\n"},
		"reserved attribute": {wrap("      count: {type: number}\n"),
			"p.yaml:6,7-12: Reserved name: \"count\" is an argument of every block in a stack; choose another name for the attribute.\n"},
		"contradictions": {wrap("      a: {type: string, required: true, computed: true}\n      b: {type: string, required: true, default: x}\n      c: {type: string, computed: true, default: x}\n      d: {type: string, computed: true, replace: true}\n"),
			"p.yaml:6,7-8: Contradictory attribute: \"a\" cannot be required and also optional or computed.\n" +
				"p.yaml:7,7-8: Contradictory attribute: \"b\" is required, so its default would never be used.\n" +
				"p.yaml:8,7-8: Contradictory attribute: \"c\" is computed: nobody can leave it out, so it has no default.\n" +
				"p.yaml:9,7-8: Contradictory attribute: \"d\" is computed: it cannot be given, so replace and write_only mean nothing.\n"},
		"limits that do not fit": {wrap("      a: {type: string, min: 1}\n      b: {type: number, format: ipv4}\n      c: {type: bool, max_length: 3}\n      d: {type: number, min: 3, max: 2}\n      e: {type: map(number), lookup: zone}\n"),
			"p.yaml:6,7-8: Limit does not fit: min or max of \"a\" needs a number, not string.\n" +
				"p.yaml:7,7-8: Limit does not fit: pattern or format of \"b\" needs a string, not number.\n" +
				"p.yaml:8,7-8: Limit does not fit: min_length or max_length of \"c\" needs a string or a collection, not bool.\n" +
				"p.yaml:9,7-8: Limit does not fit: min of \"d\" is above its max.\n" +
				"p.yaml:10,7-8: Limit does not fit: lookup of \"e\" needs a string or strings, not map(number).\n"},
		"values": {wrap("      a: {type: string, required: yes, pattern: \"(\", format: ipv5, min_length: -1, values: {a: b}}\n"),
			"p.yaml:6,35-38: True or false expected: This is the value \"yes\"; write true or false.\n" +
				"p.yaml:6,49-52: Invalid pattern: Error parsing regexp: missing closing ): `(`.\n" +
				"p.yaml:6,62-66: Unknown value: \"ipv5\" is not one of \"base64\", \"cidr\", \"duration\", \"ipv4\", \"ipv6\", \"json\", \"mac\", \"port\", \"port_range\", \"url\", \"uuid\". Did you mean \"ipv4\"?\n" +
				"p.yaml:6,80-82: Number too small: This is at least 0.\n" +
				"p.yaml:6,92-93: List expected: This is a mapping; write a list such as [a, b].\n"},
		"default of another type": {wrap("      a: {type: number, default: many}\n      b: {type: bool, default: \"true\"}\n      c: {type: list(number), default: [1, x]}\n      d: {type: string, default: {a: b}}\n      e: {type: string, default: }\n"),
			"p.yaml:6,34-38: Unsuitable default: \"many\" is not a number.\n" +
				"p.yaml:7,32-38: True or false expected: This is the value \"true\"; write true or false.\n" +
				"p.yaml:8,44-45: Unsuitable default: \"x\" is not a number.\n" +
				"p.yaml:9,34-35: Unsuitable default: The default does not fit the attribute's type: string required, but have object.\n" +
				"p.yaml:10,34-34: Value expected: A default is a value; leave the key out if there is none.\n"},
		"template": {wrap("      a: {type: string, default: \"${slef.b}\"}\n      b: {type: string, default: \"${uper(self.a)}\"}\n      c: {type: string, default: \"x ${self.a\"}\n"),
			"p.yaml:6,37-43: Unknown name in a template: There is no \"slef\" here; a template knows \"cloud\", \"config\", \"identity\", \"item\", \"lookup\", \"operation\", \"parent\", \"prior\", \"ref\", \"response\", \"self\", \"stack\". Did you mean \"self\"?\n" +
				"p.yaml:7,37-41: Unknown function: There is no function \"uper\" in templates of a plugin.yaml. Did you mean \"upper\"?\n" +
				"p.yaml:8,35-37: Unclosed template interpolation sequence: There is no closing brace for this interpolation sequence before the end of the file. This might be caused by incorrect nesting inside the given expression.\n"},
		"names that lead nowhere": {wrap("      a: {type: string, conflicts: [bb], affects: [c]}\n      b: {type: string}\n"),
			"p.yaml:6,7-8: Unknown attribute: There is no attribute or block \"bb\" for conflicts of \"a\" to name. Did you mean \"b\"?\n" +
				"p.yaml:6,7-8: Unknown attribute: There is no attribute or block \"c\" for affects of \"a\" to name. Did you mean \"a\"?\n"},
		"alias loop": {head + "types:\n  t:\n    find: listZones\n    blocks: &b\n      x: {blocks: *b}\n",
			"p.yaml:6,13-14: Blocks nested too deep: Blocks nest at most 8 deep.\n"},
		"set of any": {head + "types:\n  t:\n    find: listZones\n    blocks:\n      x: {nesting: set, attributes: {a: {type: any}}}\n",
			"p.yaml:7,7-8: Set of any: The items of a set need a fixed type; \"x\" holds an attribute of type any. Use nesting: list.\n"},
		"children": {head + "types:\n  t:\n    find: listZones\n    blocks:\n      x: {nesting: bag, children: {key: [y], list: a}}\n",
			"p.yaml:7,20-23: Unknown value: \"bag\" is not one of \"single\", \"list\", \"set\", \"map\".\n" +
				"p.yaml:7,35-36: Missing key: \"create\" is missing: the call that makes one child.\n" +
				"p.yaml:7,35-36: Missing key: \"delete\" is missing: the call that removes one child.\n"},
		"nothing of a type": {head + "types: {t: {}}\n", "p.yaml:3,9-10: Missing verb: The type \"t\" has no create and no find: it is neither a resource nor a data source.\n"},
		"half a resource": {head + "types: {t: {create: createNetwork}}\n",
			"p.yaml:3,9-10: Missing verb: The type \"t\" has no read: what was created could never be compared.\n" +
				"p.yaml:3,9-10: Missing verb: The type \"t\" has no delete: what was created could never be removed.\n" +
				"p.yaml:3,9-10: Missing verb: The type \"t\" has no identity: an interrupted create could not be found again.\n"},
		"two identities": {head + "types: {t: {find: l, identity: {marker: x, serial: true}}}\n",
			"p.yaml:3,32-33: One identity expected: An interrupted create is found again in exactly one way: natural, marker, reserve, serial or repeat.\n"},
		"calls": {head + "types: {t: {find: {call: a, method: GET}, read: {method: GET}, update: [{}], delete: {wait: {every: soon}, call: a}}}\n",
			"p.yaml:3,19-20: Contradictory call: A call is a command, or a method and a path, not both.\n" +
				"p.yaml:3,49-50: Incomplete call: A call over HTTP has both a method and a path.\n" +
				"p.yaml:3,73-74: Missing key: \"call\" is missing: the API command, or method and path for transport http.\n" +
				"p.yaml:3,101-105: Duration expected: This is the value \"soon\"; write a duration such as \"30s\" or \"10m\".\n" +
				""},
		"waits": {head + "types: {t: {create: {call: a, wait: {every: 1s}}, read: b, delete: {call: c, wait: {every: 1s}}, identity: {serial: true}, blocks: {x: {nesting: list, attributes: {k: {type: string}}, children: {key: [k], list: l, create: {call: d, wait: {until: \"${true}\"}}, delete: e}}}}}\n",
			"p.yaml:3,21-22: Missing key: wait of a has no \"until\": the template that becomes true. Only a delete can do without; it waits until the object is gone.\n" +
				"p.yaml:3,223-224: Nothing to wait for: d of a child cannot wait: what is read is the object around it. Leave wait out, or make the children a type of their own.\n"},
		"transport": {"plugin: p\nversion: 1.0.0\ntransport: http\ntypes: {t: {find: {call: a}}}\n",
			"p.yaml:4,19-20: Call does not fit the transport: Calls of transport http are written with method and path.\n"},
		"requires": {head + "types: {t: {find: l, requires: [{say: x}]}}\n", "p.yaml:3,33-34: Missing key: \"that\" is missing: the template that must be true.\n"},
		"crlf":     {"plugin: p\r\nversion: 1.0\r\nsteps: {s: {}}\r\n", "p.yaml:2,10-13: Invalid version: \"1.0\" is not a version such as 1.0.0.\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, diags := Parse("p.yaml", []byte(tt.src))
			if diff := cmp.Diff(tt.want, spell(diags)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(head + "steps: {s: {}}\n")
	f.Add("a: &a [*a]\n")
	f.Add(wrap("      a: {type: \"object({x=optional(string)})\", default: {x: y}}\n"))
	f.Fuzz(func(_ *testing.T, src string) { Parse("p.yaml", []byte(src)) })
}
