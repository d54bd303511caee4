package reference

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/moldctl/moldctl/sdk/pluginspec"
)

// object is a piece of JSON Schema.
type object = map[string]any

// Schema is the JSON Schema of a plugin.yaml. Its keys, and how each is read,
// are the parser's own; only where a value may be of several forms is that said
// here.
func Schema() ([]byte, error) {
	defs := object{"call-or-command": oneOf(object{"type": "string"}, ref("a call")), "scalar": scalar, "templates": mapOf(ref("scalar")), "any-verb": verbForms()}
	forms := forms()
	keys := pluginspec.Keys()
	for _, what := range slices.Sorted(maps.Keys(keys)) {
		properties := object{}
		for _, name := range slices.Sorted(maps.Keys(keys[what])) {
			place := what + ": " + name
			form, ok := forms[place]
			if !ok {
				if form = ofKind(keys[what][name]); form == nil {
					return nil, fmt.Errorf("the schema does not say of what form %s is", place)
				}
			}
			properties[name] = form
			delete(forms, place)
		}
		defs[definition(what)] = object{"type": "object", "properties": properties, "additionalProperties": false}
	}
	if len(forms) > 0 {
		return nil, fmt.Errorf("the schema speaks of keys that the parser does not have: %v", slices.Sorted(maps.Keys(forms)))
	}
	root := defs[definition("a plugin.yaml")].(object)
	delete(defs, definition("a plugin.yaml"))
	root["required"] = []string{"plugin", "version"}
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "plugin.yaml of moldctl"
	root["$defs"] = defs
	text, err := json.MarshalIndent(root, "", "  ")
	return append(text, '\n'), err
}

var scalar = object{"type": []string{"string", "number", "boolean"}}

func ref(what string) object { return object{"$ref": "#/$defs/" + definition(what)} }

// definition is the name of a mapping among the definitions: call, attribute.
func definition(what string) string {
	for _, article := range []string{"a ", "an "} {
		what = strings.TrimPrefix(what, article)
	}
	return strings.ReplaceAll(what, " ", "-")
}

func mapOf(values object) object { return object{"type": "object", "additionalProperties": values} }

func listOf(items object) object { return object{"type": "array", "items": items} }

func oneOf(forms ...object) object { return object{"anyOf": forms} }

// verbForms are the forms of a verb: a command, a call, calls, or code.
func verbForms() object {
	return oneOf(object{"type": "string"}, ref("a call"), listOf(ref("call-or-command")), ref("a verb"), ref("a verb with a handler"))
}

// forms are the values that are not plain, by place.
func forms() map[string]any {
	out := map[string]any{
		"a plugin.yaml: http": ref("http"), "a plugin.yaml: types": mapOf(ref("a type")), "a plugin.yaml: steps": mapOf(ref("a step")),
		"a plugin.yaml: version": object{"type": "string", "pattern": `^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`},
		"a plugin.yaml: plugin":  object{"type": "string", "pattern": `^[a-z][a-z0-9-]*$`},
		"a type: actions":        mapOf(ref("an action")), "an action: call": ref("call-or-command"), "a type: identity": ref("identity"), "a type: requires": listOf(ref("requires")), "a type: renamed": mapOf(object{"type": "string"}), "a type: blocks": mapOf(ref("a block")),
		"a type: find": oneOf(ref("a call"), ref("find with a handler")),
		"a type: plan": oneOf(object{"type": "boolean"}, ref("this verb")), "a type: check": oneOf(object{"type": "boolean"}, ref("this verb")),
		"a type: upgrade": oneOf(object{"type": "boolean"}, ref("this verb")),
		"a block: blocks": mapOf(ref("a block")), "a block: children": ref("children"),
		"a verb: calls": listOf(ref("call-or-command")), "a call: wait": ref("wait"), "a call: join": oneOf(object{"type": "string"}, ref("join")), "a call: needs_state": oneOf(object{"enum": pluginspec.Keys()["needs_state"]["state"].Words}, ref("needs_state")),
		"an attribute: default": object{}, "an attribute: assign": ref("assign"), "an attribute: example": object{}, "an attribute: replace": object{"type": []string{"boolean", "string"}},
		"identity: natural": oneOf(ref("templates"), listOf(object{"type": "string"})),
		"http: auth":        ref("auth"), "http: errors": ref("errors"), "http: tls": ref("tls"), "auth: basic": ref("basic"),
	}
	style := pluginspec.Keys()["paging"]["style"].Words
	for _, place := range []string{"http: paging", "a call: paging"} {
		out[place] = oneOf(object{"enum": style}, ref("paging"))
	}
	for _, place := range []string{"a plugin.yaml: config", "a type: attributes", "a block: attributes", "a step: attributes", "an action: arguments"} {
		out[place] = mapOf(ref("an attribute"))
	}
	for _, verb := range []string{"create", "read", "update", "delete", "prune"} {
		out["a type: "+verb] = ref("any-verb")
	}
	for _, name := range []string{"list", "create", "update", "delete", "order"} {
		out["children: "+name] = ref("call-or-command")
	}
	for _, name := range []string{"add", "remove", "list"} {
		out["assign: "+name] = ref("call-or-command")
	}
	for _, place := range []string{"a call: params", "a call: query", "a call: headers", "a call: body", "http: headers", "auth: header", "auth: query"} {
		out[place] = ref("templates")
	}
	for _, name := range []string{"gone", "conflict", "retry"} {
		out["errors: "+name] = oneOf(object{"type": "integer"}, listOf(object{"type": "integer"}))
	}
	return out
}

// ofKind is the form of a plain value; nil when the parser does not say.
func ofKind(k pluginspec.Key) any {
	switch k.Kind {
	case "text":
		if len(k.Words) > 0 {
			return object{"enum": k.Words}
		}
		return ref("scalar")
	case "bool":
		return object{"type": "boolean"}
	case "integer", "number":
		return object{"type": k.Kind}
	case "duration":
		return object{"type": "string", "pattern": `^([0-9.]+(ns|us|µs|ms|s|m|h))+$`}
	case "texts":
		item := ref("scalar")
		if len(k.Words) > 0 {
			item = object{"enum": k.Words}
		}
		return oneOf(item, listOf(item))
	}
	return nil
}
